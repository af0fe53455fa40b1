"""The decoded cache: exact round trip, resume, one preparation for many askers, lazy opening."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from damages import flip

from mmbench.dataset import DataLimits, Dataset, Sample
from mmbench.errors import UserError
from mmbench.modality import Depth, Rgb, Scalar, Segmentation
from mmbench.store import prepared
from mmbench.task import Group, Split, Task, Translation
from mmbench.training.cache import Cache, open_cache

SIZE = 4
IDS = tuple(f"s{number:03d}" for number in range(100))
MODALITIES = (
    Rgb("rgb"),
    Depth("depth"),
    Segmentation("segmentation", classes=("a",), palette=((0, 0, 0), (1, 1, 1))),
    Scalar("nir"),
)


class Noise(Dataset):
    """Random images that are a function of the id; counts what it is asked for."""

    task = Task(
        "noise",
        "cross-modal",
        MODALITIES,
        "rgb",
        (Group(("rgb", "segmentation")), Group(("rgb", "depth", "nir"))),
        (Translation(("depth",), "segmentation"),),
    )
    labels = ("even", "odd")

    def __init__(self, root: Path | None = None, before: Callable[[str], None] = lambda sample_id: None) -> None:
        super().__init__(root, DataLimits())
        self.before = before
        self.asked: list[str] = []

    def split(self) -> Split:
        return Split({"rgb+segmentation": IDS, "rgb+depth+nir": ()}, (), ())

    def manifest(self) -> str:
        return "noise-1"

    def sample(self, sample_id: str) -> Sample:
        self.before(sample_id)
        self.asked.append(sample_id)
        draw = np.random.default_rng(int(sample_id[1:]))
        return {
            "rgb": draw.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8),
            "depth": draw.random((SIZE, SIZE), dtype=np.float32),
            "segmentation": draw.integers(0, 2, (SIZE, SIZE), dtype=np.uint8),
            "nir": draw.random((SIZE, SIZE), dtype=np.float32),
        }

    def label(self, sample_id: str) -> int:
        return int(sample_id[1:]) % 2


def prepare(data: Dataset, folder: Path, **changes: object) -> Cache:
    return open_cache(data, **{"dataset_source": "code", "ids": IDS, "size": SIZE, "folder": folder, **changes})  # type: ignore[arg-type]


def check_whole(cache: Cache) -> None:
    """Every row of every modality equals what the data set gives."""
    for modality in MODALITIES:
        expected = np.stack([Noise().sample(sample_id)[modality.name] for sample_id in IDS])
        found = cache.read(modality.name, np.arange(len(IDS)))
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("root", [None, Path("files")], ids=["embedded", "files"])
def test_round_trip(tmp_path: Path, root: Path | None) -> None:
    cache = prepare(Noise(root), tmp_path)
    check_whole(cache)
    rows = cache.index(["s007", "s002", "s007"])
    np.testing.assert_array_equal(rows, [7, 2, 7])
    np.testing.assert_array_equal(cache.labels(rows), [1, 0, 1])
    np.testing.assert_array_equal(cache.read("nir", rows)[0], Noise().sample("s007")["nir"])


class Partial(Noise):
    """Even samples have no depth and NIR, odd ones no segmentation."""

    def holds(self, sample_id: str) -> tuple[str, ...]:
        return ("rgb", "depth", "nir") if int(sample_id[1:]) % 2 else ("rgb", "segmentation")

    def sample(self, sample_id: str) -> Sample:
        return {name: array for name, array in super().sample(sample_id).items() if name in self.holds(sample_id)}


def test_samples_may_lack_modalities(tmp_path: Path) -> None:
    """As when labels were made for one recording and depth was measured in another; killed and resumed on the way."""

    def stop(sample_id: str) -> None:
        if sample_id == "s070":
            raise UserError("stop")

    with pytest.raises(UserError, match="stop"):
        prepare(Partial(before=stop), tmp_path)
    cache = prepare(Partial(), tmp_path)
    odd, even = np.arange(1, 100, 2), np.arange(0, 100, 2)
    for name, rows in (("depth", odd), ("nir", odd), ("segmentation", even), ("rgb", np.arange(100))):
        expected = np.stack([Noise().sample(IDS[row])[name] for row in rows])
        np.testing.assert_array_equal(cache.read(name, rows), expected)
        assert len(np.load(cache.folder / f"{name}.npy", mmap_mode="r")) == len(rows)
    with pytest.raises(KeyError, match="s002 has no depth"):
        cache.read("depth", np.array([1, 2]))
    held = sum((cache.folder / f"{modality.name}.npy").stat().st_size - 128 for modality in MODALITIES)
    assert prepared.disk_need(MODALITIES, prepared.held(Partial(), IDS), SIZE) == held


def test_what_is_read_is_a_copy(tmp_path: Path) -> None:
    cache = prepare(Noise(), tmp_path)
    block = cache.read("rgb", np.array([0]))
    assert type(block) is np.ndarray
    block[:] = 0
    check_whole(cache)


def test_unknown_id_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="s999"):
        prepare(Noise(), tmp_path).index(["s999"])


def test_second_time_decodes_nothing(tmp_path: Path) -> None:
    prepare(Noise(), tmp_path)
    again = Noise()
    check_whole(prepare(again, tmp_path))
    assert again.asked == []


@pytest.mark.parametrize("change", [{"dataset_source": "other"}, {"ids": IDS[::-1]}, {"size": 2}])
def test_other_code_ids_or_size_is_another_cache(tmp_path: Path, change: dict[str, object]) -> None:
    assert prepare(Noise(), tmp_path).folder != prepare(Noise(), tmp_path, **change).folder


def test_other_manifest_is_another_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare(Noise(), tmp_path)
    monkeypatch.setattr(Noise, "manifest", lambda self: "noise-2")
    assert prepare(Noise(), tmp_path).folder != first.folder


@pytest.mark.parametrize("root", [None, Path("files")], ids=["embedded", "files"])
def test_interrupted_preparation_goes_on_where_it_was(tmp_path: Path, root: Path | None) -> None:
    def stop(sample_id: str) -> None:
        if sample_id == "s070":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(Noise(root, before=stop), tmp_path)
    again = Noise(root)
    seen: list[tuple[int, int]] = []
    check_whole(prepare(again, tmp_path, progress=lambda done, total: seen.append((done, total))))
    assert sorted(again.asked) == list(IDS[64:])
    assert seen == [(64, 100), (96, 100), (100, 100)]


def test_killed_process_leaves_a_cache_that_resumes(tmp_path: Path) -> None:
    def kill(sample_id: str) -> None:
        if sample_id == "s040":
            os.kill(os.getpid(), signal.SIGKILL)

    context = multiprocessing.get_context("fork")
    child = context.Process(target=prepare, args=(Noise(before=kill), tmp_path))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    # Rows that reached the file behind the last count must not survive.
    (part,) = tmp_path.glob("*.part")
    with (part / "rgb.npy").open("ab") as file:
        file.write(b"torn")
    again = Noise()
    check_whole(prepare(again, tmp_path))
    assert again.asked == list(IDS[32:])


def test_damaged_sample_is_named_and_costs_nothing_else(tmp_path: Path) -> None:
    def damaged(sample_id: str) -> None:
        if sample_id == "s050":
            raise UserError("s050.jpg: truncated")

    with pytest.raises(UserError, match=r"s050\.jpg"):
        prepare(Noise(Path("files"), before=damaged), tmp_path)
    mended = Noise(Path("files"))
    check_whole(prepare(mended, tmp_path))
    assert min(mended.asked) == "s032"


def test_two_askers_prepare_once(tmp_path: Path) -> None:
    together = threading.Barrier(2)
    data = [Noise(Path("files")), Noise(Path("files"))]

    def ask(one: Noise) -> None:
        together.wait()
        prepare(one, tmp_path)

    threads = [threading.Thread(target=ask, args=(one,)) for one in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(one.asked) for one in data) == [0, len(IDS)]
    check_whole(prepare(Noise(), tmp_path))


def test_unread_modality_is_never_opened(tmp_path: Path) -> None:
    cache = prepare(Noise(), tmp_path)
    for name in ("depth", "segmentation", "nir", "labels"):
        (cache.folder / f"{name}.npy").unlink()
    assert cache.read("rgb", np.array([3])).shape == (1, SIZE, SIZE, 3)
    with pytest.raises(FileNotFoundError):
        cache.read("depth", np.array([3]))


@pytest.mark.parametrize("name", ["rgb.npy", "depth.npy", "labels.npy", "meta.json", ""])
@pytest.mark.parametrize("does", ["flips", "goes", "is a broken link"])
def test_what_is_damaged_is_prepared_again(
    name: str, does: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = prepare(Noise(), tmp_path).folder
    path = folder / name if name else folder
    if does == "flips" and name:
        flip(path)
    else:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if does == "is a broken link":
        path.symlink_to("/nonexistent/anywhere")
    check_whole(prepare(Noise(), tmp_path))
    assert not caplog.records or "the images are prepared again" in caplog.text
    assert name == "" or name in caplog.text
    assert {one.name for one in tmp_path.iterdir()} == {folder.name, f"{folder.name}.lock"}


@pytest.mark.parametrize("name", ["rgb.npy", "rows"])
def test_a_half_prepared_array_that_is_damaged_begins_again(name: str, tmp_path: Path) -> None:
    def stop(sample_id: str) -> None:
        if sample_id == "s070":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(Noise(before=stop), tmp_path)
    flip(next(tmp_path.glob("*.part")) / name)
    again = Noise()
    check_whole(prepare(again, tmp_path))
    assert len(again.asked) == len(IDS)


def test_a_cache_of_older_code_has_no_digests_and_is_used(tmp_path: Path) -> None:
    folder = prepare(Noise(), tmp_path).folder
    (folder / "meta.json").write_text('{"data": "noise"}')
    again = Noise()
    check_whole(prepare(again, tmp_path))
    assert again.asked == []
    (folder / "rgb.npy").write_bytes(b"x")
    check_whole(prepare(again, tmp_path))


def test_full_disk_is_refused_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need = len(IDS) * SIZE * SIZE * (3 + 4 + 1 + 4)
    usage = shutil.disk_usage(tmp_path)._replace(free=need - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    data = Noise()
    with pytest.raises(UserError, match=r"GB needed.*MMBENCH_CACHE"):
        prepare(data, tmp_path)
    assert data.asked == []


def test_wrong_dtype_of_an_adapter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = Noise().sample("s000")
    monkeypatch.setattr(Noise, "load", lambda self, ids, size: [{**sample, "depth": sample["rgb"]} for _ in ids])
    with pytest.raises(ValueError, match=r"depth.*float32"):
        prepare(Noise(), tmp_path)
