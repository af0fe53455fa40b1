"""The judge of the flowers: a classifier trained on real images that scores translated ones (thesis 4.5.3, table 4.1).

The thesis does not say which "flower classification algorithm" it applied. Here it is a ResNet-18 from random weights.
Images below the setting ``input_size`` are enlarged to it: on 64 x 64 flowers that was better than a stem that shrinks
less, in less time. Its accuracy on real test images is the ceiling of the table.
"""

from __future__ import annotations

from collections.abc import Mapping

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method
from mmbench.schedule import Stage
from mmbench.task import LABEL, Translation

from .networks.augmentation import augmented, enlarged

NAME = "judge-classifier"
TITLE = "Flower classifier (ResNet-18)"
CLASS = "ClassifierJudge"
ACCESS = "labelled"
GROUP = "judge"
ROLE = "judge"
KINDS = ("cross-channel",)
CITATION = "He et al., CVPR 2016"
COST = 0.35
SETTINGS = {
    "architecture": "resnet18",
    "input_size": 96,
    "label_smoothing": 0.1,
    "zoom": 0.2,
    "rotation": 0.15,
    "brightness": 0.1,
    "contrast": 0.1,
}
STAGES = [
    {
        "name": "train",
        "steps": {"smoke": 5, "small": 1500, "short": 6000, "paper": 20000},
        "lr": 1e-3,
        "warmup": 50,
        "decay": 0.3,
    }
]


class ClassifierJudge(Method):
    """Class label of an image; the harness trains it like any method, with real training images and their labels.

    Settings: ``architecture`` a timm name; ``input_size`` pixels; ``label_smoothing``; and how far augmentation goes at
    most, see ``networks/augmentation.py``.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        if self.task.judged is None:
            raise ValueError(f"task {self.task.name!r} names no modality for a judge")
        self.judged = self.task.judged
        architecture = context.settings["architecture"]
        self.classifier: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=context.labels)

    def forward(self, batch: Batch, stage: Stage) -> Tensor:
        """Logits ``(B, K)`` of augmented images of all views, one after the other."""
        images = torch.cat([view[self.judged] for view in batch.values()])
        return self.classifier(augmented(images, self.context.settings))

    def loss(self, player: str, batch: Batch, made: Tensor, stage: Stage) -> Losses:
        """Cross-entropy with smoothed labels."""
        labels = torch.cat([view[LABEL] for view in batch.values()])
        smoothing = self.context.settings["label_smoothing"]
        return {"classification": F.cross_entropy(made.float(), labels, label_smoothing=smoothing)}

    def classify(self, images: Tensor) -> Tensor:
        """Logits ``(B, K)`` of images ``(B, 3, H, W)`` in [-1, 1]; call it in eval mode."""
        return self.classifier(enlarged(images, self.context.settings["input_size"])).float()

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """A judge translates nothing."""
        raise NotImplementedError(f"{NAME} is a judge: use classify")

    def translations(self) -> tuple[Translation, ...]:
        """None."""
        return ()

    def networks(self) -> dict[str, nn.Module]:
        """The classifier."""
        return {"classifier": self.classifier}
