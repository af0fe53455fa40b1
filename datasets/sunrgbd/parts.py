"""Who trains and who is tested: the official lists, and blocks of neighbouring frames that stay together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scipy.io import loadmat

from mmbench.errors import UserError

from ..blocks import draw, halve, shuffled

FRAMES = 10335
TRAIN = 5285
TEST = 5050
THESIS_TEST = 335
VALIDATION_SHARE = 0.03
BLOCK = 20
"""Frames per block: one in ten has a neighbour in another block, and 335 test frames come from a score of places."""

RIG = ("kv2/align_kv2", "xtion/xtion_align_data", "realsense/shr")
"""Taken on one day by three sensors at the same places: a recording of its own, in the order of the clock."""


@dataclass(frozen=True)
class Lists:
    """Ids of the official split, in the order of its file."""

    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """Ids of each part, in an order of which every beginning is a fair sample, and the block of each frame.

    ``drawn_here`` is the number of validation frames that :func:`with_validation` took from training.
    """

    halves: tuple[list[str], list[str]]
    validation: list[str]
    test: list[str]
    scenes: Mapping[str, str]
    drawn_here: int = 0


def read_lists(path: Path) -> Lists:
    """``allsplit.mat``. Raises UserError where it is not that file."""
    try:
        held = loadmat(path, variable_names=["alltrain", "alltest"])
        train, test = (tuple(frame_id(str(entry.item())) for entry in held[k].ravel()) for k in ("alltrain", "alltest"))
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise UserError(f"{path}: not the official split ({error}); unpack SUNRGBDtoolbox.zip again") from error
    if shared := set(train) & set(test):
        raise UserError(f"{path}: {min(shared)} is listed for training and for test; unpack SUNRGBDtoolbox.zip again")
    return Lists(train, test)


def official(lists: Lists) -> Parts:
    """The official test set; of the official training set 3 % are validation, the rest is halved."""
    length = _length(len(lists.train) + len(lists.test))
    # The official lists cut through recordings, so a block's name says which list it comes from.
    train, test = (
        {f"{part} {name}": frames for name, frames in _blocks(ids, length).items()}
        for part, ids in (("train", lists.train), ("test", lists.test))
    )
    return _cut(train, test)


def thesis(ids: Sequence[str]) -> Parts:
    """335 of 10335 test frames as in thesis 4.6.1, in whole blocks; of other frames the same share."""
    blocks = _blocks(ids, _length(len(ids)))
    test = {name: blocks.pop(name) for name in draw(blocks, round(THESIS_TEST * len(ids) / FRAMES))}
    return _cut(blocks, test)


def with_validation(drawn: Parts, present: Container[str]) -> Parts:
    """Where no validation frame is present: 3 % of the training frames that are, in whole blocks, in their place.

    A part of the data may well lack all of validation, which is few blocks of 10335 frames. Nothing is taken where
    that would leave a half without frames; parts that have validation frames come back as they are.
    """
    blocks: dict[str, list[str]] = {}
    for frame in (frame for half in drawn.halves for frame in half if frame in present):
        blocks.setdefault(drawn.scenes[frame], []).append(frame)
    if any(frame in present for frame in drawn.validation):
        return drawn
    taken = draw(blocks, round(VALIDATION_SHARE * sum(map(len, blocks.values()))))
    validation = shuffled(frame for name in taken for frame in blocks[name])
    first, second = ([frame for frame in half if drawn.scenes[frame] not in taken] for half in drawn.halves)
    if not all(any(frame in present for frame in half) for half in (first, second)):
        return drawn
    return replace(drawn, halves=(first, second), validation=validation, drawn_here=len(validation))


def _cut(train: dict[str, list[str]], test: Mapping[str, list[str]]) -> Parts:
    scenes = {frame: name for blocks in (train, test) for name, frames in blocks.items() for frame in frames}
    wanted = round(VALIDATION_SHARE * sum(map(len, train.values())))
    validation = [frame for name in draw(train, wanted) for frame in train.pop(name)]
    tested = [frame for frames in test.values() for frame in frames]
    # Each subset is halved, because sensors differ in more than their number of frames.
    return Parts(halve(train, _subset), shuffled(validation), shuffled(tested), scenes)


def _blocks(ids: Iterable[str], length: int) -> dict[str, list[str]]:
    """Consecutive frames of a subset; the recordings of one place of SUN3D are a block, whatever their number."""
    blocks: dict[str, list[str]] = {}
    seen = Counter[str]()
    for frame in sorted(ids, key=_moment):
        subset = _subset(frame)
        if subset.endswith("sun3ddata"):
            name = "/".join(frame.split("/")[:3])
        else:
            name = f"{subset} {seen[subset] // length}"
            seen[subset] += 1
        blocks.setdefault(name, []).append(frame)
    return blocks


def _length(frames: int) -> int:
    """Shorter where there are few frames, so that every part gets some."""
    return max(1, min(BLOCK, frames // 50))


def _subset(frame: str) -> str:
    subset = "/".join(frame.split("/")[:2])
    return "rig" if subset in RIG else subset


def _moment(frame: str) -> tuple[list[int], str]:
    """Sorts the rig's frames by date and time, whose numbers are not always padded, and others by name."""
    return (list(map(int, re.findall(r"\d+", frame.rpartition("/")[2])))[:6] if _subset(frame) == "rig" else [], frame)


def frame_id(path: str) -> str:
    """``/n/fs/sun3d/data/SUNRGBD/kv1/NYUdata/NYU0003/`` to ``kv1/NYUdata/NYU0003``: prefixes and slashes differ."""
    return path.rstrip("/").rpartition("SUNRGBD/")[2]
