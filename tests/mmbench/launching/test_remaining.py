"""What is left of a work and of a run, against hand-computed times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.launching import scheduler
from mmbench.launching.ends import Outcome
from mmbench.launching.progress import Progress
from mmbench.launching.remaining import Pace, Remaining
from mmbench.launching.scheduler import Options
from mmbench.planning.order import Order
from mmbench.planning.plan import Cell, make_plan
from mmbench.store.lock import Lock


def pace(*notes: tuple[float, int], what: str = "train", total: int = 1000) -> Pace:
    made = Pace()
    for now, done in notes:
        made.note(Progress(what, done, total), now)
    return made


def test_nothing_is_said_during_the_warm_up() -> None:
    """One step in the first 10 s would be 10 000 s for 1000 steps."""
    assert pace((10.0, 1)).left() is None
    assert pace((10.0, 1), (14.9, 40)).left() is None
    assert pace((10.0, 1), (15.0, 50), (19.9, 90)).left() is None


def test_the_pace_is_that_after_the_warm_up() -> None:
    """At 15 s 50 steps, at 25 s 150: 10 steps a second, 850 are left."""
    assert pace((10.0, 1), (15.0, 50), (25.0, 150)).left() == pytest.approx(85.0)


def test_where_nothing_moves_nothing_is_said() -> None:
    assert pace((0.0, 1), (6.0, 5), (60.0, 5)).left() is None


def test_the_next_work_begins_anew() -> None:
    made = pace((10.0, 1), (15.0, 50), (25.0, 150))
    made.note(Progress("align", 151, 1000), 26.0)
    assert made.left() is None
    made.note(Progress("align", 160, 1000), 31.0)
    made.note(Progress("align", 170, 1000), 41.0)
    assert made.left() == pytest.approx(830.0)
    made.note(Progress("align", 3, 300), 42.0)
    assert made.left() is None, "fewer are done: another work of the same name"


def test_the_whole_run_is_shared_by_its_jobs() -> None:
    made = Remaining({"a": 100.0, "b": 200.0, "c": 300.0}, {}, jobs=2, preparation=20.0)
    assert made.left({}) == pytest.approx(20 + 300)  # half of 600, and the longest
    assert made.left({"a": (5.0, None), "b": (5.0, None)}) == pytest.approx(15 + 300)


def test_what_waits_in_a_row_cannot_be_shared() -> None:
    made = Remaining({"parent": 100.0, "child": 50.0}, {"child": ["parent"]}, jobs=2)
    assert made.left({}) == pytest.approx(150.0)


def test_a_running_cell_counts_by_its_work_where_that_is_known() -> None:
    made = Remaining({"a": 100.0, "b": 100.0}, {}, jobs=1)
    assert made.left({"a": (60.0, None)}) == pytest.approx(40 + 100)
    assert made.left({"a": (60.0, 70.0)}) == pytest.approx(70 + 100)
    assert made.left({"a": (160.0, None)}) == pytest.approx(100), "it is late, and not negative"


def test_cells_that_are_done_correct_the_others() -> None:
    made = Remaining({"a": 100.0, "b": 100.0, "c": 50.0}, {}, jobs=1)
    made.end("a", 150.0)
    assert made.left({}) == pytest.approx(1.5 * 150)


@pytest.mark.parametrize(("took", "factor"), [(0.1, 1 / 3), (9999.0, 3.0), (0.0, 1.0)])
def test_and_never_make_the_rest_nothing_or_endless(took: float, factor: float) -> None:
    made = Remaining({"a": 100.0, "b": 60.0}, {}, jobs=1)
    made.end("a", took)
    assert made.left({}) == pytest.approx(factor * 60)


def test_the_wait_for_the_data_is_no_slowness() -> None:
    made = Remaining({"a": 100.0, "b": 100.0}, {}, jobs=1, preparation=50.0)
    made.end("a", 150.0)
    assert made.left({}) == pytest.approx(100.0)


class Ends:
    """In place of a cell's process: it has ended after 7 s."""

    def __init__(self, cell: Cell, order: Order, slot: int, say: Callable[[str], None], lock: Lock) -> None:
        lock.release()
        self.cell, self.slot = cell, slot

    def poll(self) -> Outcome:
        return Outcome(self.cell, "done", 7.0)

    def stop(self) -> None:
        """It has ended."""


def test_a_run_says_what_is_left_of_all_cells_when_one_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three cells, one of another plan, take 10 s by the plan and took 7: the last, of 100 s, takes 70."""
    monkeypatch.setattr(scheduler, "LocalProcess", Ends)
    plan = make_plan(["mmnet", "mmnet-pp"], "synthetic", "smoke", [0], tmp_path)
    names = [cell.name for cell in plan.cells]
    said: list[str] = []
    left = Remaining({names[0]: 10.0, names[1]: 10.0, "another plan's": 100.0}, {names[1]: names[:1]}, 1)
    ends = scheduler.execute([plan], Options(jobs=1, say=said.append), left)
    assert [outcome.state for outcome in ends] == ["done", "done"]
    assert said == [
        f"{names[0]}: done in 7 seconds",
        "2 of 3 cells left, about 77 seconds",
        f"{names[1]}: done in 7 seconds",
        "1 of 3 cells left, about 70 seconds",
    ]
