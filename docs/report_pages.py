"""The report of committed cells as pages of the site: tables that sort and filter, made when the site is built.

Each folder of numbers in ``reports/reference/`` gives one ``report.html`` with what stands beside it, below the site's
``reports-of-cells/``, and a line of the page that lists them. Pictures are not in it: cells keep them, numbers do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

from mmbench.publishing.build import build_reports
from mmbench.publishing.write import PAGE, write_reports

NUMBERS = "reports/reference/*numbers"
MADE = Path("docs/made/reports.md")
PLACE = "reports-of-cells"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_list)
    app.connect("build-finished", write_pages)
    return {"parallel_read_safe": True}


def folders(app: Sphinx) -> list[Path]:
    """Folders of committed cells, in order."""
    return sorted(Path(app.srcdir).glob(NUMBERS))


def write_list(app: Sphinx) -> None:
    """Write the page that leads to them."""
    path = Path(app.srcdir) / MADE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(listed(folders(app))), encoding="utf-8")


def listed(numbers: list[Path]) -> Iterator[str]:
    """The lines of that page, as Markdown."""
    yield from ("# Reports of committed cells", "")
    yield "What `mmbench report` makes of the numbers in `reports/reference/`, without pictures, as one page each:"
    yield ""
    for folder in numbers:
        link = f"../../{PLACE}/{folder.name}/{PAGE}"
        yield from ("```{raw} html", f'<p><a href="{link}"><code>{folder.name}</code></a></p>', "```", "")
    yield "[Which cells they are, and what came out](../../reports/reference/README.md)."


def write_pages(app: Sphinx, failed: Exception | None) -> None:
    """Write the reports into the site."""
    if failed is None and app.builder.format == "html":
        for folder in folders(app):
            write_reports(*build_reports(folder), Path(app.outdir) / PLACE / folder.name)
