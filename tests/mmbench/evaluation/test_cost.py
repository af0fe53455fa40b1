"""The cost of a translation against operations counted by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmbench.evaluation.cost import translation_cost
from mmbench.method import Method
from mmbench.training.device import Compute


class OneConvolution(Method):
    """Depth to a class per pixel with one 3 x 3 convolution of 13 outputs."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.conv = nn.Conv2d(1, 14, 3, padding=1)

    def forward(self, batch: Any, stage: Any) -> None:
        raise NotImplementedError

    def translate(self, inputs: Any, translation: Any, *, sample: int = 0) -> Tensor:
        return self.task.modality(translation.output).from_network(self.conv(inputs["depth"]))


def test_operations_of_one_image(bench: Any) -> None:
    method, _ = bench.build("mmnet")
    made = OneConvolution(method.context)
    cost = translation_cost(
        made, bench.dataset.task, bench.cache, bench.dataset.split().test, Compute(torch.device("cpu"), "fp32")
    )
    assert cost["flops"] == 2 * 14 * 9 * bench.profile.size**2
    assert 0 < cost["latency_ms"] < 10_000
    assert not made.training
