"""Plugin name: an encoder and a decoder per modality, which meet in one latent code.

It is trained on the seen translations, such as rgb to depth, and on reconstructions. A translation that was never seen
then joins an encoder and a decoder that were never trained together.

What a method has to offer stands at the head of mmbench/method.py; settings and stages of this one are in the TOML file
beside it. Whether all promises are kept, and what to do where one is not, says

    mmbench check plugin-name
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmbench.method import Batch, Context, Losses, Method, NetworkSize, Stage
from mmbench.methods.losses import Translated, by_name, translation_loss
from mmbench.task import Translation
from torch import Tensor, nn

# The card: literals that are read without importing this file, so nothing here may be computed.
NAME = "plugin-name"  # as typed in --methods
TITLE = "Plugin name"  # as printed in tables
CLASS = "PluginName"
ACCESS = "seen-groups"  # what it is handed for training: the zero-pair setting
GROUP = "zero-pair"  # its place in the tables: chance, baselines, zero-pair or oracle
KINDS = ("cross-modal", "cross-channel")  # kinds of task that it can do
CITATION = "not published yet"
IN_ALL = False  # runs where it is named, and is no part of --methods all


class PluginName(Method):
    """One encoder and one decoder per modality, shared by all translations."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # Modules of a ModuleDict are trained, counted and frozen as the roles encoder/rgb, decoder/depth and so on.
        modalities = self.task.modalities
        self.encoders = nn.ModuleDict({m.name: _encoder(m.channels, context.network) for m in modalities})
        self.decoders = nn.ModuleDict({m.name: _decoder(m.channels, context.network) for m in modalities})

    def forward(self, batch: Batch, stage: Stage) -> list[Translated]:
        """All that the step translates: within each group of aligned images, from each modality to each.

        `batch[group][modality]` is a tensor as mmbench/modality/ says of its kind: rgb in [-1, 1], depth in metres with
        0 where nothing was measured, segmentation as class ids with 0 for void. Images of the two groups are of
        different scenes, and no group holds an unseen pair.
        """
        made = []
        for images in batch.values():
            for source, image in images.items():
                latent = self.encode(source, image)
                # Chance comes from torch alone: then an interrupted training goes on with the same bits.
                latent = latent + stage.options["noise"] * torch.randn_like(latent)
                for target, truth in images.items():
                    name = "reconstruction" if source == target else "translation"
                    if name == "translation" or self.context.settings["reconstruct"]:
                        raw = self.decoders[target](latent)
                        made.append(Translated(self.task.modality(target), raw, truth, name))
        return made

    def loss(self, player: str, batch: Batch, made: list[Translated], stage: Stage) -> Losses:
        """Named scalars; the harness weighs them as the stage says, sums and logs them, and steps the optimizer."""
        losses = by_name({one.loss: translation_loss(one.target, one.raw, one.truth)} for one in made)
        return {name: values.mean() for name, values in losses.items()}

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """What is evaluated: the inputs alone are at hand. Noise, if any, is seeded with `sample`."""
        ((source, image),) = inputs.items()
        raw = self.decoders[translation.output](self.encode(source, image))
        return self.task.modality(translation.output).from_network(raw)

    def encode(self, modality: str, tensor: Tensor) -> Tensor:
        """The latent code, of which the log has the alignment factor (eq. 4.16)."""
        encoded: Tensor = self.encoders[modality](self.task.modality(modality).to_network(tensor))
        return encoded


def _widths(size: NetworkSize) -> list[int]:
    """Channels of each level: twice as many per level, up to eight times the profile's width."""
    return [size.width * min(2**level, 8) for level in range(size.poolings)]


def _encoder(channels: int, size: NetworkSize) -> nn.Sequential:
    """Images `(B, channels, H, W)` to a latent code, half as large with each level."""
    layers: list[nn.Module] = []
    for width in _widths(size):
        layers += [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.GroupNorm(1, width), nn.ReLU()]
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(1, width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers)


def _decoder(channels: int, size: NetworkSize) -> nn.Sequential:
    """A latent code back to `(B, channels, H, W)`, what a modality's `from_network` reads."""
    widths = _widths(size)
    layers: list[nn.Module] = []
    for width, wider in zip([*widths[-2::-1], widths[0]], widths[::-1], strict=True):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(wider, width, 3, padding=1), nn.GroupNorm(1, width)]
        layers += [nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(widths[0], channels, 3, padding=1))
