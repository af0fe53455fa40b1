"""Changes by hand that the tests must notice: ``python tests/mutations/run.py [name ...]``.

Each row of ``table.toml`` is applied to a copy of the repository, never to the repository itself. Plain pytest then
runs the row's own test files and, where those pass, the whole suite. What came out is written to ``results.md``.

Exit code 0: every change was noticed; 1: at least one was not; 2: the table does not fit the code, or tests fail
without any change.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("table.toml")
RESULTS = Path(__file__).with_name("results.md")
LIVES = "**lives**"
PACKAGES = {"mmbench": "mmbench", **{f"mmbench.{name}": name for name in ("methods", "datasets", "reports")}}
SITE = """
import importlib.util, sys

class Finder:
    def find_spec(name, path=None, target=None):
        if (folder := {packages!r}.get(name)) is None:
            return None
        return importlib.util.spec_from_file_location(
            name, folder + "/__init__.py", submodule_search_locations=[folder]
        )

sys.meta_path.insert(0, Finder)
"""


@dataclass(frozen=True)
class Mutation:
    """One change: ``old``, which stands once in ``file``, becomes ``new``; ``tests`` are likely to notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def problem(self, root: Path) -> str:
        """Why the change cannot be made; empty where it can."""
        path = root / self.file
        if not path.is_file():
            return f"{self.name}: there is no {self.file}"
        if (count := path.read_text(encoding="utf-8").count(self.old)) != 1:
            return f"{self.name}: {self.file} holds its old text {count} times instead of once"
        if self.old == self.new:
            return f"{self.name}: old and new text are the same"
        if absent := [test for test in self.tests if not (root / test).exists()]:
            return f"{self.name}: there is no {absent[0]}"
        return "" if self.tests else f"{self.name}: names no test file"


@dataclass(frozen=True)
class Outcome:
    """What noticed a change: a test's name, or :data:`LIVES`."""

    mutation: Mutation
    caught_by: str
    seconds: float


def read(table: Path = TABLE) -> tuple[Mutation, ...]:
    """All rows of the table."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["mutation"]
    return tuple(Mutation(**{**row, "tests": tuple(row["tests"])}) for row in rows)


def copy_repository(target: Path) -> None:
    """All that git tracks or would track, as it stands in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def environment(copy: Path, site: Path) -> dict[str, str]:
    """Python imports mmbench from the copy, however it is installed."""
    packages = {package: str(copy / folder) for package, folder in PACKAGES.items()}
    (site / "sitecustomize.py").write_text(SITE.format(packages=packages), encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}


@contextmanager
def applied(mutation: Mutation, copy: Path) -> Iterator[None]:
    """The copy with one change in it."""
    path = copy / mutation.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


def first_failure(copy: Path, variables: dict[str, str], tests: Sequence[str]) -> str:
    """The first test of plain pytest that fails; empty where all pass. Without test files: the whole suite."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=copy, env=variables, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    if found := re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE):
        return found[1]
    return f"pytest ended with {done.returncode}: {(done.stdout + done.stderr).strip().splitlines()[-1:]}"


def hunt(mutation: Mutation, copy: Path, variables: dict[str, str], quick: bool) -> Outcome:
    """Apply a change and look for a test that fails: its own files first, then (not if ``quick``) the whole suite."""
    started = time.perf_counter()
    with applied(mutation, copy):
        found = first_failure(copy, variables, mutation.tests)
        found = found or ("" if quick else first_failure(copy, variables, ()))
    return Outcome(mutation, found or LIVES, time.perf_counter() - started)


def markdown(outcomes: Sequence[Outcome]) -> str:
    """The page ``results.md``."""
    lines = [
        "# Changes that the tests notice",
        "",
        "Written by `python tests/mutations/run.py`: each change is made to a copy of the repository, and plain pytest",
        f"runs on it. {sum(one.caught_by != LIVES for one in outcomes)} of {len(outcomes)} changes were noticed.",
        "",
        "| change | where | first test that failed | seconds |",
        "|---|---|---|---|",
    ]
    for one in outcomes:
        caught = one.caught_by if one.caught_by == LIVES else f"`{one.caught_by}`"
        lines.append(f"| {one.mutation.name} | `{one.mutation.file}` | {caught} | {one.seconds:.0f} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and hunt."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", help="changes whose names hold one of these words; by default all")
    parser.add_argument("--check", action="store_true", help="only look whether the table fits the code")
    parser.add_argument("--quick", action="store_true", help="never the whole suite: only the row's own test files")
    parser.add_argument("--out", type=Path, help="where to write the results (a full run: results.md beside this)")
    options = parser.parse_args(arguments)
    chosen = [m for m in read() if not options.names or any(name in m.name for name in options.names)]
    if problems := [problem for mutation in chosen if (problem := mutation.problem(ROOT))]:
        print(*problems, sep="\n", file=sys.stderr)
        return 2
    if options.check:
        return 0
    with tempfile.TemporaryDirectory() as copy, tempfile.TemporaryDirectory() as site:
        copy_repository(Path(copy))
        variables = environment(Path(copy), Path(site))
        if broken := first_failure(Path(copy), variables, sorted({test for m in chosen for test in m.tests})):
            print(f"{broken} fails without any change", file=sys.stderr)
            return 2
        outcomes = []
        for mutation in chosen:
            outcomes.append(hunt(mutation, Path(copy), variables, options.quick))
            print(f"{mutation.name}: {outcomes[-1].caught_by} ({outcomes[-1].seconds:.0f} s)", flush=True)
    out = options.out or (None if options.names or options.quick else RESULTS)
    if out:
        out.write_text(markdown(outcomes), encoding="utf-8")
    return 1 if any(one.caught_by == LIVES for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
