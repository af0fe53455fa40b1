"""The residual generator of CycleGAN (Zhu et al., ICCV 2017, appendix 7.2, after Johnson et al. 2016).

c7s1-64, d128, d256, R256 (six at 128 pixels, nine from 256 on), u128, u64, c7s1-k: reflection padding, instance
normalization without learned scale, ReLU, N(0, 0.02). The output is linear; ``networks/presentation.py`` applies tanh.
Images below 128 pixels get as many blocks as those of 128, and are halved once where twice would leave fewer than 8.
"""

from __future__ import annotations

from torch import Tensor, nn

from .residual import initialise
from .unet import normalization
from .upsampling import Upsampling, doubling

LARGE = 256  # pixels from which on there are nine residual blocks
SMALLEST = 8  # pixels of the residual blocks' maps


class ResnetGenerator(nn.Module):
    """Images ``(B, inputs, size, size)`` to raw, linear outputs ``(B, outputs, size, size)``.

    Args:
        inputs, outputs: channels.
        size: image height and width in pixels, a multiple of 4; decides the number of blocks and of halvings.
        width: channels of the first layer (64 in the paper).
        blocks: residual blocks; 0 means the paper's number for that size.
        upsampling: ``resize`` is not the paper's.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        width: int = 64,
        *,
        blocks: int = 0,
        upsampling: Upsampling = "transposed",
    ) -> None:
        super().__init__()
        halvings = 2 if size // 4 >= SMALLEST else 1
        blocks = blocks or (9 if size >= LARGE else 6)
        layers: list[nn.Module] = _layer(nn.Conv2d(inputs, width, 7, padding=3, padding_mode="reflect"), width)
        for level in range(halvings):
            into, out = width * 2**level, width * 2 ** (level + 1)
            layers += _layer(nn.Conv2d(into, out, 3, stride=2, padding=1), out)
        layers += [_Block(width * 2**halvings) for _ in range(blocks)]
        for level in reversed(range(halvings)):
            into, out = width * 2 ** (level + 1), width * 2**level
            layers += [*doubling(into, out, 3, upsampling), *_norm(out)]
        layers.append(nn.Conv2d(width, outputs, 7, padding=3, padding_mode="reflect"))
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Images to raw outputs."""
        raw: Tensor = self.layers(x)
        return raw


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect") for _ in range(2))
        self.layers = nn.Sequential(*_layer(first, width), *_layer(second, width)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _layer(convolution: nn.Module, channels: int) -> list[nn.Module]:
    return [convolution, *_norm(channels)]


def _norm(channels: int) -> list[nn.Module]:
    return [*normalization("instance", channels), nn.ReLU()]
