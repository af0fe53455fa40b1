"""One plug-in, whatever it is, held against the contract of its kind; what the command ``check`` and its own test ask.

A test of a plug-in is::

    from mmbench.contracts.plugins import problems

    def test_contract():
        assert problems("methods", "mine") == []
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmbench.contracts import datasets, methods, metrics, reports
from mmbench.contracts.checks import Check, Finding, findings
from mmbench.contracts.processes import LIMITS
from mmbench.errors import UserError, did_you_mean
from mmbench.planning.plan import named_root, open_dataset
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card

NEAR = "did you mean"
FOLDERS = ("methods", "datasets", "metrics", "reports")


@dataclass(frozen=True)
class Contract:
    """What one plug-in promises.

    Attributes:
        card: of the plug-in.
        about: what the checks are made on, such as ``cross-modal``; may be empty.
        checks: in the order in which a broken one explains those behind it.
    """

    card: Card
    about: str
    checks: tuple[Check, ...]

    def findings(self) -> Iterator[Finding]:
        """What comes of each check."""
        return findings(self.checks, self.card.path)


def named(name: str) -> list[Card]:
    """The plug-ins of a name; methods, data sets, metrics and reports may share one.

    Raises:
        UserError: there is none, or it is not among what can be checked.
    """
    known = {folder: catalog.cards(folder) for folder in FOLDERS}
    found = [cards[name] for cards in known.values() if name in cards]
    if not found:
        others = [folder for folder in ("launchers", "sinks", "profiles") if name in catalog.cards(folder)]
        if others:
            raise UserError(f"{name!r} is one of {others[0]}, for which there are no contract tests")
        near = did_you_mean(name, {plug_in for cards in known.values() for plug_in in cards})
        raise UserError(
            f"no plug-in named {name!r}{near if NEAR in near else ''}; `list` shows all, those in $MMBENCH_PLUGINS too"
        )
    return found


def contracts_of(card: Card, root: Path | None, folder: Path) -> Iterator[Contract]:
    """The contracts of a plug-in: of a method one for each kind of task that it can do.

    Args:
        root: the data root, for a data set that reads files.
        folder: for what the checks write.

    Raises:
        UserError: a judge, which has no contract of its own, or what is not here: a data set's files, a package.
    """
    if missing := catalog.lacking(card):
        raise UserError(f"{card.name} {missing}")
    if card.folder == "methods":
        if card.get("ROLE") == "judge":
            raise UserError(f"{card.name!r} is a judge: contract tests are for methods that translate")
        for kind in card["KINDS"]:
            yield Contract(card, kind, methods.checks_of(card, kind, folder / kind))
    elif card.folder == "datasets":
        where = _root(card, root)
        yield Contract(card, "" if where is None else str(where), datasets.checks_of(card, where, folder))
    elif card.folder == "metrics":
        yield Contract(card, ", ".join(card["KINDS"]), metrics.checks_of(card))
    else:
        yield Contract(card, "made-up results", reports.checks_of(card))


def problems(folder: str, name: str, root: Path | None = None) -> list[str]:
    """What is wrong with a plug-in, a line for each check that it breaks; empty where nothing is.

    Args:
        folder: ``methods``, ``datasets``, ``metrics`` or ``reports``.
        root: the data root, for a data set that reads files.

    Raises:
        UserError: no such plug-in, one that cannot be read, or data that are not there.
    """
    with tempfile.TemporaryDirectory(prefix="mmbench-") as scratch:
        return [
            f"{finding.check.name}: {finding.problem}"
            for contract in contracts_of(catalog.find(folder, name), root, Path(scratch))
            for finding in contract.findings()
            if finding.problem
        ]


def _root(card: Card, root: Path | None) -> Path | None:
    """The folder that a data set's files are in; None for an embedded one. Raises UserError where it is not there."""
    if not card.get("NEEDS_ROOT", True):
        return None
    where = root or named_root()
    if where is None or not where.is_dir():
        open_dataset(card.name, LIMITS, root)
    return where
