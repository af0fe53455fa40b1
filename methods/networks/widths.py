"""Widths of a method's parts."""

from __future__ import annotations

from mmbench.method import Context


def part_widths(context: Context, *parts: str) -> tuple[int, ...]:
    """Channels of each part's first layer: the profile's width times the method's setting ``<part>_width``."""
    return tuple(max(1, round(context.network.width * context.settings[f"{part}_width"])) for part in parts)
