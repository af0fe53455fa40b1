"""Training that is tracked: event files that TensorBoard reads, and not one bit of a cell that is another one."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench.cell import CellRun
from mmbench.planning.order import Order, order_of
from mmbench.planning.plan import Cell, make_plan
from mmbench.plugins import catalog
from mmbench.store import digests
from mmbench.training import checkpoint

CHANGED = {"profile.log_every": 1, "profile.align_every": 3}
RIG = '''
"""Stands in for a kill: it ends the process's training at some step, behind the other sinks."""
from mmbench.training.stopping import StoppedError

NAME = "rig"
TITLE = "Rig"
CLASS = "Rig"

class Rig:
    def __init__(self, run):
        self.file = run.folder / "was-here"

    def log(self, step, numbers, pictures):
        if step.number == 7 and not self.file.exists():
            self.file.touch()
            raise StoppedError("killed")

    def close(self):
        pass
'''


def cell_of(runs: Path, method: str = "mmnet") -> Cell:
    return make_plan([method], "synthetic", "smoke", [0], runs, overrides=CHANGED).cells[0]


def do(cell: Cell, *log: str) -> int:
    order = order_of(cell, device="cpu", threads=1, log=log)
    assert Order.from_json(order.to_json()) == order, "a launcher hands orders over as JSON"
    return CellRun(order, lambda *_: None).run()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Cell:
    """A cell without a sink."""
    cell = cell_of(tmp_path_factory.mktemp("plain"))
    assert do(cell) == 0
    return cell


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Cell:
    """The same with TensorBoard, ended in the midst of it, and gone on with."""
    pytest.importorskip("tensorboard")
    folder = tmp_path_factory.mktemp("tracked")
    (folder / "plugins" / "sinks").mkdir(parents=True)
    (folder / "plugins" / "sinks" / "rig.py").write_text(RIG)
    cell = cell_of(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(catalog.PLUGINS_VARIABLE, str(folder / "plugins"))
        assert do(cell, "tensorboard", "rig") == 4
        assert cell.folder.saved_step() == 6, "step 7 was logged, and is done again"
        assert do(cell, "tensorboard", "rig") == 0
    return cell


def accumulated(cell: Cell) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(cell.folder.path / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    read.Reload()
    return read


def logged(cell: Cell) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cell.folder.log.read_text().splitlines()]


def test_no_bit_of_a_cell_is_another_one(plain: Cell, tracked: Cell) -> None:
    assert plain.key == tracked.key
    assert plain.folder.log.read_bytes() == tracked.folder.log.read_bytes()
    weights = []
    for cell in (plain, tracked):
        found = checkpoint.latest(cell.folder.checkpoints)
        assert found is not None
        weights.append((found / checkpoint.WEIGHTS).read_bytes())
    assert weights[0] == weights[1]
    rows = [json.loads((cell.folder.path / "result.json").read_text())["rows"] for cell in (plain, tracked)]
    assert rows[0] == rows[1]
    assert (plain.folder.path / "per_image.npz").read_bytes() == (tracked.folder.path / "per_image.npz").read_bytes()
    assert "tensorboard" not in json.dumps(sorted(digests.recorded(tracked.folder.path)))


def test_event_files_hold_what_the_log_holds_each_step_once(tracked: Cell) -> None:
    read, lines = accumulated(tracked), logged(tracked)
    assert len(list((tracked.folder.path / "tensorboard").glob("events.*"))) == 2, "one of each process"
    names = {"lr", "images_per_second"}
    for name in {name for line in lines for name in line["losses"]}:
        expected = [(line["total_step"], line["losses"][name]) for line in lines if name in line["losses"]]
        assert_same(read, f"losses/{name}", expected)
        names.add(f"losses/{name}")
    for name in {name for line in lines for name in line if name.startswith(("alignment/", "latent_std/"))}:
        assert_same(read, name, [(line["total_step"], line[name]) for line in lines if name in line])
        names.add(name)
    assert_same(read, "lr", [(line["total_step"], line["lr"]) for line in lines])
    assert [event.step for event in read.Scalars("images_per_second")] == [line["total_step"] for line in lines]
    assert all(event.value > 0 for event in read.Scalars("images_per_second"))
    assert set(read.Tags()["scalars"]) == names


def assert_same(read: Any, name: str, expected: list[tuple[int, float]]) -> None:
    found = [(event.step, event.value) for event in read.Scalars(name)]
    assert [step for step, _ in found] == [step for step, _ in expected], name
    assert np.allclose([value for _, value in found], [value for _, value in expected], rtol=1e-6), name


def test_sample_translations_come_when_the_alignment_is_taken(tracked: Cell) -> None:
    read = accumulated(tracked)
    assert set(read.Tags()["images"]) == {
        "samples/rgb+depth/depth", "samples/rgb+depth/rgb", "samples/rgb+depth/rgb+depth",
        "samples/rgb+segmentation/segmentation", "samples/rgb+segmentation/rgb",
        "samples/rgb+segmentation/rgb+segmentation",
    }  # fmt: skip
    watched = [line["total_step"] for line in logged(tracked) if "alignment/rgb-depth" in line]
    for name in read.Tags()["images"]:
        assert [event.step for event in read.Images(name)] == watched
        assert all(event.width > 300 for event in read.Images(name))


def test_a_method_that_only_observes_is_tracked_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("tensorboard")
    cell = cell_of(tmp_path, "prior")
    with caplog.at_level(logging.WARNING):
        assert do(cell, "tensorboard") == 0
    assert not caplog.records
    assert {"lr", "images_per_second"} == set(accumulated(cell).Tags()["scalars"])
