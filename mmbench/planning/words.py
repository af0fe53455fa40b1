"""Durations and sizes as people say them."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def duration(seconds: float) -> str:
    """``40 seconds``, ``12 minutes``, ``3 hours``, ``1.5 hours``, ``4 days``: never 0 of anything."""
    if seconds < 1.5 * MINUTE:
        return _counted(max(1.0, seconds), "second", whole=True)
    if seconds < 1.5 * HOUR:
        return _counted(seconds / MINUTE, "minute", whole=True)
    if seconds < 1.5 * DAY:
        return _counted(seconds / HOUR, "hour")
    return _counted(seconds / DAY, "day")


def size(count: float) -> str:
    """Bytes: ``12 MB``, ``1.4 GB``, ``2.0 TB``."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9)):
        if count >= 0.9995 * factor:
            return f"{count / factor:.1f} {unit}"
    return f"{max(1, round(count / 1e6))} MB"


def _counted(number: float, unit: str, whole: bool = False) -> str:
    """Halves below 5, whole numbers from there on; more would promise what no estimate holds."""
    rounded = round(number) if whole or number >= 5 else round(2 * number) / 2
    return f"{rounded:g} {unit}{'' if rounded == 1 else 's'}"
