"""Mix-and-Match Networks: one encoder and one decoder per modality, aligned so that any two of them join.

Wang, van de Weijer, Herranz, CVPR 2018; thesis (Wang) chapter 4, whose numbering the comments use. The stages are in
``mmnet.toml``: translations only, then autoencoders, latent consistency and latent noise with the anchor's encoder
frozen, then (``mmnet-pp``) pseudo-pairs. Deviations: the discriminator is left out where a profile weighs it 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .losses import latent_distance, lsgan_discriminator, lsgan_generator, translation_loss
from .networks.bn import StatisticsBank
from .networks.builder import Builder, decode_jointly, encode_jointly, evaluating
from .networks.code import Code

NAME = "mmnet"
TITLE = "M&MNets"
CLASS = "MMNet"
ACCESS = "seen-groups"
GROUP = "zero-pair"
KINDS = ("cross-modal", "cross-channel")
SUITES = ("tables", "ablation")
CITATION = "Wang, van de Weijer, Herranz: Mix and match networks, CVPR 2018; Wang: PhD thesis, chapter 4"

PSEUDO = "pseudo_pairs"  # the loss of eq. 4.12, 4.13, and the prefix of the view under which a pseudo-input enters
ANCHOR_AUTOENCODER = "anchor_autoencoder"  # the loss of eq. 4.3

Key = tuple[str, str]  # (view, modality)


@dataclass(frozen=True)
class Output:
    """One decoded batch of a step: raw output of ``target``'s decoder and its truth, named by the loss it enters."""

    target: str
    raw: Tensor
    truth: Tensor
    loss: str


@dataclass(frozen=True)
class Made:
    """What one step made."""

    outputs: list[Output]
    codes: dict[Key, Code]


