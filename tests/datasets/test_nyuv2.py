"""NYU Depth v2: MATLAB's transposed axes, 894 names to 13 classes, scenes kept together, bad files in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mmbench.datasets.nyuv2 import SETTINGS, NyuV2
from nyuv2_tree import COUNT, EVERYTHING, HEIGHT, SCENES, TEST, TO_40, TRAIN, WIDTH, make_root, metres, names, rgb
from PIL import Image
from scipy.io import savemat

from mmbench.dataset import DataLimits
from mmbench.errors import UserError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


def opened(root: Path, **settings: Any) -> NyuV2:
    return NyuV2(root, EVERYTHING, {**SETTINGS, **settings})


def write_labels(folder: Path, numbers: range, stem: str, value: int = 5) -> None:
    folder.mkdir()
    for number in numbers:
        Image.fromarray(np.full((HEIGHT, WIDTH), value, np.uint8)).save(folder / f"{stem}{number:04d}.png")


def test_axes_depth_and_classes_by_hand(root: Path) -> None:
    data = opened(root)
    assert data.note == "36 training and 12 test images; labels: mapping40"
    assert data.published == ""
    sample = data.sample("NYU0003")  # the third image: numbers count from 1
    np.testing.assert_array_equal(sample["rgb"], rgb(2))
    np.testing.assert_array_equal(sample["depth"], metres(2))
    assert sample["depth"].dtype == np.float32
    # 894 = 22 * 40 + 14 -> desk -> table; 1 -> wall; 4 -> bed.
    by_hand = {0: 0, 1: 12, 4: 1, 894: 10}
    np.testing.assert_array_equal(sample["segmentation"], np.vectorize(by_hand.get)(names(2)))
    assert sample["segmentation"].dtype == np.uint8
    raw = opened(root, depth="raw").sample("NYU0001")["depth"]
    assert (raw[3, 2], raw[4, 2]) == (0, 0) and (raw > 0).sum() == raw.size - 2


def test_split_is_official_and_parts_no_scene(root: Path) -> None:
    split = opened(root).split()
    found = split.parts()
    assert sorted(found["test"]) == [f"NYU{n:04d}" for n in TEST]
    assert {part: len(ids) for part, ids in found.items()} == {
        "rgb+segmentation": 16, "rgb+depth": 16, "validation": 4, "test": 12,
    }  # fmt: skip
    owners: dict[str, set[str]] = {}
    for part, ids in found.items():
        for sample_id in ids:
            owners.setdefault(SCENES[int(sample_id[3:]) - 1], set()).add(part)
    assert {len(parts) for parts in owners.values()} == {1}
    assert split.scenes["NYU0005"] == "train kitchen_0001"
    few = NyuV2(root, DataLimits(train=3, validation=1, test=2), SETTINGS).split().parts()
    assert all(found[part][: len(ids)] == ids and len(ids) in (3, 1, 2) for part, ids in few.items())


def test_without_scenes_neighbours_stay_together(root: Path) -> None:
    with h5py.File(root / "nyuv2" / "nyu_depth_v2_labeled.mat", "r+") as file:
        del file["scenes"]
    data = opened(root)
    assert data.split().scenes["NYU0010"] == data.split().scenes["NYU0001"] != data.split().scenes["NYU0011"]


def test_manifest_knows_the_mapping_but_no_path(root: Path) -> None:
    before = opened(root).manifest()
    assert opened(root / "nyuv2").manifest() == before
    savemat(root / "nyuv2" / "classMapping40.mat", {"mapClass": TO_40[None, ::-1].astype(np.uint8)})
    assert opened(root).manifest() != before


def test_label_pngs(root: Path) -> None:
    folder = root / "nyuv2"
    write_labels(folder / "nyuv2_test_class13", range(37, COUNT + 1), "new_nyu_class13_")
    write_labels(folder / "nyuv2_train_class13", range(1, 30), "new_nyu_class13_", 13)
    data = opened(root, labels="png13")
    assert data.note == "36 training and 12 test images, 7 of them without a label; labels: png13"
    assert (data.sample("NYU0040")["segmentation"] == 5).all() and (data.sample("NYU0001")["segmentation"] == 13).all()
    parts = data.split().parts()
    assert sum(map(len, parts.values())) == 41
    assert all(set(ids) <= set(opened(root).split().parts()[part]) for part, ids in parts.items())
    assert [problem.path for problem in data.verify()] == [f"NYU{n:04d}" for n in range(30, 37)]
    write_labels(folder / "labels40", range(1, COUNT + 1), "", 8)
    assert (opened(root, labels="png40").sample("NYU0001")["segmentation"] == 12).all()  # door -> wall
    (folder / "classMapping40.mat").unlink()
    assert opened(root).note.endswith("labels: png40")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("nyu_depth_v2_labeled.mat", r"nyu_depth_v2_labeled\.mat not found in .*horatio"),
        ("splits.mat", r"splits\.mat \(trainNdxs, testNdxs\) not found"),
        ("classMapping40.mat", r"no labels of 13 classes .*classMapping40\.mat \(mapClass\) maps to 40 classes"),
    ],
)
def test_missing_files(root: Path, file: str, line: str) -> None:
    (root / "nyuv2" / file).unlink()
    with pytest.raises(UserError, match=line) as caught:
        opened(root)
    assert "\n" not in str(caught.value)


def test_no_data_root() -> None:
    with pytest.raises(UserError, match="--data-root"):
        NyuV2(None, EVERYTHING)


@pytest.mark.parametrize("file", ["splits.mat", "classMapping40.mat"])
def test_damaged_lists(root: Path, file: str) -> None:
    (root / "nyuv2" / file).write_bytes(b"<html>not found</html>" * 20)
    with pytest.raises(UserError, match=rf"{file.replace('.', '[.]')}: no"):
        opened(root)
    savemat(root / "nyuv2" / "splits.mat", {"trainNdxs": [1, 2], "testNdxs": [2, 3]})
    with pytest.raises(UserError, match="none in both lists"):
        opened(root)


def test_doubles_as_matlab_saves_them(root: Path) -> None:
    folder = root / "nyuv2"
    before, sample = opened(root).split(), opened(root).sample("NYU0003")
    savemat(folder / "splits.mat", {"trainNdxs": TRAIN[:, None] * 1.0, "testNdxs": TEST[:, None] * 1.0})
    savemat(folder / "classMapping40.mat", {"mapClass": TO_40[None] * 1.0})
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "r+") as file:
        labels = file["labels"][()] * 1.0
        del file["labels"]
        file["labels"] = labels
    assert opened(root).split() == before
    np.testing.assert_array_equal(opened(root).sample("NYU0003")["segmentation"], sample["segmentation"])
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "r+") as file:
        for wrong, said in ((0.5, "not whole numbers"), (np.nan, "not whole numbers"), (-1, "label -1, expected 0")):
            file["labels"][2, 0, 0] = wrong
            file.flush()
            with pytest.raises(UserError, match=said):
                opened(root).sample("NYU0003")
    savemat(folder / "splits.mat", {"trainNdxs": [1.5], "testNdxs": [2.0]})
    with pytest.raises(UserError, match=r"splits\.mat: not the official split \(float64 values that are not whole"):
        opened(root)


def test_truncated_and_wrong_hdf5(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "nyuv2" / "nyu_depth_v2_labeled.mat"
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "h5py", None)
        with pytest.raises(UserError, match="needs h5py: pip install h5py"):
            opened(root).sample("NYU0001")
    with h5py.File(path, "r+") as file:
        file["labels"][0, 0, 0] = 900
        depths = file["depths"][()]
        del file["depths"]
    with pytest.raises(UserError, match=r"labeled\.mat: cannot be read \(.*depths.*get it again from http"):
        opened(root).sample("NYU0001")
    assert [problem.path for problem in opened(root).verify()] == ["nyu_depth_v2_labeled.mat"]
    with h5py.File(path, "r+") as file:
        file["depths"] = (depths * 1000).astype(np.uint16)
    with pytest.raises(UserError, match="depths uint16; expected uint8 and metres"):
        opened(root).sample("NYU0002")
    with pytest.raises(UserError, match=r"label 900, expected 0 to 894"):
        opened(root, depth="raw").sample("NYU0001")
    with pytest.raises(UserError, match="'0001' is no sample"):
        opened(root).sample("0001")
    savemat(root / "nyuv2" / "splits.mat", {"trainNdxs": [1, 2], "testNdxs": [49]})
    with pytest.raises(UserError, match=r"lists NYU0049, but nyu_depth_v2_labeled\.mat has 48 images"):
        opened(root).split()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"labeled\.mat: cannot be read \(.*truncated"):
        opened(root).sample("NYU0001")
    assert len(list(opened(root).verify())) == 1


def test_predictions_are_not_taken_for_labels(root: Path) -> None:
    folder = root / "nyuv2" / "nyuv2_test_class13"
    write_labels(folder, range(1, COUNT + 1), "new_nyu_class13_")
    Image.fromarray(np.full((14, 14), 3, np.uint8)).save(folder / "new_nyu_class13_0001.png")
    Image.fromarray(np.full((HEIGHT, WIDTH), 14, np.uint8)).save(folder / "new_nyu_class13_0002.png")
    (folder / "new_nyu_class13_0003.png").write_bytes(b"\x89PNG\r\n")
    lines = [str(problem) for problem in opened(root, labels="png13").verify()]
    assert len(lines) == 3
    assert "14 x 14; the 224 x 224 files of nyuv2_test_class13_eigen.tgz are predictions" in lines[0]
    assert "label 14, expected 0 to 13" in lines[1]
    assert "cannot be decoded" in lines[2]


def test_main_job_runs(root: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    done = run_cli(
        "run", "--dataset", "nyuv2", "--data-root", str(root), "--methods", "mmnet,oracle", "--profile", "smoke",
        "--runs", str(tmp_path / "runs"), "--device", "cpu",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_method_may_not_see_can_be_noise(root: Path, bench_of: Callable[..., Any], tmp_path: Path) -> None:
    bench_of("nyuv2", root).check_guard("mmnet", tmp_path)
