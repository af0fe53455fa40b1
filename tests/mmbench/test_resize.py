from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmbench.modality import Depth, Modality, Rgb, Scalar, Segmentation
from mmbench.resize import fit, resize

COLOURS = ((0, 0, 0),) * 4
MODALITIES = (
    RGB := Rgb("rgb"),
    NIR := Scalar("nir"),
    DEPTH := Depth("depth"),
    LABELS := Segmentation("segmentation", classes=("a", "b", "c"), palette=COLOURS),
)
metres = st.one_of(st.just(0.0), st.floats(0.5, 10.0, width=32))


def blocks(array: np.ndarray, factor: int) -> np.ndarray:
    """``(S, S)`` to ``(S / factor, S / factor, factor ** 2)``: the source pixels of each target pixel."""
    size = array.shape[0] // factor
    return array.reshape(size, factor, size, factor).swapaxes(1, 2).reshape(size, size, factor**2)


@given(hnp.arrays(np.float32, (12, 12), elements=metres), st.sampled_from([2, 3, 4]))
def test_depth_averages_valid_pixels_and_needs_half_of_them(array: np.ndarray, factor: int) -> None:
    """Against a loop over target pixels."""
    made = resize(array, DEPTH, 12 // factor)
    assert made.dtype == np.float32
    for value, source in zip(made.flat, blocks(array, factor).reshape(-1, factor**2), strict=True):
        valid = source[source > 0]
        if 2 * len(valid) < len(source):
            assert value == 0
        else:
            assert value == pytest.approx(valid.mean(), rel=1e-4)


@given(hnp.arrays(np.float32, (12, 12), elements=metres), st.integers(1, 30))
def test_depth_never_leaves_the_range_of_what_was_measured(array: np.ndarray, size: int) -> None:
    made = resize(array, DEPTH, size)
    assert made.shape == (size, size)
    valid = array[array > 0]
    if valid.size:
        assert ((made == 0) | ((made > valid.min() * 0.999) & (made < valid.max() * 1.001))).all()
    else:
        assert not made.any()


@given(hnp.arrays(np.uint8, (12, 12), elements=st.integers(0, 3)), st.integers(1, 30))
def test_labels_are_picked_and_never_mixed(array: np.ndarray, size: int) -> None:
    made = resize(array, LABELS, size)
    assert (made.dtype, made.shape) == (np.uint8, (size, size))
    at = ((np.arange(size) + 0.5) * 12 / size).astype(int)
    near = ((np.arange(size) + 0.5) * 12 / size - 1e-9).astype(int)
    assert ((made == array[np.ix_(at, at)]) | (made == array[np.ix_(near, near)])).mean() > 0.9
    assert set(np.unique(made)) <= set(np.unique(array))


@given(hnp.arrays(np.float32, (12, 12), elements=st.floats(-1, 1, width=32)))
def test_scalars_are_averaged_over_areas(array: np.ndarray) -> None:
    made = resize(array, NIR, 4)
    np.testing.assert_allclose(made, blocks(array, 3).mean(-1), atol=1e-5)
    assert made.dtype == np.float32


@given(hnp.arrays(np.uint8, (12, 12, 3)))
def test_rgb_is_averaged_over_areas_to_a_grey_level(array: np.ndarray) -> None:
    made = resize(array, RGB, 4)
    assert (made.dtype, made.shape) == (np.uint8, (4, 4, 3))
    expected = np.stack([blocks(array[..., c].astype(float), 3).mean(-1) for c in range(3)], -1)
    np.testing.assert_allclose(made, expected, atol=1.01)


@pytest.mark.parametrize("modality", MODALITIES, ids=lambda modality: modality.kind)
def test_an_array_of_the_right_size_is_left_as_it_is(modality: Modality) -> None:
    array = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert np.array_equal(resize(array, modality, 4), array)


@pytest.mark.parametrize(("height", "width"), [(8, 20), (20, 8), (9, 20), (8, 8)])
def test_fit_takes_the_centre_square_of_every_modality(height: int, width: int) -> None:
    rows, columns = np.mgrid[:height, :width]
    place = (100 * rows + columns).astype(np.float32) + 1
    sample = {
        "rgb": np.repeat((columns % 256).astype(np.uint8)[..., None], 3, -1),
        "nir": place / 10000,
        "depth": place,
        "segmentation": ((rows + columns) % 4).astype(np.uint8),
    }
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    made = fit(sample, MODALITIES, side)
    for name, array in sample.items():
        assert np.array_equal(made[name], array[top : top + side, left : left + side]), name
        assert made[name].flags.c_contiguous
        assert made[name].dtype == array.dtype


def test_modalities_of_different_sizes_are_refused() -> None:
    sample = {"nir": np.zeros((4, 4), np.float32), "depth": np.zeros((4, 5), np.float32)}
    with pytest.raises(ValueError, match="differ in size"):
        fit(sample, MODALITIES, 2)
