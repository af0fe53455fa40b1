"""The losses of the image-to-image baselines: reconstruction by modality, and adversarial losses. All in fp32."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmbench.modality import Modality

from .losses import berhu, cross_entropy
from .networks.presentation import present


def reconstruction_loss(modality: Modality, raw: Tensor, target: Tensor) -> Tensor:
    """The loss of an image that should equal a known one: cross-entropy, Berhu or L1, by modality.

    pix2pix and CycleGAN use L1; where the output is segmentation or depth (or NIR, thesis 4.6.4) the modality's own
    loss takes its place (thesis 4.6.2, "the corresponding modality-specific losses").

    Args:
        raw: a generator's raw output ``(B, channels, H, W)``.
        target: tensor representation; void and invalid pixels carry no loss.
    """
    if modality.loss_name == "cross-entropy":
        return cross_entropy(raw, target)
    image, truth, valid = present(modality, raw), modality.to_network(target), modality.valid(target)
    return berhu(image, truth, valid) if modality.loss_name == "berhu" else l1(image, truth, valid)


def l1(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean absolute error of ``(B, C, H, W)`` over the pixels of a bool ``(B, H, W)``; 0 where there is none."""
    valid = valid.unsqueeze(1).expand_as(prediction)
    error = torch.where(valid, prediction.float() - target.float(), 0.0).abs()
    return error.sum() / valid.sum().clamp(min=1)


def bce_generator(scores: Tensor) -> Tensor:
    """The non-saturating adversarial loss (Goodfellow et al. 2014): the mean of ``-log sigmoid(score of the fake)``."""
    return F.softplus(-scores.float()).mean()


def bce_discriminator(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Mean of ``-log sigmoid(real)`` plus mean of ``-log(1 - sigmoid(fake))``, halved as in pix2pix 3.3."""
    return 0.5 * (F.softplus(-real_scores.float()).mean() + F.softplus(fake_scores.float()).mean())
