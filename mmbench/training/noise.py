"""Batches of noise in the right shapes, to time a training step without a data set."""

from __future__ import annotations

import numpy as np
import torch

from mmbench.method import Batch
from mmbench.modality import Modality
from mmbench.task import LABEL, Access, Split, Task, views


def noise_batch(task: Task, access: Access, batch: int, size: int, labels: int, where: torch.device) -> Batch:
    """A batch as the harness' loader makes it for a method with ``access``, of noise."""
    rng = np.random.default_rng(0)
    split = Split({group.name: (group.name,) for group in task.groups}, ("validation",), ("test",))
    made: Batch = {}
    for view in views(task, split, access):
        made[view.name] = {
            name: torch.from_numpy(rng.integers(0, labels, batch)).to(where)
            if name == LABEL
            else task.modality(name).to_tensor(noise(task.modality(name), batch, size, rng)).to(where)
            for name in view.modalities
        }
    return made


def noise(modality: Modality, batch: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Arrays as a data set gives them: real classes only, everything valid."""
    raw = rng.uniform(-1.0, 1.0, (batch, modality.channels, size, size)).astype(np.float32)
    return modality.to_array(modality.from_network(torch.from_numpy(raw)))
