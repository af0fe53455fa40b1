"""What the plain training loops share: two sets of networks, an Adam for each, and real images in all their forms."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmbench.method import Batch, Context, Stage
from mmbench.modality import Modality
from mmbench.training.device import Compute

PLAYERS = ("generator", "discriminator")
Objectives = dict[str, Tensor]  # player -> objective of one step


@dataclass(frozen=True)
class Real:
    """Real images of one modality: as truths, as networks see them, and where they carry a loss ``(B, 1, H, W)``."""

    modality: Modality
    truth: Tensor
    seen: Tensor
    valid: Tensor


class Peer(nn.Module):
    """A training loop in plain PyTorch.

    A peer builds ``generators`` and ``discriminators`` and defines :meth:`step`. What both it and our method are told
    (sizes, loss weights, learning rate) comes from the context and the stage.
    """

    generators: nn.Module
    discriminators: nn.Module

    def __init__(self, context: Context, stage: Stage) -> None:
        super().__init__()
        self.context, self.task, self.stage = context, context.task, stage

    def step(self, batch: Batch) -> Objectives:
        """One update of every player; returns their objectives, which nobody waits for."""
        raise NotImplementedError

    def start(self, compute: Compute, layout: torch.memory_format) -> None:
        """Move the networks to a device and a memory format, and make their optimizers."""
        self.compute, self.layout = compute, layout
        self.to(compute.device, memory_format=layout)  # type: ignore[call-overload]
        self.train()
        self.trained = {
            "generator": list(self.generators.parameters()),
            "discriminator": list(self.discriminators.parameters()),
        }
        self.adams = {
            player: torch.optim.Adam(own, lr=self.stage.lr, betas=(self.stage.beta1, 0.999), foreach=True)
            for player, own in self.trained.items()
            if own
        }

    def update(self, player: str, objective: Tensor) -> Tensor:
        """One optimizer step; returns the objective without its graph.

        Gradients are asked for where they are used only: through the other player's weights alone, as ``requires_grad``
        switched back and forth would have it.
        """
        self.adams[player].zero_grad(set_to_none=True)
        objective.backward(inputs=[parameter for parameter in self.trained[player] if parameter.requires_grad])
        self.adams[player].step()
        return objective.detach()

    def real(self, name: str, truth: Tensor) -> Real:
        """Real images in all forms that a step needs, each made once."""
        modality = self.task.modality(name)
        seen = modality.to_network(truth).contiguous(memory_format=self.layout)
        return Real(modality, truth, seen, modality.valid(truth).unsqueeze(1))


def shown(modality: Modality, raw: Tensor) -> Tensor:
    """A generator's raw output as an image: tanh, or hard one-hot with the gradient of the soft-max, or as it is."""
    if modality.loss_name == "cross-entropy":
        soft = raw.float().softmax(1)
        hard = torch.zeros_like(soft).scatter_(1, soft.argmax(1, keepdim=True), 1.0)
        return hard + soft - soft.detach()
    return raw.float() if modality.loss_name == "berhu" else raw.float().tanh()


def with_holes(image: Tensor, real: Real) -> Tensor:
    """A generated image with the pixels of real ones where those are void or invalid."""
    return torch.where(real.valid, image, real.seen)


def reconstruction(raw: Tensor, image: Tensor, real: Real) -> Tensor:
    """Cross-entropy, Berhu or L1 of an image that should equal ``real``; ``raw`` before :func:`shown`, ``image`` after.

    Berhu (Laina et al. 2016) with a fifth of each image's largest error as its threshold.
    """
    if real.modality.loss_name == "cross-entropy":
        return F.cross_entropy(raw.float(), real.truth, ignore_index=0)
    if real.modality.loss_name == "l2":
        return F.l1_loss(image, real.seen)
    error = (image - real.seen).abs() * real.valid
    c = error.detach().amax((1, 2, 3), keepdim=True) / 5
    return torch.where(error <= c, error, (error.square() + c.square()) / (2 * c)).sum() / real.valid.sum()
