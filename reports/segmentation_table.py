"""Segmentation per class, as thesis tables 4.4, 4.6 and 4.8: one table per data set, profile and label set."""

from __future__ import annotations

import pandas as pd

from mmbench.reporting import Results, Table

from .rows import Layout, Metric, tables

NAME = "segmentation"
TITLE = "Segmentation, % (IoU per class, mIoU, global accuracy)"

LAYOUT = Layout(
    NAME,
    TITLE,
    ("segmentation",),
    (Metric("miou", "mIoU", compared=True), Metric("global_accuracy", "Global", compared=True)),
    (Metric("iou", "IoU"), Metric("dice", "Dice")),
)


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """Tables of every translation into a segmentation; percent."""
    return tables(results, published, LAYOUT)
