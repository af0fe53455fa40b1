"""A plan of a million samples: the list is made once, kept under all that it depends on, and makes the same cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import UserError
from mmbench.planning import listing as module
from mmbench.planning.plan import Plan, make_plan, open_dataset
from mmbench.plugins import catalog
from mmbench.plugins.remembered import remembered
from mmbench.schedule import DataLimits
from mmbench.store import prepared

PLUGINS = Path(__file__).parents[3] / "benchmarks" / "listed"
SAMPLES = 1_000_000


@pytest.fixture(autouse=True)
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The plug-in, and a cache folder that nothing is kept in."""
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(PLUGINS))
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "cache"))
    remembered.cache_clear()
    yield
    remembered.cache_clear()


def plan(tmp_path: Path, samples: int, **changes: Any) -> Plan:
    return make_plan(
        ["prior", "oracle"], "listed", "smoke", [0], tmp_path / "runs", overrides={"data.samples": samples, **changes}
    )


def another_process() -> None:
    """Write what is kept and forget it, as a process does that ends."""
    remembered("listings", Path(module.__file__), Path(prepared.__file__)).save()
    remembered.cache_clear()


def refuse(*given: object) -> None:
    raise AssertionError("samples are listed once more")


def test_a_million_samples_are_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = plan(tmp_path, SAMPLES)
    assert first.data.samples == SAMPLES and first.data.test == SAMPLES // 20
    dataset = open_dataset("listed", DataLimits(), None)
    ids = prepared.all_ids(dataset)
    assert len(set(ids)) == SAMPLES
    about = prepared.meta(dataset, dataset.manifest(), "source", 16)
    assert len(prepared.shards(tmp_path, prepared.folder_name(about, ids), len(ids))) == 123
    # Three bytes of rgb and one of labels for each pixel, and four of the depth that nine of ten samples have.
    assert first.data.bytes == 16 * 16 * (4 * SAMPLES + 4 * SAMPLES * 9 // 10)
    another_process()
    monkeypatch.setattr(type(dataset), "split", refuse)
    monkeypatch.setattr(prepared, "held", refuse)
    again = plan(tmp_path, SAMPLES)
    assert again.data == first.data and again.skipped == first.skipped
    assert [cell.key for cell in again.cells] == [cell.key for cell in first.cells]
    assert any("learns from 405000 of 450000 samples of rgb+segmentation" in note for note in again.skipped)


def test_what_is_kept_makes_the_same_plan_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 4000)
    kept = [plan(tmp_path, samples) for samples in (4000, 6000)]
    another_process()
    again = [plan(tmp_path, samples) for samples in (4000, 6000)]
    other_size = plan(tmp_path, 4000, **{"profile.size": 32, "profile.network.poolings": 2})
    monkeypatch.setattr(module, "MANY", 10**9)
    (tmp_path / "cache" / "listings.json").unlink()
    remembered.cache_clear()
    fresh = [plan(tmp_path, samples) for samples in (4000, 6000)]
    for one, two, three in zip(kept, again, fresh, strict=True):
        assert one.data == two.data == three.data
        assert [c.key for c in one.cells] == [c.key for c in two.cells] == [c.key for c in three.cells]
    assert other_size.data.bytes == 4 * kept[0].data.bytes
    assert len({one.data.prepared_in for one in (*kept, other_size)}) == 3


@pytest.mark.parametrize("lacks", ["the word", "many samples"])
def test_a_list_is_made_for_each_plan_otherwise(lacks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an adapter that does not say that its split follows from the manifest, and of few samples."""
    dataset = open_dataset("listed", DataLimits(), None, {"data.samples": 4000})
    if lacks == "the word":
        monkeypatch.setattr(module, "MANY", 0)
        monkeypatch.setattr(type(dataset), "split_by_manifest", False)
    plan(tmp_path, 4000)
    another_process()
    monkeypatch.setattr(type(dataset), "split", refuse)
    with pytest.raises(UserError, match="once more"):
        plan(tmp_path, 4000)


def test_too_few_samples_are_a_line() -> None:
    with pytest.raises(Exception, match=r"data\.samples=10; expected 2000 or more"):
        open_dataset("listed", DataLimits(), None, {"data.samples": 10})
