"""The contract of a method, whole trainings: the guard, interruptions, a parent's weights, what a file may import."""

from __future__ import annotations

import ast
from pathlib import Path

import torch

from mmbench.contracts.bench import CPU, INTERVALS, Scale
from mmbench.contracts.checks import UncheckedError
from mmbench.contracts.steps import trained
from mmbench.contracts.subject import Subject
from mmbench.given.files import read_text
from mmbench.method import Method
from mmbench.planning import config
from mmbench.store.folder import CellFolder
from mmbench.task import Access
from mmbench.training.loop import train

STOPS = (1, 3, 4, 7)  # before the first checkpoint, behind one, on one, in a later stage
SCALES: tuple[Scale, ...] = ("small", "paper")
# Rooms from which a method could open what it is not handed, or look at how it is scored.
CLOSED = ("cell", "commands", "contracts", "datasets", "evaluation", "inference", "launching", "planning", "plugins",
          "publishing", "reports", "store", "training")  # fmt: skip


class _InterruptError(Exception):
    """Stands for a kill."""


def check_class(subject: Subject) -> None:
    """It can be built, with the settings of both scales."""
    for scale in SCALES:
        subject.build(scale)


def check_settings(subject: Subject) -> None:
    """Every profile finds settings and stages, and true pairs are an oracle's alone."""
    card, kind = subject.card, subject.bench.dataset.task.kind
    for name, profile in config.profiles().items():
        if not profile.problem:
            with subject.excused(f"profile {name}"):
                config.resolve(card, config.profile(name, kind), kind, {})
    paired = Access(card["ACCESS"]) is Access.TRUE_PAIRS
    subject.demand(
        not paired or card["GROUP"] == "oracle",
        f"ACCESS = 'true-pairs' shows the pairs of unseen translations, and GROUP = {card['GROUP']!r}: say "
        "GROUP = 'oracle', or ACCESS = 'seen-groups'",
    )


def check_imports(subject: Subject) -> None:
    """The method's files import no part of mmbench that opens data or scores translations."""
    path = subject.card.path
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    for file in files:
        for line, name in _imports(file):
            parts = name.split(".")
            subject.demand(
                parts[0] != "mmbench" or parts[1:2] == [] or parts[1] not in CLOSED,
                f"{file.name}, line {line}, imports {name}: a method is handed batches and opens no data itself; it "
                "imports from mmbench.method, .task, .modality and mmbench.methods",
            )


def check_guard(subject: Subject) -> None:
    """With noise in place of all that it may not see, its weights end as the same bits."""
    trained(subject)
    with subject.excused("guard", AssertionError):
        validates = subject.bench.dataset.task.kind == "cross-modal"
        subject.bench.check_guard(subject.card.name, subject.scratch(), validates)


def check_resuming(subject: Subject) -> None:
    """A training that is interrupted again and again ends with the same bits, and with the same log."""
    whole, folder = trained(subject)
    method, again = interrupted(subject)
    state = method.state_dict()
    differing = [key for key, value in whole.state_dict().items() if not torch.equal(value, state[key])]
    subject.demand(
        not differing,
        f"an interrupted training ends with another {', '.join(differing[:3])}: keep all state in parameters and "
        "buffers (register_buffer), and draw with torch only",
    )
    logs = [of.log.read_text(encoding="utf-8") for of in (folder, again)]
    subject.demand(logs[0] == logs[1], "an interrupted training logs other losses: keep all state in buffers")


def check_parent(subject: Subject) -> None:
    """A child takes over its parent's weights."""
    name = subject.card.get("PARENT")
    if not name:
        return
    (parent, _), (child, _) = (subject.bench.build(of, seed) for of, seed in ((name, 0), (subject.card.name, 1)))
    with subject.excused(f"PARENT = {name!r}: start_from()", RuntimeError):
        child.start_from(parent)
    theirs = {role: network.state_dict() for role, network in parent.networks().items()}
    lacking = sorted(theirs.keys() - child.networks().keys())
    subject.demand(not lacking, f"lacks {', '.join(lacking)} of its parent {name!r}")
    for role, state in theirs.items():
        own = child.networks()[role].state_dict()
        same = all(torch.equal(value, own[key]) for key, value in state.items())
        subject.demand(same, f"start_from() leaves {role} another one than its parent's")


def interrupted(subject: Subject) -> tuple[Method, CellFolder]:
    """It after a training that was interrupted again and again, and the training's folder."""
    folder, interruptions = CellFolder(subject.scratch()), 0
    for stop in (*STOPS, None):

        def interrupt(stage: str, done: int, total: int, stop: int | None = stop) -> None:
            if stop is not None and done >= min(stop, total):
                raise _InterruptError

        method, resolved = subject.build()
        loader = subject.bench.loader(subject.card.name)
        try:
            train(method, resolved.stages, loader, folder, CPU, seed=0, intervals=INTERVALS, progress=interrupt)
        except _InterruptError:
            interruptions += 1
    if interruptions < 2:
        raise UncheckedError("its training at smoke size is too short to be interrupted")
    return method, folder


def _imports(file: Path) -> list[tuple[int, str]]:
    """Lines and names of the modules that a file imports by their whole names, wherever the statement stands."""
    found = []
    for node in ast.walk(ast.parse(read_text(file))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found
