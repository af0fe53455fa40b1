"""Arrays to files and back, and files that other programs made."""

from __future__ import annotations

import json
import struct
import zlib
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
from mmbench.typed import as_dict

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


def raw_png(bits: int, colour: int, width: int, row: bytes) -> bytes:
    """A PNG of one row, of forms that Pillow does not write; ``colour`` is PNG's number of the kind of pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")


GREY, COLOUR, GREY_ALPHA = 0, 2, 4
ALTERED = {
    "2-bit grey": (raw_png(2, GREY, 4, b"\x1b"), "grey of fewer than 8 bits: "),
    "4-bit grey": (raw_png(4, GREY, 2, b"\x12"), "grey of fewer than 8 bits: "),
    "16-bit colours": (raw_png(16, COLOUR, 1, struct.pack(">3H", 300, 300, 300)), "several channels that have not 8 "),
    "16-bit grey, alpha": (raw_png(16, GREY_ALPHA, 1, struct.pack(">2H", 300, 65535)), "several channels that have no"),
    "PGM of 12 bits": (b"P5 2 1 4095\n" + struct.pack(">2H", 1, 2), "values of which 4095 is white: "),
    "PGM of 7 bits": (b"P5 2 1 100\n\1\2", "values of which 100 is white: "),
    "PGM as text": (b"P2 2 1 100\n1 2\n", "values of which 100 is white: "),
    "PPM of 16 bits": (b"P6 1 1 65535\n" + struct.pack(">3H", 300, 300, 300), "values of which 65535 is white: "),
    "PBM": (b"P4 2 1\n\x40", "grey whose 0 is white: "),
}


@pytest.mark.parametrize("form", ALTERED)
@pytest.mark.parametrize(("modality", "stated"), [(NIR, ["nir.range=[0, 4095]"]), (DEPTH, []), (LABELS, [])])
def test_values_that_pillow_changes_are_refused(
    modality: Modality, stated: list[str], form: str, tmp_path: Path
) -> None:
    """It scales them, inverts them or cuts them to 8 bits."""
    content, said = ALTERED[form]
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError) as raised:
        read(tmp_path / "a.png", modality, *stated)
    assert str(raised.value).startswith(f"{tmp_path / 'a.png'}: {said}")
    assert "save the same values as 8- or 16-bit grey" in str(raised.value)


@pytest.mark.parametrize(("form", "expected"), [("4-bit grey", [17, 34]), ("PGM of 7 bits", [3, 5]), ("PBM", [255, 0])])
def test_as_colours_they_look_right(form: str, expected: list[int], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(ALTERED[form][0])
    assert read(tmp_path / "a.png", RGB).tolist() == [[[value] * 3 for value in expected]]


def test_white_may_not_be_0(tmp_path: Path) -> None:
    Image.fromarray(IDS).save(tmp_path / "a.tif", tiffinfo={262: 0})
    with pytest.raises(UserError, match=r"a\.tif: grey whose 0 is white"):
        read(tmp_path / "a.tif", LABELS)


@pytest.mark.parametrize(
    ("modality", "stated", "content", "expected"),
    [
        (LABELS, [], b"P5 2 1 255\n\1\2", [[1, 2]]),
        (LABELS, [], b"P2 2 1 255\n1 2\n", [[1, 2]]),
        (LABELS, [], raw_png(1, GREY, 2, b"\x40"), [[0, 1]]),
        (LABELS, [], raw_png(8, GREY_ALPHA, 2, b"\1\xff\2\xff"), [[1, 2]]),
        (DEPTH, [], b"P5 2 1 65535\n" + struct.pack(">2H", 500, 1000), [[0.5, 1]]),
        (NIR, [], raw_png(1, GREY, 2, b"\x40"), [[-1, 1]]),
        (NIR, ["nir.range=[0, 400]"], raw_png(16, GREY, 2, struct.pack(">2H", 300, 100)), [[0.5, -0.5]]),
    ],
)
def test_files_whose_values_pillow_keeps(
    modality: Modality, stated: list[str], content: bytes, expected: list[list[float]], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    assert read(tmp_path / "a.png", modality, *stated).tolist() == expected


def test_grey_palette_files_go_by_their_colours(tmp_path: Path) -> None:
    indexed = Image.fromarray(IDS)
    for colours, stated, expected in (
        ((255, 255, 255, 51, 51, 51, 0, 0, 0), (), [[1, -0.6, -1], [-1, -0.6, 1]]),
        ((200, 200, 200, 100, 100, 100, 0, 0, 0), ("nir.range=[0, 200]",), [[1, 0, -1], [-1, 0, 1]]),
    ):
        indexed.putpalette(colours)
        indexed.save(tmp_path / "a.png")
        np.testing.assert_allclose(read(tmp_path / "a.png", NIR, *stated), expected, atol=1e-6)
    indexed.putpalette([0, 0, 0, 9, 9, 9, 200, 10, 10])
    indexed.save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: a colour image; expected one channel of grey"):
        read(tmp_path / "a.png", NIR)


@pytest.mark.parametrize("stated", ["[0, 2]", "2", "[[200, 10, 10]]"])
def test_a_class_is_not_void(stated: str, tmp_path: Path) -> None:
    png(tmp_path / "a.png", IDS)
    with pytest.raises(UserError, match=r"^--read segmentation\.void=.*: (2|\(200, 10, 10\)) stands for a class"):
        read(tmp_path / "a.png", LABELS, f"segmentation.void={stated}")
    other = read(tmp_path / "a.png", LABELS, "segmentation.ids=[0, 1]", "segmentation.void=2")
    assert np.array_equal(other, np.array([[1, 2, 0], [0, 2, 1]]))


def test_values_that_are_not_finite_are_not_recorded(tmp_path: Path) -> None:
    known = readings(["depth.invalid=[0, nan, inf, 7]"], {"depth": DEPTH}, {})
    assert json.loads(json.dumps(as_dict(known["depth"]), allow_nan=False))["invalid"] == [0, 7]
    for ends in ("[0, inf]", "[-inf, 0]", "[nan, 1]", "[-1e308, 1e308]"):
        with pytest.raises(UserError, match=r"--read nir\.range=.*: expected \[lowest, highest\], both finite"):
            readings([f"nir.range={ends}"], {"nir": NIR}, {})
