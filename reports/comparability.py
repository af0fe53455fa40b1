"""Whether a cell was made as the papers made their numbers: what blocks a comparison, and what is only noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .protocols import OTHER_TEST_IMAGES, PROTOCOLS, Protocol

ROUNDED = 0.01  # "150K" and "335" are met by numbers this close to them, as a share
NOT_IN_TRAINING = ("validation", "test")  # of ``split_sizes``; the others are training groups
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Comparability:
    """Reasons that block a comparison, and what is only noted, such as ``image size: 16, published 256``."""

    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def comparability(
    dataset: str, cells: Sequence[Mapping[str, Any]], *, source: str = "thesis", pretrained: bool | None = None
) -> Comparability:
    """What holds of the cells of one row together.

    Args:
        dataset: the published data set's name.
        cells: facts of each seed's cell, as :class:`mmbench.reporting.Results` has them.
        source: which paper.
        pretrained: whether the published row's RGB encoder was, where the row says so itself (table 4.2).
    """
    protocol = PROTOCOLS.get(dataset)
    if protocol is None:
        return Comparability((f"protocol of {dataset or 'this data set'}: unknown",))
    if not cells:
        return Comparability((f"protocol of the cell: {NOT_RECORDED}",))
    reasons: list[str] = []
    notes = [OTHER_TEST_IMAGES[source, dataset]] if (source, dataset) in OTHER_TEST_IMAGES else []
    for facts in cells:
        reasons += [*_settings(protocol, facts), *_pretraining(protocol, facts, pretrained), *_sizes(protocol, facts)]
        notes += _notes(protocol, facts)
    return Comparability(tuple(dict.fromkeys(reasons)), tuple(dict.fromkeys(notes)))


def _settings(protocol: Protocol, facts: Mapping[str, Any]) -> Iterator[str]:
    profile = facts.get("profile_values")
    for name, stated, path in (
        ("image size", protocol.size, ("size",)),
        ("width", protocol.width, ("network", "width")),
        ("poolings", protocol.poolings, ("network", "poolings")),
    ):
        ours = _number(profile, *path)
        if stated is not None and ours != stated:
            yield f"{name}: {_text(ours)}, published {stated:,}"
    for name, stated, path in (
        ("steps", protocol.steps, ("steps",)),
        ("steps with pseudo-pairs", protocol.extra_steps if facts.get("parent") else None, ("extra_steps",)),
    ):
        ours = _number(profile, *path)
        if stated is not None and ours != stated:
            yield f"{name}: {_text(ours)}, published {stated:,}"
    if any(_is_steps(key) for key in _changed(facts)):
        yield "steps: changed by --set"


def _pretraining(protocol: Protocol, facts: Mapping[str, Any], stated: bool | None) -> Iterator[str]:
    wanted = protocol.pretrained if stated is None else stated
    has_encoder = any(str(role).startswith("encoder/rgb") for role in _mapping(facts.get("networks")))
    could_be = has_encoder and "pretrained" in _mapping(_mapping(facts.get("config")).get("settings"))
    if could_be and bool(facts.get("pretrained")) != wanted:
        words = {True: "pretrained", False: "from random weights"}
        yield f"RGB encoder: {words[not wanted]}, published {words[wanted]}"


def _sizes(protocol: Protocol, facts: Mapping[str, Any]) -> Iterator[str]:
    sizes = split_sizes(facts)
    if not sizes:
        yield f"split: {NOT_RECORDED}"
        return
    train, validation, test = training(sizes), sizes.get("validation", 0), sizes.get("test", 0)
    whole = train + validation
    if protocol.train is not None and not _meets(train, protocol.train) and not _meets(whole, protocol.train):
        yield _differs(train, protocol.train, "training images")
    if protocol.test is not None and not _meets(test, protocol.test):
        yield _differs(test, protocol.test, "test images")
    if protocol.total is not None and not _meets(whole + test, protocol.total):
        yield _differs(whole + test, protocol.total, "images")


def _notes(protocol: Protocol, facts: Mapping[str, Any]) -> Iterator[str]:
    sizes = split_sizes(facts)
    validation = sizes.get("validation", 0)
    taken_out = protocol.train is not None and _meets(training(sizes) + validation, protocol.train)
    if validation and (taken_out or protocol.total is not None):
        yield f"{validation:,} training images are validation here"
    if protocol.unpublished:
        yield "the papers' lists of images are unpublished"
    if protocol.unstated:
        yield protocol.unstated
    if isinstance(given := facts.get("pretrained"), Mapping):
        yield f"RGB encoder: weights of the file {given.get('file')}"
    if protocol.steps is None:
        yield f"steps: {_text(_number(facts.get('profile_values'), 'steps'))}, published none"
    parts = [_mapping(part) for part in _mapping(facts.get("changed")).values()]
    if changed := {key for part in parts for key in part if not _is_steps(key)}:
        yield f"changed by --set: {', '.join(sorted(changed))}"
    yield f"deviations: {protocol.deviations}"


def split_sizes(facts: Mapping[str, Any]) -> dict[str, int]:
    """Images of each training group, of validation and of test; empty where a result does not record them."""
    sizes = _mapping(facts.get("split_sizes"))
    return {str(part): size for part, size in sizes.items() if isinstance(size, int)}


def training(sizes: Mapping[str, int]) -> int:
    """Images of all training groups together."""
    return sum(size for part, size in sizes.items() if part not in NOT_IN_TRAINING)


def _meets(ours: int, stated: int) -> bool:
    return abs(ours - stated) <= ROUNDED * stated


def _differs(ours: int, stated: int, what: str) -> str:
    return (
        f"subset: {ours:,} of {stated:,} {what}" if ours < stated else f"split: {ours:,} {what}, published {stated:,}"
    )


def _is_steps(key: str) -> bool:
    return key.rpartition(".")[2] == "steps"


def _changed(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """What ``--set`` changed of the method."""
    return _mapping(_mapping(facts.get("changed")).get("method"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object, *path: str) -> int | None:
    for name in path:
        value = _mapping(value).get(name)
    return value if isinstance(value, int) else None


def _text(value: int | None) -> str:
    return NOT_RECORDED if value is None else f"{value:,}"
