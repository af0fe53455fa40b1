"""Files of weights: named by their content, read without running it, one line where they are something else."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mmbench.errors import UserError
from mmbench.given import weights

STATE = {"0.weight": torch.ones(2, 3, 3, 3), "0.bias": torch.zeros(2)}


def saved(path: Path, content: Any = None) -> Path:
    torch.save(STATE if content is None else content, path)
    return path


def test_a_file_is_named_by_its_content_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "vgg.pth")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    text = f"{path}#sha256={digest}"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert [weights.pinned(name, "--set x") for name in (str(path), "~/vgg.pth", "vgg.pth", text)] == [text] * 4
    assert weights.unplaced(text) == f"vgg.pth#sha256={digest}"
    assert [weights.brief(value) for value in (text, "auto", 3)] == [f"vgg.pth#sha256={digest[:8]}", "auto", 3]
    assert (weights.is_placed(text), weights.is_placed(weights.unplaced(text))) == (True, False)
    assert [weights.unplaced(value) for value in ("auto", 3, "a/b.pth")] == ["auto", 3, "a/b.pth"]
    assert [weights.looks_like_file(v) for v in ("x.pt", "a/b", "X.SAFETENSORS", text, "requird", 3)] == [
        True, True, True, True, False, False
    ]  # fmt: skip


@pytest.mark.parametrize("nested", [False, True])
def test_tensors_are_read_from_both_formats_and_from_within(tmp_path: Path, nested: bool) -> None:
    path = saved(tmp_path / "a.pt", {"epoch": 3, "state_dict": STATE} if nested else None)
    if not nested:
        path = tmp_path / "a.safetensors"
        save_file(STATE, path)
    tensors, about = weights.tensors_of(weights.pinned(str(path), ""))
    assert tensors.keys() == STATE.keys() and all(torch.equal(tensors[key], STATE[key]) for key in STATE)
    assert about == {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


class Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pth", [1, 2], "holds a list, expected a state dict"),
        ("a.pth", {"epoch": 3}, "holds no tensors by name, expected a state dict"),
        ("a.pth", {3: torch.ones(1)}, "holds no tensors by name"),
        ("a.pth", b"nonsense", "is no file of tensors"),
        ("a.pth", b"", "is no file of tensors"),
        ("a.safetensors", b"nonsense", "is no file of tensors"),
        ("a.pth", pickle.dumps(Bomb(), protocol=2), "is no file of tensors"),
        ("a.bin", b"", "expected a file of weights that ends in .pth, .pt, .safetensors"),
    ],
)
def test_what_is_no_state_dict_is_one_line(
    name: str, content: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        saved(path, content)
    with pytest.raises(UserError) as caught:
        weights.pinned(str(path), "--set pretrained")
    line = str(caught.value)
    assert line.startswith(f"--set pretrained {path}: ") and message in line and "\n" not in line
    assert not (tmp_path / "exploded").exists()


def test_what_is_not_there_or_is_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.pth").mkdir()
    for name, reason in (("none.pth", "No such file or directory"), ("folder.pth", "Is a directory")):
        with pytest.raises(UserError, match=rf"--set x {tmp_path}/{name}: cannot be read \({reason}\)"):
            weights.pinned(str(tmp_path / name), "--set x")


def test_another_file_in_its_place_is_never_used(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pth")
    text = weights.pinned(str(path), "")
    saved(path, {"0.weight": torch.zeros(4)})
    with pytest.raises(UserError, match=r"a\.pth: was changed after the plan was made"):
        weights.tensors_of(text)
    with pytest.raises(UserError, match=r"a\.pth: has SHA-256 [0-9a-f]{64}, and [0-9a-f]{64} was asked for"):
        weights.pinned(text, "")
    path.unlink()
    with pytest.raises(UserError, match=r"a\.pth: cannot be read \(No such file"):
        weights.tensors_of(text)
