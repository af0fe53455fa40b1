"""A translator is loaded from a finished cell; damaged, unfinished and outdated ones are told apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmbench
from mmbench.errors import UserError
from mmbench.inference.translator import Translator
from mmbench.planning import config


@pytest.fixture
def copy(cells: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the mmnet cell with some of its result changed, without digests, as older code wrote it."""

    def make(**changes: Any) -> Path:
        folder = tmp_path / "mmnet" / "seed-0"
        shutil.copytree(cells / "mmnet" / "seed-0", folder, ignore=shutil.ignore_patterns("digests.json"))
        result = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps({**result, **changes}))
        return folder

    return make


def test_devices_and_precisions_that_there_are_not(cells: Path) -> None:
    with pytest.raises(UserError, match=r"^--device 'tpu': expected auto, cpu or cuda$"):
        mmbench.load_translator(cells / "mmnet" / "seed-0", device="tpu")
    with pytest.raises(UserError, match=r"^--precision 'fp16' is unknown"):
        mmbench.load_translator(cells / "mmnet" / "seed-0", precision="fp16")


def test_runs_that_are_not_there_or_not_done(cells: Path, copy: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"no such run: .*mnet is no folder \(did you mean 'mmnet'\?\)"):
        mmbench.load_translator(cells / "mnet" / "seed-0")
    with pytest.raises(UserError, match=r"not the folder of a run; give one such as .*/seed-0$"):
        mmbench.load_translator(cells)
    folder = copy()
    (folder / "result.json").write_text("{")
    with pytest.raises(UserError, match=r"seed-0: damaged \(result\.json.*\), and only what is done translates"):
        mmbench.load_translator(folder)
    (folder / "result.json").unlink()
    with pytest.raises(UserError, match="seed-0: interrupted, and only"):
        mmbench.load_translator(folder)


def test_damaged_weights_are_one_line(copy: Callable[..., Path]) -> None:
    folder = copy()
    (weights,) = folder.glob("checkpoint/step-*/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"weights.safetensors: damaged") as raised:
        mmbench.load_translator(folder)
    assert "\n" not in str(raised.value)
    (folder / "checkpoint" / "latest").unlink()
    with pytest.raises(UserError, match="without a checkpoint"):
        mmbench.load_translator(folder)


def test_code_and_images_that_changed_are_noted(copy: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    folder = copy(source="another", manifest="another", task=None)
    mmbench.load_translator(folder)
    said = caplog.text
    assert "was made with other code" in said
    assert "the images of 'synthetic' are not those that" in said


def test_a_task_that_is_recorded_needs_no_images(
    bench: Any, translator: Translator, images: dict[str, np.ndarray], copy: Callable[..., Path], monkeypatch: Any
) -> None:
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    folder = copy(dataset="flowers", data_settings={}, task=None)
    with pytest.raises(UserError, match=r"does not record its modalities; data set 'flowers' needs .* --data-root"):
        mmbench.load_translator(folder)
    result = json.loads((folder / "result.json").read_text())
    recorded = json.loads(json.dumps(config.as_dict(bench.dataset.task)))
    (folder / "result.json").write_text(json.dumps({**result, "task": recorded}))
    made = mmbench.load_translator(folder)
    assert made.modalities == translator.modalities
    assert made.translations == translator.translations
    depth = {"depth": images["depth"][0]}
    assert np.array_equal(made.translate(depth, "segmentation"), translator.translate(depth, "segmentation"))
