"""The contract of a method: all checks, in the order in which a broken one explains those behind it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mmbench.contracts import steps, training, translations
from mmbench.contracts.bench import BF16
from mmbench.contracts.checks import Check
from mmbench.contracts.made_up import bench_of_kind
from mmbench.contracts.subject import Subject
from mmbench.plugins.catalog import Card
from mmbench.task import TaskKind

VITAL = ("class", "access")


def checks_of(card: Card, kind: TaskKind, folder: Path) -> tuple[Check, ...]:
    """The checks of a method on one kind of task.

    Args:
        folder: for prepared images and trainings.
    """
    return checks(Subject(card, bench_of_kind(kind, folder / "cache"), folder / "trainings"))


def checks(subject: Subject) -> tuple[Check, ...]:
    """The same on a data set that is there."""
    listed = (
        ("class", "is built from its card, and defines forward() and translate()", training.check_class),
        ("settings", "every profile finds settings and stages", training.check_settings),
        ("imports", "opens no data and no scores", training.check_imports),
        ("access", "asks a batch for what ACCESS gives only", steps.check_guard_of_batches),
        ("networks", "networks() has every parameter, each with one player", steps.check_networks),
        ("losses", "finite, and they reach every network", partial(steps.check_losses, scale="small")),
        ("losses, paper", "the same with the papers' settings", partial(steps.check_losses, scale="paper")),
        ("losses, bf16", "the same in bf16", partial(steps.check_losses, scale="paper", compute=BF16)),
        ("inputs", "a step changes no tensor of its batch", steps.check_inputs),
        ("chance", "a step draws from torch alone", steps.check_randomness),
        ("frozen", "what a stage freezes does not change", steps.check_frozen),
        ("training", "ends, with finite weights", steps.check_training),
        ("guard", "the same weights with noise in place of what is withheld", training.check_guard),
        ("resuming", "an interrupted training ends with the same bits", training.check_resuming),
        ("rows", "every translation has the output's shape, type and range", translations.check_rows),
        ("alone", "a translation does not depend on its batch", translations.check_alone),
        (
            "no trace",
            "translating changes nothing, global generators included",
            translations.check_without_trace,
        ),
        ("parent", "starts from its parent's weights", training.check_parent),
    )
    return tuple(Check(name, rule, partial(look, subject), vital=name in VITAL) for name, rule, look in listed)
