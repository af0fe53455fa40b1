"""The global generators of chance, and whether somebody has drawn from them."""

from __future__ import annotations

import random

import numpy as np
import torch

PYTHON, NUMPY, TORCH = "Python's random", "numpy's global generator", "torch's global generator"


def states() -> dict[str, object]:
    """What each of them draws next, in a form that can be compared."""
    kind, words, *rest = np.random.get_state(legacy=True)
    return {
        PYTHON: random.getstate(),
        NUMPY: (kind, np.asarray(words).tobytes(), *rest),
        TORCH: torch.get_rng_state().numpy().tobytes(),
    }


def drawn_from(before: dict[str, object]) -> list[str]:
    """The names of the generators that are not as they were."""
    return [name for name, state in states().items() if state != before[name]]
