"""The papers' tables: rows, data sets, cells and data that each needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import artworks_tree
import colored_objects_tree
import flowers_tree
import freiburg_tree
import pytest
import scenenet_tree
from mmbench.datasets import freiburg, synthetic
from mmbench.datasets.colored_objects import FOUR
from mmbench.reports import published
from sunrgbd_tree import make_root

import mmbench
from mmbench.errors import UserError
from mmbench.planning import config
from mmbench.planning.estimate import Here, Source
from mmbench.planning.papers import FIGURE, PaperTable, find, found_in, papers, printed, published_for, where_to_get
from mmbench.planning.tables import Estimates, Progress, plan_table, progress
from mmbench.plugins import catalog
from mmbench.store.machine import Machine

METHODS, DATASETS, REPORTS = (catalog.cards(folder) for folder in ("methods", "datasets", "reports"))
TABLES = papers().tables
PUBLISHED_NAMES = {"flowers": "flowers-opponent", "sunrgbd-thesis": "sunrgbd"}


@pytest.mark.parametrize("name", TABLES)
def test_everything_a_table_names_is_there_and_fits(name: str) -> None:
    table = TABLES[name]
    kind = DATASETS[table.dataset]["KIND"]
    profile = config.profile(table.profile, kind)
    assert table.report in REPORTS
    assert table.title
    assert len(set(table.methods)) == len(table.methods) > 0
    for method in table.methods:
        assert kind in METHODS[method]["KINDS"]
        assert profile.scale in METHODS[method].get("SCALES", [profile.scale])
    assert papers().data[table.dataset].found_by, "nothing says whether its data are there"


@pytest.mark.parametrize("module", ["freiburg", "synthetic"])
def test_every_row_of_the_table_of_four_modalities_is_translated(module: str) -> None:
    """Table 4.8: each from depth and from near infrared, and M&MNets and the oracle from several together."""
    task = {"freiburg": freiburg.TASK, "synthetic": synthetic.NIR_TASK}[module]
    numbers = published.load()
    rows = set(numbers[numbers["table"] == "4.8"][["method", "inputs", "output"]].itertuples(index=False, name=None))
    assert len(rows) == 21
    assert {method for method, *_ in rows} == {
        published.published_name("freiburg", method) for method in TABLES["thesis-4.8"].methods
    }
    alone = {("+".join(one.inputs), one.output) for one in task.unseen}
    together = {("+".join(one.inputs), one.output) for one in task.multi_modal}
    assert {(inputs, output) for method, inputs, output in rows if "+" not in inputs} == alone
    assert {(inputs, output) for method, inputs, output in rows if "+" in inputs} == together


def test_every_number_of_the_papers_has_a_table_that_plans_its_row() -> None:
    """Tables whose rows are switches are held to their published rows in ``test_ablation_cost_alpha.py``."""
    planned = {
        (name.replace("cvpr-", "cvpr2018-"), dataset, published.published_name(dataset, method))
        for name, t in TABLES.items()
        if FIGURE not in name
        for dataset in [PUBLISHED_NAMES.get(t.dataset, t.dataset)]
        for method in t.methods
    }
    numbers = published.load()
    numbers = numbers[(numbers["method"] != "real") & (numbers["group"] != "ablation")]
    wanted = {(f"{r.source}-{r.table}", r.dataset, r.method) for r in numbers.itertuples()}
    assert wanted <= planned
    printed = {f"{r.source}-{r.table}" for r in published.load().itertuples()} - {"thesis-4.6.2-text"}
    assert printed == {name for name, _, _ in planned}
    assert published_for() == (
        "scenenet-51k", "scenenet-170k", "flowers", "sunrgbd-thesis", "freiburg", "colored-objects-4", "artworks-4",
    )  # fmt: skip


def test_every_printed_number_belongs_to_one_table() -> None:
    named = [place for table in TABLES.values() for place in table.numbers]
    assert sorted(named) == sorted(printed())
    assert sum(printed().values()) == len(published.load())
    assert [name for name, table in TABLES.items() if not table.numbers] == [name for name in TABLES if FIGURE in name]


def test_an_unknown_table_is_a_line() -> None:
    with pytest.raises(UserError, match=r"no table named 'thesis-44' \(did you mean 'thesis-4.4'\?\); `papers` lists"):
        find("thesis-44")


def test_a_table_plans_exactly_its_rows(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data")
    plan = plan_table("thesis-4.6", "smoke", [0, 1], tmp_path, data_root=root)
    assert plan.dataset == "sunrgbd-thesis"
    assert {cell.method for cell in plan.cells} == set(TABLES["thesis-4.6"].methods)
    assert len(plan.cells) == 2 * 10
    assert plan_table("thesis-4.6", None, [0], tmp_path, data_root=root).profile.name == "paper"


def test_from_python_a_table_stands_for_methods_data_set_and_suite(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^--table thesis-4.6 says which rows: leave --methods out$"):
        mmbench.run(["mmnet"], table="thesis-4.6", runs=tmp_path)
    with pytest.raises(UserError, match=r"thesis-4.6 needs sunrgbd-thesis: .* has none of sunrgbd/SUNRGBD, "):
        mmbench.run(table="thesis-4.6", data_root=tmp_path, runs=tmp_path)


def test_data_that_are_absent_are_a_line_with_their_size_and_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    line = r"thesis-4.6 needs sunrgbd-thesis: get it from http://rgbd.cs.princeton.edu/ \(about 8 GB\)"
    with pytest.raises(UserError, match=rf"^{line}, and give --data-root FOLDER or set MMBENCH_DATA$"):
        plan_table("thesis-4.6", None, [0], tmp_path)
    with pytest.raises(UserError, match=rf"^{line}; .* has none of sunrgbd/SUNRGBD, SUNRGBD, kv1, "):
        plan_table("thesis-4.6", None, [0], tmp_path, data_root=tmp_path)


def test_data_that_only_their_adapter_finds_are_planned_with(tmp_path: Path) -> None:
    """Folders of colours are in the data root itself, where no name tells them from others."""
    colored_objects_tree.write_folders(tmp_path, 10, FOUR)
    assert found_in("colored-objects-4", tmp_path) is False
    plan = plan_table("thesis-6.3", "smoke", [0], tmp_path / "runs", data_root=tmp_path)
    assert "cyclegan-domains" in {cell.method for cell in plan.cells}


@pytest.mark.parametrize(
    ("dataset", "make"),
    [
        ("artworks-4", artworks_tree.make_root), ("colored-objects-4", colored_objects_tree.make_root),
        ("flowers", flowers_tree.make_root), ("freiburg", freiburg_tree.make_root),
        ("scenenet-51k", scenenet_tree.make_root), ("sunrgbd-thesis", make_root),
    ],
)  # fmt: skip
def test_official_layouts_are_found(dataset: str, make: Callable[[Path], Path], tmp_path: Path) -> None:
    assert found_in(dataset, tmp_path) is False
    assert found_in(dataset, make(tmp_path / "data")) is True


@pytest.mark.parametrize("rest", ["sunrgbd/SUNRGBDtoolbox", "scenenet_rgbd/train_protobufs", "sunrgbd"])
def test_a_part_without_an_image_is_not_found(rest: str, tmp_path: Path) -> None:
    (tmp_path / rest).mkdir(parents=True)
    assert not any(found_in(name, tmp_path) for name in papers().data)


GPU = Here(Machine(), "cuda", "auto", 4)


def look(table: PaperTable, runs: Path, root: Path | None = None, here: Here = GPU) -> Progress:
    return progress(table, Estimates(here), [0, 1], runs, root)


def test_progress_counts_cells_with_parents_and_judges_and_learns_how_fast_it_is_here(tmp_path: Path) -> None:
    table = PaperTable("Flowers", "flowers", ("mmnet-pp",), "image")
    need = f"flowers, from {DATASETS['flowers']['SOURCE']} (345 MB)"
    # Two of mmnet-pp, two of mmnet that they start from, the judge. Per step 0.1 s; 100 000 + 25 000 steps, and 500
    # observed in each of the two methods; mmnet-pp costs 1.5 times as much. 5 % for the evaluation, 8 s for the start.
    profile = config.profile("paper", "cross-channel")
    judge = METHODS["judge-classifier"]
    judged = config.resolve(judge, profile, "cross-channel", {}).steps * 0.1 * judge.get("COST", 1.0)
    mmnet, pp = 1.05 * 100_500 * 0.1 + 8, 1.05 * 25_500 * 0.15 + 8
    found = look(table, tmp_path / "runs")
    assert (found.data, found.cells, found.done) == (f"{need}; not looked for", 5, 0)
    assert (found.source, found.needs_gpu) == (Source.GUESSED, False)
    assert found.seconds == pytest.approx(2 * (mmnet + pp) + 1.05 * judged + 8, rel=0.01)

    # One of mmnet took 0.05 s a step and 100 s for the evaluation: so does the other, and the rest is half as slow.
    cell = tmp_path / "runs/flowers/paper/mmnet/seed-0"
    cell.mkdir(parents=True)
    stages = config.resolve(METHODS["mmnet"], profile, "cross-channel", {}).stages
    timing = {"seconds": 5025.0, "evaluate": 100.0, **{f"ms/{stage.name}": 50.0 for stage in stages}}
    hardware = {"device": "cuda", "gpu": "any", "precision": "bf16"}
    (cell / "result.json").write_text(json.dumps({"key": "any", "timing": timing, "hardware": hardware}))
    faster = look(table, tmp_path / "runs", tmp_path)
    assert (faster.data, faster.cells, faster.done) == (f"{need}; not found in {tmp_path}", 5, 1)
    assert faster.source is Source.FINISHED
    expected = 8 + 100_500 * 0.05 + 100 + 2 * (1.05 * 25_500 * 0.075 + 8) + 1.05 * judged / 2 + 8
    assert faster.seconds == pytest.approx(expected, rel=0.01)
    (tmp_path / "flowers-102").mkdir()
    assert look(table, tmp_path / "runs", tmp_path).data == f"flowers, found in {tmp_path}"


def test_without_a_gpu_the_papers_sizes_are_said_to_need_one(tmp_path: Path) -> None:
    table = PaperTable("Flowers", "flowers", ("mmnet",), "image")
    gpu, cpu = look(table, tmp_path), look(table, tmp_path, here=Here(Machine(), "cpu", "auto", 1))
    assert (gpu.needs_gpu, cpu.needs_gpu) == (False, True)
    assert cpu.seconds > 100 * gpu.seconds


def test_a_data_set_that_the_file_does_not_know_still_says_where_to_get_it() -> None:
    assert where_to_get(DATASETS["colored-objects"]) == DATASETS["colored-objects"]["SOURCE"]
