"""The contract of a method on tasks of other shapes than the embedded set's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from contract import CARDS, CROSS_CHANNEL, METHODS

from mmbench.contracts import steps, translations
from mmbench.contracts.bench import Scale
from mmbench.contracts.made_up import bench_of_dataset
from mmbench.contracts.subject import Subject
from mmbench.training.loop import set_modes


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """As table 4.8: RGB with segmentation, RGB with depth and NIR; depth and NIR are translated to segmentation."""
    return bench_of_dataset("synthetic-nir", None, tmp_path_factory.mktemp("four"))


def check_task(subject: Subject, scale: Scale) -> None:
    """Losses and gradients of every stage, and every row, on a task of another shape than the bench's."""
    steps.check_losses(subject, scale)
    method, resolved = subject.build(scale)
    batch = subject.bench.loader(subject.card.name).batch(0, 0)
    for stage in resolved.stages:
        if not stage.players:
            set_modes(method, stage)
            with torch.no_grad():
                method(batch, stage)
    method.eval()
    for row, images in translations.rows_with_images(subject, method):
        made = translations.translate(method, row, images)
        modality = subject.bench.dataset.task.modality(row.output)
        translations.check_translation(subject, modality, made, row.name)


@pytest.mark.parametrize("scale", ["small", "paper"])
@pytest.mark.parametrize("name", CROSS_CHANNEL)
def test_cross_channel_tasks_train_and_translate(name: str, scale: Scale, subject_of: Callable[..., Subject]) -> None:
    check_task(subject_of(name, "cross-channel"), scale)


@pytest.mark.parametrize("scale", ["small", "paper"])
@pytest.mark.parametrize("name", METHODS)
def test_tasks_of_four_modalities_train_and_translate(name: str, scale: Scale, four: Any, tmp_path: Path) -> None:
    check_task(Subject(CARDS[name], four, tmp_path), scale)
