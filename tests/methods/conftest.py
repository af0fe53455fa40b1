"""Methods of the catalog as subjects of the contract, each trained once for all contract tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract import CARDS

from mmbench.contracts.bench import Bench
from mmbench.contracts.made_up import bench_of_kind
from mmbench.contracts.subject import Subject
from mmbench.method import Method


@pytest.fixture(scope="session")
def subject_of(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Subject]:
    """Methods by name, and by the kind of task where it is not one over modalities; tests must not change them."""
    benches: dict[str, Bench] = {"cross-modal": bench}
    made: dict[tuple[str, str], Subject] = {}

    def get(name: str, kind: Any = "cross-modal") -> Subject:
        if kind not in benches:
            benches[kind] = bench_of_kind(kind, tmp_path_factory.mktemp(kind))
        if (name, kind) not in made:
            made[name, kind] = Subject(CARDS[name], benches[kind], tmp_path_factory.mktemp(name))
        return made[name, kind]

    return get


@pytest.fixture(scope="session")
def trained(subject_of: Callable[..., Subject]) -> Any:
    """Trained methods by name, and their folders; tests must not change them."""

    def get(name: str) -> tuple[Method, Path]:
        method, folder = subject_of(name).trained
        return method, folder.path

    return get
