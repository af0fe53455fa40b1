"""The contract of a metric: rows of statistics, numbers that follow from sums, images of which nothing is known."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from mmbench.contracts.checks import Check, ContractError, Held, UncheckedError, raised
from mmbench.metric import Metric
from mmbench.modality import Depth, Modality, Rgb, Scalar, Segmentation
from mmbench.plugins import metrics
from mmbench.plugins.catalog import Card

MODALITIES = (
    Rgb("rgb"),
    Scalar("nir"),
    Depth("depth"),
    Segmentation("segmentation", classes=tuple("abcdefghi"), palette=((0, 0, 0),) * 10),
    Segmentation("mask", classes=("a", "b"), palette=((0, 0, 0),) * 3),
)
IMAGES, SIZE = 5, 16
ALONE = (
    "import sys; from mmbench.plugins import catalog, metrics; "
    "metrics.read(catalog.find('metrics', sys.argv[1])); sys.exit('torch' in sys.modules)"
)


@dataclass(frozen=True)
class Subject(Held):
    """A metric."""

    @cached_property
    def metric(self) -> Metric:
        """What its file defines."""
        try:
            return metrics.read(self.card)
        except ValueError as error:
            raise self.broken(str(error)) from error

    def modalities(self) -> list[Modality]:
        """Those that it scores."""
        found: list[Modality] = [modality for modality in MODALITIES if metrics.scores(self.metric, modality)]
        if not found:
            raise UncheckedError("no modality is scored")
        return found

    def measured(self, modality: Modality, prediction: Tensor, truth: Tensor, what: str = "") -> np.ndarray:
        """Statistics of a batch; what breaks the rules of ``update`` breaks this one."""
        try:
            return self.metric.measure(prediction, truth, modality)
        except ValueError as error:
            raise self.broken(f"{modality.name}{what}: {error}") from error

    def numbers(self, modality: Modality, statistics: np.ndarray, what: str = "") -> dict[str, float]:
        """Numbers of statistics; what breaks the rules of ``compute`` breaks this one."""
        try:
            return self.metric.numbers(statistics, modality)
        except (ValueError, ArithmeticError, IndexError, TypeError) as error:
            raise self.broken(f"{modality.name}{what}: compute fails: {error}") from error


def checks_of(card: Card) -> tuple[Check, ...]:
    """The checks of a metric."""
    subject = Subject(card)
    listed = (
        ("functions", "columns, update, compute and SCORES", check_functions),
        ("rows", "a row per image, a column per name, float64 or int64", check_rows),
        ("inputs", "update changes neither prediction nor truth", check_inputs),
        ("batches", "an image's row does not depend on its batch", check_batches),
        ("void", "images of which nothing is known have finite statistics and numbers", check_void),
        ("sums", "numbers follow from sums along the last axis", check_sums),
        ("no images", "every number of no images is nan", check_without_images),
        ("scores", "every number can be printed", check_scores),
        ("torch", "imports torch inside update only", check_torch),
    )
    return tuple(Check(name, rule, partial(look, subject), vital=name == "functions") for name, rule, look in listed)


def batch(modality: Modality, images: int = IMAGES) -> tuple[Tensor, Tensor]:
    """A translation as ``translate`` gives it, and a truth with void or invalid pixels; some classes are absent."""
    generator = torch.Generator().manual_seed(4)
    raw = torch.randn(images, modality.channels, SIZE, SIZE, generator=generator)
    most = min(3, len(modality.legend) or 3)
    array = np.random.default_rng(4).integers(0, most + 1, (images, *modality.shape(SIZE, SIZE)))
    truth = modality.to_tensor(array.astype(modality.dtype) / modality.dtype.type(1 if modality.lossless else 4))
    return modality.from_network(raw), truth


def check_functions(subject: Subject) -> None:
    """The file has what a metric needs, and scores something."""
    if problem := metrics.problem_of(subject.card):
        raise subject.broken(problem)
    kinds = ", ".join(subject.metric.kinds)
    subject.demand(
        any(metrics.scores(subject.metric, modality) for modality in MODALITIES),
        f"columns() has no name for any modality of KINDS ({kinds}): return a tuple of names",
    )


def check_rows(subject: Subject) -> None:
    """A row per image and a column per name, of no image too."""
    for modality in subject.modalities():
        for images in (IMAGES, 0):
            made = subject.measured(modality, *batch(modality, images), what=f", {images} images")
            width = len(subject.metric.columns(modality))
            subject.demand(
                made.shape == (images, width),
                f"{modality.name}: update gave {made.shape} for {images} images, expected ({images}, {width})",
            )


def check_inputs(subject: Subject) -> None:
    """Other metrics read the same tensors."""
    for modality in subject.modalities():
        prediction, truth = batch(modality)
        copies = prediction.clone(), truth.clone()
        subject.measured(modality, prediction, truth)
        same = torch.equal(prediction, copies[0]) and torch.equal(truth, copies[1])
        subject.demand(same, f"{modality.name}: update changes its input in place: work on a copy (clone())")


def check_batches(subject: Subject) -> None:
    """How many images are at hand at once changes no row."""
    for modality in subject.modalities():
        prediction, truth = batch(modality)
        pairs = zip(prediction.split(2), truth.split(2), strict=True)
        parts = np.concatenate([subject.measured(modality, p, t) for p, t in pairs])
        whole = subject.measured(modality, prediction, truth)
        subject.demand(
            np.array_equal(parts, whole, equal_nan=True),
            f"{modality.name}: an image's row is another one in other company: sum within each image, in float64",
        )


def check_void(subject: Subject) -> None:
    """A truth that is void or invalid everywhere must not spoil the sums of the images beside it."""
    for modality in subject.modalities():
        prediction, truth = batch(modality)
        nothing = torch.zeros_like(truth)
        what = " without a valid pixel" if not bool(modality.valid(nothing).any()) else " of one flat value"
        try:
            rows = subject.measured(modality, prediction, nothing, what)
        except ContractError:
            raise
        except Exception as error:
            raise ContractError(
                subject.card.path, f"{modality.name}{what}: update fails ({type(error).__name__}: {error}); leave out "
                "what modality.valid(truth) is not, and divide in compute"
            ) from error  # fmt: skip
        subject.demand(
            np.isfinite(rows).all(),
            f"{modality.name}{what}: update gives what is not finite, which spoils the sums of all images: keep sums "
            "and counts, and divide in compute",
        )
        subject.numbers(modality, rows, what)


def check_sums(subject: Subject) -> None:
    """One call for a stack of sums says what single calls say, and the whole set what its halves' sums say."""
    for modality in subject.modalities():
        metric = subject.metric
        statistics = subject.measured(modality, *batch(modality))
        numbers = subject.numbers(modality, statistics)
        halves = metric.total(statistics[:2]) + metric.total(statistics[2:])
        again = {key: float(value) for key, value in metric.score(halves, IMAGES, modality).items()}
        rule = f"{modality.name}: compute must work along the last axis of sums (sums[..., 0])"
        same = [np.isclose(again[key], value, rtol=1e-6, equal_nan=True) for key, value in numbers.items()]
        subject.demand(all(same), f"{modality.name}: the whole set scores another number than its halves' sums")
        rows = [metric.total(statistics), statistics[0], statistics[1], statistics[2]]
        stack, images = np.stack(rows).reshape(2, 2, -1), np.array([[IMAGES, 1], [1, 1]])
        try:
            stacked, alone = metric.score(stack, images, modality), metric.of_each(statistics, modality)
        except Exception as error:
            reason = raised(error, subject.card.path)
            raise subject.broken(f"{rule}; of a stack it {reason}") from error
        for key, value in numbers.items():
            shape = np.shape(stacked[key])
            subject.demand(shape == (2, 2), f"{rule}: {key!r} of 2 x 2 sums has the shape {shape}")
            shape = np.shape(alone[key])
            subject.demand(shape == (IMAGES,), f"{rule}: {key!r} of {IMAGES} images, one by one, has the shape {shape}")
            expected = [[value, alone[key][0]], [alone[key][1], alone[key][2]]]
            right = np.array_equal(stacked[key], expected, equal_nan=True)
            subject.demand(right, f"{rule}: {key!r} of a stack is not that of its parts")


