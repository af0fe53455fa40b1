"""An undisturbed folder of two cells, which what was disturbed must equal in the end."""

from __future__ import annotations

import pytest
from two_cells import TwoCells, forked


@pytest.fixture(scope="session")
def _undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[TwoCells, int]:
    folder = TwoCells(tmp_path_factory.mktemp("whole"))
    code, operations = forked(folder)
    assert code == 0 and operations > 100
    return folder, operations


@pytest.fixture(scope="session")
def whole(_undisturbed: tuple[TwoCells, int]) -> TwoCells:
    """Two finished cells with their cache."""
    return _undisturbed[0]


@pytest.fixture(scope="session")
def operations(_undisturbed: tuple[TwoCells, int]) -> int:
    """How many file operations they took."""
    return _undisturbed[1]
