"""The commands that look after data sets, on the embedded set and through the command line's entry."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import colored_objects_tree
import numpy as np
import own_images
import pytest
from PIL import Image

from mmbench import pictures
from mmbench.commands.main import main
from mmbench.dataset import DataLimits
from mmbench.planning import config
from mmbench.plugins import catalog, keys
from mmbench.training import cache


def test_verify_counts_what_each_part_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", "synthetic-nir"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["part", "samples", "rgb", "depth", "nir", "segmentation"]
    assert lines[2].split() == ["rgb+segmentation", *["2000"] * 5]
    assert lines[-1] == "synthetic-nir: 0 problems"


def test_verify_says_what_the_images_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = own_images.make_root(tmp_path / "mine", "rgb", "depth", "segmentation", "nir")
    own_images.write(root, "thermal", "room0_000.png", np.zeros((4, 4), np.uint8))
    (root / "dataset.toml").write_text('[modalities.segmentation]\nclasses = ["a", "b"]\nids = [3, 1]\nvoid = [0, 2]\n')
    assert main(["data", "verify", str(root)]) == 0
    said = capsys.readouterr().out
    assert "segmentation, in all 40 samples: 2 classes, 50.0 % void" in said
    assert [line.split() for line in said.splitlines() if line.startswith((" 3", "   3"))] == [["3", "a", "50", "40"]]
    assert "depth, in all 40 samples: 0.5 to 4 m, 0.0 % not measured" in said
    assert "nir, in all 40 samples: 0 to 255 of a range from 0 to 255; 0." in said
    assert "thermal/ not used" in said


def test_folders_of_other_names_are_proposed_and_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = own_images.make_root(tmp_path / "mine")
    for name, other in (("rgb", "images"), ("depth", "depths"), ("segmentation", "labels")):
        (root / name).rename(root / other)
    assert main(["data", "verify", str(root)]) == 1
    command = capsys.readouterr().out.splitlines()[0].rpartition("python -m mmbench ")[2]
    assert command == f"data init {root} --rgb images --depth depths --segmentation labels"
    assert main(command.split()) == 0
    assert main(["data", "verify", str(root)]) == 0
    assert "40 samples with all of them" in capsys.readouterr().out


def test_verify_fails_where_a_run_would_be_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = own_images.make_root(tmp_path / "mine")
    for path in (root / "segmentation").iterdir():
        own_images.write(root, "segmentation", path.name, np.eye(16, 20, dtype=np.uint8) * 255)
    assert main(["data", "verify", str(root)]) == 1
    out, error = capsys.readouterr()
    assert "one class beside void" in out and "1 problem; a run is refused" in out and not error


def test_what_was_prepared_is_what_a_run_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["data", "prepare", "synthetic", "--profile", "smoke", "--cache", str(tmp_path)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "22 samples at 16 px" in said
    card = catalog.find("datasets", "synthetic")
    dataset = catalog.load(card, card["CLASS"])(None, config.profile("smoke", "").data)
    ids = [i for part in dataset.split().parts().values() for i in part]
    asked: list[int] = []
    source = keys.source_digest(card.path, card.module)
    cache.open_cache(dataset, source, ids, 16, tmp_path, lambda done, total: asked.append(done))
    assert asked == [], "nothing was left to decode"


def test_show_draws_every_modality_and_the_legend(tmp_path: Path) -> None:
    out = tmp_path / "rooms.png"
    assert main(["data", "show", "synthetic", "--out", str(out), "--count", "1", "--size", "1"]) == 0
    assert main(["data", "show", "synthetic", "--out", str(out), "--count", "2", "--size", "32"]) == 0
    picture = np.asarray(Image.open(out))
    card = catalog.find("datasets", "synthetic")
    dataset = catalog.load(card, card["CLASS"])(None, DataLimits())
    sample = next(dataset.load(dataset.split().test[:1], 32))
    for column, modality in enumerate(dataset.task.modalities):
        left, top = pictures.MARGIN + column * (32 + pictures.MARGIN), pictures.CAPTION
        native = next(dataset.load(dataset.split().test[:1], 256))[modality.name]
        expected = modality.picture(sample[modality.name]).astype(float)
        found = picture[top : top + 32, left : left + 32].astype(float)
        assert native.shape[0] == 256
        assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.8, modality.name
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert set(dataset.task.modality("segmentation").palette[1:]) <= colours
    assert {(253, 231, 36), (68, 1, 84)} <= colours, "viridis' ends: 0.5 m and 8 m"


def test_show_fills_the_column_of_every_domain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, count = tmp_path / "colours.png", 2
    colored_objects_tree.make_root(tmp_path)
    given = ["--data-root", str(tmp_path), "--out", str(out), "--count", str(count), "--size", "8"]
    assert main(["data", "show", "colored-objects", *given]) == 0
    assert "2 images of each domain of colored-objects" in capsys.readouterr().out
    picture = np.asarray(Image.open(out))[pictures.CAPTION :]
    columns = [picture[:, pictures.MARGIN + x * 12 :][:, :8] for x in range(11)]
    assert all((column[y : y + 8] < 255).any() for column in columns for y in (0, 8 + pictures.MARGIN))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "flowers", "--data-root", "nowhere"], "nowhere"),
        (["verify", "synthetik"], "did you mean 'synthetic'"),
        (["verify", "myimages"], "no such folder"),
        (["verify", "./myimages"], "no such folder"),
        (["verify", __file__], "a file, expected a folder of own images"),
        (["show", "synthetic", "--set", "data.nri=1"], "unknown key 'nri'"),
        (["prepare", "synthetic", "--profile", "laptopp"], "did you mean 'laptop'"),
        (["show", "synthetic", "--size", "-5"], "--size -5: expected 1 to 4096"),
        (["show", "synthetic", "--size", "1000000"], "--size 1000000: expected 1 to 4096"),
        (["show", "synthetic", "--count", "-1"], "--count -1: expected 1 or more"),
        (["show", "synthetic", "--count", "0"], "--count 0: expected 1 or more"),
    ],
)
def test_bad_input_is_a_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("name", ["sunrgbd", "freiburg", "artworks", "scenenet-51k", "flowers"])
def test_a_folder_that_cannot_be_read_is_a_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a stand-in for the operating system, since tests may run as root, whom nothing is closed to."""
    for folder in ("kv1", "train/0", "test", "monet2photo/testA", "flowers-102/jpg", "val/0"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "allsplit.mat").touch()

    def closed(listing: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(path: str | Path = ".") -> Any:
            if str(path).startswith(str(tmp_path)):
                raise PermissionError(13, "Permission denied", str(path))
            return listing(path)

        return refuse

    monkeypatch.setattr("os.scandir", closed(os.scandir))
    monkeypatch.setattr("os.listdir", closed(os.listdir))
    assert main(["data", "verify", name, "--data-root", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert str(tmp_path) in lines[0]
