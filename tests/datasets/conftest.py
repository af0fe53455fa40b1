"""A small folder of own images, for the tests of the data set ``folder``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from own_images import add, make_root, write


@pytest.fixture
def write_image() -> Callable[..., None]:
    """``(root, modality, file name, array)`` to a file."""
    return write


@pytest.fixture
def add_sample() -> Callable[..., None]:
    """``(root, name, *modalities)``: random images of 20 x 16 pixels; depth of 500 to 4000 mm, class ids 0 to 3."""
    return add


@pytest.fixture
def own_images(tmp_path: Path) -> Path:
    """40 samples of rgb, depth and labels, four to a room."""
    return make_root(tmp_path / "images")
