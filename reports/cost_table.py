"""What each method costs: parameters, operations, training time, memory and latency, as means over seeds."""

from __future__ import annotations

import pandas as pd

from mmbench.reporting import Results, Table

from .clean import numbers, titled

NAME = "cost"
TITLE = "Cost: parameters, operations, training time, memory, latency"

COLUMNS = {
    "parameters": ("parameters (M)", 1e6, ".2f"),
    "flops": ("GFLOP/image", 1e9, ".3f"),
    "train_seconds": ("training (min)", 60.0, ".1f"),
    "peak_memory_bytes": ("memory (MiB)", 2.0**20, ".0f"),
    "latency_ms": ("latency (ms)", 1.0, ".1f"),
}
NOTE = (
    "Operations and latency of the first row of the method's, one image; a multiplication and an addition are 2 "
    "operations. Training time of a method that starts from another's cell is its own part only. Time, memory and "
    "latency are of the hardware in the provenance table."
)


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """One table per data set and profile, a row per method."""
    costs = titled(results.rows[results.rows["metric"].isin(COLUMNS)])
    costs = costs.assign(value=numbers(costs["value"]))
    tables = []
    for (dataset, profile), part in costs.groupby(["dataset", "profile"], sort=True):
        means = part.pivot_table(index=["title", "method"], columns="metric", values="value", sort=False)
        frame = means.reset_index()
        shown = pd.DataFrame({"method": frame["title"], "name": frame["method"]})
        for metric, (header, unit, _) in COLUMNS.items():
            if metric in frame:
                shown[header] = frame[metric] / unit
        formats = {header: spec for header, _, spec in COLUMNS.values()}
        name = f"cost-{dataset}-{profile}"
        tables.append(
            Table(name, f"Cost: {dataset}, profile {profile}", shown, NOTE, formats=formats, hidden=("name",))
        )
    return tables
