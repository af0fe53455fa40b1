"""Train and evaluate one cell, in a process of its own: ``python -m mmbench.cell`` with an order on standard input.

Progress goes to standard output as JSON lines. Exit code: 0 done, 1 failed (``traceback.txt`` in the folder),
2 bad input (one line says what to change), 3 diverged.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.evaluation.cost import translation_cost
from mmbench.evaluation.evaluate import Material, evaluate, observer
from mmbench.evaluation.samples import write_pictures
from mmbench.launching import messages, progress
from mmbench.method import Context, Method
from mmbench.planning import config
from mmbench.planning.order import Order
from mmbench.planning.plan import open_dataset
from mmbench.plugins import catalog
from mmbench.plugins.remembered import cache_folder
from mmbench.store.files import write_arrays, write_bytes, write_json
from mmbench.store.folder import CellFolder
from mmbench.training import cache, checkpoint, device
from mmbench.training.build import build_method, load_trained, recorded_pretrained
from mmbench.training.loader import Loader, allowed_views
from mmbench.training.loop import DivergedError, Intervals, train
from mmbench.training.record import asked_for, measured

DONE, FAILED, USER, DIVERGED = 0, 1, 2, 3


class CellRun:
    """The steps of one cell: data, method, training, evaluation, result."""

    def __init__(self, order: Order, say: Callable[[str, int, int], None]) -> None:
        self.order, self.say = order, say
        self.folder = CellFolder(Path(order.folder))
        self.data_card = catalog.find("datasets", order.dataset)
        self.card = catalog.find("methods", order.method)
        changes = config.profile_overrides(order.overrides)
        self.profile = config.profile(order.profile, self.data_card["KIND"], changes)
        self.compute = device.choose(order.device, order.precision)
        if order.threads:
            device.use_threads(order.threads)

    def run(self) -> int:
        """Do the cell unless it is done. Returns the exit code."""
        with self.folder.lock():
            if self.folder.state(self.order.key) == "done":
                return DONE
            self.folder.start_over(self.order.key)
            try:
                self._work()
            except DivergedError as error:
                return self._ended("diverged", str(error), DIVERGED)
            except (UserError, BrokenPipeError):
                raise  # the latter: the run that started this cell is gone, and the next one goes on from here
            except Exception as error:
                write_bytes(self.folder.path / "traceback.txt", traceback.format_exc().encode())
                return self._ended("failed", f"{type(error).__name__}: {error}".splitlines()[0], FAILED)
        return DONE

    def _ended(self, state: str, reason: str, code: int) -> int:
        self.folder.set_failed(state, reason)
        print(f"{self.order.method}: {state}: {reason}", file=sys.stderr)
        return code

    def _work(self) -> None:
        order, profile = self.order, self.profile
        root = Path(order.data_root) if order.data_root else None
        dataset = open_dataset(order.dataset, profile.data, root, order.overrides)
        folder, started = Path(order.cache_folder) if order.cache_folder else cache_folder(), time.perf_counter()
        images = cache.open_whole(dataset, self.data_card, profile.size, folder, partial(self.say, "prepare data"))
        prepared = time.perf_counter() - started
        checkpoint.set_damaged_aside(self.folder.checkpoints)
        resumes = checkpoint.latest(self.folder.checkpoints) is not None
        before = self.folder.path if resumes else Path(order.parent) if order.parent else None
        method, settings = self._method(order.method, dataset, before)
        about = asked_for(vars(order), self.card, dataset, settings, profile, method, self.compute)
        write_json(self.folder.path / "cell.json", about)
        loader = Loader(
            dataset.task, allowed_views(dataset, self.card), images,
            batch_size=profile.batch, seed=order.seed, flips=profile.flips, device=self.compute.device,
        )  # fmt: skip
        if order.parent and not resumes:
            method.start_from(self._finished(order.parent_method, dataset, order.parent))
        method.to(self.compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        material = Material(dataset, images, dataset.split(), self.compute, profile.evaluate_batch, self.say)
        timing = train(
            method, settings.stages, loader, self.folder, self.compute, seed=order.seed,
            intervals=Intervals(profile.log_every, profile.checkpoint_every, profile.align_every),
            observe=observer(material), progress=self.say,
        )  # fmt: skip
        started, judge = time.perf_counter(), None
        if order.judge:
            judge = self._finished(order.judge_method, dataset, order.judge).to(self.compute.device).eval()
        made = evaluate(method, self.card, material, judge, str(settings.settings.get("side_information", "")))
        write_pictures(self.folder.samples, made.pictures)
        write_arrays(self.folder.path / "per_image.npz", made.statistics)
        cost = translation_cost(method, dataset.task, images, dataset.split().test, self.compute)
        timing |= {"prepare": prepared, "evaluate": time.perf_counter() - started}
        result = about | {"title": self.card["TITLE"], "published_dataset": dataset.published, "rows": made.rows}
        result |= {"timing": timing, "cost": cost} | measured(method, self.compute)
        write_json(self.folder.path / "result.json", result)

    def _method(self, name: str, dataset: Dataset, weights_of: Path | None) -> tuple[Method, config.MethodConfig]:
        """A method with the seed's initial weights, and its settings; ``weights_of`` is whose weights it will have."""
        card = catalog.find("methods", name)
        settings = config.resolve(card, self.profile, self.data_card["KIND"], self.order.overrides)
        context = Context(
            dataset.task, self.profile.size, self.profile.network, settings.settings, len(dataset.labels),
            recorded_pretrained(weights_of),
        )  # fmt: skip
        return build_method(card, context, self.order.seed), settings

    def _finished(self, name: str, dataset: Dataset, folder: str) -> Method:
        """Another cell's trained method (a parent or a judge)."""
        method, _ = self._method(name, dataset, Path(folder))
        load_trained(method, Path(folder))
        return method


def main() -> int:
    """Read an order, do the cell."""
    messages.emit()
    order = Order.from_json(sys.stdin.read())
    try:
        return CellRun(order, progress.Writer()).run()
    except BrokenPipeError:
        return FAILED
    except UserError as error:
        CellFolder(Path(order.folder)).set_failed("failed", str(error))
        print(f"mmbench: {error}", file=sys.stderr)
        return USER


if __name__ == "__main__":
    sys.exit(main())
