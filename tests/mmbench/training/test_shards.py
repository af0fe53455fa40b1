"""A cache in shards: the same rows as in one folder, made by several processes, checked and made anew one by one."""

from __future__ import annotations

import functools
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damages import flip

from mmbench.dataset import DataLimits, Dataset, Sample
from mmbench.errors import UserError
from mmbench.modality import Depth, Rgb
from mmbench.store import arrays, prepared
from mmbench.store.lock import Lock
from mmbench.task import Group, Split, Task, Translation
from mmbench.training import cache as caching
from mmbench.training.cache import Cache, open_cache

SIZE, EACH = 4, 40
IDS = tuple(f"s{number:03d}" for number in range(150))  # three whole shards and one of 30
NAMES = ("00000", "00001", "00002", "00003")
MODALITIES = (Rgb("rgb"), Depth("depth"), Rgb("other"))


class Frames(Dataset):
    """Random images that are a function of the id; every third has no depth, and none of the second shard."""

    task = Task(
        "frames", "cross-modal", MODALITIES, "rgb", (Group(("rgb", "depth")), Group(("rgb", "other"))),
        (Translation(("depth",), "other"),),
    )  # fmt: skip
    labels = ("even", "odd")

    def __init__(self, before: Callable[[str], None] = lambda sample_id: None, root: Path | None = None) -> None:
        super().__init__(root, DataLimits())
        self.before, self.asked = before, list[str]()

    def split(self) -> Split:
        return Split({"rgb+depth": IDS, "rgb+other": ()}, (), ())

    def manifest(self) -> str:
        return "frames"

    def holds(self, sample_id: str) -> tuple[str, ...]:
        number = int(sample_id[1:])
        return ("rgb", "other") if number % 3 == 0 or EACH <= number < 2 * EACH else ("rgb", "depth", "other")

    def sample(self, sample_id: str) -> Sample:
        self.before(sample_id)
        self.asked.append(sample_id)
        draw = np.random.default_rng(int(sample_id[1:]))
        made: Sample = {name: draw.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8) for name in ("rgb", "other")}
        made["depth"] = draw.random((SIZE, SIZE), dtype=np.float32)
        return {name: made[name] for name in self.holds(sample_id)}

    def label(self, sample_id: str) -> int:
        return int(sample_id[1:]) % 2


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "SHARD", EACH)


def prepare(data: Dataset, folder: Path, **changes: Any) -> Cache:
    return open_cache(data, **{"dataset_source": "code", "ids": IDS, "size": SIZE, "folder": folder, **changes})


def check_whole(cache: Cache) -> None:
    """Some rows in any order, of one shard and of several, are what the data set gives."""
    for rows in (np.arange(150), np.array([149, 0, 41, 41, 80]), np.array([7]), np.array([], np.int64)):
        np.testing.assert_array_equal(cache.labels(rows), rows % 2)
        for name in ("rgb", "depth", "other"):
            there = rows[cache.holding(rows, [name])]
            assert there.tolist() == [row for row in rows.tolist() if name in Frames().holds(IDS[row])]
            expected = [Frames().sample(IDS[row])[name] for row in there]
            found = cache.read(name, there)
            assert found.shape[1:] == cache.read(name, np.array([1])).shape[1:] and len(found) == len(expected)
            for one, other in zip(found, expected, strict=True):
                assert one.dtype == other.dtype
                np.testing.assert_array_equal(one, other)


def shards_of(cache: Cache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir() if path.is_dir())


