"""The embedded rooms in any number: other scenes than the smaller set's, parts without a common one, no limit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from mmbench.datasets.synthetic import BASE, DRAW, DRAWS, PART, Synthetic
from mmbench.datasets.synthetic.render import render
from mmbench.datasets.synthetic_large import FIRST, SyntheticLarge

from mmbench.errors import UserError
from mmbench.schedule import DataLimits


def number(sample_id: str) -> int:
    return int(sample_id.removeprefix("scene-"))


def test_half_a_million_in_a_part() -> None:
    split = SyntheticLarge(None, DataLimits(train=500_000, validation=3, test=300_000)).split()
    assert [len(ids) for ids in split.parts().values()] == [500_000, 500_000, 3, 300_000]
    everything = [number(i) for ids in split.parts().values() for i in ids]
    assert len(set(everything)) == 1_300_003 and min(everything) == 0


def test_no_scene_is_one_of_the_smaller_set() -> None:
    last = Synthetic(None, DataLimits(test=PART), {"draw": DRAWS - 1})
    assert BASE + (DRAWS - 1) * DRAW + number(last.split().test[-1]) < FIRST


def test_images_are_the_renderers_of_the_seed_that_an_id_names() -> None:
    data = SyntheticLarge(None, DataLimits(train=2, validation=1, test=2), {"tied_colours": 0.5})
    ids = [*data.split().groups["rgb+depth"], *data.split().test]
    assert [number(i) for i in ids] == [1, 5, 3, 7]
    expected = render([FIRST + n for n in (1, 5, 3, 7)], 16, tied_colours=0.5)
    for place, image in enumerate(data.load(ids, 16)):
        assert set(image) == {"rgb", "depth", "segmentation"}
        for name, array in image.items():
            np.testing.assert_array_equal(array, expected[name][place].numpy())


def test_longer_parts_begin_with_the_shorter_ones() -> None:
    short, long = (SyntheticLarge(None, DataLimits(train=n)).split() for n in (5, 50))
    assert all(long.groups[name][:5] == ids for name, ids in short.groups.items())
    assert short.validation == long.validation and len(short.test) == 300


def test_the_manifest_follows_limits_and_settings() -> None:
    made = [
        SyntheticLarge(None, limits, settings).manifest()
        for limits, settings in [
            (None, None), (DataLimits(train=5), None), (DataLimits(test=5), None), (None, {"tied_colours": 0.5}),
        ]
    ]  # fmt: skip
    assert len(set(made)) == 4 and made[0] == SyntheticLarge().manifest() != Synthetic().manifest()


def test_near_infrared() -> None:
    data = SyntheticLarge(None, DataLimits(train=1), {"nir": True})
    assert data.sample(data.split().groups["rgb+depth+nir"][0])["nir"].shape == (256, 256)


@pytest.mark.parametrize(
    ("limits", "settings", "message"),
    [
        (DataLimits(test=-1), {}, r"synthetic-large: test=-1 images; expected 0 or more"),
        (None, {"tied_colours": 2}, r"tied_colours=2; expected 0 to 1"),
    ],
)
def test_bad_input_is_a_line(limits: DataLimits | None, settings: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        SyntheticLarge(None, limits, settings)


def test_it_imports_no_torch() -> None:
    code = "import sys; from mmbench.datasets.synthetic_large import SyntheticLarge; SyntheticLarge().split()"
    subprocess.run([sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], check=True)
