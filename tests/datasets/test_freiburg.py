"""Freiburg Forest: grey values and colours by hand, files matched by name, blocks of time, bad files in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from freiburg_tree import (
    EVERYTHING,
    HEIGHT,
    OBSTACLE,
    ROAD,
    STRIPE_IDS,
    STRIPES,
    TEST,
    TRAIN,
    VEGETATION,
    WHITE,
    WIDTH,
    make_frame,
    make_root,
    number,
    paths,
    stripes,
)
from mmbench.datasets.freiburg import TASK, Freiburg
from mmbench.datasets.freiburg.frames import GAP, SPAN, blocks_of_time
from mmbench.datasets.freiburg.images import LABELS, PALETTE, read_colours, read_grey, to_size, unknown_colours
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.task import Access, views
from mmbench.training.cache import open_cache


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def tree(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    tree = tmp_path / "freiburg_forest_annotated"
    shutil.copytree(whole / "freiburg" / "freiburg_forest_annotated", tree)
    return tree


def opened(root: Path) -> Freiburg:
    return Freiburg(root, EVERYTHING)


def problems(root: Path) -> dict[str, str]:
    found = list(opened(root).verify())
    assert len({problem.path for problem in found}) == len(found)
    assert not any("\n" in str(problem) for problem in found)
    return {problem.path: problem.what for problem in found}


def test_task_is_the_one_of_table_4_8() -> None:
    kinds = {m.name: (m.kind, m.channels, m.loss_name) for m in TASK.modalities}
    assert kinds == {
        "rgb": ("rgb", 3, "l2"), "depth": ("scalar", 1, "berhu"), "nir": ("scalar", 1, "berhu"),
        "segmentation": ("segmentation", 6, "cross-entropy"),
    }  # fmt: skip
    assert [group.name for group in TASK.groups] == ["rgb+segmentation", "rgb+depth+nir"]
    assert [t.name for t in TASK.unseen] == ["depth -> segmentation", "nir -> segmentation"]
    assert [t.inputs for t in TASK.multi_modal] == [("rgb", "depth"), ("rgb", "nir"), ("rgb", "depth", "nir")]
    assert all(sum(t.weights or ()) == pytest.approx(1) and t.side_from == "rgb" for t in TASK.multi_modal)


def test_colours_by_hand(tmp_path: Path) -> None:
    image = stripes(STRIPES)
    assert LABELS.decode(image)[5].tolist() == np.repeat(STRIPE_IDS, 4).tolist()
    assert unknown_colours(image) == {(1, 2, 3): 4 * HEIGHT}
    image[0, 0], image[1, :2] = (9, 9, 9), (0, 61, 0)
    assert list(unknown_colours(image).items()) == [((1, 2, 3), 4 * HEIGHT), ((0, 61, 0), 2), ((9, 9, 9), 1)]
    assert [PALETTE[0], PALETTE[OBSTACLE]] == [WHITE, (0, 0, 0)]
    # A palette image and one with opacity show the same colours.
    for mode in ("P", "RGBA"):
        Image.fromarray(stripes(STRIPES)).convert(mode).save(tmp_path / "label.png")
        np.testing.assert_array_equal(read_colours(tmp_path / "label.png")[0, 8], (102, 102, 51))


@pytest.mark.parametrize(
    ("array", "ending"),
    [
        (np.array([[0, 51, 255]], np.uint8), "png"),
        (np.array([[0, 51, 255]], np.uint8), "tif"),
        (np.array([[[0] * 3, [51] * 3, [255] * 3]], np.uint8), "png"),
        (np.array([[0, 13107, 65535]], np.uint16), "png"),
        (np.array([[0, 13107, 65535]], np.uint16), "tif"),
        (np.array([[0, 0.2, 1]], np.float32), "tif"),
        (np.array([[0, 51, 255]], np.float32), "tif"),
    ],
)
def test_grey_goes_by_the_type_of_the_file(tmp_path: Path, array: np.ndarray, ending: str) -> None:
    Image.fromarray(array).save(tmp_path / f"grey.{ending}")
    grey = read_grey(tmp_path / f"grey.{ending}")
    assert grey.dtype == np.float32
    np.testing.assert_allclose(grey, [[-1, -0.6, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("array", "line"),
    [
        (np.array([[0, np.nan]], np.float32), "values that are not finite"),
        (np.array([[-0.5, 0.5]], np.float32), r"values from -0\.5 to 0\.5; expected 0 to 1"),
        (np.array([[0, 700]], np.float32), "values from 0 to 700; expected 0 to 255"),
        (np.array([[[0, 0, 1]]], np.uint8), "a colour image; expected one channel"),
    ],
)
def test_grey_of_another_range_is_refused(tmp_path: Path, array: np.ndarray, line: str) -> None:
    Image.fromarray(array).save(tmp_path / "grey.tif")
    with pytest.raises(UserError, match=rf"grey\.tif: {line}"):
        read_grey(tmp_path / "grey.tif")


def test_sizes_follow_rgb() -> None:
    # Pixel centres at 1/4, 3/4, 5/4 and 7/4 between those of the two pixels at 1/2 and 3/2.
    ramp = np.array([[-1, 1]], np.float32)
    np.testing.assert_allclose(to_size(ramp, 2, 4), [[-1, -0.5, 0.5, 1]] * 2, atol=1e-6)
    np.testing.assert_array_equal(to_size(np.array([[ROAD, OBSTACLE]], np.uint8), 1, 4), [[1, 1, 5, 5]])
    np.testing.assert_array_equal(to_size(np.array([[ROAD, OBSTACLE, VEGETATION]], np.uint8), 1, 2), [[1, 3]])


def test_sample(whole: Path) -> None:
    data = opened(whole)
    assert data.note.startswith(f"{len(TRAIN)} of 230 training and 6 of 136 test frames; depth is relative")
    for part, name in (("train", TRAIN[0]), ("test", "b10-07")):
        sample = data.sample(f"{part}/{name}")
        shapes = {modality: (array.dtype.name, array.shape) for modality, array in sample.items()}
        assert shapes == {
            "rgb": ("uint8", (HEIGHT, WIDTH, 3)),
            "depth": ("float32", (HEIGHT, WIDTH)),
            "nir": ("float32", (HEIGHT, WIDTH)),
            "segmentation": ("uint8", (HEIGHT, WIDTH)),
        }
        np.testing.assert_allclose(sample["depth"], number(name) / 127.5 - 1, atol=1e-6)
        np.testing.assert_allclose(sample["nir"], 1 - number(name) / 127.5, atol=1e-6)
        assert sample["segmentation"][7].tolist() == np.repeat([*STRIPE_IDS[:-1], 0], 4).tolist()
    assert list(data.verify()) == []
    with pytest.raises(UserError, match=r"no frame 'b1-07'; expected an id such as train/b1-99445"):
        data.sample("b1-07")


@pytest.mark.parametrize("place", [".", "freiburg", "freiburg/freiburg_forest_annotated"])
def test_finds_the_tree_at_every_level(whole: Path, place: str) -> None:
    assert opened(whole / place).manifest() == opened(whole).manifest()


def test_files_are_matched_by_the_whole_name(tree: Path) -> None:
    # b1-07 begins b1-079, and the label that sorts first belongs to another frame.
    make_frame(tree, "test", "b1-079")
    paths(tree, "test", "b1-079")["segmentation"].unlink()
    paths(tree, "test", "b1-07")["nir"].unlink()
    (tree / "test" / "nir_gray" / "._b1-07.tif").touch()
    data = opened(tree)
    assert data.holds("test/b1-07") == ("rgb", "depth", "segmentation")
    assert data.holds("test/b1-079") == ("rgb", "depth", "nir")
    for frame in data.frames.values():
        assert all(frame.id.split("/")[1] in (path.stem, path.name.split("_")[0]) for path, _ in frame.files.values())


def test_blocks_of_time() -> None:
    # 11.4 s is 9.9 s from 1.5 s; 12.5 s is far enough, and 1.1 s behind; 30.1 s is 17.6 s from 12.5 s.
    expected = ["b1-5 b2-05 b10-495 b11-4", "b12-5", "b30-1", "b99-02 b99-9", "c3-5", "x1", "x2"]
    blocks = blocks_of_time(f"train/{name}" for name in sorted(" ".join(expected).split()))
    assert [" ".join(i.partition("/")[2] for i in block) for block in blocks.values()] == expected
    # However long they go on, frames that are closer than a second stay together.
    close = [f"train/b{n // 2}-{5 * (n % 2)}" for n in range(60)]
    assert [len(block) for block in blocks_of_time(close).values()] == [60]
    assert SPAN == 10 and GAP == 1


def test_split(whole: Path) -> None:
    split = opened(whole).split()
    parts = split.parts()
    expected = sorted(f"train/{name}" for name in TRAIN)
    assert sorted(i for part, ids in parts.items() if part != "test" for i in ids) == expected
    assert set(parts["test"]) == {f"test/{name}" for name in TEST}
    sizes = {part: len(ids) for part, ids in parts.items()}
    assert sizes["validation"] <= 5 and abs(sizes["rgb+segmentation"] - sizes["rgb+depth+nir"]) <= 5
    seconds = {i: float(i.partition("/b")[2].replace("-", ".")) for i in expected}
    owner = {i: part for part, ids in parts.items() for i in ids}
    assert all(owner[a] == owner[b] for a, b in combinations(seconds, 2) if abs(seconds[a] - seconds[b]) < GAP)
    few = Freiburg(whole, DataLimits(train=4, validation=1, test=3)).split().parts()
    assert few == {part: ids[:n] for (part, ids), n in zip(parts.items(), (4, 4, 1, 3), strict=True)}


def test_a_missing_file_takes_its_frame_out_and_moves_no_other(whole: Path, tree: Path) -> None:
    gone = {"train/b3-495": "nir", "train/b6-495": "segmentation", "test/b1-07": "depth", "test/b11-07": "rgb"}
    for sample_id, modality in gone.items():
        paths(tree, *sample_id.split("/"))[modality].unlink()
    data = opened(tree)
    assert ", 4 of them incomplete" in data.note
    assert problems(tree) == {
        "train/b3-495": "no image in nir_gray; the frame belongs to no part",
        "train/b6-495": "no image in GT_color; the frame belongs to no part",
        "test/b1-07": "no image in depth_gray; the frame belongs to no part",
        "test/b11-07": "no image in rgb; the frame belongs to no part",
    }
    before = opened(whole).split().parts()
    assert data.split().parts() == {p: tuple(i for i in ids if i not in gone) for p, ids in before.items()}
    assert data.manifest() != opened(whole).manifest()


@pytest.mark.parametrize("modality", ["rgb", "depth", "nir", "segmentation"])
@pytest.mark.parametrize("kept", [0, 0.3, 0.6])
def test_truncated_files_are_named_in_one_line(tree: Path, modality: str, kept: float) -> None:
    path = paths(tree, "test", "b10-07")[modality]
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(UserError, match=rf"{path.name}: cannot be decoded \(.*\); unpack .* again") as caught:
        opened(tree).sample("test/b10-07")
    assert "\n" not in str(caught.value)
    assert list(problems(tree)) == ["test/b10-07"]


def test_unknown_colours_are_void_and_counted(tree: Path) -> None:
    image = stripes(STRIPES)
    image[0, 0], image[1, 0:2], image[2, 0] = (9, 9, 9), (0, 61, 0), (5, 5, 5)
    Image.fromarray(image).save(paths(tree, "test", "b10-07")["segmentation"])
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(paths(tree, "train", "b3-495")["segmentation"])
    found = problems(tree)
    assert found.pop("test/b10-07").endswith(
        "b10-07_Clipped.png: 100 pixels of 4 unknown colours are void: 96 of (1, 2, 3), 2 of (0, 61, 0), 1 of (5, 5, 5)"
    )
    assert "image mode L, expected the official colours" in found.pop("train/b3-495")
    assert found == {}
    assert opened(tree).sample("test/b10-07")["segmentation"][:3, :2].tolist() == [[0, 1], [0, 0], [0, 1]]


def test_doubtful_names_and_sizes(tree: Path) -> None:
    for part, name in product(("train", "test"), ("b223-095", "b223-093")):
        make_frame(tree, part, name)
    shutil.copy(paths(tree, "train", "b3-495")["segmentation"], tree / "train" / "GT_color" / "b3-495_Clipped.png")
    Image.fromarray(np.zeros((12, 20), np.uint8)).save(paths(tree, "test", "b10-07")["depth"])
    found = problems(tree)
    assert found.pop("train/b3-495").endswith("b3-495_mask.png: not used, b3-495_Clipped.png is the same frame")
    assert found.pop("test/b223-093").startswith("a duplicate that the release of February 2018 lacks")
    assert "depth_gray 20 x 12" in found.pop("test/b10-07")
    assert found == dict.fromkeys(("train/b223-093", "train/b223-095"), "its name is in test/ too; not trained on")
    ids = [i for part in opened(tree).split().parts().values() for i in part]
    assert [i for i in ids if "b223" in i] == ["test/b223-095"]


def test_no_data(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give --data-root"):
        Freiburg(None, EVERYTHING)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"train/ and test/ not found in .*empty.*part-aa"):
        opened(tmp_path / "empty")
    for part in ("train", "test"):
        (tree / part).rename(tree / "away")
        with pytest.raises(UserError, match=rf"freiburg: {part}/ .*not found in .*part-aa"):
            opened(tree)
        (tree / "away").rename(tree / part)
    shutil.rmtree(tree / "test" / "nir_gray")
    with pytest.raises(UserError, match=r"no complete frame in .*test \(images: rgb/ 6, .* nir_gray/ 0, GT_color/ 6\)"):
        opened(tree)


def test_too_few_frames(tmp_path: Path) -> None:
    for part, name in (("train", "b1-5"), ("train", "b40-5"), ("test", "b1-5")):
        make_frame(tmp_path, part, name)
    with pytest.raises(UserError, match="too few training frames"):
        opened(tmp_path).split()


def test_what_a_method_may_not_see_can_be_noise(whole: Path, tree: Path, tmp_path: Path) -> None:
    split = opened(whole).split()
    seen = views(TASK, split, Access.SEEN_GROUPS)
    for group in seen:
        for sample_id in group.ids:
            for modality, path in paths(tree, *sample_id.split("/")).items():
                if modality not in group.modalities:
                    noise = np.random.default_rng(len(modality)).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
                    Image.fromarray(noise).convert("RGB" if modality == "segmentation" else "L").save(path)
    noisy = opened(tree)
    assert noisy.split() == split
    for group in seen:
        caches = [open_cache(data, "source", group.ids, 8, tmp_path / "cache") for data in (opened(whole), noisy)]
        for kind in TASK.modalities:
            one, other = (cache.read(kind.name, np.arange(len(group.ids))) for cache in caches)
            assert np.array_equal(one, other) == (kind.name in group.modalities)


def test_main_job_runs(whole: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    done = run_cli(
        "run", "--dataset", "freiburg", "--data-root", str(whole), "--methods", "mmnet,oracle", "--profile", "smoke",
        "--runs", str(tmp_path / "runs"), "--device", "cpu",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "depth -> segmentation" in done.stdout or "D → S" in done.stdout
    assert "RMSE" not in done.stdout


def test_real_frames(real_data: Path) -> None:
    if not (real_data / "freiburg").is_dir() and not (real_data / "freiburg_forest_annotated").is_dir():
        pytest.skip("no real Freiburg Forest: set MMBENCH_DATA to the folder that holds freiburg_forest_annotated/")
    data = opened(real_data)
    parts = {part: len(ids) for part, ids in data.split().parts().items()}
    assert parts["test"] == 136 and parts["validation"] >= 5
    assert abs(parts["rgb+segmentation"] - parts["rgb+depth+nir"]) <= 12
    sample = data.sample(data.split().test[0])
    assert len({array.shape[:2] for array in sample.values()}) == 1
    assert {OBSTACLE, VEGETATION} & set(np.unique(sample["segmentation"]).tolist())
