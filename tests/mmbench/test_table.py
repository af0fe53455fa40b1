import io
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas
from PIL import Image
from tabulate import tabulate

from mmbench.publishing import latex
from mmbench.reporting import Figure, Table

NAN = float("nan")
Layout = Literal["constrained"] | None


def _table(**changes: Any) -> Table:
    frame = pd.DataFrame(
        {
            "group": ["chance", "zero-pair", "zero-pair"],
            "method": ["prior", "a|b", "c"],
            "mIoU": [9.0, 100 / 3, NAN],
            "mIoU std": [NAN, 1.25, NAN],
            "difference": [NAN, 1.5, -0.25],
            "seeds": [1, 3, 0],
            "key": ["x", "y", "z"],
        }
    )
    settings = {
        "group_column": "group",
        "formats": {"mIoU": ".1f", "difference": "+.1f"},
        "headers": {"difference": "diff."},
        "hidden": ("key",),
    }
    return Table("t", "Title", frame, **{"note": "A note.", **settings, **changes})


TEXT = """\
Title

method           mIoU  diff.  seeds
---------  ----------  -----  -----
CHANCE
prior             9.0      -      1
ZERO-PAIR
a|b        33.3 ± 1.2   +1.5      3
c                   -   -0.2      0

A note.
"""

NARROW = """\
Title

method           mIoU
---------  ----------
CHANCE
prior             9.0
ZERO-PAIR
a|b        33.3 ± 1.2
c                   -

method     diff.  seeds
---------  -----  -----
CHANCE
prior          -      1
ZERO-PAIR
a|b         +1.5      3
c           -0.2      0

A note.
"""

MARKDOWN = """\
### Title

| method        |       mIoU |   diff. |   seeds |
|:--------------|-----------:|--------:|--------:|
| **Chance**    |            |         |         |
| prior         |        9.0 |       - |       1 |
| **Zero-pair** |            |         |         |
| a\\|b          | 33.3 ± 1.2 |    +1.5 |       3 |
| c             |          - |    -0.2 |       0 |

A note.
"""

CSV = """\
group,method,mIoU,mIoU std,difference,seeds,key
chance,prior,9.0,,,1,x
zero-pair,a|b,33.333333333333336,1.25,1.5,3,y
zero-pair,c,,,-0.25,0,z
"""


LATEX = r"""% needs \usepackage{booktabs}
\begin{table}
\centering
\caption{Title}
\label{tab:t}
\begin{tabular}{lrrr}
\toprule
method & mIoU & diff. & seeds \\
\midrule
\multicolumn{4}{l}{\textit{Chance}} \\
prior & 9.0 & -- & 1 \\
\midrule
\multicolumn{4}{l}{\textit{Zero-pair}} \\
a$|$b & 33.3 $\pm$ 1.2 & $+1.5$ & 3 \\
c & -- & $-0.2$ & 0 \\
\bottomrule
\end{tabular}
\par\smallskip{\footnotesize A note.\par}
\end{table}
"""


def test_renderings() -> None:
    assert _table().text() == TEXT
    assert _table().markdown() == MARKDOWN
    assert _table().csv() == CSV
    assert latex.table(_table()) == LATEX


def test_latex_prints_what_the_cell_says() -> None:
    frame = pd.DataFrame({"row": ["M&MNets+PP D → R_1, 50% #1 {a}\\b ~^$", "[x] δ < 1.25²"], "x": [1.0, -1e-5]})
    wide = frame.assign(**{f"c{number}": "" for number in range(7)})
    text = latex.table(Table("a_b c", "100% & more", wide, formats={"x": ".1e"}))
    assert r"M\&MNets+PP D $\rightarrow$ R\_1, 50\% \#1 \{a\}\textbackslash{}b \textasciitilde{}" in text
    assert r"\textasciicircum{}\$ & 1.0e+00 &" in text
    assert r"{[}x] $\delta$ $<$ 1.25$^2$ & $-1.0e-05$ &" in text
    assert r"\caption{100\% \& more}" in text
    assert r"\label{tab:a-b-c}" in text
    assert r"\scriptsize" in text
    assert r"\scriptsize" not in latex.table(Table("t", "", frame))


def _race(
    values: list[float], low: list[float], high: list[float], better: Literal["higher", "lower"] = "higher", **rest: Any
) -> str:
    frame = pd.DataFrame({"group": ["a", "a", "b"], "row": list("xyz"), "v": values, "v low": low, "v high": high})
    return latex.table(Table("t", "T", frame, group_column="group", better={"v": better}, **rest))


