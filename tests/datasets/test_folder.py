"""A folder of one's own images: values by hand, what goes where, what is found, and that it reads back the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmbench.datasets.folder import Folder, describe
from mmbench.datasets.folder.discover import distinct
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.modality import Depth, Segmentation
from mmbench.training.cache import open_cache

EVERYTHING = DataLimits()
HEIGHT, WIDTH = 16, 20


@pytest.fixture
def root(own_images: Path) -> Path:
    return own_images


def toml(root: Path, text: str) -> None:
    (root / "dataset.toml").write_text(text)


def test_without_a_description(root: Path) -> None:
    data = Folder(root, EVERYTHING)
    task = data.task
    assert [(m.name, m.kind) for m in task.modalities] == [
        ("rgb", "rgb"), ("depth", "depth"), ("segmentation", "segmentation")
    ]  # fmt: skip
    assert [group.name for group in task.groups] == ["rgb+segmentation", "rgb+depth"]
    assert [row.name for row in task.unseen] == ["depth -> segmentation", "segmentation -> depth"]
    assert [row.name for row in task.seen] == ["rgb -> depth", "rgb -> segmentation"]
    assert [(row.name, row.weights, row.side_from) for row in task.multi_modal] == [
        ("rgb+depth -> segmentation", (0.8, 0.2), "rgb"),
        ("rgb+segmentation -> depth", (0.8, 0.2), "rgb"),
    ]
    labels, metres = task.modality("segmentation"), task.modality("depth")
    assert isinstance(labels, Segmentation) and labels.classes == ("class 1", "class 2", "class 3")
    assert len(set(labels.palette)) == 4 and labels.palette[0] == (0, 0, 0)
    assert isinstance(metres, Depth) and metres.centre == pytest.approx(2.25, rel=0.05)  # the median of 0.5 to 4 m
    assert data.note == (
        "40 rgb, 40 depth, 40 segmentation, 40 samples with all of them, depth taken to be in millimetres, "
        "3 classes found in segmentation (ids 1, 2, 3; 0 is void)"
    )
    assert list(data.verify()) == []


def test_near_infrared_joins_depth(root: Path, add_sample: Callable[..., None]) -> None:
    for path in sorted((root / "rgb").iterdir()):
        add_sample(root, path.stem, "nir")
    task = Folder(root, EVERYTHING).task
    assert [group.name for group in task.groups] == ["rgb+segmentation", "rgb+depth+nir"]
    assert [row.name for row in task.unseen] == [
        "depth -> segmentation", "nir -> segmentation", "segmentation -> depth", "segmentation -> nir"
    ]  # fmt: skip
    (three,) = (row for row in task.multi_modal if len(row.inputs) == 3)
    assert (three.name, three.weights) == ("rgb+depth+nir -> segmentation", (0.8, 0.1, 0.1))
    assert task.modality("nir").loss_name == "berhu"


@pytest.mark.parametrize(
    ("name", "stored", "metres"),
    [
        ("a.png", np.array([[0, 1500], [2503, 65535]], np.uint16), [[0, 1.5], [2.503, 65.535]]),
        ("a.tiff", np.array([[0, 1500], [2503, 65535]], np.uint16), [[0, 1.5], [2.503, 65.535]]),
        ("a.npy", np.array([[0, 1500], [2503, 65535]], ">u2"), [[0, 1.5], [2.503, 65.535]]),
        ("a.npy", np.array([[np.nan, 1.5], [-2.0, np.inf]], np.float64), [[0, 1.5], [0, 0]]),
        ("a.tif", np.array([[0.0, 1.5], [2.5, 3.25]], np.float32), [[0, 1.5], [2.5, 3.25]]),
        ("a.npy", np.array([[[0.5], [1.5]], [[2.5], [0.0]]], np.float16), [[0.5, 1.5], [2.5, 0]]),
    ],
)
def test_depth_by_hand(
    tmp_path: Path, name: str, stored: np.ndarray, metres: list[list[float]], write_image: Callable[..., None]
) -> None:
    write_image(tmp_path, "rgb", "a.png", np.zeros((2, 2, 3), np.uint8))
    write_image(tmp_path, "segmentation", "a.png", np.array([[1, 1], [2, 2]], np.uint8))
    write_image(tmp_path, "depth", name, stored)
    toml(tmp_path, "[modalities.depth]\ninvalid = 0\n")
    depth = Folder(tmp_path, EVERYTHING).sample("a")["depth"]
    np.testing.assert_array_equal(depth, np.array(metres, np.float32), strict=True)


def test_depth_as_described(root: Path, write_image: Callable[..., None]) -> None:
    toml(root, "[modalities.depth]\nunit = 0.0001\ninvalid = [0, 65535]\n")
    write_image(root, "depth", "room0_000.png", np.full((HEIGHT, WIDTH), 65535, np.uint16))
    write_image(root, "depth", "room0_001.png", np.full((HEIGHT, WIDTH), 12345, np.uint16))
    data = Folder(root, EVERYTHING)
    assert not data.sample("room0_000")["depth"].any()
    assert (data.sample("room0_001")["depth"] == np.float32(1.2345)).all()


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [-1, 1]),
        (np.array([[0, 51]], np.uint8), [-1, -0.6]),
        (np.array([[0, 4000]], np.uint16), [-1, 4000 / 4095 * 2 - 1]),  # twelve bits are used
        (np.array([[0, 65535]], np.uint16), [-1, 1]),
        (np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8), [-1, 1]),  # grey saved in three channels
    ],
)
def test_near_infrared_by_hand(
    tmp_path: Path, stored: np.ndarray, expected: list[float], write_image: Callable[..., None]
) -> None:
    write_image(tmp_path, "rgb", "a.png", np.zeros((1, 2, 3), np.uint8))
    write_image(tmp_path, "segmentation", "a.png", np.array([[1, 2]], np.uint8))
    write_image(tmp_path, "nir", "a.png", stored)
    nir = Folder(tmp_path, EVERYTHING).sample("a")["nir"]
    assert nir.dtype == np.float32
    np.testing.assert_allclose(nir, [expected], atol=1e-6)
    toml(tmp_path, "[modalities.nir]\nrange = [0, 51]\n")
    assert Folder(tmp_path, EVERYTHING).sample("a")["nir"].max() == 1


def test_class_ids_of_every_file_type(root: Path, write_image: Callable[..., None]) -> None:
    toml(root, '[modalities.segmentation]\nclasses = ["floor", "wall"]\nids = [7, 300]\nvoid = [0, 255]\n')
    stored = np.array([[0, 7], [255, 7]], np.uint8).repeat(8, 0).repeat(10, 1)
    expected = np.array([[0, 1], [0, 1]], np.uint8).repeat(8, 0).repeat(10, 1)
    indexed = Image.fromarray(stored, mode="P")
    indexed.putpalette([value for colour in ((0, 0, 0), *distinct(255)) for value in colour])
    (root / "segmentation" / "room0_000.png").unlink()
    indexed.save(root / "segmentation" / "room0_000.png")
    write_image(root, "segmentation", "room0_001.png", stored)
    (root / "segmentation" / "room0_002.png").unlink()
    write_image(root, "segmentation", "room0_002.tif", np.where(stored == 7, 300, stored.astype(np.uint16)))
    (root / "segmentation" / "room0_003.png").unlink()
    write_image(root, "segmentation", "room0_003.npy", stored.astype(np.int64))
    data = Folder(root, EVERYTHING)
    for number, ids in ((0, expected), (1, expected), (2, expected * 2), (3, expected)):
        made = data.sample(f"room0_{number:03d}")["segmentation"]
        assert made.dtype == np.uint8
        np.testing.assert_array_equal(made, ids)


def test_colours(root: Path) -> None:
    colours = np.array([[0, 0, 0], [200, 0, 0], [0, 0, 90], [128, 128, 128]], np.uint8)
    for path in sorted((root / "segmentation").iterdir()):
        Image.fromarray(colours[np.asarray(Image.open(path))]).save(path)
    data = Folder(root, EVERYTHING)
    found = data.task.modality("segmentation")
    assert isinstance(found, Segmentation) and found.classes == ("class 1", "class 2", "class 3")
    # Sorted by red, then green, then blue; black is void.
    assert found.palette == ((0, 0, 0), (0, 0, 90), (128, 128, 128), (200, 0, 0))
    stored = np.asarray(Image.open(root / "segmentation" / "room0_000.png"))
    np.testing.assert_array_equal(np.array(found.palette)[data.sample("room0_000")["segmentation"]], stored)
    toml(root, '[modalities.segmentation]\nclasses = ["a", "b"]\npalette = [[200, 0, 0], [0, 0, 90]]\n'
               "void = [[0, 0, 0], [128, 128, 128]]\n")  # fmt: skip
    made = Folder(root, EVERYTHING).sample("room0_000")["segmentation"]
    np.testing.assert_array_equal(made, (stored == (200, 0, 0)).all(-1) + 2 * (stored == (0, 0, 90)).all(-1))


def test_palettes_of_any_length_are_distinct() -> None:
    for count in (1, 13, 255):
        assert len({(0, 0, 0), *distinct(count)}) == count + 1


def test_split_of_complete_samples(root: Path) -> None:
    split = Folder(root, EVERYTHING).split()
    sizes = {part: len(ids) for part, ids in split.parts().items()}
    assert sizes == {"rgb+segmentation": 15, "rgb+depth": 15, "validation": 2, "test": 8}
    limited = Folder(root, DataLimits(train=4, validation=1, test=3)).split()
    for part, ids in limited.parts().items():
        assert ids == split.parts()[part][: len(ids)]
    assert [len(ids) for ids in limited.parts().values()] == [4, 4, 1, 3]


def test_scenes_stay_in_one_part(root: Path) -> None:
    toml(root, "scene = '^(room[0-9]+)_'\n")
    parts = Folder(root, EVERYTHING).split().parts()
    owners: dict[str, set[str]] = {}
    for part, ids in parts.items():
        for sample in ids:
            owners.setdefault(sample.split("_")[0], set()).add(part)
    assert len(owners) == 10
    assert all(len(found) == 1 for found in owners.values())
    # Ten rooms of four: 20 % are two rooms, 5 % is less than one.
    sizes = {part: len(ids) for part, ids in parts.items()}
    assert sizes == {"rgb+segmentation": 16, "rgb+depth": 12, "validation": 4, "test": 8}


def test_subfolders_are_scenes(tmp_path: Path, add_sample: Callable[..., None]) -> None:
    for number in range(24):
        add_sample(tmp_path, f"drive{number % 6}/{number:02d}")
    data = Folder(tmp_path, EVERYTHING)
    parts = data.split().parts()
    assert sum(map(len, parts.values())) == 24
    drives = [{sample.split("/")[0] for sample in ids} for ids in parts.values()]
    assert sum(map(len, drives)) == 6
    assert set(data.sample("drive1/07")) == {"rgb", "depth", "segmentation"}


def test_lists(root: Path) -> None:
    (root / "test.txt").write_text("room0_000\nroom0_001\n\n")
    toml(
        root, '[split]\ntest = "test.txt"\nvalidation = ["room1_004"]\ntrain."rgb+depth" = ["room2_008", "room2_009"]\n'
    )
    parts = Folder(root, EVERYTHING).split().parts()
    assert {part: len(ids) for part, ids in parts.items()} == {
        "rgb+segmentation": 35, "rgb+depth": 2, "validation": 1, "test": 2
    }  # fmt: skip
    assert set(parts["test"]) == {"room0_000", "room0_001"}


def test_groups_choose_the_modalities(
    root: Path, write_image: Callable[..., None], add_sample: Callable[..., None]
) -> None:
    write_image(root, "heat", "room0_000.npy", np.linspace(0, 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH))
    add_sample(root, "unrelated", "nir")
    toml(root, 'groups = ["rgb + depth", "rgb+warm"]\n[modalities.warm]\nkind = "scalar"\nfolder = "heat"\n')
    data = Folder(root, EVERYTHING)
    assert [m.name for m in data.task.modalities] == ["rgb", "depth", "warm"]
    assert [row.name for row in data.task.unseen] == ["warm -> depth", "depth -> warm"]
    assert data.sample("room0_000")["warm"].min() == -1


def test_manifest_knows_content_but_no_path(root: Path, tmp_path: Path) -> None:
    before = Folder(root, EVERYTHING).manifest()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(root, elsewhere)
    assert Folder(elsewhere, EVERYTHING).manifest() == before
    toml(elsewhere, "[split]\ntest = 0.3\n")
    assert Folder(elsewhere, EVERYTHING).manifest() != before
    with (root / "rgb" / "room0_000.jpg").open("ab") as file:
        file.write(b"more")
    assert Folder(root, EVERYTHING).manifest() != before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scene = '^(room\\d+)_'\n[split]\ntest = 0.3\n[split.train]\n'rgb+depth+nir' = ['room0_000']\n",
        '[modalities.depth]\nunit = "centimetre"\ninvalid = [0, 65535]\n[modalities.segmentation]\nvoid = [0, 3]\n',
        'groups = ["rgb+depth", "rgb+segmentation"]\n[modalities.segmentation]\nclasses = ["a \\"b\\"", "Tür", "c"]\n',
    ],
)
def test_description_reads_back_as_the_same_data_set(root: Path, text: str, add_sample: Callable[..., None]) -> None:
    for name in sorted(path.stem for path in (root / "rgb").iterdir())[:20]:
        add_sample(root, name, "nir")
    if text:
        toml(root, text)
    before = Folder(root, EVERYTHING)
    written = describe(root)
    toml(root, written)
    after = Folder(root, EVERYTHING)
    assert after.description == before.description
    assert after.task == before.task
    assert after.manifest() == before.manifest()
    assert after.split() == before.split()
    assert describe(root) == written


def test_description_says_what_was_found(root: Path, add_sample: Callable[..., None]) -> None:
    (root / "segmentation" / "room0_000.png").unlink()
    add_sample(root, "lost", "depth")
    text = describe(root)
    for said in (
        "#   rgb + depth + segmentation: 39",
        "#   rgb + depth: 1",
        "# Not used: 1 file without rgb, such as depth/lost.png",
        'unit = "millimetre"',
        '"class 1",  # id 1: 33.3 % of the labelled pixels, in 39 of 39 images',
        "ids = [1, 2, 3]",
        "In the files: uint16 from 5",
    ):
        assert said in text
    commented = [row for row in text.splitlines() if row.startswith("#")]
    assert len(commented) > 15


def test_goes_through_the_cache_with_gaps(tmp_path: Path, add_sample: Callable[..., None]) -> None:
    for number in range(3):
        add_sample(tmp_path / "images", f"old{number}", "rgb", "segmentation")
        add_sample(tmp_path / "images", f"new{number}", "rgb", "depth")
    for number in range(4):
        add_sample(tmp_path / "images", f"both{number}")
    data = Folder(tmp_path / "images", EVERYTHING)
    ids = [sample for part in data.split().parts().values() for sample in part]
    cache = open_cache(data, "source", ids, 8, tmp_path / "cache")
    (expected,) = data.load(["new1"], 8)
    np.testing.assert_array_equal(cache.read("depth", cache.index(["new1"]))[0], expected["depth"])
    with pytest.raises(KeyError, match="new1 has no segmentation"):
        cache.read("segmentation", cache.index(["new1"]))


def test_the_main_job(root: Path, tmp_path: Path, run_cli: Callable[..., Any]) -> None:
    done = run_cli("run", "--methods", "mmnet,oracle", "--profile", "smoke", "--dataset", "folder",
                   "--data-root", str(root), "--runs", str(tmp_path / "runs"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "class 3" in done.stdout


def test_what_a_method_may_not_see_can_be_noise(root: Path, bench_of: Callable[..., Any], tmp_path: Path) -> None:
    bench_of("folder", root).check_guard("mmnet", tmp_path)
