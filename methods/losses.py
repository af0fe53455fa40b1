"""The losses of thesis 4.4.3, with every reduction stated. All are computed in fp32, under autocast too.

The equations are written with Euclidean norms over whole images and codes, the authors' code averages over elements;
the two differ by orders of magnitude, so the functions that can be read both ways take a ``reduction``:

- ``mean``: the mean of squares over all (valid) elements of the batch;
- ``norm``: the Euclidean norm of each sample, averaged over the batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mmbench.method import Losses
from mmbench.modality import Modality

Reduction = Literal["mean", "norm"]


@dataclass(frozen=True)
class Translated:
    """One translation of a step.

    Attributes:
        target: the output's modality.
        raw: a decoder's output, network representation ``(B, channels, H, W)``.
        truth: what it is to be, tensor representation.
        loss: the name of its loss, by default the modality's.
    """

    target: Modality
    raw: Tensor
    truth: Tensor
    loss: str = ""


def cross_entropy(raw: Tensor, target: Tensor) -> Tensor:
    """Average cross-entropy (eq. 4.7, 4.8) over all pixels of the batch that are not void; 0 where there is none.

    Args:
        raw: logits ``(B, K + 1, H, W)``, void first; the soft-max runs over all channels.
        target: class ids ``(B, H, W)``, 0 = void.
    """
    # Summed here and not inside: the reduced 2-d loss is not deterministic on CUDA.
    losses = F.cross_entropy(raw.float(), target, ignore_index=0, reduction="none")
    return losses.sum() / (target > 0).sum().clamp(min=1)


def berhu(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Average Berhu loss (eq. 4.6) over all valid pixels of the batch; 0 where there is none.

    ``c`` is a fifth of the largest absolute error among the valid pixels of each image ("i indexes the pixels of each
    image"), a constant for the gradient.

    Args:
        prediction, target: ``(B, C, H, W)``.
        valid: bool ``(B, H, W)``.

    Errors 1 and 5, so that ``c`` is 1: the first counts as it is, the second as (25 + 1) / 2.

    >>> errors = torch.tensor([[[[1.0, 5.0]]]])
    >>> berhu(errors, torch.zeros_like(errors), torch.ones(1, 1, 2, dtype=torch.bool))
    tensor(7.)
    """
    valid = valid.unsqueeze(1).expand_as(prediction)
    error = torch.where(valid, prediction.float() - target.float(), 0.0).abs()
    c = error.detach().amax(dim=(1, 2, 3), keepdim=True) / 5
    # c is 0 only where every error of the image is, and those take the other branch.
    quadratic = (error.square() + c.square()) / (2 * torch.where(c > 0, c, 1.0))
    return torch.where(error <= c, error, quadratic).sum() / valid.sum().clamp(min=1)


def l2(prediction: Tensor, target: Tensor, reduction: Reduction = "mean", valid: Tensor | None = None) -> Tensor:
    """L2 distance (eq. 4.1-4.3) of two batches ``(B, ...)``.

    Args:
        prediction, target: of the same shape.
        reduction: ``mean`` of squares over all valid elements, or the ``norm`` of each sample averaged over the batch.
        valid: bool ``(B, H, W)`` for images ``(B, C, H, W)``; None counts everything.
    """
    error = prediction.float() - target.float()
    count: Tensor | int = error.numel()
    if valid is not None:
        valid = valid.unsqueeze(1).expand_as(error)
        error = torch.where(valid, error, 0.0)
        count = valid.sum().clamp(min=1)
    if reduction == "norm":
        return torch.linalg.vector_norm(error.flatten(1), dim=1).mean()
    return error.square().sum() / count


def latent_distance(a: Tensor, b: Tensor, reduction: Reduction = "mean") -> Tensor:
    """Latent consistency (eq. 4.10, 4.11): the L2 distance of two latents ``(B, ...)`` of the same scenes."""
    return l2(a, b, reduction)


def lsgan_generator(scores: Tensor) -> Tensor:
    """Least-squares adversarial loss of the generator: the mean of ``(C(fake) - 1)**2`` over all scores."""
    return (scores.float() - 1).square().mean()


def lsgan_discriminator(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """L_GAN of thesis 4.4.3: the mean of ``(C(real) - 1)**2`` plus the mean of ``C(fake)**2``."""
    return (real_scores.float() - 1).square().mean() + fake_scores.float().square().mean()


def by_name(losses: Iterable[Losses]) -> dict[str, Tensor]:
    """Losses of several directions, stacked under their names: ``(directions,)`` each, to be summed or averaged."""
    terms: dict[str, list[Tensor]] = {}
    for one in losses:
        for name, value in one.items():
            terms.setdefault(name, []).append(value)
    return {name: torch.stack(values) for name, values in terms.items()}


def translation_loss(modality: Modality, raw: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    """The loss of a translation into ``modality``, by its ``loss_name``.

    Args:
        raw: a decoder's output, network representation ``(B, channels, H, W)``.
        target: tensor representation; void and invalid pixels carry no loss.
        reduction: of ``l2``; cross-entropy and Berhu are averages over pixels in the equations already.
    """
    if modality.loss_name == "cross-entropy":
        return cross_entropy(raw, target)
    encoded, valid = modality.to_network(target), modality.valid(target)
    if modality.loss_name == "berhu":
        return berhu(raw, encoded, valid)
    return l2(raw, encoded, reduction, valid)


def translation_losses(made: Iterable[Translated], reduction: Reduction = "mean") -> Losses:
    """:func:`translation_loss` of several translations, summed under the names of their losses."""
    losses: Losses = {}
    for one in made:
        name = one.loss or one.target.name
        losses[name] = losses.get(name, 0.0) + translation_loss(one.target, one.raw, one.truth, reduction)
    return losses
