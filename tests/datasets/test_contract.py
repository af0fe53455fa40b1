"""The contract of a data set, over everything the catalog finds, variants and plug-ins from outside included.

Those of the papers are made small, in their official formats; a plug-in from outside reads ``$MMBENCH_DATA``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import artworks_tree
import colored_objects_tree
import flowers_tree
import freiburg_tree
import nyuv2_tree
import own_images
import pytest
import scenenet_tree
import sunrgbd_tree

from mmbench.contracts.datasets import Subject, checks
from mmbench.contracts.processes import processes
from mmbench.errors import UserError
from mmbench.planning.plan import DATA_VARIABLE, open_dataset
from mmbench.plugins import catalog
from mmbench.schedule import DataLimits

CARDS = {name: card for name, card in catalog.cards("datasets").items() if not card.problem}
MADE: Mapping[str, Callable[[Path], Path]] = {
    "mmbench.datasets.artworks": artworks_tree.make_root,
    "mmbench.datasets.colored_objects": colored_objects_tree.make_root,
    "mmbench.datasets.flowers": flowers_tree.make_root,
    "mmbench.datasets.folder": own_images.make_root,
    "mmbench.datasets.freiburg": freiburg_tree.make_root,
    "mmbench.datasets.nyuv2": nyuv2_tree.make_root,
    "mmbench.datasets.scenenet": scenenet_tree.make_root,
    "mmbench.datasets.sunrgbd": sunrgbd_tree.make_root,
}
VIEWS_OF_170K = partial(
    scenenet_tree.make_tree, sets={"train/0": (0, 1), "train/15": (15000,), "val/0": (9,)}, frames=(0, 25, 750, 6750)
)
OTHERWISE = {"scenenet-170k": VIEWS_OF_170K}


@pytest.fixture(scope="module")
def subjects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject | str]:
    """Each data set that a chosen test is about with a folder of its files, or why it has none."""
    chosen = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    roots: dict[object, Path] = {}
    found: dict[str, Subject | str] = {}
    for name, card in CARDS.items():
        if name not in chosen:
            continue
        make = OTHERWISE.get(name) or MADE.get(card.module)
        if not card.get("NEEDS_ROOT", True):
            found[name] = Subject(card, None)
        elif make:
            root = roots.get(make) or make(tmp_path_factory.mktemp(name))
            found[name] = Subject(card, roots.setdefault(make, root))
        else:
            found[name] = outside(card)
    return found


def outside(card: catalog.Card) -> Subject | str:
    """A data set that only its owner can make a small copy of."""
    if not os.environ.get(DATA_VARIABLE):
        return f"{card.path} reads files: set {DATA_VARIABLE} to the folder that holds them"
    try:
        open_dataset(card.name, DataLimits(1, 1, 1), None)
    except UserError as error:
        return str(error)
    return Subject(card, Path(os.environ[DATA_VARIABLE]))


@pytest.fixture(scope="module")
def seen(subjects: dict[str, Subject | str]) -> list[dict[str, dict[str, Any]]]:
    return processes({name: subject.root for name, subject in subjects.items() if isinstance(subject, Subject)})


@pytest.mark.parametrize("name", CARDS)
def test_contract(name: str, subjects: dict[str, Any], seen: list[dict[str, Any]], tmp_path: Path) -> None:
    subject = subjects[name]
    if isinstance(subject, str):
        pytest.skip(subject)
    made_here = name in OTHERWISE or subject.card.module in MADE
    for check in checks(subject, lambda: [one[name] for one in seen], tmp_path, copies=made_here):
        check.look()


def test_every_data_set_of_the_house_is_made_small() -> None:
    houses = [card for card in CARDS.values() if card.module.startswith("mmbench.") and card.get("NEEDS_ROOT", True)]
    assert {card.module for card in houses} == set(MADE)
    assert not [card.problem for card in catalog.cards("datasets").values() if card.problem]
