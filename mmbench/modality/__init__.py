"""What an image of a modality is: channels, value range, invalid value, how it enters a network and leaves it.

Three representations exist, and nothing else in the house may invent a fourth:

=============  ==============================  ====================================  ==========================
kind           array (adapter, cache)          tensor (batches, ``translate``)       network (inside a method)
=============  ==============================  ====================================  ==========================
rgb            uint8 ``(H, W, 3)``             float ``(B, 3, H, W)`` in [-1, 1]     the same
scalar         float32 ``(H, W)`` in [-1, 1]   float ``(B, 1, H, W)`` in [-1, 1]     the same
depth          float32 ``(H, W)`` metres,      float ``(B, 1, H, W)`` metres,        ``(B, 1, H, W)``, see
               0 = invalid                     0 = invalid                           :attr:`Depth.encoding`
segmentation   uint8 ``(H, W)`` class ids,     int64 ``(B, H, W)`` class ids,        one-hot ``(B, K + 1, H, W)``
               0 = void                        0 = void                              with the void channel first
=============  ==============================  ====================================  ==========================

Each kind is a class in a file of its own, which holds all that is particular to it; nothing else in the house asks of
which kind a modality is. No file here imports torch at module level, so that the catalog and the plan stay fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mmbench.errors import did_you_mean

from .base import Colour as Colour
from .base import Kind as Kind
from .base import Loss as Loss
from .base import Modality as Modality
from .depth import MINIMUM_DEPTH as MINIMUM_DEPTH
from .depth import Depth as Depth
from .rgb import Rgb as Rgb
from .scalar import Scalar as Scalar
from .score import Score as Score
from .segmentation import Segmentation as Segmentation

KINDS: Mapping[str, type[Modality]] = {kind.kind: kind for kind in (Rgb, Depth, Segmentation, Scalar)}
"""The classes by what :attr:`Modality.kind` says."""

MAIN_SCORES = tuple(dict.fromkeys(kind.main for kind in KINDS.values()))
"""The scores that translations are judged by."""

MAIN_KEYS = {name: kind.main.key for name, kind in KINDS.items()}
"""Kind -> key of its main score, to look up whole columns of a table."""


def main_score(kind: str) -> Score | None:
    """The score that translations into a kind are judged by; None for what is no kind, such as ``domain``."""
    return KINDS[kind].main if kind in KINDS else None


def modality_of(values: Mapping[str, Any]) -> Modality:
    """A modality from what was recorded of it: its fields by name, with JSON's lists in place of tuples.

    Older records give every modality the fields of all kinds; those of other kinds are left out where they hold their
    defaults.

    Raises:
        ValueError: an unknown kind, or fields that contradict each other.
        KeyError, TypeError: a field is missing or unknown.
    """
    name, kind = values["name"], values["kind"]
    if kind not in KINDS:
        raise ValueError(f"modality {name!r}: unknown kind {kind!r}{did_you_mean(str(kind), KINDS)}")
    own = {field.name for field in fields(KINDS[kind])}
    others = {
        field.name: (other, field.default) for other, made in KINDS.items() for field in fields(made)
        if field.name not in own
    }  # fmt: skip
    given = {key: _tuples(value) for key, value in values.items() if key not in ("kind", *others)}
    for key, (other, default) in others.items():
        if _tuples(values.get(key, default)) != default:
            raise ValueError(f"modality {name!r}: {key} are for {other}, not for {kind}")
    return KINDS[kind](**given)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
