"""SUN RGB-D: 13 classes from every source of labels, and labels that are damaged or of other frames."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mmbench.datasets import nyu13
from mmbench.datasets.sunrgbd.labels import NAMES37, class_of
from PIL import Image
from scipy.io import savemat
from sunrgbd_tree import TEST, TRAIN, damage_truncate, ids37, make_archive, make_toolbox, opened, size_of

from mmbench.errors import UserError


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


@pytest.mark.parametrize("text", ['{"objects": [{"name":""propulsion"tool"}], "frames": [{}]}', "[" * 100_000])
def test_malformed_polygons_are_void_and_a_problem(text: str, tree: Path) -> None:
    folder = tree / TRAIN[0] / "annotation2Dfinal"
    folder.mkdir()
    (folder / "index.json").write_text(text)
    data = opened(tree)
    assert not data.sample(TRAIN[0])["segmentation"].any()
    (found,) = [problem for problem in data.verify() if problem.path == TRAIN[0]]
    assert "index.json" in found.what and "void" in found.what


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
