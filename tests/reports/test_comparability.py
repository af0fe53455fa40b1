"""What blocks a comparison with the papers, one change at a time, and what is only noted."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from mmbench.reports.comparability import Comparability, comparability
from mmbench.reports.protocols import PROTOCOLS
from mmbench.reports.published import load

SUN = ("the papers' lists of images are unpublished", "deviations: docs/sunrgbd.md")
FACTS: dict[str, Any] = {
    "profile_values": {"size": 256, "steps": 400_000, "extra_steps": 100_000, "network": {"width": 64, "poolings": 5}},
    "config": {"settings": {"pretrained": "auto"}},
    "networks": {"encoder/rgb": 1, "encoder/depth": 1},
    "pretrained": True,
    "parent": "",
    "changed": {"dataset": {}, "profile": {}, "method": {}},
    "split_sizes": {"rgb+segmentation": 4850, "rgb+depth": 4850, "validation": 300, "test": 335},
}


def changed(path: str, value: object) -> dict[str, Any]:
    facts = copy.deepcopy(FACTS)
    *names, last = path.split("/")
    where = facts
    for name in names:
        where = where[name]
    where[last] = value
    return facts


def test_the_papers_protocol_is_comparable() -> None:
    assert comparability("sunrgbd", [FACTS, FACTS]) == Comparability(
        (), ("300 training images are validation here", *SUN)
    )


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("profile_values/size", 16, "image size: 16, published 256"),
        ("profile_values/network/width", 4, "width: 4, published 64"),
        ("profile_values/network/poolings", 2, "poolings: 2, published 5"),
        ("profile_values/steps", 8, "steps: 8, published 400,000"),
        ("profile_values/steps", "x", "steps: not recorded, published 400,000"),
        ("changed/method", {"stage.align.steps": 9}, "steps: changed by --set"),
        ("pretrained", False, "RGB encoder: from random weights, published pretrained"),
        ("split_sizes/rgb+depth", 100, "subset: 4,950 of 10,000 training images"),
        ("split_sizes/rgb+depth", 7000, "split: 11,850 training images, published 10,000"),
        ("split_sizes/test", 300, "subset: 300 of 335 test images"),
        ("split_sizes/test", 5050, "split: 5,050 test images, published 335"),
        ("split_sizes", None, "split: not recorded"),
    ],
)
def test_each_of_these_blocks(path: str, value: object, reason: str) -> None:
    assert comparability("sunrgbd", [FACTS, changed(path, value)]).reasons == (reason,)


def test_steps_of_pseudo_pairs_count_where_a_method_has_a_parent() -> None:
    facts = changed("profile_values/extra_steps", 10)
    assert comparability("sunrgbd", [facts]).reasons == ()
    reasons = comparability("sunrgbd", [{**facts, "parent": "abc"}]).reasons
    assert reasons == ("steps with pseudo-pairs: 10, published 100,000",)


def test_pretraining_is_asked_of_methods_that_can_have_it_and_as_the_published_row_says() -> None:
    assert comparability("sunrgbd", [{**changed("pretrained", False), "config": {"settings": {}}}]).reasons == ()
    assert comparability("sunrgbd", [{**changed("pretrained", False), "networks": {"encoder/depth": 1}}]).reasons == ()
    assert comparability("sunrgbd", [changed("pretrained", False)], pretrained=False).reasons == ()
    (reason,) = comparability("sunrgbd", [FACTS], pretrained=False).reasons
    assert reason == "RGB encoder: pretrained, published from random weights"


def test_a_change_of_settings_and_other_test_images_are_noted() -> None:
    made = comparability("sunrgbd", [changed("changed/method", {"latent_noise": 0.1})])
    assert (made.reasons, made.notes[2]) == ((), "changed by --set: latent_noise")
    more = {"profile": {"profile.batch": 60}, "dataset": {"data.depth": "raw"}}
    made = comparability("sunrgbd", [changed("changed", more)])
    assert (made.reasons, made.notes[2]) == ((), "changed by --set: data.depth, profile.batch")
    sizes = {"a": 24_500, "b": 24_500, "validation": 1000, "test": 1000}
    notes = comparability("scenenet-51k", [{**FACTS, "split_sizes": sizes}], source="cvpr2018").notes
    assert notes[0] == "CVPR's test frames are of the training videos, ours are not"


def test_what_the_papers_do_not_state_blocks_nothing() -> None:
    """Flowers: no steps and no sizes of parts are stated, only which images there are."""
    profile = {"size": 128, "steps": 7, "network": {"width": 64, "poolings": 3}}
    sizes = {"theta1+theta2": 709, "theta1+theta3": 709, "validation": 75, "test": 374}
    made = comparability("flowers-opponent", [{"profile_values": profile, "split_sizes": sizes}])
    assert (made.reasons, made.notes[2]) == ((), "steps: 7, published none")
    made = comparability("flowers-opponent", [{"profile_values": profile, "split_sizes": {"theta1+theta2": 230}}])
    assert made.reasons == ("subset: 230 of 1,867 images",)


@pytest.mark.parametrize("damage", [3, None, [], {}, {"network": "x"}])
def test_damaged_facts_block(damage: object) -> None:
    facts = dict.fromkeys(FACTS, damage)
    assert "split: not recorded" in comparability("sunrgbd", [facts]).reasons


def test_nothing_known_of_the_cell_or_the_data_set_blocks() -> None:
    assert comparability("sunrgbd", []).reasons == ("protocol of the cell: not recorded",)
    assert comparability("mine", [FACTS]).reasons == ("protocol of mine: unknown",)


def test_every_published_data_set_has_its_protocol() -> None:
    assert set(PROTOCOLS) == set(load()["dataset"])
