"""Files named by times that differ a little are one sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmbench.datasets.folder.stamps import are_stamps, by_time, seconds
from PIL import Image

from mmbench.commands.main import main
from mmbench.errors import UserError


def test_each_image_belongs_to_the_nearest_one_and_to_no_second() -> None:
    images = {
        "rgb": {"1.00": "a", "2.00": "b", "3.00": "c"},
        # 0.99 is nearer to 1.00 than 1.02 is, and 3.01 to 3.00 than 2.98; 2.10 is too far from 2.00.
        "depth": {"0.99": "p", "1.02": "q", "2.10": "r", "2.98": "s", "3.01": "t"},
    }
    made = by_time(images, "rgb", 0.05)
    assert made["rgb"] == images["rgb"]
    assert made["depth"] == {"1.00": "p", "1.02": "q", "2.10": "r", "2.98": "s", "3.00": "t"}


def test_recordings_in_subfolders_do_not_meet() -> None:
    made = by_time({"rgb": {"a/1.00": 1, "b/1.01": 2}, "depth": {"b/1.00": 3}}, "rgb", 0.05)
    assert made["depth"] == {"b/1.01": 3}


def test_names_that_are_no_times() -> None:
    assert seconds("kitchen/12.5") == 12.5
    assert seconds("kitchen_1") is None is seconds("nan")
    assert are_stamps(["1.5", "x/2.25"]) and not are_stamps(["1", "2.5"]) and not are_stamps(["a.5"])
    with pytest.raises(UserError, match="nearest: the name 'kitchen' is no time in seconds"):
        by_time({"rgb": {"1.0": 1}, "depth": {"kitchen": 2}}, "rgb", 0.1)


def test_the_message_proposes_it_and_the_folder_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, chance = tmp_path / "tum", np.random.default_rng(0)
    for name in ("rgb", "depth", "segmentation"):
        (root / name).mkdir(parents=True)
    for number in range(24):
        shift = chance.uniform(0, 0.005, 3)
        stamps = [f"{1305031102 + number * 0.033 + one:.6f}.png" for one in shift]
        Image.fromarray(chance.integers(0, 255, (8, 8, 3), np.uint8)).save(root / "rgb" / stamps[0])
        Image.fromarray(chance.integers(500, 4000, (8, 8)).astype(np.uint16)).save(root / "depth" / stamps[1])
        Image.fromarray(chance.integers(1, 4, (8, 8), np.uint8)).save(root / "segmentation" / stamps[2])
    main(["data", "verify", str(root)])
    assert "or write nearest = 0.02 in dataset.toml" in capsys.readouterr().out
    (root / "dataset.toml").write_text("nearest = 0.02\n")
    assert main(["data", "verify", str(root)]) == 0
    assert "24 samples with all of them" in capsys.readouterr().out
    (root / "dataset.toml").write_text("nearest = -1\n")
    main(["data", "verify", str(root)])
    assert "nearest: expected seconds, such as 0.02, got -1" in capsys.readouterr().out
