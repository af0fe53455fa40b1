"""How long a work, and a whole run, still takes: by what was measured since its warm-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mmbench.launching.progress import Progress
from mmbench.planning.estimate import whole

WARM_UP = 5.0  # seconds of a work that say nothing: memory is allocated, kernels are chosen, files come from the disk
LONG_ENOUGH = 5.0  # seconds after that, from which its pace can be told


@dataclass
class Pace:
    """Of one work at a time (a stage, an evaluation): the next begins anew."""

    what: str = ""
    began: float = 0.0
    warm: tuple[float, int] | None = None
    latest: tuple[float, Progress] | None = None

    def note(self, progress: Progress, now: float) -> None:
        """Take up what a cell said at ``now`` seconds."""
        if progress.what != self.what or (self.latest and progress.done < self.latest[1].done):
            self.what, self.began, self.warm = progress.what, now, None
        if self.warm is None and now - self.began >= WARM_UP:
            self.warm = now, progress.done
        self.latest = now, progress

    def left(self) -> float | None:
        """Seconds until the work ends; None where nothing can be said yet."""
        if self.warm is None or self.latest is None:
            return None
        now, progress = self.latest
        seconds, steps = now - self.warm[0], progress.done - self.warm[1]
        if seconds < LONG_ENOUGH or steps <= 0:
            return None
        return seconds / steps * (progress.total - progress.done)


@dataclass
class Remaining:
    """Of all cells of a run, several plans among them.

    Attributes:
        estimates: seconds of each cell that is to be done, by name.
        waits: the names of those that each waits for.
        jobs: cells at a time.
        preparation: seconds of the data that are not prepared.
        ended: name -> seconds of the cells whose process ended.
    """

    estimates: Mapping[str, float]
    waits: Mapping[str, Sequence[str]]
    jobs: int
    preparation: float = 0.0
    ended: dict[str, float] = field(default_factory=dict)

    def end(self, name: str, seconds: float) -> None:
        """A cell ended; ``seconds`` is 0 where that says nothing of others: it failed, or there was nothing to do."""
        self.ended[name] = seconds

    def left(self, running: Mapping[str, tuple[float, float | None]]) -> float:
        """Seconds until all is done, at least those that the longest of the running cells still needs.

        Cells that are done correct the estimates of the others, by no more than a factor of 3.

        Args:
            running: name -> (seconds since its start, seconds that its work still takes or None).
        """
        known = [name for name in self.ended if self.estimates.get(name) and self.ended[name] > 0]
        expected = sum(self.estimates[name] for name in known) + self.preparation * min(self.jobs, len(known))
        factor = min(3.0, max(1 / 3, sum(self.ended[name] for name in known) / expected)) if expected else 1.0
        names = [name for name in self.estimates if name not in self.ended]
        seconds = []
        for name in names:
            estimate = factor * self.estimates[name]
            passed, work = running.get(name, (0.0, None))
            seconds.append(max(estimate - passed, 0.0) if work is None else work)
        places = {name: position for position, name in enumerate(names)}
        waits = [[places[one] for one in self.waits.get(name, ()) if one in places] for name in names]
        preparing = max((passed for passed, _ in running.values()), default=0.0)
        preparation = 0.0 if self.ended else max(0.0, self.preparation - preparing)
        return preparation + whole(seconds, waits, min(self.jobs, max(1, len(names))))
