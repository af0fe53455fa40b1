"""Results of older code are still read, and the tables made of them hold the same numbers.

``tests/data/older-runs`` is a runs folder of the profile ``smoke`` (without checkpoints and pictures), and the tables
that ``report`` made of it then. It is a record: it is never made again by newer code.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmbench

RECORDED = Path(__file__).parents[2] / "data" / "older-runs"
TABLES = sorted(path.name for path in (RECORDED / "tables").glob("*.csv"))
EXPECTED_STATE = "stale"
WORDS_ONLY = ("state", "notes")  # columns that tell of the code as it is now
# Tables that had the claims of all data sets once have those that concern one now. Claims are worded and divided as the
# papers do since: the scorecard of then has no counterpart, but every comparison behind it has one.
CLAIMS, SCORECARD = "claims-comparisons.csv", "claims.csv"
RENAMED = {name: name.replace(".csv", "-synthetic-smoke.csv") for name in (CLAIMS, SCORECARD)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``report`` writes of a copy of the runs, so that nothing is written beside the record."""
    folder = tmp_path_factory.mktemp("older")
    shutil.copytree(RECORDED / "runs", folder / "runs")
    mmbench.report(folder / "runs")
    return folder / "runs" / "report"


@pytest.mark.parametrize("name", [name for name in TABLES if name not in RENAMED])
def test_a_table_has_the_same_numbers(name: str, made: Path) -> None:
    """Tables may gain columns, and lose none."""
    paths = (RECORDED / "tables" / name, made / name)
    old, new = (pd.read_csv(path).drop(columns=[*WORDS_ONLY], errors="ignore") for path in paths)
    assert [column for column in new if column in set(old)] == list(old.columns)
    assert len(new) == len(old)
    for column in old.columns:
        if pd.api.types.is_numeric_dtype(old[column]):
            np.testing.assert_allclose(new[column], old[column], rtol=1e-9, atol=1e-9, err_msg=column)
        else:
            assert new[column].fillna("").tolist() == old[column].fillna("").tolist(), column


def test_every_comparison_of_a_claim_has_the_same_numbers(made: Path) -> None:
    """Some claims have a comparison in two readings; one of them has the numbers of then."""
    old, new = (pd.read_csv(path) for path in (RECORDED / "tables" / CLAIMS, made / RENAMED[CLAIMS]))
    here = ("claim", "comparison", "unit")
    numbers = ["effect", "low", "high", "seeds", "lower", "upper"]
    concern = old[old["claim"].isin(set(new["claim"]))]
    assert len(set(concern["claim"])) >= 12
    for _, row in concern.iterrows():
        same = new[np.logical_and.reduce([new[name] == row[name] for name in here])]
        equal = np.isclose(same[numbers], row[numbers].astype(float), rtol=1e-9, atol=1e-9, equal_nan=True).all(axis=1)
        assert row["verdict"] in same["verdict"].to_numpy()[equal], dict(row)


def test_the_scorecard_has_the_claims_of_then(made: Path) -> None:
    old, new = (pd.read_csv(path) for path in (RECORDED / "tables" / SCORECARD, made / RENAMED[SCORECARD]))
    assert [column for column in new if column in set(old)] == list(old.columns)
    assert set(old["claim"]) - set(new["claim"]) == {"C11", "C12"}, "of flowers and of domains"


def test_there_are_tables_and_no_others(made: Path) -> None:
    assert TABLES
    assert {path.name for path in made.glob("*.csv")} == {
        *(RENAMED.get(name, name) for name in TABLES),
        "cells-synthetic-smoke.csv",
        *(f"leaderboard-{name}.csv" for name in ("cross-modal", "cross-channel", "cross-domain", "synthetic-smoke")),
    }


def test_every_cell_is_listed_with_its_state(made: Path) -> None:
    cells = pd.read_csv(made / "cells-synthetic-smoke.csv")
    assert dict(zip(cells["method"], cells["cells"], strict=True)) == dict.fromkeys(
        ("mmnet", "mmnet-pp", "oracle", "prior"), 2
    )
    assert set(cells["state"]) == {EXPECTED_STATE}
