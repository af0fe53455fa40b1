from __future__ import annotations

import pytest

from mmbench.schedule import Stage


def test_the_learning_rate_warms_up_and_falls_by_a_step_or_linearly() -> None:
    step = Stage("train", 0, steps=10, lr=1.0, warmup=2, decay=0.2)
    assert [step.lr_at(i) for i in range(10)] == [0.5, 1.0, 1, 1, 1, 1, 1, 1, 0.1, 0.1]
    linear = Stage("train", 0, steps=10, lr=1.0, anneal=0.5)
    assert [linear.lr_at(i) for i in range(10)] == pytest.approx([1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])
