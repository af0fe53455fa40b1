"""The small SUN RGB-D that the tests read, and one to damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from sunrgbd_tree import TEST, TRAIN, make_frame, make_root, make_split


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("sunrgbd"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two frames of each list, no labels."""
    tree = tmp_path / "SUNRGBD"
    for frame in (*TRAIN[:2], *TEST[:2]):
        make_frame(tree, frame)
    make_split(tree, TRAIN[:2], TEST[:2])
    return tree
