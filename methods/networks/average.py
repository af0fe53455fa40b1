"""A network's weights averaged over training, and networks that only look: held as buffers, saved and never trained."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def as_buffers(network: nn.Module) -> nn.Module:
    """A copy whose parameters are buffers: no optimizer finds them, a checkpoint holds them."""
    made = copy.deepcopy(network)
    for module in made.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach().clone())
    return made


class Average(nn.Module):
    """The exponential moving average of a network's weights, from which a diffusion model samples.

    A method takes them in before each step, so that the last step's own are not among them.

    ``average = d * average + (1 - d) * weights`` with ``d = min(decay, (1 + n) / (10 + n))`` at the n-th update, so
    that the first weights are soon forgotten (as in ``diffusers`` and TensorFlow).

    Attributes:
        network: the copy that has the averaged weights.
    """

    updates: Tensor

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.network, self.decay = as_buffers(network), decay
        self.register_buffer("updates", torch.zeros(()))

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the present weights of ``network``."""
        # On the device: a number read back would keep a GPU waiting.
        share = 1 - ((1 + self.updates) / (10 + self.updates)).clamp(max=self.decay)
        own = dict(self.network.named_buffers())
        for name, new in network.named_parameters():
            own[name].lerp_(new, share)
        self.updates += 1
