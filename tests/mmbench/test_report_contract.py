import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from mmbench.report import Figure, Table

NAN = float("nan")


def _table(**changes):
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


def test_renderings():
    assert _table().text() == TEXT
    assert _table().markdown() == MARKDOWN
    assert _table().csv() == CSV


def test_columns_beyond_the_width_continue_below():
    assert _table().text(width=24) == NARROW
    assert _table().text(width=35) == TEXT


def test_a_hidden_spread_is_not_printed():
    text = _table(hidden=("key", "mIoU std")).text()
    assert "33.3" in text
    assert "±" not in text


def test_without_groups_and_note():
    text = _table(group_column=None, note="").text()
    assert text.splitlines()[-1].split() == ["zero-pair", "c", "-", "-0.2", "0"]


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": [], "b": []})])
def test_an_empty_frame_still_prints(frame):
    table = Table("t", "Title", frame)
    assert table.text().startswith("Title\n")
    assert table.markdown().startswith("### Title\n")
    assert table.csv() in ("\n", "a,b\n")


def test_figure_is_a_png_and_repeatable():
    def draw():
        canvas = Canvas(figsize=(1, 1))
        canvas.add_subplot().plot([1, 2])
        return Figure("f", "Title", canvas).png(dpi=40)

    assert draw().startswith(b"\x89PNG")
    assert draw() == draw()
