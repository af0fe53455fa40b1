"""Two recordings in one folder: labels in one, depth in the other, and few samples or none with everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmbench.datasets.folder import Folder
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.task import Access, views
from mmbench.training.loader import held_views

EVERYTHING = DataLimits()


@pytest.fixture
def apart(tmp_path: Path, add_sample: Callable[..., None]) -> Path:
    """20 samples with labels, 10 with depth, none with both."""
    for number in range(20):
        add_sample(tmp_path / "apart", f"old{number:02d}", "rgb", "segmentation")
        if number % 2:
            add_sample(tmp_path / "apart", f"new{number:02d}", "rgb", "depth")
    return tmp_path / "apart"


def test_two_recordings_of_a_robot(tmp_path: Path, add_sample: Callable[..., None]) -> None:
    """Thesis 4.6.4: labels in one recording, depth and NIR in another, a few samples with everything."""
    for number in range(20):
        add_sample(tmp_path, f"old{number:02d}", "rgb", "segmentation")
        add_sample(tmp_path, f"new{number:02d}", "rgb", "depth", "nir")
    for number in range(12):
        add_sample(tmp_path, f"both{number:02d}", "rgb", "depth", "nir", "segmentation")
    data = Folder(tmp_path, EVERYTHING)
    parts = data.split().parts()
    # 20 % and 5 % of all 52 samples would be 10 and 3; the twelve complete ones are shared out in that proportion.
    assert (len(parts["test"]), len(parts["validation"])) == (10, 2)
    assert all(sample.startswith("both") for part in ("test", "validation") for sample in parts[part])
    assert {sample[:3] for sample in parts["rgb+segmentation"]} == {"old"}
    assert {sample[:3] for sample in parts["rgb+depth+nir"]} == {"new"}
    assert data.holds("old00") == ("rgb", "segmentation")
    assert set(data.sample("new00")) == {"rgb", "depth", "nir"}
    for view in views(data.task, data.split(), Access.SEEN_GROUPS):
        assert all(set(view.modalities) <= set(data.holds(sample)) for sample in view.ids)


def test_complete_samples_train_a_group_that_has_no_others(tmp_path: Path, add_sample: Callable[..., None]) -> None:
    for number in range(40):
        add_sample(tmp_path, f"both{number:02d}")
        add_sample(tmp_path, f"new{number:02d}", "rgb", "depth")
    parts = Folder(tmp_path, EVERYTHING).split().parts()
    # The shares are of the 40 complete samples: without them nothing trains rgb+segmentation.
    assert (len(parts["test"]), len(parts["validation"])) == (8, 2)
    assert len(parts["rgb+segmentation"]) + len(parts["rgb+depth"]) == 70
    assert len(parts["rgb+segmentation"]) >= 15


def test_without_a_complete_sample_each_recording_gives_its_share_for_evaluation(apart: Path) -> None:
    data = Folder(apart, EVERYTHING)
    parts = data.split().parts()
    counts = {
        part: [sum(sample.startswith(of) for sample in ids) for of in ("old", "new")] for part, ids in parts.items()
    }
    # 20 % and 5 % of 20 and of 10, at least one.
    assert counts == {"rgb+segmentation": [15, 0], "rgb+depth": [0, 7], "validation": [1, 1], "test": [4, 2]}
    assert "0 samples with all of them (only translations inside a training group can be scored)" in data.note


def test_oracles_learn_from_the_complete_samples_alone(tmp_path: Path, add_sample: Callable[..., None]) -> None:
    for number in range(40):
        add_sample(tmp_path, f"both{number:02d}")
        if number < 10:
            add_sample(tmp_path, f"new{number:02d}", "rgb", "depth")
    data = Folder(tmp_path, EVERYTHING)
    made = {view.name: view.ids for view in held_views(data, data.split(), Access.TRUE_PAIRS)}
    assert made["rgb+depth"] and {sample[:4] for ids in made.values() for sample in ids} == {"both"}
    assert len(made["rgb+depth"]) < len(data.split().groups["rgb+depth"])


def test_oracles_need_what_two_recordings_lack(
    tmp_path: Path, add_sample: Callable[..., None], run_cli: Callable[..., Any]
) -> None:
    for number in range(24):
        add_sample(tmp_path / "two", f"a_{number:03d}", *(("rgb", "depth"), ("rgb", "segmentation"), ())[number % 3])
    given = ("--dataset", str(tmp_path / "two"), "--profile", "smoke", "--runs", str(tmp_path / "runs"), "--dry-run")
    everything = run_cli("run", "--methods", "all", *given)
    assert everything.returncode == 0
    assert "oracle: left out, it learns from true pairs, and no training sample of rgb+" in everything.stdout
    assert "oracle/seed-0" not in everything.stdout
    named = run_cli("run", "--methods", "mmnet,oracle", *given)
    assert named.returncode == 2
    assert "oracle: cannot run, it learns from true pairs" in named.stderr


def test_what_has_no_truth_is_translated_and_not_scored(
    apart: Path, tmp_path: Path, run_cli: Callable[..., Any]
) -> None:
    runs, out = tmp_path / "runs", tmp_path / "out"
    given = ("--profile", "smoke", "--dataset", str(apart), "--runs", str(runs))
    done = run_cli("run", "--methods", "mmnet,prior", *given)
    assert done.returncode == 0, done.stderr
    assert "M&MNets R \u2192 S" in done.stdout and "D \u2192 S" not in done.stdout
    (cell,) = runs.glob("*/smoke/mmnet/seed-0")
    rows = json.loads((cell / "result.json").read_text())["rows"]
    assert {row["group"] for row in rows} == {"seen"}
    with np.load(cell / "per_image.npz") as statistics, np.load(cell / "samples" / "samples.npz") as samples:
        lengths = {rows[int(name.partition("/")[0])]["output"]: len(values) for name, values in statistics.items()}
        # Of six test images four hold labels, two depth.
        assert (lengths["segmentation"], lengths["depth"]) == (4, 2)
        black = ~samples["truth/depth"].any((1, 2, 3))
        assert black.sum() == 4 and (~samples["truth/segmentation"].any((1, 2, 3)))[~black].all()
    depth = next((apart / "depth").glob("new*"))
    made = run_cli(
        "translate", "--run", str(cell), str(depth), "--from", "depth", "--to", "segmentation", "--out", str(out)
    )
    assert made.returncode == 0, made.stderr
    assert Image.open(next(out.glob("*segmentation.png"))).size == (16, 16)
