"""Arrays to files and back, and files that other programs made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmbench.errors import UserError
from mmbench.inference.image_files import read_fitted, save
from mmbench.inference.stated import readings
from mmbench.modality import Depth, Modality, Rgb, Scalar, Segmentation
from mmbench.modality.reading import as_written

PALETTE = ((0, 0, 0), (200, 10, 10), (10, 200, 10))
RGB, DEPTH, NIR = Rgb("rgb"), Depth("depth"), Scalar("nir")
LABELS = Segmentation("segmentation", classes=("a", "b"), palette=PALETTE)
IDS = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
METRES = np.array([[0.0, 0.5, 1.234], [2.0, 7.0, 65.0]], np.float32)


def read(path: Path, modality: Modality, *stated: str) -> np.ndarray:
    """A file in mmbench's own form, or as ``--read`` states it; a square, not resized."""
    known = readings(stated, {modality.name: modality}, {modality.name: as_written(modality)})
    read_fitted(path, modality, known, 4)
    return modality.checked(known[modality.name].read(path)[None])[0]


def written(folder: Path, modality: Modality, array: np.ndarray) -> list[Path]:
    paths = save(folder, modality.files_of("a", array))
    assert [path.name for path in paths] == list(modality.names_of("a"))
    return paths


def test_what_is_written_is_read_back(tmp_path: Path, rng: np.random.Generator) -> None:
    colours = rng.integers(0, 256, (4, 5, 3)).astype(np.uint8)
    (path,) = written(tmp_path, RGB, colours)
    assert np.array_equal(read(path, RGB), colours)
    for path in written(tmp_path, LABELS, IDS):  # ids and colours alike
        assert np.array_equal(read(path, LABELS), IDS)
    depth, _ = written(tmp_path, DEPTH, METRES)
    assert read(depth, DEPTH) == pytest.approx(METRES, abs=0.0005)
    values = rng.uniform(-1, 1, (4, 5)).astype(np.float32)
    grey, exact = written(tmp_path, NIR, values)
    assert read(grey, NIR) == pytest.approx(values, abs=1 / 255)
    assert np.array_equal(read(exact, NIR), values)


def test_units_of_depth(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 5000]], np.uint16)).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png", DEPTH).tolist() == [[0.0, 5.0]]
    assert read(tmp_path / "a.png", DEPTH, "depth.unit=0.0002").tolist() == [[0.0, 1.0]]
    assert read(tmp_path / "a.png", DEPTH, "depth.unit=centimetre").tolist() == [[0.0, 50.0]]
    np.save(tmp_path / "a.npy", np.array([[np.nan, -1.0, 2.0, np.inf]]))
    assert read(tmp_path / "a.npy", DEPTH, "depth.unit=centimetre").tolist() == [[0.0, 0.0, 2.0, 0.0]]
    Image.fromarray(METRES).save(tmp_path / "a.tif")
    assert np.array_equal(read(tmp_path / "a.tif", DEPTH), METRES)
    for text in ("0", "-1", "nan", "yards"):
        with pytest.raises(UserError, match=f"--read depth.unit={text}"):
            read(tmp_path / "a.png", DEPTH, f"depth.unit={text}")


def test_a_palette_file_goes_by_its_colours_where_they_are_the_modalitys(tmp_path: Path) -> None:
    turned = Image.fromarray(2 - IDS)
    turned.putpalette([value for colour in PALETTE[::-1] for value in colour])
    turned.save(tmp_path / "turned.png")
    assert np.array_equal(read(tmp_path / "turned.png", LABELS), IDS)
    foreign = Image.fromarray(IDS)
    foreign.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    foreign.save(tmp_path / "foreign.png")
    assert np.array_equal(read(tmp_path / "foreign.png", LABELS), IDS)


def test_classes_that_share_a_colour_are_told_apart_by_ids_alone(tmp_path: Path) -> None:
    alike = Segmentation("segmentation", classes=("a", "b"), palette=((0, 0, 0), (9, 9, 9), (9, 9, 9)))
    ids, colours = written(tmp_path, alike, IDS)
    assert np.array_equal(read(ids, alike), IDS)
    with pytest.raises(UserError, match="share a colour"):
        read(colours, alike)


