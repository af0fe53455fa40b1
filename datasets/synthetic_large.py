"""The embedded rooms in any number: ``--set profile.data.train=500000`` (``docs/synthetic.md``).

A data set of its own, because the numbers of :mod:`.synthetic` leave 200 000 scenes to each part, and another numbering
there would be other images in every finished cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.task import Split

from .synthetic import BASE, DEFAULTS, DRAW, DRAWS, RENDERER_VERSION, Synthetic

NAME = "synthetic-large"
TITLE = "Synthetic rooms in any number (embedded)"
KIND = "cross-modal"
CLASS = "SyntheticLarge"
NEEDS_ROOT = False
SOURCE = "rendered by mmbench itself"
CITATION = "mmbench, docs/synthetic.md"
SETTINGS = {"nir": False, "tied_colours": 0.0}

FIRST = BASE + DRAWS * DRAW
"""Seed of the first scene: behind all draws of the smaller set."""

PARTS = 4
"""Scenes are dealt to the two groups, validation and test in turn, so that none of them has an end."""


class SyntheticLarge(Synthetic):
    """Rooms of the same renderer, none of which the smaller set has; every sample is a scene of its own.

    ``limits`` of 0 mean as many as there. Parts that are made longer begin with what they were.

    Raises:
        UserError: a limit is negative, or a share of tied colours outside 0 to 1.
    """

    split_by_manifest = True

    def __init__(
        self, root: Path | None = None, limits: DataLimits | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(root, None, settings)
        asked = limits or DataLimits()
        for name in ("train", "validation", "test"):
            if getattr(asked, name) < 0:
                raise UserError(f"{NAME}: {name}={getattr(asked, name)} images; expected 0 or more")
        self.limits = DataLimits(
            asked.train or DEFAULTS.train, asked.validation or DEFAULTS.validation, asked.test or DEFAULTS.test
        )
        self.settings = {**SETTINGS, **(settings or {})}
        self._base = FIRST

    def split(self) -> Split:
        """Ids such as ``scene-000000123``, of which every fourth belongs to a part."""
        return self._split

    @cached_property
    def _split(self) -> Split:
        sizes = (self.limits.train, self.limits.train, self.limits.validation, self.limits.test)
        first, second, validation, test = (
            tuple(f"scene-{PARTS * index + part:09d}" for index in range(size)) for part, size in enumerate(sizes)
        )
        groups = {group.name: ids for group, ids in zip(self.task.groups, (first, second), strict=True)}
        return Split(groups, validation, test)

    def manifest(self) -> str:
        """SHA-256 of the renderer's version, the limits and the share of tied colours."""
        tied = self.settings["tied_colours"]
        facts = f"{NAME} renderer {RENDERER_VERSION} base {FIRST} by {PARTS} {self.limits} tied colours {tied}"
        return hashlib.sha256(facts.encode()).hexdigest()
