"""mmbench: a benchmark harness for zero-pair image translation.

From Python::

    import mmbench

    mmbench.run(methods=["mmnet", "oracle"], dataset="synthetic", profile="smoke", runs="runs")
    mmbench.run("benchmark.toml")    # the same of a file
    mmbench.results("runs")          # a pandas DataFrame, one row per metric value
    mmbench.report("runs")           # writes runs/report/
    translator = mmbench.load_translator("runs/synthetic/smoke/mmnet/seed-0")
    translator.translate({"depth": metres}, "segmentation")   # arrays in, an array out

The command line does the same: ``python -m mmbench --help``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from mmbench.inference.translator import Translator

__version__ = "0.1.0"
__all__ = ["UserError", "__version__", "load_translator", "report", "results", "run"]


def run(
    methods: str | Path | Sequence[str] | None = None,
    dataset: str | Sequence[str] | None = None,
    profile: str | None = None,
    seeds: Sequence[int] | None = None,
    runs: str | Path | None = None,
    data_root: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    cache: str | Path | None = None,
    suite: str | None = None,
    table: str | None = None,
    stall_minutes: float | None = None,
    log: str | Sequence[str] | None = None,
    gpus_per_cell: int | None = None,
) -> dict[str, str]:
    """Train and evaluate; what is already done is kept, what was interrupted goes on.

    Args:
        methods: names, or ``all``; all, unless a suite is named. Or the path of a benchmark's file, such as
            ``"benchmark.toml"``: then what else is given takes the place of what the file says.
        dataset: a name, or the path of a folder of own images, or several; by default what the suite runs on, or
            ``synthetic``.
        profile: name; by default ``laptop``, or ``short`` for a named data set where CUDA is present.
        seeds: by default 0 alone.
        runs: results folder, by default ``runs``.
        data_root: folder that holds the data set.
        overrides: settings such as ``{"side_information": "skip", "profile.steps": 200}``.
        jobs: cells at a time; 0, the default, means one per GPU or CPU core.
        device, precision: ``auto``, the default, or ``cpu`` or ``cuda``, ``bf16`` or ``fp32``.
        cache: folder for decoded images, by default ``~/.cache/mmbench``.
        suite: ``tables``, ``ablation``, ...: the methods of the papers' tables or of their ablations; ``all``: of all.
        table: one of the papers' tables, such as ``thesis-4.4``, in place of methods, suite and dataset.
        stall_minutes: after which a cell that does not move is ended, and has failed; 0 for never; by default 360.
        log: what training is logged to beside ``log.jsonl``, such as ``["tensorboard"]``.
        gpus_per_cell: GPUs that share each cell's batches; with ``device="cpu"`` processes; by default 1.

    Returns:
        The state of every planned cell, by ``dataset/profile/method/seed-n``.

    Raises:
        UserError: an unknown name or setting, a value that makes no sense, or missing data; of a file also a launcher,
            for which there is the command line.
    """
    from mmbench.given.files import path_of
    from mmbench.launching.benchmark import load
    from mmbench.launching.launcher import LOCAL
    from mmbench.launching.scheduler import execute
    from mmbench.tracking.sink import check

    file, names = (path_of(str(methods)), None) if isinstance(methods, str | Path) else (None, methods)
    wanted: dict[str, Any] = {
        "methods": None if names is None else list(names),
        "dataset": [dataset] if isinstance(dataset, str) else None if dataset is None else list(dataset),
        "seeds": None if seeds is None else list(seeds),
        "log": [log] if isinstance(log, str) else None if log is None else list(log),
        "set": None if overrides is None else dict(overrides),
        "profile": profile, "jobs": jobs, "device": device, "precision": precision, "suite": suite, "table": table,
        "stall_minutes": stall_minutes, "gpus_per_cell": gpus_per_cell,
    }  # fmt: skip
    for key, path in (("runs", runs), ("data_root", data_root), ("cache", cache)):
        wanted[key] = path and str(path_of(str(path)))
    asked = load(file, {key: value for key, value in wanted.items() if value is not None})
    if asked.way.launcher != LOCAL:
        raise UserError(f"{file}: launcher {asked.way.launcher!r} is for the command: python -m mmbench run {file}")
    asked.expect_device()
    check(asked.way.log)
    return {outcome.cell.name: outcome.state for outcome in execute(asked.plans(), asked.options())}


def results(runs: str | Path = "runs") -> pd.DataFrame:
    """All results below a runs folder, one row per metric value; columns as ``mmbench.reporting.COLUMNS``.

    Raises:
        UserError: no such folder, or no results in it.
    """
    from mmbench.given.files import path_of
    from mmbench.store.collect import collect
    from mmbench.store.folder import expect_cells

    folder = path_of(str(runs))
    expect_cells(folder)
    return collect(folder)[0].rows


def report(runs: str | Path = "runs", names: Sequence[str] = ()) -> list[Path]:
    """Write the named reports (all without names) to ``<runs>/report``; returns the files.

    Raises:
        UserError: no such folder, or no results in it.
    """
    from mmbench.given.files import path_of
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_reports
    from mmbench.store.folder import expect_cells

    folder = path_of(str(runs))
    expect_cells(folder)
    made, notes = build_reports(folder, names, test_ids=ids_of_test_images)
    return write_reports(made, notes, folder / "report")


def load_translator(
    run: str | Path, data_root: str | Path | None = None, device: str = "auto", precision: str = "auto"
) -> Translator:
    """The trained method of a finished cell, such as ``runs/synthetic/laptop/mmnet/seed-0``, for one's own images.

    Args:
        run: a cell's folder, a packed one, or a repository of the Hugging Face hub: ``owner/name``.
        data_root: folder of the data set, where the cell does not record what its modalities are.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``bf16``, ``fp32``, or ``auto``: as the cell was evaluated.

    Raises:
        UserError: no such cell, one that is not done, a judge, files that are damaged or of another architecture, or a
            repository that cannot be had.
    """
    from mmbench.commands.arguments import read_run
    from mmbench.given.files import path_of
    from mmbench.inference import load

    root = path_of(str(data_root)) if data_root else None
    return load.load_translator(read_run(str(run)), root, device, precision)