def test_photos_are_turned_as_the_camera_noted(tmp_path: Path) -> None:
    colours = np.zeros((4, 6, 3), np.uint8)
    colours[:, :3] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # held upright
    Image.fromarray(colours).save(tmp_path / "a.jpg", exif=exif, quality=100)
    made = read(tmp_path / "a.jpg", RGB)
    assert made.shape == (6, 4, 3)
    assert made[:2].min() > 200


def npy(path: Path, array: Any) -> None:
    np.save(path, array, allow_pickle=True)


def png(path: Path, array: np.ndarray) -> None:
    Image.fromarray(array).save(path)


BAD: list[tuple[Modality, str, Any, str]] = [
    (DEPTH, "a.png", np.zeros((2, 2), np.uint8), "8-bit depth"),
    (DEPTH, "a.jpg", np.zeros((2, 2), np.uint8), "JPEG changes the values of depth"),
    (DEPTH, "a.npy", np.array([{}]), "pickled Python objects, which are never read"),
    (RGB, "a.png", np.zeros((2, 2), np.uint16), "expected 8-bit colours"),
    (RGB, "a.npy", np.zeros((2, 2, 3), np.float32), "float32 (2, 2, 3); expected uint8 (height, width, 3)"),
    (RGB, "a.npy", np.zeros((2, 2), np.uint8), "uint8 (2, 2); expected uint8 (height, width, 3)"),
    (
        LABELS,
        "a.png",
        np.full((2, 2), 3, np.uint8),
        "class id 3 at row 0, column 0 (4 such pixels) is neither void nor among the ids 1, 2",
    ),
    (
        LABELS,
        "a.png",
        np.full((2, 2, 3), 77, np.uint8),
        "colour (77, 77, 77) at row 0, column 0 (4 such pixels) is neither void nor among the palette",
    ),
    (LABELS, "a.npy", np.zeros((2, 2), np.float32), "expected whole class ids"),
    (NIR, "a.png", np.full((2, 2, 3), (1, 2, 3), np.uint8), "a colour image; expected one channel of grey"),
    (NIR, "a.npy", np.full((2, 2), 1.5, np.float32), "values from 1.5 to 1.5; expected -1 to 1"),
    (NIR, "a.npy", np.full((2, 2), np.nan, np.float32), "not finite"),
]


@pytest.mark.parametrize(("modality", "name", "array", "expected"), BAD)
def test_other_files_are_refused_in_one_line(
    modality: Modality, name: str, array: Any, expected: str, tmp_path: Path
) -> None:
    (npy if name.endswith(".npy") else png)(tmp_path / name, array)
    with pytest.raises(UserError) as raised:
        read(tmp_path / name, modality)
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_damaged_files_are_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    (npy if name == "a.npy" else png)(path, np.zeros((40, 40), np.float32 if name == "a.npy" else np.uint16))
    for kept in (path.stat().st_size // 2, 3, 0):
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(UserError, match=r"cannot be decoded|not an array written"):
            read(path, DEPTH)


def test_files_are_opened_as_those_of_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other programs, no wrong checksum, no limitless size, in spite of the name."""
    path = tmp_path / "a.png"
    png(path, np.random.default_rng(0).integers(1, 65535, (9, 9), dtype=np.uint16))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    with pytest.raises(UserError, match=r"a\.png: cannot be decoded"):
        read(path, DEPTH)
    Image.fromarray(IDS).save(path, "gif")
    with pytest.raises(UserError, match=r"a\.png: cannot be decoded \(not an image of PNG"):
        read(path, LABELS)
    png(path, IDS)
    monkeypatch.setenv("MMBENCH_MAX_PIXELS", "5")
    with pytest.raises(UserError, match=r"a\.png: cannot be decoded \(3 x 2 pixels, more than 5"):
        read(path, LABELS)
    monkeypatch.setenv("MMBENCH_MAX_PIXELS", "few")
    with pytest.raises(UserError, match=r"^MMBENCH_MAX_PIXELS='few'"):
        read(path, LABELS)


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        save(tmp_path / "file", {"a.png": b""})
