"""Mix-and-Match Networks: one encoder and one decoder per modality, aligned so that any two of them join.

Wang, van de Weijer, Herranz, CVPR 2018; thesis (Wang) chapter 4, whose objective this is (4.4.3 and 4.5.2). ``x`` is an
image of the anchor R (RGB), ``y`` a segmentation S, ``z`` a depth map D; RS and RD are the two groups. Modality M has
the encoder ``f_M`` and the decoder ``g_M``, ``T_MN(m) = g_N(f_M(m))``, and ``C`` is the discriminator of RGB images::

    L       = λ_R L_RGB + λ_S L_SEM + λ_D L_DEPTH + λ_A L_LAT + λ_PP L_PP

    L_RGB   = λ_L2 L_L2 + L_GAN
    L_L2    = E_RS |T_SR(y) - x|_2                                                         (4.1)
            + E_RD |T_DR(z) - x|_2                                                         (4.2)
            + E_(RS and RD) |T_RR(x) - x|_2                                                (4.3)
    L_GAN   = E_x (C(x) - 1)^2 + E_x' C(x')^2,   x' any of T_SR(y), T_DR(z), T_RR(x)
    L_DEPTH = E_RD B(T_RD(x) - z)                                                          (4.4)
            + E_RD B(T_DD(z) - z)                                                          (4.5)
    B(e)    = |e| where |e| <= c, else (e^2 + c^2) / 2c,   c = max_i |e_i| / 5             (4.6)
    L_SEM   = E_RS CE(T_RS(x), y)                                                          (4.7)
            + E_RS CE(T_SS(y), y)                                                          (4.8)
    L_LAT   = L_LAT1 + L_LAT2                                                              (4.9)
    L_LAT1  = E_RS |f_R(x) - f_S(y)|_2                                                     (4.10)
    L_LAT2  = E_RD |f_R(x) - f_D(z)|_2                                                     (4.11)
    L_PP    = E_RS B(T_RD(x) - T_SD(y))                                                    (4.12)
            + E_RD CE(T_RS(x), T_DS(z))                                                    (4.13)

In L_PP the translations of the anchor, ``T_RD(x)`` and ``T_RS(x)``, are targets: no gradient runs through them. Of
other modalities and groups the equations are the same with their letters, each with its modality's own loss. How each
norm is reduced is a setting (``losses.py``).

The stages are in ``mmnet.toml``: translations only (4.1, 4.2, 4.4, 4.7), then all but L_PP with the anchor's encoder
frozen and noise on the codes that are decoded, then (``mmnet-pp``) L_PP too. Deviation: the discriminator is left out
where a profile weighs it 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .cascades import Cascades
from .losses import latent_distance, lsgan_discriminator, lsgan_generator, translation_loss
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
class Term:
    """One expectation of the objective: the code of ``source``, decoded to ``target``, against its truth."""

    source: Key
    target: str
    truth: Tensor
    loss: str  # the name under which it is weighed


@dataclass(frozen=True)
class Output(Term):
    """A term with the raw output of ``target``'s decoder."""

    raw: Tensor


