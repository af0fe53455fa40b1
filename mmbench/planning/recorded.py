"""What the record of a finished cell tells of its data set, where that can be opened here."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any


def ids_of_test_images(facts: Mapping[str, Any]) -> list[str]:
    """Ids of a cell's test images, in order; none where its data set cannot be opened, or has another test split.

    Args:
        facts: what its ``result.json`` holds; ``dataset`` as it was before ``--set``, or under ``base``.
    """
    # Planning takes longer to import than many a report to be made, and most have no pictures to name.
    from mmbench.planning.plan import open_dataset
    from mmbench.schedule import DataLimits

    # An adapter is anybody's code and looks for files that may be on another machine: whatever it raises, there are
    # results to show.
    with contextlib.suppress(Exception):
        name = facts.get("base", facts)["dataset"]
        changes = {f"data.{key}": value for key, value in (facts.get("data_settings") or {}).items()}
        split = open_dataset(name, DataLimits(**facts["profile_values"]["data"]), None, changes).split()
        if split.hashes()["test"] == facts["split_hashes"]["test"]:
            return list(split.test)
    return []
