"""A packed cell is opened elsewhere as the cell is here; what is damaged or cannot be had is one line."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from damages import flip
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError
from safetensors.numpy import load_file

import mmbench
from mmbench.commands import main as cli
from mmbench.errors import UserError
from mmbench.inference import hub, packed
from mmbench.inference.translator import Translator
from mmbench.store import digests


@pytest.fixture(scope="module")
def folder(cells: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mmnet cell, packed."""
    out = tmp_path_factory.mktemp("packed") / "mine"
    assert cli.main(["pack", str(cells / "mmnet" / "seed-0"), "--out", str(out)]) == 0
    return out


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_it_translates_as_the_cell_does_with_neither_cell_nor_data(
    copy: Path, translator: Translator, images: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise AssertionError("it looked for the data set")

    monkeypatch.setattr("mmbench.inference.load.open_dataset", closed)
    made = mmbench.load_translator(copy)
    assert made.modalities == translator.modalities
    assert made.readings == translator.readings
    given = {"depth": images["depth"]}
    for how in ({}, {"via": "rgb", "bn": "re-estimated"}):
        expected = translator.translate(given, "segmentation", **how)  # type: ignore[arg-type]
        assert np.array_equal(made.translate(given, "segmentation", **how), expected)  # type: ignore[arg-type]


def test_it_holds_the_same_weights_and_no_place_of_this_machine(folder: Path, cells: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(packed.FILES)
    (trained,) = cells.glob("mmnet/seed-0/checkpoint/step-*/weights.safetensors")
    mine, theirs = load_file(folder / packed.WEIGHTS), load_file(trained)
    assert mine.keys() == theirs.keys()
    assert all(np.array_equal(mine[name], theirs[name]) for name in mine)
    for path in folder.iterdir():
        assert str(cells.parents[2]).encode() not in path.read_bytes(), path.name


def test_paths_of_pretrained_files_stay_here() -> None:
    held = {"config": {"settings": {"pretrained": "/home/me/vgg16.pth#sha256=ab", "steps": [1, 2]}}, "place": "x"}
    made = packed.content(held, {}, {})
    assert made["config"]["settings"] == {"pretrained": "vgg16.pth#sha256=ab", "steps": [1, 2]}
    assert "place" not in made


def test_the_card_says_what_others_ask(folder: Path, cells: Path) -> None:
    text = (folder / packed.CARD).read_text()
    result = json.loads((cells / "mmnet" / "seed-0" / "result.json").read_text())
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    assert head.startswith("library_name: mmbench\npipeline_tag: ")
    (row,) = (r for r in result["rows"][:4] if (r["inputs"], r["output"]) == ("depth", "segmentation"))
    assert f"| depth -> segmentation | mIoU: {row['metrics']['miou']:.1f} %; " in body
    for digest in (*result["split_hashes"].values(), result["manifest"], digests.of_file(folder / packed.WEIGHTS)):
        assert digest in body
    for part in ("terms of the data", "Intended use and limits", "13 classes and void: bed, book", "seed: 0", "torch "):
        assert part in body


def test_a_packed_cell_is_packed_again_and_exported(copy: Path, tmp_path: Path) -> None:
    assert cli.main(["pack", str(copy), "--out", str(tmp_path / "again")]) == 0
    for name in (packed.CONFIG, packed.WEIGHTS, digests.FILE):
        assert (tmp_path / "again" / name).read_bytes() == (copy / name).read_bytes()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("name", [packed.CONFIG, packed.WEIGHTS])
@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_damaged_files_are_named(name: str, damage: Callable[[Path], None], copy: Path) -> None:
    damage(copy / name)
    with pytest.raises(UserError, match=rf"{name}: (damaged|missing).*; copy or download the folder again") as raised:
        mmbench.load_translator(copy)
    assert "\n" not in str(raised.value)


def test_without_digests_nothing_is_believed(copy: Path) -> None:
    (copy / digests.FILE).unlink()
    with pytest.raises(UserError, match=r"digests.json: missing"):
        mmbench.load_translator(copy)
    (copy / digests.FILE).write_text("{")
    with pytest.raises(UserError, match=r"digests.json: damaged"):
        mmbench.load_translator(copy)


def test_its_owner_may_edit_the_card(copy: Path) -> None:
    (copy / packed.CARD).write_text("mine")
    assert mmbench.load_translator(copy).name == "mmnet"


def test_another_form_and_other_weights_are_one_line(copy: Path, tmp_path: Path) -> None:
    about = json.loads((copy / packed.CONFIG).read_text())
    packed.pack({**about, packed.FORM: 2}, (copy / packed.WEIGHTS).read_bytes(), tmp_path / "later", "")
    with pytest.raises(UserError, match=r"config.json: form 2 of a packed cell, and this mmbench reads 1"):
        mmbench.load_translator(tmp_path / "later")
    packed.pack(about, b"\x80\x04N.", tmp_path / "pickle", "")
    with pytest.raises(UserError, match=r"model.safetensors: damaged, or of another architecture"):
        mmbench.load_translator(tmp_path / "pickle")


def test_a_folder_with_something_in_it_is_left_alone(
    cells: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (copy / packed.CONFIG).read_bytes()
    assert cli.main(["pack", str(cells / "cyclegan" / "seed-0"), "--out", str(copy)]) == 2
    assert f"--out {copy}: exists already; name a new folder" in capsys.readouterr().err
    assert (copy / packed.CONFIG).read_bytes() == before


def test_a_result_that_says_too_little_is_one_line(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = json.loads((copy / packed.CONFIG).read_text())
    del about["split_hashes"]
    packed.pack(about, (copy / packed.WEIGHTS).read_bytes(), tmp_path / "older", "")
    assert cli.main(["pack", str(tmp_path / "older"), "--out", str(tmp_path / "new")]) == 2
    assert "older: its result does not say what a card needs (KeyError: 'split_hashes')" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.fixture
def fake(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A hub that has ``me/rooms``, and ``me/other`` with something else in it, and what it was asked for."""
    asked: list[dict[str, Any]] = []
    real = inspect.signature(huggingface_hub.snapshot_download)

    def download(*arguments: Any, **options: Any) -> str:
        asked.append(real.bind(*arguments, **options).arguments)
        if options["local_files_only"]:
            raise LocalEntryNotFoundError("not cached")
        if options["repo_id"] == "me/other":
            return str(tmp_path)
        if options["repo_id"] != "me/rooms":
            raise RepositoryNotFoundError.__new__(RepositoryNotFoundError)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(hub, "answers", lambda host: True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return asked


@pytest.mark.parametrize("run", ["me/rooms", "hf://me/rooms", "hf://me/rooms@v2"])
def test_a_repository_of_the_hub_is_a_packed_folder(
    run: str, fake: list[dict[str, Any]], translator: Translator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert mmbench.load_translator(run).translations == translator.translations
    (asked,) = fake
    assert asked["repo_id"] == "me/rooms"
    assert asked["revision"] == ("v2" if "@" in run else None)
    assert set(asked["allow_patterns"]) == set(packed.FILES)  # nothing else is fetched


def test_the_command_line_takes_a_repository(
    fake: list[dict[str, Any]], files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["translate", "--run", "hf://me/rooms", "--from", "depth", "--to", "segmentation", str(files / "depth.npy")]
    assert cli.main([*words, "--out", str(tmp_path / "made")]) == 0
    assert (tmp_path / "made" / "depth-segmentation.png").exists()
    words[2] = "hf://you/rooms"
    assert cli.main([*words, "--out", str(tmp_path / "made")]) == 2
    said = capsys.readouterr().err
    assert "hf://you/rooms: huggingface.co has no such repository or revision, or not for you" in said
    assert said.count("\n") == 1


def test_a_repository_of_something_else_is_one_line(fake: list[dict[str, Any]]) -> None:
    with pytest.raises(UserError, match=r"hf://me/other: holds no cell that `pack` made \(config.json, "):
        mmbench.load_translator("hf://me/other")


def test_without_a_network_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own library, which looks into its cache and finds nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBENCH_OFFLINE", "1")
    for run in ("me/rooms-that-are-nowhere", "hf://me/rooms-that-are-nowhere@v1"):
        with pytest.raises(UserError, match=r"nowhere.*: not in the cache, and huggingface.co cannot be") as raised:
            mmbench.load_translator(run)
        assert "\n" not in str(raised.value)


def test_what_names_a_folder_and_what_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    assert hub.named("me/rooms") == "me/rooms"
    assert hub.named("hf://me/rooms@v1.0") == "me/rooms@v1.0"
    for folder in ("runs/mmnet", "runs", "a/b/c", "/me/rooms", "./me", Path("seed-0")):
        assert hub.named(folder) is None
    with pytest.raises(UserError, match=r"hf://me: expected hf://owner/name"):
        hub.named("hf://me")
