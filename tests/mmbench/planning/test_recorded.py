"""Ids of a cell's test images, from its record."""

from __future__ import annotations

from mmbench.datasets.synthetic import Synthetic

from mmbench.planning.recorded import ids_of_test_images
from mmbench.schedule import DataLimits


def test_ids_are_those_of_the_split_that_the_cell_was_evaluated_on() -> None:
    limits = {"train": 4, "validation": 2, "test": 3}
    test = Synthetic(None, DataLimits(**limits)).split()
    result = {
        "dataset": "synthetic", "data_settings": {"nir": False}, "profile_values": {"data": limits},
        "split_hashes": test.hashes(),
    }  # fmt: skip
    assert ids_of_test_images(result) == list(test.test)
    assert ids_of_test_images({**result, "split_hashes": {"test": "another"}}) == []
    assert ids_of_test_images({**result, "dataset": "no such set"}) == []
    assert ids_of_test_images({}) == []
