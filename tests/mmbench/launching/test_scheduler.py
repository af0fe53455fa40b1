"""Whole runs through the command line: failures stay in their cell, nothing is done twice, bad input is one line."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.store.folder import CellFolder

Cli = Callable[..., subprocess.CompletedProcess[str]]

RAISES = '''
"""A method that raises while training."""
import torch
from mmbench.method import Method

NAME = "raises"
TITLE = "Raises"
CLASS = "Broken"
ACCESS = "seen-groups"
GROUP = "baselines"
KINDS = ("cross-modal",)


class Broken(Method):
    def __init__(self, context):
        super().__init__(context)
        self.layer = torch.nn.Linear(1, 1)

    def networks(self):
        return {"encoder/x": self.layer}

    def forward(self, batch, stage):
        raise RuntimeError("this method is broken")

    def loss(self, player, batch, made, stage):
        return {"loss": self.layer.weight.sum() * float("nan")}

    def translate(self, inputs, translation, *, sample=0):
        raise NotImplementedError
'''
CHILD = RAISES.replace('"raises"', '"child"').replace("KINDS", 'PARENT = "raises"\nKINDS')
NAN = RAISES.replace('"raises"', '"nan"').replace('raise RuntimeError("this method is broken")', "return None")


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    (folder / "methods").mkdir(parents=True)
    for name, text in (("raises", RAISES), ("child", CHILD), ("nan", NAN)):
        (folder / "methods" / f"{name}.py").write_text(text)
    (folder / "methods" / "unreadable.py").write_text("NAME = 'unreadable'\ndef (")
    return folder


def test_a_failing_method_takes_down_its_own_cell_only(run_cli: Cli, plugins: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = run_cli(
        "run", "--profile", "smoke", "--methods", "raises,child,nan,prior", "--runs", str(runs), plugins=plugins
    )
    assert done.returncode == 1, done.stderr
    folder = runs / "synthetic" / "smoke"
    assert CellFolder(folder / "prior" / "seed-0").state() == "done"
    assert CellFolder(folder / "raises" / "seed-0").state() == "failed"
    assert "this method is broken" in (folder / "raises" / "seed-0" / "traceback.txt").read_text()
    assert CellFolder(folder / "nan" / "seed-0").state() == "diverged"
    assert CellFolder(folder / "child" / "seed-0").state() == "absent"
    assert "child/seed-0: blocked" in done.stdout
    assert "Per-pixel prior" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr

    again = run_cli("run", "--profile", "smoke", "--methods", "prior", "--runs", str(runs))
    assert again.returncode == 0
    assert "1 found done" in again.stdout


def test_an_unreadable_plug_in_is_listed_with_the_reason(run_cli: Cli, plugins: Path) -> None:
    listed = run_cli("list", "methods", plugins=plugins)
    assert listed.returncode == 0
    assert "unreadable" in listed.stdout
    assert "SyntaxError" in listed.stdout


COUNTS = (
    RAISES.replace('"raises"', '"counts"')
    .replace(
        'raise RuntimeError("this method is broken")',
        "return None",
    )
    .replace(
        "super().__init__(context)",
        "super().__init__(context)\n        open(__file__ + '.count', 'a').write('built\\n')",
    )
    .replace('float("nan")', "0.0")
    .replace("raise NotImplementedError", "return torch.ones(len(inputs['depth']), 16, 16).long()")
)


def test_two_runs_at_once_do_each_cell_once(run_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "plugins" / "methods").mkdir(parents=True)
    method = tmp_path / "plugins" / "methods" / "counts.py"
    only_depth = "\n    def translations(self):\n        return self.task.unseen[:1]\n"
    method.write_text(COUNTS + only_depth)
    ends: list[subprocess.CompletedProcess[str]] = []
    arguments = ("run", "--profile", "smoke", "--methods", "counts", "--runs", str(tmp_path / "runs"))
    threads = [
        threading.Thread(target=lambda: ends.append(run_cli(*arguments, plugins=tmp_path / "plugins")))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [end.returncode for end in ends] == [0, 0], [end.stdout for end in ends]
    assert method.with_name("counts.py.count").read_text() == "built\n", "a cell was done twice"


def test_a_damaged_folder_is_reported_and_redone_with_the_old_one_kept(run_cli: Cli, tmp_path: Path) -> None:
    arguments = ("run", "--profile", "smoke", "--methods", "prior,majority", "--runs", str(tmp_path))
    assert run_cli(*arguments).returncode == 0
    broken = tmp_path / "synthetic" / "smoke" / "prior" / "seed-0"
    (broken / "result.json").write_text('{"rows": [')
    report = run_cli("report", "--runs", str(tmp_path))
    assert report.returncode == 0
    assert "prior/seed-0: damaged" in report.stdout
    assert "Majority" in report.stdout
    assert "Provenance: " not in report.stdout and "Also written: " in report.stdout, "details are for who asks"
    of_one = ("--runs", str(tmp_path), "--dataset", "synthetic", "--profile", "smoke")
    shutil.copytree(tmp_path / "synthetic", tmp_path / "halls")
    alone = run_cli("report", "provenance", *of_one).stdout
    shutil.rmtree(tmp_path / "halls")
    assert "Provenance: synthetic" in alone and "halls" not in alone
    again = run_cli(*arguments)
    assert again.returncode == 0
    assert CellFolder(broken).state() == "done"
    assert (broken.with_name("seed-0.old-1") / "result.json").read_text() == '{"rows": ['


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "--methods", "mmnett"), "no method named 'mmnett' (did you mean 'mmnet'?)"),
        (("run", "--dataset", "synthetik"), "no dataset named 'synthetik' (did you mean 'synthetic'?)"),
        (("run", "--profile", "laptob"), "no profile named 'laptob' (did you mean 'laptop'?)"),
        (("run", "--metods", "mmnet"), "unknown option '--metods' (did you mean '--methods'?)"),
        (("run", "--set", "side_infomation=skip"), "did you mean 'side_information'?"),
        (("run", "--set", "profile.stepps=3"), "unknown key 'stepps' (did you mean 'steps'?)"),
        (("run", "--set", "noise"), "expected key=value"),
        (("run", "--methods", "mmnet", "--set", "pretrained=3"), "pretrained expects str"),
        (("run", "--seeds", "zero"), "--seeds 'zero': expected whole numbers"),
        (("run", "--jobs", "-1"), "--jobs -1: expected 1 or more"),
        (("run", "--device", "tpu"), "--device 'tpu': expected auto, cpu or cuda"),
        (("run", "--dataset", "flowers"), "needs its images: give --data-root FOLDER"),
        (("run", "--dataset", "flowers", "--data-root", "nowhere"), "nowhere"),
        (("report", "--runs", "nowhere"), "--runs nowhere: no such folder"),
        (("report", "--runs", "."), "--runs .: no results in it, expected <dataset>/<profile>/<method>/seed-<n>"),
        (("report", "--jobs=2"), "--jobs is an option of run: write it after that command"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    run_cli: Cli, arguments: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    runs = () if "--runs" in arguments else ("--runs", str(tmp_path))
    done = run_cli(*arguments, *runs)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir()), "nothing may be written for a mistyped command"


@pytest.mark.parametrize("arguments", ["['--help']", "['list']", "['run', '--dry-run']"])
def test_answers_without_importing_torch(arguments: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom mmbench.commands.main import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit:\n    pass\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