def check_without_images(subject: Subject) -> None:
    """What is not defined is nan, not 0."""
    for modality in subject.modalities():
        empty = np.empty((0, len(subject.metric.columns(modality))))
        numbers = subject.numbers(modality, empty, " without images")
        wrong = [key for key, value in numbers.items() if not np.isnan(value)]
        subject.demand(numbers, f"{modality.name}: compute gives no number without images, expected nan for each")
        subject.demand(not wrong, f"{modality.name}: {', '.join(wrong)} of no images is a number, expected nan")


def check_scores(subject: Subject) -> None:
    """Tables have a header and a format for each number."""
    scores = {score.key: score for score in subject.metric.scores}
    for score in scores.values():
        subject.demand(score.header, f"SCORES: {score.key!r} has no header")
    for modality in subject.modalities():
        numbers = subject.numbers(modality, subject.measured(modality, *batch(modality)))
        for key, value in numbers.items():
            spec = scores[key.partition("/")[0]].spec
            try:
                format(value, spec)
            except ValueError as error:
                raise subject.broken(f"SCORES: {key!r} cannot be printed: {error}") from error


def check_torch(subject: Subject) -> None:
    """Reports read metrics, and answer at once."""
    done = subprocess.run([sys.executable, "-c", ALONE, subject.card.name], capture_output=True, check=False)
    subject.demand(
        not done.returncode, "imports torch at module level, and reports read this file: import it in update"
    )
