"""Folders and videos: frames in, frames out; what is broken is named, and the others are done."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from translating import translate

from mmbench.errors import UserError
from mmbench.inference import sequences
from mmbench.inference.translator import Translator
from mmbench.modality import Depth

SIDE = 16  # of the cell's images


@pytest.fixture
def folder(images: dict[str, np.ndarray], tmp_path: Path) -> Path:
    """``rgb`` and ``depth`` with three aligned images each, by name."""
    for number in range(3):
        for name in ("rgb", "depth"):
            (tmp_path / name).mkdir(exist_ok=True)
            stem = tmp_path / name / f"{number:02d}"
            Image.fromarray(images["rgb"][number]).save(f"{stem}.png") if name == "rgb" else np.save(
                f"{stem}.npy", images["depth"][number]
            )
    (tmp_path / "rgb" / "notes.txt").write_text("no image")
    return tmp_path


def depth_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)) / 1000


def test_a_folder_is_translated_as_its_images_are(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], folder: Path, capsys: Any
) -> None:
    out = folder / "made"
    assert translate(cells, "--from", "rgb", "--to", "depth", folder / "rgb", "--out", out) == 0
    said = capsys.readouterr().out
    assert "3 translated by mmnet: rgb -> depth; 16 x 16 pixels; " in said
    assert " images/s" in said
    for number in range(3):
        expected = translator.translate({"rgb": images["rgb"][number]}, "depth")
        assert np.abs(depth_of(out / f"{number:02d}-depth.png") - expected).max() <= 0.0005 + 1e-6
    assert len(list(out.iterdir())) == 6  # values and colours


def test_folders_of_several_modalities_go_by_names(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], folder: Path, capsys: Any
) -> None:
    (folder / "depth" / "01.npy").unlink()
    out = folder / "made"
    both = (folder / "rgb", folder / "depth")
    assert translate(cells, "--from", "rgb,depth", "--to", "segmentation", *both, "--out", out) == 1
    assert f"mmbench: left out: {folder / 'rgb' / '01.png'}: no file of depth of that name\n" in capsys.readouterr().err
    for number in (0, 2):
        given = {name: images[name][number] for name in ("rgb", "depth")}
        made = np.asarray(Image.open(out / f"{number:02d}-segmentation.png"))
        assert np.array_equal(made, translator.translate(given, "segmentation"))
    assert not (out / "01-segmentation.png").exists()


def test_a_broken_file_is_named_and_the_others_are_done(cells: Path, folder: Path, capsys: Any) -> None:
    broken = folder / "rgb" / "01.png"
    broken.write_bytes(broken.read_bytes()[:60])
    out = folder / "made"
    assert translate(cells, "--from", "rgb", "--to", "depth", folder / "rgb", "--out", out) == 1
    said = capsys.readouterr()
    assert said.err.count("left out: ") == 1
    assert f"left out: {broken}: cannot be decoded" in said.err
    assert "1 left out, named above" in said.out
    assert sorted(path.name for path in out.glob("*-depth.png")) == ["00-depth.png", "02-depth.png"]


def test_where_every_file_is_broken_no_folder_is_left(cells: Path, folder: Path, capsys: Any) -> None:
    for path in (folder / "rgb").iterdir():
        path.write_bytes(path.read_bytes()[:60])
    assert translate(cells, "--from", "rgb", "--to", "depth", folder / "rgb", "--out", folder / "made") == 1
    assert "3 left out, named above\n" in capsys.readouterr().out
    assert not (folder / "made").exists()


def test_large_images_are_translated_in_tiles(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], folder: Path, capsys: Any
) -> None:
    """A mosaic of four test images, without overlap: each comes out as it does alone."""
    rows = [np.concatenate([images["rgb"][i], images["rgb"][j]], 1) for i, j in ((0, 1), (2, 0))]
    Image.fromarray(np.concatenate(rows, 0)).save(folder / "large.png")
    how = ("--from", "rgb", "--to", "depth", folder / "large.png", "--tile")
    assert translate(cells, *how, "--overlap", 0, "--out", folder / "made") == 0
    assert "tiles of 16 x 16 pixels, 0 of them overlapping" in capsys.readouterr().out
    made = depth_of(folder / "made" / "large-depth.png")
    assert made.shape == (2 * SIDE, 2 * SIDE)
    for (top, left), number in {(0, 0): 0, (0, 1): 1, (1, 0): 2, (1, 1): 0}.items():
        expected = translator.translate({"rgb": images["rgb"][number]}, "depth")
        tile = made[top * SIDE : (top + 1) * SIDE, left * SIDE : (left + 1) * SIDE]
        assert np.abs(tile - expected).max() <= 0.001
    assert translate(cells, *how, "--out", folder / "blended") == 0
    assert depth_of(folder / "blended" / "large-depth.png").shape == (2 * SIDE, 2 * SIDE)
    assert translate(cells, *how, "--overlap", 16, "--out", folder / "no") == 2
    assert "--overlap 16: expected 0 to 15 pixels" in capsys.readouterr().err


def test_images_smaller_than_a_tile_are_left_out_of_a_folder(cells: Path, folder: Path, capsys: Any) -> None:
    Image.new("RGB", (15, 40)).save(folder / "rgb" / "01.png")
    assert translate(cells, "--from", "rgb", "--to", "depth", folder / "rgb", "--tile", "--out", folder / "made") == 1
    assert "left out: 01: 15 x 40 pixels, less than a tile of 16 x 16" in capsys.readouterr().err


ERRORS: dict[str, tuple[tuple[str, ...], str]] = {
    "mixed": (("--from", "rgb", "rgb", "rgb/00.png"), "give files, or folders, or a video, not several of these"),
    "no modality": (("rgb",), "rgb: of which modality? Give --from"),
    "uneven": (("--from", "rgb,depth", "rgb"), "1 folders for --from rgb,depth: expected one of each modality"),
    "empty": (("--from", "rgb", "empty"), "empty: no image in it; expected files ending in .png"),
    "twins": (("--from", "rgb", "twins"), "of one name; which is meant?"),
    "there": (("--from", "rgb", "rgb", "--out", "there"), "01-depth.png: exists already; name another --out"),
    "overlap": (("--from", "rgb", "rgb", "--overlap", "3"), "--overlap is of tiles: add --tile"),
    "no video": (("--from", "rgb", "text.mp4"), "text.mp4: cannot be read as a video"),
    "depth": (("--from", "depth", "text.mp4"), "a video holds colours, no depth; give a folder of frames"),
    "two videos": (("--from", "rgb", "text.mp4", "text.mp4"), "give one video, and one modality with --from"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_one_line(case: str, cells: Path, folder: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(folder)
    for name in ("empty", "twins", "there"):
        (folder / name).mkdir()
    (folder / "text.mp4").write_text("hello" * 100)
    for name in ("a.png", "a.jpg"):
        Image.new("RGB", (16, 16)).save(folder / "twins" / name)
    (folder / "there" / "01-depth.png").write_text("mine")
    arguments, expected = ERRORS[case]
    if "text.mp4" in arguments:
        pytest.importorskip("av", reason="pip install 'mmbench[video]'")
    out = () if "--out" in arguments else ("--out", "made")
    assert translate(cells, *arguments, "--to", "depth", *out) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert expected in said
    assert not (folder / "made").exists()


@pytest.fixture
def video(folder: Path) -> Path:
    """Six frames of 40 x 24 pixels at 10 per second, each of one colour: red 0, 40, 80 and so on. Each is decoded by
    itself."""
    av = pytest.importorskip("av", reason="pip install 'mmbench[video]'")
    path = folder / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10), options={"crf": "1", "g": "1"})
        stream.width, stream.height, stream.pix_fmt = 40, 24, "yuv420p"
        for number in range(6):
            frame = np.full((24, 40, 3), (40 * number, 90, 200), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def packets(path: Path) -> list[tuple[int, int]]:
    import av

    with av.open(str(path)) as container:
        return [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]


def test_frames_come_in_their_order_and_colours(video: Path) -> None:
    found = list(sequences.frames(video))
    assert [frame.shape for frame in found if isinstance(frame, np.ndarray)] == [(24, 40, 3)] * 6
    for number, frame in enumerate(found):
        assert np.abs(np.asarray(frame, int) - (40 * number, 90, 200)).max() <= 4
    assert sequences.rate_of(video) == 10


def test_a_video_is_translated_frame_by_frame(
    cells: Path, translator: Translator, video: Path, folder: Path, capsys: Any
) -> None:
    out = folder / "made"
    assert translate(cells, "--from", "rgb", "--to", "depth", video, "--out", out) == 0
    said = capsys.readouterr().out
    assert "6 translated by mmnet: rgb -> depth" in said
    for number, frame in enumerate(sequences.frames(video), 1):
        expected = translator.translate({"rgb": np.asarray(frame)}, "depth")
        assert np.abs(depth_of(out / f"clip-{number:06d}-depth.png") - expected).max() <= 0.0005 + 1e-6
    film = list(sequences.frames(out / "clip-depth.mp4"))
    assert sequences.rate_of(out / "clip-depth.mp4") == 10
    assert len(film) == 6
    shown = Depth("depth").picture(translator.translate({"rgb": np.asarray(frame)}, "depth"))
    assert np.abs(np.asarray(film[-1], float) - shown).mean() < 12, "the codec loses little"
    assert not list(out.glob(".*"))
    assert translate(cells, "--from", "rgb", "--to", "depth", video, "--out", out) == 2
    assert "clip-depth.mp4 (and 6 more): exists already" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["zeros", "flips"])
def test_a_broken_frame_is_named_and_the_others_are_done(
    damage: str, cells: Path, video: Path, folder: Path, capsys: Any
) -> None:
    place, size = packets(video)[3]
    content = bytearray(video.read_bytes())
    if damage == "zeros":
        content[place : place + size] = bytes(size)
    else:
        content[place + 8 : place + size] = bytes(byte ^ 0x5A for byte in content[place + 8 : place + size])
    video.write_bytes(content)
    out = folder / "made"
    assert translate(cells, "--from", "rgb", "--to", "depth", video, "--out", out) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"left out: {video} at 0.30 s: a " in said
    names = sorted(path.name for path in out.glob("clip-*-depth.png"))
    assert names == [f"clip-{number:06d}-depth.png" for number in (1, 2, 3, 5, 6)]


def test_a_video_of_which_no_frame_can_be_read_leaves_no_film(
    cells: Path, video: Path, folder: Path, capsys: Any
) -> None:
    content = bytearray(video.read_bytes())
    for place, size in packets(video):
        content[place : place + size] = bytes(size)
    video.write_bytes(content)
    assert translate(cells, "--from", "rgb", "--to", "depth", video, "--out", folder / "made") == 1
    said = capsys.readouterr()
    assert said.err.count("left out: ") == 6
    assert "0 translated by mmnet" in said.out
    assert not (folder / "made").exists()


def test_frames_stand_upright() -> None:
    frame = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(sequences.upright(frame, 0), frame)
    assert sequences.upright(frame, 90).tolist() == [[2, 5], [1, 4], [0, 3]]  # counterclockwise
    assert sequences.upright(frame, -90).tolist() == [[3, 0], [4, 1], [5, 2]]


def test_without_its_package_a_video_is_one_line(video: Path, monkeypatch: Any) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == "av" else real(name, *more))
    with pytest.raises(UserError, match=r"PyAV is not installed: pip install 'mmbench\[video\]'; or give a folder"):
        next(iter(sequences.frames(video)))
