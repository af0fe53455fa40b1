"""Log records on their way to the user: one JSON line each out of a cell's process, one plain line out of a command.

Code anywhere says ``logging.getLogger(__name__).warning(...)``, plug-ins included. Warnings and worse are shown.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict, dataclass, fields

from mmbench.given.texts import shown


@dataclass(frozen=True)
class Message:
    """A log record between processes: its level by name, its logger, and its text."""

    level: str
    logger: str
    message: str

    @property
    def line(self) -> str:
        """For people, such as ``warning: VGG-16 weights cannot be had``."""
        return f"{self.level.lower()}: {shown(' '.join(self.message.split()))}"


class _Handler(logging.Handler):
    """Writes to standard error as it is at that moment: tests and notebooks replace it."""

    def __init__(self, prefix: str | None) -> None:
        super().__init__(logging.WARNING)
        self.prefix = prefix

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = Message(record.levelname, record.name, record.getMessage())
            text = json.dumps(asdict(message)) if self.prefix is None else f"{self.prefix}{message.line}"
            print(text, file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


_IN_CELL, _IN_COMMAND = _Handler(None), _Handler("mmbench: ")


def emit() -> None:
    """In a cell's process: records go to standard error as JSON lines, for :func:`parse`."""
    logging.getLogger().addHandler(_IN_CELL)


def show() -> None:
    """In the command line's own process: records go to standard error as ``mmbench: warning: ...``."""
    logging.getLogger().addHandler(_IN_COMMAND)


def parse(line: str) -> Message | None:
    """The record on a line of a cell's standard error; None where it is something else, such as a plug-in's print."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    names = {field.name for field in fields(Message)}
    if not isinstance(found, dict) or found.keys() != names or not all(isinstance(v, str) for v in found.values()):
        return None
    return Message(**found)
