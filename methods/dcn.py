"""Domain-conditional normalization: one network for all modalities, told by its normalization which one to make.

Shukla, Romero, Van Gool, Timofte, WACV 2021 (arXiv 2011.05680), whose setting is this one: pairs A-B and A-C, B -> C
unseen, "with much fewer parameters" than M&MNets. The network is ``networks/conditional.py``. Trained on every seen
translation with this benchmark's losses (eq. 4.1, 4.2, 4.4, 4.7): what is public states neither losses nor weights nor
the network's size, and no number of theirs is quoted. ``dcn`` is DCN-0, a gamma and a beta per target; ``dcn-additive``
adds those of the source; ``dcn-autoencoders`` trains every modality to itself as well (eq. 4.3, 4.5, 4.8).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .losses import Translated, translation_losses
from .networks.conditional import Wanted, translator_of

NAME = "dcn"
TITLE = "DCN-0"
CLASS = "Dcn"
ACCESS = "seen-groups"
GROUP = "zero-pair"
KINDS = ("cross-modal",)
IN_ALL = False
SUITES = ("followups",)
BUDGET = "full"
COST = 1.2
CITATION = "Shukla, Romero, Van Gool, Timofte: Zero-pair image to image translation using domain conditional normalization, WACV 2021"  # noqa: E501


class Dcn(Method):
    """One translator between all modalities."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.translator = translator_of(context, additive=context.settings["additive"])

    def forward(self, batch: Batch, stage: Stage) -> list[Translated]:
        """Every translation within a group and, with ``autoencoders`` in the stage, to itself."""
        images = {(view, name): image for view, tensors in batch.items() for name, image in tensors.items()}
        inputs = [(name, self.task.modality(name).to_network(image)) for (_, name), image in images.items()]
        codes = dict(zip(images, self.translator.encode(inputs), strict=True))
        terms = [
            (codes[view, source], source, target, truth)
            for view, tensors in batch.items()
            for source in tensors
            for target, truth in tensors.items()
            if source != target or stage.options["autoencoders"]
        ]
        raws = self.translator.decode([Wanted(code, source, target) for code, source, target, _ in terms])
        return [
            Translated(self.task.modality(target), raw, truth)
            for raw, (_, _, target, truth) in zip(raws, terms, strict=True)
        ]

    def loss(self, player: str, batch: Batch, made: list[Translated], stage: Stage) -> Losses:
        """One loss per output modality."""
        return translation_losses(made, self.context.settings["reduction"])

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """Any modality to any other."""
        ((source, image),) = inputs.items()
        target = self.task.modality(translation.output)
        image = self.task.modality(source).to_network(image)
        return target.from_network(self.translator.translate(source, target.name, image))

    def translations(self) -> tuple[Translation, ...]:
        """The unseen translations and the seen ones."""
        return (*self.task.unseen, *self.task.seen)

    def encode(self, modality: str, tensor: Tensor) -> Tensor:
        """The body's latent code, ``(B, C, h, w)``."""
        (code,) = self.translator.encode([(modality, self.task.modality(modality).to_network(tensor))])
        return code.latent
