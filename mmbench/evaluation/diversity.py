"""Sample diversity: LPIPS between translations of one image under several random codes.

Thesis 6.4.2 speaks of such samples, but tables 6.3 and 6.4 print what ``image_pairs.py`` measures. LPIPS: Zhang et al.,
CVPR 2018. AlexNet's ImageNet weights come from torchvision, LPIPS' own from torchmetrics.
"""

from __future__ import annotations

import functools
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Protocol
from urllib.parse import urlparse

import torch
import torch.nn.functional as F
from torch import Tensor

from mmbench.internet import PATIENCE, answers

log = logging.getLogger(__name__)

IMAGES = 4  # per translation
# Ten pairs of an image. The thesis draws ten samples; the mean over pairs estimates the same number.
SAMPLES = 5
SIDE = 64  # pixels: what AlexNet needs; smaller images are enlarged
SMALLEST = 32  # pixels: enlarged further they would show AlexNet nothing but their blur
GREY_LEVEL = 1 / 127.5

Distance = Callable[[Tensor, Tensor], Tensor]
"""Images ``(B, 3, H, W)`` in [-1, 1], twice, to their mean distance."""


class Draw(Protocol):
    """A method that translates some images."""

    def __call__(self, *, sample: int) -> Tensor:
        """Translations ``(B, 3, H, W)`` in [-1, 1] under the sample of this number."""


@torch.inference_mode()
def diversity(draw: Draw) -> float:
    """Mean LPIPS over pairs of translations of the same images.

    Returns:
        0 where two samples differ by less than a grey level, which needs no network: such a method has no random code,
        or does not listen to it. nan where they differ and AlexNet's weights cannot be had, or the images are smaller
        than 32 pixels.
    """
    samples = [draw(sample=0), draw(sample=1)]
    if float((samples[0].float() - samples[1].float()).abs().max()) < GREY_LEVEL:
        return 0.0
    large = samples[0].shape[-1] >= SMALLEST
    distance = perceptual_distance(samples[0].device) if large else None
    if distance is None:
        return float("nan")
    samples = [fitted(made) for made in (*samples, *(draw(sample=number) for number in range(2, SAMPLES)))]
    return float(torch.stack([distance(one, two) for one, two in combinations(samples, 2)]).mean())


@functools.cache
def perceptual_distance(device: torch.device) -> Distance | None:
    """LPIPS with AlexNet; None, after one warning, where its weights are neither cached nor within reach."""
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
    from torchvision.models import AlexNet_Weights

    url = AlexNet_Weights.DEFAULT.url
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    if not cached.is_file() and not answers(str(urlparse(url).hostname)):
        log.warning("no LPIPS: AlexNet's weights are not in %s and their host cannot be reached", cached.parent)
        return None
    try:
        with _impatient():
            metric = LearnedPerceptualImagePatchSimilarity(net_type="alex").to(device)
    except Exception as error:  # network, file and unpickling errors share no base class
        log.warning("no LPIPS: AlexNet's weights cannot be had (%s)", " ".join(str(error).split())[:200])
        return None

    def distance(one: Tensor, two: Tensor) -> Tensor:
        metric.reset()
        metric.update(one, two)
        return torch.as_tensor(metric.compute())

    return distance


def fitted(images: Tensor) -> Tensor:
    """Images in [-1, 1] as AlexNet takes them: enlarged to 64 x 64 where they are smaller, and cut to [-1, 1]."""
    images = images.float()
    if images.shape[-1] < SIDE:
        images = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return images.clamp(-1, 1)


@contextmanager
def _impatient() -> Iterator[None]:
    """Sockets without a limit of their own, such as torch.hub's, wait no longer than ``PATIENCE`` for an answer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
