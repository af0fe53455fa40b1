"""Reverse classification accuracy of translations whose worth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mmbench.evaluation.reverse import reverse_accuracy, thumbnails
from mmbench.training.device import Compute

CPU = Compute(torch.device("cpu"), "fp32")
SIZE = 16
RED, GREEN, BLUE, ORANGE = (255, 40, 40), (40, 255, 40), (40, 40, 255), (255, 160, 40)


def images(*colours: tuple[int, int, int], count: int = 8) -> Tensor:
    """Noise around some colours in turn, uint8 ``(count, 3, 16, 16)``."""
    draw = torch.Generator().manual_seed(sum(map(sum, colours)))
    base = torch.tensor([colours[number % len(colours)] for number in range(count)])[:, :, None, None]
    return (base + torch.randint(-30, 31, (count, 3, SIZE, SIZE), generator=draw)).clamp(0, 255).to(torch.uint8)


def test_right_wrong_and_chance() -> None:
    real = {"a": images(RED), "b": images(GREEN)}
    assert reverse_accuracy({"a": [images(RED, count=6)], "b": [real["b"]]}, real, CPU) == {"a": 100.0, "b": 100.0}
    assert reverse_accuracy({"a": [real["b"]], "b": [real["a"]]}, real, CPU) == {"a": 0.0, "b": 0.0}


def test_a_collapse_costs_accuracy() -> None:
    """A judge of real images sees the right domain in every translation; but half of domain b is never made."""
    real = {"a": images(RED), "b": images(GREEN, GREEN, ORANGE, ORANGE)}
    varied = reverse_accuracy({"a": [real["a"]], "b": [real["b"]]}, real, CPU)
    collapsed = reverse_accuracy({"a": [real["a"]], "b": [images(GREEN)]}, real, CPU)
    assert varied == {"a": 100.0, "b": 100.0}
    assert collapsed == {"a": 100.0, "b": 50.0}


def test_no_image_is_tested_whose_translation_was_seen() -> None:
    """Noise without a domain: a classifier could only have learnt the images by heart."""
    draw = torch.Generator().manual_seed(0)
    real = {name: torch.randint(0, 256, (24, 3, SIZE, SIZE), generator=draw, dtype=torch.uint8) for name in "ab"}
    accuracy = reverse_accuracy({name: [stack] for name, stack in real.items()}, real, CPU)
    assert 25 <= np.mean(list(accuracy.values())) <= 75


def test_every_domain_of_input_counts() -> None:
    """Into b from two domains: one gives its green images, the other its blue ones."""
    real = {"a": images(RED), "b": images(GREEN, GREEN, BLUE, BLUE)}
    made = {"a": [real["a"]], "b": [images(GREEN), images(BLUE, count=5)]}
    assert reverse_accuracy(made, real, CPU) == {"a": 100.0, "b": 100.0}


@pytest.mark.parametrize("counts", [(3, 8), (8, 3)])
def test_few_images_or_one_domain_are_undefined(counts: tuple[int, int]) -> None:
    real = {"a": images(RED, count=counts[0]), "b": images(GREEN)}
    made = {"a": [images(RED, count=counts[1])], "b": [real["b"]]}
    assert np.isnan(list(reverse_accuracy(made, real, CPU).values())).all()
    assert np.isnan(reverse_accuracy({"b": [real["b"]]}, real, CPU)["b"])


def test_thumbnails_are_means_of_what_they_cover() -> None:
    image = torch.full((1, 3, 128, 128), -1.0)
    image[:, :, 0, :2] = 1.0
    made = thumbnails(image)
    assert made.shape == (1, 3, 64, 64) and made.dtype == torch.uint8
    assert made[0, 0, 0, 0] in (127, 128) and made[0, 0].sum() == made[0, 0, 0, 0]
    assert torch.equal(
        thumbnails(torch.tensor([-1.0, 0.0, 2.0]).reshape(1, 3, 1, 1)).ravel(), torch.tensor([0, 128, 255])
    )
