"""The translator makes what the cell was evaluated with, from arrays; what it cannot do is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mmbench
from mmbench.errors import UserError
from mmbench.inference.translator import Translator
from mmbench.method import Context, Method, NetworkSize
from mmbench.resize import fit
from mmbench.task import Translation
from mmbench.training.device import Compute

MADE_IN = 4  # the smoke profile's batch of evaluation


def test_every_row_of_the_cell_is_made_again_bit_by_bit(
    cells: Path, translator: Translator, images: dict[str, np.ndarray]
) -> None:
    samples = np.load(cells / "mmnet" / "seed-0" / "samples" / "samples.npz")
    rows = translator.translations
    assert any(row.via for row in rows)
    assert any(len(row.inputs) > 1 for row in rows)
    assert {row.bn for row in rows} == {"trained", "re-estimated"}
    for number, row in enumerate(rows):
        how = {"via": row.via, "weights": row.weights, "side_from": row.side_from, "bn": row.bn}
        made = [
            translator.translate({name: images[name][i : i + MADE_IN] for name in row.inputs}, row.output, **how)  # type: ignore[arg-type]
            for i in range(0, len(images["rgb"]), MADE_IN)
        ]
        assert np.array_equal(np.concatenate(made), samples[str(number)]), row.name


def test_one_image_is_the_batch_of_one(translator: Translator, images: dict[str, np.ndarray]) -> None:
    one = translator.translate({"depth": images["depth"][2]}, "segmentation")
    assert one.shape == (translator.size, translator.size)
    assert one.dtype == np.uint8
    assert np.array_equal(one, translator.translate({"depth": images["depth"][2:3]}, "segmentation")[0])


def test_what_is_left_open_is_as_in_the_methods_row(translator: Translator, images: dict[str, np.ndarray]) -> None:
    inputs = {name: images[name][0] for name in ("depth", "rgb")}
    (step,) = translator.path(["depth", "rgb"], "segmentation")
    assert step == Translation(("rgb", "depth"), "segmentation", weights=(0.8, 0.2), side_from="rgb")
    open_ = translator.translate(inputs, "segmentation")
    # Of depth and rgb, in the order of the inputs.
    stated = translator.translate(inputs, "segmentation", weights=(0.2, 0.8), side_from="rgb")
    assert np.array_equal(open_, stated)


def test_all_the_weight_on_one_input_is_that_input_alone(translator: Translator, images: dict[str, np.ndarray]) -> None:
    both = {name: images[name][0] for name in ("rgb", "depth")}
    for name, weights in (("rgb", (1.0, 0.0)), ("depth", (0.0, 1.0))):
        mixed = translator.translate(both, "segmentation", weights=weights, side_from=name)
        assert np.array_equal(mixed, translator.translate({name: both[name]}, "segmentation"))


def test_any_encoder_joins_any_decoder(translator: Translator, images: dict[str, np.ndarray]) -> None:
    for source in translator.modalities:
        for target in translator.modalities:
            made = translator.translate({source: images[source][0]}, target)
            assert made.shape[:2] == (16, 16)
    by_hand = translator.translate({"depth": translator.translate({"rgb": images["rgb"][0]}, "depth")}, "segmentation")
    assert np.array_equal(translator.translate({"rgb": images["rgb"][0]}, "segmentation", via="depth"), by_hand)


def test_images_of_other_sizes_are_cropped_and_resized_as_for_training(translator: Translator) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (40, 64, 3)).astype(np.uint8)
    fitted = fit({"rgb": wide}, (translator.modalities["rgb"],), 16)["rgb"]
    made, expected = (translator.translate({"rgb": image}, "depth") for image in (wide, fitted))
    assert np.array_equal(made, expected)


def test_a_method_says_what_it_can_do(cells: Path, images: dict[str, np.ndarray]) -> None:
    cyclegan = mmbench.load_translator(cells / "cyclegan" / "seed-0")
    assert cyclegan.translate({"depth": images["depth"][0]}, "segmentation").shape == (16, 16)
    able = "it can do: depth -> segmentation, segmentation -> depth"
    for inputs, output, via in ((["depth"], "rgb", None), (["depth"], "segmentation", "rgb")):
        with pytest.raises(UserError, match=f"cyclegan cannot translate depth -> rgb; {able}"):
            cyclegan.translate({name: images[name][0] for name in inputs}, output, via=via)
    with pytest.raises(UserError, match=rf"cyclegan cannot translate rgb\+depth -> segmentation; {able}"):
        cyclegan.translate({name: images[name][0] for name in ("rgb", "depth")}, "segmentation")


class Fixed(Method):
    """Mixes as it was trained to, whatever weights it is given; has no latent code to show."""

    def forward(self, batch: Any, stage: Any) -> None: ...

    def translations(self) -> tuple[Translation, ...]:
        return self.task.multi_modal

    def translate(self, inputs: Any, translation: Translation, *, sample: int = 0) -> torch.Tensor:
        raise RuntimeError("broken")


def test_weights_that_a_method_would_not_heed_are_refused(bench: Any, images: dict[str, np.ndarray]) -> None:
    method = Fixed(Context(bench.dataset.task, 16, NetworkSize(), {}))
    fixed = Translator("fixed", method, 16, Compute(torch.device("cpu"), "fp32"))
    assert fixed.path(["rgb", "depth"], "segmentation", weights=(0.8, 0.2))[0].weights == (0.8, 0.2)
    with pytest.raises(UserError, match=r"weights \(0.8, 0.2\) with side information of rgb are fixed"):
        fixed.path(["rgb", "depth"], "segmentation", weights=(0.5, 0.5))
    with pytest.raises(RuntimeError, match="broken"):  # a bug in one of the method's own rows is no bad input
        fixed.translate({name: images[name][0] for name in ("rgb", "depth")}, "segmentation")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros((4, 4), np.uint16), "depth: uint16 values; expected floating point metres"),
        (np.zeros((4, 4, 4, 4), np.float32), r"an array of shape \(4, 4, 4, 4\); expected one image"),
        (np.zeros((0, 4), np.float32), "an array of shape"),
    ],
)
def test_arrays_of_another_kind_are_refused(array: np.ndarray, expected: str, translator: Translator) -> None:
    with pytest.raises(UserError, match=expected):
        translator.translate({"depth": array}, "rgb")


def test_class_ids_beyond_the_classes_are_refused(translator: Translator) -> None:
    with pytest.raises(UserError, match=r"class id 14; expected 0 \(void\) to 13"):
        translator.translate({"segmentation": np.full((16, 16), 14)}, "depth")
