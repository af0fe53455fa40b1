"""Several runs on one folder share the cells, each of which is done once; long paths come first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.launching import scheduler
from mmbench.launching.claims import Claims, by_longest_path
from mmbench.launching.ends import Outcome
from mmbench.launching.scheduler import Options
from mmbench.planning.order import Order
from mmbench.planning.plan import Cell, Plan, make_plan
from mmbench.store.files import write_json
from mmbench.store.folder import PROGRESS
from mmbench.store.lock import Lock

METHODS = ["mmnet", "prior", "oracle", "cyclegan"]
FAILS = "prior"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return make_plan(METHODS, "synthetic", "smoke", [0], tmp_path)


def started_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the cells whose process was started; each holds its lock for a moment, then it is done, or fails."""
    started: list[str] = []

    class Sleeps:
        def __init__(self, cell: Cell, order: Order, slot: int, say: Callable[[str], None], lock: Lock) -> None:
            started.append(cell.name)
            self.cell, self.slot, self.lock, self.until = cell, slot, lock, time.monotonic() + 0.5
            write_json(cell.folder.path / "cell.json", {"key": cell.key})

        def poll(self) -> Outcome | None:
            if time.monotonic() < self.until:
                return None
            if self.cell.method == FAILS:
                self.cell.folder.set_failed("failed", "it always does")
            else:
                self.cell.folder.finish({"key": self.cell.key, "rows": []})
            self.lock.release()
            return Outcome(self.cell, "failed" if self.cell.method == FAILS else "done")

        def stalled(self, seconds: float) -> bool:
            return False

        def passed(self) -> float:
            return 0.0

        def training_left(self) -> None:
            """Not told."""

        def ask(self) -> None:
            """It ends when it is stopped."""

        def stop(self, patience: float = 0.0) -> None:
            self.lock.release()

    monkeypatch.setattr(scheduler, "LocalProcess", Sleeps)
    return started


def test_two_runs_share_the_cells_and_do_each_once(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    started, ends = started_of(monkeypatch), dict[int, list[Outcome]]()
    said: list[str] = []

    def run(number: int) -> None:
        ends[number] = scheduler.execute([plan], Options(jobs=1, say=said.append))

    runs = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert sorted(started) == sorted(cell.name for cell in plan.cells)
    for one, other in zip(ends[0], ends[1], strict=True):
        states = {one.state, other.state}
        assert states == ({"failed"} if one.cell.method == FAILS else {"done", "found done"})
    assert sum(outcome.state == "found done" for outcome in ends[0]) < 3, "one run did it all"
    assert [line for line in said if line.endswith("failed - in another run: it always does")]


def test_a_later_run_tries_again_what_failed(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    started = started_of(monkeypatch)
    for _ in range(2):
        scheduler.execute([plan], Options(jobs=4, say=lambda line: None))
    assert [name.split("/")[2] for name in started[4:]] == [FAILS]


def test_a_parent_that_turns_out_damaged_is_done_again_by_the_same_run(plan: Plan) -> None:
    cell = plan.cells[0]
    cell.folder.make_room()
    write_json(cell.folder.path / "cell.json", {"key": cell.key})
    cell.folder.finish({"key": cell.key, "rows": []})
    claims = Claims(plan.cells, print)
    cell.folder.set_failed("damaged", "checkpoint/step-3 is cut short")
    claim = claims.take(cell)
    assert isinstance(claim, Lock)
    claim.release()


def test_who_holds_a_cell_is_said_once(plan: Plan) -> None:
    said: list[str] = []
    cell, claims = plan.cells[0], Claims(plan.cells, said.append)
    with cell.folder.lock():
        write_json(cell.folder.path / PROGRESS, {"host": "blade", "process": 42})
        assert claims.take(cell) is None
        assert claims.take(cell) is None
    assert said == [f"{cell.name}: another run (blade, process 42) works on it"]


def test_a_folder_that_cannot_be_made_fails_its_cell_alone(plan: Plan) -> None:
    cell = plan.cells[0]

    def full() -> None:
        raise OSError(28, "No space left on device", str(cell.folder.path))

    object.__setattr__(cell, "folder", _With(cell.folder, full))
    outcome = Claims(plan.cells[1:], print).take(cell)
    assert isinstance(outcome, Outcome) and outcome.state == "failed" and "No space left" in outcome.message


class _With:
    """A folder for which no room can be made."""

    def __init__(self, folder: object, make_room: Callable[[], None]) -> None:
        self.folder, self.make_room = folder, make_room

    def __getattr__(self, name: str) -> object:
        return getattr(self.folder, name)


def test_the_longest_path_comes_first(tmp_path: Path) -> None:
    """Of 3 + 4 s through a child, 6 s and 5 s; a child, which needs 4 s, comes after all of them."""
    plan = make_plan(["mmnet", "mmnet-pp", "oracle", "prior"], "synthetic", "smoke", [0], tmp_path)
    by_method = {cell.method: cell for cell in plan.cells}
    seconds = {"mmnet": 3.0, "mmnet-pp": 4.0, "oracle": 5.0, "prior": 6.0}
    order = by_longest_path(plan.cells, {by_method[name].name: value for name, value in seconds.items()})
    assert [cell.method for cell in order] == ["mmnet", "prior", "oracle", "mmnet-pp"]
    steps = {cell.method: cell.steps for cell in plan.cells}
    assert steps["mmnet"] + steps["mmnet-pp"] > max(steps["oracle"], steps["prior"])
    assert by_longest_path(plan.cells)[0].method == "mmnet"
