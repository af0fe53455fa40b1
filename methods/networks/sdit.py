"""SDIT's networks: an encoder, a generator with conditional instance normalization and attention, a discriminator.

Thesis 6.3.3 and 6.4. Readings where the text is open, contradicts itself or leaves the authors' code
(github.com/yaxingwang/SDIT):

- The text has six blocks with CIN and a perceptron of 256 and 4096 units, "around 1M parameters". 4096 units, and the
  code, are four blocks of 256 channels; so four.
- The attention is one map per image, as in the code and figure 6.5; the blend is eq. 6.9.
- Instance normalization follows the encoder's convolutions but the first: behind the label, constant over the image, it
  would subtract it again. Up-sampling has layer normalization, as MUNIT's, since instance normalization would subtract
  what CIN has added.
- An output convolution, 7 x 7 with tanh, follows the two fractionally strided ones.
- A head of the discriminator is a 3 x 3 convolution and, but for the scores, an average over places, so that it fits
  all sizes; the code's head has 32 channels and a layer from 32 units to 8 follows.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .adain import AdaptiveBlocks, layer_norm
from .labels import planes
from .layout import InstanceNorm
from .residual import ResidualBlock, initialise
from .stargan_domains import strided_trunk

KERNEL = 3  # of the residual blocks
CODE_UNITS = 32  # of the discriminator's branch that tells the code


class LabelledEncoder(nn.Module):
    """Images and target domains to features at a quarter of the size: E(x, l).

    Args:
        domains: how many there are.
        width: channels of the first layer (64 in the paper).
        blocks: residual blocks (6 in the paper).
    """

    def __init__(self, domains: int, width: int, blocks: int) -> None:
        super().__init__()
        self.domains = domains
        layers: list[nn.Module] = [nn.Conv2d(3 + domains, width, 7, padding=3), nn.ReLU(inplace=True)]
        for into, out in pairwise([width, 2 * width, 4 * width]):
            layers += [nn.Conv2d(into, out, 4, stride=2, padding=1), InstanceNorm(out), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, *(ResidualBlock(4 * width, KERNEL, "instance") for _ in range(blocks)))
        initialise(self)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        """``(B, 3, H, W)`` and domains' numbers ``(B,)`` to ``(B, 4 * width, H / 4, W / 4)``."""
        features: Tensor = self.layers(torch.cat([image, planes(label, self.domains, image)], dim=1))
        return features


class AttentiveGenerator(nn.Module):
    """Features and scales and shifts of CIN to images: G(e, M(z)).

    Args:
        width: as the encoder's.
        blocks: residual blocks of the attention (6 in the paper).
        adaptive_blocks: blocks with CIN.
        attention: whether a predicted map says where CIN may change the features.
        cin: without it those blocks have plain instance normalization, and nothing is predicted for them.
    """

    def __init__(self, width: int, blocks: int, adaptive_blocks: int, *, attention: bool, cin: bool = True) -> None:
        super().__init__()
        self.adaptive: AdaptiveBlocks | nn.Sequential
        if cin:
            self.adaptive = AdaptiveBlocks(4 * width, adaptive_blocks)
        else:
            self.adaptive = nn.Sequential(
                *(ResidualBlock(4 * width, KERNEL, "instance") for _ in range(adaptive_blocks))
            )
        self.attention: nn.Sequential | None = None
        if attention:
            residual = (ResidualBlock(4 * width, KERNEL, "instance") for _ in range(blocks))
            self.attention = nn.Sequential(*residual, nn.Conv2d(4 * width, 1, 3, padding=1))
        layers: list[nn.Module] = []
        for into, out in pairwise([4 * width, 2 * width, width]):
            layers += [nn.ConvTranspose2d(into, out, 4, stride=2, padding=1), layer_norm(out), nn.ReLU(inplace=True)]
        self.up = nn.Sequential(*layers, nn.Conv2d(width, 3, 7, padding=3))
        initialise(self)

    def forward(self, features: Tensor, affines: Tensor | None) -> Tensor:
        """``(B, 4 * width, h, w)`` and, with CIN, ``(B, affines)`` to images ``(B, 3, 4 h, 4 w)`` in [-1, 1]."""
        raw: Tensor = self.up(self.attended(features, affines))
        return raw.float().tanh()

    def attended(self, features: Tensor, affines: Tensor | None) -> Tensor:
        """``(1 - a) e + a f`` (eq. 6.9), or f alone without attention."""
        changed: Tensor = self.adaptive(features) if affines is None else self.adaptive(features, affines)
        if self.attention is None:
            return changed
        share: Tensor = self.attention(features).sigmoid()
        return (1 - share) * features + share * changed


class ThreefoldDiscriminator(nn.Module):
    """Strided 4 x 4 convolutions and three heads: a score per patch, the domain, and the code z that was used.

    torch's own initial weights, as in ``stargan.py``.

    Args:
        domains: how many there are.
        size: image height and width in pixels; six convolutions at 128 and more.
        width: channels of the first layer (64 in the paper), doubled per layer.
        code: length of z.
    """

    def __init__(self, domains: int, size: int, width: int, code: int) -> None:
        super().__init__()
        self.trunk, features, _ = strided_trunk(size, width)
        self.score, self.domain, self.code = (
            nn.Conv2d(features, channels, 3, padding=1) for channels in (1, domains, CODE_UNITS)
        )
        self.recovered = nn.Linear(CODE_UNITS, code)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(B, 3, H, W)`` to scores ``(B, 1, h, w)``, logits ``(B, domains)`` and codes ``(B, code)``."""
        x = self.trunk(image)
        return self.score(x), self.domain(x).mean((2, 3)), self.recovered(self.code(x).mean((2, 3)))
