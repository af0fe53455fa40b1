"""The README's pictures of mmbench itself: ``python -m benchmarks.showcase run|report|badges``.

``run`` runs a few cells at smoke size and makes ``docs/run.svg`` of what that prints. ``report`` opens a report in
Chromium and makes ``docs/report.png`` of some of its views, below each other. ``badges`` makes those of
``pyproject.toml``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.showcase import animation, browser
from benchmarks.showcase.badges import badges

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
TYPED = "python -m mmbench run --profile smoke --methods prior,mmnet,oracle"
BLOCKS = 4  # of what a run prints: the plan, its progress, the first table's title, the first columns of that table
GAP = 12  # pixels between two views


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 2 where there is no report or no browser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.showcase", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="a run at smoke size as an animation")
    run.add_argument("--out", type=Path, default=Path("docs/run.svg"))
    report = commands.add_parser("report", help="views of a report as a picture")
    report.add_argument("page", type=Path, help="report.html")
    report.add_argument(
        "--view", action="append", required=True, metavar="HEIGHT:FRAGMENT",
        help="pixels, and what stands behind the '#' of the view's address; repeatable",
    )  # fmt: skip
    report.add_argument("--width", type=int, default=1200)
    report.add_argument("--out", type=Path, default=Path("docs/report.png"))
    small = commands.add_parser("badges", help="the versions of Python and the licence")
    small.add_argument("--out", type=Path, default=Path("docs"), help="a folder")
    options = parser.parse_args(arguments)
    if options.command == "badges":
        for name, content in badges(PROJECT).items():
            (options.out / name).write_text(content, encoding="utf-8")
        return 0
    if options.command == "run":
        with tempfile.TemporaryDirectory(prefix="mmbench-") as folder:
            lines = animation.recorded([sys.executable, *TYPED.split()[1:]], Path(folder))
        options.out.write_text(animation.svg(TYPED, animation.excerpt(lines, BLOCKS)), encoding="utf-8")
    elif problem := picture(options.page, options.view, options.width, options.out):
        print(problem, file=sys.stderr)
        return 2
    print(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


def picture(page: Path, views: Sequence[str], width: int, out: Path) -> str:
    """Write the views as one PNG; what is wrong where that cannot be done, else nothing."""
    program = browser.found()
    if program is None:
        return f"no browser: expected one of {', '.join(browser.NAMES)} on the PATH"
    if not page.is_file():
        return f"{page}: no such file, expected a report.html as `python -m mmbench report` writes it"
    heights, frames = [], []
    for view in views:
        height, _, fragment = view.partition(":")
        if not height.isdigit():
            return f"--view {view}: expected a number of pixels, a colon, and what stands behind the '#' of an address"
        heights.append(int(height))
        address = escape(f"{page.resolve().as_uri()}#{fragment}")
        frames.append(f'<iframe src="{address}" width="{width}" height="{height}"></iframe>')
    style = f"html {{ overflow: clip; }} body {{ margin: 0; background: #888; display: grid; gap: {GAP}px; }}"
    style += " iframe { border: 0; }"
    with tempfile.TemporaryDirectory(prefix="mmbench-") as folder:
        outer, made = Path(folder) / "views.html", Path(folder) / "views.png"
        outer.write_text(f"<!DOCTYPE html><style>{style}</style>{''.join(frames)}", encoding="utf-8")
        size = f"--window-size={width},{sum(heights) + GAP * (len(heights) - 1)}"
        done = browser.browse(program, size, f"--screenshot={made}", outer.as_uri())
        if not made.is_file():
            return f"{program} made no picture: {done.stderr.strip().splitlines()[-1:]}"
        out.write_bytes(made.read_bytes())
    return ""


if __name__ == "__main__":
    sys.exit(main())
