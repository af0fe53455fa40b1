"""Every rule of the data sets' contract, broken once by a plug-in from outside, is named with the plug-in's file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mmbench.contracts.checks import ContractError
from mmbench.contracts.datasets import checks_of
from mmbench.plugins import catalog

PLUGIN = """
import hashlib
import numpy as np
from mmbench.dataset import Dataset
from mmbench.modality import Depth, Rgb, Scalar, Segmentation
from mmbench.task import Group, Split, Task, Translation

NAME = "mine"
TITLE = "Mine"
KIND = "cross-modal"
CLASS = "Mine"
NEEDS_ROOT = True


class Mine(Dataset):
    task = Task(
        name=NAME, kind="cross-modal", anchor="rgb",
        modalities=(
            Rgb("rgb"), Depth("depth"), Scalar("heat"),
            Segmentation("segmentation", classes=("a", "b"), palette=((0, 0, 0),) * 3),
        ),
        groups=(Group(("rgb", "segmentation")), Group(("rgb", "depth", "heat"))),
        unseen=(Translation(("depth",), "segmentation"), Translation(("heat",), "segmentation")),
    )

    def __init__(self, root, limits):
        super().__init__(root, limits)
        self.names = (root / "names.txt").read_text().split()

    def split(self):
        a, b, c, d = (tuple(name for name in self.names if name[0] == part) for part in "abcd")
        return Split({"rgb+segmentation": a, "rgb+depth+heat": b}, c, d)

    def manifest(self):
        return hashlib.sha256(" ".join(self.names).encode()).hexdigest()

    def holds(self, sample_id):
        return ("rgb", "depth", "heat", "segmentation")

    def sample(self, sample_id):
        seed = int.from_bytes(sample_id.encode(), "big")
        draw = np.random.default_rng(seed)
        return {
            "rgb": draw.integers(0, 256, (10, 12, 3), dtype=np.uint8),
            "depth": draw.random((10, 12), dtype=np.float32),
            "heat": draw.random((10, 12), dtype=np.float32) * 2 - 1,
            "segmentation": draw.integers(0, 3, (10, 12), dtype=np.uint8),
        }
"""

BROKEN = {
    "salted": ("int.from_bytes(sample_id.encode(), 'big')", "abs(hash(sample_id))", "the samples are the same"),
    "set": ("tuple(name for name in self.names if", "tuple(name for name in set(self.names) if", "the split are the"),
    "salted-manifest": ("hashlib.sha256(", "str(hash(' '.join(self.names))) or (", "the manifest are the same"),
    "torch": ("import hashlib", "import torch, hashlib", "does not import torch at module level"),
    "path": ("' '.join(self.names)", "str(self.root)", "is the same for the same files in another folder"),
    "naked-path": ("hashlib.sha256(' '.join(self.names).encode()).hexdigest()", "str(self.root)", "holds no path"),
    "shared": ("if name[0] == part)", "if name[0] == part or name == 'd3')", "without a common sample or scene .*'d3'"),
    "empty": ("in 'abcd')", "in 'abcx')", "leaves test empty"),
    "group": ("'rgb+depth+heat': b", "'rgb+heat': b", "split.. has the groups"),
    "lacks": ("return ('rgb',", "return ('rgb',) if sample_id == 'd2' else ('rgb',", "d2 of test does not hold"),
    "holds": ("'heat', 'segmentation')\n", "'segmentation')\n", r"sample.'a1'. has .*'heat'.* holds"),
    "double": ("random((10, 12), dtype=np.float32)", "random((10, 12))", "depth of .*float32 .*here float64"),
    "negative": ("dtype=np.float32),\n", "dtype=np.float32) - 0.5,\n", "depth of .* an adapter gives 0; here .* -0.49"),
    "millimetres": ("dtype=np.float32),\n", "dtype=np.float32) * 4000,\n", "depth of .* as if in millimetres"),
    "whole": ("random((10, 12), dtype=np.float32),\n", "random((10, 12)).round().astype('f4') * 900,\n", "divide"),
    "range": ("* 2 - 1", "* 3 - 1", "heat of .* from -1 .black. to 1 .white.; here .* 1.98"),
    "classes": ("integers(0, 3", "integers(0, 4", "segmentation of .* class ids"),
    "grey": ("(10, 12, 3)", "(10, 12)", "rgb of .*uint8 .H, W, 3."),
    "sizes": ("draw.integers(0, 3, (10, 12)", "draw.integers(0, 3, (10, 13)", "of one height and width"),
    "kind": ("KIND = 'cross-modal'", "KIND = 'cross-domain'", "the task is cross-modal"),
    "loads": (
        "    def holds",
        "    def load(self, ids, size):\n"
        "        for i in ids:\n"
        "            yield {n: a[:size, :size] for n, a in self.sample(i).items()}\n\n    def holds",
        "equals fit.sample",
    ),
}  # fmt: skip


def plug_in(folder: Path, old: str = "", new: str = "") -> Path:
    """A data set in a folder from outside, with one change."""
    text = PLUGIN.replace('"', "'")
    assert old in text, old
    (folder / "datasets").mkdir()
    path = folder / "datasets" / "mine.py"
    path.write_text(text.replace(old, new, 1))
    (folder / "files").mkdir()
    (folder / "files" / "names.txt").write_text(" ".join(f"{part}{n}" for n in range(1, 9) for part in "abcd"))
    return path


def judge(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBENCH_PLUGINS", str(folder))
    card = catalog.find("datasets", "mine")
    monkeypatch.delitem(sys.modules, card.module, raising=False)
    (folder / "copy").mkdir()
    for check in checks_of(card, folder / "files", folder / "copy"):
        check.look()


def test_a_plug_in_from_outside_that_keeps_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path)
    judge(tmp_path, monkeypatch)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_named_with_the_file(rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, line = BROKEN[rule]
    path = plug_in(tmp_path, old, new)
    with pytest.raises(ContractError, match=line) as caught:
        judge(tmp_path, monkeypatch)
    assert str(caught.value).startswith(f"{path}: ")
