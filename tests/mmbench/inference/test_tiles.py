"""Tiles: where they lie, how they fade into each other, against cases worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from mmbench.errors import UserError
from mmbench.inference.tiles import starts, translated, weights
from mmbench.modality import Depth, Rgb, Segmentation

DEPTH = Depth("depth")
LABELS = Segmentation("labels", classes=("a", "b", "c"), palette=((0, 0, 0),) * 4)


def numbered(*values: float, dtype: type = np.float32) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """A network that makes of the n-th tile a constant, the n-th value, whatever it is shown."""
    left = list(values)

    def translate(batch: Mapping[str, np.ndarray]) -> np.ndarray:
        (array,) = batch.values()
        return np.stack([np.full(array.shape[1:], left.pop(0), dtype) for _ in array])

    return translate


def test_tiles_cover_a_side_and_the_last_one_ends_with_it() -> None:
    assert starts(4, 4, 2) == [0]
    assert starts(6, 4, 2) == [0, 2]
    assert starts(9, 4, 1) == [0, 3, 5]
    assert starts(8, 4, 0) == [0, 4]
    for length in range(7, 40):
        held = {pixel for start in starts(length, 7, 3) for pixel in range(start, start + 7)}
        assert held == set(range(length))


def test_weights_fall_over_the_overlap() -> None:
    assert weights(4, 0).tolist() == [1, 1, 1, 1]
    assert np.allclose(weights(6, 2), [1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3])


def test_two_tiles_fade_into_each_other() -> None:
    """4 x 6 pixels, tiles of 4, 2 of them overlapping: 3 m on the left, 6 m on the right. In columns 2 and 3 the left
    tile weighs 2/3 and 1/3, the right one 1/3 and 2/3: (2 * 3 + 6) / 3 = 4 m, (3 + 2 * 6) / 3 = 5 m.
    """
    made = translated({"depth": np.zeros((4, 6), np.float32)}, DEPTH, 4, 2, numbered(3, 6))
    assert made.dtype == np.float32
    assert np.allclose(made, np.tile([3, 3, 4, 5, 6, 6], (4, 1)))


def test_four_tiles_blend_in_the_middle() -> None:
    """6 x 6 pixels: at (2, 2) the four tiles weigh 4, 2, 2, 1 of 9: (4 * 1 + 2 * 2 + 2 * 4 + 8) / 9 = 24 / 9."""
    made = translated({"a": np.zeros((6, 6), np.float32)}, DEPTH, 4, 2, numbered(1, 2, 4, 8))
    assert np.isclose(made[2, 2], 24 / 9)
    assert np.isclose(made[3, 3], (1 * 1 + 2 * 2 + 2 * 4 + 4 * 8) / 9)
    assert [made[0, 0], made[0, 5], made[5, 0], made[5, 5]] == [1, 2, 4, 8]


def test_labels_vote_and_are_never_averaged() -> None:
    made = translated({"a": np.zeros((4, 6), np.float32)}, LABELS, 4, 2, numbered(1, 3, dtype=np.uint8))
    assert made.dtype == np.uint8
    assert made[0].tolist() == [1, 1, 1, 3, 3, 3]


@pytest.mark.parametrize("shape", [(8, 8, 3), (11, 17, 3), (25, 9, 3)])
def test_a_network_that_hands_its_input_on_gives_it_back(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    made = translated({"rgb": image}, Rgb("rgb"), 8, 3, lambda batch: batch["rgb"])
    assert np.array_equal(made, image)
    labels = image[..., 0] % 4
    assert np.array_equal(translated({"a": labels}, LABELS, 8, 3, lambda batch: batch["a"]), labels)


def test_what_tiles_cannot_do_is_one_line() -> None:
    image = {"a": np.zeros((7, 20), np.float32)}
    with pytest.raises(UserError, match="20 x 7 pixels, less than a tile of 8 x 8; leave --tile out"):
        translated(image, DEPTH, 8, 2, lambda batch: batch["a"])
    for overlap in (-1, 7):
        with pytest.raises(UserError, match=rf"--overlap {overlap}: expected 0 to 6 pixels"):
            translated(image, DEPTH, 7, overlap, lambda batch: batch["a"])
