"""A cell's work: data, method, training, evaluation, result."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mmbench.cells.methods import Methods
from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.evaluation.aligned import predictions
from mmbench.evaluation.cost import translation_cost
from mmbench.evaluation.evaluate import Material, evaluate, observer
from mmbench.evaluation.samples import write_pictures
from mmbench.method import Method
from mmbench.planning import config
from mmbench.planning.order import Order
from mmbench.planning.plan import open_dataset
from mmbench.plugins import catalog
from mmbench.plugins.remembered import cache_folder
from mmbench.ranks.team import together
from mmbench.store.files import write_arrays, write_sealed
from mmbench.store.folder import CellFolder
from mmbench.task import LABEL
from mmbench.tracking.tracker import Tracker
from mmbench.training import cache, checkpoint, device
from mmbench.training.loader import Loader, allowed_views
from mmbench.training.loop import Drawing, Intervals, train
from mmbench.training.record import asked_for, measured
from mmbench.training.samples import Sheets
from mmbench.training.stopping import Stop


class Work:
    """Does what an order says, in the cell's folder; of a process with a rank, trains along and writes nothing.

    Args:
        stop: whether the process was asked to end.
        lose: called where another process of the cell has died; does not return.
    """

    def __init__(self, order: Order, stop: Stop, lose: Callable[[str], None]) -> None:
        self.order, self.stop, self.lose = order, stop, lose
        self.folder = CellFolder(Path(order.folder))
        self.data_card = catalog.find("datasets", order.dataset)
        self.card = catalog.find("methods", order.method)
        changes = config.profile_overrides(order.overrides)
        self.profile = config.profile(order.profile, self.data_card["KIND"], changes)
        self.methods = Methods(order, self.profile, self.data_card["KIND"])
        self.compute = device.choose(order.device, order.precision)
        if order.threads:
            device.use_threads(order.threads)

    def do(self, say: Callable[[str, int, int], None]) -> None:
        """All of it, or the rest of what is saved.

        Raises:
            UserError: another cell that this one waits for has no result, or data cannot be used.
            DivergedError, StoppedError: as training has it.
        """
        for needed in filter(None, (self.order.parent, self.order.judge)):
            if (state := CellFolder(Path(needed)).state()) != "done":
                raise UserError(f"{CellFolder(Path(needed)).name}: {state}, and {self.folder.name} waits for it")
        material, prepared = self._material(say)
        method, settings, about = self._begun(material.dataset)
        timing = self._trained(method, settings, material, about)
        if self.order.rank:
            return
        started, judge = time.perf_counter(), None
        if self.order.judge:
            judge = self.methods.finished(self.order.judge_method, material.dataset, Path(self.order.judge))
            judge = judge.to(self.compute.device).eval()
        made = evaluate(method, self.card, material, judge, str(settings.settings.get("side_information", "")))
        write_pictures(self.folder.samples, made.pictures)
        write_arrays(self.folder.path / "per_image.npz", made.statistics)
        dataset = material.dataset
        cost = translation_cost(method, dataset.task, material.images, material.split.test, self.compute)
        timing |= {"prepare": prepared, "evaluate": time.perf_counter() - started}
        result = about | {"title": self.card["TITLE"], "published_dataset": dataset.published, "rows": made.rows}
        result |= {"timing": timing, "cost": cost} | measured(method, self.compute)
        self.folder.finish(result)

    def _material(self, say: Callable[[str, int, int], None]) -> tuple[Material, float]:
        """The data, and how many seconds they took to prepare."""
        order, profile = self.order, self.profile
        root = Path(order.data_root) if order.data_root else None
        dataset = open_dataset(order.dataset, profile.data, root, order.overrides)
        folder, started = Path(order.cache_folder) if order.cache_folder else cache_folder(), time.perf_counter()
        images = cache.open_whole(dataset, self.data_card, profile.size, folder, partial(say, "prepare data"))
        prepared = time.perf_counter() - started
        return Material(dataset, images, dataset.split(), self.compute, profile.evaluate_batch, say), prepared

    def _begun(self, dataset: Dataset) -> tuple[Method, config.MethodConfig, dict[str, Any]]:
        """The method with the weights that training begins with, its settings, and ``cell.json`` as it was written."""
        order = self.order
        resumes = checkpoint.resumable(self.folder) is not None
        before = self.folder.path if resumes else Path(order.parent) if order.parent else None
        method, settings = self.methods.initial(order.method, dataset, before)
        about = asked_for(vars(order), self.card, dataset, settings, self.profile, method, self.compute)
        if not order.rank:
            write_sealed(self.folder.path / "cell.json", about)
        if order.parent and not resumes:
            method.start_from(self.methods.finished(order.parent_method, dataset, Path(order.parent)))
        method.to(self.compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return method, settings, about

    def _trained(
        self, method: Method, settings: config.MethodConfig, material: Material, about: Mapping[str, Any]
    ) -> dict[str, float]:
        """Train the method; returns the seconds and steps of it."""
        profile, dataset = self.profile, material.dataset
        loader = Loader(
            dataset.task, allowed_views(dataset, self.card), material.images,
            batch_size=profile.batch, seed=self.order.seed, flips=profile.flips, device=self.compute.device,
            augmentation=profile.augmentation,
        )  # fmt: skip
        with (
            self.stop.deferred(),
            contextlib.closing(self._tracker(about, loader)) as tracker,
            together(self.order, method, self.compute.device, self.stop, self.lose) as team,
        ):
            return train(
                method, settings.stages, loader, self.folder, self.compute, seed=self.order.seed,
                intervals=Intervals(profile.log_every, profile.checkpoint_every, profile.align_every),
                observe=team.alone(observer(material)), tracker=tracker, draw=team.alone(self._drawing(material)),
                progress=material.progress, stop=team.stop, writes=team.writes,
            )  # fmt: skip

    def _tracker(self, about: Mapping[str, Any], loader: Loader) -> Tracker:
        images = sum(name != LABEL for view in loader.views for name in view.modalities)
        log = () if self.order.rank else self.order.log
        return Tracker(log, self.folder.name, self.folder.path, about, images * loader.batch_size)

    def _drawing(self, material: Material) -> Drawing | None:
        """Draws sample translations for a tracker; a judge has none."""
        if self.card.get("ROLE") == "judge":
            return None
        validation = material.split.validation
        return Sheets(material.dataset.task, material.images, validation, self.compute, predictions)