@pytest.mark.parametrize("root", [None, Path("files")], ids=["embedded", "files"])
def test_rows_are_those_of_the_data_set(root: Path | None, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    cache = prepare(Frames(root=root), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert shards_of(cache) == [*NAMES] and cache.folder.name.endswith("-by-40")
    check_whole(cache)
    assert seen == [(n, 150) for n in (0, 32, 40, 40, 72, 80, 80, 112, 120, 120, 150)]
    with pytest.raises(KeyError, match="s003 has no depth"):
        cache.read("depth", np.array([1, 100, 3]))
    again = Frames()
    check_whole(prepare(again, tmp_path))
    assert again.asked == []


def test_as_many_as_a_shard_holds_lie_as_they_always_did(tmp_path: Path) -> None:
    cache = prepare(Frames(), tmp_path, ids=IDS[:EACH])
    assert {path.name for path in cache.folder.iterdir()} >= {"rgb.npy", "meta.json", "rows"}
    assert len(cache.folder.name) == 32


def test_what_earlier_code_put_into_one_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "SHARD", 1000)
    one = prepare(Frames(), tmp_path).folder
    monkeypatch.setattr(prepared, "SHARD", EACH)
    again = Frames()
    cache = prepare(again, tmp_path)
    check_whole(cache)
    assert cache.folder == one and again.asked == []


def test_files_are_opened_when_they_are_read_and_so_many_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "MAPPED", 2)
    cache = prepare(Frames(), tmp_path)
    (cache.folder / "00001" / "rgb.npy").unlink()
    opened, load = list[str](), np.load

    def noted(path: Path, **how: Any) -> np.ndarray:
        opened.append(path.parent.name)
        return np.asarray(load(path, **how))

    monkeypatch.setattr(np, "load", noted)
    for row in (0, 1, 85, 2, 140, 141, 3, 86):
        np.testing.assert_array_equal(cache.read("rgb", np.array([row]))[0], Frames().sample(IDS[row])["rgb"])
    assert opened == ["00000", "00002", "00003", "00002"], "two are kept, the ones that were read last"
    with pytest.raises(FileNotFoundError, match="00001"):
        cache.read("rgb", np.array([0, 50]))


