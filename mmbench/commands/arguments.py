"""Values of options: texts in, what they mean out, one line where they mean nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmbench.errors import UserError


def read_path(text: str) -> Path:
    """A path, ``~`` expanded: no shell does that behind ``=``, in a file of variables or in a job script."""
    return Path(text).expanduser()


def add_runs(parser: argparse.ArgumentParser) -> None:
    """The option ``--runs``."""
    parser.add_argument("--runs", type=read_path, default=Path("runs"), help="results folder (default runs)")


def read_names(text: str | None) -> list[str]:
    """Comma-separated names."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def read_seeds(text: str) -> list[int]:
    """Comma-separated whole numbers from 0."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0:
        raise UserError(f"--seeds {text!r}: expected whole numbers from 0, such as 0,1,2")
    return numbers


def read_weights(text: str) -> tuple[float, ...]:
    """Comma-separated numbers."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--weights {text!r}: expected numbers such as 0.8,0.2") from None


def check_device(text: str) -> None:
    """Raise UserError unless it is auto, cpu, cuda or cuda:<n>."""
    if text.split(":")[0] not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device {text!r}: expected auto, cpu or cuda")
