"""Packages of others: whether one is installed, without importing it."""

from __future__ import annotations

import importlib.util


def installed(name: str) -> bool:
    """Whether a package can be imported. A mere folder of that name, in the working directory perhaps, is none."""
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    return spec is not None and spec.origin is not None
