from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmbench.modality import (
    KINDS,
    MAIN_KEYS,
    MINIMUM_DEPTH,
    Depth,
    Modality,
    Rgb,
    Scalar,
    Segmentation,
    main_score,
    modality_of,
)  # fmt: skip
from mmbench.planning.config import as_dict

COLOURS = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255))
RGB, NIR = Rgb("rgb"), Scalar("nir", loss="berhu")
LINEAR, LOG = Depth("depth"), Depth("depth", encoding="log")
SEGMENTATION = Segmentation("segmentation", classes=("bed", "wall", "tv"), palette=COLOURS)

sides = hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)
metres = st.one_of(st.just(0.0), st.floats(0.125, 100.0, width=32))
rgb_arrays = sides.flatmap(lambda shape: hnp.arrays(np.uint8, (*shape, 3)))
depth_arrays = hnp.arrays(np.float32, sides, elements=metres)
scalar_arrays = hnp.arrays(np.float32, sides, elements=st.floats(-1.0, 1.0, width=32))
class_arrays = hnp.arrays(np.uint8, sides, elements=st.integers(0, 3))


@given(rgb_arrays)
def test_rgb_round_trip_is_exact(array: np.ndarray) -> None:
    tensor = RGB.to_tensor(array)
    assert tensor.shape == (array.shape[0], 3, *array.shape[1:3])
    assert tensor.min() >= -1.0
    assert tensor.max() <= 1.0
    assert np.array_equal(RGB.to_array(tensor), array)
    assert np.array_equal(RGB.to_array(RGB.from_network(RGB.to_network(tensor))), array)


def test_rgb_is_black_at_minus_one_and_white_at_one() -> None:
    array = np.array([[[[0, 127, 255]]]], np.uint8)
    torch.testing.assert_close(RGB.to_tensor(array).flatten(), torch.tensor([-1.0, 127 / 127.5 - 1, 1.0]))


@given(scalar_arrays)
def test_scalar_round_trip_is_exact(array: np.ndarray) -> None:
    tensor = NIR.to_tensor(array)
    assert tensor.shape == (array.shape[0], 1, *array.shape[1:])
    assert np.array_equal(NIR.to_array(NIR.from_network(NIR.to_network(tensor))), array)


@pytest.mark.parametrize("modality", [LINEAR, LOG])
@given(array=depth_arrays)
def test_depth_is_metres_outside_a_network_and_survives_it(modality: Modality, array: np.ndarray) -> None:
    tensor = modality.to_tensor(array)
    assert np.array_equal(modality.to_array(tensor), array)
    back = modality.from_network(modality.to_network(tensor))
    valid = modality.valid(tensor)
    assert np.array_equal(valid.numpy(), array > 0)
    torch.testing.assert_close(back[:, 0][valid], tensor[:, 0][valid], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(back[:, 0][~valid], torch.full_like(back[:, 0][~valid], MINIMUM_DEPTH))


def test_depth_codes_by_hand() -> None:
    """Linear: (z - 3) / 2; log: log(z / 3)."""
    tensor = torch.tensor([[[[3.0, 5.0, 0.0]]]])
    assert LINEAR.to_network(tensor).flatten().tolist() == [0.0, 1.0, -1.5]
    expected = torch.tensor([0.0, 5 / 3, MINIMUM_DEPTH / 3])
    expected[1:] = expected[1:].log()
    torch.testing.assert_close(LOG.to_network(tensor).flatten(), expected)
    assert LINEAR.from_network(torch.tensor([[[[-9.0]]]])).item() == pytest.approx(MINIMUM_DEPTH)


@given(class_arrays)
def test_classes_enter_as_one_hot_with_void_first_and_come_back(array: np.ndarray) -> None:
    tensor = SEGMENTATION.to_tensor(array)
    assert tensor.dtype == torch.int64
    assert np.array_equal(SEGMENTATION.to_array(tensor), array)
    one_hot = SEGMENTATION.to_network(tensor)
    assert one_hot.shape == (array.shape[0], 4, *array.shape[1:])
    assert torch.equal(one_hot.sum(1), torch.ones_like(one_hot[:, 0]))
    assert torch.equal(one_hot.argmax(1), tensor)
    back = SEGMENTATION.from_network(one_hot)
    known = SEGMENTATION.valid(tensor)
    assert torch.equal(back[known], tensor[known])
    assert torch.equal(known, tensor != 0)


@given(hnp.arrays(np.float32, (2, 4, 3, 3), elements=st.floats(-9, 9, width=32)))
def test_the_arg_max_is_never_void(raw: np.ndarray) -> None:
    raw[:, 0] = 10.0
    made = SEGMENTATION.from_network(torch.from_numpy(raw))
    assert made.min() >= 1
    assert np.array_equal(made.numpy(), raw[:, 1:].argmax(1) + 1)


@pytest.mark.parametrize("modality", [RGB, NIR])
def test_images_are_clamped_on_leaving_a_network(modality: Modality) -> None:
    raw = torch.tensor([-3.0, -0.5, 3.0]).expand(1, modality.channels, 1, 3)
    assert modality.from_network(raw)[0, 0, 0].tolist() == [-1.0, -0.5, 1.0]
    assert modality.valid(raw).all()


@pytest.mark.parametrize("modality", [RGB, NIR, LINEAR, SEGMENTATION])
def test_bf16_outputs_leave_in_full_precision(modality: Modality) -> None:
    made = modality.from_network(torch.zeros(1, modality.channels, 2, 2, dtype=torch.bfloat16))
    assert made.dtype == (torch.int64 if modality is SEGMENTATION else torch.float32)


def test_channels_and_losses_are_the_papers() -> None:
    """Table A.3: rgb 3, depth 1, NIR 1, segmentation 13 classes + void; thesis 4.6.4: NIR with Berhu."""
    thirteen = Segmentation("segmentation", classes=("x",) * 13, palette=((0, 0, 0),) * 14)
    assert [m.channels for m in (RGB, LINEAR, NIR, thirteen)] == [3, 1, 1, 14]
    assert [m.loss_name for m in (RGB, LINEAR, NIR, thirteen)] == ["l2", "berhu", "berhu", "cross-entropy"]
    assert Scalar("theta1").loss_name == "l2"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "segmentation"}, "classes are for segmentation, and needed there"),
        ({"kind": "rgb", "classes": ("a",), "palette": COLOURS[:2]}, "classes are for segmentation"),
        ({"kind": "segmentation", "classes": ("a", "b"), "palette": COLOURS}, "needs 3 colours, void first"),
    ],
)
def test_a_contradictory_modality_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        modality_of({"name": "x", **values})


