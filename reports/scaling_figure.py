"""Networks and parameters against the number of domains (thesis 4.3.3; CVPR 3.3 and 5.5), to N = 100.

Counts of real modules for N up to 11 and for 20 (``scaling.csv``, written by ``benchmarks/scaling.py``). Each method's
counts lie on a polynomial of degree two or less; it is taken through the first three and must meet all others exactly,
and is drawn dashed beyond what was counted.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from mmbench.reporting import Figure, Results

NAME = "scaling"
TITLE = "Networks and parameters against the number of domains"

COUNTED = Path(__file__).with_name("scaling.csv")
LARGEST = 100
COLOURS = 10  # of matplotlib's cycle; lines beyond have another marker
LABELS = {
    "mmnet-domains": "M&MNets",
    "pairwise-same": "every pair, M&MNets' networks",
    "cyclegan-pairwise": "CycleGAN, every pair",
    "cyclegan-anchor": "CycleGAN, anchor's pairs, cascaded",
    "stargan": "StarGAN",
    "sdit": "SDIT",
    "munit": "MUNIT",
    "icgan": "IcGAN",
    "dcn": "DCN",
    "router": "router",
    "frozen-features": "frozen features",
    "pseudo-label": "pseudo-labels",
}
QUOTED = {
    "CVPR 5.5, every pair": (11, 55, "v"),
    "CVPR 5.5, M&MNets": (11, 10, "v"),
    "blog, every pair": (11, 55, "^"),
    "blog, M&MNets": (11, 11, "^"),
}
"""Numbers of encoders as the papers print them; they count a pair's two directions once, and disagree on N - 1 or N."""


def build(results: Results, published: pd.DataFrame) -> list[Figure]:
    """The figure, where there are results of domains."""
    if not (results.rows["output_kind"] == "domain").any():
        return []
    return [Figure("scaling", TITLE, draw(pd.read_csv(COUNTED)))]


def polynomial(numbers: list[int], values: list[int]) -> list[Fraction]:
    """Coefficients of the parabola (constant first) through the first three points.

    Raises:
        ValueError: another point does not lie on it.
    """
    (a, b, c), (p, q, r) = numbers[:3], (Fraction(value) for value in values[:3])
    square = ((r - p) / (c - a) - (q - p) / (b - a)) / (c - b)
    linear = (q - p) / (b - a) - square * (a + b)
    found = [p - linear * a - square * a * a, linear, square]
    for number, value in zip(numbers, values, strict=True):
        if at(found, number) != value:
            raise ValueError(f"{value} for {number} domains does not lie on the polynomial of the first three counts")
    return found


def at(coefficients: list[Fraction], number: int) -> Fraction:
    """A polynomial's value."""
    return sum((c * number**power for power, c in enumerate(coefficients)), Fraction(0))


def draw(counted: pd.DataFrame) -> Canvas:
    """Parameters on the left, encoders on the right, logarithmic."""
    canvas = Canvas(figsize=(10.5, 4.6), layout="constrained")
    left, right = canvas.subplots(1, 2)
    for axis, column in ((left, "parameters"), (right, "encoders")):
        for number, (method, label) in enumerate(LABELS.items()):
            mine = counted[counted["method"] == method]
            _line(axis, list(mine["domains"]), list(mine[column]), label, number)
        axis.set(xlabel="domains N", yscale="log", xlim=(1, LARGEST))
        axis.grid(alpha=0.3)
    left.set(ylabel="parameters", title="Parameters, 128 x 128")
    right.set(ylabel="encoders", title="Encoders")
    for label, (number, value, marker) in QUOTED.items():
        right.plot([number], [value], marker, color="black", markersize=5, label=label, fillstyle="none")
    canvas.legend(*left.get_legend_handles_labels(), fontsize=7, loc="outside lower center", ncols=4)
    right.legend(*_quoted(right), fontsize=7, loc=(0.66, 0.1))
    return canvas


def _line(axis: Axes, numbers: list[int], values: list[int], label: str, place: int) -> None:
    curve, colour = polynomial(numbers, values), f"C{place % COLOURS}"
    axis.plot(numbers, values, "o" if place < COLOURS else "s", color=colour, markersize=3, label=label)
    for first, last, style in ((numbers[0], numbers[-1], "-"), (numbers[-1], LARGEST, "--")):
        along = range(first, last + 1)
        axis.plot(along, [float(at(curve, number)) for number in along], style, color=colour, linewidth=1)


def _quoted(axis: Axes) -> tuple[list[object], list[str]]:
    lines, labels = axis.get_legend_handles_labels()
    chosen = [(line, label) for line, label in zip(lines, labels, strict=True) if label in QUOTED]
    return [line for line, _ in chosen], [label for _, label in chosen]
