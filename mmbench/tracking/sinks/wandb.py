"""A run of Weights & Biases for each cell, in its folder ``wandb/``: offline, unless ``WANDB_MODE`` says otherwise.

``wandb sync`` sends an offline run later.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmbench.store.files import write_bytes
from mmbench.tracking.sink import Run, Step

NAME = "wandb"
TITLE = "Runs of Weights & Biases, offline unless WANDB_MODE says otherwise"
CLASS = "WeightsAndBiases"
REQUIRES = {"wandb": "mmbench[wandb]"}

PROJECT = "mmbench"
ID = "run-id"  # file in the sink's folder: a process that goes on continues the same run


class WeightsAndBiases:
    """See :class:`mmbench.tracking.sink.Sink`. Heeds ``WANDB_PROJECT``, ``WANDB_ENTITY`` and the like."""

    def __init__(self, run: Run) -> None:
        import wandb

        self.wandb: Any = wandb
        path = run.folder / ID
        if not path.exists():
            write_bytes(path, secrets.token_hex(4).encode())
        dataset, profile, method, _ = run.name.split("/")
        # Its stubs take literals alone; without the package there are no stubs.
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        self.run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.name,
            group=f"{dataset}/{profile}/{method}",
            id=path.read_text(),
            resume="allow",
            dir=str(run.folder.parent),  # where it makes a folder wandb/
            config=dict(run.about),
            mode=mode,
            # What a cell prints is its progress, read by the run that started it.
            settings=wandb.Settings(console="off", silent=True, disable_git=True, disable_code=True),
        )

    def log(self, step: Step, numbers: Mapping[str, float], pictures: Mapping[str, np.ndarray]) -> None:
        """Log scalars and images under their names."""
        images = {name: self.wandb.Image(picture) for name, picture in pictures.items()}
        self.run.log({**numbers, **images}, step=step.number)

    def close(self) -> None:
        """Finish the run's part of this process."""
        self.run.finish()
