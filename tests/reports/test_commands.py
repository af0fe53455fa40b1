"""The command that makes a row again: its words, and that the command line takes it back to the same cells."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from mmbench.reports import ablation_table, published, segmentation_table
from mmbench.reports.commands import Commands
from result_rows import ROOMS, of_seeds, only, paper_results, table_of

from mmbench.commands.main import main
from mmbench.planning.config import parse_overrides
from mmbench.planning.plan import make_plan
from mmbench.publishing import page
from mmbench.reporting import Results
from mmbench.store.collect import collect
from mmbench.store.files import write_json


def cells_of(base: dict[str, str], changed: dict[str, Any], seeds: tuple[int, ...] = (0,), **more: Any) -> Results:
    where = {"dataset": "rooms", "profile": "paper", "method": "mmnet", "base": base, "changed": changed, **more}
    return Results(table_of([]), tuple({**where, "seed": seed} for seed in seeds))


@pytest.mark.parametrize(
    ("base", "changed", "more", "expected"),
    [
        ("rooms", {}, {}, "--methods mmnet --dataset rooms --profile paper --seeds 0,2"),
        ("rooms", {}, {"needs_root": True},
         "--methods mmnet --dataset rooms --profile paper --seeds 0,2 --data-root DATA"),
        ("folder", {}, {"needs_root": True}, "--methods mmnet --dataset PATH/rooms --profile paper --seeds 0,2"),
        ("rooms", {"method": {"noise": 0.5, "pretrained": "no", "adversarial": False}, "profile": {"profile.steps": 5}},
         {}, "--methods mmnet --dataset rooms --profile paper --seeds 0,2 --set adversarial=false --set noise=0.5 "
         "--set pretrained=no --set profile.steps=5"),
    ],
)  # fmt: skip
def test_commands(base: str, changed: dict[str, Any], more: dict[str, Any], expected: str) -> None:
    names = {"dataset": base, "profile": "paper", "method": "mmnet"}
    results = cells_of(names, changed, (2, 0), **more)
    row = {"dataset": "rooms", "profile": "paper", "method": "mmnet"}
    assert Commands(results).of(row) == f"python -m mmbench run {expected}"
    assert Commands(results).of({**row, "method": "unit"}) == ""


def test_a_changed_cell_is_planned_again_in_its_own_folder(tmp_path: Path) -> None:
    given = parse_overrides(["profile.steps=8", "stage.align.lr=0.1"])
    (cell,) = make_plan(["mmnet"], "synthetic", "smoke", [1], tmp_path, overrides=given).cells
    result = {
        "dataset": cell.dataset, "profile": cell.profile, "method": cell.method, "title": "M&MNets",
        "changed": {"profile": dict(cell.changed.profile), "method": dict(cell.changed.method)},
        "rows": [{"group": "zero-pair", "metrics": {}}],
        "parameters": 1, "timing": {"seconds": 1.0}, "peak_memory_bytes": 1,
    }  # fmt: skip
    write_json(cell.folder.path / "result.json", result)
    dataset, profile, method = cell.folder.path.parts[-4:-1]
    command = Commands(collect(tmp_path)[0]).of({"dataset": dataset, "profile": profile, "method": method})
    said = shlex.split(command)
    assert said[:4] == ["python", "-m", "mmbench", "run"]
    again = dict(zip(said[4::2], said[5::2], strict=True))
    sets = parse_overrides(value for key, value in zip(said[4::2], said[5::2], strict=True) if key == "--set")
    seeds = [int(again["--seeds"])]
    planned = make_plan([again["--methods"]], again["--dataset"], again["--profile"], seeds, tmp_path, overrides=sets)
    assert [one.folder for one in planned.cells] == [cell.folder]
    assert main([*said[3:], "--runs", str(tmp_path), "--dry-run"]) == 0


def test_tables_have_it_in_the_csv_and_on_the_page_only() -> None:
    rows = table_of(of_seeds("mmnet", {"miou": 50.0}, **ROOMS))
    table = only(segmentation_table.build(paper_results(rows), published.load()))
    command = "python -m mmbench run --methods mmnet --dataset rooms --profile paper --seeds 0,1,2"
    assert table.frame["command"].tolist() == [command]
    assert command not in table.text() + table.markdown()
    assert f'<th scope="row" title="{command}">M&amp;MNets' in page.table(table)


def test_ablations_have_it_too() -> None:
    pair = [row for method in ("mmnet", "mmnet-pp") for row in of_seeds(method, {"miou": 50.0}, **ROOMS)]
    made = ablation_table.build(paper_results(table_of(pair)), published.load())
    for method, command in only(made).frame[["method", "command"]].itertuples(index=False):
        assert command.startswith(f"python -m mmbench run --methods {method} --dataset rooms ")
