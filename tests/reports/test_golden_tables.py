"""A main table with verdicts, the tables of verdicts and the listing of the papers' tables, held to expected files.

The files in ``tests/data/tables`` are written again by ``PYTHONPATH=tests/helpers python`` and the name of this file.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import pandas as pd
import pytest
from mmbench.reports import published, segmentation_table, verdict_table
from result_rows import ROOMS, paper_results, table_of, values_of

from mmbench.commands.main import main
from mmbench.publishing import latex

EXPECTED = Path(__file__).parents[1] / "data" / "tables"
CASCADE = {**ROOMS, "group": "baselines", "via": "rgb", "title": "2 x pix2pix", "side_information": "skip"}
PLUS = {**ROOMS, "title": "M&MNets+PP"}
# By seed: mIoU, global accuracy, IoU of bed. Table 4.4 prints 25.4, 57.6 and 34.6 of 2 x pix2pix, whose classes average
# to 28.0; 55.4, 80.4 and 50.8 of M&MNets; 60.1, 82.2 and 52.1 of M&MNets+PP. M&MNets' 95 % intervals are 56 +- 2.48,
# 85.5 +- 1.24 and 50 +- 24.8 (4.303 standard deviations over the root of 3): agrees, better, undecided.
VALUES = (
    ("pix2pix-cascade", CASCADE, [(25.0, 57.0, 30.0), (26.0, 58.0, 40.0), (27.0, 59.0, 35.0)]),
    ("mmnet", ROOMS, [(55.0, 85.0, 40.0), (56.0, 85.5, 50.0), (57.0, 86.0, 60.0)]),
    ("mmnet-pp", PLUS, [(50.0, 83.0, 53.0), (50.5, 83.5, 53.5)]),
)
METRICS = ("miou", "global_accuracy", "iou/bed")


def listing() -> str:
    """What ``papers`` says of three tables without results and data, where no time was measured and no GPU is seen."""
    said = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as cache,
        mock.patch.dict(os.environ, {"MMBENCH_CACHE": cache}),
        mock.patch("mmbench.launching.scheduler.cuda_present", lambda: False),
        contextlib.redirect_stdout(said),
    ):
        assert main(["papers", "thesis-4.4", "cvpr-1", "thesis-figure-4.11", "--runs", "nowhere"]) == 0
    return said.getvalue()


def contents() -> Mapping[str, str]:
    """File name -> what stands in it."""
    rows = [
        values_of(method, dict(zip(METRICS, values, strict=True)), seed=seed, **fields)
        for method, fields, seeds in VALUES
        for seed, values in enumerate(seeds)
    ]
    results, numbers = paper_results(table_of(*rows)), published.load()
    tables = [*segmentation_table.build(results, numbers), *verdict_table.build(results, numbers)]
    made = {"papers.txt": listing()}
    for name, table in zip(("segmentation", "verdicts", "verdicts-numbers"), tables, strict=True):
        made |= {f"{name}.txt": table.text(), f"{name}.md": table.markdown(), f"{name}.csv": table.csv()}
        made[f"{name}.tex"] = latex.table(table)
    return made


def test_tables_and_listing_are_as_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    made = contents()
    assert sorted(made) == sorted(path.name for path in EXPECTED.iterdir())
    for name, content in made.items():
        expected = (EXPECTED / name).read_text(encoding="utf-8")
        if name.endswith(".csv"):
            # In full precision the ends of intervals may differ in their last digit from machine to machine.
            pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(content)), pd.read_csv(io.StringIO(expected)))
        else:
            assert content == expected, name


if __name__ == "__main__":
    os.environ.pop("MMBENCH_DATA", None)
    EXPECTED.mkdir(parents=True, exist_ok=True)
    for file, text in contents().items():
        (EXPECTED / file).write_text(text, encoding="utf-8")
