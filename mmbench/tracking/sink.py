"""The contract of a sink: where what training logs goes, beside ``log.jsonl``.

A sink is a plug-in like any other: a file with ``NAME``, ``TITLE`` and ``CLASS`` in ``mmbench/tracking/sinks``, in
``$MMBENCH_PLUGINS/sinks``, or a module that an entry point of the group ``mmbench.sinks`` names. ``REQUIRES`` names
packages that mmbench does not install: without them ``--log`` refuses it before anything runs. No key follows a sink,
and none is handed anything by which it could change a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mmbench.errors import UserError, did_you_mean
from mmbench.plugins import catalog

FOLDER = "sinks"


@dataclass(frozen=True)
class Step:
    """When something is logged.

    Attributes:
        number: steps done, of all stages.
        stage: the name of the one under way.
        in_stage: steps done of that.
    """

    number: int
    stage: str
    in_stage: int


@dataclass(frozen=True)
class Run:
    """A cell as a sink sees it.

    Attributes:
        name: ``<dataset>/<profile>/<method>/seed-<n>``.
        folder: for the sink's files, made already; where a cell goes on it is what the sink left.
        about: what ``cell.json`` holds.
    """

    name: str
    folder: Path
    about: Mapping[str, Any]


class Sink(Protocol):
    """Takes what is logged of one cell. It is made of a :class:`Run`, in the cell's process.

    What it raises is said once, and it is asked no more; the cell goes on.
    """

    def log(self, step: Step, numbers: Mapping[str, float], pictures: Mapping[str, np.ndarray]) -> None:
        """Take what is logged at a step, and have it on the disk or on its way before it returns.

        Steps come in order and each once, also where a cell was killed and went on from a checkpoint before.

        Args:
            numbers: ``lr``; ``losses/<name>`` of the generator and ``losses/<player>/<name>`` of others, means since
                the last time; ``images_per_second``; now and then ``alignment/<a>-<b>`` and ``latent_std/<a>``.
            pictures: ``samples/<group>/<inputs>``, uint8 ``(H, W, 3)``; most of the time none.
        """

    def close(self) -> None:
        """Nothing more comes from this process."""


def check(names: Iterable[str]) -> None:
    """Raise UserError for a name of ``--log`` that is unknown, or whose package is not installed."""
    known = catalog.cards(FOLDER)
    for name in names:
        if name not in known:
            raise UserError(f"--log {name!r}: no such sink{did_you_mean(name, known)}")
        if missing := catalog.lacking(catalog.find(FOLDER, name)):
            raise UserError(f"--log {name}: {missing}")


def make(name: str, run: Run) -> Sink:
    """A sink by name. Raises UserError where it cannot be imported, and whatever its class does."""
    card = catalog.find(FOLDER, name)
    made: Sink = catalog.load(card, card["CLASS"])(run)
    return made
