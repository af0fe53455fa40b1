"""The command ``list``: what a choice of methods goes by, what can run on a data set, and plain output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench.commands.main import main
from mmbench.plugins import catalog

Show = pytest.CaptureFixture[str]
CARDS = catalog.cards("methods")


def test_methods_are_listed_with_what_a_choice_goes_by(capsys: Show) -> None:
    assert main(["list", "methods"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "name" and head.endswith("source")
    assert [row.split()[0] for row in rows] == list(CARDS)
    (row,) = (row for row in rows if row.startswith("cyclegan-domains "))
    for part in (
        CARDS["cyclegan-domains"]["TITLE"],
        "cross-domain",
        "scalability",
        "unpaired",
        "Zhu et al., ICCV 2017",
    ):
        assert f"  {part}" in row


def test_on_a_terminal_titles_and_sources_are_folded(monkeypatch: pytest.MonkeyPatch, capsys: Show) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["list", "methods"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 100 < max(map(len, lines)) <= 120
    assert [line.split()[0] for line in lines[2:] if line[0] != " "] == list(CARDS)
    start = next(number for number, line in enumerate(lines) if line.startswith("cyclegan-anchor "))
    end = next(number for number, line in enumerate(lines) if line.startswith("cyclegan-domains "))
    words = {word for line in lines[start:end] for word in line.split()}
    expected = [CARDS["cyclegan-anchor"][key] for key in ("TITLE", "ACCESS", "CITATION")]
    assert words >= {word for text in expected for word in text.split()} | {"cross-domain"}


@pytest.mark.parametrize("dataset", ["flowers", "artworks", "synthetic"])
def test_what_can_run_on_a_data_set_and_why_others_cannot(dataset: str, capsys: Show) -> None:
    kind = catalog.find("datasets", dataset)["KIND"]
    assert main(["list", "methods", "--dataset", dataset]) == 0
    can, _, cannot = capsys.readouterr().out.partition("\ncannot run on it:\n")
    head, _, _, _, *rows = can.splitlines()
    assert head == f"{dataset}, {kind}:"
    lacking = {name for name, card in CARDS.items() if catalog.lacking(card)}
    fitting = {name for name, card in CARDS.items() if kind in card["KINDS"] and card.get("ROLE") != "judge"}
    assert {row.split()[0] for row in rows if row} == fitting - lacking
    reasons = {line.split()[0]: line for line in cannot.splitlines()}
    assert reasons.keys() == CARDS.keys() - fitting | (lacking & fitting)
    assert "a judge: it scores" in reasons["judge-domains"]
    assert f"cannot do {kind} tasks" in " ".join(reasons.values())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["methods", "--dataset", "flowrs"], "no dataset named 'flowrs' (did you mean 'flowers'?)"),
        (["--dataset", "flowers"], "--dataset is for methods: mmbench list methods --dataset flowers"),
        (["reports", "--dataset", "flowers"], "--dataset is for methods"),
    ],
)
def test_bad_input_is_one_line(words: list[str], line: str, capsys: Show) -> None:
    assert main(["list", *words]) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1


def test_a_package_that_is_not_installed_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Show
) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "far.py").write_text(
        'NAME = "far"\nTITLE = "x"\nCLASS = "X"\nACCESS = "unpaired"\nGROUP = "baselines"\nKINDS = ("cross-modal",)\n'
        'REQUIRES = {"no_such_package": "no-such-package"}\n'
    )
    (tmp_path / "methods" / "odd.py").write_text('NAME = "odd"\n')
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path))
    assert main(["list", "methods", "--dataset", "synthetic"]) == 0
    _, _, cannot = capsys.readouterr().out.partition("\ncannot run on it:\n")
    assert "pip install 'no-such-package'" in next(line for line in cannot.splitlines() if line.startswith("  far "))
    assert "cannot be read: lacks TITLE" in next(line for line in cannot.splitlines() if line.startswith("  odd "))


def test_nothing_asked_is_answered_with_three_commands_and_no_success(capsys: Show) -> None:
    assert main([]) == 2
    said = capsys.readouterr()
    assert not said.out
    begun = [line.split()[:2] for line in said.err.splitlines() if line.startswith("  mmbench")]
    assert begun == [["mmbench", "run"], ["mmbench", "run"], ["mmbench", "list"]]


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list"], ["list", "methods"], ["lsit"], []])
def test_piped_output_has_no_colours(words: list[str]) -> None:
    """Not even where the environment asks Python for them: what is not printable would be written out."""
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    done = subprocess.run(
        [sys.executable, "-m", "mmbench", *words], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr and "\\x1b" not in done.stdout + done.stderr
