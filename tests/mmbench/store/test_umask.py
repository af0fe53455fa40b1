"""Files follow the umask: whoever may read one file of a run, or of its cache, may read all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = "import sys, mmbench; mmbench.run(['prior'], profile='smoke', runs=sys.argv[1], cache=sys.argv[2])"
COMMAND = "run --methods prior --profile smoke --runs {} --cache {}"
CALLS = {0o022: ["-c", RUN, "{}", "{}"], 0o027: ["-m", "mmbench", *COMMAND.split()]}


@pytest.mark.parametrize("umask", CALLS, ids=oct)
def test_files_and_folders_of_a_run(umask: int, tmp_path: Path) -> None:
    """A cell with its checkpoint and, of the command, the report."""
    places = iter((str(tmp_path / "runs"), str(tmp_path / "cache")))
    arguments = [next(places) if word == "{}" else word for word in CALLS[umask]]
    environment = {**os.environ, "MMBENCH_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *arguments], env=environment, umask=umask, capture_output=True, check=True)
    made = dict(modes(tmp_path))
    assert {"weights.safetensors", "optimizers.pt", "result.json", "rgb.npy"} <= {path.name for path in made}
    assert ("report.html" in {path.name for path in made}) == (umask == 0o027)
    wrong = {str(path): oct(mode) for path, mode in made.items() if mode != expected(path) & ~umask}
    assert not wrong


def modes(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*"):
        yield path, path.stat().st_mode & 0o777


def expected(path: Path) -> int:
    return 0o777 if path.is_dir() else 0o666
