"""A second set of BatchNorm statistics, for a network that sees two kinds of images.

The second network of a cascade was trained on real images and is fed generated ones: with the running statistics of the
real ones it fails for a reason that has nothing to do with cascades. A fair cascade re-estimates them on the first
network's outputs over training images, and leaves the originals as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

_BUFFERS = {"running_mean": "mean", "running_var": "var", "num_batches_tracked": "count"}


class StatisticsBank(nn.Module):
    """Running mean, variance and number of batches for every BatchNorm layer of some modules.

    They are buffers, so they are saved with the module that owns the bank. The observed modules are not: the bank only
    refers to them. Modules without BatchNorm make every context a no-op.

    Args:
        modules: searched for BatchNorm layers with running statistics, in order; a layer found twice counts once.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        found = {
            id(layer): layer
            for module in modules
            for layer in module.modules()
            if isinstance(layer, _BatchNorm) and layer.running_mean is not None
        }
        # A tuple, so that nn.Module does not register the layers as the bank's own.
        self._layers = tuple(found.values())
        for index, layer in enumerate(self._layers):
            for name, mine in _BUFFERS.items():
                fresh = torch.ones_like if mine == "var" else torch.zeros_like
                self.register_buffer(f"{mine}_{index}", fresh(layer.get_buffer(name)))

    @contextmanager
    def observing(self) -> Iterator[None]:
        """The layers use each batch's statistics and add them to the bank's plain average over all batches observed.

        Their own statistics, momentum and mode are the same afterwards, whatever happens inside.
        """
        with self._swapped(training=True):
            yield

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The layers run in eval mode with the bank's statistics.

        Raises:
            RuntimeError: some layer has not been observed yet.
        """
        if not all(self.get_buffer(f"count_{index}") > 0 for index in range(len(self._layers))):
            raise RuntimeError("BatchNorm statistics are applied before any were observed")
        with self._swapped(training=False):
            yield

    @contextmanager
    def _swapped(self, training: bool) -> Iterator[None]:
        own = [
            (layer.training, layer.momentum, {name: layer.get_buffer(name) for name in _BUFFERS})
            for layer in self._layers
        ]
        try:
            for index, layer in enumerate(self._layers):
                layer.training = training
                layer.momentum = None  # torch's cumulative average
                for name, mine in _BUFFERS.items():
                    setattr(layer, name, self.get_buffer(f"{mine}_{index}"))
            yield
        finally:
            for layer, (was_training, momentum, buffers) in zip(self._layers, own, strict=True):
                layer.training = was_training
                layer.momentum = momentum
                for name, buffer in buffers.items():
                    setattr(layer, name, buffer)