@dataclass(frozen=True)
class Step:
    """All that one step decoded, and the codes without noise."""

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
        self.banks = Cascades(self.task, lambda output: [self.encoders[self.task.anchor], self.decoders[output]])

    def forward(self, batch: Batch, stage: Stage) -> Step | None:
        """Encode every image once, decode what the stage asks for (``stage.options``; see ``mmnet.toml``)."""
        if not stage.players:
            self.banks.observe(self, batch)
            return None
        options = stage.options
        images = {(view, name): image for view, tensors in batch.items() for name, image in tensors.items()}
        terms = self._seen_terms(batch, options["autoencoders"])
        if options["pseudo_pairs"] != "none":
            pseudo_terms, pseudo_inputs = self._pseudo_terms(batch, options["pseudo_pairs"])
            terms += pseudo_terms
            images |= pseudo_inputs
        network_images = {key: self.task.modality(key[1]).to_network(tensor) for key, tensor in images.items()}
        codes = encode_jointly(self.encoders, network_images)
        noisy = {key: _with_noise(code, options["noise"]) for key, code in codes.items()}
        return Step(self._decode(terms, noisy), codes)

    def loss(self, player: str, batch: Batch, made: Step, stage: Stage) -> Losses:
        """Discriminator: ``gan``. Generator: one loss per output modality and ``anchor_autoencoder`` (4.1-4.8),
        ``pseudo_pairs`` (4.12, 4.13), ``gan``, ``latent`` (4.9-4.11).
        """
        fakes = {
            name: torch.cat([o.raw for o in made.outputs if o.target == name and o.loss != PSEUDO])
            for name in self.discriminators
        }
        if player == "discriminator":
            return {"gan": self._discriminator_loss(batch, fakes)}
        losses = self._output_losses(made.outputs, groups=len(batch))
        if stage.players.get("discriminator"):
            scores = [lsgan_generator(self.discriminators[name](fake)) for name, fake in fakes.items()]
            losses["gan"] = torch.stack(scores).sum()
        if stage.options["latent"]:
            losses["latent"] = self._latent_loss(batch, made.codes)
        return losses

    def _seen_terms(self, batch: Batch, autoencoders: bool) -> list[Term]:
        """Every translation within a group (4.1, 4.2, 4.4, 4.7) and, if wanted, to itself (4.3, 4.5, 4.8)."""
        terms = []
        for view, tensors in batch.items():
            for source in tensors:
                for target, truth in tensors.items():
                    if source != target or autoencoders:
                        loss = ANCHOR_AUTOENCODER if source == target == self.task.anchor else target
                        terms.append(Term((view, source), target, truth, loss))
        return terms

    def _pseudo_terms(self, batch: Batch, direction: str) -> tuple[list[Term], dict[Key, Tensor]]:
        """The unseen translations trained with images made of the anchor, as targets or as inputs.

        Args:
            direction: ``target`` as in eq. 4.12, 4.13: T_SD(y) against T_RD(x); ``input`` the other way round,
                T_DS(T_RD(x)) against the real y.

        Returns:
            The terms, and the images that they need as further inputs.
        """
        terms, inputs = [], {}
        for view, made_of_anchor in self._pseudo_images(batch).items():
            for name, made in made_of_anchor.items():
                unseen = [source for source in batch[view] if not self.task.is_seen(source, name)]
                if direction == "target":
                    terms += [Term((view, source), name, made, PSEUDO) for source in unseen]
                else:
                    key = (f"{PSEUDO}:{view}", name)
                    inputs[key] = made
                    terms += [Term(key, real, batch[view][real], PSEUDO) for real in unseen]
        return terms, inputs

    def _pseudo_images(self, batch: Batch) -> dict[str, dict[str, Tensor]]:
        """T_RD(x) for x of RS, T_RS(x) for x of RD: view -> modality -> tensor; eval mode, no gradient."""
        anchor, made = self.task.anchor, {}
        with evaluating(self):
            for view, tensors in batch.items():
                x = {anchor: tensors[anchor]}
                missing = [m.name for m in self.task.modalities if m.name not in tensors]
                made[view] = {name: self.translate(x, Translation((anchor,), name)) for name in missing}
        return made

    def _decode(self, terms: list[Term], codes: dict[Key, Code]) -> list[Output]:
        """One pass of every decoder over all codes that it is to decode."""
        outputs = []
        for target, decoder in self.decoders.items():
            here = [term for term in terms if term.target == target]
            if here:
                raws = decode_jointly(decoder, [codes[term.source] for term in here])
                outputs += [Output(**vars(term), raw=raw) for term, raw in zip(here, raws, strict=True)]
        return outputs

    def _output_losses(self, outputs: list[Output], groups: int) -> Losses:
        """Equations 4.1-4.8, 4.12 and 4.13, summed under the names by which they are weighed."""
        losses: Losses = {}
        for output in outputs:
            modality = self.task.modality(output.target)
            value = translation_loss(modality, output.raw, output.truth, self.context.settings["reduction"])
            # Eq. 4.3 is one expectation over the anchor's images of all groups, the others are one per group.
            share = 1.0 / groups if output.loss == ANCHOR_AUTOENCODER else 1.0
            losses[output.loss] = losses.get(output.loss, 0.0) + share * value
        return losses

    def _discriminator_loss(self, batch: Batch, fakes: dict[str, Tensor]) -> Tensor:
        """L_GAN: the RGB images of all groups against everything that the RGB decoder made."""
        terms = []
        for name, discriminator in self.discriminators.items():
            real = torch.cat([tensors[name] for tensors in batch.values() if name in tensors])
            terms.append(lsgan_discriminator(discriminator(real), discriminator(fakes[name].detach())))
        return torch.stack(terms).sum()

    def _latent_loss(self, batch: Batch, codes: dict[Key, Code]) -> Tensor:
        """Eq. 4.9: the anchor's code against each other one of its group (4.10, 4.11)."""
        anchor, reduction = self.task.anchor, self.context.settings["latent_reduction"]
        pairs = [(codes[v, anchor], codes[v, m]) for v, tensors in batch.items() for m in tensors if m != anchor]
        return torch.stack([latent_distance(a.latent, b.latent, reduction) for a, b in pairs]).sum()

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """Join encoders and a decoder: side information comes from ``side_from``, by default the (first) input."""
        if translation.via is not None:
            return self.banks.translate(self, inputs, translation)
        return self._join(self._codes(inputs), translation)

    def translate_each(
        self, inputs: Mapping[str, Tensor], translations: Sequence[Translation], *, sample: int = 0
    ) -> Iterator[Tensor]:
        """Encode the inputs once for all of them."""
        codes = self._codes(inputs)
        for translation in translations:
            direct = translation.via is None
            yield self._join(codes, translation) if direct else self.translate(inputs, translation, sample=sample)

    def translations(self) -> tuple[Translation, ...]:
        """Zero-pair, multi-modal and seen rows, and the cascades of the same network through the anchor."""
        return (*self.task.unseen, *self.task.multi_modal, *self.task.seen, *self.banks.rows())

    def mixes(self) -> tuple[Translation, ...]:
        """Those with two inputs, where the settings ask for the sweep."""
        return tuple(t for t in self.task.multi_modal if len(t.inputs) == 2) if self.context.settings["sweep"] else ()

    def encode(self, modality: str, tensor: Tensor) -> Tensor:
        """The latent code, ``(B, C, h, w)``."""
        return self.encoders[modality](self.task.modality(modality).to_network(tensor)).latent

    def start_from(self, parent: Method) -> None:
        """Take over a parent's weights; its re-estimated statistics are of its own images and are dropped."""
        super().start_from(parent)
        self.banks.forget()

    def _codes(self, inputs: Mapping[str, Tensor]) -> dict[str, Code]:
        return {name: self.encoders[name](self.task.modality(name).to_network(x)) for name, x in inputs.items()}

    def _join(self, codes: Mapping[str, Code], translation: Translation) -> Tensor:
        shares = translation.weights or (1.0 / len(codes),) * len(codes)
        latent = torch.stack([w * code.latent for w, code in zip(shares, codes.values(), strict=True)]).sum(0)
        side = codes[translation.side_from or translation.inputs[0]].side
        raw = self.decoders[translation.output](Code(latent, side))
        return self.task.modality(translation.output).from_network(raw)


def _with_noise(code: Code, std: float) -> Code:
    """Thesis 4.3.2: noise keeps the latent from shrinking, which would satisfy the consistency loss for nothing."""
    return Code(code.latent + std * torch.randn_like(code.latent), code.side) if std else code
