"""Flowers-102: opponent channels by hand, 1-based labels, a stratified split that nothing can move, damaged files."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flowers_tree import EVERYTHING, PER_CLASS, make_root
from mmbench.datasets.flowers import Flowers
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.modality.reading import RgbReading
from mmbench.training.cache import open_cache


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


def test_opponent_channels_by_hand(root: Path) -> None:
    # A flat colour survives JPEG unchanged up to rounding, so the truth is read back with Pillow alone.
    path = root / "flowers-102" / "jpg" / "image_00002.jpg"
    Image.new("RGB", (16, 12), (200, 100, 50)).save(path, quality=100, subsampling=0)
    red, green, blue = Image.open(path).getpixel((3, 4))  # type: ignore[misc]
    sample = Flowers(root, EVERYTHING).sample("image_00002")
    assert (red, green, blue) == pytest.approx((200, 100, 50), abs=2)
    assert sample["theta1"][4, 3] == np.float32((red - green) / 255)
    assert sample["theta2"][4, 3] == np.float32((green - blue) / 255)
    assert sample["theta3"][4, 3].tolist() == [red, green, blue]
    assert {name: (array.shape, array.dtype.name) for name, array in sample.items()} == {
        "theta1": ((12, 16), "float32"),
        "theta2": ((12, 16), "float32"),
        "theta3": ((12, 16, 3), "uint8"),
    }


def test_resized_channels_agree_with_the_resized_image(root: Path) -> None:
    data = Flowers(root, EVERYTHING)
    (sample,) = data.load(["image_00009"], 5)
    rgb = sample["theta3"].astype(int)
    assert sample["theta3"].shape == (5, 5, 3)
    np.testing.assert_array_equal(np.rint(sample["theta1"] * 255), rgb[..., 0] - rgb[..., 1])
    np.testing.assert_array_equal(np.rint(sample["theta2"] * 255), rgb[..., 1] - rgb[..., 2])
    # Centre crop: 2 of the 16 columns go on either side.
    square = Image.open(root / "flowers-102" / "jpg" / "image_00009.jpg").crop((2, 0, 14, 12))
    np.testing.assert_array_equal(sample["theta3"], np.asarray(square.resize((5, 5), Image.Resampling.BOX)))


def test_photos_are_turned_as_translate_turns_them(root: Path) -> None:
    path = root / "flowers-102" / "jpg" / "image_00002.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # held upright
    Image.open(path).copy().save(path, exif=exif)
    data = Flowers(root, EVERYTHING)
    np.testing.assert_array_equal(data.sample("image_00002")["theta3"], RgbReading().read(path))
    assert data.sample("image_00002")["theta1"].shape == (16, 12)


def test_labels_and_images_are_one_based(root: Path) -> None:
    data = Flowers(root, EVERYTHING)
    assert data.labels[data.label("image_00002")] == "passionflower"
    assert data.labels[data.label("image_00003")] == "petunia"
    assert data.labels[data.label("image_00011")] == "hibiscus"
    assert data.labels[data.label("image_00012")] == "passionflower"
    assert "image_00001" not in {i for ids in data.split().parts().values() for i in ids}


def test_split_is_disjoint_and_balanced(root: Path) -> None:
    data = Flowers(root, EVERYTHING)
    parts = data.split().parts()
    every = [sample_id for ids in parts.values() for sample_id in ids]
    assert len(every) == len(set(every)) == 10 * PER_CLASS
    for part, each in {"theta1+theta2": 9, "theta1+theta3": 10, "validation": 1, "test": 5}.items():
        assert Counter(map(data.label, parts[part])) == dict.fromkeys(range(10), each), part


def test_limits_cut_every_class_alike(root: Path) -> None:
    data = Flowers(root, DataLimits(train=20, validation=10, test=15))
    parts = data.split().parts()
    assert {part: len(ids) for part, ids in parts.items()} == {
        "theta1+theta2": 20,
        "theta1+theta3": 20,
        "validation": 10,
        "test": 15,
    }
    assert Counter(map(data.label, parts["theta1+theta2"])) == dict.fromkeys(range(10), 2)
    assert set(Counter(map(data.label, parts["test"])).values()) == {1, 2}
    whole = Flowers(root, EVERYTHING).split().parts()
    assert all(whole[part][: len(ids)] == ids for part, ids in parts.items())


def test_split_does_not_depend_on_the_file_system(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Flowers(root, EVERYTHING)
    listing = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, pattern: sorted(listing(self, pattern), reverse=True))
    after = Flowers(root, EVERYTHING)
    assert after.split() == before.split()
    assert after.manifest() == before.manifest()


def test_absent_images_move_no_other(root: Path) -> None:
    before = Flowers(root, EVERYTHING)
    for number in range(2, 100, 3):
        (root / "flowers-102" / "jpg" / f"image_{number:05d}.jpg").unlink()
    after = Flowers(root, EVERYTHING)
    assert after.note == "217 of 250 images present"
    for part, ids in after.split().parts().items():
        assert set(ids) <= set(before.split().parts()[part])
    assert after.manifest() != before.manifest()


def test_manifest_knows_content_but_no_path(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "flowers-102"
    shutil.copytree(root / "flowers-102", elsewhere)
    assert Flowers(elsewhere, EVERYTHING).manifest() == Flowers(root, EVERYTHING).manifest()
    with (elsewhere / "jpg" / "image_00002.jpg").open("ab") as file:
        file.write(b"more")
    assert Flowers(elsewhere, EVERYTHING).manifest() != Flowers(root, EVERYTHING).manifest()


def test_truncated_image_is_named(root: Path) -> None:
    path = root / "flowers-102" / "jpg" / "image_00050.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    data = Flowers(root, EVERYTHING)
    with pytest.raises(UserError, match=r"image_00050\.jpg.*truncated.*https://www\.robots"):
        data.sample("image_00050")
    with pytest.raises(UserError, match=r"image_00050\.jpg"):
        list(data.load(["image_00049", "image_00050"], 4))


def test_verify_names_what_is_damaged_and_a_subset_is_no_problem(root: Path) -> None:
    folder = root / "flowers-102" / "jpg"
    assert list(Flowers(root, EVERYTHING).verify()) == []
    (folder / "image_00030.jpg").write_bytes((folder / "image_00030.jpg").read_bytes()[:-200])
    (folder / "image_00040.jpg").unlink()
    problems = list(Flowers(root, EVERYTHING).verify())
    assert [problem.path for problem in problems] == ["jpg/image_00030.jpg"]
    assert "truncated" in problems[0].what


@pytest.mark.parametrize(
    ("remove", "named"),
    [
        ("flowers-102", "jpg and imagelabels.mat not found"),
        ("flowers-102/imagelabels.mat", "imagelabels.mat not found"),
    ],
)
def test_missing_data_says_what_where_and_whence(root: Path, remove: str, named: str) -> None:
    victim = root / remove
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    with pytest.raises(UserError) as caught:
        Flowers(root, EVERYTHING)
    message = str(caught.value)
    assert named in message
    assert str(root / "flowers-102") in message
    assert "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/" in message
    assert "52808999861908f626f3c1f4e79d11fa" in message
    assert "\n" not in message


def test_damaged_labels_are_named(root: Path) -> None:
    (root / "flowers-102" / "imagelabels.mat").write_bytes(b"<html>not found</html>" * 20)
    with pytest.raises(UserError, match=r"imagelabels\.mat: not the official label file"):
        Flowers(root, EVERYTHING)


def test_no_data_root() -> None:
    with pytest.raises(UserError, match="--data-root"):
        Flowers(None, EVERYTHING)


def test_goes_through_the_cache(root: Path, tmp_path: Path) -> None:
    data = Flowers(root, EVERYTHING)
    ids = data.split().test[:3]
    cache = open_cache(data, "source", ids, 6, tmp_path / "cache")
    for row, expected in enumerate(data.load(ids, 6)):
        for name, array in expected.items():
            np.testing.assert_array_equal(cache.read(name, np.array([row]))[0], array)
    assert cache.labels(np.arange(3)).tolist() == [data.label(sample_id) for sample_id in ids]


def test_real_images() -> None:
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("MMBENCH_DATA", beside))
    if not (folder / "flowers-102").is_dir():
        pytest.skip("no real Flowers-102: set MMBENCH_DATA to the folder that holds flowers-102")
    data = Flowers(folder, EVERYTHING)
    assert data.note.endswith("of 1867 images present")
    # Category sizes of the official labels, counted for the ten classes of the thesis.
    official = Counter(data._classes.values())
    assert [official[index] for index in range(10)] == [251, 258, 171, 196, 184, 194, 154, 162, 166, 131]
    sample = data.sample(data.split().test[0])
    assert min(sample["theta3"].shape[:2]) >= 128
    assert -1 <= sample["theta1"].min() < 0 < sample["theta1"].max() <= 1


def test_what_a_method_may_not_see_can_be_noise(root: Path, bench_of: Callable[..., Any], tmp_path: Path) -> None:
    bench_of("flowers", root).check_guard("mmnet", tmp_path)
