"""The functions that a notebook calls stay functions, whatever module is imported beside them."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import mmbench


@pytest.mark.parametrize("name", mmbench.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert hasattr(mmbench, name)


def test_functions_are_not_replaced_by_modules_of_their_name(tmp_path: Path) -> None:
    for name in ("report", "results", "reporting", "rebuild", "plan", "execute"):
        importlib.import_module(f"mmbench.{name}")
    for _ in range(2):
        assert mmbench.results(tmp_path).empty
        assert isinstance(mmbench.report(tmp_path), list)
