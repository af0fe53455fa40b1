"""Cells handed to a launcher: parents first, one that fails takes down its children alone, jobs outlive their run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_up_launcher import Made

from mmbench.errors import UserError
from mmbench.launching import queued
from mmbench.launching.queued import Queue
from mmbench.launching.runfile import Said, said
from mmbench.launching.scheduler import Options
from mmbench.launching.standing import lines
from mmbench.planning.plan import Plan, make_plan

METHODS = ["mmnet", "mmnet-pp", "prior"]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(queued, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(queued, "LATE", 0.05)
    return make_plan(METHODS, "synthetic", "smoke", [0], tmp_path)


@pytest.fixture
def told() -> list[str]:
    return []


def queue(plan: Plan, launcher: Made, told: list[str]) -> Queue:
    runs = plan.cells[0].folder.path.parents[3]
    return Queue([plan], Options(say=told.append, device="cpu"), launcher, "made", runs)


def states(outcomes: Any) -> dict[str, tuple[str, str]]:
    return {outcome.cell.method: (outcome.state, outcome.message) for outcome in outcomes}


def test_children_wait_for_their_parents_jobs(plan: Plan, told: list[str]) -> None:
    launcher = Made()
    jobs = queue(plan, launcher, told)
    assert len(jobs.submit()) == 3
    by_method = {work.name.split("/")[2]: (job, work) for job, work in launcher.works.items()}
    assert by_method["mmnet-pp"][1].after == (by_method["mmnet"][0],)
    assert by_method["mmnet"][1].after == by_method["prior"][1].after == ()
    assert {(order.threads, order.device, order.ticket) for order in launcher.orders()} == {(3, "cpu", "")}
    assert states(jobs.watch()) == dict.fromkeys(METHODS, ("done", ""))
    assert not list((plan.cells[0].folder.path.parents[3] / ".runs").glob("*.json"))
    again = queue(plan, launcher, told)
    assert again.submit() == [] and states(again.watch()) == dict.fromkeys(METHODS, ("found done", ""))


def test_what_fails_takes_down_its_children_alone(plan: Plan, told: list[str]) -> None:
    launcher = Made()
    launcher.fails = {"mmnet"}
    jobs = queue(plan, launcher, told)
    jobs.submit()
    blocked = "waits for synthetic/smoke/mmnet/seed-0, failed"
    assert states(jobs.watch()) == {
        "mmnet": ("failed", "ValueError: this and that"), "mmnet-pp": ("blocked", blocked), "prior": ("done", ""),
    }  # fmt: skip
    assert [launcher.works[job].name.split("/")[2] for job in launcher.stopped] == ["mmnet-pp"]


def test_a_job_that_is_over_without_a_word_was_interrupted(plan: Plan, told: list[str]) -> None:
    launcher = Made()
    launcher.lost = {"prior"}
    jobs = queue(plan, launcher, told)
    jobs.submit()
    ends = states(jobs.watch())
    assert ends["prior"][0] == "interrupted" and ends["prior"][1].endswith(": node fail")
    assert ends["mmnet"][0] == ends["mmnet-pp"][0] == "done"


def test_what_failed_before_a_job_was_submitted_does_not_speak_of_it(plan: Plan, told: list[str]) -> None:
    (cell,) = [cell for cell in plan.cells if cell.method == "prior"]
    cell.folder.set_failed("failed", "of last week")
    launcher = Made()
    launcher.lost = {"prior"}
    jobs = queue(plan, launcher, told)
    jobs.submit()
    assert states(jobs.watch())["prior"][0] == "interrupted"


def test_jobs_outlive_their_run_and_the_next_one_takes_them_up(plan: Plan, told: list[str], tmp_path: Path) -> None:
    launcher = Made()
    launcher.holds = True
    queue(plan, launcher, told).submit()
    Said(plan.cells, 1, None).end()  # a local run on the same folder comes and goes
    ((about, lives),) = said(tmp_path)
    assert lives and about.launcher == "made" and {cell.job for cell in about.cells} == {"1", "2", "3"}
    text = lines(tmp_path)
    assert sum("waiting" in line and "made job" in line for line in text) == 3
    assert text[3].startswith("Jobs of made, submitted on ") and text[3].endswith(": 3 cells.")
    jobs = queue(plan, launcher, told)
    assert sorted(jobs.submit()) == ["1", "2", "3"] and len(launcher.works) == 3, "none was submitted twice"
    assert len(list(said(tmp_path))) == 1, "one file speaks of them"
    launcher.holds = False
    assert states(jobs.watch()) == dict.fromkeys(METHODS, ("done", ""))
    assert list(said(tmp_path)) == []


def test_files_tell_what_jobs_left(plan: Plan, told: list[str], tmp_path: Path) -> None:
    """The parent has failed after its run went away: the child's job never starts, and nothing is left to do."""
    launcher = Made()
    queue(plan, launcher, told).submit()
    launcher.fails = {"mmnet"}
    for job in sorted(launcher.works):
        launcher.poll(job)
    ((about, lives),) = said(tmp_path)
    text = "\n".join(lines(tmp_path))
    assert not lives and about.left(tmp_path) == []
    assert "blocked by synthetic/smoke/mmnet/seed-0" in text and "none of which is left to do" in text
    launcher.fails = set()
    jobs = queue(plan, launcher, told)
    assert len(jobs.submit()) == 2 and states(jobs.watch())["mmnet-pp"] == ("done", "")
    assert list(said(tmp_path)) == [], "the file of what is over goes with the next run"


def test_one_that_is_not_taken_stops_those_before_it(plan: Plan, told: list[str], tmp_path: Path) -> None:
    launcher = Made()
    launcher.refuses = "mmnet-pp"
    with pytest.raises(UserError, match="not taken"):
        queue(plan, launcher, told).submit()
    assert sorted(launcher.stopped) == sorted(launcher.works) and launcher.works
    assert list(said(tmp_path)) == []


def test_ctrl_c_stops_all_jobs(plan: Plan, told: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    launcher = Made()
    launcher.holds = True
    jobs = queue(plan, launcher, told)
    jobs.submit()
    monkeypatch.setattr(jobs, "_look", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        jobs.watch()
    assert sorted(launcher.stopped) == ["1", "2", "3"]
    assert sum(line.endswith("is stopped, nothing of it is saved yet") for line in told) == 3
    assert list(said(tmp_path)) == []