@pytest.mark.parametrize(
    ("values", "low", "high", "better", "rivals", "bold"),
    [
        ([3.0, 2.0, 1.0], [2.8, 1.9, 0.9], [3.2, 2.1, 1.1], "higher", (), "3.0"),
        ([3.0, 2.0, 1.0], [2.8, 1.9, 0.9], [3.2, 2.1, 1.1], "lower", (), "1.0"),
        ([3.0, 2.0, 1.0], [2.0, 1.9, 0.9], [4.0, 2.1, 1.1], "higher", (), None),  # overlaps
        ([3.0, 2.0, 1.0], [NAN, 1.9, 0.9], [NAN, 2.1, 1.1], "higher", (), None),  # one seed
        ([3.0, 2.0, 1.0], [2.8, NAN, 0.9], [3.2, NAN, 1.1], "higher", (), None),
        ([3.0, NAN, NAN], [2.8, NAN, NAN], [3.2, NAN, NAN], "higher", (), None),  # nobody to compare with
        ([2.0, 1.0, 9.0], [1.9, 0.9, 8.9], [2.1, 1.1, 9.1], "higher", ("a",), "2.0"),  # b is a ceiling
    ],
)
def test_bold_only_where_the_intervals_lie_apart(
    values: list[float],
    low: list[float],
    high: list[float],
    better: Literal["higher", "lower"],
    rivals: tuple[str, ...],
    bold: str | None,
) -> None:
    text = _race(values, low, high, better, rivals=rivals)
    assert text.count("textbf") == (bold is not None)
    assert bold is None or rf"\textbf{{{bold}}}" in text
    assert " low" not in text, "the ends of intervals are no columns in print"


def test_nothing_is_bold_where_no_direction_is_given_or_no_interval() -> None:
    frame = pd.DataFrame({"row": ["x", "y"], "v": [1.0, 2.0]})
    assert "textbf" not in latex.table(Table("t", "T", frame, better={"v": "higher"}))
    assert "textbf" not in latex.table(Table("t", "T", frame.assign(**{"v low": 0.0, "v high": 0.0})))


def test_columns_beyond_the_width_continue_below() -> None:
    assert _table().text(width=24) == NARROW
    assert _table().text(width=35) == TEXT


def test_a_hidden_spread_is_not_printed() -> None:
    text = _table(hidden=("key", "mIoU std")).text()
    assert "33.3" in text
    assert "±" not in text


def test_without_groups_and_note() -> None:
    text = _table(group_column=None, note="").text()
    assert text.splitlines()[-1].split() == ["zero-pair", "c", "-", "-0.2", "0"]


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": [], "b": []})])
def test_an_empty_frame_still_prints(frame: pd.DataFrame) -> None:
    table = Table("t", "Title", frame)
    assert table.text().startswith("Title\n")
    assert table.markdown().startswith("### Title\n")
    assert table.csv() in ("\n", "a,b\n")


def _drawn(name: str = "f", layout: Layout = None) -> Figure:
    canvas = Canvas(figsize=(1, 1), layout=layout)
    canvas.add_subplot().plot([1, 2])
    return Figure(name, "Title", canvas)


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_figures_are_png_and_svg_and_repeatable(layout: Layout) -> None:
    png, svg = _drawn(layout=layout).png(dpi=40), _drawn(layout=layout).svg()
    assert png.startswith(b"\x89PNG")
    assert svg.startswith(b"<?xml")
    assert svg.endswith(b"</svg>\n")
    assert b"date" not in svg
    again = _drawn(layout=layout)
    assert (again.svg(), again.png(dpi=40)) == (svg, png), "whatever the order"


def test_pictures_in_a_figure_are_noticed() -> None:
    assert not _drawn().has_images()
    canvas = Canvas()
    canvas.add_subplot().imshow([[1]])
    assert Figure("f", "Title", canvas).has_images()


def test_an_uncropped_figure_is_as_large_as_it_says() -> None:
    canvas = Canvas(figsize=(2, 1))
    canvas.add_subplot().set_title("longer than the figure is wide " * 9)
    png = Figure("f", "Title", canvas, cropped=False).png(dpi=50)
    assert Image.open(io.BytesIO(png)).size == (100, 50)
    assert Image.open(io.BytesIO(Figure("f", "Title", canvas).png(dpi=50))).size[0] > 200


@pytest.mark.parametrize("seed", range(5))
def test_grids_are_those_of_another_library(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = ["", "a", "word", "two words", "δ → S", "-1"]
    frame = pd.DataFrame({f"column {n}": rng.choice(words, 6) for n in range(4)} | {"x": rng.normal(size=6)})
    table = Table("t", "Title", frame, formats={"x": ".2f"})
    rows = [[*map(str, row[:4]), f"{row[4]:.2f}"] for row in frame.itertuples(index=False)]
    sides = ["left"] * 4 + ["right"]
    theirs = tabulate(rows, [*frame], "pipe", disable_numparse=True, colalign=sides)
    assert table.markdown() == f"### Title\n\n{theirs}\n"
    widths = [max(map(len, cells)) for cells in zip(list(frame), *rows, strict=True)]
    ruled: list[list[str]] = [[*frame], ["-" * width for width in widths], *rows]
    plain = tabulate(ruled, (), "plain", disable_numparse=True, colalign=sides)
    assert table.text() == "Title\n\n" + "\n".join(line.rstrip() for line in plain.splitlines()) + "\n"