class MMNet(Method):
    """Encoders ``f``, decoders ``g`` and, for RGB, the discriminator ``C`` of thesis 4.4.2-4.4.3."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        parts = Builder(context)
        modalities = self.task.modalities
        self.encoders = nn.ModuleDict({m.name: parts.encoder(m) for m in modalities})
        self.decoders = nn.ModuleDict({m.name: parts.decoder(m) for m in modalities})
        adversarial = [m for m in modalities if m.is_colour and context.settings["adversarial"]]
        self.discriminators = nn.ModuleDict({m.name: parts.discriminator(m) for m in adversarial})
        self.pretrained = parts.pretrained
        # BN statistics of the second translator when it reads the first one's images (cascade of the same network).
        self.banks = nn.ModuleDict(
            {
                _path(t): StatisticsBank([self.encoders[self.task.anchor], self.decoders[t.output]])
                for t in self._cascades("re-estimated")
            }
        )

    def networks(self) -> dict[str, nn.Module]:
        """encoder/*, decoder/*, discriminator/*."""
        groups = {"encoder": self.encoders, "decoder": self.decoders, "discriminator": self.discriminators}
        return {f"{role}/{name}": module for role, group in groups.items() for name, module in group.items()}

    def forward(self, batch: Batch, stage: Stage) -> Made | None:
        """Encode every image once, decode what the stage asks for (``stage.options``; see ``mmnet.toml``)."""
        if not stage.players:
            self._reestimate(batch)
            return None
        options = stage.options
        truth = {(view, name): tensor for view, tensors in batch.items() for name, tensor in tensors.items()}
        wanted: list[tuple[Key, str, Tensor, str]] = []  # source, target modality, truth, name of the loss
        for view, source in truth:
            for target in batch[view]:
                if source != target or options["autoencoders"]:
                    name = ANCHOR_AUTOENCODER if source == target == self.task.anchor else target
                    wanted.append(((view, source), target, truth[view, target], name))
        images = dict(truth)
        if options["pseudo_pairs"] != "none":
            for view, anchor_to in self._pseudo_images(batch).items():
                for name, made in anchor_to.items():
                    sources = [s for s in batch[view] if not self.task.is_seen(s, name)]
                    if options["pseudo_pairs"] == "target":  # eq. 4.12, 4.13: T_SD(y) against T_RD(x)
                        wanted.extend(((view, source), name, made, PSEUDO) for source in sources)
                    else:  # the other direction: T_DS(T_RD(x)) against the real y
                        images[f"{PSEUDO}:{view}", name] = made
                        wanted.extend(((f"{PSEUDO}:{view}", name), s, truth[view, s], PSEUDO) for s in sources)
        network_images = {key: self.task.modality(key[1]).to_network(tensor) for key, tensor in images.items()}
        codes = encode_jointly(self.encoders, network_images)
        noisy = {key: _with_noise(code, options["noise"]) for key, code in codes.items()}
        outputs = []
        for target, decoder in self.decoders.items():
            here = [w for w in wanted if w[1] == target]
            if here:
                raws = decode_jointly(decoder, [noisy[source] for source, *_ in here])
                outputs.extend(Output(target, raw, w[2], w[3]) for raw, w in zip(raws, here, strict=True))
        return Made(outputs, codes)

    def loss(self, player: str, batch: Batch, made: Made, stage: Stage) -> Losses:
        """Generator: one loss per output modality (eq. 4.1-4.8), ``gan``, ``latent`` (4.9-4.11), ``pseudo_pairs``.

        Discriminator: LSGAN over the RGB images of all groups against everything the RGB decoder made.
        """
        fakes = {
            name: torch.cat([o.raw for o in made.outputs if o.target == name and o.loss != PSEUDO])
            for name in self.discriminators
        }
        if player == "discriminator":
            terms = []
            for name, discriminator in self.discriminators.items():
                real = torch.cat([tensors[name] for tensors in batch.values() if name in tensors])
                terms.append(lsgan_discriminator(discriminator(real), discriminator(fakes[name].detach())))
            return {"gan": torch.stack(terms).sum()}
        reduction = self.context.settings["reduction"]
        losses: Losses = {}
        for output in made.outputs:
            value = translation_loss(self.task.modality(output.target), output.raw, output.truth, reduction)
            # Eq. 4.3 is one expectation over the anchor's images of all groups, the others are one per group.
            share = 1.0 / len(batch) if output.loss == ANCHOR_AUTOENCODER else 1.0
            losses[output.loss] = losses.get(output.loss, 0.0) + share * value
        if stage.players.get("discriminator"):
            scores = [lsgan_generator(self.discriminators[name](fake)) for name, fake in fakes.items()]
            losses["gan"] = torch.stack(scores).sum()
        if stage.options["latent"]:
            anchor, reduction = self.task.anchor, self.context.settings["latent_reduction"]
            pairs = [
                (made.codes[view, anchor], made.codes[view, m]) for view in batch for m in batch[view] if m != anchor
            ]
            losses["latent"] = torch.stack([latent_distance(a.latent, b.latent, reduction) for a, b in pairs]).sum()
        return losses

    def translate(
        self,
        inputs: Mapping[str, Tensor],
        output: str,
        *,
        via: str | None = None,
        weights: tuple[float, ...] | None = None,
        side_from: str | None = None,
        bn: str = "trained",
        sample: int = 0,
    ) -> Tensor:
        """Join encoders and a decoder: side information comes from ``side_from``, by default the (first) input."""
        if via is not None:
            middle = self.translate(inputs, via, weights=weights, side_from=side_from)
            if bn == "trained":
                return self.translate({via: middle}, output)
            with self.banks[_path(Translation(tuple(inputs), output, via))].applied():
                return self.translate({via: middle}, output)
        codes = {name: self.encoders[name](self.task.modality(name).to_network(x)) for name, x in inputs.items()}
        shares = weights or (1.0 / len(codes),) * len(codes)
        latent = torch.stack([w * code.latent for w, code in zip(shares, codes.values(), strict=True)]).sum(0)
        side = codes[side_from or next(iter(codes))].side
        return self.task.modality(output).from_network(self.decoders[output](Code(latent, side)))

    def translations(self) -> tuple[Translation, ...]:
        """Zero-pair, multi-modal and seen rows, and the cascades of the same network through the anchor."""
        cascades = (*self._cascades("trained"), *self._cascades("re-estimated"))
        return (*self.task.unseen, *self.task.multi_modal, *self.task.seen, *cascades)

    def mixes(self) -> tuple[Translation, ...]:
        """Those with two inputs, where the settings ask for the sweep."""
        return tuple(t for t in self.task.multi_modal if len(t.inputs) == 2) if self.context.settings["sweep"] else ()

    def encode(self, modality: str, tensor: Tensor) -> Tensor:
        """The latent code, ``(B, C, h, w)``."""
        return self.encoders[modality](self.task.modality(modality).to_network(tensor)).latent

    def start_from(self, parent: Method) -> None:
        """Take over a parent's weights; its re-estimated statistics are of its own images and are dropped."""
        super().start_from(parent)
        for buffer in self.banks.buffers():
            buffer.zero_()

    def _cascades(self, bn: str) -> tuple[Translation, ...]:
        has_bn = any(isinstance(module, nn.BatchNorm2d) for module in self.modules())
        if bn == "re-estimated" and not has_bn:
            return ()
        anchor = self.task.anchor
        return tuple(Translation(t.inputs, t.output, via=anchor, bn=bn) for t in self.task.unseen if t.output != anchor)

    def _pseudo_images(self, batch: Batch) -> dict[str, dict[str, Tensor]]:
        """T_RD(x) for x of D_RS, T_RS(x) for x of D_RD: view -> modality -> tensor; eval mode, no gradient."""
        anchor, made = self.task.anchor, {}
        with evaluating(self):
            for view, tensors in batch.items():
                missing = [m.name for m in self.task.modalities if m.name not in tensors]
                made[view] = {name: self.translate({anchor: tensors[anchor]}, name) for name in missing}
        return made

    def _reestimate(self, batch: Batch) -> None:
        """A cascade's second network must not be judged with the BN statistics of real images."""
        for path in self._cascades("re-estimated"):
            for tensors in batch.values():
                if path.inputs[0] in tensors:
                    with evaluating(self):
                        middle = self.translate({path.inputs[0]: tensors[path.inputs[0]]}, self.task.anchor)
                        with self.banks[_path(path)].observing():
                            self.translate({self.task.anchor: middle}, path.output)


def _path(translation: Translation) -> str:
    return f"{translation.inputs[0]}>{translation.output}"


def _with_noise(code: Code, std: float) -> Code:
    """Thesis 4.3.2: noise keeps the latent from shrinking, which would satisfy the consistency loss for nothing."""
    return Code(code.latent + std * torch.randn_like(code.latent), code.side) if std else code
