"""NYU Depth v2 as image files: the same arrays as the folder route, the official split, runs kept whole, bad input."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmbench.datasets.folder import Folder
from mmbench.datasets.nyu13 import MAP40
from mmbench.datasets.nyuv2 import NyuV2
from nyuv2_tree import EVERYTHING, RUNS_TEST, make_exported, metres, names, rgb
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError

# fmt: off
CLASSES = [
    "bed", "books", "ceiling", "chair", "floor", "furniture", "objects", "picture", "sofa", "table", "tv", "wall",
    "window",
]
# fmt: on


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_exported(tmp_path / "nyuv2")
    return tmp_path


def opened(root: Path, **settings: Any) -> NyuV2:
    return NyuV2(root, EVERYTHING, settings)


def refused(root: Path, **settings: Any) -> str:
    with pytest.raises(UserError) as caught:
        opened(root, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def classes(index: int) -> np.ndarray:
    """Of an image, by hand: name 1 is wall, 4 is bed, 894 = 22 * 40 + 14 is desk, which is table."""
    return np.asarray(np.vectorize({0: 0, 1: 12, 4: 1, 894: 10}.get)(names(index)))


def test_arrays_and_classes_by_hand(root: Path) -> None:
    data = opened(root)
    assert data.note == (
        "36 of 36 official training frames, 12 of 12 official test frames; labels: png40; depth taken to be in "
        "millimetres"
    )
    sample = data.sample("r001_0003")
    np.testing.assert_array_equal(sample["rgb"], rgb(2))
    np.testing.assert_allclose(sample["depth"], metres(2), atol=0.0005)
    np.testing.assert_array_equal(sample["segmentation"], classes(2))
    assert sample["segmentation"].dtype == np.uint8 and sample["depth"].dtype == np.float32
    assert opened(root / "nyuv2").manifest() == data.manifest()


def test_the_split_is_official_and_a_run_is_in_one_part(root: Path) -> None:
    split = opened(root).split()
    parts = split.parts()
    assert {part: len(ids) for part, ids in parts.items()} == {
        "rgb+segmentation": 18, "rgb+depth": 12, "validation": 6, "test": 12,
    }  # fmt: skip
    assert sorted(parts["test"]) == [f"r{n // 8 * 2 + (2 if n % 8 else 0):03d}_{n:04d}" for n in RUNS_TEST]
    owners: dict[str, set[str]] = {}
    for part, ids in parts.items():
        for sample_id in ids:
            owners.setdefault(sample_id[:4], set()).add(part)
            assert split.scenes[sample_id] == sample_id[:4]
    assert len(owners) == 12 and {len(parts) for parts in owners.values()} == {1}
    few = NyuV2(root, DataLimits(train=3, validation=1, test=2)).split().parts()
    assert [len(ids) for ids in few.values()] == [3, 3, 1, 2]


def test_with_real_images_both_routes_are_equal(real_data: Path, tmp_path: Path) -> None:
    images, more = real_data / "nyuv2", real_data / "nyuv2_extra"
    if not (images / "rgb").is_dir() or not (more / "splits.mat").is_file():
        pytest.skip(f"no nyuv2/rgb/ and nyuv2_extra/splits.mat in {real_data}")
    named, folder = opened(real_data), Folder(images, EVERYTHING)
    assert named.split() == folder.split()
    test = len(named.split().test)
    assert f"{test} of 654 official test frames" in named.note
    # The same without a description: the runs of the official list are its scenes, and 40 classes become the 13.
    bare = tmp_path / "nyuv2"
    bare.mkdir()
    for name in ("rgb", "depth"):
        (bare / name).symlink_to(images / name)
    (bare / "labels40").symlink_to(more / "labels40")
    shutil.copy(more / "splits.mat", bare)
    other = opened(tmp_path)
    assert other.split() == named.split()
    for sample_id in named.split().test[:3] + named.split().groups["rgb+depth"][:3]:
        expected = folder.sample(sample_id)
        for data in (named, other):
            made = data.sample(sample_id)
            assert list(made) == list(expected)
            for modality, array in made.items():
                np.testing.assert_array_equal(array, expected[modality])


def test_folders_of_labels_that_agree_or_not(root: Path) -> None:
    folder = root / "nyuv2"
    shutil.copytree(folder / "labels40", folder / "segmentation")
    assert "segmentation/0001.png: class id 14" in refused(root)
    for path in (folder / "segmentation").iterdir():
        Image.fromarray(np.full(rgb(0).shape[:2], 12, np.uint8)).save(path)
    assert "labels40/0001.png differ in 75 % of their pixels: keep one" in refused(root)
    assert "choose with --set data.labels=segmentation (or png40)" in refused(root)
    assert opened(root, labels="png40").note.count("labels: png40")
    shutil.rmtree(folder / "segmentation")
    (folder / "labels13").mkdir()
    for path in (folder / "labels40").iterdir():
        Image.fromarray(MAP40[np.asarray(Image.open(path))]).save(folder / "labels13" / path.name)
    both = opened(root).sample("r001_0001")["segmentation"]
    np.testing.assert_array_equal(both, opened(root, labels="png13").sample("r001_0001")["segmentation"])
    (folder / "labels13").rename(folder / "segmentation")
    shutil.rmtree(folder / "labels40")
    np.testing.assert_array_equal(both, opened(root).sample("r001_0001")["segmentation"])
    np.testing.assert_array_equal(
        both, opened(root).readings()["segmentation"].read(folder / "segmentation" / "0001.png")
    )
    assert "no labels (png13)" in refused(root, labels="png13")


def test_a_description_is_kept_to(root: Path) -> None:
    folder = root / "nyuv2"
    for path in [*folder.glob("*/*.png")]:
        path.rename(path.with_name(f"room{int(path.stem) % 8}_{path.stem}.png"))
    (folder / "labels40").rename(folder / "classes")
    for path in (folder / "classes").iterdir():
        Image.fromarray(MAP40[np.asarray(Image.open(path))]).save(path)
    described = f"""
