from __future__ import annotations

import torch
from mmbench.methods.flat_intensity import FlatIntensity

from mmbench.task import Translation


def test_colour_differences_come_back_exactly_and_intensity_is_flat() -> None:
    rgb = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4
    method = FlatIntensity.__new__(FlatIntensity)
    torch.nn.Module.__init__(method)
    method.register_buffer("intensity", torch.tensor([0.2, 2.0], dtype=torch.float64))
    inputs = {"theta1": rgb[:, :1] - rgb[:, 1:2], "theta2": rgb[:, 1:2] - rgb[:, 2:]}
    made = (method.translate(inputs, Translation(("theta1", "theta2"), "theta3")) + 1) / 2
    assert torch.allclose(made[:, :1] - made[:, 1:2], inputs["theta1"], atol=1e-6)
    assert torch.allclose(made[:, 1:2] - made[:, 2:], inputs["theta2"], atol=1e-6)
    assert torch.allclose(made.mean(1), torch.full((2, 4, 4), 0.55), atol=1e-6)
