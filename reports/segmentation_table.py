"""Segmentation per class, as thesis tables 4.4, 4.6 and 4.8: one table per data set, profile and label set."""

from __future__ import annotations

import pandas as pd

from mmbench.reporting import Results, Table

from .rows import Metric, tables

NAME = "segmentation"
TITLE = "Segmentation, % (IoU per class, mIoU, global accuracy)"

METRICS = (Metric("miou", "mIoU", compared=True), Metric("global_accuracy", "Global", compared=True))


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """Tables of every translation into a segmentation; percent."""
    return tables(
        results,
        published,
        name=NAME,
        title=TITLE,
        kinds=("segmentation",),
        metrics=METRICS,
        per_class=Metric("iou", "IoU"),
    )
