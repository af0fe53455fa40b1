"""Figures and provenance over a real tiny run, and over a damaged one."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mmbench.reports import pictures
from PIL import Image

from mmbench.plugins import catalog
from mmbench.publishing.build import build_reports
from mmbench.publishing.write import write_reports
from mmbench.reporting import Figure, Table
from mmbench.store.collect import collect


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def test_reports_of_a_run(run_cli: Callable[..., subprocess.CompletedProcess[str]], runs: Path) -> None:
    done = run_cli("run", "--profile", "smoke", "--methods", "mmnet,oracle", "--runs", str(runs))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "M&MNets" in done.stdout
    made, notes = build_reports(runs)
    assert notes == []
    names = {item.name for item in made}
    assert {"pictures-synthetic-smoke-to-segmentation", "provenance-synthetic-smoke"} <= names

    files = {path.name: path for path in write_reports(made, notes, runs / "report")}
    picture = Image.open(files["pictures-synthetic-smoke-to-segmentation.png"])
    assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50, "an empty figure"
    (drawn,) = (item for item in made if item.name == "pictures-synthetic-smoke-to-segmentation")
    assert isinstance(drawn, Figure)
    named = [text.get_text() for legend in drawn.figure.legends for text in legend.get_texts()]
    check_gallery(drawn, runs)
    assert named[0] == "0.5 m" and {"8 m", "no depth", "bed", "window", "void"} <= set(named)
    table = files["provenance-synthetic-smoke.csv"].read_text()
    assert table.count("\n") == 3
    frame = collect(runs)[0].rows
    assert set(frame["method"]) == {"mmnet", "oracle"}
    assert frame["value"].notna().any()

    cell = runs / "synthetic" / "smoke" / "mmnet" / "seed-0"
    samples = cell / "samples" / "samples.npz"
    whole = samples.read_bytes()
    samples.write_bytes(bytes([*whole[:-1], whole[-1] ^ 1]))
    notes = build_reports(runs, ["pictures"])[1]
    assert len(notes) == 1 and "mmnet/seed-0: samples/samples.npz is damaged" in notes[0]
    samples.write_bytes(b"damaged")
    result = json.loads((cell / "result.json").read_text())
    (cell / "digests.json").unlink()
    (cell / "result.json").write_text(json.dumps({**result, "hardware": "none"}))
    made, notes = build_reports(runs)
    assert notes == []
    assert "pictures-synthetic-smoke-to-segmentation" in {item.name for item in made}, "the other cell's pictures stay"
    (provenance,) = (item for item in made if item.name == "provenance-synthetic-smoke")
    assert isinstance(provenance, Table)
    commits = provenance.frame.set_index("method")["commit"]
    assert commits["oracle"] == result["commit"] and pd.isna(commits["mmnet"]), "what is damaged of a cell is missing"
    assert provenance.note.endswith("Damaged: mmnet seed 0.")


def check_gallery(drawn: Figure, runs: Path) -> None:
    """Every test image by both methods; what the colours of a translation stand for is what the cell translated."""
    assert drawn.gallery
    chosen = [example.choices for example in drawn.gallery.examples]
    methods = list(dict.fromkeys(choices["method"] for choices in chosen))
    assert (methods[0], methods[-1]) == ("M&MNets", "Oracle")
    ids = list(dict.fromkeys(choices["image"] for choices in chosen))
    assert ids == [f"{number + 1}" for number in range(len(ids))], "nobody was asked for their names"
    wanted = {"image": ids[1], "translation": "depth → segmentation", "method": "Oracle", "seed": "0"}
    panel = drawn.gallery.examples[chosen.index(wanted)].panels[1]
    cell = runs / "synthetic" / "smoke" / "oracle" / "seed-0"
    result = json.loads((cell / "result.json").read_text())
    (classes,) = (values["classes"] for values in result["task"]["modalities"] if values["kind"] == "segmentation")
    paths = [(row["inputs"], row["output"]) for row in result["rows"]]
    translated = np.load(cell / "samples" / "samples.npz")[str(paths.index(("depth", "segmentation")))][1]
    pixels = np.asarray(Image.open(io.BytesIO(panel.png)).convert("RGB")).reshape(-1, 3).tolist()
    told = [drawn.gallery.meanings[panel.meaning]["{:02x}{:02x}{:02x}".format(*pixel)] for pixel in pixels]
    assert told == [classes[value - 1] for value in translated.reshape(-1).tolist()]


def test_results_hold_what_was_read_of_the_cells(runs: Path) -> None:
    results, _ = collect(runs)
    cells = results.of("synthetic", "smoke").cells
    assert [(cell["dataset"], cell["method"], cell["seed"]) for cell in cells] == [
        ("synthetic", "mmnet", 0),
        ("synthetic", "oracle", 0),
    ]
    assert results.of("elsewhere").cells == results.of(profile="laptop").cells == ()
    assert results.of("elsewhere").rows.empty and len(results.of("synthetic").rows) == len(results.rows)
    assert "rows" not in cells[0] and cells[0]["split_hashes"]["test"]


def test_every_report_survives_an_empty_folder(tmp_path: Path) -> None:
    made, notes = build_reports(tmp_path)
    assert (made, notes) == ([], [])
    assert len(catalog.cards("reports")) >= 4


@pytest.mark.parametrize(("methods", "bands"), [(1, 1), (7, 1), (8, 2), (15, 3)])
def test_many_methods_stand_in_bands_with_inputs_and_truth_in_each(methods: int, bands: int) -> None:
    images = np.zeros((5, 2, 2, 3), np.uint8)
    names = ["0 input|depth", "0 input|rgb", *(f"1 baselines|m{number}" for number in range(methods)), "9 truth|truth"]
    canvas = pictures._draw(pictures.Columns(dict.fromkeys(names, images), {"2 m": (1, 2, 3)}))
    titles = [axis.get_title() for axis in canvas.axes if axis.get_title()]
    assert [title for title in titles if title.startswith("m")] == [f"m{number}" for number in range(methods)]
    assert [titles.count(title) for title in ("depth", "rgb", "truth")] == [bands] * 3
    assert max(box.x1 for box in (axis.get_position() for axis in canvas.axes)) <= 1
    assert canvas.get_size_inches()[0] <= 1.35 * 10
    (legend,) = canvas.legends
    assert [text.get_text() for text in legend.get_texts()] == ["2 m"]
