"""The command ``new``: what it writes is clean, keeps its contract and passes its own test; bad names write nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench.commands.check import KINDS
from mmbench.commands.main import main
from mmbench.commands.new import rendered
from mmbench.plugins import catalog

ROOT = Path(__file__).parents[3]
SETTINGS = ROOT / "pyproject.toml"
NAMES = ("mine", "my-method_2", "batch", "none", "a" * 40)

Show = pytest.CaptureFixture[str]


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_is_clean(kind: str, tmp_path: Path) -> None:
    """By this project's rules, whatever the name, in a folder to which mmbench is a library."""
    for name in NAMES:
        for path, text in rendered(kind, name).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "--config", str(SETTINGS), "."],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_is_found_and_passes_its_own_test(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Show
) -> None:
    """Its test holds it against the contract first."""
    assert main(["new", kind, f"own-{kind}", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert f"export MMBENCH_PLUGINS={tmp_path}\n" in printed
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path))
    card = catalog.find(f"{kind}s", f"own-{kind}")
    assert card["TITLE"] == f"Own {kind}"
    monkeypatch.delenv("MMBENCH_PLUGINS")
    (test,) = (tmp_path / "tests").iterdir()
    assert f"pytest {test}\n" in printed
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["method", "3d"], "method '3d': expected a letter, then letters, digits, '-' and '_', at most 80"),
        (["method", "a b"], "method 'a b': expected a letter"),
        (["method", "../x"], "method '../x': expected a letter"),
        (["method", ""], "method '': expected a letter"),
        (["method", "ünet"], "method 'ünet': expected a letter"),
        (["method", "a" * 81], "expected a letter, then letters, digits, '-' and '_', at most 80"),
        (["method", "class"], "method 'class': a word of Python; choose another name"),
        (["method", "all"], "method 'all': a word of mmbench; choose another name"),
        (["metric", "correct"], "metric 'correct': a word of mmbench; choose another name"),
        (["method", "mmnet-pp"], "method 'mmnet-pp': taken by"),
        (["dataset", "synthetic"], "dataset 'synthetic': taken by"),
        (["metric", "miou"], "metric 'miou': taken by a score of the metric 'segmentation'"),
        (["report", "cost"], "report 'cost': taken by"),
        (["methd", "x"], "kind 'methd' is unknown (did you mean 'method'?)"),
    ],
)
def test_a_bad_name_is_one_line_and_writes_nothing(words: list[str], line: str, tmp_path: Path, capsys: Show) -> None:
    assert main(["new", *words, "--out", str(tmp_path / "plugins")]) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there", ["methods/mine.py", "methods/mine.toml", "tests/test_method_mine.py"])
def test_nothing_is_written_over_a_file(there: str, tmp_path: Path, capsys: Show) -> None:
    (tmp_path / there).parent.mkdir()
    (tmp_path / there).write_text("mine")
    assert main(["new", "method", "mine", "--out", str(tmp_path)]) == 2
    assert f"{tmp_path / there}: there already; choose another name" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path, capsys: Show) -> None:
    (tmp_path / "plugins").touch()
    assert main(["new", "method", "mine", "--out", str(tmp_path / "plugins" / "own")]) == 2
    assert f"{tmp_path / 'plugins'} is no folder; name another one" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_leaves_none(tmp_path: Path, capsys: Show) -> None:
    (tmp_path / "tests").touch()
    assert main(["new", "report", "mine", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.rglob("*.py"))


def test_without_out_it_goes_where_plug_ins_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMBENCH_PLUGINS", raising=False)
    assert main(["new", "report", "first"]) == 0
    assert (tmp_path / "plugins" / "reports" / "first.py").is_file()
    monkeypatch.setenv("MMBENCH_PLUGINS", "plugins")
    assert main(["new", "report", "second"]) == 0
    assert (tmp_path / "plugins" / "reports" / "second.py").is_file()
