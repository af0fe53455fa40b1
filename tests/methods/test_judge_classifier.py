"""The classifier judge: it learns, it is a function of the seed, and augmentation stays inside its bounds."""

from __future__ import annotations

import pytest
import torch
from mmbench.methods.judge_classifier import SETTINGS, ClassifierJudge
from mmbench.methods.networks.augmentation import augmented
from torch import Tensor

from mmbench.method import Batch, Context
from mmbench.modality import Rgb, Scalar
from mmbench.schedule import NetworkSize, Stage
from mmbench.task import LABEL, Group, Task, Translation

TASK = Task(
    "channels",
    "cross-channel",
    (Scalar("a"), Scalar("b"), Rgb("c")),
    "a",
    (Group(("a", "b")), Group(("a", "c"))),
    (Translation(("b",), "c"),),
    judged="c",
)
STAGE = Stage("train", 0, steps=8, lr=1e-3)


def judge(labels: int = 2, **settings: object) -> ClassifierJudge:
    """A judge on timm's smallest network; the architecture that is really used is built in one test."""
    torch.manual_seed(0)
    changed = {**SETTINGS, "architecture": "test_resnet", "input_size": 32, **settings}
    return ClassifierJudge(Context(TASK, 16, NetworkSize(), changed, labels=labels))


def two_colours() -> tuple[Tensor, Tensor]:
    """20 images, reddish (0) or bluish (1), with noise."""
    labels = torch.arange(20) % 2
    images = 0.2 * torch.randn(20, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    images[labels == 0, 0] += 0.6
    images[labels == 1, 2] += 0.6
    return images.clamp(-1, 1), labels


def as_batch(images: Tensor, labels: Tensor) -> Batch:
    """Half of the images in each of the two views."""
    return {
        view: {"c": images[half], LABEL: labels[half]}
        for view, half in {"a+b": slice(0, 10), "a+c": slice(10, 20)}.items()
    }


def train(model: ClassifierJudge, steps: int) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batch = as_batch(*two_colours())
    for step in range(steps):
        torch.manual_seed(step)
        loss = model.loss("generator", batch, model(batch, STAGE), STAGE)["classification"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_learns_two_colours_in_a_few_steps() -> None:
    model = judge()
    train(model, 12)
    images, labels = two_colours()
    # In training mode, so that the answer does not hang on how far the running statistics have come.
    assert (model.classify(images).argmax(1) == labels).float().mean() == 1.0


def test_the_default_is_a_resnet_18_for_ten_classes() -> None:
    model = judge(labels=10, architecture=SETTINGS["architecture"])
    # 11,689,512 parameters with 1000 classes (torchvision's documentation), less 990 rows of 512 weights and a bias.
    assert sum(p.numel() for p in model.networks()["classifier"].parameters()) == 11_689_512 - 990 * 513


def test_logits_shape() -> None:
    model = judge(labels=10).eval()
    images, labels = two_colours()
    assert model.classify(images).shape == (20, 10)
    assert model(as_batch(images, labels), STAGE).shape == (20, 10)


def test_without_augmentation_an_image_is_enlarged_or_mirrored() -> None:
    images, _ = two_colours()
    torch.manual_seed(0)
    seen = augmented(images, {"input_size": 32, "zoom": 0.0, "rotation": 0.0, "brightness": 0.0, "contrast": 0.0})
    plain = torch.nn.functional.interpolate(images, size=(32, 32), mode="bilinear", align_corners=False)
    # The outermost pixels are padded in two ways: by reflection and by repetition.
    inside = (..., slice(2, -2), slice(2, -2))
    is_plain = [torch.allclose(a, b, atol=1e-5) for a, b in zip(seen[inside], plain[inside], strict=True)]
    is_mirror = [torch.allclose(a, b, atol=1e-5) for a, b in zip(seen[inside], plain.flip(-1)[inside], strict=True)]
    assert all(a != b for a, b in zip(is_plain, is_mirror, strict=True))
    assert 3 < sum(is_mirror) < 17


def test_loss_matches_smoothed_cross_entropy_by_hand() -> None:
    logits = torch.zeros(20, 2)
    logits[:, 0] = 2.0
    batch = as_batch(*two_colours())
    first, second = (-torch.log_softmax(torch.tensor([2.0, 0.0]), 0)).tolist()
    # Smoothing 0.1 of two classes: 0.95 on the right one; half of the labels are 0.
    expected = 0.5 * (0.95 * first + 0.05 * second) + 0.5 * (0.05 * first + 0.95 * second)
    assert judge().loss("generator", batch, logits, STAGE)["classification"].item() == pytest.approx(expected)


def test_same_seed_same_judge() -> None:
    images, _ = two_colours()
    runs = []
    for _ in range(2):
        model = judge()
        train(model, 2)
        runs.append(model.eval().classify(images))
    assert torch.equal(runs[0], runs[1])


def test_augmentation_depends_on_the_seed_and_keeps_flat_images_flat() -> None:
    settings = {"input_size": 32, "zoom": 0.2, "rotation": 0.15, "brightness": 0.1, "contrast": 0.1}
    flat = torch.full((6, 3, 16, 16), 0.5)
    torch.manual_seed(3)
    first = augmented(flat, settings)
    torch.manual_seed(3)
    assert torch.equal(first, augmented(flat, settings))
    assert not torch.equal(first, augmented(flat, settings))
    assert first.shape == (6, 3, 32, 32)
    torch.testing.assert_close(first, first[:, :1, :1, :1].expand_as(first))
    assert first.min() >= 0.5 * 0.9 - 0.1 - 1e-6
    assert first.max() <= 0.5 * 1.1 + 0.1 + 1e-6


def test_images_above_the_input_size_are_left_as_they_are() -> None:
    model = judge()
    assert model(as_batch(torch.zeros(4, 3, 48, 48), torch.zeros(4, dtype=torch.int64)), STAGE).shape == (4, 2)
    large = torch.rand(2, 3, 48, 48)
    torch.testing.assert_close(model.eval().classify(large), model.classifier(large))


def test_a_judge_translates_nothing() -> None:
    model = judge()
    assert model.translations() == ()
    with pytest.raises(NotImplementedError, match="classify"):
        model.translate({"b": torch.zeros(1, 1, 16, 16)}, Translation(("b",), "c"))
