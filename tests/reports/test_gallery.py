"""Pictures one by one: no colour changes, and what colours stand for is what the arrays behind them held."""

from __future__ import annotations

import io

import numpy as np
import pytest
from mmbench.reports.gallery import compact, examples, meaning, path_of
from PIL import Image

from mmbench.modality import Depth, Modality, Rgb, Scalar, Segmentation

RANDOM = np.random.default_rng(7)
PALETTE = ((0, 0, 0), (1, 2, 3), (9, 9, 9), (1, 2, 3))
CLASSES = Segmentation("segmentation", classes=("bed", "wall", "floor"), palette=PALETTE)


def texts(modality: Modality, array: np.ndarray) -> list[str]:
    """What is told of each pixel, as the page's script looks it up."""
    told = meaning(modality)
    return [told["{:02x}{:02x}{:02x}".format(*pixel)] for pixel in modality.picture(array).reshape(-1, 3).tolist()]


@pytest.mark.parametrize("colours", [1, 2, 16, 17, 256, 257, 4096])
def test_no_colour_changes(colours: int) -> None:
    palette = RANDOM.integers(0, 256, (colours, 3), np.uint8)
    picture = palette[RANDOM.permutation(np.arange(64 * 70) % colours).reshape(64, 70)]
    content = compact(picture)
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), picture)
    raw = io.BytesIO()
    Image.fromarray(picture).save(raw, "PNG")
    assert colours > 256 or len(content) < len(raw.getvalue())


def test_metres_come_back_within_two_percent() -> None:
    metres = np.exp(RANDOM.uniform(np.log(0.52), np.log(7.8), (50, 50))).astype(np.float32)
    told = texts(Depth("depth"), metres)
    assert all(text.endswith(" m") for text in told)
    read = np.array([float(text.removesuffix(" m")) for text in told])
    assert np.abs(read / metres.reshape(-1) - 1).max() < 0.02
    ends = texts(Depth("depth"), np.array([[0.0, 0.2, 0.4, 9.0, 500.0]], np.float32))
    assert ends == ["no depth", "0.51 m or less", "0.51 m or less", "7.92 m or more", "7.92 m or more"]


def test_values_between_limits_come_back_to_a_grey_level() -> None:
    values = RANDOM.uniform(-1, 1, (20, 20)).astype(np.float32)
    read = np.array([float(text) for text in texts(Scalar("nir"), values)])
    assert np.abs(read - values.reshape(-1)).max() < 1 / 127.5 + 0.005


def test_classes_have_their_names_and_colours_mean_themselves() -> None:
    array = np.array([[0, 1, 2, 3]], np.uint8)
    assert texts(CLASSES, array) == ["void", "bed or floor", "wall", "bed or floor"]
    assert meaning(Rgb("rgb")) == {}


def test_examples_show_inputs_translation_and_truth() -> None:
    row = {"inputs": "rgb+depth", "via": "", "output": "segmentation"}
    shapes = {"truth/rgb": 3, "truth/depth": 3, "truth/segmentation": 3, "picture/4": 2}
    arrays = {name: RANDOM.integers(0, 256, (count, 8, 8, 3), np.uint8) for name, count in shapes.items()}
    made = list(examples(arrays, 4, row, "Ours", seed=5, place=1, ids=["kitchen"]))
    assert [dict(example.choices) for example in made] == [
        {"image": image, "translation": "rgb+depth → segmentation", "method": "Ours", "seed": "5"}
        for image in ("kitchen", "2")
    ]
    assert [example.rank for example in made] == [2, 3], "behind those of the first seed"
    captions = ["rgb, input", "depth, input", "segmentation by Ours", "segmentation, truth"]
    names = ["truth/rgb", "truth/depth", "picture/4", "truth/segmentation"]
    for number, example in enumerate(made):
        assert [panel.caption for panel in example.panels] == captions
        assert [panel.meaning for panel in example.panels] == ["rgb", "depth", "segmentation", "segmentation"]
        for panel, name in zip(example.panels, names, strict=True):
            pixels = np.asarray(Image.open(io.BytesIO(panel.png)).convert("RGB"))
            assert np.array_equal(pixels, arrays[name][number]), name


def test_a_path_names_what_is_in_the_middle() -> None:
    assert path_of({"inputs": "depth", "via": "rgb", "output": "nir"}) == "depth → rgb → nir"
