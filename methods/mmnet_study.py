"""M&MNets with what the papers leave open, or their released code does otherwise, as settings.

The networks, losses, rows and stages are those of ``mmnet.py``; with the settings as they are by default, so is every
bit of what is trained. Each setting changes one thing (``mmnet_study.toml`` has their values)::

    side_information     ``fixed`` unpools at the top-left of every window: the operator without the information
    latent_levels        ``last``: eq. 4.9-4.11. ``last3``, ``all``: in its place, for the features p_l after the last
                         three poolings or after all of them, the sum over l and over each group's pair (R, M) of the
                         mean of (p_l(x) - p_l(m))^2, as loss ``latent_levels``
    noise_kind           of n in f(x) + n: ``normal`` N(0, s), or ``half-normal`` |N(0, s)|, of mean s sqrt(2 / pi)
    noise_on             ``all`` codes, or ``anchor-translations``: those of R that are decoded to another modality
    bn                   statistics of a training step: ``joint`` over the sources that a network is given, or
                         ``per-source``, a call for each
    berhu_c              c of eq. 4.6: a ``fifth`` of each image's largest error, or the largest (``max``)
    autoencoder_weights  of S and D: ``shared`` with the modality's translations, or ``own``, as the losses
                         ``segmentation_autoencoder``, ``depth_autoencoder`` and so on

A file of its own, because a result is kept under a digest of its method's source: settings inside ``mmnet.py`` would
make every result of M&MNets stale, and all that share its networks. ``mmnet-released`` takes all of them as the
released code does (https://github.com/yaxingwang/Mix-and-match-networks, RGBD).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from mmbench.method import Batch, Context, Losses, Stage

from .gan_losses import l1
from .losses import latent_distance
from .mmnet import ANCHOR_AUTOENCODER, Key, MMNet, Output, Step, Term
from .networks.builder import decode_jointly
from .networks.code import Code, split
from .networks.pooled import encode_levels, top_left

NAME = "mmnet-study"
TITLE = "M&MNets, study"
CLASS = "MMNetStudy"
ACCESS = "seen-groups"
GROUP = "zero-pair"
KINDS = ("cross-modal",)
IN_ALL = False
SUITES = ()
CITATION = "Wang, van de Weijer, Herranz: Mix and match networks, CVPR 2018, and its released code"

FIXED = "fixed"
Given = TypeVar("Given")
LEVELS = {"last": 0, "last3": 3, "all": 2**10}  # poolings whose features are compared; eq. 4.9 needs the codes alone


@dataclass(frozen=True)
class LevelledStep(Step):
    """A step with the features after the compared poolings, the finest first."""

    pooled: dict[Key, tuple[Tensor, ...]]


class MMNetStudy(MMNet):
    """M&MNets with the settings above."""

    def __init__(self, context: Context) -> None:
        fixed = context.settings["side_information"] == FIXED
        unpooling = {"side_information": "pooling-indices"} if fixed else {}
        super().__init__(replace(context, settings={**context.settings, **unpooling}))
        self.context, self.fixed = context, fixed

    def forward(self, batch: Batch, stage: Stage) -> Step | None:
        """As :class:`MMNet`, without pseudo-pairs."""
        if not stage.players:
            return super().forward(batch, stage)
        terms = self._seen_terms(batch, stage.options["autoencoders"])
        codes, pooled = self._encode(batch)
        noisy = {key: self._with_noise(code, stage.options["noise"]) for key, code in codes.items()}
        everywhere = self.context.settings["noise_on"] == "all"

        def code_of(term: Term) -> Code:
            translates_anchor = term.source[1] == self.task.anchor != term.target
            return (noisy if everywhere or translates_anchor else codes)[term.source]

        return LevelledStep(self._decoded(terms, code_of), codes, pooled)

    def loss(self, player: str, batch: Batch, made: Step, stage: Stage) -> Losses:
        """As :class:`MMNet`; where several levels are compared ``latent_levels`` in place of ``latent``."""
        if player == "discriminator" or not (
            LEVELS[self.context.settings["latent_levels"]] and stage.options["latent"]
        ):
            return super().loss(player, batch, made, stage)
        others = replace(stage, options={**stage.options, "latent": False})
        assert isinstance(made, LevelledStep)
        return super().loss(player, batch, made, others) | {"latent_levels": self._level_loss(batch, made.pooled)}

    def _seen_terms(self, batch: Batch, autoencoders: bool) -> list[Term]:
        terms = super()._seen_terms(batch, autoencoders)
        if self.context.settings["autoencoder_weights"] == "shared":
            return terms
        own = [term.source[1] == term.target != self.task.anchor for term in terms]
        return [
            replace(term, loss=f"{term.target}_autoencoder") if apart else term
            for term, apart in zip(terms, own, strict=True)
        ]

    def _encode(self, batch: Batch) -> tuple[dict[Key, Code], dict[Key, tuple[Tensor, ...]]]:
        """The code of every image, and its features after the compared poolings."""
        images = {
            (view, name): self.task.modality(name).to_network(image)
            for view, tensors in batch.items()
            for name, image in tensors.items()
        }
        codes: dict[Key, Code] = {}
        pooled: dict[Key, tuple[Tensor, ...]] = {}
        for name, encoder in self.encoders.items():
            for keys in self._calls([key for key in images if key[1] == name]):
                together = torch.cat([images[key] for key in keys])
                code, levels = encode_levels(encoder, together, LEVELS[self.context.settings["latent_levels"]])
                sizes = [len(images[key]) for key in keys]
                codes |= dict(zip(keys, split(self._given(code), sizes), strict=True))
                parts = [split(level, sizes) for level in levels]
                pooled |= {key: tuple(part[place] for part in parts) for place, key in enumerate(keys)}
        return codes, pooled

    def _decoded(self, terms: list[Term], code_of: Callable[[Term], Code]) -> list[Output]:
        """Every term with what its decoder makes of its code."""
        outputs = []
        for target, decoder in self.decoders.items():
            for here in self._calls([term for term in terms if term.target == target]):
                raws = decode_jointly(decoder, [code_of(term) for term in here])
                outputs += [Output(**vars(term), raw=raw) for term, raw in zip(here, raws, strict=True)]
        return outputs

    def _calls(self, given: list[Given]) -> list[list[Given]]:
        """What a network is given in each of its calls."""
        if self.context.settings["bn"] == "per-source":
            return [[one] for one in given]
        return [given] if given else []

    def _with_noise(self, code: Code, std: float) -> Code:
        if not std:
            return code
        noise = std * torch.randn_like(code.latent)
        half = self.context.settings["noise_kind"] == "half-normal"
        return Code(code.latent + (noise.abs() if half else noise), code.side)

    def _output_losses(self, outputs: list[Output], groups: int) -> Losses:
        if self.context.settings["berhu_c"] == "fifth":
            return super()._output_losses(outputs, groups)
        berhu = {output.target for output in outputs if self.task.modality(output.target).loss_name == "berhu"}
        losses = super()._output_losses([output for output in outputs if output.target not in berhu], groups)
        for output in outputs:
            if output.target in berhu:
                modality = self.task.modality(output.target)
                # No error is above the largest one: eq. 4.6 is |e| everywhere.
                value = l1(output.raw, modality.to_network(output.truth), modality.valid(output.truth))
                share = 1.0 / groups if output.loss == ANCHOR_AUTOENCODER else 1.0
                losses[output.loss] = losses.get(output.loss, 0.0) + share * value
        return losses

    def _level_loss(self, batch: Batch, pooled: dict[Key, tuple[Tensor, ...]]) -> Tensor:
        """Eq. 4.9 on pooled features: the anchor's against each other modality's of its group, at every level."""
        anchor = self.task.anchor
        pairs = [(pooled[v, anchor], pooled[v, m]) for v, tensors in batch.items() for m in tensors if m != anchor]
        levels = [level for pair in pairs for level in zip(*pair, strict=True)]
        return torch.stack([latent_distance(one, other, "mean") for one, other in levels]).sum()

    def _codes(self, inputs: Mapping[str, Tensor]) -> dict[str, Code]:
        return {name: self._given(code) for name, code in super()._codes(inputs).items()}

    def _given(self, code: Code) -> Code:
        """A code as decoders are given it."""
        return Code(code.latent, tuple(map(top_left, code.side))) if self.fixed else code
