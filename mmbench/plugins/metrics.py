"""The metrics that there are: mmbench's own and those from outside, each held against the contract of ``metric.py``."""

from __future__ import annotations

import ast
import functools
import logging
from collections.abc import Mapping

from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import read_text
from mmbench.given.texts import told
from mmbench.metric import FUNCTIONS, Metric, Score, sums_of
from mmbench.modality import KINDS, Modality
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.plugins.keys import source_digest

FOLDER = "metrics"
RESERVED = ("correct", "statistics")  # arrays of per_image.npz that are no metric's: the judge's, and an older name


def problem_of(card: Card) -> str:
    """Which rule of the contract a metric breaks, as far as its source says; empty where it keeps all of them."""
    if card.problem:
        return card.problem
    lacking = [name for name in (*FUNCTIONS, "SCORES") if name not in _defined(card)]
    if lacking:
        return f"lacks {', '.join(lacking)}"
    if card.name in RESERVED:
        return f"NAME {card.name!r} is taken"
    unknown = [kind for kind in card["KINDS"] if kind not in KINDS]
    return f"KINDS: unknown kind {unknown[0]!r}{did_you_mean(str(unknown[0]), KINDS)}" if unknown else ""


def load_metrics() -> dict[str, Metric]:
    """All metrics by name. One that cannot be had is left out, and said once."""
    found = {}
    for card in catalog.cards(FOLDER).values():
        try:
            found[card.name] = read(card)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plug-in is anybody's code, sys.exit() included
            leave_out(card.name, error)
    return found


def scoring(metrics: Mapping[str, Metric], modality: Modality) -> dict[str, Metric]:
    """The metrics of a modality, the one that it names first; those of its kind that have columns for it.

    Raises:
        UserError: that one is not among them.
    """
    named = modality.metric
    if named not in metrics:
        raise UserError(f"no metric named {named!r}{did_you_mean(named, metrics)}")
    return {name: metrics[name] for name in dict.fromkeys([named, *metrics]) if scores(metrics[name], modality)}


def outside() -> dict[str, str]:
    """Names and source digests of the metrics that are not mmbench's own, to be recorded with a result.

    They are no part of a cell's key: they look at translations and change none, and a metric that was added or edited
    should not have every network trained again.
    """
    own, used = catalog.package_folder(FOLDER), load_metrics()
    cards = [card for card in catalog.cards(FOLDER).values() if own not in card.path.parents]
    return {card.name: source_digest(card.path, card.module) for card in cards if card.name in used}


def leave_out(name: str, error: BaseException) -> None:
    """Say once that a metric is left out, and why: its file and the rule it breaks."""
    card = catalog.cards(FOLDER)[name]
    text = str(error) if isinstance(error, ValueError) else told(error)
    _say(f"{card.path}: metric {name!r} is left out: {' '.join(text.split())}")


@functools.cache
def _say(text: str) -> None:
    logging.getLogger(__name__).warning(text)


def scores(metric: Metric, modality: Modality) -> bool:
    """Whether a metric has columns for a modality."""
    if modality.kind not in metric.kinds:
        return False
    try:
        return len(metric.columns(modality)) > 0
    except Exception:  # a plug-in is anybody's code; said when it is used
        return True


def read(card: Card) -> Metric:
    """One metric. Raises ValueError naming the rule that it breaks, or what its file raises."""
    if problem := problem_of(card):
        raise ValueError(problem)
    module = catalog.import_module(card)
    scores = tuple(module.SCORES)
    if not scores or not all(isinstance(score, Score) for score in scores):
        raise ValueError("SCORES: expected mmbench.metric.Score objects")
    functions = {name: getattr(module, name) for name in FUNCTIONS}
    return Metric(
        card.name, card["TITLE"], tuple(card["KINDS"]), scores, total=getattr(module, "total", sums_of), **functions
    )


def _defined(card: Card) -> set[str]:
    """Names that a file defines or imports at module level."""
    found = set()
    for node in ast.parse(read_text(card.path)).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found
