"""A disk that is full at a drawn moment: one line says so, nothing is cut, and with room again the end is bit-equal.

Needs root, who may mount a small disk of memory.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from drilling import SMALL, ended, environment, litter, made, start
from two_cells import TwoCells

from mmbench.commands.main import main

FEW, MANY, COMMANDS = 1, 40, 12
ROOM = 24 << 20  # bytes of the disk
SAID = ("No space left", "GB are free", "make room")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", str(path)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def fill(disk: Path, leave: int) -> None:
    """Leave about so many bytes free."""
    here = os.statvfs(disk)
    with (disk / "ballast").open("ab") as file:
        file.write(bytes(max(0, here.f_bavail * here.f_frsize - leave)))


def size(folder: Path) -> int:
    """Bytes of its files, in the blocks that they take."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "seed", [*range(FEW), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(FEW, FEW + MANY))]
)
def test_cells_on_a_full_disk_go_on_with_room(
    seed: int, disk: Path, whole: TwoCells, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, folder = random.Random(seed), TwoCells(disk / "folder")
    folder.runs.mkdir(parents=True)
    fill(disk, chance.randrange(size(whole.path)))
    try:
        folder.run()
    except OSError as error:
        assert "No space left" in str(error)
    assert main(["report", "pictures", "--runs", str(folder.runs), "--out", str(tmp_path / "report")]) == 0
    assert main(["report", "segmentation", "--runs", str(folder.runs)]) in (0, 2)
    assert "Traceback" not in capsys.readouterr().err
    (disk / "ballast").unlink()
    assert set(folder.run().values()) == {"done"}
    for name in folder.cells:
        assert folder.made(name) == whole.made(name)
    assert not litter(folder.runs)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run through the command line."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert ended(start(command(folder / "runs"), environment(folder / "cache"), folder / "log")) == 0
    return folder


def command(runs: Path) -> list[object]:
    return ["run", "--methods", "mmnet", *SMALL, "--runs", runs]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(COMMANDS))
def test_a_command_says_that_the_disk_is_full(seed: int, disk: Path, undisturbed: Path, tmp_path: Path) -> None:
    chance, runs, log = random.Random(seed), disk / "runs", tmp_path / "log"
    where, need = environment(disk / "cache"), size(undisturbed)
    meanwhile = seed % 2 == 1
    fill(disk, need * 2 if meanwhile else chance.randrange(need))
    process = start(command(runs), where, log)
    if meanwhile:
        time.sleep(chance.uniform(2, 20))
        fill(disk, 0)
    code, said = ended(process), log.read_text(errors="replace")
    assert "Traceback" not in said
    assert (code == 0) != any(word in said for word in SAID), (code, said[-1000:])
    for arguments in (["report", "--runs", runs], ["data", "show", "synthetic", "--out", disk / "made" / "x.png"]):
        fill(disk, 0)
        assert ended(start(arguments, where, log)) in (0, 2)
    (disk / "ballast").unlink()
    assert ended(start(command(runs), where, log)) == 0
    assert "Traceback" not in log.read_text(errors="replace")
    assert made(runs) == made(undisturbed / "runs")
    assert not litter(runs)
