"""The order of an epoch: today's lists bit for bit, and beyond them a bijection in constant memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mmbench.modality import Rgb
from mmbench.task import Group, Task, Translation, View
from mmbench.training.loader import Loader
from mmbench.training.shuffle import LISTED, ROUNDS, Shuffle

KEY = (3, 1, 0, 7, 0)
WORD = 2**64 - 1


def by_hand(position: int, count: int, key: tuple[int, ...]) -> int:
    """The module's docstring in Python's own integers: a Feistel network, applied until it falls inside."""
    half = max(1, -(-(count - 1).bit_length() // 2))
    keys = [int(word) for word in np.random.SeedSequence(list(key)).generate_state(ROUNDS, np.uint64)]
    value = position
    while True:
        left, right = divmod(value, 2**half)
        for one in keys:
            word = right ^ one
            word = ((word ^ (word >> 33)) * 0xFF51AFD7ED558CCD) & WORD
            word = ((word ^ (word >> 33)) * 0xC4CEB9FE1A85EC53) & WORD
            word ^= word >> 33
            left, right = right, left ^ (word % 2**half)
        value = left * 2**half + right
        if value < count:
            return value


@pytest.mark.parametrize("count", [1, 2, 7, 10_000, 200_000, LISTED])
def test_up_to_the_limit_it_is_numpys_permutation(count: int) -> None:
    expected = np.random.default_rng(list(KEY)).permutation(count)
    np.testing.assert_array_equal(Shuffle(count, *KEY)(np.arange(count)), expected)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16, 17, 1000, 4095, 4096, 4097, 65_537])
def test_beyond_it_every_sample_comes_once(count: int) -> None:
    made = Shuffle(count, *KEY, listed=0)(np.arange(count))
    assert made.dtype == np.int64
    np.testing.assert_array_equal(np.sort(made), np.arange(count))


@pytest.mark.parametrize("count", [5, 1000, LISTED + 1, 1_000_000, 5_000_000])
def test_beyond_it_it_is_the_network_that_is_written_down(count: int) -> None:
    positions = np.unique(np.linspace(0, count - 1, 50).astype(np.int64))
    expected = [by_hand(int(position), count, KEY) for position in positions]
    np.testing.assert_array_equal(Shuffle(count, *KEY, listed=min(count - 1, LISTED))(positions), expected)


def test_a_list_that_memory_could_not_hold() -> None:
    """A trillion samples would be a list of 8 TB."""
    made = Shuffle(10**12, *KEY)(np.arange(10**12 - 1000, 10**12))
    assert len(set(made.tolist())) == 1000
    assert 0.4e12 < made.mean() < 0.6e12


def test_the_order_has_no_pattern() -> None:
    """Of independent draws each number is within four standard deviations with a probability of 0.9999."""
    count = 100_000
    made = Shuffle(count, *KEY, listed=0)(np.arange(count))
    assert abs(np.corrcoef(np.arange(count), made)[0, 1]) < 4 / count**0.5
    assert abs(np.corrcoef(made[1:], made[:-1])[0, 1]) < 4 / count**0.5
    assert (made == np.arange(count)).sum() <= 5, "of fixed points there is one on average"
    first, _ = np.histogram(made[: count // 10], bins=20, range=(0, count))
    assert ((first - 500) ** 2 / 500).sum() < 46, "chi-squared, 19 degrees of freedom, p = 0.0005"


@pytest.mark.parametrize("listed", [0, LISTED])
def test_another_key_is_another_order(listed: int) -> None:
    keys = [KEY, (4, *KEY[1:]), (3, 2, *KEY[2:]), (3, 1, 1, *KEY[3:]), (3, 1, 0, 8, 0)]
    orders = {tuple(Shuffle(1000, *key, listed=listed)(np.arange(1000)).tolist()) for key in keys}
    assert len(orders) == len(keys)


@pytest.mark.parametrize("listed", [0, LISTED])
@pytest.mark.parametrize("position", [-1, 10])
def test_positions_outside_are_refused(position: int, listed: int) -> None:
    with pytest.raises(IndexError, match=r"positions of 10 samples: -1|positions of 10 samples: .* to 10"):
        Shuffle(10, *KEY, listed=listed)(np.array([3, position]))


TASK = Task(
    "t", "cross-domain", (Rgb("a"), Rgb("b"), Rgb("c")), "a", (Group(("a", "b")), Group(("a", "c"))),
    (Translation(("b",), "c"),),
)  # fmt: skip


class Rows:
    """Images whose pixels are three bytes of the row's number."""

    def index(self, ids: range) -> np.ndarray:
        return np.arange(ids.start, ids.stop)

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        return np.stack([rows >> 16, rows >> 8 & 255, rows & 255], -1).astype(np.uint8)[:, None, None]


def rows_of(count: int, batch_size: int, steps: range, first: int = 0) -> list[int]:
    """The rows that a loader of so many samples reads in some steps, one batch after the other."""
    view: Any = View("v", range(first, first + count), ("a",))  # type: ignore[arg-type]
    images: Any = Rows()
    loader = Loader(TASK, [view], images, batch_size=batch_size, seed=5, flips=False, device=torch.device("cpu"))
    made = []
    for step in steps:
        pixels = TASK.modality("a").to_array(loader.batch(2, step)["v"]["a"])[:, 0, 0].astype(int)
        made += (pixels[:, 0] << 16 | pixels[:, 1] << 8 | pixels[:, 2]).tolist()
    return made


@pytest.mark.parametrize(("count", "batch_size"), [(10, 4), (10, 25), (1, 3), (4400, 6), (200_000, 6)])
def test_loaders_read_data_sets_of_todays_sizes_in_todays_order(count: int, batch_size: int) -> None:
    """Position by position, from lists that numpy makes for (seed, stage, view, epoch, 0), as before there was more."""
    steps = range(count // batch_size - 1, count // batch_size + 3)  # where an epoch ends, if there are several
    steps = range(max(0, steps.start), steps.stop)
    expected = []
    for place in range(steps.start * batch_size, steps.stop * batch_size):
        epoch, within = divmod(place, count)
        expected.append(7 + int(np.random.default_rng([5, 2, 0, epoch, 0]).permutation(count)[within]))
    assert rows_of(count, batch_size, steps, first=7) == expected


def test_loaders_read_longer_lists_in_the_networks_order() -> None:
    count = LISTED + 3
    last = count // 6
    places = range(6 * last - 6, 6 * last + 12)
    expected = [by_hand(place % count, count, (5, 2, 0, place // count, 0)) for place in places]
    assert rows_of(count, 6, range(last - 1, last + 2)) == expected
