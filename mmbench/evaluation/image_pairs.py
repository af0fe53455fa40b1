"""LPIPS of a domain (thesis 6.4.2, tables 6.3 and 6.4): between pairs of different images of one domain.

Real images have it as well as translations, and a method without a random code has it too, since its images have
different inputs. ``diversity.py`` compares translations of one image instead.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mmbench.evaluation.diversity import SMALLEST, fitted, perceptual_distance

# The thesis does not say how many. Where distances scatter by 0.1 from pair to pair, the mean of so many has a standard
# error of 0.007, and the mean over four domains one of 0.004.
PAIRS = 200
SEED = 2018
BATCH = 25


def drawn_pairs(count: int) -> np.ndarray:
    """Which of ``count`` images are compared: ``(P, 2)``, the first number below the second.

    All pairs where there are at most 200, else 200 of them without repetition, a function of ``count`` alone.
    """
    total = count * (count - 1) // 2
    every = total <= PAIRS
    numbers = np.arange(total) if every else np.random.default_rng(SEED).choice(total, PAIRS, replace=False)
    # Pairs are numbered (0, 1), (0, 2), (1, 2), (0, 3) and so on.
    second = ((1 + np.sqrt(1 + 8 * numbers)) // 2).astype(np.int64)
    return np.stack([numbers - second * (second - 1) // 2, second], axis=1)


class Gallery:
    """The images of some domains that are in a pair, as uint8 on the CPU; the others are not kept."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """``counts``: how many images of each domain will be added."""
        self._pairs = {name: drawn_pairs(count) for name, count in counts.items()}
        self._wanted = {name: set(pairs.ravel().tolist()) for name, pairs in self._pairs.items()}
        self._added = dict.fromkeys(counts, 0)
        self._kept: dict[str, dict[int, Tensor]] = {name: {} for name in counts}

    def add(self, domain: str, images: Tensor) -> None:
        """The next images of a domain, ``(B, 3, H, W)`` in [-1, 1]."""
        first = self._added[domain]
        self._added[domain] += len(images)
        for place in range(len(images)):
            if first + place in self._wanted[domain]:
                image = (images[place].float().clamp(-1, 1) + 1) * 127.5
                self._kept[domain][first + place] = image.round().to(torch.uint8).cpu()

    @torch.inference_mode()
    def distances(self, device: torch.device) -> dict[str, float]:
        """Domain -> mean LPIPS of its pairs.

        nan with fewer than two images, with images below 32 pixels, and where AlexNet's weights cannot be had.
        """
        shown = [image for kept in self._kept.values() for image in kept.values()]
        large = bool(shown) and shown[0].shape[-1] >= SMALLEST
        distance = perceptual_distance(device) if large else None
        found = dict.fromkeys(self._pairs, float("nan"))
        if distance is None:
            return found
        for name, pairs in self._pairs.items():
            total = 0.0
            for start in range(0, len(pairs), BATCH):
                here = pairs[start : start + BATCH]
                one, two = (self._images(name, numbers, device) for numbers in here.T)
                total += float(distance(one, two)) * len(here)
            if len(pairs):
                found[name] = total / len(pairs)
        return found

    def _images(self, name: str, numbers: np.ndarray, device: torch.device) -> Tensor:
        images = torch.stack([self._kept[name][number] for number in numbers.tolist()])
        return fitted(images.to(device).float() / 127.5 - 1)
