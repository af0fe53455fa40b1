"""A made-up method's card with schedules, overlays and variants, and what it resolves to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmbench.planning import config
from mmbench.planning.config import Profile
from mmbench.plugins.catalog import Card

SPEC: dict[str, Any] = {
    "settings": {"side": "none", "reduction": "mean", "scale": 1.0, "levels": 2, "flag": False, "schedule": "long"},
    "stage": {"noise": 0.0, "mode": "off"},
    "ranges": {"scale": [0.0, 4.0], "levels": [1, float("inf")], "noise": [0.0, float("inf")]},
    "schedules": {
        "long": [
            {"name": "first", "share": 0.25, "lr": 1e-4, "weights": {"rgb": 1.0, "gan": 10.0}},
            {"name": "second", "share": 0.75, "lr": 1e-4, "noise": 0.5, "players": {"generator": 1, "critic": 2}},
            {"name": "look", "observe": True},
        ],
        "short": [{"name": "only", "share": 1.0, "lr": 3e-4}],
    },
    "when": [
        {"scale": "small", "settings": {"side": "overlay"}, "stages": {"*": {"lr": 1e-3}}},
        {"kind": "cross-channel", "settings": {"reduction": "norm"}},
        {
            "profile": "laptop",
            "kind": "cross-channel",
            "stages": {"first": {"weights": {"gan": 0.0}}, "second": {"players": {"critic": 0}}},
        },
    ],
    "variants": {
        "named": {
            "settings": {"side": "variant"},
            "stages": {"second": {"noise": 0.1}},
            "when": [{"profile": "paper", "settings": {"levels": 5}}],
        },
        "other": {"settings": {"schedule": "short"}},
    },
}
SCALES = {"smoke": "small", "laptop": "small", "short": "paper", "paper": "paper"}
SIZES: dict[str, Any] = {
    "title": "", "size": 16, "batch": 2, "steps": 100, "extra_steps": 40, "observe_steps": 7,
}  # fmt: skip


def card(variant: str = "", spec: dict[str, Any] = SPEC, **values: Any) -> Card:
    return Card("m", "methods", Path("m.py"), "m", {"NAME": "m", **values}, spec, variant)


def resolve(
    name: str,
    kind: str = "cross-modal",
    overrides: dict[str, Any] | None = None,
    of: Card | None = None,
    scale: str = "",
) -> config.MethodConfig:
    return config.resolve(of or card(), Profile(name, scale=scale or SCALES[name], **SIZES), kind, overrides or {})
