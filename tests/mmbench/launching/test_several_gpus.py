"""How many cells run at a time, and on which GPUs, where each has several."""

from __future__ import annotations

import pytest

from mmbench.launching import scheduler
from mmbench.launching.local import gpus_of
from mmbench.launching.scheduler import Options


@pytest.mark.parametrize(
    ("options", "cells", "expected"),
    [
        (Options(device="cuda", gpus_per_cell=2), 9, (4, 2)),
        (Options(device="cuda", gpus_per_cell=3), 9, (2, 2)),
        (Options(device="cuda", gpus_per_cell=8), 9, (1, 2)),
        (Options(device="cuda", gpus_per_cell=2), 1, (1, 8)),
        (Options(device="cuda"), 9, (8, 2)),
        (Options(device="cpu", gpus_per_cell=2), 99, (8, 1)),
        (Options(device="cpu", gpus_per_cell=2, jobs=2), 9, (2, 4)),
        (Options(device="cuda", gpus_per_cell=2, threads=4), 9, (9, 2)),
        (Options(device="cuda", gpus_per_cell=8, threads=4), 9, (9, 1)),
    ],
)
def test_cells_at_a_time_and_threads_of_their_processes(
    options: Options, cells: int, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "visible_gpus", lambda: [str(n) for n in range(8)])
    monkeypatch.setattr(scheduler, "usable_cores", lambda: 16)
    assert options.slots(cells) == expected


def test_cells_that_run_at_once_have_gpus_of_their_own() -> None:
    gpus = ["0", "1", "5", "GPU-7"]
    assert [gpus_of(slot, 2, gpus) for slot in range(2)] == [["0", "1"], ["5", "GPU-7"]]
    assert [gpus_of(slot, 1, gpus) for slot in range(5)] == [["0"], ["1"], ["5"], ["GPU-7"], ["0"]]
