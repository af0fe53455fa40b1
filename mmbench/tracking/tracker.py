"""What a cell logs beside ``log.jsonl``: to several sinks, of which none can take the cell down."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.given.texts import told
from mmbench.store.files import read_json, write_json
from mmbench.tracking.sink import Run, Sink, Step, make

log = logging.getLogger(__name__)

TOLD = "told.json"  # in a sink's folder: the last step that it was told

Pictures = Mapping[str, np.ndarray]


class Tracker:
    """The sinks of one cell.

    A process that goes on from a checkpoint does steps again that an earlier one has logged. They are the same numbers,
    so that a sink is told only those behind the last one that it was told.

    Args:
        names: of the sinks.
        name, folder: of the cell.
        about: what ``cell.json`` holds.
        images: that a round of a step reads, all modalities counted.
    """

    def __init__(self, names: Sequence[str], name: str, folder: Path, about: Mapping[str, Any], images: int) -> None:
        self.images = images
        self._sinks: dict[str, Sink] = {}
        self._folders = {sink: folder / sink for sink in names}
        self._told: dict[str, int] = {}
        self._since = (0, time.perf_counter())
        for sink in names:
            with self._alone(sink, "cannot be had"):
                self._folders[sink].mkdir(exist_ok=True)
                self._told[sink] = _last(self._folders[sink])
                self._sinks[sink] = make(sink, Run(name, self._folders[sink], about))

    def begin(self, number: int) -> None:
        """Training begins behind so many steps."""
        self._since = (number, time.perf_counter())

    def log(
        self, step: Step, numbers: Mapping[str, float], rounds: int, draw: Callable[[], Pictures] | None = None
    ) -> None:
        """Hand what is logged at a step to each sink that has not been told it.

        Args:
            rounds: of a step.
            draw: makes the pictures; called where some sink is to have them.
        """
        before, began = self._since
        seconds = time.perf_counter() - began
        waiting = [name for name in self._sinks if step.number > self._told[name]]
        if waiting:
            speed = {"images_per_second": (step.number - before) * rounds * self.images / max(seconds, 1e-9)}
            pictures = self._drawn(draw) if draw else {}
            for name in waiting:
                with self._alone(name, "has failed"):
                    self._sinks[name].log(step, {**numbers, **speed}, pictures)
                    self._told[name] = step.number
                    write_json(self._folders[name] / TOLD, {"step": step.number})
        self._since = (step.number, time.perf_counter())

    def close(self) -> None:
        """Close all sinks."""
        for name in list(self._sinks):
            with self._alone(name, "could not be closed"):
                self._sinks.pop(name).close()

    def _drawn(self, draw: Callable[[], Pictures]) -> Pictures:
        try:
            return draw()
        except Exception as error:  # a method is anybody's code
            _warn_once(f"sample translations cannot be drawn: {told(error)}")
            return {}

    @contextlib.contextmanager
    def _alone(self, name: str, what: str) -> Iterator[None]:
        """Within, whatever a sink raises takes nothing with it but the sink."""
        try:
            yield
        except (Exception, SystemExit) as error:  # a plug-in is anybody's code
            self._sinks.pop(name, None)
            log.warning("--log %s %s, and is left out: %s", name, what, told(error))


def _last(folder: Path) -> int:
    """The last step that a sink was told, by any process; 0 where nothing says so."""
    try:
        return int((read_json(folder / TOLD) or {})["step"])
    except (ValueError, KeyError, TypeError):
        return 0


@functools.cache
def _warn_once(text: str) -> None:
    log.warning(text)
