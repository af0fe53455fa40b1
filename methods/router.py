"""A router in regression form: one network told source and target, used through the anchor or taught to go directly.

After Kieu et al., Universal multi-domain translation via diffusion routers, ICLR 2026 (arXiv 2510.03252): K domains,
K - 1 paired sets with a central one, one noise predictor for all. Here the predictor is a regression network with both
labels in its normalization (``networks/conditional.py``), this benchmark's own form, which trains on a laptop. No
number of theirs is quoted for it.

- ``router-indirect`` trains both directions of each seen pair; unseen i -> j is i -> anchor -> j with the same network.
- ``router-direct`` goes on from it with the pair's loss and ``distil``, ``d(f(x_i; i, j), f(x_c; c, j))`` over the real
  pairs (x_i, x_c) of a group, x_c the anchor's. The right side has no gradient. Then i -> j is one pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .cascades import Cascades
from .losses import Translated, translation_losses
from .networks.builder import evaluating
from .networks.conditional import Wanted, translator_of

NAME = "router-indirect"
TITLE = "Router (regression), indirect"
CLASS = "Router"
ACCESS = "seen-groups"
GROUP = "zero-pair"
KINDS = ("cross-modal",)
IN_ALL = False
SUITES = ("followups",)
COST = 1.2
CITATION = "after Kieu et al.: Universal multi-domain translation via diffusion routers, ICLR 2026"

DISTIL = "distil"


class Router(Method):
    """One translator, told source and target."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.translator = translator_of(context, additive=True)
        self.cascades = Cascades(self.task, lambda output: [])

    def forward(self, batch: Batch, stage: Stage) -> list[Translated]:
        """Every translation within a group and, with ``distil`` in the stage, the unseen ones against the anchor's."""
        images = {(view, name): image for view, tensors in batch.items() for name, image in tensors.items()}
        inputs = [(name, self.task.modality(name).to_network(image)) for (_, name), image in images.items()]
        terms = [
            ((view, source), target, "", truth)
            for view, tensors in batch.items()
            for source in tensors
            for target, truth in tensors.items()
            if source != target
        ]
        if stage.options["distil"]:
            terms += self._distilled(batch)
        codes = dict(zip(images, self.translator.encode(inputs), strict=True))
        raws = self.translator.decode([Wanted(codes[key], key[1], target) for key, target, _, _ in terms])
        return [
            Translated(self.task.modality(target), raw, truth, loss)
            for raw, (_, target, loss, truth) in zip(raws, terms, strict=True)
        ]

    def loss(self, player: str, batch: Batch, made: list[Translated], stage: Stage) -> Losses:
        """One loss per output modality, and ``distil``."""
        return translation_losses(made, self.context.settings["reduction"])

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """One pass or, ``via`` the anchor, two."""
        if translation.via is not None:
            return self.cascades.translate(self, inputs, translation)
        ((source, image),) = inputs.items()
        target = self.task.modality(translation.output)
        image = self.task.modality(source).to_network(image)
        return target.from_network(self.translator.translate(source, target.name, image))

    def translations(self) -> tuple[Translation, ...]:
        """The unseen ones, through the anchor or, of the direct form, in one pass; and the seen ones."""
        unseen = self.task.unseen if self.context.settings["direct"] else self.cascades.rows()
        return (*unseen, *self.task.seen)

    def encode(self, modality: str, tensor: Tensor) -> Tensor:
        """The body's latent code, ``(B, C, h, w)``."""
        (code,) = self.translator.encode([(modality, self.task.modality(modality).to_network(tensor))])
        return code.latent

    def _distilled(self, batch: Batch) -> list[tuple[tuple[str, str], str, str, Tensor]]:
        """Terms of the unseen translations: what the network makes of the anchor's image of the same scene."""
        anchor, terms = self.task.anchor, []
        with evaluating(self):
            for view, tensors in batch.items():
                for source, target in self.task.unseen_pairs():
                    if source in tensors:
                        said = self.translate({anchor: tensors[anchor]}, Translation((anchor,), target))
                        terms.append(((view, source), target, DISTIL, said))
        return terms