@pytest.mark.parametrize("name", ["rgb.npy", "depth.npy", "labels.npy", "meta.json", ""])
@pytest.mark.parametrize("does", ["flips", "is cut", "goes"])
def test_a_damaged_shard_is_named_and_made_anew_alone(
    name: str, does: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = prepare(Frames(), tmp_path).folder / "00002" / name
    if not name or does == "goes":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif does == "flips":
        flip(path)
    else:
        path.write_bytes(path.read_bytes()[:-5])
    again = Frames()
    cache = prepare(again, tmp_path)
    assert sorted(again.asked) == list(IDS[80:120])
    assert shards_of(cache) == [*NAMES]
    check_whole(cache)
    if name:
        (line,) = caplog.messages
        assert f"00002/{name}" in line and line.endswith("40 images of its folder are prepared again")


def test_of_many_shards_the_bytes_of_some_are_read_and_the_sizes_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepare(Frames(), tmp_path).folder
    read, problem = list[str](), arrays.problem

    def watched(one: Path, whole: bool = False, sizes: bool = False) -> str:
        read.extend([] if sizes else [one.name])
        return problem(one, whole, sizes)

    monkeypatch.setattr(arrays, "problem", watched)
    monkeypatch.setattr(caching, "READ", 1)
    for _ in range(60):
        prepare(Frames(), tmp_path)
    assert len(read) == 60 and set(read) == {*NAMES}, "each time another one"
    (folder / "00003" / "other.npy").write_bytes(b"")
    monkeypatch.setattr(caching, "READ", 0)
    again = Frames()
    check_whole(prepare(again, tmp_path))
    assert sorted(again.asked) == list(IDS[120:])


def test_damage_that_was_found_by_chance_is_not_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large file other blocks are read each time; what was found wrong once is made anew all the same."""
    prepare(Frames(), tmp_path)
    found = iter(["00001/rgb.npy: damaged"])
    monkeypatch.setattr(arrays, "problem", lambda one, **how: next(found, "") if one.name == "00001" else "")
    again = Frames()
    prepare(again, tmp_path)
    assert sorted(again.asked) == list(IDS[40:80])


def test_verify_names_a_damaged_shard(tmp_path: Path) -> None:
    folder = prepare(Frames(), tmp_path).folder
    assert list(arrays.problems(tmp_path, "frames")) == []
    flip(folder / "00001" / "other.npy")
    (line,) = arrays.problems(tmp_path, "frames")
    assert line.startswith(f"{folder}/00001/other.npy: damaged")
    assert list(arrays.problems(tmp_path, "another")) == []


def test_a_process_takes_what_nobody_is_making(tmp_path: Path) -> None:
    """Somebody holds the second shard, and lets go of it unfinished when all others are there."""
    other, folder = Frames(), tmp_path / prepared.folder_name(prepared.meta(Frames(), "frames", "code", SIZE), IDS)
    (shard,) = (one for one in prepared.shards(tmp_path, folder.name, 150) if one.rows.start == 40)
    with Lock(shard.lock):
        worker = threading.Thread(target=prepare, args=(other, tmp_path))
        worker.start()
        while prepared.prepared_samples(tmp_path, folder.name, 150) < 110:
            worker.join(0.01)
        assert worker.is_alive() and sorted(other.asked) == [*IDS[:40], *IDS[80:]]
    worker.join()
    assert sorted(other.asked) == list(IDS)
    check_whole(prepare(Frames(), tmp_path))


def work(folder: Path, log: Path) -> None:
    """Prepare in a process; note each sample that is decoded. Whoever comes first to one of them dies there."""

    def before(sample_id: str) -> None:
        if sample_id == "s135" and not (mark := log.with_name("killed")).exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with log.open("a") as file:
            file.write(f"{sample_id}\n")

    prepare(Frames(before), folder)


def test_processes_share_the_work_and_what_one_leaves_is_taken_up(tmp_path: Path) -> None:
    """Three processes, of which one is killed in the middle of a shard."""
    log = tmp_path / "log"
    start = functools.partial(multiprocessing.get_context("fork").Process, target=work)
    workers = [start(args=(tmp_path / "cache", log)) for _ in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert sorted(one.exitcode or 0 for one in workers) == [-signal.SIGKILL, 0, 0]
    decoded = log.read_text().splitlines()
    twice = sorted(one for one in set(decoded) if decoded.count(one) > 1)
    assert set(decoded) == set(IDS) and twice == list(IDS[120:135]), "the chunk that was under way, and nothing else"
    again = Frames()
    check_whole(prepare(again, tmp_path / "cache"))
    assert again.asked == []


def test_a_shard_that_was_left_goes_on_where_it_was(tmp_path: Path) -> None:
    def stop(sample_id: str) -> None:
        if sample_id == "s075":
            raise UserError("s075.png: damaged")

    with pytest.raises(UserError, match="s075"):
        prepare(Frames(stop), tmp_path)
    seen: list[int] = []
    again = Frames()
    check_whole(prepare(again, tmp_path, progress=lambda done, total: seen.append(done)))
    assert sorted(again.asked) == list(IDS[72:])
    assert seen[0] == 72


def test_room_is_asked_for_all_that_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = prepared.held(Frames(), IDS)
    need = 150 * 2 * 3 * SIZE**2 + int(there["depth"].sum()) * 4 * SIZE**2
    assert prepared.disk_need(MODALITIES, there, SIZE) == need
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=need - 1))
    data = Frames()
    with pytest.raises(UserError, match=r"GB needed.*MMBENCH_CACHE"):
        prepare(data, tmp_path)
    assert data.asked == []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=need))
    prepare(data, tmp_path)


def test_a_copied_cache_is_used_as_it_is(tmp_path: Path) -> None:
    """As it is brought to another machine, by any program that copies files."""
    prepare(Frames(), tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    again = Frames()
    check_whole(prepare(again, tmp_path / "there"))
    assert again.asked == []
