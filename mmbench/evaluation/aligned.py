"""Evaluation: every row of a method over the test set, with only the inputs in the method's hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from mmbench.evaluation.metrics import alignment
from mmbench.method import Method
from mmbench.metric import Metric
from mmbench.modality import Modality
from mmbench.plugins.metrics import leave_out, load_metrics, scoring
from mmbench.task import Task, Translation
from mmbench.training.cache import Cache
from mmbench.training.device import Compute
from mmbench.training.loop import DivergedError

ACCURACY = "classification_accuracy"  # of a judge, percent
SAMPLES = 8  # test images whose translations are kept as pictures

Classify = Callable[[torch.Tensor], torch.Tensor]


@dataclass
class _Row:
    """A translation while the test images are gone through.

    Attributes:
        scored: the metrics that are taken of it, by name.
        parts: per-image statistics of the batches so far, by the metric's name.
        kept: predictions of the first test images as arrays.
        places: which of the first test images those are of.
    """

    translation: Translation
    target: Modality
    scored: dict[str, Metric]
    parts: list[dict[str, np.ndarray]] = field(default_factory=list)
    kept: list[np.ndarray] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


def evaluate_rows(
    method: Method,
    task: Task,
    cache: Cache,
    test_ids: Sequence[str],
    compute: Compute,
    *,
    batch_size: int,
    translations: Sequence[Translation] = (),
    same_inputs: bool = False,
    classify: Classify | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Evaluate all rows of a method, each on the test images that hold its inputs and its output.

    A translation without any such image is no row: of two recordings without a common image nothing unseen has a truth.

    Args:
        translations: the rows; by default those the method names.
        same_inputs: all of them have the same inputs and output; the method may then encode once.
        classify: a judge's logits for images in [-1, 1], used where the output is the task's judged modality.

    Returns:
        Rows (a translation's fields, ``output_kind``, ``metrics``); per-image statistics by row number, for intervals
        and bootstraps; and each row's predictions of the first test images as arrays, by row number; those of images
        that lack a modality of the row are 0.

    Raises:
        DivergedError: a translation holds NaN or infinity.
    """
    method.eval()
    rows, statistics, pictures = [], {}, {}
    metrics = load_metrics()
    index = cache.index(test_ids)
    targets = [(t, task.modality(t.output)) for t in translations or method.translations()]
    wanted = [
        _Row(t, target, scoring(metrics, target)) for t, target in targets
        if cache.holding(index, _modalities(t)).any()
    ]  # fmt: skip
    done = 0
    for together in filter(None, [wanted]) if same_inputs else [[row] for row in wanted]:
        places = np.flatnonzero(cache.holding(index, _modalities(together[0].translation)))
        for start in range(0, len(places), batch_size):
            here = index[places[start : start + batch_size]]
            made = predictions(method, task, [row.translation for row in together], cache, here, compute)
            for row, prediction in zip(together, made, strict=True):
                check_finite(prediction, row.translation, start // batch_size + 1)
                judged = classify if row.translation.output == task.judged else None
                row.parts.append(_statistics(row.target, row.scored, prediction, cache, here, judged, compute))
                shown = [place for place in places[start : start + batch_size].tolist() if place < SAMPLES]
                if shown or not row.kept:
                    row.kept.append(row.target.to_array(prediction[: len(shown)]))
                    row.places += shown
                done += len(here)
                if progress:
                    progress("evaluate", done, len(wanted) * len(index))
    for number, row in enumerate(wanted):
        pictures[str(number)] = _placed(row, min(SAMPLES, len(index)))
        whole = {name: np.concatenate([part[name] for part in row.parts]) for name in row.parts[-1]}
        statistics.update({f"{number}/{name}": values for name, values in whole.items()})
        values = numbers(row.target, whole, metrics)
        rows.append({**describe(row.translation), "output_kind": row.target.kind, "metrics": values})
    return rows, statistics, pictures


def _modalities(translation: Translation) -> tuple[str, ...]:
    return (*translation.inputs, translation.output)


def _placed(row: _Row, count: int) -> np.ndarray:
    """What was kept of a row, each at the place of its image among the first ``count`` test images."""
    kept = np.concatenate(row.kept)
    made = np.zeros((count, *kept.shape[1:]), kept.dtype)
    made[row.places] = kept
    return made


def predict(
    method: Method,
    task: Task,
    translation: Translation,
    cache: Cache,
    rows: np.ndarray,
    compute: Compute,
    sample: int = 0,
) -> torch.Tensor:
    """Translate some cached images; no other modality than the inputs is read."""
    return next(predictions(method, task, [translation], cache, rows, compute, sample))


@torch.inference_mode()
def predictions(
    method: Method,
    task: Task,
    translations: Sequence[Translation],
    cache: Cache,
    rows: np.ndarray,
    compute: Compute,
    sample: int = 0,
) -> Iterator[torch.Tensor]:
    """:func:`predict` for several translations of the same inputs, one after another."""
    inputs = {
        name: task.modality(name).to_tensor(cache.read(name, rows)).to(compute.device)
        for name in translations[0].inputs
    }
    made = method.translate_each(inputs, translations, sample=sample)
    for _ in translations:
        with compute.autocast():
            prediction = next(made)
        yield prediction


def check_finite(prediction: torch.Tensor, translation: Translation, batch: int) -> None:
    """Raise DivergedError where a translation holds NaN or infinity: numbers of it would say nothing.

    Args:
        batch: which one of the evaluation it is, from 1.
    """
    if prediction.is_floating_point() and not bool(torch.isfinite(prediction).all()):
        arrow = f"{'+'.join(translation.inputs)} to {translation.output}"
        raise DivergedError(f"evaluation, by step {batch}: the translation {arrow} is not finite")


def describe(translation: Translation) -> dict[str, str]:
    """A translation's part of a result row's key, as text; the last checkpoint is the row (the papers' rule)."""
    values = asdict(translation)
    weights = values["weights"] or ()
    return {
        "inputs": "+".join(translation.inputs),
        "output": translation.output,
        "via": translation.via or "",
        "weights": ",".join(f"{w:g}" for w in weights),
        "side_from": translation.side_from or "",
        "bn": translation.bn,
        "checkpoint": "last",
    }


def numbers(
    target: Modality, statistics: Mapping[str, np.ndarray], metrics: Mapping[str, Metric] | None = None
) -> dict[str, float]:
    """A row's metrics from its per-image statistics by the metric's name (see ``mmbench/metric.py``)."""
    metrics = load_metrics() if metrics is None else metrics
    made: dict[str, float] = {}
    for name, metric in scoring(metrics, target).items():
        if name not in statistics:
            continue
        try:
            more = metric.numbers(statistics[name], target)
            if taken := sorted({*made, ACCURACY} & more.keys()):
                raise ValueError(f"compute gave {taken[0]!r}, which is another's number")
        except Exception as error:  # a plug-in is anybody's code
            if name == target.metric:
                raise
            leave_out(name, error)
        else:
            made |= more
    if "correct" in statistics:
        made[ACCURACY] = 100.0 * float(statistics["correct"].mean())
    return made


@torch.inference_mode()
def align(method: Method, task: Task, cache: Cache, ids: Sequence[str], compute: Compute) -> dict[str, float]:
    """Alignment factors (eq. 4.16) of each pair of encoders and the latents' std, on aligned validation images.

    A latent that shrinks makes the factor climb, so the two are logged side by side. Nothing is fed back to training.
    """
    training = method.training
    method.eval()
    rows = cache.index(ids)
    latents = {}
    with compute.autocast():
        for modality in task.modalities:
            tensor = modality.to_tensor(cache.read(modality.name, rows)).to(compute.device)
            code = method.encode(modality.name, tensor)
            if code is not None:
                latents[modality.name] = code.float()
    method.train(training)
    seen = {f"latent_std/{name}": float(alignment.latent_std(code)) for name, code in latents.items()}
    names = list(latents)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            seen[f"alignment/{a}-{b}"] = float(alignment.alignment_factor(latents[a], latents[b]).mean())
    return seen


def _statistics(
    target: Modality,
    scored: dict[str, Metric],
    prediction: torch.Tensor,
    cache: Cache,
    rows: np.ndarray,
    judged: Classify | None,
    compute: Compute,
) -> dict[str, np.ndarray]:
    """Statistics of a batch by the metric's name; a metric that fails, and that nothing names, leaves ``scored``."""
    truth = target.to_tensor(cache.read(target.name, rows)).to(prediction.device)
    made = {}
    for name, metric in list(scored.items()):
        # Copies, so that what such a metric does to its tensors reaches nobody else's.
        pair = (prediction, truth) if name == target.metric else (prediction.clone(), truth.clone())
        try:
            made[name] = metric.measure(*pair, target)
        except Exception as error:  # a plug-in is anybody's code
            if name == target.metric:
                raise
            del scored[name]
            leave_out(name, error)
    if judged is not None:
        with torch.inference_mode(), compute.autocast():
            guess = judged(prediction).argmax(1).cpu().numpy()
        made["correct"] = (guess == cache.labels(rows)).astype(np.int8)
    return made
