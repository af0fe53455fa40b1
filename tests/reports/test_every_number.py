"""Every number that the papers print finds its row among those that ``run --table`` plans, and gets a verdict.

Rows, metrics and classes are what the methods write on small sets in the official formats, with untrained weights; only
sizes, steps and values are put in place of a run at the papers' size. Published numbers are looked up, never copied.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import flowers_tree
import freiburg_tree
import pytest
import scenenet_tree
import sunrgbd_tree
import torch
from mmbench.reports import published, verdict_table
from mmbench.reports.verdicts import Verdict
from result_rows import facts

from mmbench.evaluation.evaluate import Material, evaluate
from mmbench.method import Method
from mmbench.planning.papers import FIGURE, papers
from mmbench.plugins import catalog, keys
from mmbench.schedule import Stage
from mmbench.store.collect import collect
from mmbench.store.files import write_json
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, train_step
from mmbench.typed import as_dict

SEEDS = 3
CPU = Compute(torch.device("cpu"), "fp32")
VIDEOS = {"train/0": (0, 1, 2, 3), "train/15": (15000,), "val/0": (9,)}
TREES: dict[str, Callable[[Path], Path]] = {
    "scenenet-51k": scenenet_tree.make_root,
    "scenenet-170k": partial(scenenet_tree.make_tree, sets=VIDEOS, frames=(0, 25, 750, 6750)),
    "flowers": flowers_tree.make_root,
    "sunrgbd-thesis": sunrgbd_tree.make_root,
    "freiburg": freiburg_tree.make_root,
}
# Data set -> table of a paper -> numbers that stand beside ours: all that are printed.
NUMBERS: dict[str, dict[str, int]] = {
    "scenenet-51k": {
        "thesis, table 4.2": 8,
        "thesis, table 4.3": 10,
        "cvpr2018, table 1": 8,
        "cvpr2018, table 2": 8,
        "thesis, text of 4.6.2": 1,
    },
    "scenenet-170k": {
        "thesis, table 4.4": 180,
        "thesis, table 4.5": 55,
        "cvpr2018, table 3": 90,
        "cvpr2018, table 4": 20,
    },
    "flowers": {"thesis, table 4.1": 5},
    "sunrgbd-thesis": {"thesis, table 4.6": 180, "thesis, table 4.7": 55},
    "freiburg": {"thesis, table 4.8": 147},
}
ELSEWHERE = 120  # in tables 6.3 and 6.4


def test_the_numbers_above_are_all_that_the_papers_print() -> None:
    assert sum(sum(tables.values()) for tables in NUMBERS.values()) == len(published.load()) - ELSEWHERE == 767


@pytest.mark.parametrize("dataset", NUMBERS)
def test_every_published_number_stands_beside_ours_with_a_verdict(
    dataset: str, bench_of: Callable[[str, Path], Any], tmp_path: Path
) -> None:
    bench = bench_of(dataset, TREES[dataset](tmp_path / "data"))
    for method in planned(dataset):
        write_cells(bench, dataset, method, tmp_path / "runs" / dataset / "paper" / method)
    results, notes = collect(tmp_path / "runs")
    assert notes == []

    summary, numbers = verdict_table.build(results, published.load())
    counted = summary.frame.set_index("table")
    judged = counted["numbers"] - counted["no result"]
    assert judged.drop("all").to_dict() == NUMBERS[dataset]
    assert not counted["no result"].any()
    assert not counted[str(Verdict.NOT_COMPARABLE)].any(), set(numbers.frame["reasons"])


def planned(dataset: str) -> list[str]:
    """The rows of a data set's tables, each once."""
    tables = [table for name, table in papers().tables.items() if FIGURE not in name and table.dataset == dataset]
    return list(dict.fromkeys(method for table in tables for method in table.methods))


def write_cells(bench: Any, dataset: str, name: str, folder: Path) -> None:
    """Results of a method for three seeds: its own rows and columns, with facts as at the papers' size."""
    card = catalog.find("methods", name)
    narrow = {"sweep": False} if "sweep" in card.spec.get("settings", {}) else {}
    method, resolved = bench.build(name, overrides=narrow)
    observe(bench, name, method, resolved.stages)
    split = bench.dataset.split()
    material = Material(bench.dataset, bench.cache, dataclasses.replace(split, test=split.test[:1]), CPU, 1)
    judge_name = catalog.find("datasets", dataset).get("JUDGE", "")
    judge = bench.build(judge_name)[0].eval() if judge_name else None
    rows = evaluate(method, card, material, judge, str(resolved.settings.get("side_information", ""))).rows
    at_paper_size = facts(bench.dataset.published)
    result = {
        **at_paper_size,
        "config": as_dict(resolved),
        "networks": dict.fromkeys(method.networks(), 1),
        "pretrained": at_paper_size["pretrained"] and resolved.settings.get("pretrained") != "no",
        "parent": card.get("PARENT", ""),
        "source": keys.source_digest(card.path, card.module),
        "title": card["TITLE"],
        "published_dataset": bench.dataset.published,
        "rows": [{**row, "metrics": dict.fromkeys(row["metrics"], 0.5)} for row in rows],
        "parameters": 1,
        "timing": {"seconds": 1.0},
        "peak_memory_bytes": 1,
    }
    for seed in range(SEEDS):
        write_json(folder / f"seed-{seed}" / "result.json", result)


def observe(bench: Any, name: str, method: Method, stages: Sequence[Stage]) -> None:
    """One batch for the stages that train nothing: cascades take the statistics of their BN layers there."""
    loader = bench.loader(name)
    for stage in stages:
        if not stage.players:
            for step, batch in enumerate(islice(loader.stream(stage.index, 0, stage.steps), 1)):
                train_step(method, stage, step, [batch], {}, CPU, LossSums({}))
    method.eval()
