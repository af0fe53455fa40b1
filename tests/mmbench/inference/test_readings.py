"""A file is the same array to ``translate`` as to the data set that a cell was trained on, bit for bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import own_images
import pytest
from flowers_tree import make_root as flowers_tree
from freiburg_tree import make_root as freiburg_tree
from mmbench.datasets.flowers import Flowers
from mmbench.datasets.folder import Folder
from mmbench.datasets.freiburg import Freiburg
from PIL import Image
from scenenet_tree import make_root as scenenet_tree
from scenenet_tree import opened as open_scenenet
from sunrgbd_tree import TEST, TRAIN, ids37, make_archive, make_frame, make_split
from sunrgbd_tree import opened as open_sunrgbd

import mmbench
from mmbench.commands import main as cli
from mmbench.dataset import DataLimits, Dataset
from mmbench.inference.image_files import read_fitted
from mmbench.inference.stated import readings as stated_readings
from mmbench.modality.reading import as_written, reading_of
from mmbench.typed import as_dict

SIZE = 8
COUNTS = """
[modalities.rgb]
[modalities.depth]
unit = 0.0002
invalid = [0, 65535]
[modalities.nir]
range = [100, 4095]
[modalities.segmentation]
classes = ["a", "b", "c"]
ids = [2, 0, 1]
void = [255]
"""
COLOURS = """
[modalities.depth]
unit = "centimetre"
[modalities.segmentation]
classes = ["a", "b", "c"]
palette = [[9, 9, 9], [0, 0, 0], [1, 2, 3]]
void = [[255, 255, 255]]
"""
GUESSED = """
[modalities.segmentation]
classes = ["a", "b", "c"]
ids = [2, 0, 1]
void = [255]
"""
PALETTE = np.array([[255, 255, 255], [9, 9, 9], [0, 0, 0], [1, 2, 3]], np.uint8)


def counts(root: Path, draw: np.random.Generator, name: str) -> None:
    """Counts of 0.2 mm with holes, 12-bit infrared, ids in another order that start at 0, photos held upside down."""
    own_images.write(root, "depth", f"{name}.png", draw.choice(np.array([0, 9000, 20000, 65535], np.uint16), (16, 20)))
    own_images.write(root, "nir", f"{name}.png", draw.integers(0, 5000, (16, 20)).astype(np.uint16))
    own_images.write(root, "segmentation", f"{name}.png", draw.choice(np.array([0, 1, 2, 255], np.uint8), (16, 20)))
    exif = Image.Exif()
    exif[0x0112] = 3
    image = Image.fromarray(draw.integers(0, 256, (16, 20, 3), dtype=np.uint8))
    (root / "rgb").mkdir(exist_ok=True)
    image.save(root / f"rgb/{name}.jpg", exif=exif)


def colours(root: Path, draw: np.random.Generator, name: str) -> None:
    """Floating point in centimetres, labels in colours of which one is black, infrared from 0 to 1."""
    own_images.write(root, "rgb", f"{name}.png", draw.integers(0, 256, (16, 20, 3), dtype=np.uint8))
    own_images.write(root, "depth", f"{name}.npy", draw.uniform(-9, 300, (16, 20)).astype(np.float32))
    own_images.write(root, "nir", f"{name}.npy", draw.uniform(0, 1, (16, 20)))
    own_images.write(root, "segmentation", f"{name}.png", PALETTE[draw.integers(0, 4, (16, 20))])


def make_folder(
    root: Path, text: str, make: Callable[[Path, np.random.Generator, str], None], number: int = 20
) -> Path:
    draw = np.random.default_rng(0)
    root.mkdir()
    for index in range(number):
        make(root, draw, f"{index:02d}")
    (root / "dataset.toml").write_text(text)
    return root


def own(root: Path, text: str, make: Any) -> tuple[Dataset, str, dict[str, Path]]:
    dataset = Folder(make_folder(root, text, make), DataLimits())
    return dataset, "03", {name: root / images["03"].path for name, images in dataset.files.images.items()}


def sunrgbd(root: Path) -> tuple[Dataset, str, dict[str, Path]]:
    tree = root / "SUNRGBD"
    for frame in (*TRAIN, *TEST):
        make_frame(tree, frame)
    make_split(tree, TRAIN, TEST)
    make_archive(root / "sunrgbd_train_test_labels", "img", [ids37(frame) for frame in (*TEST, *TRAIN)])
    dataset = open_sunrgbd(root)
    shown = dataset.frames[TEST[3]]
    labels = root / "sunrgbd_train_test_labels" / "img-000004.png"
    return dataset, shown.id, {"rgb": shown.path("rgb"), "depth": shown.path("depth"), "segmentation": labels}


def scenenet(root: Path) -> tuple[Dataset, str, dict[str, Path]]:
    dataset = open_scenenet(scenenet_tree(root), depth="z")
    sample_id = dataset.split().test[0]
    video, _, frame = sample_id.rpartition("/")
    paths = {
        name: next(root.rglob(f"{video}/{folder}/{frame}.*")) for name, folder in (("rgb", "photo"), ("depth", "depth"))
    }
    return dataset, sample_id, paths


def freiburg(root: Path) -> tuple[Dataset, str, dict[str, Path]]:
    dataset = Freiburg(freiburg_tree(root), DataLimits())
    sample_id = dataset.split().test[0]
    return dataset, sample_id, {name: path for name, (path, _) in dataset.frames[sample_id].files.items()}


def flowers(root: Path) -> tuple[Dataset, str, dict[str, Path]]:
    dataset = Flowers(flowers_tree(root), DataLimits())
    sample_id = dataset.split().test[0]
    return (
        dataset,
        sample_id,
        dict.fromkeys(("theta1", "theta2", "theta3"), dataset.folder / "jpg" / f"{sample_id}.jpg"),
    )


SETS: Mapping[str, Callable[[Path], tuple[Dataset, str, dict[str, Path]]]] = {
    "folder of counts": lambda root: own(root / "a", COUNTS, counts),
    "folder of colours": lambda root: own(root / "a", COLOURS, colours),
    "sunrgbd": sunrgbd,
    "scenenet": scenenet,
    "freiburg": freiburg,
    "flowers": flowers,
}


@pytest.mark.parametrize("name", SETS)
def test_a_recorded_reading_gives_the_array_that_is_trained_on(name: str, tmp_path: Path) -> None:
    dataset, sample_id, paths = SETS[name](tmp_path)
    (expected,) = dataset.load([sample_id], SIZE)
    recorded = json.loads(json.dumps(as_dict(dataset.readings())))
    modalities = {modality.name: modality for modality in dataset.task.modalities}
    assert set(paths) == set(recorded)
    for modality, path in paths.items():
        made, _ = reading_of(recorded[modality]).fitted(path, modalities[modality], SIZE)
        assert made.dtype == expected[modality].dtype
        np.testing.assert_array_equal(made, expected[modality], modality)
        plain = as_written(modalities[modality])
        if modality != "rgb" and name != "flowers":
            assert reading_of(recorded[modality]) != plain, "nothing is special, and nothing is tested"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[tuple[Path, Path]]:
    """A folder of own images, and a cell that was trained on it."""
    root = tmp_path_factory.mktemp("declared")
    folder = make_folder(root / "mine", COUNTS, counts)
    states = mmbench.run(["mmnet"], str(folder), "smoke", runs=root / "runs", jobs=1, cache=cache_folder)
    assert set(states.values()) == {"done"}
    yield folder, root / "runs/folder-mine/smoke/mmnet/seed-0"


def test_files_are_translated_as_the_cells_own_samples(trained: tuple[Path, Path]) -> None:
    folder, cell = trained
    result = json.loads((cell / "result.json").read_text())
    samples = np.load(cell / "samples/samples.npz")
    translator = mmbench.load_translator(cell)
    test = Folder(folder, DataLimits(**result["profile_values"]["data"])).split().test
    compared = 0
    for number, row in enumerate(result["rows"]):
        if str(number) not in samples or "+" in row["inputs"] or row["via"]:
            continue
        paths = [next((folder / row["inputs"]).glob(f"{sample_id}.*")) for sample_id in test]
        batch = np.stack([translator.read(path, row["inputs"]) for path in paths])
        made = translator.translate({row["inputs"]: batch}, row["output"])
        np.testing.assert_array_equal(made[: len(samples[str(number)])], samples[str(number)], str(row))
        compared += 1
    assert compared > 3


def test_a_folders_limits_are_the_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Units and ranges that were guessed hold for no value beyond what the guess was made from."""
    monkeypatch.setattr("mmbench.datasets.folder.look.LOOK", 10)
    root = make_folder(tmp_path / "a", GUESSED, counts)
    for path in (root / "depth").iterdir():
        Image.fromarray(np.minimum(np.asarray(Image.open(path)), 20000)).save(path)
    own_images.write(root, "depth", "03.png", np.full((16, 20), 65535, np.uint16))
    own_images.write(root, "nir", "03.png", np.full((16, 20), 9000, np.uint16))
    dataset = Folder(root, DataLimits())
    recorded = {name: reading_of(value) for name, value in json.loads(json.dumps(as_dict(dataset.readings()))).items()}
    modalities = {modality.name: modality for modality in dataset.task.modalities}

    def read(modality: str, *stated: str, unit: str | None = None) -> float:
        readings = stated_readings(stated, modalities, recorded, unit)
        return float(read_fitted(root / modality / "03.png", modalities[modality], readings, SIZE).array.max())

    for modality, expected in (("depth", "depth of 65535"), ("nir", "values from 9000 to 9000, beyond the range")):
        with pytest.raises(mmbench.UserError, match=rf"03\.png: {expected}.*; if .* add --read {modality}=written"):
            read(modality)
    assert read("depth", "depth.invalid=[0, 65535]") == 0
    assert read("depth", "depth.far=66") == read("depth", unit="millimetre") == pytest.approx(65.535)
    assert read("nir", "nir.clip=true") == read("nir", "nir.range=[0, 4095]") == 1


