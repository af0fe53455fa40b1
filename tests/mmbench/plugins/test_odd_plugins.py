"""A hundred odd plug-in files of a seeded generator: no command minds that does not name them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from odd_plugins import write_odd_plugins

from mmbench.commands.main import main
from mmbench.planning.plan import make_plan
from mmbench.plugins import catalog
from mmbench.plugins.rules import LONGEST, NAME

COUNT, SEED = 100, 16
METHOD = (
    'NAME = "odd"\nTITLE = "T"\nCLASS = "C"\nACCESS = "seen-groups"\nGROUP = "zero-pair"\nKINDS = ("cross-modal",)\n'
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of plug-ins with all of them, and a pipe."""
    root = tmp_path_factory.mktemp("odd")
    write_odd_plugins(root, COUNT, SEED)
    os.mkfifo(root / "methods" / "pipe.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(catalog.PLUGINS_VARIABLE, str(root))
        yield root


def cards(folder: Path) -> list[catalog.Card]:
    """What the catalog makes of them."""
    kinds = ("methods", "datasets", "reports", "metrics", "profiles")
    return [card for kind in kinds for card in catalog.cards(kind).values() if folder in card.path.parents]


def test_all_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    made = cards(folder)
    assert sum(bool(card.problem) for card in made) > COUNT / 2
    assert said.count("cannot be read") >= sum(bool(card.problem) for card in made)
    assert all(line.isprintable() for line in said.splitlines())
    assert "pipe" in said
    assert "not a regular file" in said


def test_no_name_that_can_be_used_leads_out_of_a_folder(folder: Path) -> None:
    usable = [card.name for card in cards(folder) if not card.problem]
    assert all(NAME.fullmatch(name) and len(name) <= LONGEST for name in usable)
    assert usable


@pytest.mark.parametrize("methods", [["--methods", "prior"], []])
def test_a_run_that_does_not_name_them_is_planned(
    methods: list[str], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["run", "--dry-run", "--profile", "smoke", *methods, "--runs", str(tmp_path / "runs")])
    said = capsys.readouterr()
    assert (code, "synthetic/smoke/prior/seed-0" in said.out) == (0, True), said.err
    assert ("left out" in said.out) == (not methods)


def test_a_report_is_made(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs" / "a" / "b" / "c" / "seed-0").mkdir(parents=True)
    assert main(["report", "--runs", str(tmp_path / "runs")]) == 0
    said = capsys.readouterr().out
    assert "report.html" in said
    for card in cards(folder):
        if card.folder == "reports" and card.problem:
            assert f"report {card.name}: cannot be read" in said or not card.name.isprintable()


def test_one_that_is_named_is_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {
        "methods": ["run", "--dry-run", "--profile", "smoke", "--methods"], "datasets": ["data", "verify"],
        "profiles": ["run", "--dry-run", "--methods", "prior", "--profile"],
    }  # fmt: skip
    for card in cards(folder):
        if card.folder in options and card.problem:
            assert main([*options[card.folder], card.name.replace("\x00", "")]) == 2, card
            said = capsys.readouterr().err
            assert said.count("\n") == 1, said
            assert said.startswith("mmbench: ")


@pytest.mark.parametrize(
    "odd",
    [
        'STAGES = [{"name": "train", "players": ["generator"]}]',
        'STAGES = [{"name": "train", "lr": 1e-3, "weights": 3}]',
        'STAGES = [{"name": "train", "lr": 1e-3, "share": 1e999}]',
        "[[when]]\nsettings = 3",
        "[[when]]\nkind = 5",
        "[[when]]\nstages.train = 3",
        "[variants.more]\nwhen = 3",
    ],
)
def test_somebody_elses_odd_method_takes_down_itself_alone(
    odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "methods").mkdir()
    literal, name = odd.startswith("STAGES"), "more" if "more" in odd else "odd"
    card = METHOD + (odd if literal else "")
    (tmp_path / "methods" / "odd.py").write_text(card)
    if not literal:
        (tmp_path / "methods" / "odd.toml").write_text(f"{odd}\n" + "in_all = true\n" * (name == "more"))
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    made = make_plan(["all"], "synthetic", "smoke", [0], tmp_path / "runs")
    assert "mmnet" in {cell.method for cell in made.cells}
    (note,) = [note for note in made.skipped if note.startswith(f"{name}: cannot be used (")]
    file = str(tmp_path / "methods" / ("odd.py" if literal else "odd.toml"))
    assert file in note and note.isprintable()
    assert main(["run", "--dry-run", "--profile", "smoke", "--methods", name, "--runs", str(tmp_path / "runs")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mmbench: ") and file in line


@pytest.mark.parametrize("what", ["__init__", "split", "manifest", "holds", "note", "exit"])
def test_a_data_set_that_raises_is_a_line_that_names_its_file(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "datasets").mkdir()
    file = tmp_path / "datasets" / f"badset_{what.strip('_')}.py"  # modules of one name are imported once
    raises = "raise SystemExit(3)" if what == "exit" else "raise RuntimeError('out\\nof luck')"
    head = "@property\n    def note(self)" if what == "note" else f"def {what.replace('exit', 'split')}(self, *given)"
    base = "from mmbench.datasets.synthetic import Synthetic\n"
    card = 'NAME = "badset"\nTITLE = "Bad"\nCLASS = "Bad"\nKIND = "cross-modal"\nNEEDS_ROOT = False\n'
    file.write_text(f"{base}{card}class Bad(Synthetic):\n    {head}:\n        {raises}\n")
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    run = ["run", "--dry-run", "--profile", "smoke", "--methods", "prior", "--runs", str(tmp_path / "r"), "--dataset"]
    assert main([*run, "synthetic,badset"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"mmbench: {file}:") and "'badset' cannot be " in line
    assert ("SystemExit: 3" if what == "exit" else "out of luck") in line
    assert main([*run, "synthetic"]) == 0
    if what == "split":
        assert main(["data", "verify", "badset"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"mmbench: {file}:") and "'badset' cannot be verified: RuntimeError: out of luck" in line
