"""Methods of the catalog, trained once for all contract tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmbench.method import Method


@pytest.fixture(scope="session")
def trained(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Trained methods by name, each trained once; tests must not change them."""
    made: dict[str, tuple[Method, Path]] = {}

    def get(name: str) -> tuple[Method, Path]:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = (bench.train(name, folder).eval(), folder)
        return made[name]

    return get
