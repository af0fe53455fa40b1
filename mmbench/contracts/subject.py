"""A method that is held against its contract, on the data set of one kind of task."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmbench.contracts.bench import CPU, INTERVALS, Bench, Scale
from mmbench.contracts.checks import ContractError, Held
from mmbench.errors import UserError
from mmbench.method import Method
from mmbench.planning.config import MethodConfig
from mmbench.store.folder import CellFolder
from mmbench.training.loop import train


@dataclass(frozen=True)
class Subject(Held):
    """A method, what it is tried on, and a folder for what its trainings write."""

    bench: Bench
    folder: Path

    def build(self, scale: Scale | None = None) -> tuple[Method, MethodConfig]:
        """It with initial weights at smoke size, with the settings and stages of a scale, by default the bench's."""
        return (self.bench.at_scale(scale) if scale else self.bench).build(self.card.name)

    @cached_property
    def trained(self) -> tuple[Method, CellFolder]:
        """It after a training at smoke size, in evaluation mode, and the training's folder; made once."""
        (method, resolved), folder = self.build(), CellFolder(self.scratch())
        train(method, resolved.stages, self.bench.loader(self.card.name), folder, CPU, seed=0, intervals=INTERVALS)
        return method.eval(), folder

    def scratch(self) -> Path:
        """An empty folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=self.folder))

    @contextlib.contextmanager
    def excused(self, where: str, *kinds: type[Exception]) -> Iterator[None]:
        """What is raised inside, of UserError or one of these kinds, breaks the rule."""
        try:
            yield
        except ContractError:
            raise
        except Exception as error:
            if not isinstance(error, (UserError, *kinds)):
                raise
            raise self.broken(f"{where}: {error}") from error
