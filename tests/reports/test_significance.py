"""The table of differences to M&MNets: what is compared, what is kept, and what damaged files do to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mmbench.reports import significance_table

from mmbench.modality import Segmentation
from mmbench.planning.config import as_dict
from mmbench.plugins.metrics import load_metrics
from mmbench.reporting import COLUMNS, SWEEP, Results
from mmbench.store.collect import KEPT
from mmbench.store.files import write_arrays, write_json
from mmbench.store.kept import Kept

ROW = {
    "inputs": "depth", "output": "segmentation", "via": "", "weights": "", "side_from": "", "bn": "trained",
    "checkpoint": "last",
}  # fmt: skip
IMAGES = 60
LABELS = Segmentation("segmentation", classes=("floor", "wall"), palette=((0, 0, 0),) * 3)
TASK = {"modalities": [as_dict(LABELS)]}
METRICS = load_metrics()


def _cell(
    runs: Path, method: str, skill: float, seed: int = 0, rows: Any = (ROW,), **extra: Any
) -> list[dict[str, Any]]:
    """A cell of a method that names the right one of two classes in a share of the pixels; its rows of results."""
    rng = np.random.default_rng(seed)
    made, arrays = [], {}
    for number, row in enumerate(rows):
        right = rng.binomial(50, skill, (IMAGES, 2))
        counts = np.zeros((IMAGES, 2, 2), np.int64)
        counts[:, [0, 1], [0, 1]], counts[:, [0, 1], [1, 0]] = right, 50 - right
        arrays[f"{number}/segmentation"] = counts.reshape(IMAGES, 4)
        values = METRICS["segmentation"].numbers(counts.reshape(IMAGES, 4), LABELS)
        common = {"dataset": "rooms", "profile": "laptop", "method": method, "title": method, "seed": seed}
        common |= {"state": "done", "group": "baselines", "output_kind": "segmentation", **row}
        made += [{**common, "metric": "miou", "cls": "", "value": values["miou"]}]
    folder = runs / "rooms" / "laptop" / method / f"seed-{seed}"
    write_arrays(folder / "per_image.npz", arrays)
    write_json(folder / "result.json", {"rows": list(rows), "task": TASK, "split_hashes": {"test": "abc", **extra}})
    return made


def _build(runs: Path, *cells: list[dict[str, Any]]) -> pd.DataFrame:
    rows = pd.DataFrame([row for cell in cells for row in cell], columns=list(COLUMNS))
    results = Results(rows, runs=runs, metrics=METRICS, kept=Kept(runs / KEPT))
    tables = significance_table.build(results, pd.DataFrame())
    assert len(tables) == 1
    assert tables[0].text() and tables[0].markdown() and tables[0].csv()
    return tables[0].frame.set_index("method")


def test_methods_stand_beside_mmnet_on_the_same_seeds(tmp_path: Path) -> None:
    cells = [_cell(tmp_path, "mmnet", 0.8, seed) for seed in (0, 1)]
    worse, alike = _cell(tmp_path, "cyclegan", 0.6, 1), _cell(tmp_path, "unit", 0.8, 0)
    frame = _build(tmp_path, *cells, worse, alike, _cell(tmp_path, "alone", 0.6, 5))
    assert set(frame.index) == {"cyclegan", "unit"}
    row = frame.loc["cyclegan"]
    assert (row["seeds"], row["mIoU"], row["M&MNets"]) == (1, worse[0]["value"], cells[1][0]["value"])
    assert row["low"] < row["difference"] == row["mIoU"] - row["M&MNets"] < row["high"] < 0
    assert row["p"] == pytest.approx(2 / 10_001)
    assert row["p (Holm)"] == pytest.approx(4 / 10_001)
    assert list(frame.loc["unit", ["difference", "low", "high", "p"]]) == [0.0, 0.0, 0.0, 1.0]


def test_which_rows_are_compared(tmp_path: Path) -> None:
    treated = [{**ROW, "via": "rgb", "bn": bn} for bn in ("trained", "re-estimated")]
    sweep = {**ROW, "selection": SWEEP}
    frame = _build(
        tmp_path,
        _cell(tmp_path, "mmnet", 0.8, rows=(ROW, *treated)),
        _cell(tmp_path, "mmnet-pp", 0.85, rows=(ROW, *treated, sweep)),
        _cell(tmp_path, "cascade", 0.6, rows=treated),
        _cell(tmp_path, "oracle", 0.9, rows=({**ROW, "inputs": "rgb"},)),
    )
    assert sorted(zip(frame.index, frame["bn"], frame["via"], strict=True)) == [
        ("cascade", "re-estimated", "rgb"), ("cascade", "trained", "rgb"), ("mmnet-pp", "trained", ""),
    ]  # fmt: skip


def test_a_changed_method_stands_beside_mmnet_of_the_same_change(tmp_path: Path) -> None:
    frame = _build(
        tmp_path,
        _cell(tmp_path, "mmnet", 0.8),
        _cell(tmp_path, "mmnet+11", 0.7),
        _cell(tmp_path, "mmnet-pp+11", 0.75),
        _cell(tmp_path, "mmnet-pp+22", 0.9),
        _cell(tmp_path, "unit", 0.6),
    )
    assert frame["reference"].to_dict() == {
        "mmnet+11": "mmnet", "mmnet-pp+11": "mmnet+11", "mmnet-pp+22": "mmnet", "unit": "mmnet",
    }  # fmt: skip


def test_what_was_resampled_once_is_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = _cell(tmp_path, "mmnet", 0.8), _cell(tmp_path, "cyclegan", 0.6)
    first = _build(tmp_path, *cells)
    calls: list[str] = []
    real = significance_table._replicates

    def counted(*given: Any) -> Any:
        calls.append(given[0])
        return real(*given)

    monkeypatch.setattr(significance_table, "_replicates", counted)
    pd.testing.assert_frame_equal(_build(tmp_path, *cells), first)
    assert calls == []
    again = _cell(tmp_path, "cyclegan", 0.61)
    changed = _build(tmp_path, cells[0], again)
    assert len(calls) == 2
    assert changed["low"]["cyclegan"] != first["low"]["cyclegan"]


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


DAMAGE = {
    "per-image file missing": lambda cell: (cell / "per_image.npz").unlink(),
    "per-image file cut": lambda cell: _truncate(cell / "per_image.npz"),
    "no arrays": lambda cell: write_arrays(cell / "per_image.npz", {}),
    "arrays of another metric": lambda cell: write_arrays(cell / "per_image.npz", {"0/segmentation": np.zeros((3, 6))}),
    "result cut": lambda cell: _truncate(cell / "result.json"),
    "result without rows": lambda cell: write_json(cell / "result.json", {"rows": [], "split_hashes": {"test": "abc"}}),
    "result of nonsense": lambda cell: write_json(cell / "result.json", {"rows": 3}),
    "other test images": lambda cell: write_json(
        cell / "result.json", {"rows": [ROW], "task": TASK, "split_hashes": {"test": "x"}}
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cell_costs_its_own_interval(tmp_path: Path, damage: str) -> None:
    cells = [_cell(tmp_path, "mmnet", 0.8), _cell(tmp_path, "cyclegan", 0.6), _cell(tmp_path, "unit", 0.7)]
    DAMAGE[damage](tmp_path / "rooms" / "laptop" / "cyclegan" / "seed-0")
    frame = _build(tmp_path, *cells)
    assert frame.loc["cyclegan", ["low", "high", "p", "p (Holm)"]].isna().all()
    assert frame["difference"]["cyclegan"] < 0
    assert frame["p"]["unit"] == frame["p (Holm)"]["unit"] < 0.05


def test_confusion_matrices_of_older_cells_are_read(tmp_path: Path) -> None:
    cells = [_cell(tmp_path, "mmnet", 0.8), _cell(tmp_path, "cyclegan", 0.6)]
    expected = _build(tmp_path, *cells)
    for method in ("mmnet", "cyclegan"):
        folder = tmp_path / "rooms" / "laptop" / method / "seed-0"
        with np.load(folder / "per_image.npz") as arrays:
            counts = arrays["0/segmentation"].reshape(IMAGES, 2, 2)
        (folder / "per_image.npz").unlink()
        write_arrays(folder / "per_image.npz", {"0/statistics": counts})
        metrics = {"miou": 1.0, "iou/floor": 1.0, "iou/wall": 1.0}
        row = {**ROW, "output_kind": "segmentation", "metrics": metrics}
        write_json(folder / "result.json", {"rows": [row], "split_hashes": {"test": "abc"}})
    pd.testing.assert_frame_equal(_build(tmp_path, *cells), expected)


@pytest.mark.parametrize("content", ["[]", "{", '{"x": 1}'])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, content: str) -> None:
    cells = _cell(tmp_path, "mmnet", 0.8), _cell(tmp_path, "cyclegan", 0.6)
    first = _build(tmp_path, *cells)
    (file,) = (tmp_path / KEPT).iterdir()
    kept = file.read_bytes()
    file.write_text(content)
    pd.testing.assert_frame_equal(_build(tmp_path, *cells), first)
    assert file.read_bytes() == kept


@pytest.mark.parametrize("results", [pd.DataFrame(), pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame({"value": [1]})])
def test_nothing_without_results(results: pd.DataFrame) -> None:
    assert significance_table.build(Results(results), pd.DataFrame()) == []


def test_nothing_without_mmnet(tmp_path: Path) -> None:
    results = pd.DataFrame(_cell(tmp_path, "cyclegan", 0.6), columns=list(COLUMNS))
    assert significance_table.build(Results(results), pd.DataFrame()) == []