@pytest.mark.parametrize(
    ("modality", "array"),
    [
        (RGB, np.full((4, 4, 3), 7, np.uint8)),
        (NIR, np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)),
        (LINEAR, np.linspace(0, 20, 16, dtype=np.float32).reshape(4, 4)),
        (SEGMENTATION, np.arange(16, dtype=np.uint8).reshape(4, 4) % 4),
    ],
)
def test_pictures_are_rgb_of_the_same_size(modality: Modality, array: np.ndarray) -> None:
    picture = modality.picture(array)
    assert (picture.dtype, picture.shape) == (np.uint8, (4, 4, 3))


def test_pictures_by_hand() -> None:
    assert SEGMENTATION.picture(np.array([[0, 3]], np.uint8)).tolist() == [[[0, 0, 0], [0, 0, 255]]]
    invalid, near, far = LINEAR.picture(np.array([[0.0, 0.5, 8.0]], np.float32))[0].tolist()
    assert invalid == [0, 0, 0]
    assert sum(near) > sum(far) > 0
    assert NIR.picture(np.array([[-1.0, 1.0]], np.float32))[0, :, 0].tolist() == [0, 255]


def test_what_is_recorded_makes_the_same_modality_again() -> None:
    for modality in (RGB, NIR, LINEAR, LOG, Depth("depth", centre=1.5, scale=0.5), SEGMENTATION):
        recorded = json.loads(json.dumps(as_dict(modality)))
        assert recorded["kind"] == modality.kind
        assert modality_of(recorded) == modality
    assert as_dict(RGB) == {"name": "rgb", "kind": "rgb", "loss": None}, "a kind has its own fields alone"


def test_older_records_give_every_modality_all_fields() -> None:
    older = {"classes": [], "palette": [], "encoding": "linear", "centre": 3.0, "scale": 2.0, "loss": None}
    assert modality_of({"name": "rgb", "kind": "rgb", **older}) == RGB
    assert modality_of({"name": "nir", "kind": "scalar", **older, "loss": "berhu"}) == NIR
    assert modality_of({"name": "depth", "kind": "depth", **older, "encoding": "log"}) == LOG
    colours = [list(colour) for colour in COLOURS]
    labels = {"name": "segmentation", "kind": "segmentation", **older}
    assert modality_of({**labels, "classes": ["bed", "wall", "tv"], "palette": colours}) == SEGMENTATION


def test_records_of_nothing_known_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown kind 'depht' \(did you mean 'depth'\?\)"):
        modality_of({"name": "x", "kind": "depht"})
    with pytest.raises(TypeError, match="colour"):
        modality_of({"name": "x", "kind": "rgb", "colour": "red"})
    with pytest.raises(ValueError, match="scale are for depth, not for rgb"):
        modality_of({"name": "x", "kind": "rgb", "scale": 5.0})


def test_every_kind_has_a_main_score_and_a_domain_has_none() -> None:
    assert MAIN_KEYS == {"rgb": "psnr", "scalar": "psnr", "depth": "delta_1.25", "segmentation": "miou"}
    assert all((score := main_score(kind)) and score.key == MAIN_KEYS[kind] for kind in KINDS)
    assert main_score("domain") is None


@given(rgb_arrays)
def test_the_typical_colour_is_the_mean(array: np.ndarray) -> None:
    total = torch.zeros(RGB.tally_channels, *array.shape[1:3], dtype=torch.float64)
    RGB.tally(total, RGB.to_tensor(array))
    expected = RGB.to_tensor(array).double().mean(0).float()
    torch.testing.assert_close(RGB.typical(total), expected)


def test_typical_depth_and_class_by_hand() -> None:
    """The median of 1, 1, 4 m is in the bin from 1.00 to 1.05 m; of the classes 2, 2, 1 it is 2; void never counts."""
    total = torch.zeros(LINEAR.tally_channels, 1, 1, dtype=torch.float64)
    LINEAR.tally(total, torch.tensor([1.01, 1.02, 4.0, 0.0, 0.0, 0.0, 0.0]).view(7, 1, 1, 1))
    assert LINEAR.typical(total).item() == pytest.approx(1.025)
    near = Depth("near", centre=0.04, scale=0.01)
    total = torch.zeros(near.tally_channels, 1, 1, dtype=torch.float64)
    near.tally(total, torch.tensor([0.031, 0.031, 0.058]).view(3, 1, 1, 1))
    assert near.typical(total).item() == pytest.approx(0.031, abs=0.001)
    total = torch.zeros(SEGMENTATION.tally_channels, 1, 1, dtype=torch.float64)
    SEGMENTATION.tally(total, torch.tensor([2, 2, 1, 0, 0, 0]).view(6, 1, 1))
    assert SEGMENTATION.typical(total).item() == 2
