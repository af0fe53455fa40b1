"""Evaluation of unpaired domains: no sample has a truth in another domain, so a judge trained on real images says.

Rows are as those of ``aligned.py`` with ``output_kind`` "domain". Every test image is translated along every row that
begins in its domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mmbench.dataset import Dataset
from mmbench.evaluation.aligned import check_finite, describe, predict
from mmbench.evaluation.diversity import IMAGES, diversity
from mmbench.evaluation.image_pairs import Gallery
from mmbench.evaluation.judged import batches
from mmbench.evaluation.metrics.unpaired import content, kernel_distance
from mmbench.evaluation.reverse import FEWEST, one_per_pair, reverse_metrics, thumbnails
from mmbench.method import Method
from mmbench.task import Translation
from mmbench.training.cache import Cache
from mmbench.training.device import Compute

MOST_SHOWN = 1000  # training images of a domain from which the ceiling's classifier learns

Progress = Callable[[str, int, int], None]


class Judge(Protocol):
    """What a judge of domains has to offer; call it in eval mode."""

    def classify(self, images: Tensor) -> Tensor:
        """Logits ``(B, domains)`` of images in [-1, 1]."""

    def features(self, images: Tensor) -> Tensor:
        """What the last layer reads, ``(B, D)``."""


def evaluate_domains(
    method: Method,
    dataset: Dataset,
    cache: Cache,
    test_ids: Sequence[str],
    compute: Compute,
    judge: Judge | None,
    *,
    batch_size: int,
    progress: Progress | None = None,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Rows of all translations of a method, and per-image statistics by row number.

    Metrics: ``classification_accuracy`` (percent of translated images in which the judge sees the target domain) and
    ``kid`` on the judge's features against real test images of the target, both absent without a judge; ``content``,
    see ``metrics/unpaired.py``; ``sample_diversity``, see ``diversity.py``; ``lpips/translated`` and ``lpips/real`` of
    the target, see ``image_pairs.py``; those of ``reverse.py``. With fewer than 4 test images of a row's domains
    ``kid`` is nan: two samples of one domain are then as far apart as two domains. Statistics: ``correct`` and
    ``content``, an entry per test image of the input's domain.

    A method with a random code gets another one for every image, the others are asked batch by batch.
    """
    method.eval()
    task, names = dataset.task, [modality.name for modality in dataset.task.modalities]
    index = {name: cache.index(dataset.holding(test_ids, name)) for name in names}
    real = _real_features(dataset, cache, index, compute, judge, batch_size)
    rows: list[dict[str, Any]] = []
    statistics: dict[str, np.ndarray] = {}
    small: list[Tensor] = []
    translations = method.translations()
    paired = one_per_pair(translations)
    gallery = Gallery(_counts([translations[number] for number in paired], index))
    for number, translation in enumerate(translations):
        source, target = translation.inputs[0], translation.output
        parts: dict[str, list[np.ndarray]] = {}
        draw = partial(predict, method, task, translation, cache, index[source][:IMAGES], compute)
        varied = diversity(draw)
        thumbs: list[Tensor] = []
        for here in batches(index[source], batch_size if varied == 0 else 1):
            made = predict(method, task, translation, cache, here, compute, sample=int(here[0]))
            check_finite(made, translation, len(thumbs) + 1)
            given = task.modality(source).to_tensor(cache.read(source, here)).to(made.device)
            thumbs.append(thumbnails(made))
            if number in paired:
                gallery.add(target, made)
            parts.setdefault("content", []).append(content(given, made))
            if judge is not None:
                guess, features = _look(judge, made, compute)
                parts.setdefault("correct", []).append((guess == names.index(target)).astype(np.int8))
                parts.setdefault("features", []).append(features)
        small.append(torch.cat(thumbs))
        whole = {name: np.concatenate(values) for name, values in parts.items()}
        metrics = {"content": float(whole["content"].mean()), "sample_diversity": varied}
        if judge is not None:
            metrics["classification_accuracy"] = 100.0 * float(whole["correct"].mean())
            metrics["kid"] = _distance(real[target], whole.pop("features"))
        statistics.update({f"{number}/{name}": values for name, values in whole.items()})
        rows.append({**describe(translation), "output_kind": "domain", "metrics": metrics})
        if progress:
            progress("evaluate", number + 1, len(translations))
    translated, originals = gallery.distances(compute.device), _real_distances(dataset, cache, index, compute)
    tests = _thumbnails(dataset, cache, index)
    training_ids = [sample_id for ids in dataset.split().groups.values() for sample_id in ids]
    shown = {name: cache.index(dataset.holding(training_ids, name)[:MOST_SHOWN]) for name in names}
    training = _thumbnails(dataset, cache, shown)
    tell = partial(progress, "train classifiers") if progress else None
    reverse = reverse_metrics(task, translations, small, tests, training, compute, tell)
    for row, more in zip(rows, reverse, strict=True):
        target = row["output"]
        row["metrics"] |= {"lpips/translated": translated[target], "lpips/real": originals[target], **more}
    return rows, statistics


