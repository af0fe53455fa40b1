"""What a request means: which methods, data sets and profile the names on the command line stand for. No torch."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import near, path_of
from mmbench.plugins import catalog, keys
from mmbench.plugins.catalog import Card
from mmbench.store.files import read_json
from mmbench.store.processors import cuda_present

EVERYTHING = "all"
DEFAULT_SUITE = "tables"  # of a card without SUITES that is in --methods all
EMBEDDED = "synthetic"
OWN_IMAGES = "folder"  # the data set that reads a folder named on the command line


@dataclass(frozen=True)
class Source:
    """A data set to run on.

    Attributes:
        card: of its adapter.
        label: its name in the runs folder and in tables.
        root: the folder that was named instead of a data set; None leaves it to ``--data-root``.
    """

    card: Card
    label: str
    root: Path | None = None


def default_profile(dataset_named: bool) -> str:
    """synthetic/laptop on every machine without arguments; a named data set takes ``short`` where CUDA is present."""
    return "short" if dataset_named and cuda_present() else "laptop"


def in_suite(card: Card, suite: str) -> bool:
    """Whether a method belongs to a suite: by its card's SUITES, else to ``tables`` where ``all`` means it too.

    The suite ``all`` is every suite.
    """
    default = (DEFAULT_SUITE,) if card.get("IN_ALL", True) else ()
    own = card.get("SUITES", default)
    return bool(own) if suite == EVERYTHING else suite in own


def suites() -> tuple[str, ...]:
    """The names of all suites."""
    named = {suite for card in catalog.cards("methods").values() for suite in card.get("SUITES", ())}
    return tuple(sorted(named | {DEFAULT_SUITE}))


def check_suite(suite: str) -> None:
    """Raise UserError, with the near match, where no suite has this name."""
    known = [*suites(), EVERYTHING]
    if suite and suite not in known:
        raise UserError(f"no suite named {suite!r}{did_you_mean(suite, known)}")


def _fitting(suite: str) -> str:
    """Where the methods of a suite can run: ``cross-domain tasks (data sets artworks, colored-objects)``."""
    methods = [card for card in catalog.cards("methods").values() if not card.problem and in_suite(card, suite)]
    kinds = sorted({kind for card in methods for kind in card["KINDS"]})
    cards = catalog.cards("datasets").values()
    names = [card.name for card in cards if not card.problem and card.get("KIND") in kinds]
    return f"{' and '.join(kinds)} tasks (data sets {', '.join(names)})"


def check_kind(card: Card, task_kind: str) -> None:
    """Raise UserError where a method cannot do this kind of task."""
    if task_kind not in card["KINDS"]:
        raise UserError(f"method {card.name!r} cannot do {task_kind} tasks (it can do {', '.join(card['KINDS'])})")


def choose_methods(
    wanted: Sequence[str], task_kind: str, suite: str = "", scale: str = ""
) -> tuple[list[Card], list[str]]:
    """Cards of the methods asked for, and notes.

    Args:
        wanted: names; ``all`` is every method that can run on this kind of task.
        suite: every method of that suite that can run on this kind of task, after those that were named; ``all``: of
            every suite.
        scale: of the profile; ``all`` and a suite leave out methods whose card's SCALES lack it.

    Raises:
        UserError: an unknown method or suite, one that was named but cannot run on this kind of task, or none at all.
    """
    known = {name: card for name, card in catalog.cards("methods").items() if card.get("ROLE") != "judge"}
    chosen: dict[str, Card] = {}
    notes: dict[str, None] = {}
    for name in wanted:
        if name == EVERYTHING:
            continue
        if name not in known:
            raise UserError(f"no method named {name!r}{did_you_mean(name, [*known, EVERYTHING])}")
        card = catalog.find("methods", name)
        check_kind(card, task_kind)
        chosen.setdefault(name, card)
    check_suite(suite)
    for card in known.values():
        if not (EVERYTHING in wanted and card.get("IN_ALL", True)) and not (suite and in_suite(card, suite)):
            continue
        if card.problem:
            notes[f"{card.name}: left out, it cannot be read ({card.problem})"] = None
        elif task_kind in card["KINDS"] and scale in card.get("SCALES", [scale]):
            chosen.setdefault(card.name, card)
    if not chosen:
        raise UserError(f"suite {suite!r} has no method for {task_kind} tasks: it is for {_fitting(suite)}")
    return list(chosen.values()), list(notes)


def choose_datasets(names: Sequence[str], suite: str = "") -> list[Source]:
    """The data sets asked for: names or folders of own images; without any, what a suite runs on, or the embedded one.

    Raises:
        UserError: an unknown name that is no folder either, or a suite that no embedded data set has tasks for.
    """
    if names or not suite:
        return [_source(name) for name in names or [EMBEDDED]]
    check_suite(suite)
    embedded = [card for card in catalog.cards("datasets").values() if not card.get("NEEDS_ROOT", True)]
    if of_suite := [card for card in embedded if _runs_on(card, suite)]:
        return [Source(card, card.name) for card in of_suite]
    methods = [card for card in catalog.cards("methods").values() if not card.problem and in_suite(card, suite)]
    source = _source(EMBEDDED)
    if not any(source.card["KIND"] in card["KINDS"] for card in methods):
        raise UserError(f"suite {suite!r}: name a data set with --dataset; it is for {_fitting(suite)}")
    return [source]


def _runs_on(card: Card, suite: str) -> bool:
    own = card.get("SUITES", ())
    return bool(own) if suite == EVERYTHING else suite in own


def _source(name: str) -> Source:
    known = catalog.cards("datasets")
    path = path_of(name)
    if name in known or not path.is_dir():
        if name not in known and path.exists():
            raise UserError(f"{name}: a file, expected a folder of own images or the name of a data set")
        if name not in known and ("/" in name or name.startswith(("~", "."))):
            raise UserError(
                f"{name}: no such folder{near(path.absolute())}; --dataset takes a folder of own images, or one of: "
                f"{', '.join(known)}"
            )
        if name not in known:
            raise UserError(f"no dataset named {name!r}{did_you_mean(name, known)}, and no such folder either")
        return Source(catalog.find("datasets", name), name)
    path = path.resolve()
    return Source(catalog.find("datasets", OWN_IMAGES), f"{OWN_IMAGES}-{_plain(path.name) or OWN_IMAGES}", path)


def own_label(source: Source, manifest: str, runs: Path, planned: Mapping[str, Path]) -> str:
    """The name of a folder of own images in the runs folder: its last name, unless another folder's results have that.

    Then its parent's name stands before it, and if that is taken too, a digest of the path behind it. A folder is
    another one where both its path and its images differ: results of one that was moved, or edited, stay its own.

    Args:
        manifest: of the images.
        planned: names that this call has given already, and the folders they are of.
    """
    if source.root is None:
        return source.label
    own = keys.place(source.root)
    last, parent = source.label.removeprefix(f"{OWN_IMAGES}-"), _plain(source.root.parent.name)
    names = [source.label, *([f"{OWN_IMAGES}-{parent}-{last}"] if parent else [])]
    for name in names:
        if name in planned and planned[name] != source.root:
            continue
        held = [{key: cell.get(key) for key in ("place", "manifest")} for cell in _cells(runs, name)]
        named = [cell for cell in held if cell["place"]]  # older results do not say whose they are
        if not named or any(cell["place"] == own or cell["manifest"] == manifest for cell in named):
            return name
    return f"{source.label}-{own[:6]}"


def _cells(runs: Path, label: str) -> Iterator[Mapping[str, Any]]:
    """What cells below a name say of themselves, those of ``--set data.*`` among them; damaged ones are left out."""
    for path in (*runs.glob(f"{label}/*/*/seed-*/cell.json"), *runs.glob(f"{label}+*/*/*/seed-*/cell.json")):
        with contextlib.suppress(ValueError, OSError):
            yield read_json(path) or {}


def _plain(name: str) -> str:
    """A name as it may stand in a path anywhere; empty where nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")
