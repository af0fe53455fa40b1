"""A contract as a list of checks: each is kept, or broken with one line that says what to do."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mmbench.errors import UserError
from mmbench.given.texts import shown, told
from mmbench.plugins.catalog import Card, line_of


class ContractError(AssertionError):
    """A plug-in breaks a rule; its text leads with the plug-in's file, ``text`` is the rest."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.text = text


@dataclass(frozen=True)
class Held:
    """A plug-in that is held against its contract, by its card; its kinds add what their rules look at."""

    card: Card

    def demand(self, right: object, text: str) -> None:
        """Break the rule unless something is true."""
        if not right:
            raise self.broken(text)

    def broken(self, text: str) -> ContractError:
        """The rule is broken."""
        return ContractError(self.card.path, text)


class UncheckedError(Exception):
    """A rule that cannot be looked at, because an earlier one is broken; the text names that one."""


@dataclass(frozen=True)
class Check:
    """One rule.

    Attributes:
        name: a word or two by which the rule is known.
        rule: what is true where it is kept.
        look: raises ContractError where it is not, UncheckedError where nobody can say.
        vital: whether nothing that follows can be looked at where it is broken.
    """

    name: str
    rule: str
    look: Callable[[], None]
    vital: bool = False


@dataclass(frozen=True)
class Finding:
    """What came of a check.

    Attributes:
        check: which one.
        problem: what is wrong and what to do, one line; empty where nothing is.
        unchecked: why nobody could say; empty where somebody could.
    """

    check: Check
    problem: str = ""
    unchecked: str = ""


def findings(checks: Iterable[Check], path: Path) -> Iterator[Finding]:
    """Run checks one by one; what a plug-in raises breaks the rule in whose check it was raised.

    Args:
        path: the plug-in's file, whose line is named where it raised something.
    """
    reason = ""
    for check in checks:
        found = Finding(check, unchecked=reason) if reason else _found(check, path)
        if check.vital and found.problem:
            reason = f"see {check.name}"
        yield found


def _found(check: Check, path: Path) -> Finding:
    try:
        with _silent():
            check.look()
    except ContractError as error:
        return Finding(check, shown(" ".join(error.text.split())))
    except UncheckedError as error:
        return Finding(check, unchecked=str(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in is anybody's code, sys.exit() included
        return Finding(check, raised(error, path))
    return Finding(check)


def raised(error: BaseException, path: Path) -> str:
    """What a plug-in raised and in which of its lines, on one line."""
    if isinstance(error, UserError):
        return told(error).removeprefix(f"{path}: ")
    line = line_of(error, path)
    return f"raises {told(error)}{f' in line {line}' if line else ''}"


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What the harness says meanwhile, such as of weights that it did without, is no finding."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
