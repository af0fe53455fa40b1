"""SceneNet RGB-D: both protocols, their sizes and views, the split."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mmbench.datasets.scenenet import SETTINGS, SceneNet, parts
from mmbench.datasets.scenenet.frames import Video, find_videos
from scenenet_tree import make_tree, opened

from mmbench.dataset import DataLimits


def videos(release: str, count: int) -> list[Video]:
    return [Video(f"{release}/{n // 1000}/{n}", Path()) for n in range(count)]


@pytest.mark.parametrize(
    ("name", "sizes", "frames", "tested"),
    [
        ("51k", [490, 490, 20, 1000], (0, 25, 1225), (0, 0, 0)),
        ("170k", [7500, 7500, 1000, 1000], (0, 750, 6750), (0, 750, 6750)),
    ],
)
def test_protocols_have_the_papers_sizes(name: str, sizes: list[int], frames: tuple, tested: tuple) -> None:
    protocol = parts.PROTOCOLS[name]
    owners = [protocol.part(video) for video in (*videos("train", 16865), *videos("val", 1000))]
    assert [owners.count(part) for part in parts.PARTS] == sizes
    counts = (sizes[0] + sizes[1], *sizes[2:])
    assert tuple(protocol.sizes.values()) == counts
    for part, ends in ((parts.FIRST, frames), (parts.TEST, tested)):
        numbers = [view * 25 for view in protocol.views_of(part)]
        assert (numbers[0], numbers[1 % len(numbers)], numbers[-1]) == ends
    used = {int(video.id.split("/")[1]) for video in videos("train", 16865) if protocol.part(video)}
    assert used == set(protocol.folders)
    # Folders whose videos start again at 0 are the same release.
    anew = [Video(f"train/{n // 1000}/{n % 1000}", Path()) for n in range(16865)]
    assert [protocol.part(video) for video in anew] == owners[:16865]


def test_split(whole: Path) -> None:
    data = opened(whole)
    assert data.note == "4 of 980 training, 2 of 20 validation and 3 of 1000 test videos"
    split = data.split()
    held = {part: sorted({i.rpartition("/")[0] for i in ids}) for part, ids in split.parts().items()}
    assert held == {
        "rgb+segmentation": ["train/0/1", "train/0/3"],
        "rgb+depth": ["train/0/2", "train/0/4"],
        "validation": ["train/0/0", "train/0/50"],
        "test": ["val/0/0", "val/0/1", "val/0/2"],
    }
    assert sorted(i for i in split.validation if "/50/" in i) == ["train/0/50/0", "train/0/50/100", "train/0/50/25"]
    assert sorted(split.test) == ["val/0/0/0", "val/0/1/0", "val/0/2/0"]
    assert split.scenes["train/0/50/25"] == "train/0/50"
    few = SceneNet(whole, DataLimits(train=3, validation=2, test=1), SETTINGS).split().parts()
    assert {part: list(ids) for part, ids in few.items()} == {
        part: list(ids[:n]) for (part, ids), n in zip(split.parts().items(), (3, 3, 2, 1), strict=True)
    }


def test_views_of_170k(tmp_path: Path) -> None:
    sets = {"train/0": (0, 1), "train/15": (15000,), "val/0": (9,)}
    data = opened(make_tree(tmp_path, sets, (0, 25, 750, 6750, 7475)), protocol="170k")
    assert {part: sorted(ids) for part, ids in data.split().parts().items()} == {
        "rgb+segmentation": ["train/0/0/0", "train/0/0/6750", "train/0/0/750"],
        "rgb+depth": ["train/0/1/0", "train/0/1/6750", "train/0/1/750"],
        "validation": ["train/15/15000/0", "train/15/15000/6750", "train/15/15000/750"],
        "test": ["val/0/9/0", "val/0/9/6750", "val/0/9/750"],
    }
    assert data.sample("train/15/15000/750")["segmentation"].any()
    assert not [problem for problem in data.verify() if "void" not in problem.what]


def test_videos_are_sorted_by_number(tmp_path: Path) -> None:
    for name in ("10", "9", "100", "1", ".cache", "notes"):
        (tmp_path / "train" / "0" / name).mkdir(parents=True)
    assert [video.id.split("/")[2] for video in find_videos(tmp_path, ["train/0", "train/1"])] == [
        "1",
        "9",
        "10",
        "100",
    ]


def test_absent_videos_move_no_other(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "part")
    for video in ("train/0/1", "train/0/50", "val/0/0"):
        shutil.rmtree(tmp_path / "part" / "scenenet_rgbd" / video)
    before, after = opened(whole), opened(tmp_path / "part")
    assert after.note.startswith("3 of 980 training, 1 of 20 validation and 2 of 1000")
    assert after.manifest() != before.manifest()
    for part, ids in after.split().parts().items():
        kept = ("train/0/1/", "train/0/50/", "val/0/0/")
        assert ids == tuple(i for i in before.split().parts()[part] if not i.startswith(kept))
