"""Many tensors as two numbers: how long they are, and where they point, seen from one fixed direction.

Neither depends on the names or the order of tensors or on their memory format: a tensor's direction follows from its
shape, and sums over tensors are exact. Code may be moved and renamed without a change of these numbers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

OUTSIDE = "outside roles"  # parameters and buffers that belong to no role: counts, BatchNorm banks


def weights(roles: Mapping[str, nn.Module], whole: nn.Module) -> dict[str, dict[str, float]]:
    """Norm and projection of each role's parameters and float buffers, and of those of ``whole`` outside all roles."""
    parts = {role: _tensors(module) for role, module in roles.items()}
    inside = {id(tensor) for tensors in parts.values() for tensor in tensors}
    parts[OUTSIDE] = [tensor for tensor in _tensors(whole) if id(tensor) not in inside]
    return {
        role: {"norm": norm(tensors), "projection": _projection(tensors)} for role, tensors in parts.items() if tensors
    }


def norm(tensors: Iterable[Tensor]) -> float:
    """The length of all tensors together."""
    return math.sqrt(math.fsum(float(_plain(tensor).square().sum()) for tensor in tensors))


def _projection(tensors: Iterable[Tensor]) -> float:
    return math.fsum(float((_plain(tensor) * _direction(tensor.shape)).sum()) for tensor in tensors)


def _plain(tensor: Tensor) -> Tensor:
    """In double precision and one memory format, on which a sum's rounding would depend."""
    return tensor.detach().double().contiguous()


def _tensors(module: nn.Module) -> list[Tensor]:
    """Parameters and saved float buffers, each once."""
    kept = [value for value in module.state_dict(keep_vars=True).values() if value.is_floating_point()]
    return list({id(value): value for value in kept}.values())


@functools.cache
def _direction(shape: torch.Size) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2018), dtype=torch.float64)
