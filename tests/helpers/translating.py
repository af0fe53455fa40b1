"""The command ``translate`` on a finished cell of M&MNets."""

from __future__ import annotations

from pathlib import Path

from mmbench.commands import main as cli


def translate(cells: Path, *arguments: object) -> int:
    return cli.main(["translate", "--run", str(cells / "mmnet" / "seed-0"), *(str(a) for a in arguments)])
