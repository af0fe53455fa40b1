"""Files are translated as arrays are; bad input is one line and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from translating import translate

from mmbench.inference.files import group_files
from mmbench.inference.translator import Translator
from mmbench.modality import Segmentation


def test_files_are_translated_as_arrays_are(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert translate(cells, "--from", "depth", "--to", "segmentation", files / "depth.npy", "--out", out) == 0
    expected = translator.translate({"depth": images["depth"][0]}, "segmentation")
    raw = Image.open(out / "depth-segmentation.png")
    assert raw.mode == "P"
    assert np.array_equal(np.asarray(raw), expected)
    labels = translator.modalities["segmentation"]
    assert isinstance(labels, Segmentation)
    palette = np.array(labels.palette, np.uint8)
    assert np.array_equal(np.asarray(Image.open(out / "depth-segmentation-colours.png")), palette[expected])
    assert np.array_equal(np.asarray(raw.convert("RGB")), palette[expected])

    pair = (files / "rgb.png", files / "segmentation.png")
    assert translate(cells, "--from", "rgb,segmentation", "--to", "depth", *pair, "--out", out) == 0
    metres = translator.translate({name: images[name][0] for name in ("rgb", "segmentation")}, "depth")
    millimetres = np.asarray(Image.open(out / "rgb-depth.png"))
    assert millimetres.dtype == np.uint16
    assert np.abs(millimetres / 1000 - metres).max() <= 0.0005 + 1e-6
    assert sorted(path.name for path in out.iterdir()) == [
        "depth-segmentation-colours.png", "depth-segmentation.png", "rgb-depth-colours.png", "rgb-depth.png",
    ]  # fmt: skip


def test_named_inputs_weights_and_side_information_reach_the_method(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], files: Path, tmp_path: Path, capsys: Any
) -> None:
    inputs = ("--input", f"depth={files / 'depth.npy'}", "--input", f"rgb={files / 'rgb.png'}")
    how = ("--weights", "0.7,0.3", "--side-from", "depth")
    assert translate(cells, *inputs, *how, "--to", "rgb", "--out", tmp_path) == 0
    arrays = {name: images[name][0] for name in ("depth", "rgb")}
    expected = translator.translate(arrays, "rgb", weights=(0.7, 0.3), side_from="depth")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "depth-rgb.png")), expected)
    assert "depth+rgb -> rgb, weights 0.7,0.3, side information of depth" in capsys.readouterr().out


def test_a_cascade_of_files(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], files: Path, tmp_path: Path, capsys: Any
) -> None:
    for bn in ("trained", "re-estimated"):
        out = tmp_path / bn
        via = ("--via", "rgb", "--bn", bn)
        assert translate(cells, "--from", "depth", "--to", "segmentation", *via, files / "depth.npy", "--out", out) == 0
        expected = translator.translate({"depth": images["depth"][0]}, "segmentation", via="rgb", bn=bn)
        assert np.array_equal(np.asarray(Image.open(out / "depth-segmentation.png")), expected)
        assert "depth -> rgb -> segmentation" in capsys.readouterr().out


ERRORS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown input": (("--from", "dept", "--to", "rgb", "depth.npy"), "no modality named 'dept' (did you mean 'depth'"),
    "unknown output": (("--from", "depth", "--to", "rbg", "depth.npy"), "no modality named 'rbg' (did you mean 'rgb'"),
    "unknown via": (("--from", "depth", "--to", "rgb", "--via", "nir", "depth.npy"), "no modality named 'nir'"),
    "missing file": (("--from", "depth", "--to", "rgb", "none.png"), "none.png: no such file"),
    "no file": (("--from", "depth", "--to", "rgb"), "no input: give files"),
    "no modality": (("--to", "rgb", "depth.npy"), "of which modality? Give --from"),
    "8-bit depth": (("--from", "depth", "--to", "rgb", "rgb.png"), "three channels; expected depth in one"),
    "damaged": (("--from", "rgb", "--to", "depth", "damaged.png"), "damaged.png: cannot be decoded"),
    "sizes": (
        ("--from", "rgb,depth", "--to", "segmentation", "large.png", "depth.npy"),
        "depth.npy: 16 x 16 pixels, but {}/large.png has 20 x 18",
    ),
    "uneven": (
        ("--from", "rgb,depth", "--to", "segmentation", "rgb.png"), "1 files for --from rgb,depth: expected 2"
    ),
    "sum": (
        ("--from", "rgb,depth", "--to", "segmentation", "--weights", "0.8,0.3", "rgb.png", "depth.npy"),
        "weights 0.8, 0.3: expected none below 0 and a sum of 1, got 1.1",
    ),
    "count": (
        ("--from", "rgb,depth", "--to", "segmentation", "--weights", "1", "rgb.png", "depth.npy"), "one per input"
    ),
    "no numbers": (("--from", "depth", "--to", "rgb", "--weights", "a", "depth.npy"), "--weights 'a': expected"),
    "side": (("--from", "depth", "--to", "rgb", "--side-from", "rgb", "depth.npy"), "'rgb': not an input"),
    "twice": (("--from", "depth,depth", "--to", "rgb", "depth.npy", "depth.npy"), "a modality is named twice"),
    "statistics": (
        ("--from", "depth", "--to", "rgb", "--bn", "re-estimated", "depth.npy"),
        "mmnet cannot translate depth -> rgb with re-estimated BN statistics",
    ),
    "same name": (("--from", "depth", "--to", "rgb", "depth.npy", "deeper/depth.npy"), "under the same name"),
    "unit": (("--from", "depth", "--to", "rgb", "--depth-unit", "millimeter", "depth.npy"), "mean 'millimetre'"),
    "device": (("--from", "depth", "--to", "rgb", "--device", "tpu", "depth.npy"), "expected auto, cpu or cuda"),
    "input": (("--to", "rgb", "--input", "depth.npy"), "expected modality=file"),
    "both": (("--to", "rgb", "--input", "depth=a.npy", "b.npy"), "not both"),
    "not in from": (("--from", "rgb", "--to", "rgb", "--input", "depth=a.npy"), "'depth' is not in --from"),
    "counts": (
        ("--to", "segmentation", "--input", "rgb=a.png", "--input", "rgb=b.png", "--input", "depth=a.npy"),
        "as many files of every modality, got 2 rgb, 1 depth",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_one_line_and_nothing_is_written(
    case: str, cells: Path, files: Path, tmp_path: Path, capsys: Any
) -> None:
    (files / "damaged.png").write_bytes((files / "rgb.png").read_bytes()[:100])
    Image.fromarray(np.zeros((18, 20, 3), np.uint8)).save(files / "large.png")
    arguments, expected = ERRORS[case]
    paths = [files / a if a.endswith((".png", ".npy")) and "=" not in a else a for a in arguments]
    assert translate(cells, *paths, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert said.startswith("mmbench: ")
    assert expected.format(files) in said
    assert not (tmp_path / "out").exists()


def test_one_bad_file_among_many_leaves_nothing_behind(cells: Path, files: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    assert translate(cells, "--from", "rgb", "--to", "depth", files / "rgb.png", tmp_path / "b.png", "--out", out) == 2
    assert "b.png: no such file" in capsys.readouterr().err
    assert not out.exists()


def test_outputs_are_replaced_only_when_asked(cells: Path, files: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "rgb-depth.png").write_text("mine")
    arguments = ("--from", "rgb", "--to", "depth", files / "rgb.png", "--out", tmp_path)
    assert translate(cells, *arguments) == 2
    assert "rgb-depth.png: exists already; name another --out, or add --overwrite" in capsys.readouterr().err
    assert (tmp_path / "rgb-depth.png").read_text() == "mine"
    assert translate(cells, *arguments, "--overwrite") == 0
    assert Image.open(tmp_path / "rgb-depth.png").size == (16, 16)


def test_a_folder_that_cannot_be_made_is_one_line(cells: Path, files: Path, capsys: Any) -> None:
    out = files / "rgb.png" / "out"
    assert translate(cells, "--from", "rgb", "--to", "depth", files / "rgb.png", "--out", out) == 2
    assert f"--out {out}: cannot be made a folder" in capsys.readouterr().err


def test_files_are_grouped_sample_by_sample() -> None:
    paths = [Path(name) for name in ("r1", "d1", "r2", "d2")]
    expected = ({"rgb": paths[0], "depth": paths[1]}, {"rgb": paths[2], "depth": paths[3]})
    assert group_files(["rgb", "depth"], paths, []) == expected
    assert group_files([], [], ["rgb=r1", "rgb=r2", "depth=d1", "depth=d2"]) == expected
    assert group_files([], [], ["rgb=~/r1"]) == ({"rgb": Path.home() / "r1"},)