def translation_matrix(
    method: Method, dataset: Dataset, cache: Cache, test_ids: Sequence[str], compute: Compute, sample: int = 0
) -> dict[str, np.ndarray]:
    """One test image of each domain and all its translations, as figure 4.5 shows them.

    Returns:
        ``matrix``: uint8 ``(N, N, H, W, 3)``, row: the input's domain, column: the output's; the diagonal holds the
        inputs, and a translation that the method has not is white. ``domains``: their names in that order.
    """
    task, names = dataset.task, [modality.name for modality in dataset.task.modalities]
    known = {(t.inputs[0], t.output): t for t in method.translations()}
    rows = []
    for source in task.modalities:
        here = cache.index(dataset.holding(test_ids, source.name)[sample : sample + 1])
        given = source.picture(cache.read(source.name, here)[0])
        made = [np.full_like(given, 255) for _ in names]
        for column, target in enumerate(task.modalities):
            if target.name == source.name:
                made[column] = given
            elif translation := known.get((source.name, target.name)):
                image = predict(method, task, translation, cache, here, compute)
                made[column] = target.picture(target.to_array(image)[0])
        rows.append(np.stack(made))
    return {"matrix": np.stack(rows), "domains": np.array(names)}


def _real_features(
    dataset: Dataset,
    cache: Cache,
    index: Mapping[str, np.ndarray],
    compute: Compute,
    judge: Judge | None,
    batch_size: int,
) -> dict[str, np.ndarray]:
    if judge is None:
        return {}
    found = {}
    for name, rows in index.items():
        modality = dataset.task.modality(name)
        images = (modality.to_tensor(cache.read(name, here)).to(compute.device) for here in batches(rows, batch_size))
        found[name] = np.concatenate([_look(judge, image, compute)[1] for image in images])
    return found


def _counts(translations: Sequence[Translation], index: Mapping[str, np.ndarray]) -> dict[str, int]:
    """How many images are translated to each domain."""
    counts: dict[str, int] = {}
    for translation in translations:
        counts[translation.output] = counts.get(translation.output, 0) + len(index[translation.inputs[0]])
    return counts


def _real_distances(
    dataset: Dataset, cache: Cache, index: Mapping[str, np.ndarray], compute: Compute
) -> dict[str, float]:
    gallery = Gallery({name: len(rows) for name, rows in index.items()})
    for name, rows in index.items():
        for here in batches(rows, 256):
            gallery.add(name, dataset.task.modality(name).to_tensor(cache.read(name, here)))
    return gallery.distances(compute.device)


def _distance(real: np.ndarray, translated: np.ndarray) -> float:
    enough = min(len(real), len(translated)) >= FEWEST
    return kernel_distance(real, translated) if enough else float("nan")


def _thumbnails(dataset: Dataset, cache: Cache, index: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    found = {}
    for name, rows in index.items():
        modality = dataset.task.modality(name)
        parts = [thumbnails(modality.to_tensor(cache.read(name, here))) for here in batches(rows, 256)]
        found[name] = torch.cat(parts) if parts else torch.empty(0, 3, 1, 1, dtype=torch.uint8)
    return found


@torch.inference_mode()
def _look(judge: Judge, images: Tensor, compute: Compute) -> tuple[np.ndarray, np.ndarray]:
    with compute.autocast():
        guess, features = judge.classify(images).argmax(1), judge.features(images)
    return guess.cpu().numpy(), features.float().cpu().numpy()
