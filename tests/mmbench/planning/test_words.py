"""Durations and sizes as people say them, against hand-made lists."""

from __future__ import annotations

import pytest

from mmbench.planning.words import duration, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 second"), (0.2, "1 second"), (1.4, "1 second"), (40, "40 seconds"), (89, "89 seconds"),
        (90, "2 minutes"), (5 * 60, "5 minutes"), (89 * 60, "89 minutes"),
        (90 * 60, "1.5 hours"), (2 * 3600, "2 hours"), (2.7 * 3600, "2.5 hours"), (2.8 * 3600, "3 hours"),
        (20 * 3600, "20 hours"), (35.9 * 3600, "36 hours"),
        (36 * 3600, "1.5 days"), (5348 * 60, "3.5 days"), (4.1 * 86400, "4 days"), (278.6 * 86400, "279 days"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "1 MB"), (1_000, "1 MB"), (118_400_000, "118 MB"), (999_600_000, "1.0 GB"), (2_349_000_000, "2.3 GB"),
     (999_600_000_000, "1.0 TB"), (1.25e12, "1.2 TB")],
)  # fmt: skip
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text
