"""The code in the pages does what they say: every block is run, or named here with the reason why not.

Nothing in a block is changed. What it reads stands in the folder that it runs in: ``DATA`` with every data set, small
and in its official format, ``my-images``, ``a.png``, ``b.png`` and ``clip.mp4``, finished cells at smoke size in
``runs``, and the pages' plug-ins in ``~/plugins``. Trainings are planned (``--dry-run``), downloads and installations
are read only.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import documents
import numpy as np
import pytest
from documents import Block
from PIL import Image

import mmbench
from mmbench.commands import main as commands
from mmbench.inference.sequences import film
from mmbench.planning import config
from mmbench.plugins import catalog

BLOCKS = list(documents.blocks())
PLUG_INS = [block for block in BLOCKS if block.kind == documents.WHOLE]
ADDING = [block for block in PLUG_INS if block.page == "adding.md"]
FOLDERS = ("methods", "datasets", "reports", "metrics")
CLUSTER = "cluster.toml"  # named by the page on clusters
SIZE = (24, 32)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[Path]:
    """The folder that blocks run in, made once."""
    home = tmp_path_factory.mktemp("home")
    documents.make_data(home / "DATA")
    documents.make_own(home / "my-images")
    for name in ("a.png", "b.png"):
        Image.fromarray(np.linspace(500, 5000, 24 * 32).astype(np.uint16).reshape(SIZE)).save(home / name)
    with film(home / "clip.mp4", Fraction(10)) as clip:
        clip.add(np.zeros((*SIZE, 3), np.uint8))
    for block in ADDING:
        path = home / "plugins" / block.plug_in
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMBENCH_CACHE", str(cache_folder))
        patch.delenv("MMBENCH_DATA", raising=False)
        patch.setenv("MMBENCH_PLUGINS", str(home / "plugins"))  # for the page's metric
        outcomes = mmbench.run(methods=["mmnet", "oracle"], profile="smoke", runs=home / "runs")
        assert set(outcomes.values()) == {"done"}
        # Pages show cells of the profile laptop, which takes minutes.
        shutil.copytree(home / "runs/synthetic/smoke/mmnet", home / "runs/synthetic/laptop/mmnet")
        yield home


@pytest.fixture
def home(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one block's own, and the current one."""
    for name in ("DATA", "plugins"):
        (tmp_path / name).symlink_to(prepared / name)
    (tmp_path / "reports/reference").mkdir(parents=True)
    for path in (documents.ROOT / "reports/reference").glob("*.toml"):
        shutil.copy(path, tmp_path / "reports/reference")
    for name in ("my-images", "path/to/my-images", "runs"):
        shutil.copytree(prepared / Path(name).name, tmp_path / name)
    shutil.copytree(prepared / "runs", tmp_path / "their-runs")
    (table,) = (block for block in BLOCKS if block.page == "clusters.md" and block.kind == documents.TOML)
    (tmp_path / CLUSTER).write_text(table.text, encoding="utf-8")
    for name in ("a.png", "b.png", "clip.mp4"):
        shutil.copy(prepared / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMBENCH_PLUGINS", raising=False)
    return tmp_path


def run_line(words: list[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command of a page. Fails on a command that nothing here knows."""
    words = list(words)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        set_variable(words.pop(0), home, monkeypatch)
    match words:
        case ["export", assignment]:
            set_variable(assignment, home, monkeypatch)
        case ["python", "-m", "mmbench", "data", "download", *_]:
            assert commands._parser().parse_args(words[3:])
        case ["python", "-m", "mmbench", "run", *_]:
            assert commands.main([*words[3:], "--dry-run"]) == 0
        case ["python", "-m", "mmbench", "data", "verify", *_]:
            assert commands.main(words[3:]) in (0, 1), "1: it found problems, such as objects of no known class"
        case [
            "python",
            "-m",
            "mmbench",
            "config" | "check" | "completion" | "new" | "data" | "list" | "papers" | "report" | "status" | "translate",
            *_,
        ]:
            assert commands.main(words[3:]) == 0
        case ["python", "-m", "mmbench", "export" | "merge" | "pack" | "side-information", *_]:
            assert commands.main(words[3:]) == 0
        case ["python", "-m", "mmbench", "reference", "add" | "tables" | "check", *_]:  # into the current folder
            assert commands.main(words[3:]) == 0
        case ["pytest", "-m", "slow", *paths]:  # it would take hours
            assert paths and all((documents.ROOT / path).exists() for path in paths)
        case ["pytest", *arguments]:
            run_pytest(arguments)
        case ["python", "-m", "benchmarks.capacity"]:
            monkeypatch.syspath_prepend(documents.ROOT)
            assert importlib.import_module("benchmarks.capacity").main([]) == 0
        case ["python", "-m", "benchmarks.tries", *arguments]:
            monkeypatch.syspath_prepend(documents.ROOT)
            assert importlib.import_module("benchmarks.tries.__main__").main([*arguments, "--dry-run"]) == 0
        case ["python", "-m", "mmbench.plugins.protocol"]:  # it would edit the checkout
            assert importlib.util.find_spec(words[2])
        case ["pip", "install", "-e", "." | ".[slurm]" | ".[tensorboard]"]:
            assert (documents.ROOT / "pyproject.toml").is_file()
        case ["pip", "install", "tox"] | ["tox"]:
            assert (documents.ROOT / "tox.ini").is_file()
        case _:
            pytest.fail(f"nothing here runs {' '.join(words)!r}")


def set_variable(assignment: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, value = assignment.partition("=")
    path = home / value.removeprefix("~/")
    assert not value or path.exists(), f"{assignment}: there is no {path}"
    monkeypatch.setenv(name, str(path) if value else "")


def run_pytest(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments],
        cwd=documents.ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed", done.stdout.splitlines()[-1]), done.stdout


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == documents.SHELL], ids=lambda block: block.name)
def test_shell(block: Block, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if block.downloads():
        pytest.skip("fetches a data set with the shell's tools")
    if block.page == "adding.md":
        monkeypatch.setenv("MMBENCH_PLUGINS", str(home / "plugins"))
    for words in block.lines():
        run_line(words, home, monkeypatch)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == documents.PYTHON], ids=lambda block: block.name)
def test_python(block: Block, home: Path) -> None:
    in_hand = {"metres": np.full(SIZE, 2.0, np.float32), "rgb": np.zeros((*SIZE, 3), np.uint8)}
    exec(compile(block.text, block.name, "exec"), in_hand)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == documents.TOML], ids=lambda block: block.name)
def test_toml(block: Block, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    table = tomllib.loads(block.text)
    if "project" in table:
        assert set(table["project"]["entry-points"]) <= {f"mmbench.{folder}" for folder in FOLDERS}
    elif "launcher" in table:
        words = ["run", "--launcher", "slurm", "--launcher-config", CLUSTER, "--profile", "smoke", "--dry-run"]
        assert commands.main(words) == 0
        assert "partition main, account vision, gres gpu:1" in capsys.readouterr().out
    elif "run" in table:
        (home / "benchmark.toml").write_text(block.text, encoding="utf-8")
        assert commands.main(["run", "benchmark.toml", "--dry-run"]) == 0
        assert "9 cells on 2 data sets" in capsys.readouterr().out
    elif "variants" in table:
        check_variants(block, home, monkeypatch)
    elif block.page == "your-own-images.md":
        (home / "my-images" / "dataset.toml").write_text(block.text, encoding="utf-8")
        assert commands.main(["data", "verify", "my-images"]) == 0
    elif block.page == "brain-mri.md":
        assert (home / "DATA" / "lgg_mri" / "dataset.toml").read_text(encoding="utf-8") == block.text
        assert commands.main(["data", "verify", "DATA/lgg_mri"]) == 0
    else:
        pytest.fail(f"{block.name}: nothing here reads a TOML file with {', '.join(table)}")


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == documents.JSON], ids=lambda block: block.name)
def test_json(block: Block, home: Path) -> None:
    """A part of a result as it stands in the runs folder."""
    result = json.loads((home / "runs/synthetic/smoke/mmnet/seed-0/result.json").read_text())
    assert json.loads(block.text).keys() <= result.keys()


def check_variants(block: Block, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A method of another name with M&MNets' TOML and the block at its end has the variant's settings."""
    folder = home / "more" / "methods"
    folder.mkdir(parents=True)
    house = catalog.find("methods", "mmnet").path
    (folder / "other.py").write_text(house.read_text().replace('NAME = "mmnet"', 'NAME = "other"'))
    (folder / "other.toml").write_text(f"{house.with_suffix('.toml').read_text()}\n{block.text}")
    monkeypatch.setenv("MMBENCH_PLUGINS", str(home / "more"))
    for name, changes in tomllib.loads(block.text)["variants"].items():
        card = catalog.find("methods", name)
        assert card["TITLE"] == changes["title"]
        stages = {
            stage.name: stage for stage in config.resolve(card, config.profile("laptop", ""), "cross-modal", {}).stages
        }
        for stage, options in changes["stages"].items():
            assert options.items() <= stages[stage].options.items()


def test_the_pages_plug_ins_are_listed(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MMBENCH_PLUGINS", str(home / "plugins"))
    assert ADDING
    assert commands.main(["list"]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    for block in ADDING:
        named = re.search(r'^NAME = "(.+)"$', block.text, re.MULTILINE)
        assert (named[1] if named else Path(block.plug_in).stem) in listed, block.name
    assert not [card.problem for folder in FOLDERS for card in catalog.cards(folder).values() if card.problem]


def test_the_pages_plug_ins_run_together(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The methods on the data sets, then the reports."""
    monkeypatch.setenv("MMBENCH_PLUGINS", str(home / "plugins"))
    names = {
        folder: [card.name for card in catalog.cards(folder).values() if card.path.is_relative_to(home / "plugins")]
        for folder in FOLDERS
    }
    assert all(names.values()), "the page shows a method, a data set, a report and a metric"
    for dataset in names["datasets"]:
        methods = names["methods"]
        outcomes = mmbench.run(
            methods=methods, dataset=dataset, profile="smoke", data_root=home / "DATA", runs=home / "new"
        )
        assert len(outcomes) == len(methods)
        assert set(outcomes.values()) == {"done"}
    assert commands.main(["report", *names["reports"], "--runs", str(home / "new")]) == 0
    for name in names["reports"]:
        assert list((home / "new" / "report").glob(f"{name}.*"))


def test_the_pages_metric_keeps_its_contract_and_stands_in_results(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [Path(block.plug_in).stem for block in ADDING if block.plug_in.startswith("metrics/")]
    assert set(shown) <= set(mmbench.results(home / "runs")["metric"])
    monkeypatch.setenv("MMBENCH_PLUGINS", str(home / "plugins"))
    text = (documents.ROOT / "docs" / "adding.md").read_text()
    held = re.findall(r"`python\s+-m\s+mmbench\s+check\s+(\S+)`", text)
    assert set(shown) <= set(held)
    for name in shown:
        assert commands.main(["check", name]) == 0


def test_the_readmes_method_is_that_of_the_page() -> None:
    shown = [block for block in PLUG_INS if block.page == "README.md"]
    assert shown
    assert {(block.plug_in, block.text) for block in shown} <= {(block.plug_in, block.text) for block in ADDING}


def test_the_launcher_of_the_page_carries_out_a_plan(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``ssh`` is a stand-in that stays here; the two cells of which one waits for the other end on one host."""
    (block,) = (block for block in PLUG_INS if block.plug_in == "launchers/ssh.py")
    path = home / "more" / block.plug_in
    path.parent.mkdir(parents=True)
    path.write_text(block.text, encoding="utf-8")
    (home / "ssh").write_text('#!/bin/sh\necho "$2" >> "$0.hosts"\nexec sh -c "$3"\n')
    (home / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(home), prepend=os.pathsep)
    monkeypatch.setenv("MMBENCH_PLUGINS", str(home / "more"))
    (home / "ssh.toml").write_text('[launcher.ssh]\nhosts = ["blade"]\n')
    words = ["run", "--launcher", "ssh", "--launcher-config", "ssh.toml", "--methods", "mmnet,mmnet-pp"]
    assert commands.main([*words, "--profile", "smoke", "--runs", "far"]) == 0
    assert "ssh: a cell at a time on blade" in (shown := capsys.readouterr().out) and "2 done" in shown
    assert (home / "ssh.hosts").read_text() == "blade\nblade\n"
    (home / "ssh.toml").write_text("[launcher.ssh]\n")
    assert commands.main([*words, "--profile", "smoke", "--runs", "far"]) == 2
    assert "ssh.toml: [launcher.ssh]: hosts is missing" in capsys.readouterr().err


def test_the_sink_of_the_page_takes_what_is_logged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (block for block in PLUG_INS if block.page == "tracking.md")
    path = home / "more" / block.plug_in
    path.parent.mkdir(parents=True)
    path.write_text(block.text, encoding="utf-8")
    monkeypatch.setenv("MMBENCH_PLUGINS", str(home / "more"))
    words = ["--methods", "prior", "--profile", "smoke", "--runs", "new"]
    assert commands.main(["run", "--log", "table", *words]) == 0
    rows = (home / "new/synthetic/smoke/prior/seed-0/table/numbers.csv").read_text().splitlines()
    logged = (home / "new/synthetic/smoke/prior/seed-0/log.jsonl").read_text().splitlines()
    assert [row.split(",")[2] for row in rows] == ["lr", "images_per_second"] * len(logged)


def test_a_block_of_no_known_kind_is_refused() -> None:
    for language, text in (("rust", "fn main() {}"), ("python", 'NAME = "x"\n')):
        with pytest.raises(ValueError, match=r"page\.md:7: "):
            Block("page.md", 7, language, text, "For example:").kind  # noqa: B018
