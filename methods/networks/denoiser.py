"""One noise predictor between all modalities: a U-Net that is told source and target (after Kieu et al., ICLR 2026).

The U-Net is that of ``diffusers`` (Ho et al., DDPM: residual blocks with group normalization, self-attention at the
coarsest level). It fits as it is: an embedding of the class may be handed in, and here it is the sum of one of the
source and one of the target; it trains in bf16, and what it makes of an image does not depend on the rest of a batch.

Modalities have other numbers of channels, so each has channels of its own: of the input twice, for the noisy target and
for the source beside it, and of the output once. The channels of other modalities are 0. The first and the last
convolution are so a stem and a head per modality in one.

What the U-Net makes is ``v`` of Salimans and Ho (ICLR 2022), of which the noise is ``sigma_t x_t + sqrt(a_t) v``: the
noisy image goes by the U-Net, whose first level has hardly more channels than a segmentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from diffusers import UNet2DModel
from torch import Tensor, nn

from mmbench.method import NetworkSize

from .unpool import check_divisible, level_widths

GROUPS, GROUP_CHANNELS = 32, 4  # of a normalization: at most, and channels of each at least
HEAD_CHANNELS = 8  # of self-attention, at most


@dataclass(frozen=True)
class Asked:
    """What the noise is asked of.

    Attributes:
        source, target: names of modalities.
        image: of the source, ``(B, channels, H, W)``.
        noisy: of the target, ``(B, channels, H, W)``.
        steps: of the noise, int64 ``(B,)``; 0 is the least.
    """

    source: str
    target: str
    image: Tensor
    noisy: Tensor
    steps: Tensor


class Denoiser(nn.Module):
    """The U-Net and the embeddings of sources and targets.

    Args:
        channels: modality -> its channels.
        size: its widths are those of the levels; between two levels images are halved.
        layers: residual blocks per level.
        kept: ``a_t`` of the schedule, ``(steps,)``: what share of an image's variance is left.

    Raises:
        ValueError: there is no level; in ``forward``, the images cannot be halved that often.
    """

    kept: Tensor

    def __init__(self, channels: Mapping[str, int], size: NetworkSize, layers: int, kept: Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", kept, persistent=False)
        widths = level_widths(size)
        self.halvings = len(widths) - 1
        self.numbers = {name: number for number, name in enumerate(channels)}
        self.channels = dict(channels)
        whole, embedded = sum(channels.values()), 4 * widths[0]
        self.network = UNet2DModel(
            in_channels=2 * whole,
            out_channels=whole,
            block_out_channels=widths,
            layers_per_block=layers,
            down_block_types=("DownBlock2D",) * len(widths),
            up_block_types=("UpBlock2D",) * len(widths),
            norm_num_groups=_groups(widths[0]),
            attention_head_dim=min(HEAD_CHANNELS, widths[-1]),
            class_embed_type="identity",
        )
        self.sources = nn.Embedding(len(channels), embedded)
        self.targets = nn.Embedding(len(channels), embedded)

    def forward(self, asked: Sequence[Asked]) -> list[Tensor]:
        """The noise in each ``noisy``, ``(B, channels of the target, H, W)``, in one pass."""
        for one in asked:
            check_divisible(one.noisy, self.halvings)
        x = torch.cat([torch.cat([self._placed(a.target, a.noisy), self._placed(a.source, a.image)], 1) for a in asked])
        told = torch.cat([self._embedded(one) for one in asked])
        raw = self.network(x, torch.cat([one.steps for one in asked]), class_labels=told).sample
        parts = torch.split(raw.float(), [len(one.noisy) for one in asked])
        return [self._noise(one, self._taken(one.target, part)) for one, part in zip(asked, parts, strict=True)]

    def _noise(self, asked: Asked, raw: Tensor) -> Tensor:
        kept = self.kept[asked.steps][:, None, None, None]
        return (1 - kept).sqrt() * asked.noisy + kept.sqrt() * raw

    def _embedded(self, asked: Asked) -> Tensor:
        source, target = self.numbers[asked.source], self.numbers[asked.target]
        told: Tensor = self.sources.weight[source] + self.targets.weight[target]
        return told.expand(len(asked.noisy), -1)

    def _placed(self, name: str, image: Tensor) -> Tensor:
        """An image in its modality's channels, the others 0."""
        parts = [
            image if other == name else image.new_zeros(len(image), count, *image.shape[2:])
            for other, count in self.channels.items()
        ]
        return torch.cat(parts, 1)

    def _taken(self, name: str, raw: Tensor) -> Tensor:
        return torch.split(raw, list(self.channels.values()), 1)[self.numbers[name]]


def _groups(width: int) -> int:
    """Groups of a normalization: of one channel each it would take away the mean colour of an image."""
    most = min(GROUPS, max(1, width // GROUP_CHANNELS))
    return next(count for count in range(most, 0, -1) if width % count == 0)
