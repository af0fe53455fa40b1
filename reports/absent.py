"""What a result was to have and could not be given: ImageNet weights. Tables that show its rows say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbench.reporting import Results

VGG16 = {"width": 64, "poolings": 5}  # the size of the segnet family whose RGB encoder is VGG-16's


def without_weights(results: Results, dataset: str, profile: str, methods: set[str]) -> str:
    """A sentence that names the methods among ``methods`` whose RGB encoder was to start from VGG-16's weights and did
    not; empty where there is none.
    """
    lacking = sorted(
        {
            str(facts.get("method"))
            for facts in results.of(dataset, profile).cells
            if facts.get("method") in methods and _lacks(facts)
        }
    )
    if not lacking:
        return ""
    return (
        f"VGG-16's ImageNet weights could not be had for {', '.join(lacking)}: the RGB encoder started from random "
        "weights."
    )


def _lacks(facts: Mapping[str, Any]) -> bool:
    try:
        settings, network = facts["config"]["settings"], facts["profile_values"]["network"]
        wanted = settings["pretrained"] == "auto" and settings["family"] == "segnet" and not network.get("convs")
        has = any(str(role).startswith("encoder/rgb") for role in facts["networks"])
        return bool(wanted and has and not facts["pretrained"] and {key: network[key] for key in VGG16} == VGG16)
    except (KeyError, TypeError, AttributeError):  # of older code, or damaged
        return False
