"""Two finished cells, their translator, and test images as arrays and as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mmbench
from mmbench.inference.translator import Translator


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Path:
    """Two finished cells; the folder that holds ``mmnet`` and ``cyclegan``."""
    runs = tmp_path_factory.mktemp("translate")
    states = mmbench.run(["mmnet", "cyclegan"], "synthetic", "smoke", runs=runs, jobs=1, cache=cache_folder)
    assert set(states.values()) == {"done"}
    return runs / "synthetic" / "smoke"


@pytest.fixture(scope="session")
def translator(cells: Path) -> Translator:
    return mmbench.load_translator(cells / "mmnet" / "seed-0")


@pytest.fixture(scope="session")
def images(bench: Any) -> dict[str, np.ndarray]:
    """The test images, by modality."""
    rows = bench.cache.index(bench.dataset.split().test)
    return {m.name: np.array(bench.cache.read(m.name, rows)) for m in bench.dataset.task.modalities}


@pytest.fixture
def files(images: dict[str, np.ndarray], tmp_path: Path) -> Path:
    """A folder with the first test image as files, without loss: ``rgb.png``, ``depth.npy``, ``segmentation.png``."""
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(images["rgb"][0]).save(folder / "rgb.png")
    Image.fromarray(images["segmentation"][0]).save(folder / "segmentation.png")
    np.save(folder / "depth.npy", images["depth"][0])
    return folder
