"""Images, as thesis table 4.1: a judge's accuracy under its ceiling on real images, and what a judge does not see."""

from __future__ import annotations

import pandas as pd

from mmbench.reporting import Results, Table

from .rows import Layout, Metric, tables

NAME = "image"
TITLE = "Images (judge's accuracy in %, PSNR in dB, SSIM, correlations with the truth)"

METRICS = (
    Metric("classification_accuracy", "Accuracy", compared=True, optional=True),
    Metric("psnr", "PSNR", ".2f", optional=True),
    Metric("ssim", "SSIM", ".3f", optional=True),
    Metric("correlation_r-g", "R-G", ".2f", optional=True),
    Metric("correlation_g-b", "G-B", ".2f", optional=True),
    Metric("correlation_intensity", "intensity", ".2f", optional=True),
    Metric("correlation", "correlation", ".2f", optional=True),
)
LAYOUT = Layout(NAME, TITLE, ("rgb", "scalar"), METRICS)


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """Tables of every translation into RGB or a scalar modality."""
    return tables(results, published, LAYOUT)
