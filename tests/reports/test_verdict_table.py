"""The summary of verdicts and the list of all numbers: golden text, and every published number of a table counted."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mmbench.reports import published, verdict_table
from result_rows import ROOMS, of_seeds, paper_results, table_of

from mmbench.publishing import latex
from mmbench.reporting import Results

DEPTH: dict[str, Any] = {**ROOMS, "inputs": "segmentation", "output": "depth", "output_kind": "depth"}
METRICS = {"delta_1.25": 0.33, "delta_1.25^2": 0.50, "delta_1.25^3": 0.50, "rmse_linear": 2.83, "rmse_log": 0.60}


def results(**more: Any) -> Results:
    cascade = {**DEPTH, "via": "rgb", "group": "baselines", "title": "Cascade"}
    return paper_results(
        table_of(of_seeds("mmnet", METRICS, **DEPTH), of_seeds("cascade", {"rmse_log": 1.24}, 2, **cascade)), **more
    )


SUMMARY = """\
Verdicts: rooms, profile paper

table              numbers  agrees  better  worse  undecided  not comparable  source inconsistent  no result
-----------------  -------  ------  ------  -----  ---------  --------------  -------------------  ---------
thesis, table 4.4      180       0       0      0          0               0                    0        180
thesis, table 4.5       55       2       2      1          0               1                    0         49
cvpr2018, table 3       90       0       0      0          0               0                    0         90
cvpr2018, table 4       20       2       2      1          0               1                    0         14
all                    345       4       4      2          0               2                    0        333
"""
NUMBERS = """\
metric             ours   published  difference  verdict         because  source                                seeds
-----------------  -----  ---------  ----------  --------------  -------  ------------------------------------  -----
CASCADE S → R → D
RMSE (log)         1.240  1.240      -           not comparable  seeds    thesis, table 4.5; cvpr2018, table 4      2
M&MNETS S → D
δ < 1.25           0.330  0.330      +0.000      agrees                   thesis, table 4.5; cvpr2018, table 4      3
"""
MARKDOWN = """\
| RMSE (log)            | 1.240  | 1.240       | -            | not comparable | seeds     |\
 thesis, table 4.5; cvpr2018, table 4 |       2 |
"""
CSV = 'rooms,paper,"thesis, table 4.5",55,2,2,1,0,1,0,49\n'
LATEX = r"thesis, table 4.5 & 55 & 2 & 2 & 1 & 0 & 1 & 0 & 49 \\"


def test_golden_summary_and_numbers() -> None:
    """Of table 4.5 mmnet has 0.33, 0.42, 0.59, 2.80 and 0.67, tolerances are 0.02, 0.02, 0.02, 0.05 and 0.02."""
    summary, numbers = verdict_table.build(results(), published.load())
    assert (summary.name, numbers.name) == ("verdicts-rooms-paper", "verdicts-numbers-rooms-paper")
    assert summary.text().startswith(SUMMARY)
    assert NUMBERS in numbers.text()
    assert MARKDOWN in numbers.markdown()
    assert CSV in summary.csv()
    assert LATEX in latex.table(summary)
    assert summary.note.endswith(
        "Not comparable: seeds: 2, at least 3 are needed. Noted: deviations: docs/scenenet.md."
    )
    mine = numbers.frame.set_index("metric")
    assert mine["verdict"].tolist() == ["not comparable", "agrees", "better", "worse", "agrees", "better"]
    assert mine["difference"].tolist()[1:] == ["+0.000", "+0.080", "-0.090", "+0.030", "-0.070"]


def test_no_difference_is_shown_where_nothing_can_be_compared() -> None:
    small = {"profile_values": {"size": 16, "steps": 8, "network": {"width": 4, "poolings": 2}}}
    summary, numbers = verdict_table.build(results(**small), published.load())
    assert numbers.frame["difference"].isna().all()
    assert set(numbers.frame["verdict"]) == {"not comparable"}
    assert set(numbers.frame["because"]) == {
        "image size, width, poolings, steps", "image size, width, poolings, steps, seeds"
    }  # fmt: skip
    assert "Not comparable (all): image size: 16, published 256; " in summary.note


def test_changed_methods_stand_there_and_are_not_counted() -> None:
    changed = of_seeds("mmnet+11", METRICS, **{**DEPTH, "base_method": "mmnet", "change": "latent_noise=9"})
    summary, numbers = verdict_table.build(paper_results(table_of(changed)), published.load())
    assert numbers.frame["row"].unique().tolist() == ["M&MNets S → D, latent_noise=9"]
    assert summary.frame["no result"].tolist() == summary.frame["numbers"].tolist()


def test_cvprs_tables_count_the_row_with_cvprs_schedule() -> None:
    """The two papers print 0.33; the tolerance is 0.02."""
    both = paper_results(
        table_of(
            of_seeds("mmnet", {"delta_1.25": 0.33}, **DEPTH), of_seeds("mmnet-cvpr2018", {"delta_1.25": 0.9}, **DEPTH)
        )
    )
    counted = verdict_table.build(both, published.load())[0].frame.set_index("table").to_dict("index")
    for table, agrees, better in (("thesis, table 4.5", 1, 0), ("cvpr2018, table 4", 0, 1), ("all", 1, 1)):
        assert (counted[table]["agrees"], counted[table]["better"]) == (agrees, better)
    assert counted["all"]["no result"] == 345 - 2


def test_a_contradiction_of_the_source_is_told() -> None:
    cascade = {**ROOMS, "via": "rgb", "group": "baselines", "title": "2 x pix2pix"}
    rows = table_of(of_seeds("pix2pix-cascade", {"miou": 25.4, "global_accuracy": 57.6, "iou/bed": 20.0}, **cascade))
    _, numbers = verdict_table.build(paper_results(rows), published.load())
    verdicts = numbers.frame.set_index("metric")["verdict"].to_dict()
    assert (verdicts["mIoU"], verdicts["IoU bed"]) == ("source inconsistent", "source inconsistent")
    assert verdicts["Global"] != "source inconsistent"
    assert "Source inconsistent: source: its classes average 28.0, its mIoU is 25.4." in numbers.note


def test_nothing_where_nothing_is_published() -> None:
    mine = table_of(of_seeds("mmnet", {"miou": 40.0}, **{**ROOMS, "published_dataset": ""}))
    assert verdict_table.build(Results(mine), published.load()) == []
    assert verdict_table.build(results(), pd.DataFrame()) == []
