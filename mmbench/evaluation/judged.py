"""A judge's own row: how many real test images it tells, the ceiling of every translation's accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mmbench.dataset import Dataset
from mmbench.training.cache import Cache
from mmbench.training.device import Compute


class Classifier(Protocol):
    """What tells images apart; call it in eval mode."""

    def classify(self, images: Tensor) -> Tensor:
        """Logits ``(B, classes)`` of images in [-1, 1]."""


def ceiling(
    judge: Any, dataset: Dataset, images: Cache, test_ids: Sequence[str], compute: Compute, batch_size: int
) -> dict[str, Any]:
    """The row of a judge: its accuracy on real test images."""
    judge.eval()
    name, kind = "real", "domain"
    if dataset.task.judged is not None:
        name, kind = dataset.task.judged, dataset.task.modality(dataset.task.judged).kind
    accuracy = accuracy_on_real(judge, dataset, images, test_ids, compute, batch_size)
    return {
        "inputs": name, "output": name, "output_kind": kind, "via": "", "weights": "", "side_from": "", "bn": "trained",
        "checkpoint": "last", "metrics": {"classification_accuracy": accuracy},
    }  # fmt: skip


@torch.inference_mode()
def accuracy_on_real(
    judge: Classifier, dataset: Dataset, images: Cache, test_ids: Sequence[str], compute: Compute, batch_size: int
) -> float:
    """Percent of real test images whose class (or, of unpaired domains, whose domain) a judge tells."""
    right = total = 0
    for real, labels in _labelled(dataset, images, test_ids, batch_size):
        with compute.autocast():
            guess = judge.classify(real.to(compute.device)).argmax(1).cpu().numpy()
        right += int((guess == labels).sum())
        total += len(labels)
    return 100.0 * right / total


def _labelled(
    dataset: Dataset, images: Cache, test_ids: Sequence[str], batch_size: int
) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Batches of real test images with their labels: the judged modality's classes, else the number of the domain."""
    task = dataset.task
    if task.judged is not None:
        judged = task.modality(task.judged)
        for here in batches(images.index(test_ids), batch_size):
            yield judged.to_tensor(images.read(judged.name, here)), images.labels(here)
        return
    for number, domain in enumerate(task.modalities):
        for here in batches(images.index(dataset.holding(test_ids, domain.name)), batch_size):
            yield domain.to_tensor(images.read(domain.name, here)), np.full(len(here), number)


def batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Rows of a cache in parts of at most ``size``."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]
