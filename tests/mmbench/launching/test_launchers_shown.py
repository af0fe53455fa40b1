"""The launchers for dask and Ray that the page on clusters shows, each on a cluster of this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import documents
import pytest
from plugging import plug

from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.launching import launcher
from mmbench.launching.launcher import Work
from mmbench.planning.order import order_of
from mmbench.planning.plan import make_plan
from mmbench.store.folder import CellFolder

PATIENCE = 240.0
CONFIG = "cluster.toml"


@contextlib.contextmanager
def dask_cluster() -> Iterator[str]:
    distributed = importlib.import_module("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        yield f'scheduler = "{cluster.scheduler_address}"'


@contextlib.contextmanager
def ray_cluster() -> Iterator[str]:
    ray = importlib.import_module("ray")
    try:
        yield 'address = "local"'
    finally:
        ray.shutdown()


CLUSTERS: dict[str, tuple[str, Callable[[], contextlib.AbstractContextManager[str]]]] = {
    "dask": ("distributed", dask_cluster),
    "ray": ("ray", ray_cluster),
}


@pytest.fixture(params=CLUSTERS)
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A launcher that is a plug-in, in a folder with the options for it."""
    found = str(request.param)
    package, cluster = CLUSTERS[found]
    pytest.importorskip(package, reason=f"{package} is not installed, for which the launcher {found} is")
    plugins = tmp_path / "plugins"
    for method, does, parent in (
        ("fine", "pass", ""), ("after-fine", "pass", "fine"), ("naps", "time.sleep(0.5)", ""),
        ("raises", "raise RuntimeError('broken')", ""), ("child", "pass", "raises"),
    ):  # fmt: skip
        plug(plugins, method, does, parent)
    show(found, plugins)
    monkeypatch.setenv("MMBENCH_PLUGINS", str(plugins))
    monkeypatch.chdir(tmp_path)
    with cluster() as options:
        Path(CONFIG).write_text(f"[launcher.{found}]\n{options}\n")
        yield found


def show(name: str, plugins: Path) -> None:
    """Write the plug-in as it stands in the page."""
    (block,) = (one for one in documents.blocks() if one.plug_in == f"launchers/{name}.py")
    (plugins / "launchers").mkdir(parents=True)
    (plugins / block.plug_in).write_text(block.text, encoding="utf-8")


def test_cells_are_done_or_fail_and_can_be_stopped(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--launcher", name, "--launcher-config", CONFIG, "--profile", "smoke", "--runs", "far"]
    assert main([*words, "--methods", "fine,after-fine,raises,child"]) == 1
    shown = capsys.readouterr().out
    assert all(f"{count} {state}" in shown for count, state in ((2, "done"), (1, "failed"), (1, "blocked")))
    assert "child/seed-0: blocked - waits for synthetic/smoke/raises/seed-0, failed" in shown
    assert not Path("far/synthetic/smoke/child/seed-0/result.json").exists()
    stopped(name)


def stopped(name: str) -> None:
    """A cell that is asked to end after some steps has saved the last one."""
    (cell,) = make_plan(["naps"], "synthetic", "smoke", [0], Path("far").absolute()).cells
    made = launcher.make(name, Path(CONFIG), Path("jobs"))
    with contextlib.suppress(RuntimeError):  # Ray: this process is connected already
        made.check()
    job = made.start(Work(cell.name, order_of(cell, threads=1).to_json(), 0.0))
    log = cell.folder.path / "log.jsonl"
    wait_for(lambda: log.exists() and bool(log.read_text()))
    assert made.poll(job) == ""
    made.stop(job)
    wait_for(lambda: bool(made.poll(job)) and CellFolder(cell.folder.path).state() == "interrupted")
    word = cell.folder.word()
    assert word == f"asked to end by SIGTERM, saved at step {cell.folder.saved_step()}" and cell.folder.saved_step() > 1


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize("name", CLUSTERS)
def test_where_the_package_is_missing_one_line_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show(name, tmp_path / "plugins")
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path / "plugins"))
    package, find = CLUSTERS[name][0], importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda wanted: None if wanted == package else find(wanted))
    runs = tmp_path / "runs"
    assert main(["run", "--launcher", name, "--methods", "prior", "--profile", "smoke", "--runs", str(runs)]) == 2
    assert f"needs the package {package}, which is not installed: pip install" in capsys.readouterr().err
    assert not runs.exists()


def test_no_scheduler_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="distributed is not installed, for which the launcher dask is")
    show("dask", tmp_path / "plugins")
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path / "plugins"))
    with pytest.raises(UserError, match="scheduler is missing, such as tcp://blade:8786"):
        launcher.make("dask", None, tmp_path)