def test_options_state_how_other_files_are_read(trained: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    translator = mmbench.load_translator(trained[1])
    Image.fromarray(np.full((16, 16), 500, np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(np.full((16, 16), 3, np.uint8)).save(tmp_path / "b.png")

    def read(name: str, modality: str, *stated: str, unit: str | None = None) -> float:
        readings = stated_readings(stated, translator.modalities, translator.readings, unit)
        array, _ = readings[modality].fitted(tmp_path / name, translator.modalities[modality], translator.size)
        assert len(np.unique(array)) == 1
        return float(array.flat[0])

    assert read("a.png", "depth") == pytest.approx(0.1)
    assert read("a.png", "depth", unit="millimetre") == read("a.png", "depth", "depth=written") == pytest.approx(0.5)
    assert read("a.png", "depth", "depth.invalid=500") == 0
    assert read("a.png", "nir", "nir.range=[0, 1000]") == 0
    assert read("b.png", "segmentation", "segmentation=written") == 3
    assert read("b.png", "segmentation", "segmentation.ids=[3, 1, 0]") == 1
    assert read("b.png", "segmentation", "segmentation.void=[3, 255]") == 0
    with pytest.raises(mmbench.UserError, match=r"b\.png: class id 3 at .*; if .* add --read segmentation=written"):
        translator.read(tmp_path / "b.png", "segmentation")


BAD = {
    "dept=written": "no modality named 'dept' (did you mean 'depth'",
    "depth": "expected --read depth=written",
    "depth.units=metre": "(did you mean 'unit'",
    "depth.unit=yards": "no such unit",
    "depth.invalid=none": "expected float",
    "rgb.range=[0, 1]": "expected --read rgb=written for the form that translate writes (docs",
    "nir.range=[2, 1]": "expected [lowest, highest]",
    "nir.range=3": "expected a list",
    "nir.clip=0": "expected bool",
    "depth.far=-1": "expected metres, or 0 for no limit",
    "segmentation.ids=[1, 2]": "2 values; expected one of its own for each class: a, b, c",
    "segmentation.palette=[[1, 2], [3, 4], [5, 6]]": "expected colours such as",
}


@pytest.mark.parametrize("item", BAD)
def test_what_does_not_fit_is_one_line_that_names_the_option(item: str, trained: tuple[Path, Path]) -> None:
    translator = mmbench.load_translator(trained[1])
    with pytest.raises(mmbench.UserError) as raised:
        stated_readings([item], translator.modalities, translator.readings)
    assert str(raised.value).startswith(f"--read {item}: ")
    assert BAD[item] in str(raised.value)


def test_a_cell_without_record_asks_or_takes_its_data_set(
    trained: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    folder, cell = trained
    older = tmp_path / "seed-0"
    shutil.copytree(cell, older, ignore=shutil.ignore_patterns("digests.json"))
    result = json.loads((older / "result.json").read_text())
    del result["readings"]
    (older / "result.json").write_text(json.dumps(result))
    translator = mmbench.load_translator(older)
    assert translator.read(folder / "rgb/03.jpg", "rgb").shape == (16, 16, 3)
    with pytest.raises(mmbench.UserError, match=r"03\.png: it is not known how files of depth .* --read depth=written"):
        translator.read(folder / "depth/03.png", "depth")
    assert mmbench.load_translator(older, data_root=folder).readings == mmbench.load_translator(cell).readings
    assert "not those that" not in caplog.text
    for damaged in ({"depth": {"kind": "depth", "metre": 1}}, {"depth": {"kind": "deep"}}, {"depth": 3}):
        (older / "result.json").write_text(json.dumps({**result, "readings": damaged}))
        with pytest.raises(mmbench.UserError, match=r"result\.json: (readings\.depth: unknown key|damaged)"):
            mmbench.load_translator(older)


def test_outputs_of_the_inputs_size(trained: tuple[Path, Path], tmp_path: Path) -> None:
    folder, cell = trained
    arguments = ["translate", "--run", str(cell), "--from", "rgb", "--to", "segmentation", str(folder / "rgb/03.jpg")]
    assert cli.main([*arguments, "--out", str(tmp_path / "cell")]) == 0
    assert cli.main([*arguments, "--size", "input", "--out", str(tmp_path / "input")]) == 0
    small, whole = (np.asarray(Image.open(tmp_path / size / "03-segmentation.png")) for size in ("cell", "input"))
    assert small.shape == (16, 16)
    assert whole.shape == (16, 20)
    np.testing.assert_array_equal(whole[:, 2:18], small)
    assert not whole[:, :2].any()
    assert not whole[:, 18:].any()
