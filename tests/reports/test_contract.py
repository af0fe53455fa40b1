"""The contract of a report, for every one that the catalog finds, those from outside (``MMBENCH_PLUGINS``) included."""

from __future__ import annotations

import atexit
import copy
import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from mmbench.reports.published import load

from mmbench.contracts.made_up_results import damaged, empty, single, table
from mmbench.contracts.reports import shown
from mmbench.plugins import catalog
from mmbench.publishing.build import build, build_reports
from mmbench.publishing.write import write_reports
from mmbench.reporting import Results, Table
from mmbench.store.collect import collect

REPORTS = catalog.cards("reports")
RECORDED = Path(__file__).parents[1] / "data" / "older-runs" / "runs"


@functools.cache
def copied() -> Path:
    """The recorded runs folder where reports may keep what they have computed."""
    folder = Path(tempfile.mkdtemp()) / "runs"
    shutil.copytree(RECORDED, folder)
    atexit.register(shutil.rmtree, folder.parent)
    return folder


def real() -> Results:
    return collect(copied())[0]


@pytest.mark.parametrize("make", [empty, single, table, real, damaged])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report(name: str, make: Callable[[], Results]) -> None:
    assert not REPORTS[name].problem
    function = catalog.load(REPORTS[name], REPORTS[name].get("FUNCTION", "build"))
    results = replace(make(), kept={})
    before, facts, published = results.rows.copy(), copy.deepcopy(results.cells), load()
    made = function(results, published)
    pd.testing.assert_frame_equal(results.rows, before)
    pd.testing.assert_frame_equal(published, load())
    assert results.cells == facts
    again = build(REPORTS[name], results, published)
    assert [item.name for item in made] == [item.name for item in again]
    assert [shown(item) for item in made] == [shown(item) for item in again]
    assert build(REPORTS[name], results, pd.DataFrame()) is not None


def test_the_results_of_the_test_are_shown() -> None:
    """So that the test above compares something: all of mmbench but these have something to show of a real run."""
    own = {name: card for name, card in REPORTS.items() if card.module.startswith("mmbench.")}
    without = {name for name, card in own.items() if not build(card, real(), load())}
    assert without <= {
        "domains", "matrix", "scaling", "pictures", "image", "alpha", "curves", "verdicts", "side-information",
        "pseudo-pairs",
    }  # fmt: skip


CANVAS = "from matplotlib.figure import Figure as Canvas\ndef build(results, published): "
WRONG = {
    "def build(results, published): raise KeyError('colour')": "KeyError: 'colour'",
    "def build(results, published): return None": "returned NoneType, expected a list of Table and Figure",
    "def build(results, published): return [Table('a', 'A', results.rows), 'b']": "item 1 is a str, expected a Table",
    "def build(results, published): return 2 * [Table('a', 'A', results.rows)]": "several items are named 'a'",
    "def build(results, published): return [Table('a', 'A', [1])]": "table 'a': frame is a list, expected a DataFrame",
    "def build(results, published): return [Figure('a', 'A', 'drawn')]": "figure 'a': expected a figure of matplotlib",
    f"{CANVAS}return [Figure('a', 'A', Canvas(), gallery=[])]": "figure 'a': gallery is a list, expected a Gallery",
    f"{CANVAS}return [Gallery([Example({{}}, [])])]": "an example is chosen by nothing",
    f"{CANVAS}return [Gallery([Example({{'a': '1'}}, []), Example({{'b': '1'}}, [])])]": "by b; the first one is by a",
    f"{CANVAS}return [Gallery([Example({{'a': '1'}}, [Panel('p', 'x', '')])])]": "panel 'p': str, expected a PNG file",
    "def build(results, published): return [Table(3, 'A', results.rows)]": "item 0: expected text as name",
    "def build(results, published): raise SystemExit(3)": "SystemExit: 3",
    "def make(results, published): return []": "'wrong' has no 'build'",
    "import no_such_module": "ModuleNotFoundError",
}


@pytest.mark.parametrize("body", WRONG)
def test_a_report_that_breaks_the_contract_takes_down_itself_only(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plugins" / "reports" / f"wrong_{list(WRONG).index(body)}.py"  # a module is imported once
    path.parent.mkdir(parents=True)
    path.write_text(
        f'NAME = "wrong"\nTITLE = "Wrong"\n'
        f"from mmbench.reporting import Example, Figure, Gallery, Panel, Table\n{body}\n"
    )
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path / "plugins"))
    made, notes = build_reports(copied(), ["cost", "wrong", "provenance"])
    assert {item.name for item in made} == {"cost-synthetic-smoke", "provenance-synthetic-smoke"}
    (note,) = (note for note in notes if "stale" not in note)
    assert note.startswith("report wrong: ") and str(path) in note and WRONG[body] in note
    assert "\n" not in note


def test_what_a_report_does_to_its_results_reaches_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plugins" / "reports" / "spoils.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        'NAME = "spoils"\nTITLE = "Spoils"\ndef build(results, published):\n'
        '    results.rows["value"] = 0.0\n    published["value"] = 0.0\n    return []\n'
    )
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path / "plugins"))
    (alone,), _ = build_reports(copied(), ["cost"])
    (after,), _ = build_reports(copied(), ["spoils", "cost"])
    assert isinstance(alone, Table) and isinstance(after, Table)
    assert after.csv() == alone.csv()


def test_files_of_a_page_are_equal_for_equal_results(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        made, notes = build_reports(copied(), ["segmentation", "quality-cost"])
        write_reports(made, notes, tmp_path / folder)
    for path in (tmp_path / "one").iterdir():
        if path.name != "report.html":  # it says when it was written
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert json.dumps(sorted(path.name for path in (tmp_path / "one").iterdir()))
