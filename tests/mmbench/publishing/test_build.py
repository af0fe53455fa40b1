"""Reports of one runs folder: what several of them need is made once, and is the same as made by each alone."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mmbench.reports import cost_table, leaderboard

from mmbench.publishing.build import build_reports
from mmbench.reporting import Results, Table
from mmbench.store.collect import collect

OLDER = Path(__file__).parents[2] / "data" / "older-runs" / "runs"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    shutil.copytree(OLDER, tmp_path / "runs")
    return tmp_path / "runs"


def test_a_report_that_another_reads_is_made_once(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = {table.name: table.csv() for table in leaderboard.build(collect(runs)[0], pd.DataFrame())}
    calls = Counter[str]()

    def counted(name: str, build: Callable[..., list[Table]]) -> Callable[..., list[Table]]:
        def counting(results: Results, published: pd.DataFrame) -> list[Table]:
            calls[name] += 1
            return build(results, published)

        return counting

    for module in leaderboard.SOURCES:
        monkeypatch.setattr(module, "build", counted(module.NAME, module.build))
    names = ["leaderboard", *(module.NAME for module in leaderboard.SOURCES)]
    made, _ = build_reports(runs, names)
    assert calls == Counter(module.NAME for module in leaderboard.SOURCES)
    assert {item.name: item.csv() for item in made if isinstance(item, Table) and item.name in alone} == alone
    assert alone


def test_one_that_fails_takes_down_who_reads_it_and_no_other(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(results: Results, published: pd.DataFrame) -> list[Table]:
        raise ValueError("no costs")

    monkeypatch.setattr(cost_table, "build", failing)
    made, notes = build_reports(runs, ["leaderboard", "cost", "provenance"])
    assert [item.name for item in made] == ["provenance-synthetic-smoke"]
    assert [note.split(":")[0] for note in notes if "no costs" in note] == ["report leaderboard", "report cost"]
