"""Training batches as functions of (seed, stage, step), read through the guard's views and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.method import Batch
from mmbench.modality.augmentation import Augmentation
from mmbench.plugins.catalog import Card
from mmbench.task import LABEL, Access, Split, Task, View, views
from mmbench.training.augment import cropped, draw_colours, draw_crops, recoloured
from mmbench.training.cache import Cache
from mmbench.training.shuffle import Shuffle

UNCHANGED = Augmentation()


def allowed_views(dataset: Dataset, card: Card) -> tuple[View, ...]:
    """The views of a method. Raises UserError where its card asks for what only a judge may see."""
    access = Access(card["ACCESS"])
    if access is Access.LABELLED and card.get("ROLE") != "judge":
        raise UserError(f"{card.path}: only a judge (ROLE = 'judge') may have ACCESS = 'labelled'")
    return held_views(dataset, dataset.split(), access)


def held_views(dataset: Dataset, split: Split, access: Access) -> tuple[View, ...]:
    """The guard's views; unpaired ones and those of oracles list the samples that hold their modalities and no others.

    Where a sample is one image of one domain, a group lists the images of two.
    """
    made = views(dataset.task, split, access)
    if access not in (Access.UNPAIRED, Access.TRUE_PAIRS):
        return made
    return tuple(replace(view, ids=_holding(dataset, view)) for view in made)


def _holding(dataset: Dataset, view: View) -> tuple[str, ...]:
    ids = view.ids
    for modality in view.modalities:
        ids = dataset.holding(ids, modality)
    return ids


class Loader:
    """Batches for one method.

    Args:
        task: for the modalities' representations.
        views: what the guard allows; no other modality's file is ever opened.
        cache: decoded images.
        batch_size: images per view and step.
        seed: of the cell.
        flips: horizontal flips, the same for all modalities of an image.
        device: where the tensors go.
        augmentation: crops, the same for all modalities of an image, and colours.
    """

    def __init__(
        self,
        task: Task,
        views: Sequence[View],
        cache: Cache,
        *,
        batch_size: int,
        seed: int,
        flips: bool,
        device: torch.device,
        augmentation: Augmentation = UNCHANGED,
    ) -> None:
        self.task = task
        self.views = tuple(views)
        self.cache = cache
        self.batch_size = batch_size
        self.seed = seed
        self.flips = flips
        self.device = device
        self.augmentation = augmentation
        self.pins = device.type == "cuda"
        self._rows = [cache.index(view.ids) for view in self.views]
        self._order: dict[tuple[int, int, int], Shuffle] = {}

    def batch(self, stage: int, step: int) -> Batch:
        """The batch of one step: view name -> modality -> tensor; every image once before any comes twice."""
        return self._ready(self._read(stage, step))

    def stream(self, stage: int, start: int, stop: int) -> Iterator[Batch]:
        """Batches of steps ``start`` to ``stop`` - 1, two of them read ahead in a thread.

        A GPU is sent what is stored, from memory that it reads while it computes, and makes tensors of it.
        """
        ahead = self._pinned if self.pins else self.batch
        with ThreadPoolExecutor(1) as pool:
            pending: list[Future[Batch]] = []
            for step in range(start, stop):
                while len(pending) < 2 and step + len(pending) < stop:
                    pending.append(pool.submit(ahead, stage, step + len(pending)))
                made = pending.pop(0).result()
                yield self._ready(made) if self.pins else made

    def _read(self, stage: int, step: int) -> Batch:
        """The stored values of a batch."""
        made: Batch = {}
        for number, view in enumerate(self.views):
            rows = self._pick(stage, number, step)
            how, draw = self.augmentation, partial(self._rng, stage, number, step)
            flip = draw(1).random(len(rows)) < 0.5 if self.flips else np.zeros(len(rows), bool)
            crops = draw_crops(how, draw(2), len(rows)) if how.crop < 1 else None
            colours = draw_colours(how, draw(3), len(rows)) if how.recolours else None
            made[view.name] = {name: self._stored(name, rows, flip, crops, colours) for name in view.modalities}
        return made

    def _stored(
        self, name: str, rows: np.ndarray, flip: np.ndarray, crops: np.ndarray | None, colours: np.ndarray | None
    ) -> torch.Tensor:
        if name == LABEL:
            return torch.from_numpy(self.cache.labels(rows).astype(np.int64))
        array, modality = self.cache.read(name, rows), self.task.modality(name)
        if crops is not None:
            array = cropped(array, modality, crops)
        if colours is not None and modality.is_colour:
            array = recoloured(array, colours)
        array[flip] = array[flip][:, :, ::-1]
        return torch.from_numpy(np.ascontiguousarray(array))

    def _pinned(self, stage: int, step: int) -> Batch:
        read = self._read(stage, step)
        return {view: {name: t.pin_memory() for name, t in tensors.items()} for view, tensors in read.items()}

    def _ready(self, read: Batch) -> Batch:
        """Stored values as tensors on the device."""
        return {
            view: {
                name: there if name == LABEL else self.task.modality(name).to_tensor(there)
                for name, there in ((name, t.to(self.device, non_blocking=True)) for name, t in tensors.items())
            }
            for view, tensors in read.items()
        }

    def _pick(self, stage: int, view: int, step: int) -> np.ndarray:
        rows = self._rows[view]
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, within = np.divmod(positions, len(rows))
        order = [self._shuffle(stage, view, int(epoch))(within[epochs == epoch]) for epoch in np.unique(epochs)]
        return rows[np.concatenate(order)]

    def _shuffle(self, stage: int, view: int, epoch: int) -> Shuffle:
        key = (stage, view, epoch)
        if key not in self._order:
            self._order = {k: v for k, v in self._order.items() if k[0] == stage and k[2] >= epoch - 1}
            self._order[key] = Shuffle(len(self._rows[view]), self.seed, stage, view, epoch, 0)
        return self._order[key]

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *key])
