"""SUN RGB-D: the depth's rotation by hand, every label source, the official lists, blocks, bad files in one line."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mmbench.datasets import nyu13
from mmbench.datasets.sunrgbd import SETTINGS, SunRgbd, parts
from mmbench.datasets.sunrgbd.frames import decode_depth
from mmbench.datasets.sunrgbd.labels import NAMES37, class_of
from PIL import Image
from scipy.io import savemat

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.task import Access, views
from mmbench.training.cache import open_cache

EVERYTHING = DataLimits()
WALL37, BED37, BAG37 = 1, 4, 37
TRAIN = [f"kv2/kinect2data/{i:06d}_2014-05-26_14-23-37_260595134347_rgbf000103-resize" for i in range(60)]
TEST = [f"xtion/sun3ddata/mit_32/mit_32_{i % 2}/{i:07d}-000003653244" for i in range(12)]


def encode(metres: np.ndarray) -> np.ndarray:
    """The official encoding: millimetres, rotated left by 3 bits."""
    mm = np.rint(metres * 1000).astype(np.int64)
    return (((mm << 3) & 0xFFFF) | (mm >> 13)).astype(np.uint16)


def size_of(frame: str) -> tuple[int, int]:
    return (16, 22) if frame.startswith("kv2") else (18, 20)


def ids37(frame: str) -> np.ndarray:
    """Void, wall, bed, bag in stripes; the frame's number rolls them, so that no two neighbours are alike."""
    height, width = size_of(frame)
    stripes = np.repeat(np.array([0, WALL37, BED37, BAG37], np.uint8), 8)[:width]
    return np.roll(np.tile(stripes, (height, 1)), sum(map(ord, frame)) % 5, axis=1)


def make_frame(tree: Path, frame: str) -> None:
    folder = tree / frame
    for name in ("image", "depth", "depth_bfx"):
        (folder / name).mkdir(parents=True)
    height, width = size_of(frame)
    rgb = np.full((height, width, 3), sum(map(ord, frame)) % 256, np.uint8)
    Image.fromarray(rgb).save(folder / "image" / "photo.jpg")
    metres = np.linspace(0.5, 12.0, height * width).reshape(height, width)
    Image.fromarray(encode(metres)).save(folder / "depth_bfx" / "photo_abs.png")
    metres[0, :3] = 0
    Image.fromarray(encode(metres)).save(folder / "depth" / "photo_abs.png")


def make_split(tree: Path, train: list[str], test: list[str]) -> None:
    folder = tree.parent / "SUNRGBDtoolbox" / "traintestSUNRGBD"
    folder.mkdir(parents=True, exist_ok=True)
    listed = {
        key: np.array([f"/n/fs/sun3d/data/SUNRGBD/{i}" + "/" * (n % 2) for n, i in enumerate(ids)], object)[None]
        for key, ids in (("alltrain", train), ("alltest", test))
    }
    savemat(folder / "allsplit.mat", listed)


def make_toolbox(tree: Path, frames: list[str]) -> Path:
    """``SUNRGBD2Dseg.mat`` and ``SUNRGBDMeta.mat`` as MATLAB writes them, in another order than the split's."""
    folder = tree.parent / "SUNRGBDtoolbox" / "Metadata"
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "SUNRGBD2Dseg.mat", "w") as file:
        references = [file.create_dataset(f"#refs#/{i}", data=ids37(f).T).ref for i, f in enumerate(frames)]
        column = np.array(references, h5py.ref_dtype)[:, None]
        file.create_dataset("SUNRGBD2Dseg/seglabel", data=column, dtype=h5py.ref_dtype)
    meta = np.zeros((1, len(frames)), [("rgbpath", object), ("depthname", object)])
    for row, frame in enumerate(frames):
        meta[0, row] = (f"/n/fs/sun3d/data/SUNRGBD/{frame}/image/photo.jpg", "photo_abs.png")
    savemat(folder / "SUNRGBDMeta.mat", {"SUNRGBDMeta": meta})
    return folder


