"""A launcher whose jobs do what a test says, one look after the other."""

from __future__ import annotations

from pathlib import Path

from mmbench.errors import UserError
from mmbench.launching.launcher import Work
from mmbench.planning.order import Order
from mmbench.store.files import write_json
from mmbench.store.folder import CellFolder


class Made:
    """Jobs end at the first look after those that they wait for; a cell of a method in ``fails`` fails.

    Attributes:
        refuses: a method whose cells are not taken.
        lost: methods whose jobs are over without a word in the folder.
    """

    threads = 3

    def __init__(self) -> None:
        self.works: dict[str, Work] = {}
        self.over: dict[str, str] = {}
        self.stopped: list[str] = []
        self.fails: set[str] = set()
        self.lost: set[str] = set()
        self.refuses, self.holds = "", False

    def about(self, works: list[Work]) -> str:
        return f"{len(works)} works"

    def check(self) -> None:
        """It can always be used."""

    def start(self, work: Work) -> str:
        if self.refuses and f"/{self.refuses}/" in work.name:
            raise UserError(f"{work.name} was not taken")
        job = str(len(self.works) + 1)
        self.works[job] = work
        return job

    def poll(self, job: str) -> str:
        if job not in self.works:
            return "not known"
        if (
            job not in self.over
            and not self.holds
            and all(self.over.get(one) == "completed" for one in self.works[job].after)
        ):
            self.over[job] = self._do(Order.from_json(self.works[job].order))
        return self.over.get(job, "")

    def stop(self, job: str) -> None:
        self.stopped.append(job)
        self.over.setdefault(job, "cancelled")

    def _do(self, order: Order) -> str:
        folder = CellFolder(Path(order.folder))
        write_json(folder.path / "cell.json", {"key": order.key})
        if order.method in self.lost:
            return "node fail"
        if order.method in self.fails:
            folder.set_failed("failed", "ValueError: this and that")
            return "failed"
        folder.finish({"key": order.key, "rows": []})
        return "completed"

    def orders(self) -> list[Order]:
        """What was handed over, in order."""
        return [Order.from_json(work.order) for work in self.works.values()]
