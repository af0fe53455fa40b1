"""Depth, as thesis tables 4.5 and 4.7: threshold accuracies and errors, one table per data set and profile."""

from __future__ import annotations

import pandas as pd

from mmbench.reporting import Results, Table

from .rows import Layout, Metric, tables

NAME = "depth"
TITLE = "Depth (share of pixels within a ratio, RMSE in metres, RMSE of natural logarithms)"

METRICS = (
    Metric("delta_1.25", "δ < 1.25", ".3f", compared=True),
    Metric("delta_1.25^2", "δ < 1.25²", ".3f"),
    Metric("delta_1.25^3", "δ < 1.25³", ".3f"),
    Metric("rmse_linear", "RMSE (lin)", ".3f", compared=True, lower=True),
    Metric("rmse_log", "RMSE (log)", ".3f", lower=True),
)
LAYOUT = Layout(NAME, TITLE, ("depth",), METRICS)


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """Tables of every translation into depth."""
    return tables(results, published, LAYOUT)
