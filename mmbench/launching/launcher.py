"""The contract of a launcher, by which cells run elsewhere than as processes of ``run`` itself.

A launcher is a plug-in like any other: a file with ``NAME``, ``TITLE`` and ``CLASS`` in
``mmbench/launching/launchers``, in ``$MMBENCH_PLUGINS/launchers``, or a module that an entry point of the group
``mmbench.launchers`` names. What it has to run on some machine is ``mmbench.launching.job.carry_out(order)``, where the
runs folder is the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import read_toml
from mmbench.plugins import catalog

FOLDER = "launchers"
LOCAL = "local"
TABLE = "launcher"


@dataclass(frozen=True)
class Work:
    """A cell for a launcher.

    Attributes:
        name: of the cell.
        order: what its process is told, as JSON in one line.
        seconds: that it takes by the plan; 0 where nothing is known.
        after: jobs that have to end well before it starts.
        gpus: that share each batch of the cell; 1 also where it is to run on the CPU.
    """

    name: str
    order: str
    seconds: float
    after: tuple[str, ...] = ()
    gpus: int = 1


class Launcher(Protocol):
    """Takes cells to where they run. It is made of ``(options, where, folder)``.

    ``options`` are those of its table ``[launcher.<name>]``, ``where`` names them in messages, and ``folder`` is for
    files of its own, not made yet. Cells take the locks of their folders themselves: of several jobs for one cell the
    first does it, and the others end at once.

    Attributes:
        threads: CPU threads of a cell, on which its numbers depend in the last bits.
    """

    threads: int

    def about(self, works: list[Work]) -> str:
        """What it asks for, in one line for people."""

    def check(self) -> None:
        """Raise UserError where it cannot be used here; called before anything is written."""

    def start(self, work: Work) -> str:
        """Run a cell, or queue it behind those that it waits for; never waits itself.

        Returns:
            the job's id, under which another process can ask for it.

        Raises:
            UserError: it is not taken.
        """

    def poll(self, job: str) -> str:
        """How a job ended in a word or two, whatever became of its cell; empty while it waits or runs.

        Asked about once a second, of each job whose cell is not done yet.
        """

    def stop(self, job: str) -> None:
        """Have a job end, whether it waits or runs; one that has ended is left alone."""


def names() -> list[str]:
    """What ``--launcher`` can be."""
    return [LOCAL, *catalog.cards(FOLDER)]


def make(name: str, config: Path | None, folder: Path, tables: Mapping[str, Any] | None = None) -> Launcher:
    """A launcher with the options that a TOML file has for it.

    Args:
        config: with tables ``[launcher.<name>]``; None for none.
        folder: for the launcher's own files.
        tables: those of the file by their launchers' names, where they have been read.

    Raises:
        UserError: there is no such launcher, or the file has something unknown in it.
    """
    if name not in (known := names()):
        raise UserError(f"--launcher {name!r}: no such launcher{did_you_mean(name, known)}")
    card = catalog.find(FOLDER, name)
    options = _options(name, config, read_toml(config) if tables is None else {TABLE: tables}) if config else {}
    made: Launcher = catalog.load(card, card["CLASS"])(options, f"{config}: [{TABLE}.{name}]", folder)
    return made


def _options(name: str, path: Path, found: Mapping[str, Any]) -> Mapping[str, Any]:
    if strange := next((key for key in found if key != TABLE), None):
        raise UserError(f"{path}: unknown table {strange!r}{did_you_mean(strange, [TABLE])}")
    tables = found.get(TABLE, {})
    if not isinstance(tables, Mapping):
        raise UserError(f"{path}: {TABLE}: expected tables such as [{TABLE}.{name}], got {tables!r}")
    known = catalog.cards(FOLDER)
    for key, table in tables.items():
        if key not in known:
            raise UserError(f"{path}: [{TABLE}.{key}]: no such launcher{did_you_mean(key, known)}")
        if not isinstance(table, Mapping):
            raise UserError(f"{path}: {TABLE}.{key}: expected a table, got {table!r}")
    return dict(tables.get(name, {}))
