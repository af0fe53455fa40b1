"""SUN RGB-D: the depth's rotation by hand, what a frame holds, bad and missing files in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mmbench.datasets.sunrgbd import SETTINGS, SunRgbd, parts
from mmbench.datasets.sunrgbd.frames import DEPTH
from PIL import Image
from sunrgbd_tree import (
    BAG37,
    BED37,
    EVERYTHING,
    TEST,
    TRAIN,
    WALL37,
    damage_truncate,
    encode,
    ids37,
    make_toolbox,
    opened,
    size_of,
)

from mmbench.errors import UserError
from mmbench.task import Access, views
from mmbench.training.cache import open_cache


def test_depth_is_rotated_in_sixteen_bits() -> None:
    # 8192 mm = bit 13; rotated left by 3 it is bit 0. 1000 mm << 3 = 8000. 65535 is its own rotation.
    np.testing.assert_array_equal(
        DEPTH.decode(np.array([[0, 8, 8000, 1, 65535]], np.uint16)),
        np.array([[0, 0.001, 1.0, 8.192, 65.535]], np.float32),
    )
    metres = np.arange(0, 65.536, 0.001)
    np.testing.assert_array_equal(np.rint(DEPTH.decode(encode(metres)[None])[0] * 1000), np.arange(65536))


def test_sample_from_the_toolbox(whole: Path) -> None:
    data = opened(whole)
    assert data.note == "72 of 10335 frames; labels: toolbox"
    for frame in (TRAIN[3], TEST[5]):
        sample = data.sample(frame)
        height, width = size_of(frame)
        assert {name: (array.dtype.name, array.shape) for name, array in sample.items()} == {
            "rgb": ("uint8", (height, width, 3)),
            "depth": ("float32", (height, width)),
            "segmentation": ("uint8", (height, width)),
        }
        by_hand = {0: 0, WALL37: 12, BED37: 1, BAG37: 7}
        expected = np.vectorize(by_hand.get)(ids37(frame))
        np.testing.assert_array_equal(sample["segmentation"], expected)
        expected_depth = np.linspace(0.5, 12.0, height * width).reshape(height, width)
        np.testing.assert_allclose(sample["depth"], expected_depth, atol=5.1e-4)
    raw = opened(whole, depth="raw").sample(TRAIN[3])["depth"]
    assert (raw == 0).sum() == 3


@pytest.mark.parametrize("place", ["sunrgbd", "sunrgbd/SUNRGBD", "."])
def test_finds_the_tree_at_every_level(whole: Path, place: str) -> None:
    assert opened(whole / place).manifest() == opened(whole).manifest()


def damage_8bit(path: Path) -> None:
    Image.fromarray(np.full((16, 22), 9, np.uint8)).save(path)


def damage_size(path: Path) -> None:
    Image.fromarray(np.full((9, 9), 800, np.uint16)).save(path)


@pytest.mark.parametrize(
    ("file", "damage", "line"),
    [
        ("image/photo.jpg", damage_truncate, r"photo\.jpg: cannot be decoded"),
        ("depth_bfx/photo_abs.png", damage_truncate, r"photo_abs\.png: cannot be decoded"),
        ("depth_bfx/photo_abs.png", damage_8bit, r"photo_abs\.png: image mode L, expected 16-bit"),
        ("depth_bfx/photo_abs.png", damage_size, r"sizes differ: rgb 22 x 16 and depth 9 x 9"),
    ],
)
def test_damaged_images_are_named_in_one_line(tree: Path, file: str, damage: Callable[[Path], None], line: str) -> None:
    make_toolbox(tree, [*TRAIN[:2], *TEST[:2]])
    damage(tree / TRAIN[0] / file)
    data = opened(tree)
    with pytest.raises(UserError, match=line) as caught:
        data.sample(TRAIN[0])
    assert "\n" not in str(caught.value)
    assert [problem.path for problem in data.verify()] == [TRAIN[0]]


def test_missing_files_are_problems_and_the_frame_is_left_out(tree: Path) -> None:
    make_toolbox(tree, [*TRAIN[:2], *TEST[:2]])
    shutil.rmtree(tree / TRAIN[0] / "depth_bfx")
    (tree / TEST[0] / "image" / "photo.jpg").unlink()
    data = opened(tree)
    assert {problem.path: problem.what.split(";")[0] for problem in data.verify()} == {
        TRAIN[0]: "no depth_bfx/*.png",
        TEST[0]: "no image/*.jpg",
    }
    assert {i for ids in data.split().parts().values() for i in ids} == {TRAIN[1], TEST[1]}


def test_no_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--data-root"):
        SunRgbd(None, EVERYTHING)
    with pytest.raises(UserError, match=rf"no kv1, .* in {tmp_path}.*SUNRGBD\.zip"):
        opened(tmp_path)
    (tmp_path / "kv1").mkdir()
    with pytest.raises(UserError, match="no frame"):
        opened(tmp_path)


def test_what_a_method_may_not_see_can_be_noise(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "noisy")
    plain = opened(whole)
    split, task = plain.split(), plain.task
    seen = {(i, name) for view in views(task, split, Access.SEEN_GROUPS) for i in view.ids for name in view.modalities}
    order = TEST[::-1] + TRAIN[::-1]
    with h5py.File(tmp_path / "noisy/sunrgbd/SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat", "r+") as labels:
        for frame in order:
            shape = size_of(frame)
            if (frame, "segmentation") not in seen:
                labels[f"#refs#/{order.index(frame)}"][...] = 5
            if (frame, "depth") not in seen:
                path = tmp_path / "noisy/sunrgbd/SUNRGBD" / frame / "depth_bfx/photo_abs.png"
                Image.fromarray(np.full(shape, 8000, np.uint16)).save(path)
    noisy = opened(tmp_path / "noisy")
    assert noisy.split() == split
    changed = 0
    for frame in order:
        before, after = plain.sample(frame), noisy.sample(frame)
        for name in before:
            if (frame, name) in seen:
                np.testing.assert_array_equal(before[name], after[name])
            changed += not np.array_equal(before[name], after[name])
    assert changed == 2 * (len(TEST) + 2) + 58  # two modalities of test and validation, one of each training frame


def test_goes_through_the_cache(whole: Path, tmp_path: Path) -> None:
    data = opened(whole)
    ids = data.split().test[:3]
    cache = open_cache(data, "source", ids, 8, tmp_path / "cache")
    for row, expected in enumerate(data.load(ids, 8)):
        for name, array in expected.items():
            np.testing.assert_array_equal(cache.read(name, np.array([row]))[0], array)


def test_main_job_runs(whole: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    done = run_cli(
        "run", "--dataset", "sunrgbd", "--data-root", str(whole), "--methods", "mmnet,oracle", "--profile", "smoke",
        "--runs", str(tmp_path / "runs"), "--device", "cpu",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_real_frames(real_data: Path) -> None:
    folder = real_data / "sunrgbd"
    if not folder.is_dir():
        pytest.skip("no real SUN RGB-D: set MMBENCH_DATA to the folder that holds sunrgbd/")
    data = SunRgbd(real_data, EVERYTHING, {**SETTINGS, "depth": "raw", "labels": "polygons"})
    expected = {
        "kv1/b3dodata/img_0063": (1.430, 1.963, 2.525),
        "kv2/align_kv2/2014-12-18_11-31-54_260595134347": (0.640, 2.397, 3.783),
    }
    for frame, numbers in expected.items():
        if frame not in data.frames:
            pytest.skip(f"no real frame {frame}")
        depth = data.sample(frame)["depth"]
        valid = depth[depth > 0]
        assert (valid.min(), np.median(valid), valid.max()) == pytest.approx(numbers, abs=5e-4)
    drawn = folder / "derived_from_polygons" / "img_0063_label13.png"
    if drawn.exists():
        label = data.sample("kv1/b3dodata/img_0063")["segmentation"]
        np.testing.assert_array_equal(label, np.asarray(Image.open(drawn)))
    # Numbers of the official file, and of a split drawn from it.
    lists = data._lists
    assert lists is not None and (len(lists.train), len(lists.test)) == (parts.TRAIN, parts.TEST)
    assert len(parts.thesis([*lists.train, *lists.test]).test) == parts.THESIS_TEST
    assert len(parts.official(lists).validation) == 159
