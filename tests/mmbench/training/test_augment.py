"""Crops and colours of training images: by hand and against Pillow, one crop per sample, a function of the step.

That a killed training goes on with the same bits is tested with augmentation in ``test_resume.py``.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from mmbench.modality import Depth, Modality, Rgb, Scalar, Segmentation
from mmbench.modality.augmentation import Augmentation
from mmbench.task import Group, Task, Translation, View
from mmbench.training.augment import cropped, draw_colours, draw_crops, recoloured
from mmbench.training.loader import Loader

SIZE = 16
LABELS = Segmentation("segmentation", classes=("a",) * 255, palette=((0, 0, 0),) * 256)
ALL: tuple[Modality, ...] = (Rgb("rgb"), Depth("depth"), LABELS, Scalar("nir"))
TASK = Task(
    "t", "cross-modal", ALL, "rgb", (Group(("rgb", "segmentation")), Group(("rgb", "depth", "nir"))),
    (Translation(("depth",), "segmentation"),),
)  # fmt: skip
CROPS = Augmentation(crop=0.5)
COLOURS = Augmentation(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)


def numbered() -> np.ndarray:
    """``(1, 16, 16)``: every pixel has a number of its own, 0 to 255."""
    return np.arange(SIZE * SIZE).reshape(1, SIZE, SIZE)


def as_stored(numbers: np.ndarray, modality: Modality) -> np.ndarray:
    made = numbers[..., None].repeat(3, -1) if modality.is_colour else numbers
    return np.asarray(made / 255 if modality.kind == "scalar" else made).astype(modality.dtype)


@pytest.mark.parametrize("modality", ALL, ids=lambda modality: modality.name)
def test_a_crop_by_hand(modality: Modality) -> None:
    """The lower right quarter, twice as large: rows and columns 8 to 15, each twice."""
    crops = np.array([[0.5, 0.999, 0.999]])
    made = cropped(as_stored(numbered(), modality), modality, crops)
    quarter = numbered()[:, 8:, 8:]
    if modality.lossless:
        np.testing.assert_array_equal(made, as_stored(quarter.repeat(2, 1).repeat(2, 2), modality))
        return
    # Bilinear: between the centres of two pixels a quarter and three quarters of the way.
    inner = as_stored(quarter, modality).astype(float)
    expected = 0.75 * inner[0, 3, 3] + 0.25 * inner[0, 3, 4]
    expected = 0.75 * expected + 0.25 * (0.75 * inner[0, 4, 3] + 0.25 * inner[0, 4, 4])
    np.testing.assert_allclose(made[0, 7, 7].astype(float), expected, atol=0.51 if modality.is_colour else 1e-6)
    assert made.dtype == modality.dtype and made.shape == as_stored(numbered(), modality).shape


def test_depth_keeps_its_metres_and_its_holes() -> None:
    metres = np.where(numbered() % 3 == 0, 0, numbered() / 50).astype(np.float32)
    made = cropped(metres, ALL[1], np.array([[0.7, 0.3, 0.6]]))
    assert set(np.unique(made)) <= set(np.unique(metres)) and (made == 0).any()


def test_crops_have_all_sides_and_places_and_leave_the_rest_alone() -> None:
    drawn = draw_crops(CROPS, np.random.default_rng(0), 4000)
    assert 0.5 <= drawn[:, 0].min() < 0.505 and 0.995 < drawn[:, 0].max() <= 1
    np.testing.assert_allclose(drawn.mean(0), [0.75, 0.5, 0.5], atol=0.02)
    images = as_stored(numbered().repeat(2, 0), LABELS)
    made = cropped(images, LABELS, np.array([[1.0, 0.4, 0.9], [0.5, 0.0, 0.0]]))
    np.testing.assert_array_equal(made[0], images[0])
    np.testing.assert_array_equal(images, as_stored(numbered().repeat(2, 0), LABELS))
    assert made[1, 0, 0] == 0 and made[1, -1, -1] == 7 * SIZE + 7


def test_colours_are_those_of_pillow() -> None:
    """An independent reference: Pillow's enhancers, whose factors have the same meaning."""
    image = np.random.default_rng(1).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    for place, enhancer in enumerate((ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)):
        factors = [1.0, 1.0, 1.0, 0.0]
        factors[place] = 0.7
        expected = np.asarray(enhancer(Image.fromarray(image[0])).enhance(0.7)).astype(int)
        assert np.abs(recoloured(image, np.array([factors]))[0].astype(int) - expected).max() <= 2
    np.testing.assert_array_equal(recoloured(image, np.array([[1.0, 1.0, 1.0, 0.0]])), image)
    red = np.zeros((1, 2, 2, 3), np.uint8)
    red[..., 0] = 255
    blue = recoloured(red, np.array([[1.0, 1.0, 1.0, -1 / 3]]))
    assert (blue[..., 2] > 250).all() and (blue[..., :2] < 5).all()


