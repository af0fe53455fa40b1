"""Settings tried on a method one after another: ``python -m benchmarks.tries unit``.

Trains the method as it is and with each try of ``tries.toml``, one seed, on scenes that no result is reported for, and
prints one table. A try whose score is ``MARGIN`` above the best so far is kept, and the tries after it have it too.
What is trained already is not trained again, so that a call goes on where the last one ended.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

import mmbench
from benchmarks.tries.series import MOST, Series, Try, mean, merged, read, scores
from mmbench.errors import UserError
from mmbench.given.files import path_of
from mmbench.planning.config import parse_overrides
from mmbench.planning.plan import Cell, make_plan
from mmbench.table import Table

MARGIN = 0.01
AS_IT_IS = Try((), "as it is")
NOT_RUN = "not run yet"


@dataclass
class Tried:
    """A try and what came of it.

    Attributes:
        given: all that ``--set`` was given: scenes, the settings before the series and kept tries included.
        scores: by name; none where it is not trained.
        kept: ``yes``, ``no``, or why that cannot be said.
    """

    what: Try
    given: list[str]
    scores: dict[str, float] = field(default_factory=dict)
    kept: str = NOT_RUN


class Tries:
    """The series of one method.

    Args:
        train: whether what is missing is trained; otherwise only what is there is shown.
    """

    def __init__(self, method: str, series: Series, options: argparse.Namespace, *, train: bool) -> None:
        self.method, self.series, self.options, self.train = method, series, options, train

    def run(self) -> list[Tried]:
        """Every try; those after one that is missing have what was kept before it."""
        kept: list[str] = []
        best: float | None = None
        made = []
        for what in (AS_IT_IS, *self.series.tries):
            tried = Tried(what, merged(self.series.scenes, self.series.before, kept, what.set))
            cell = self._cell(tried)
            print(self.command(tried), flush=True)
            if self.train:
                self._carry_out(tried)
            state, result = cell.folder.look(cell.key)
            if state == "done":
                tried.scores = scores(result)
                better = best is None or mean(tried.scores) >= best + MARGIN
                tried.kept = ("yes" if better else "no") if what.set else "-"
                if better:
                    best, kept = mean(tried.scores), merged(kept, what.set)
            elif state not in ("absent", "stale"):
                tried.kept = f"{state} {result.get('reason', '')}".strip()
            made.append(tried)
        return made

    def command(self, tried: Tried) -> str:
        """What trains one of them."""
        options = self.options
        line = ["python", "-m", "mmbench", "run", "--methods", self.method, "--dataset", self.series.dataset]
        line += ["--profile", options.profile, "--seeds", str(options.seed), "--runs", str(options.runs)]
        line += ["--data-root", str(options.data_root)] if options.data_root else []
        return shlex.join([*line, *(part for item in tried.given for part in ("--set", item))])

    def _carry_out(self, tried: Tried) -> None:
        """The same without the tables; what became of it stands in the cell's folder."""
        options = self.options
        mmbench.run(
            [self.method], self.series.dataset, options.profile, [options.seed], options.runs, options.data_root,
            parse_overrides(tried.given), jobs=1,
        )  # fmt: skip

    def _cell(self, tried: Tried) -> Cell:
        options = self.options
        plan = make_plan(
            [self.method], self.series.dataset, options.profile, [options.seed], options.runs,
            data_root=options.data_root, overrides=parse_overrides(tried.given),
        )  # fmt: skip
        return next(cell for cell in plan.cells if cell.method == self.method)


def table(method: str, series: Series, tried: Sequence[Tried], profile: str, seed: int) -> Table:
    """A row per try, with its scores and whether it was kept."""
    names = list(dict.fromkeys(name for one in tried for name in one.scores))
    rows = [
        {
            "try": ", ".join(one.what.set) or one.what.why,
            "why": one.what.why if one.what.set else "",
            **{name: one.scores.get(name) for name in names},
            "score": mean(one.scores) if one.scores else None,
            "kept": one.kept,
        }
        for one in tried
    ]
    note = (
        f"Data set {series.dataset}, {', '.join(series.scenes)}, profile {profile}, seed {seed}. Score: the mean of "
        f"the columns before it. Kept: at least {MARGIN:g} above the best so far; later tries have it too."
    )
    return Table(
        f"tries-{method}", f"Tries: {method}", pd.DataFrame(rows), note, formats=dict.fromkeys([*names, "score"], ".3f")
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 where every try is trained (or none was to be), 1 where one is not, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="tries", description=f"At most {MOST} tries of a method, one after another.")
    parser.add_argument("method", help="one of benchmarks/tries/tries.toml")
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=path_of, default=Path("runs-tries"), help="folder of the cells and the table")
    parser.add_argument("--data-root", type=path_of, help="folder of data sets that have files")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, and what is there already")
    try:
        options = parser.parse_args(arguments)
        series = read(options.method)
        tried = Tries(options.method, series, options, train=not options.dry_run).run()
    except UserError as error:
        print(f"tries: {error}", file=sys.stderr)
        return 2
    made = table(options.method, series, tried, options.profile, options.seed)
    print(f"\n{made.text()}")
    if not options.dry_run:
        for ending, text in (("md", made.markdown()), ("csv", made.csv())):
            (options.runs / f"{made.name}.{ending}").write_text(text, encoding="utf-8")
    return 0 if options.dry_run or all(one.scores for one in tried) else 1


if __name__ == "__main__":
    sys.exit(main())
