"""Noise and its way back, against hand-computed values and distributions whose best predictor is known."""

from __future__ import annotations

import math

import pytest
import torch
from mmbench.methods.networks.average import Average, as_buffers
from mmbench.methods.networks.diffusion import Diffusion, drawn, own_noise
from torch import Tensor, nn


def cosine(steps: int) -> list[float]:
    """``a_t`` of Nichol and Dhariwal, eq. 17, with each beta at most 0.999."""

    def curve(share: float) -> float:
        return math.cos((share + 0.008) / 1.008 * math.pi / 2) ** 2

    kept, made = 1.0, []
    for step in range(steps):
        kept *= 1 - min(1 - curve((step + 1) / steps) / curve(step / steps), 0.999)
        made.append(kept)
    return made


@pytest.mark.parametrize("steps", [1, 10, 1000])
def test_the_schedule_is_the_cosine_one_and_ends_in_noise(steps: int) -> None:
    kept = Diffusion(steps, 1).kept
    torch.testing.assert_close(kept, torch.tensor(cosine(steps)), rtol=1e-4, atol=1e-6)
    assert kept[-1] < 0.01


def test_noisy_images_are_the_formula() -> None:
    diffusion, kept = Diffusion(10, 5), cosine(10)
    images, noise, steps = torch.rand(3, 2, 4, 4), torch.randn(3, 2, 4, 4), torch.tensor([0, 4, 9])
    made = diffusion.noisy(images, steps, noise)
    for one, step in enumerate(steps.tolist()):
        expected = math.sqrt(kept[step]) * images[one] + math.sqrt(1 - kept[step]) * noise[one]
        torch.testing.assert_close(made[one], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sampling_steps", [1, 4, 20])
def test_sampling_ends_in_the_only_image_that_there_is(sampling_steps: int) -> None:
    """Where all images are one, the noise in ``x_t`` is known, and DDIM must come back exactly."""
    diffusion, kept = Diffusion(20, sampling_steps), torch.tensor(cosine(20))
    only, asked = torch.rand(1, 3, 2, 2) * 2 - 1, []

    def predict(x: Tensor, steps: Tensor) -> Tensor:
        asked.append(int(steps[0]))
        a = kept[steps][:, None, None, None]
        return (x - a.sqrt() * only) / (1 - a).sqrt()

    made = diffusion.sample(torch.randn(2, 3, 2, 2), predict, 1.0)
    torch.testing.assert_close(made, only.expand(2, -1, -1, -1), rtol=0, atol=1e-4)
    assert asked == list(range(20 - 20 // sampling_steps, -1, -20 // sampling_steps))


@pytest.mark.parametrize("limit", [1.0, 4.0])
def test_what_is_predicted_on_the_way_is_clipped(limit: float) -> None:
    made = Diffusion(10, 5).sample(torch.randn(2, 1, 4, 4), lambda x, steps: x - 100, limit)
    assert made.abs().max() == limit


@pytest.mark.parametrize("times", [0, 1, 3])
def test_refinement_on_a_linear_predictor_by_hand(times: int) -> None:
    """With ``predicted = x / 2 + 1``: x + sigma (noise - x / 2 - 1), and the noise is fresh each time."""
    diffusion, kept = Diffusion(10, 5), cosine(10)
    x, steps = torch.randn(2, 1, 3, 3), torch.tensor([1, 7])
    torch.manual_seed(5)
    made = diffusion.refined(x, steps, lambda x, steps: x / 2 + 1, times)
    torch.manual_seed(5)
    sigma = torch.tensor([math.sqrt(1 - kept[1]), math.sqrt(1 - kept[7])])[:, None, None, None]
    for _ in range(times):
        x = x + sigma * (torch.randn(2, 1, 3, 3) - x / 2 - 1)
    torch.testing.assert_close(made, x, rtol=1e-4, atol=1e-5)


def test_refinement_moves_images_to_where_the_predictor_finds_them_likely() -> None:
    """From images around -1 towards the predictor's, which are all 1: the mean becomes ``sqrt(a_t)``."""
    torch.manual_seed(0)
    diffusion = Diffusion(10, 5)
    steps = torch.full((64,), 4)
    a = diffusion.kept[4]
    start = diffusion.noisy(torch.full((64, 1, 8, 8), -1.0), steps, torch.randn(64, 1, 8, 8))
    made = diffusion.refined(start, steps, lambda x, steps: (x - a.sqrt()) / (1 - a).sqrt(), 1)
    assert start.mean() < -0.5
    torch.testing.assert_close(made.mean(), a.sqrt(), rtol=0, atol=0.05)
    torch.testing.assert_close(made.std(), (1 - a).sqrt(), rtol=0, atol=0.05)


def test_noise_is_an_images_own_and_goes_on() -> None:
    images = torch.rand(3, 2, 4, 4)

    def first(images: Tensor, sample: int) -> Tensor:
        return drawn(own_noise(images, sample), (1, 64, 64), images.device)

    whole = first(images, 0)
    assert all(torch.equal(whole[one : one + 1], first(images[one : one + 1], 0)) for one in range(3))
    assert not torch.equal(whole[0], whole[1])
    assert not torch.equal(whole, first(images, 1))
    assert abs(whole.mean()) < 0.05
    assert abs(whole.std() - 1) < 0.05
    source = own_noise(images, 0)
    assert not torch.equal(drawn(source, (1, 4, 4), images.device), drawn(source, (1, 4, 4), images.device))


def test_an_average_by_hand_is_saved_and_never_trained() -> None:
    """At first by (1 + n) / (10 + n): 0.1, 2/11; then by the decay."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    average = Average(network, 0.15)
    expected = 1.0
    for decay, value in ((0.1, 2.0), (0.15, 3.0), (0.15, -1.0)):
        nn.init.constant_(network.weight, value)
        average.update(network)
        expected = decay * expected + (1 - decay) * value
    assert float(average.state_dict()["network.weight"]) == pytest.approx(expected)
    assert not list(average.parameters())
    assert set(average.state_dict()) == {"network.weight", "updates"}


def test_a_copy_in_buffers_computes_the_same_and_is_another() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2))
    copied, x = as_buffers(network), torch.randn(1, 1, 5, 5)
    torch.testing.assert_close(copied(x), network(x), rtol=0, atol=0)
    nn.init.zeros_(network[0].weight)  # type: ignore[arg-type]
    assert not torch.equal(copied(x), network(x))
