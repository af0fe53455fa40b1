"""Event files of TensorBoard, in the cell's folder ``tensorboard/``: ``tensorboard --logdir runs`` shows all cells."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from mmbench.tracking.sink import Run, Step

NAME = "tensorboard"
TITLE = "Event files of TensorBoard"
CLASS = "TensorBoard"
REQUIRES = {"tensorboard": "mmbench[tensorboard]"}


class TensorBoard:
    """See :class:`mmbench.tracking.sink.Sink`. A process that goes on begins a new file behind those that are there."""

    def __init__(self, run: Run) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # Event files are read in the order of their names, which begin with the second that they were made in.
        suffix = f".{time.time_ns() % 10**9:09d}"
        self.writer = SummaryWriter(str(run.folder), filename_suffix=suffix)

    def log(self, step: Step, numbers: Mapping[str, float], pictures: Mapping[str, np.ndarray]) -> None:
        """Write scalars and images under their names, and flush: what a kill takes away is not made again."""
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, step.number)
        for name, picture in pictures.items():
            self.writer.add_image(name, picture, step.number, dataformats="HWC")
        self.writer.flush()

    def close(self) -> None:
        """Close the file."""
        self.writer.close()
