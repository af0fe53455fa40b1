"""What is installed, and what only has a package's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbench.given.packages import installed


def test_a_package_is_found_and_a_mere_folder_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nobody_has_this").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert installed("numpy") and installed("json")
    assert not any(map(installed, ("nobody_has_this", "nor_this", "no name", "")))
