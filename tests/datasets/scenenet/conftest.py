"""The small SceneNet RGB-D that the tests read, and one to damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenenet_tree import make_root, make_tree


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("scenenet"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two frames of two training videos and a test frame."""
    return make_tree(tmp_path / "few", {"train/0": (0, 1), "val/0": (0,)}, (0, 25))