def test_colours_are_drawn_as_far_as_stated() -> None:
    drawn = draw_colours(COLOURS, np.random.default_rng(0), 4000)
    np.testing.assert_allclose(drawn.min(0), [0.6, 0.6, 0.6, -0.1], atol=0.002)
    np.testing.assert_allclose(drawn.max(0), [1.4, 1.4, 1.4, 0.1], atol=0.002)


class Painted:
    """Image n has the same numbers in all modalities, of which each row holds sixteen, moved by n."""

    def index(self, ids: tuple[str, ...]) -> np.ndarray:
        return np.array([int(i) for i in ids])

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        kind = next(one for one in ALL if one.name == modality)
        numbers = np.stack([np.roll(numbered()[0], int(row), 1) for row in rows])
        return as_stored(numbers, kind)


def batches(augmentation: Augmentation, seed: int = 0, flips: bool = False) -> Loader:
    views = [View("all", tuple(map(str, range(9))), tuple(modality.name for modality in ALL))]
    images: Any = Painted()
    return Loader(
        TASK, views, images, batch_size=4, seed=seed, flips=flips, device=torch.device("cpu"), augmentation=augmentation
    )


def test_all_modalities_of_a_sample_have_one_crop_and_samples_have_their_own() -> None:
    both = batches(dataclasses.replace(COLOURS, crop=0.4), flips=True)
    sides = []
    for step in range(10):
        made = both.batch(0, step)["all"]
        np.testing.assert_array_equal(made["depth"][:, 0].numpy(), made["segmentation"].numpy())
        sides += [len(np.unique(image[:, 0] // SIZE)) for image in made["depth"][:, 0].numpy()]
        # Grey is blended, so its mean is near that of the same crop of depth.
        near = (made["nir"].mean((1, 2, 3)) - made["depth"].mean((1, 2, 3)) / 255).abs()
        assert near.max() < 0.06
    assert len(set(sides)) > 5 and min(sides) >= 6


def test_colours_change_rgb_alone_and_no_crop() -> None:
    whole, crops = batches(Augmentation()).batch(1, 3)["all"], batches(CROPS).batch(1, 3)["all"]
    coloured = batches(COLOURS).batch(1, 3)["all"]
    both = batches(dataclasses.replace(COLOURS, crop=0.5)).batch(1, 3)["all"]
    assert not torch.equal(coloured["rgb"], whole["rgb"])
    for name in ("depth", "segmentation", "nir"):
        assert torch.equal(coloured[name], whole[name])
        assert torch.equal(both[name], crops[name]) and not torch.equal(crops[name], whole[name])


def test_a_batch_is_a_function_of_seed_stage_and_step() -> None:
    how = dataclasses.replace(COLOURS, crop=0.5)
    streamed = list(batches(how).stream(1, 4, 7))
    for step, batch in enumerate(streamed, 4):
        again = batches(how).batch(1, step)
        assert all(torch.equal(batch["all"][name], again["all"][name]) for name in batch["all"])
    other = batches(how, seed=1).batch(1, 4)["all"]
    assert not torch.equal(other["depth"], streamed[0]["all"]["depth"])
