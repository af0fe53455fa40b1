"""mmbench: a benchmark harness for zero-pair image translation.

From Python::

    import mmbench

    mmbench.run(methods=["mmnet", "oracle"], dataset="synthetic", profile="smoke", runs="runs")
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
from mmbench.launching.progress import STALL_MINUTES

if TYPE_CHECKING:
    import pandas as pd

    from mmbench.inference.translator import Translator

__version__ = "0.1.0"
__all__ = ["UserError", "__version__", "load_translator", "report", "results", "run"]


def run(
    methods: Sequence[str] = (),
    dataset: str | Sequence[str] | None = None,
    profile: str | None = None,
    seeds: Sequence[int] = (0,),
    runs: str | Path = "runs",
    data_root: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    jobs: int = 0,
    device: str = "auto",
    precision: str = "auto",
    cache: str | Path | None = None,
    suite: str = "",
    table: str = "",
    stall_minutes: float = STALL_MINUTES,
    gpus_per_cell: int = 1,
) -> dict[str, str]:
    """Train and evaluate; what is already done is kept, what was interrupted goes on.

    Args:
        methods: names, or ``all``; all, unless a suite is named.
        dataset: a name, or the path of a folder of own images, or several; by default what the suite runs on, or
            ``synthetic``.
        profile: name; by default ``laptop``, or ``short`` for a named data set where CUDA is present.
        data_root: folder that holds the data set.
        overrides: settings such as ``{"side_information": "skip", "profile.steps": 200}``.
        jobs: cells at a time; 0 means one per GPU or CPU core.
        device, precision: ``auto``, or ``cpu`` or ``cuda``, ``bf16`` or ``fp32``.
        cache: folder for decoded images, by default ``~/.cache/mmbench``.
        suite: ``tables``, ``ablation``, ...: the methods of the papers' tables or of their ablations; ``all``: of all.
        table: one of the papers' tables, such as ``thesis-4.4``, in place of methods, suite and dataset.
        stall_minutes: after which a cell that does not move is ended, and has failed; 0 for never.
        gpus_per_cell: GPUs that share each cell's batches; with ``device="cpu"`` processes.

    Returns:
        The state of every planned cell, by ``dataset/profile/method/seed-n``.

    Raises:
        UserError: an unknown name or setting, or missing data.
    """
    from mmbench.launching.scheduler import Options, execute
    from mmbench.planning.plan import make_plans
    from mmbench.planning.several import check
    from mmbench.planning.tables import plan_table

    root = Path(data_root) if data_root else None
    names = [dataset] if isinstance(dataset, str) else list(dataset or [])
    if table:
        if methods or names or suite:
            raise UserError(f"table {table!r} says which rows and data set: leave methods, dataset and suite out")
        plans = [plan_table(table, profile, seeds, Path(runs), data_root=root, overrides=overrides)]
    else:
        plans = make_plans(methods, names, profile, seeds, Path(runs), suite=suite, data_root=root, overrides=overrides)
    check(plans, gpus_per_cell, device)
    folder = Path(cache) if cache else None
    options = Options(jobs, folder, device, precision, stall_minutes=stall_minutes, gpus_per_cell=gpus_per_cell)
    return {outcome.cell.name: outcome.state for outcome in execute(plans, options)}


def results(runs: str | Path = "runs") -> pd.DataFrame:
    """All results below a runs folder, one row per metric value; columns as ``mmbench.reporting.COLUMNS``."""
    from mmbench.store.collect import collect

    return collect(Path(runs))[0].rows


def report(runs: str | Path = "runs", names: Sequence[str] = ()) -> list[Path]:
    """Write the named reports (all without names) to ``<runs>/report``; returns the files.

    Raises:
        UserError: no such folder, or no results in it.
    """
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_reports
    from mmbench.store.folder import expect_cells

    expect_cells(Path(runs))
    made, notes = build_reports(Path(runs), names, test_ids=ids_of_test_images)
    return write_reports(made, notes, Path(runs) / "report")


def load_translator(
    run: str | Path, data_root: str | Path | None = None, device: str = "auto", precision: str = "auto"
) -> Translator:
    """The trained method of a finished cell, such as ``runs/synthetic/laptop/mmnet/seed-0``, for one's own images.

    Args:
        data_root: folder of the data set, where the cell does not record what its modalities are.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``bf16``, ``fp32``, or ``auto``: as the cell was evaluated.

    Raises:
        UserError: no such cell, one that is not done, a judge, or files that are damaged or of another architecture.
    """
    from mmbench.inference import load

    return load.load_translator(run, data_root, device, precision)
