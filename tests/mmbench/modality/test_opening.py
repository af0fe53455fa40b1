"""One opener for image files: nothing but known formats, nothing too large, nothing with a wrong checksum."""

from __future__ import annotations

import ast
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmbench.errors import UserError
from mmbench.modality.opening import BrokenImageError, image_size, open_image

ROOT = Path(__file__).parents[3]


@pytest.fixture
def depth(tmp_path: Path) -> Path:
    """A PNG of 16 bits whose pixels do not compress."""
    path = tmp_path / "depth.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 65536, (12, 10), dtype=np.uint16)).save(path)
    return path


def test_every_flipped_bit_of_a_png_is_found(depth: Path) -> None:
    whole = depth.read_bytes()
    expected = np.asarray(open_image(depth))
    for place in range(8, len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        try:
            made = np.asarray(open_image(io.BytesIO(bytes(damaged))))
        except BrokenImageError as error:
            assert "\n" not in str(error)
        else:
            # What is left are bits of the length and name of the last chunk, which holds nothing.
            np.testing.assert_array_equal(made, expected)
            assert place >= len(whole) - 12


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_a_truncated_file_is_a_line(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"image{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    whole = path.read_bytes()
    assert open_image(path).size == image_size(path) == (40, 40)
    for length in (0, 5, 40, len(whole) // 2, len(whole) - 40):
        path.write_bytes(whole[:length])
        with pytest.raises(BrokenImageError) as refused:
            open_image(path)
        assert len(str(refused.value).splitlines()) == 1
        assert "BytesIO" not in str(refused.value)


def test_a_postscript_file_starts_no_other_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\nshowpage\n")
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program was started"))
    for attempt in (open_image, image_size):
        with pytest.raises(BrokenImageError):
            attempt(path)


def test_too_many_pixels(depth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBENCH_MAX_PIXELS", "119")
    with pytest.raises(BrokenImageError, match="10 x 12 pixels, more than 119; set MMBENCH_MAX_PIXELS"):
        open_image(depth)
    monkeypatch.setenv("MMBENCH_MAX_PIXELS", "120")
    assert open_image(depth).size == (10, 12)
    monkeypatch.setenv("MMBENCH_MAX_PIXELS", "many")
    with pytest.raises(UserError, match="MMBENCH_MAX_PIXELS='many': expected a number of pixels"):
        open_image(depth)


def test_a_small_file_that_asks_for_all_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    Image.new("1", (20_000, 10_000)).save(bomb)
    with pytest.raises(BrokenImageError, match="20000 x 10000 pixels, more than 100000000"):
        open_image(bomb)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "image.png")
    for attempt in (open_image, image_size):
        with pytest.raises(BrokenImageError, match="neither a file nor a link to one"):
            attempt(tmp_path / "image.png")
    with pytest.raises(BrokenImageError, match="No such file"):
        open_image(tmp_path / "absent.png")


def test_nobody_else_opens_images() -> None:
    calls = [
        str(path.relative_to(ROOT))
        for folder in ("mmbench", "datasets", "methods", "reports")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "open" and ast.unparse(node.value) == "Image"
    ]
    assert set(calls) == {"mmbench/modality/opening.py"}
