"""The zero-pair task: which modalities occur aligned, which translations are never seen, and the guard.

The guard is :func:`views`: it turns a split and a method's access into exactly the images that method's loaders read.
What is not in a view is never opened for that method.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import permutations
from typing import Literal

from mmbench.modality import Modality

LABEL = "label"  # the class label of an image, handed to judges only

TaskKind = Literal["cross-modal", "cross-channel", "cross-domain"]


class Access(Enum):
    """What training data a method is handed."""

    SEEN_GROUPS = "seen-groups"  # the zero-pair setting: each group's own modalities, aligned
    UNPAIRED = "unpaired"  # every modality alone, independently shuffled
    TRUE_PAIRS = "true-pairs"  # oracles: all modalities of both groups, aligned
    LABELLED = "labelled"  # judges: one modality with the class label


@dataclass(frozen=True)
class Group:
    """Modalities that occur aligned in the same images, such as ``rgb+segmentation``."""

    modalities: tuple[str, ...]

    @property
    def name(self) -> str:
        """``rgb+segmentation``."""
        return "+".join(self.modalities)


@dataclass(frozen=True)
class Translation:
    """One direction to evaluate, and all of a result row's key that describes how it is computed.

    Attributes:
        inputs: modalities in; more than one is multi-modal translation.
        output: modality out.
        via: a cascade's intermediate modality.
        weights: of the inputs' latents, in their order; they sum to 1.
        side_from: the input whose encoder gives the side information.
        bn: ``trained`` statistics, or ``re-estimated`` on the intermediate images of training data (cascades only).

    >>> Translation(("rgb", "depth"), "segmentation", weights=(0.8, 0.2), side_from="rgb").name
    'rgb+depth -> segmentation'
    >>> Translation(("depth",), "segmentation", via="rgb").name
    'depth -> rgb -> segmentation'
    """

    inputs: tuple[str, ...]
    output: str
    via: str | None = None
    weights: tuple[float, ...] | None = None
    side_from: str | None = None
    bn: Literal["trained", "re-estimated"] = "trained"

    @property
    def name(self) -> str:
        """``depth -> segmentation``, ``rgb+depth -> segmentation``, ``depth -> rgb -> segmentation``."""
        return " -> ".join(["+".join(self.inputs), *([self.via] if self.via else []), self.output])


@dataclass(frozen=True)
class Task:
    """Zero-pair translation over groups that share an anchor (thesis 4.4.1).

    Raises:
        ValueError: a group lacks the anchor, names an unknown modality, or every pair of modalities is seen.
    """

    name: str
    kind: TaskKind
    modalities: tuple[Modality, ...]
    anchor: str
    groups: tuple[Group, ...]
    unseen: tuple[Translation, ...]
    seen: tuple[Translation, ...] = ()
    multi_modal: tuple[Translation, ...] = ()
    judged: str | None = None  # the modality whose translated images a judge scores

    def __post_init__(self) -> None:
        names = {modality.name for modality in self.modalities}
        for group in self.groups:
            if self.anchor not in group.modalities:
                raise ValueError(f"group {group.name} lacks the anchor {self.anchor!r}")
            if unknown := set(group.modalities) - names:
                raise ValueError(f"group {group.name} names unknown modalities {sorted(unknown)}")
        if not self.unseen:
            raise ValueError(f"task {self.name!r} has no unseen translation")
        for translation in self.unseen:
            if self.is_seen(translation.inputs[0], translation.output):
                raise ValueError(f"{translation.name} is listed as unseen, but a group holds both")

    @property
    def aligned(self) -> bool:
        """Whether a sample holds several modalities of one scene, so that a test sample has the truth of an output."""
        return self.kind != "cross-domain"

    def modality(self, name: str) -> Modality:
        """The modality of that name; KeyError where the task has none."""
        for modality in self.modalities:
            if modality.name == name:
                return modality
        raise KeyError(name)

    def is_seen(self, source: str, target: str) -> bool:
        """Whether some group holds both modalities aligned."""
        return any({source, target} <= set(group.modalities) for group in self.groups)

    def unseen_pairs(self) -> tuple[tuple[str, str], ...]:
        """Every ordered pair of modalities that no group holds together."""
        names = [modality.name for modality in self.modalities]
        return tuple((a, b) for a, b in permutations(names, 2) if not self.is_seen(a, b))


@dataclass(frozen=True)
class Split:
    """Lists of sample ids: one per training group (by the group's name), validation and test.

    Raises:
        ValueError: two of the lists share an id or, where scenes are given, a scene.
    """

    groups: Mapping[str, tuple[str, ...]]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    scenes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        owner: dict[str, str] = {}
        for part, ids in self.parts().items():
            for key in {self.scenes.get(i, i) for i in ids}:
                if key in owner:
                    raise ValueError(f"{owner[key]} and {part} share the scene {key!r}")
                owner[key] = part
            if len(set(ids)) != len(ids):
                raise ValueError(f"{part} lists a sample twice")

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Every list by name: the groups, ``validation``, ``test``."""
        return {**self.groups, "validation": self.validation, "test": self.test}

    def hashes(self) -> dict[str, str]:
        """SHA-256 (first 16 digits) of each list; they stand in every result."""
        return {part: _digest(ids) for part, ids in self.parts().items()}


@dataclass(frozen=True)
class View:
    """Images that one loader may read: the ids of a training group and the modalities to open for them."""

    name: str
    ids: tuple[str, ...]
    modalities: tuple[str, ...]


def views(task: Task, split: Split, access: Access) -> tuple[View, ...]:
    """The guard: exactly what a method with ``access`` may read for training, one view per training group.

    ``UNPAIRED`` views hold one modality each, so that no loader can align two of them.
    """
    if access is Access.SEEN_GROUPS:
        return tuple(View(g.name, split.groups[g.name], g.modalities) for g in task.groups)
    if access is Access.TRUE_PAIRS:
        everything = tuple(modality.name for modality in task.modalities)
        return tuple(View(g.name, split.groups[g.name], everything) for g in task.groups)
    if access is Access.LABELLED:
        if task.judged is None:
            raise ValueError(f"task {task.name!r} names no modality for a judge")
        return tuple(View(g.name, split.groups[g.name], (task.judged, LABEL)) for g in task.groups)
    singles = []
    for modality in task.modalities:
        ids = [i for g in task.groups if modality.name in g.modalities for i in split.groups[g.name]]
        singles.append(View(modality.name, tuple(ids), (modality.name,)))
    return tuple(singles)


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
