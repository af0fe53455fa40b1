"""The judge of unpaired domains: a classifier of real images, told their domain (thesis 6.4.2, tables 6.3 and 6.4).

A ResNet-18 from random weights, as ``judge_classifier.py``. Its accuracy on real test images is the ceiling of every
translation's; its features serve the kernel distance. It sees each domain alone, as unpaired methods do. Images
below the setting ``input_size`` are enlarged to it.
"""

from __future__ import annotations

from collections.abc import Mapping

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method
from mmbench.schedule import Stage
from mmbench.task import Translation

from .networks.augmentation import augmented, enlarged

NAME = "judge-domains"
TITLE = "Domain classifier (ResNet-18)"
CLASS = "DomainJudge"
ACCESS = "unpaired"
GROUP = "judge"
ROLE = "judge"
KINDS = ("cross-domain",)
CITATION = "He et al., CVPR 2016"
COST = 0.5
SETTINGS = {
    "architecture": "resnet18",
    # Smaller images leave the last stage's strided convolution one pixel. In bf16 on a CPU the gradients of its weights
    # that meet nothing but padding are then whatever was in memory (PyTorch 2.15 with oneDNN): NaN now and then.
    "input_size": 32,
    "label_smoothing": 0.1,
    "zoom": 0.3,
    "rotation": 0.2,
    "brightness": 0.05,
    "contrast": 0.05,
}
STAGES = [
    {
        "name": "train",
        "steps": {"smoke": 5, "small": 600, "short": 4000, "paper": 20000},
        "lr": 1e-3,
        "warmup": 50,
        "decay": 0.3,
    }
]


class DomainJudge(Method):
    """Domain of an image; the harness trains it like any method."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.names = [modality.name for modality in self.task.modalities]
        architecture = context.settings["architecture"]
        self.classifier: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=len(self.names))

    def forward(self, batch: Batch, stage: Stage) -> tuple[Tensor, Tensor]:
        """Logits ``(B, domains)`` of augmented images, and their domains ``(B,)``."""
        images = torch.cat([batch[name][name] for name in self.names])
        counts = torch.tensor([len(batch[name][name]) for name in self.names], device=images.device)
        labels = torch.arange(len(self.names), device=images.device).repeat_interleave(counts)
        return self.classifier(augmented(images, self.context.settings)), labels

    def loss(self, player: str, batch: Batch, made: tuple[Tensor, Tensor], stage: Stage) -> Losses:
        """Cross-entropy with smoothed labels."""
        logits, labels = made
        smoothing = self.context.settings["label_smoothing"]
        return {"classification": F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)}

    def classify(self, images: Tensor) -> Tensor:
        """Logits ``(B, domains)`` of images ``(B, 3, H, W)`` in [-1, 1]; call it in eval mode."""
        return self.classifier(enlarged(images, self.context.settings["input_size"])).float()

    def features(self, images: Tensor) -> Tensor:
        """What the last layer reads, ``(B, D)``; call it in eval mode."""
        classifier, images = self.classifier, enlarged(images, self.context.settings["input_size"])
        maps = classifier.forward_features(images)  # type: ignore[operator]
        pooled: Tensor = classifier.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return pooled.float()

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """A judge translates nothing."""
        raise NotImplementedError(f"{NAME} is a judge: use classify")

    def translations(self) -> tuple[Translation, ...]:
        """None."""
        return ()

    def networks(self) -> dict[str, nn.Module]:
        """The classifier."""
        return {"classifier": self.classifier}
