"""What a step draws of many domains, and domains as labels for networks that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from mmbench.method import Batch
from mmbench.task import Task

Item = TypeVar("Item")


class Labelled(NamedTuple):
    """Images ``(B, 3, H, W)``, the number of each one's domain ``(B,)``, and that of another domain ``(B,)``."""

    images: Tensor
    own: Tensor
    other: Tensor


def some(items: Sequence[Item], count: int) -> list[Item]:
    """As many items, drawn by torch's global generator, in their order; 0 means all."""
    return [items[number] for number in torch.randperm(len(items))[: count or len(items)].sort().values.tolist()]


def some_others(task: Task, count: int) -> list[str]:
    """As many domains beside the task's anchor, drawn as :func:`some` does; 0 means all."""
    return some([domain.name for domain in task.modalities if domain.name != task.anchor], count)


def planes(label: Tensor, domains: int, like: Tensor) -> Tensor:
    """Domains' numbers ``(B,)`` as one-hot planes ``(B, domains, H, W)`` of the size and type of images ``like``."""
    return F.one_hot(label, domains).to(like.dtype)[..., None, None].expand(-1, -1, *like.shape[-2:])


def draw(batch: Batch, names: Sequence[str], count: int) -> Labelled:
    """The images of ``count`` domains drawn at random, at least two; 0 means all.

    The other domain is one of those drawn, each of them as often as the others. Randomness is torch's global
    generator's.
    """
    drawn = torch.randperm(len(names))[: max(count, 2) if count else len(names)]
    other = drawn.roll(int(torch.randint(1, len(drawn), ())))
    parts = [batch[names[number]][names[number]] for number in drawn.tolist()]
    counts, images = torch.tensor([len(part) for part in parts]), torch.cat(parts)
    own, other = (numbers.repeat_interleave(counts).to(images.device) for numbers in (drawn, other))
    return Labelled(images, own, other)
