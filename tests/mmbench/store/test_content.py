"""A data set's content: edited in place it is another, copied it is the same; what is too large says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import own_images
import pytest

from mmbench.commands.main import main
from mmbench.dataset import DataLimits, Dataset
from mmbench.errors import UserError
from mmbench.planning.plan import Plan, make_plan, make_plans, open_dataset
from mmbench.plugins.remembered import remembered
from mmbench.store import content
from mmbench.store.files import write_json


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Own images with depth as ``.npy``, written long ago; a cache folder of their own."""
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "cache"))
    remembered.cache_clear()
    folder = own_images.make_root(tmp_path / "images")
    for path in list((folder / "depth").iterdir()):
        path.unlink()
        own_images.write(folder, "depth", f"{path.stem}.npy", np.full((16, 20), 2.0, np.float32))
    for path in folder.rglob("*.*"):
        os.utime(path, (10**9, 10**9))
    yield folder
    remembered.cache_clear()


def opened(root: Path) -> Dataset:
    return open_dataset("folder", DataLimits(), root)


def edit(path: Path) -> None:
    """Other values at the same size, with the times that it had."""
    found = path.stat()
    with path.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(np.float32(3).tobytes())
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def test_edited_in_place(root: Path) -> None:
    before = content.identity(opened(root))
    edit(root / "depth" / "room0_000.npy")
    assert content.identity(opened(root)) != before


def test_a_copy_is_the_same(root: Path, tmp_path: Path) -> None:
    before = content.identity(opened(root))
    assert content.identity(opened(shutil.copytree(root, tmp_path / "elsewhere"))) == before
    os.utime(root / "depth" / "room0_000.npy")
    assert content.identity(opened(root)) == before


def test_each_file_is_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content.identity(opened(root))
    remembered.cache_clear()
    read: list[Path] = []
    digest = content._digest

    def noted(path: Path) -> str:
        read.append(path)
        return digest(path)

    monkeypatch.setattr(content, "_digest", noted)
    edit(root / "depth" / "room0_000.npy")
    content.identity(opened(root))
    assert read == [root / "depth" / "room0_000.npy"]


def test_an_edit_is_another_cell_and_another_cache(root: Path, tmp_path: Path) -> None:
    plans = []
    for _ in range(2):
        plans.append(make_plan(["prior"], "folder", "smoke", [0], tmp_path / "runs", data_root=root))
        edit(root / "depth" / "room0_000.npy")
    assert plans[0].cells[0].key != plans[1].cells[0].key
    assert plans[0].data.prepared_in != plans[1].data.prepared_in


@pytest.mark.parametrize("limit", ["BYTES", "FILES"])
def test_what_is_too_large_is_known_by_names_and_sizes(
    limit: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(content, limit, 100)
    plan = make_plan(["prior"], "folder", "smoke", [0], tmp_path / "runs", data_root=root)
    assert "120 files of 0.0 GB are known by names and sizes, not by content" in plan.found
    assert content.identity(opened(root)) == opened(root).manifest()
    assert main(["data", "verify", str(root), "--content"]) == 0
    first = capsys.readouterr().out
    edit(root / "depth" / "room0_000.npy")
    assert main(["data", "verify", str(root), "--content"]) == 1
    second = capsys.readouterr().out
    assert "depth/room0_000.npy: other content than the last time" in second
    (digest,) = (line for line in first.splitlines() if "SHA-256" in line)
    assert digest not in second


def test_an_edit_of_what_is_known_by_content_is_no_problem(root: Path) -> None:
    content.identity(opened(root))
    edit(root / "depth" / "room0_000.npy")
    (line,) = content.verify(opened(root))
    assert "SHA-256" in str(line)


def test_a_set_without_files_has_its_manifest() -> None:
    dataset = open_dataset("synthetic", DataLimits(1, 1, 1), None)
    assert content.identity(dataset) == dataset.manifest()
    assert content.remark(dataset) == ""


def test_a_pipe_among_the_images_is_a_line(root: Path) -> None:
    dataset = opened(root)
    (root / "depth" / "room0_000.npy").unlink()
    os.mkfifo(root / "depth" / "room0_000.npy")
    with pytest.raises(UserError, match=r"room0_000\.npy: neither a file nor a link"):
        content.identity(dataset)


def test_a_plan_says_that_the_data_have_changed(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--dataset", str(root), "--methods", "prior", "--profile", "smoke", "--dry-run"]
    (plan,) = make_plans(["prior"], [str(root)], "smoke", [0], tmp_path / "runs")
    for manifest, said in ((plan.data.manifest, "stale\n"), ("another", "stale: the data have changed\n")):
        write_json(plan.cells[0].folder.path / "result.json", {"key": "another", "manifest": manifest})
        assert main([*arguments, "--runs", str(tmp_path / "runs")]) == 0
        assert said in capsys.readouterr().out


def test_a_folder_that_was_moved_keeps_its_results(root: Path, tmp_path: Path) -> None:
    """Its path is another one then, and what is in it the same."""

    def planned() -> Plan:
        return make_plans(["prior"], [str(root)], "smoke", [0], tmp_path / "runs")[0]

    plan = planned()
    about = plan.cells[0].folder.path / "cell.json"
    write_json(about, {"place": "elsewhere", "manifest": plan.data.manifest})
    assert planned().dataset == plan.dataset
    write_json(about, {"place": "elsewhere", "manifest": "of others"})
    assert planned().dataset != plan.dataset
