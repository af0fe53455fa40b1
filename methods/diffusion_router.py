"""The diffusion router: one noise predictor told source and target, through the anchor or taught to go directly.

Kieu et al., Universal multi-domain translation via diffusion routers, ICLR 2026 (arXiv 2510.03252): K domains, K - 1
paired sets with a central one, one predictor ``eps(x_t, t, source image; source, target)`` for all, the source image
beside the noisy target and both labels embedded. ``router.py`` has the same two ways without diffusion.

- ``diffusion-router`` (iDR) learns the noise in both directions of each seen pair, ``zeta`` of it from the anchor and
  ``1 - zeta`` to the anchor; unseen i -> j samples the anchor's image, then j of that.
- ``diffusion-router-direct`` (dDR) goes on from it with that loss and ``distil``, ``|| eps(x_t; i, j) - eps_ref(x_t; c,
  j) ||^2`` over the real pairs (x_i, x_c) of a group, x_c the anchor's; eps_ref is iDR, frozen. x_t is a real j of
  another group with noise, refined towards x_c (``networks/diffusion.py``). Then i -> j is sampled directly.

What is public states no size, schedule, rate or weight: those here are this benchmark's, and no number of theirs is
quoted. Ours too: the averaged weights (EMA) sample, and those of iDR are eps_ref; classes are channels of -1 and 1 that
the arg-max reads; void and invalid pixels of what noise was put on carry no loss; a pair without the anchor that a
group holds counts half each way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import torch
from torch import Tensor

from mmbench.errors import UserError
from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.modality import Modality
from mmbench.task import Translation

from .losses import l2
from .networks.average import Average, as_buffers
from .networks.builder import evaluating
from .networks.denoiser import Asked, Denoiser
from .networks.diffusion import Diffusion, drawn, own_noise

NAME = "diffusion-router"
TITLE = "Diffusion router, indirect"
CLASS = "DiffusionRouter"
ACCESS = "seen-groups"
GROUP = "zero-pair"
KINDS = ("cross-modal",)
IN_ALL = False
SUITES = ("followups",)
COST = 6.5
REQUIRES = {"diffusers": "mmbench[diffusion]"}
CITATION = "Kieu et al.: Universal multi-domain translation via diffusion routers, ICLR 2026"

DISTIL = "distil"


@dataclass(frozen=True)
class Term:
    """A noise that was asked for, and what it is to be.

    Attributes:
        loss: its name.
        weight: within that loss.
        asked: of the predictor.
        noise: the truth, of the shape of ``asked.noisy``.
        valid: bool ``(B, H, W)``, pixels that carry the loss.
    """

    loss: str
    weight: float
    asked: Asked
    noise: Tensor
    valid: Tensor


class DiffusionRouter(Method):
    """One noise predictor, its average and, of the direct form, the indirect one as it was."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings = context.settings
        try:
            self.diffusion = Diffusion(settings["diffusion_steps"], settings["sampling_steps"])
        except ValueError as error:
            raise UserError(f"sampling_steps: {error}; choose a divisor") from error
        channels = {modality.name: modality.channels for modality in self.task.modalities}
        self.denoiser = Denoiser(channels, context.network, settings["layers"], self.diffusion.kept)
        self.average = Average(self.denoiser, settings["ema"])
        self.reference = as_buffers(self.denoiser) if settings["direct"] else None

    def start_from(self, parent: Method) -> None:
        """Take over the indirect form's weights and their average, and keep that average as the reference."""
        own = parent.state_dict()
        self.load_state_dict(own, strict=self.reference is None)
        if self.reference is not None:
            prefix = "average.network."
            averaged = {k.removeprefix(prefix): v for k, v in own.items() if k.startswith(prefix)}
            self.reference.load_state_dict(averaged)

    def forward(self, batch: Batch, stage: Stage) -> list[tuple[Term, Tensor]]:
        """Noise of every translation within a group and, with ``distil`` in the stage, of the unseen ones."""
        self.average.update(self.denoiser)
        terms = self._paired(batch)
        if stage.options["distil"]:
            terms += self._distilled(batch)
        made = self.denoiser([term.asked for term in terms])
        return list(zip(terms, made, strict=True))

    def loss(self, player: str, batch: Batch, made: list[tuple[Term, Tensor]], stage: Stage) -> Losses:
        """One loss per output modality, and ``distil``: the mean square over valid pixels, summed over translations."""
        losses: Losses = {}
        for term, predicted in made:
            value = term.weight * l2(predicted, term.noise, valid=term.valid)
            losses[term.loss] = losses.get(term.loss, 0.0) + value
        return losses

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """Sampled directly or, ``via`` the anchor, twice. The noise is a function of the input image and ``sample``."""
        ((source, image),) = inputs.items()
        noise = own_noise(image, sample)
        path = [source, *([translation.via] if translation.via else []), translation.output]
        for before, after in pairwise(path):
            image = self._sampled(before, after, image, noise)
        return image

    def translations(self) -> tuple[Translation, ...]:
        """The unseen ones, through the anchor or, of the direct form, at once; and the seen ones."""
        unseen = self.task.unseen
        if not self.context.settings["direct"]:
            unseen = tuple(Translation(t.inputs, t.output, self.task.anchor) for t in unseen)
        return (*unseen, *self.task.seen)

    def _sampled(self, source: str, target: str, image: Tensor, noise: Sequence[torch.Generator]) -> Tensor:
        given, modality = signal(self.task.modality(source), image), self.task.modality(target)

        def predict(x: Tensor, steps: Tensor) -> Tensor:
            (made,) = self.average.network([Asked(source, target, given, x, steps)])
            return made

        start = drawn(noise, (modality.channels, *given.shape[2:]), given.device)
        return modality.from_network(self.diffusion.sample(start, predict, modality.reach))

    def _paired(self, batch: Batch) -> list[Term]:
        zeta, anchor = self.context.settings["zeta"], self.task.anchor
        terms = []
        for tensors in batch.values():
            for source, target in permutations(tensors, 2):
                weight = zeta if source == anchor else 1 - zeta if target == anchor else 0.5
                modality = self.task.modality(target)
                truth = signal(modality, tensors[target])
                steps, noise = self.diffusion.draw(truth)
                image = signal(self.task.modality(source), tensors[source])
                asked = Asked(source, target, image, self.diffusion.noisy(truth, steps, noise), steps)
                terms.append(Term(target, weight, asked, noise, modality.valid(tensors[target])))
        return terms

    def _distilled(self, batch: Batch) -> list[Term]:
        """Of unseen i -> j what the reference says of the anchor's image of the same scene."""
        terms = []
        for tensors in batch.values():
            for source, target in self.task.unseen_pairs():
                if source in tensors:
                    terms.append(self._of_reference(batch, tensors, source, target))
        return terms

    def _of_reference(self, batch: Batch, tensors: dict[str, Tensor], source: str, target: str) -> Term:
        if self.reference is None:
            raise UserError("distil = true: expected of a method with direct = true, such as diffusion-router-direct")
        anchor, modality = self.task.anchor, self.task.modality(target)
        image, central = (signal(self.task.modality(name), tensors[name]) for name in (source, anchor))
        others = torch.cat([view[target] for view in batch.values() if target in view])
        # Reused from the first where there are fewer of them: they are images of any other scenes.
        real = others[torch.arange(len(image), device=others.device) % len(others)]
        truth = signal(modality, real)
        steps, noise = self.diffusion.draw(truth)
        with evaluating(self.denoiser):
            refined = self.diffusion.refined(
                self.diffusion.noisy(truth, steps, noise), steps,
                lambda x, t: self.denoiser([Asked(anchor, target, central, x, t)])[0],
                self.context.settings["refinements"],
            )  # fmt: skip
            (said,) = self.reference([Asked(anchor, target, central, refined, steps)])
        return Term(DISTIL, 1.0, Asked(source, target, image, refined, steps), said, modality.valid(real))


def signal(modality: Modality, tensor: Tensor) -> Tensor:
    """Tensor representation to what noise is put on, ``(B, channels, H, W)``: classes one-hot as -1 and 1."""
    image = modality.to_network(tensor)
    return 2 * image - 1 if modality.legend else image
