"""The report `plugin-name` keeps its contract and shows the means of what it is handed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from mmbench.contracts import made_up_results
from mmbench.contracts.plugins import problems
from mmbench.plugins import catalog
from mmbench.publishing.build import build
from mmbench.reporting import Results, Table

NAME = "plugin-name"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that `reports/` is in."""
    monkeypatch.setenv("MMBENCH_PLUGINS", str(Path(__file__).resolve().parents[1]))


def test_contract() -> None:
    """All that `mmbench check` looks at."""
    assert problems("reports", NAME) == []


def test_means_over_seeds() -> None:
    """Of three methods with three seeds each; the made-up scores of mmnet are 31, 31.125 and 31.25."""
    (table,) = build(catalog.find("reports", NAME), made_up_results.table(), pd.DataFrame())
    assert isinstance(table, Table)
    found = table.frame[table.frame["output"] == "segmentation"].set_index("title")
    assert list(found.index) == ["Oracle", "M&MNets", "Per-pixel prior"], "the best first"
    assert found.loc["M&MNets", "score"] == pytest.approx(31.125)
    assert set(found["seeds"]) == {3}


def test_cascades_and_sweeps_are_no_seeds() -> None:
    """More rows of the same method and seeds change nothing."""
    given = made_up_results.table()
    more = [given.rows.assign(value=99.0, **{column: "x"}) for column in ("via", "selection")]
    (table,) = build(catalog.find("reports", NAME), given, pd.DataFrame())
    (again,) = build(catalog.find("reports", NAME), Results(pd.concat([given.rows, *more])), pd.DataFrame())
    assert isinstance(table, Table) and isinstance(again, Table)
    pd.testing.assert_frame_equal(again.frame, table.frame)
