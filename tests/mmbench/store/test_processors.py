"""Cores and GPUs by what the system's files say: containers' quotas, drivers without /dev/nvidiactl."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmbench.store import processors


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of control groups, on a machine with 64 cores."""
    monkeypatch.setattr(processors, "CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))
    return tmp_path


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 64),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, 64),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "99900000 100000\n"}, 64),
        ({"cpu.max": "nonsense"}, 64),
        ({"cpu.max": "100 0"}, 64),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 64),
        ({"cpu,cpuacct/cpu.cfs_quota_us": "400000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 4),
    ],
)
def test_a_containers_quota_bounds_the_cores(files: dict[str, str], cores: int, groups: Path) -> None:
    for name, text in files.items():
        put(groups / name, text)
    assert processors.usable_cores() == cores


@pytest.mark.parametrize(("line", "top"), [("0::/a/b", ""), ("4:cpu,cpuacct:/a/b", "cpu")])
def test_the_tightest_group_around_the_process_counts(
    line: str, top: str, groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, texts = ("cpu.max", ("300000 100000", "max 100000")) if not top else ("cpu.cfs_quota_us", ("300000", "-1"))
    for group, text in zip(("a", "a/b"), texts, strict=True):
        put(groups / top / group / file, text)
        put(groups / top / group / "cpu.cfs_period_us", "100000")
    real = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda self: line if str(self) == "/proc/self/cgroup" else real(self))
    assert processors.usable_cores() == 3


@pytest.mark.parametrize("driver", processors.DRIVERS)
def test_any_driver_is_a_gpu_unless_it_is_hidden(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.delenv(processors.GPUS_VARIABLE, raising=False)
    monkeypatch.setattr(Path, "exists", lambda self: str(self) == driver)
    assert processors.cuda_present()
    for hidden in ("", "-1"):
        monkeypatch.setenv(processors.GPUS_VARIABLE, hidden)
        assert not processors.cuda_present()


def test_torch_is_asked_where_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(processors.GPUS_VARIABLE, raising=False)
    monkeypatch.setattr(Path, "exists", lambda self: False)
    for answer in (True, False):
        torch = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda answer=answer: answer))
        monkeypatch.setitem(sys.modules, "torch", torch)
        assert processors.cuda_present() is answer
