"""Damaged files of own images: an error that names them, or left out and counted."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
from mmbench.datasets.folder import Folder
from own_images import write

from mmbench.commands import run
from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.planning.plan import make_plan
from mmbench.store.collect import _remarks

EVERYTHING = DataLimits()
SKIP = {"damaged": "skip"}


@pytest.fixture
def damaged(own_images: Path) -> Path:
    """Of one sample the depth is truncated, of another the colours, of a third the labels have another size."""
    for path in (own_images / "depth" / "room0_000.png", own_images / "rgb" / "room0_001.jpg"):
        path.write_bytes(path.read_bytes()[:-60])
    write(own_images, "segmentation", "room0_002.png", np.ones((3, 4), np.uint8))
    return own_images


def test_damaged_files_are_left_out_and_counted(damaged: Path) -> None:
    data = Folder(damaged, EVERYTHING, SKIP)
    assert data.skipped == ("depth/room0_000.png", "rgb/room0_001.jpg", "segmentation/room0_002.png")
    assert "3 damaged files skipped, such as depth/room0_000.png" in data.note
    assert data.holds("room0_000") == ("rgb", "segmentation")
    ids = [sample_id for part in data.split().parts().values() for sample_id in part]
    assert "room0_001" not in ids and len(ids) == 39
    for sample_id in ids:
        assert set(data.sample(sample_id)) == set(data.holds(sample_id))


def test_without_being_asked_to_nothing_is_left_out(damaged: Path) -> None:
    data = Folder(damaged, EVERYTHING)
    assert data.skipped == ()
    with pytest.raises(UserError, match=r"depth/room0_000\.png: cannot be decoded"):
        data.sample("room0_000")


def test_a_modality_of_damaged_files_alone_is_refused(damaged: Path) -> None:
    (damaged / "dataset.toml").write_text("[modalities.segmentation]\nclasses = ['a', 'b']\nids = [7, 8]\n")
    with pytest.raises(UserError, match="every image of segmentation is damaged, such as"):
        Folder(damaged, EVERYTHING, SKIP)


def test_the_option_changes_the_key_and_the_plan_says_so(damaged: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    run.add_options(parser)
    assert parser.parse_args(["--skip-damaged"]).skip_damaged
    plans = [
        make_plan(["prior"], "folder", "smoke", [0], tmp_path, data_root=damaged, overrides=overrides)
        for overrides in ({}, {"data.damaged": "skip"})
    ]
    assert plans[0].cells[0].key != plans[1].cells[0].key
    assert "3 damaged files skipped" in plans[1].found


def test_tables_say_how_many() -> None:
    cell = {"dataset": "folder-mine", "base": {"dataset": "folder"}, "skipped": ["depth/a.png", "rgb/b.png"]}
    said = _remarks([cell, dict(cell)], {})
    assert said == {"folder-mine": "Damaged files of folder-mine that were left out: 2, such as depth/a.png."}