def make_archive(folder: Path, stem: str, labels: list[np.ndarray], start: int = 1) -> None:
    folder.mkdir()
    for number, label in enumerate(labels, start):
        Image.fromarray(label).save(folder / f"{stem}-{number:06d}.png")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    tree = root / "sunrgbd" / "SUNRGBD"
    for frame in TRAIN + TEST:
        make_frame(tree, frame)
    make_split(tree, TRAIN, TEST)
    make_toolbox(tree, TEST[::-1] + TRAIN[::-1])
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two frames of each list, no labels."""
    tree = tmp_path / "SUNRGBD"
    for frame in (*TRAIN[:2], *TEST[:2]):
        make_frame(tree, frame)
    make_split(tree, TRAIN[:2], TEST[:2])
    return tree


def opened(tree: Path, **settings: Any) -> SunRgbd:
    return SunRgbd(tree, EVERYTHING, {**SETTINGS, **settings})


def test_depth_is_rotated_in_sixteen_bits() -> None:
    # 8192 mm = bit 13; rotated left by 3 it is bit 0. 1000 mm << 3 = 8000. 65535 is its own rotation.
    np.testing.assert_array_equal(
        decode_depth(np.array([0, 8, 8000, 1, 65535], np.uint16)), np.float32([0, 0.001, 1.0, 8.192, 65.535])
    )
    metres = np.arange(0, 65.536, 0.001)
    np.testing.assert_array_equal(np.rint(decode_depth(encode(metres)) * 1000), np.arange(65536))


def test_classes_and_palette() -> None:
    assert (len(nyu13.CLASSES), len(nyu13.PALETTE), len(nyu13.MAP40), len(nyu13.MAP37)) == (13, 14, 41, 38)
    named = {name: (["void", *nyu13.CLASSES])[nyu13.MAP37[i]] for i, name in enumerate(NAMES37, 1)}
    assert {n: named[n] for n in ("door", "bookshelf", "blinds", "shower_curtain", "desk", "bag", "bathtub")} == {
        "door": "wall", "bookshelf": "furniture", "blinds": "window", "shower_curtain": "object", "desk": "table",
        "bag": "object", "bathtub": "object",
    }  # fmt: skip
    # The colours of books and chair in pySceneNetRGBD, write_class13_nyuv2_labels.py; 148.99 is truncated to 148.
    for index, floats in {2: (0.9137, 0.3490, 0.1882), 4: (0.5843, 0, 0.9412)}.items():
        assert nyu13.PALETTE[index] == tuple(int(value * 255) for value in floats)


def test_names_count_singular_and_plural_and_nothing_else() -> None:
    same = ("night_stand", "night stand", "Nightstands")
    assert {class_of(name) for name in same} == {nyu13.CLASSES.index("furniture") + 1}
    assert class_of("shelf") == class_of("shelves") != 0
    assert class_of("book") == class_of("books") == 2
    assert [class_of(name) for name in ("garbage bin", "", "chair leg", "s")] == [0] * 4


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


def test_archives_number_the_test_images_first(tree: Path) -> None:
    frames = [*TEST[:2], *TRAIN[:2]]
    expected = {frame: nyu13.MAP37[ids37(frame)] for frame in frames}
    make_archive(tree.parent / "sunrgbd_train_test_labels", "img", [ids37(frame) for frame in frames])
    make_archive(tree / "test13labels", "img13labels", [expected[frame] for frame in TEST[:2]])
    make_archive(tree / "train13labels", "img13labels", [expected[frame] for frame in TRAIN[:2]])
    assert opened(tree).note.endswith("labels: png37")
    for name in ("png37", "png13"):
        data = opened(tree, labels=name)
        for frame in frames:
            np.testing.assert_array_equal(data.sample(frame)["segmentation"], expected[frame])
    # The same training labels, numbered on behind the test images.
    shutil.rmtree(tree / "train13labels")
    make_archive(tree / "train13labels", "img", [expected[frame] for frame in TRAIN[:2]], start=3)
    np.testing.assert_array_equal(opened(tree, labels="png13").sample(TRAIN[1])["segmentation"], expected[TRAIN[1]])


def test_exchanged_archives_are_refused(tree: Path) -> None:
    folder = tree.parent / "sunrgbd_train_test_labels"
    make_archive(folder, "img", [ids37(frame) for frame in (*TRAIN[:2], *TEST[:2])])
    with pytest.raises(UserError, match=r"sunrgbd_train_test_labels: labels of other frames.*exchanged") as caught:
        opened(tree)
    assert "\n" not in str(caught.value)
    shutil.rmtree(folder)
    make_archive(tree / "test13labels", "img13labels", [ids37(TRAIN[0])] * 3)
    with pytest.raises(UserError, match="test13labels: a label is numbered 3, but there are only 2 such frames"):
        opened(tree)


def test_seg_mat_goes_by_the_names_of_each_frame(tree: Path) -> None:
    # The same number means another object in each frame, and numbers exceed 37.
    names = [f"thing {i}" for i in range(39)] + ["bed"]
    ids = np.zeros(size_of(TRAIN[0]), np.uint16)
    ids[:, 5:9], ids[:, 9:12] = 40, 3
    savemat(tree / TRAIN[0] / "seg.mat", {"names": np.array(names, object), "seglabel": ids})
    savemat(tree / TRAIN[1] / "seg.mat", {"names": np.array(["x", "y", "floor"], object), "seglabel": ids % 37})
    data = opened(tree)
    assert data.note == "4 of 10335 frames, 2 of them incomplete; labels: seg"
    assert np.unique(data.sample(TRAIN[0])["segmentation"]).tolist() == [0, 1]
    assert (data.sample(TRAIN[0])["segmentation"][:, 5:9] == 1).all()
    assert (data.sample(TRAIN[1])["segmentation"][:, 5:12] == 5).all()
    assert data.holds(TEST[0]) == ("rgb", "depth")
    assert set(data.sample(TEST[0])) == {"rgb", "depth"}
    assert [str(problem) for problem in data.verify()] == [
        f"{frame}: no label (seg); the frame belongs to no part" for frame in sorted(TEST[:2])
    ]


def polygon(label: int, left: float, right: float) -> dict[str, Any]:
    return {"object": label, "x": [left, right, right, left], "y": [-9, -9, 99, 99], "XYZ": []}


def test_polygons_later_ones_on_top_and_cut_at_the_border(tree: Path) -> None:
    folder = tree / TRAIN[0] / "annotation2Dfinal"
    folder.mkdir()
    odd = [{"object": 0}, {"object": 99, "x": [1, 2, 3], "y": [1, 2, 3]}, {"object": 3, "x": 4, "y": 4}]
    objects = [{"name": "wall"}, {"name": "beds"}, {"name": "teddy bear"}, None]
    drawn = [polygon(0, -20, 15), *odd, polygon(1, 4, 9), polygon(2, 12, 15)]
    (folder / "index.json").write_text(json.dumps({"frames": [{"polygon": drawn}], "objects": objects}))
    row = opened(tree).sample(TRAIN[0])["segmentation"][7]
    assert row.tolist() == [12] * 4 + [1] * 6 + [12] * 2 + [0] * 10


def test_malformed_polygons_are_void_and_a_problem(tree: Path) -> None:
    folder = tree / TRAIN[0] / "annotation2Dfinal"
    folder.mkdir()
    (folder / "index.json").write_text('{"objects": [{"name":""propulsion"tool"}], "frames": [{}]}')
    data = opened(tree)
    assert not data.sample(TRAIN[0])["segmentation"].any()
    (found,) = [problem for problem in data.verify() if problem.path == TRAIN[0]]
    assert "index.json" in found.what and "void" in found.what


def test_official_split(whole: Path) -> None:
    data = opened(whole)
    parts_of = data.split().parts()
    assert data.published == "" and opened(whole, split="thesis").published == "sunrgbd"
    assert set(parts_of["test"]) == set(TEST)
    assert {part: len(ids) for part, ids in parts_of.items()} == {
        "rgb+segmentation": 29, "rgb+depth": 29, "validation": 2, "test": 12,
    }  # fmt: skip
    assert sorted(i for part, ids in parts_of.items() if part != "test" for i in ids) == sorted(TRAIN)
    few = SunRgbd(whole, DataLimits(train=5, validation=1, test=4), SETTINGS).split().parts()
    assert {part: list(ids) for part, ids in few.items()} == {
        part: list(ids[:n]) for (part, ids), n in zip(parts_of.items(), (5, 5, 1, 4), strict=True)
    }


def test_absent_frames_move_no_other(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "part")
    for frame in (*TRAIN[::3], *TEST[::5]):
        shutil.rmtree(tmp_path / "part" / "sunrgbd" / "SUNRGBD" / frame)
    for split in ("official", "thesis"):
        before, after = opened(whole, split=split), opened(tmp_path / "part", split=split)
        assert after.note.startswith("49 of 10335 frames;")
        assert after.manifest() != before.manifest()
        for part, ids in after.split().parts().items():
            assert ids == tuple(i for i in before.split().parts()[part] if i in after.frames)


def test_thesis_split_alone_needs_no_lists(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "sunrgbd" / "SUNRGBD", tmp_path / "SUNRGBD")
    with pytest.raises(UserError, match=r"allsplit\.mat not found at .*SUNRGBDtoolbox\.zip.*data\.split=thesis"):
        opened(tmp_path)
    data = opened(tmp_path, split="thesis")
    assert data.note == "72 of 10335 frames, 72 of them incomplete; labels: none"
    assert str(next(iter(data.verify()))).startswith("labels: none found")
    for frame in TRAIN:
        savemat(tmp_path / "SUNRGBD" / frame / "seg.mat", {"names": ["bed"], "seglabel": ids37(frame) % 2})
    assert all(opened(tmp_path, split="thesis").split().parts().values())


def real_lists() -> tuple[str, ...]:
    """10335 names as the official ones are built, in their numbers per subset."""
    rig = [f"{9 + n // 60:02d}-{n % 60:02d}-07" for n in range(150)]
    return (
        *(f"kv2/kinect2data/{n:06d}_x" for n in range(3485)),
        *(f"kv1/NYUdata/NYU{n:04d}" for n in range(1, 1450)),
        *(f"kv1/b3dodata/img_{n:04d}" for n in range(554)),
        *(f"realsense/lg/2014_10_24-{n:06d}" for n in range(1309)),
        *(f"xtion/sun3ddata/place_{n % 207}/scan/{n:07d}" for n in range(3238)),
        *(f"kv2/align_kv2/2014-12-18_{time}_260595134347" for time in rig),
        *(f"xtion/xtion_align_data/2014_12_18_{time.replace('-0', '-').replace('-', '_')}" for time in rig),
    )


def test_thesis_sizes_blocks_and_the_rig() -> None:
    frames = real_lists()
    drawn = parts.thesis(frames)
    assert len(frames) == parts.FRAMES and len(drawn.test) == 335 and len(drawn.validation) == 300
    assert abs(len(drawn.halves[0]) - len(drawn.halves[1])) < 100
    owner = {frame: n for n, part in enumerate((*drawn.halves, drawn.validation, drawn.test)) for frame in part}
    assert len(owner) == parts.FRAMES
    neighbours = [(f"kv1/NYUdata/NYU{n:04d}", f"kv1/NYUdata/NYU{n + 1:04d}") for n in range(1, 1449)]
    assert sum(owner[a] != owner[b] for a, b in neighbours) < 1449 / 20
    places: dict[str, set[int]] = {}
    for frame in frames:
        if "sun3ddata" in frame:
            places.setdefault(frame.split("/")[2], set()).add(owner[frame])
    assert {len(owners) for owners in places.values()} == {1}
    # Two sensors of the rig at the same minute: together, but for the ends of blocks.
    rig = [frame for frame in frames if "align_kv2" in frame]
    twins = [(a, b) for a, b in zip(rig, frames[-150:], strict=True)]
    assert sum(owner[a] != owner[b] for a, b in twins) <= 5
    subsets = [Counter(frame.split("/")[1] for frame in half) for half in drawn.halves]
    assert all(abs(subsets[0][name] - subsets[1][name]) <= 80 for name in subsets[0])


def damage_truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


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


def test_damaged_labels_are_named_in_one_line(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_toolbox(tree, [*TRAIN[:2], *TEST[:2]])
    with h5py.File(folder / "SUNRGBD2Dseg.mat", "r+") as file:
        file["#refs#/0"][3, 3] = 41
        del file["#refs#/1"]
        file["#refs#/1"] = np.zeros((5, 4), np.uint8)
    data = opened(tree)
    with pytest.raises(UserError, match=r"SUNRGBD2Dseg\.mat: label 41, expected 0 to 37"):
        data.sample(TRAIN[0])
    damage_truncate(folder / "SUNRGBD2Dseg.mat")
    with pytest.raises(UserError, match=r"SUNRGBD2Dseg\.mat: cannot be read \(.*unpack SUNRGBDtoolbox\.zip again"):
        data.sample(TRAIN[0])
    assert [problem.path for problem in data.verify()] == ["labels"]
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "h5py", None)
        with pytest.raises(UserError, match=r"SUNRGBD2Dseg\.mat is HDF5, which needs h5py: pip install h5py"):
            data.sample(TRAIN[0])
    make_toolbox(tree, [*TRAIN[:2], TEST[0]])
    with pytest.raises(UserError, match=r"SUNRGBDMeta\.mat: .* is not among its 3 frames"):
        opened(tree).sample(TEST[1])
    (folder / "SUNRGBDMeta.mat").write_bytes(b"MATLAB 5.0 MAT-file, cut off")
    with pytest.raises(UserError, match=r"SUNRGBDMeta\.mat: rgbpath cannot be read"):
        opened(tree).sample(TEST[1])
    with pytest.raises(UserError, match=r"no labels of the source 'png37'.*sunrgbd_train_test_labels"):
        opened(tree, labels="png37")


def test_label_pngs_of_the_wrong_kind(tree: Path) -> None:
    folder = tree / "sunrgbd_train_test_labels"
    frames = [*TEST[:2], *TRAIN[:2]]
    make_archive(folder, "img", [ids37(frame) for frame in frames])
    Image.fromarray(np.full(size_of(TEST[0]), 60, np.uint8)).save(folder / "img-000001.png")
    Image.fromarray(np.zeros((*size_of(TEST[1]), 3), np.uint8)).save(folder / "img-000002.png")
    Image.fromarray(np.zeros((7, 7), np.uint8)).save(folder / "img-000003.png")
    damage_truncate(folder / "img-000004.png")
    lines = {problem.path: problem.what for problem in opened(tree).verify()}
    assert "label 60, expected 0 to 37" in lines[TEST[0]]
    assert "image mode RGB" in lines[TEST[1]]
    assert "7 x 7 pixels, the image of kv2/" in lines[TRAIN[0]]
    assert "cannot be decoded" in lines[TRAIN[1]]


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
