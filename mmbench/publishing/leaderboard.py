"""The page of the leaderboard: ``python -m mmbench.publishing.leaderboard`` writes ``docs/leaderboard.md``.

It is made of the committed tables, the CSV files in ``reports/reference`` as ``report`` writes them, and of the methods
and data sets that the catalog finds, so that it shows what has not been run as well.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import pandas as pd

from mmbench.plugins import catalog
from mmbench.store.collect import listed
from mmbench.store.files import write_bytes

ROOT = Path(__file__).parents[2]
REFERENCE, PAGE = Path("reports/reference"), Path("docs/leaderboard.md")
HEAD = """\
# Leaderboard

Every method on every data set, as far as results are committed in [reports/reference](../reports/reference/README.md).
Made of them by `python -m mmbench.publishing.leaderboard`; `python -m mmbench report leaderboard` makes the same tables
of a runs folder. The main score is that of the unseen translation: mIoU in %, or of depth the share within a ratio of
1.25, or of images a judge's accuracy in %; of unpaired domains the judge's accuracy on unseen pairs, which baselines
that train every pair have seen.
"""


def page(reference: Path) -> str:
    """The page as Markdown. Raises ValueError or OSError where a table cannot be read."""
    files = sorted(reference.glob("*.csv"))
    reports = importlib.import_module("mmbench.reports.leaderboard")
    standings = importlib.import_module("mmbench.reports.standings")
    found = standings.boards({path.stem: pd.read_csv(path) for path in files})
    methods, datasets = (listed(catalog.cards(folder)) for folder in ("methods", "datasets"))
    made = reports.tables(found, methods, datasets)
    return "\n".join([HEAD, *(table.markdown().replace("### ", "## ", 1) for table in made)])


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=ROOT / REFERENCE)
    parser.add_argument("--out", type=Path, default=ROOT / PAGE)
    options = parser.parse_args()
    write_bytes(options.out, page(options.reference).encode())
    print(options.out)


if __name__ == "__main__":
    main()
