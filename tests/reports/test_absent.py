"""Tables say which of their rows lack ImageNet weights that could not be had."""

from __future__ import annotations

from typing import Any

import pytest
from mmbench.reports import published, segmentation_table
from result_rows import ROOMS, facts, only, table_of, values_of

from mmbench.reporting import Results

SENTENCE = "VGG-16's ImageNet weights could not be had for mmnet: the RGB encoder started from random weights."
SETTINGS = {"pretrained": "auto", "family": "segnet"}


def note(settings: dict[str, Any], pretrained: bool, **network: Any) -> str:
    """Of the table with a row of mmnet and one of a method that has no such encoder."""
    rows = table_of(values_of("mmnet", {"miou": 30.0}, **ROOMS), values_of("prior", {"miou": 9.0}, **ROOMS))
    where = {"dataset": ROOMS["dataset"], "profile": ROOMS["profile"], "seed": 0}
    profile = {"profile_values": {"network": {"width": 64, "poolings": 5, "convs": [], **network}}}
    mine = facts("scenenet-170k", config={"settings": settings}, pretrained=pretrained, **profile, **where)
    cells = ({**mine, "method": "mmnet"}, {**where, "method": "prior"})
    return only(segmentation_table.build(Results(rows, cells), published.load())).note


def test_a_row_without_the_weights_that_it_was_to_have_is_named() -> None:
    assert SENTENCE in note(SETTINGS, False)


@pytest.mark.parametrize(
    ("settings", "pretrained", "network"),
    [
        (SETTINGS, True, {}),
        ({**SETTINGS, "pretrained": "no"}, False, {}),
        ({**SETTINGS, "family": "residual"}, False, {}),
        (SETTINGS, False, {"width": 16}),
        (SETTINGS, False, {"convs": [1, 1]}),
        ({}, False, {}),
    ],
)
def test_nothing_is_said_where_they_were_had_not_wanted_or_do_not_fit(
    settings: dict[str, Any], pretrained: bool, network: dict[str, Any]
) -> None:
    assert "VGG-16" not in note(settings, pretrained, **network)
