"""Reverse classification accuracy (thesis 6.4.2): a classifier trained on translated images, tested on real ones.

A judge of real images is content with one convincing image per domain. A classifier that only knows translations tells
real images apart only if the translations are as varied as those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmbench.task import Task, Translation
from mmbench.training.device import Compute

FEWEST = 4  # test images of a domain: below, one image is more than 25 points of that domain's accuracy
SIDE = 64  # what the classifier looks at, at most: its cost depends on no profile
STEPS, BATCH = 200, 32
WIDTH, STRIDED = 16, 4
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 1e-2
SEED = 2018

NAN = float("nan")


def thumbnails(images: Tensor) -> Tensor:
    """Images ``(B, 3, H, W)`` in [-1, 1] as uint8 on the CPU, shrunk to 64 x 64 where they are larger."""
    images = images.float()
    if images.shape[-1] > SIDE:
        images = F.interpolate(images, size=(SIDE, SIDE), mode="area")
    return ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()


def reverse_metrics(
    task: Task,
    translations: Sequence[Translation],
    made: Sequence[Tensor],
    real: Mapping[str, Tensor],
    training: Mapping[str, Tensor],
    compute: Compute,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, float]]:
    """What each row says of the classifiers that learned from its kind of pairs.

    A classifier learns from all translations between seen pairs, another from all between unseen ones; pairs are seen
    or not as the task has it, whatever a method trains on. Rows that are made in another way (through another domain)
    are a kind of their own. A third classifier learns from all pairs (:func:`one_per_pair`), as in tables 6.3 and 6.4.

    Args:
        made: thumbnails of each translation, in the order of its input's test images.
        real, training: domain -> thumbnails of its test images, of its training images.
        progress: called with how many classifiers have been trained, and how many there are.

    Returns:
        For each translation ``reverse_accuracy/seen`` or ``reverse_accuracy/unseen``, and ``reverse_accuracy/all``,
        percent of the target's real test images that are told; ``reverse_ceiling``, the same of a classifier trained on
        real training images of all domains; and ``real_images``, the number of the target's test images.
    """
    kinds: dict[tuple[str, str, str], dict[str, list[Tensor]]] = {}
    for translation, images in zip(translations, made, strict=True):
        kinds.setdefault(_kind(task, translation), {}).setdefault(translation.output, []).append(images)
    every: dict[str, list[Tensor]] = {}
    for number in one_per_pair(translations):
        every.setdefault(translations[number].output, []).append(made[number])
    total = 2 * (len(kinds) + bool(every)) + 1  # a kind of pairs has two, a half of the test images each
    told: dict[tuple[str, str, str], dict[str, float]] = {}
    for kind, translated in kinds.items():
        told[kind] = reverse_accuracy(translated, real, compute)
        if progress:
            progress(2 * len(told), total)
    told_all = reverse_accuracy(every, real, compute) if every else {}
    if progress:
        progress(total - 1, total)
    ceiling = _ceiling(training, real, compute)
    if progress:
        progress(total, total)
    rows = []
    for translation in translations:
        kind, target = _kind(task, translation), translation.output
        rows.append(
            {
                f"reverse_accuracy/{kind[0]}": told[kind][target],
                "reverse_accuracy/all": told_all[target],
                "reverse_ceiling": ceiling[target],
                "real_images": float(len(real[target])),
            }
        )
    return rows


def one_per_pair(translations: Sequence[Translation]) -> list[int]:
    """Numbers of the translations that stand for their pair of domains: of one made in several ways the first."""
    first: dict[tuple[tuple[str, ...], str], int] = {}
    for number, translation in enumerate(translations):
        first.setdefault((translation.inputs, translation.output), number)
    return list(first.values())


def reverse_accuracy(
    translated: Mapping[str, Sequence[Tensor]], real: Mapping[str, Tensor], compute: Compute
) -> dict[str, float]:
    """Percent of each domain's real test images that a classifier of translations tells.

    No classifier is tested on an image whose translation it saw: every domain's test images are dealt into two halves
    by turns. One classifier learns from translations of the first halves and is tested on the second ones, another the
    other way round. Both train with the same seed and number of steps, on as many images of each domain.

    Args:
        translated: target domain -> thumbnails, one tensor per domain of input, in the order of its test images.
        real: domain -> thumbnails of its test images.

    Returns:
        Target domain -> percent; nan for all where there is one target only, or fewer than 4 test images of one.
    """
    names = list(translated)
    count = min(min(len(real[name]), max(map(len, translated[name]))) for name in names)
    if len(names) < 2 or count < FEWEST:
        return dict.fromkeys(names, NAN)
    right = dict.fromkeys(names, 0)
    for turn in (0, 1):
        classifier = _trained([torch.cat([images[turn::2] for images in translated[name]]) for name in names], compute)
        for number, name in enumerate(names):
            right[name] += _right(classifier, real[name][1 - turn :: 2], number, compute)
    return {name: 100.0 * right[name] / len(real[name]) for name in names}


def _ceiling(training: Mapping[str, Tensor], real: Mapping[str, Tensor], compute: Compute) -> dict[str, float]:
    if min(map(len, real.values())) < FEWEST or min(map(len, training.values())) == 0:
        return dict.fromkeys(real, NAN)
    classifier = _trained(list(training.values()), compute)
    return {
        name: 100.0 * _right(classifier, real[name], number, compute) / len(real[name])
        for number, name in enumerate(training)
    }


def _kind(task: Task, translation: Translation) -> tuple[str, str, str]:
    seen = task.is_seen(translation.inputs[0], translation.output)
    return "seen" if seen else "unseen", translation.via or "", translation.bn


def _trained(shown: Sequence[Tensor], compute: Compute) -> nn.Module:
    """A classifier of some images by domain; on a CPU a function of nothing but them."""
    draw = torch.Generator().manual_seed(SEED)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        classifier = _network(len(shown))
    classifier.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)
    everything, counts = torch.cat(list(shown)), torch.tensor([len(images) for images in shown])
    first = counts.cumsum(0) - counts
    for _ in range(STEPS):
        labels = torch.randint(len(shown), (BATCH,), generator=draw)
        places = first[labels] + (torch.rand(BATCH, generator=draw, dtype=torch.float64) * counts[labels]).long()
        flips = torch.rand(BATCH, generator=draw) < 0.5
        images = everything[places]
        images = torch.where(flips[:, None, None, None], images.flip(3), images)
        with compute.autocast():
            logits = classifier(_tensor(images, compute))
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(logits.float(), labels.to(compute.device)).backward()
        optimizer.step()
        schedule.step()
    return classifier.eval()


@torch.inference_mode()
def _right(classifier: nn.Module, images: Tensor, label: int, compute: Compute) -> int:
    """Of how many images the classifier says that they are of this domain."""
    with compute.autocast():
        parts = [classifier(_tensor(part, compute)) for part in images.split(256)]
    return int((torch.cat(parts).argmax(1) == label).sum())


def _tensor(images: Tensor, compute: Compute) -> Tensor:
    return (images.to(compute.device).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def _network(classes: int) -> nn.Module:
    """Four strided convolutions, 16 to 128 channels, the mean over the image, one linear layer."""
    layers: list[nn.Module] = []
    into, width = 3, WIDTH
    for _ in range(STRIDED):
        layers += [nn.Conv2d(into, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        into, width = width, 2 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(into, classes))
