"""``--set pretrained=<file>``: its content is in the key, its place nowhere, and the cell says what was taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mmbench import load_translator
from mmbench.cell import CellRun
from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.planning.order import Order, order_of
from mmbench.planning.plan import Cell, make_plan

SMALL = {"profile.steps": 2, "profile.checkpoint_every": 2, "profile.data.test": 4, "profile.data.train": 12,
         "profile.network.width": 4, "profile.network.poolings": 2, "profile.network.convs": [1, 1]}  # fmt: skip


def saved(path: Path, seed: int = 0, width: int = 4) -> Path:
    """A file with the first two levels of a network of one convolution each."""
    torch.manual_seed(seed)
    path.parent.mkdir(exist_ok=True)
    layers = (nn.Conv2d(3, width, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(width, 2 * width, 3))
    torch.save(nn.Sequential(*layers).state_dict(), path)
    return path


def planned(tmp_path: Path, file: object, method: str = "frozen-features") -> Cell:
    overrides = {**SMALL, "pretrained": str(file)}
    return make_plan([method], "synthetic", "smoke", [0], tmp_path / "runs", overrides=overrides).cells[-1]


def test_the_key_and_the_folder_go_by_the_content(tmp_path: Path) -> None:
    first, copied = saved(tmp_path / "vgg.pth"), tmp_path / "elsewhere" / "vgg.pth"
    copied.parent.mkdir()
    shutil.copy(first, copied)
    one, same, plain = (planned(tmp_path, name) for name in (first, copied, "auto"))
    other = planned(tmp_path, saved(tmp_path / "other" / "vgg.pth", seed=1))
    assert one.key == same.key and one.folder.name == same.folder.name
    assert len({one.key, other.key, plain.key}) == len({one.folder.name, other.folder.name, plain.folder.name}) == 3
    assert str(tmp_path) not in json.dumps([dict(one.config.settings), dict(one.changed.method)])


def test_a_cell_says_what_it_took_and_translates_without_the_file(tmp_path: Path) -> None:
    file = saved(tmp_path / "vgg.pth")
    cell = planned(tmp_path, file)
    order = Order.from_json(order_of(cell, cache_folder=tmp_path / "cache", threads=1, device="cpu").to_json())
    assert CellRun(order, lambda what, done, total: None).run() == 0
    result = json.loads((cell.folder.path / "result.json").read_text())
    name, _, digest = str(cell.config.settings["pretrained"]).partition("#sha256=")
    assert name == "vgg.pth" and result["config"]["settings"]["pretrained"] == f"vgg.pth#sha256={digest}"
    assert result["pretrained"] == {"file": "vgg.pth", "sha256": digest, "levels": 2, "convolutions": 2}
    assert str(tmp_path) not in json.dumps({key: result[key] for key in ("overrides", "changed", "config")})
    file.unlink()
    made = load_translator(cell.folder.path).translate({"depth": torch.ones(8, 8).numpy()}, "segmentation")
    assert made.shape == (16, 16)


def test_a_cell_whose_file_fits_nothing_fails_with_one_line(tmp_path: Path) -> None:
    cell = planned(tmp_path, saved(tmp_path / "vgg.pth", width=5))
    order = order_of(cell, cache_folder=tmp_path / "cache", threads=1, device="cpu")
    with pytest.raises(
        UserError, match=r"pretrained = vgg\.pth: its first level is 5x3x3x3, the RGB encoder's 4x3x3x3"
    ):
        CellRun(order, lambda what, done, total: None).run()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("~/none.pth", "/none.pth: cannot be read (No such file or directory)"),
        ("list.pth", "holds a list, expected a state dict"),
        ("vgg.bin", "expected a file of weights that ends in .pth, .pt, .safetensors"),
        ("requird", "pretrained cannot be 'requird' (did you mean 'required'?)"),
    ],
)
@pytest.mark.parametrize("method", ["frozen-features", "mmnet"])
def test_what_is_no_file_of_weights_is_said_with_the_plan(
    method: str, value: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    torch.save([1], "list.pth")
    value = f"./{value}" if value == "vgg.bin" else value
    assert main(["run", "--dry-run", "--profile", "smoke", "--methods", method, "--set", f"pretrained={value}"]) == 2
    line = capsys.readouterr().err
    assert line.startswith("mmbench: --set") and message in line and line.count("\n") == 1
