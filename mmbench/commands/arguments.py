"""Values of options: texts in, what they mean out, one line where they mean nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.given.files import expect_folder, path_of

read_path = path_of


class Once(argparse.Action):
    """An option of names, of which argparse would silently take those that stand last alone.

    ``const`` is how several are written, where it takes several.
    """

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Note the value. Raises UserError where there is one already."""
        if getattr(namespace, self.dest, self.default) is not self.default:
            several = f", as {option} {self.const}" if self.const else ""
            raise UserError(f"{option} stands there twice, and only one would count: give it once{several}")
        setattr(namespace, self.dest, values)


def read_run(text: str) -> str | Path:
    """The folder of a trained cell, or the text that names a repository of a hub."""
    from mmbench.inference.hub import MARK

    return text if text.startswith(MARK) else path_of(text)


def add_runs(parser: argparse.ArgumentParser, default: Path | str = Path("runs")) -> None:
    """The option ``--runs``; ``default`` is what it is without."""
    parser.add_argument("--runs", type=read_path, default=default, help="results folder (default runs)")


def add_data_root(parser: argparse.ArgumentParser, text: str) -> None:
    """The option ``--data-root``, of a folder that is there."""
    parser.add_argument("--data-root", type=lambda given: expect_folder(path_of(given), "--data-root"), help=text)


def add_translation(parser: argparse.ArgumentParser, text: str) -> None:
    """The options that say which translation of a trained cell is meant, and how it is computed."""
    parser.add_argument("--from", dest="sources", default="", help=text)
    parser.add_argument("--to", dest="output", required=True, help="modality to make")
    parser.add_argument("--weights", help="of the inputs, in their order, such as 0.8,0.2 (default: the method's own)")
    parser.add_argument("--side-from", help="the input that gives the side information (default: the method's own)")
    parser.add_argument("--via", help="translate to this modality first, and on from there")
    parser.add_argument("--bn", default="trained", choices=("trained", "re-estimated"), help="statistics behind --via")
    parser.add_argument("--sample", type=int, default=0, help="seed of the noise of methods that have any (default 0)")


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