scene = '^(room[0-9])_'
[modalities.depth]
unit = "centimetre"
far = 100
[modalities.segmentation]
folder = "classes"
classes = {CLASSES}
"""
    (folder / "dataset.toml").write_text(described)
    data = opened(root)
    assert data.split().scenes["room1_0009"] == "room1"
    assert {int(name[-4:]) for name in data.split().test} == set(RUNS_TEST)
    np.testing.assert_allclose(data.sample("room1_0009")["depth"], 10 * metres(8), atol=0.005)
    np.testing.assert_array_equal(data.sample("room1_0009")["segmentation"], classes(8))
    (folder / "test.txt").write_text("".join(f"room7_{n:04d}\n" for n in RUNS_TEST if n % 8))
    (folder / "dataset.toml").write_text(f'{described}[split]\ntest = "test.txt"\n')
    assert re.search(r"split: room0_\d+ is in rgb\+\w+, but not so by splits.mat", refused(root))
    (folder / "splits.mat").unlink()
    assert opened(root).note == (
        "42 of 795 official training frames, 6 of 654 official test frames (split as listed in dataset.toml); "
        "labels: segmentation"
    )
    (folder / "test.txt").unlink()
    assert "test.txt" in refused(root)


def test_a_subset_never_trains_on_test_frames(root: Path) -> None:
    folder = root / "nyuv2"
    for number in (1, 2, 48):
        for name in ("rgb", "depth", "labels40"):
            (folder / name / f"{number:04d}.png").unlink()
    for number in (3, 7, 8, 47):
        (folder / "labels40" / f"{number:04d}.png").unlink()
    data = opened(root)
    # 0003 has no label, and its run trains RGB and segmentation.
    assert "33 of 36 official training frames, 8 of 12 official test frames; 4 frames lack a modality" in data.note
    parts = data.split().parts()
    trained = {int(name[-4:]) for part, ids in parts.items() if part != "test" for name in ids}
    assert trained and not trained & set(RUNS_TEST)
    assert sorted(int(name[-4:]) for name in parts["test"]) == [n for n in RUNS_TEST if n not in (7, 8, 47, 48)]
    assert data.holds("r001_0003") == ("rgb", "depth") and "segmentation" not in data.sample("r001_0003")
    bare = ["r001_0003", "r002_0007", "r002_0008", "r012_0047"]
    assert [str(problem) for problem in data.verify()] == [f"{name}: no file for segmentation" for name in bare]


def change(folder: Path, how: str) -> None:
    """One thing that is wrong."""
    if how == "no split":
        (folder / "splits.mat").unlink()
    elif how == "no number":
        shutil.copy(folder / "rgb" / "0001.png", folder / "rgb" / "kitchen.png")
    elif how == "counted from 0":
        shutil.copy(folder / "rgb" / "0001.png", folder / "rgb" / "0000.png")
    elif how == "unknown number":
        shutil.copy(folder / "rgb" / "0001.png", folder / "rgb" / "0049.png")
    elif how in ("no depth", "no labels"):
        shutil.rmtree(folder / {"no depth": "depth", "no labels": "labels40"}[how])
    else:
        (folder / "dataset.toml").write_text(how)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no split", "no official split: neither "),
        ("no number", "rgb/kitchen.png: 'kitchen': expected a name that ends in the image's official number"),
        ("counted from 0", "expected a name that ends in the image's official number, from 1"),
        ("unknown number", "rgb/0049.png: splits.mat has no image 49"),
        ("no depth", "no folder "),
        ("no labels", "no labels (auto) in "),
        ('groups = ["rgb+depth+segmentation"]', "the groups rgb+segmentation and rgb+depth, or neither"),
        ('[modalities.depth]\nkind = "scalar"', "[modalities.depth]: expected kind = 'depth', got 'scalar'"),
        ('[split]\ntest = ["r001_0001"]', "write scene, or take the lists out"),
        ('[modalities.rgb]\nfolder = "pictures"', "no folder "),
        ("[split", "dataset.toml"),
    ],
)
def test_bad_input_is_one_line(root: Path, how: str, said: str) -> None:
    change(root / "nyuv2", how)
    assert said in refused(root)


def test_other_classes_and_another_depth_are_refused(root: Path) -> None:
    folder = root / "nyuv2"
    assert "depth = raw needs nyu_depth_v2_labeled.mat" in refused(root, depth="raw")
    (folder / "labels40").rename(folder / "segmentation")
    (folder / "dataset.toml").write_text('[modalities.segmentation]\nclasses = ["floor", "wall"]\n')
    assert "classes are not the 13" in refused(root)


def test_damaged_files_are_named(root: Path) -> None:
    folder = root / "nyuv2"
    (folder / "rgb" / "0001.png").write_bytes(b"\x89PNG\r\n")
    Image.fromarray(np.full((4, 4), 3, np.uint8)).save(folder / "labels40" / "0002.png")
    Image.fromarray(np.full(rgb(0).shape[:2], 41, np.uint8)).save(folder / "labels40" / "0003.png")
    lines = [str(problem) for problem in opened(root).verify()]
    assert len(lines) == 3
    assert "rgb/0001.png: cannot be decoded" in lines[0]
    assert "r001_0002: sizes differ: rgb 20 x 16 and depth 20 x 16 and segmentation 4 x 4" in lines[1]
    assert "labels40/0003.png: class id 41" in lines[2]
    with pytest.raises(UserError, match="'0001' is no sample; expected one such as r001_0001"):
        opened(root).sample("0001")


def test_it_runs(root: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    done = run_cli(
        "run", "--dataset", "nyuv2", "--data-root", str(root), "--methods", "prior", "--profile", "smoke",
        "--runs", str(tmp_path / "runs"), "--device", "cpu",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 of 12 official test frames" in done.stdout


def test_what_a_method_may_not_see_can_be_noise(root: Path, bench_of: Callable[..., Any], tmp_path: Path) -> None:
    bench_of("nyuv2", root).check_guard("mmnet", tmp_path)
