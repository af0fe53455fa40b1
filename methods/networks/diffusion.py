"""Noise of images and the way back: the schedule, DDIM sampling, Tweedie refinement, noise that is an image's own.

The schedule is the cosine one of Nichol and Dhariwal (ICML 2021), which still ends in noise where it has few steps; it
and DDIM (Song et al., ICLR 2021; no noise is added on the way, eta = 0) are those of ``diffusers``. ``x_t = sqrt(a_t)
x_0 + sigma_t noise``, with ``sigma_t = sqrt(1 - a_t)``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import torch
from diffusers import DDIMScheduler
from torch import Tensor

Predict = Callable[[Tensor, Tensor], Tensor]
"""Noisy images ``(B, C, H, W)`` and their steps ``(B,)`` to the noise in them."""


class Diffusion:
    """A noise schedule and the steps that sampling takes of it.

    Args:
        steps: of the schedule, the last one nearly pure noise.
        sampling_steps: evenly spaced ones, of which sampling begins at the last; a divisor of ``steps``.

    Raises:
        ValueError: ``sampling_steps`` does not divide ``steps``.
    """

    def __init__(self, steps: int, sampling_steps: int) -> None:
        if steps % sampling_steps:
            raise ValueError(f"{sampling_steps} sampling steps do not divide {steps} diffusion steps")
        self.steps, self.sampling_steps = steps, sampling_steps
        self.schedule = DDIMScheduler(num_train_timesteps=steps, beta_schedule="squaredcos_cap_v2")

    @property
    def kept(self) -> Tensor:
        """``a_t``, ``(steps,)``."""
        made: Tensor = self.schedule.alphas_cumprod
        return made

    def draw(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """A random step for each image, int64 ``(B,)``, and noise of the images' shape."""
        return torch.randint(self.steps, (len(images),), device=images.device), torch.randn_like(images)

    def noisy(self, images: Tensor, steps: Tensor, noise: Tensor) -> Tensor:
        """``x_t`` of ``x_0`` ``(B, C, H, W)``."""
        made: Tensor = self.schedule.add_noise(images, noise, steps)
        return made

    def refined(self, noisy: Tensor, steps: Tensor, predict: Predict, times: int) -> Tensor:
        """``x_t`` moved to where ``predict`` would find it likely: ``x + sigma_t (noise - predicted)``, fresh noise.

        Tweedie's formula takes the predicted noise out, and as much is put in again (Kieu et al.).
        """
        sigma = (1 - self.kept.to(noisy.device)[steps]).sqrt()[:, None, None, None]
        for _ in range(times):
            noisy = noisy + sigma * (torch.randn_like(noisy) - predict(noisy, steps).float())
        return noisy

    def sample(self, noise: Tensor, predict: Predict, limit: float) -> Tensor:
        """Images ``(B, C, H, W)`` from noise of their shape.

        Args:
            limit: what is predicted of ``x_0`` on the way is clipped to ``[-limit, limit]``.
        """
        schedule = DDIMScheduler.from_config(self.schedule.config, clip_sample_range=limit)
        schedule.set_timesteps(self.sampling_steps)
        x = noise
        for step in schedule.timesteps:
            predicted = predict(x, step.to(x.device).expand(len(x))).float()
            x = schedule.step(predicted, step, x).prev_sample
        return x


def own_noise(images: Tensor, sample: int) -> list[torch.Generator]:
    """A source of noise for each image ``(B, ...)``: a function of its pixels and of ``sample``, not of its batch."""
    made = []
    for image in images.cpu():
        words = hashlib.sha256(f"{sample} ".encode() + image.contiguous().numpy().tobytes()).digest()
        made.append(torch.Generator().manual_seed(int.from_bytes(words[:8], "big") >> 1))
    return made


def drawn(sources: Sequence[torch.Generator], shape: Sequence[int], device: torch.device) -> Tensor:
    """Noise ``(B, *shape)``, each image's from its own source; drawn on the CPU, so the same on every device."""
    return torch.stack([torch.randn(*shape, generator=source) for source in sources]).to(device)
