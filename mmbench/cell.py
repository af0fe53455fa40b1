"""Train and evaluate one cell, in a process of its own: ``python -m mmbench.cell`` with an order on standard input.

Progress goes to standard output as JSON lines. Exit code: 0 done, 1 failed (``traceback.txt`` in the folder),
2 bad input (one line says what to change), 3 diverged, 4 asked to end by a signal, after a checkpoint. What counts is
the state in the folder, not the code.

Of a cell that several processes share this is each of them; those whose order has a rank train along and write nothing.

The order is one line. Of an order that is ``watched`` standard input stays open as long as the run lives that gave it:
where it ends, the cell ends, and its lock is free.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.evaluation.aligned import predictions
from mmbench.evaluation.cost import translation_cost
from mmbench.evaluation.evaluate import Material, evaluate, observer
from mmbench.evaluation.samples import write_pictures
from mmbench.launching import messages, progress
from mmbench.launching.heartbeat import Heartbeat
from mmbench.method import Context, Method
from mmbench.planning import config
from mmbench.planning.order import Order
from mmbench.planning.plan import open_dataset
from mmbench.plugins import catalog
from mmbench.plugins.remembered import cache_folder
from mmbench.ranks.team import together
from mmbench.store.files import write_arrays, write_bytes, write_sealed
from mmbench.store.folder import CellFolder
from mmbench.task import LABEL
from mmbench.tracking.tracker import Tracker
from mmbench.training import cache, checkpoint, device
from mmbench.training.build import build_method, load_trained, recorded_pretrained
from mmbench.training.loader import Loader, allowed_views
from mmbench.training.loop import DivergedError, Drawing, Intervals, train
from mmbench.training.record import asked_for, measured
from mmbench.training.samples import Sheets
from mmbench.training.stopping import SIGNALS, STOPPED, Stop, StoppedError

DONE, FAILED, USER, DIVERGED = 0, 1, 2, 3  # and STOPPED


class CellRun:
    """The steps of one cell: data, method, training, evaluation, result."""

    def __init__(self, order: Order, say: Callable[[str, int, int], None]) -> None:
        self.order, self.say = order, say
        self.heart: Heartbeat | None = None
        self.stop = Stop()
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
        self.folder.make_room()
        lock = self.folder.lock(self.order.ticket)
        if not lock.take(wait=False):
            self.say(progress.WAITS, 0, 0)
        with lock:
            if self.folder.state(self.order.key) == "done":
                return DONE
            self.folder.start_over(self.order.key)
            try:
                with Heartbeat(self.folder.path, self.say) as self.heart:
                    self.say = self.heart
                    return self._guarded()
            except StoppedError as error:
                return self._stopped(error)

    def assist(self) -> int:
        """Train along with the cell's first process. Returns the exit code."""
        try:
            self._work()
        except StoppedError:
            return STOPPED
        return DONE

    def _stopped(self, error: StoppedError) -> int:
        saved, state = self.folder.saved_step(), self.folder.state(self.order.key)
        if self.heart and state != "done":
            self.heart.write(ended=f"{error}, {f'saved at step {saved}' if saved else 'nothing of it is saved yet'}")
        return STOPPED

    def _guarded(self) -> int:
        try:
            self._work()
        except DivergedError as error:
            return self._ended("diverged", str(error), DIVERGED)
        except (UserError, BrokenPipeError):
            raise  # the latter: the run that started this cell is gone, and the next one goes on from here
        except (Exception, SystemExit) as error:  # a method that ends the process has not done its cell
            # Text of others may hold what no encoding has.
            write_bytes(self.folder.path / "traceback.txt", traceback.format_exc().encode(errors="backslashreplace"))
            return self._ended("failed", _reason(error), FAILED)
        return DONE

    def _ended(self, state: str, reason: str, code: int) -> int:
        self.folder.set_failed(state, reason)
        print(f"{self.order.method}: {state}: {reason}", file=sys.stderr)
        return code

    def _work(self) -> None:
        order, profile = self.order, self.profile
        for needed in filter(None, (order.parent, order.judge)):
            if (state := CellFolder(Path(needed)).state()) != "done":
                raise UserError(f"{CellFolder(Path(needed)).name}: {state}, and {self.folder.name} waits for it")
        root = Path(order.data_root) if order.data_root else None
        dataset = open_dataset(order.dataset, profile.data, root, order.overrides)
        folder, started = Path(order.cache_folder) if order.cache_folder else cache_folder(), time.perf_counter()
        images = cache.open_whole(dataset, self.data_card, profile.size, folder, partial(self.say, "prepare data"))
        prepared = time.perf_counter() - started
        resumes = checkpoint.resumable(self.folder) is not None
        before = self.folder.path if resumes else Path(order.parent) if order.parent else None
        method, settings = self._method(order.method, dataset, before)
        about = asked_for(vars(order), self.card, dataset, settings, profile, method, self.compute)
        if not order.rank:
            write_sealed(self.folder.path / "cell.json", about)
        loader = Loader(
            dataset.task, allowed_views(dataset, self.card), images,
            batch_size=profile.batch, seed=order.seed, flips=profile.flips, device=self.compute.device,
            augmentation=profile.augmentation,
        )  # fmt: skip
        if order.parent and not resumes:
            method.start_from(self._finished(order.parent_method, dataset, order.parent))
        method.to(self.compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        material = Material(dataset, images, dataset.split(), self.compute, profile.evaluate_batch, self.say)
        where = self.compute.device
        with (
            self.stop.deferred(),
            contextlib.closing(self._tracker(about, loader)) as tracker,
            together(order, method, where, self.stop, self._lose) as team,
        ):
            timing = train(
                method, settings.stages, loader, self.folder, self.compute, seed=order.seed,
                intervals=Intervals(profile.log_every, profile.checkpoint_every, profile.align_every),
                observe=team.alone(observer(material)), tracker=tracker, draw=team.alone(self._drawing(material)),
                progress=self.say, stop=team.stop, writes=team.writes,
            )  # fmt: skip
        if order.rank:
            return
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
        self.folder.finish(result)

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

    def _method(self, name: str, dataset: Dataset, weights_of: Path | None) -> tuple[Method, config.MethodConfig]:
        """A method with the seed's initial weights, and its settings; ``weights_of`` is whose weights it will have."""
        card = catalog.find("methods", name)
        settings = config.resolve(card, self.profile, self.data_card["KIND"], self.order.overrides)
        context = Context(
            dataset.task, self.profile.size, self.profile.network,
            config.placed(settings.settings, self.order.overrides), len(dataset.labels),
            recorded_pretrained(weights_of),
        )  # fmt: skip
        return build_method(card, context, self.order.seed), settings

    def _finished(self, name: str, dataset: Dataset, folder: str) -> Method:
        """Another cell's trained method (a parent or a judge); where it is damaged, the next run does it again."""
        method, _ = self._method(name, dataset, Path(folder))
        try:
            load_trained(method, Path(folder))
        except ValueError as error:
            other = CellFolder(Path(folder))
            other.set_failed("damaged", str(error))
            raise UserError(f"{error}; the next run does {other.name} again") from error
        return method

    def _lose(self, word: str) -> None:
        """End this process, because another one of the cell has died; the folder says so."""
        self._ended("failed", word, FAILED)
        os._exit(FAILED)

    def abandon(self) -> None:
        """End this process at once, because the run that started it is gone; the folder says so."""
        if self.heart:
            self.heart.write(ended="its run has died")
        os._exit(FAILED)


def _reason(error: BaseException) -> str:
    """One line; what its text raises is no reason to leave none."""
    try:
        text = str(error)
    except Exception:
        text = "its text cannot be made"
    return f"{type(error).__name__}: {text}".splitlines()[0]


def _unheard(what: str, done: int, total: int) -> None:
    """Say nothing of progress: the first process does."""


def _end_with_run(cell: CellRun) -> None:
    """Wait until the other end of standard input is closed, by whatever end of its process."""
    try:
        while os.read(0, 4096):  # not through sys.stdin, whose lock would be held when the interpreter ends
            pass
    except OSError:
        return
    cell.abandon()


def main() -> int:
    """Read an order, do the cell."""
    order = Order.from_json(sys.stdin.readline())
    if not order.rank:
        messages.emit()
    try:
        cell = CellRun(order, _unheard if order.rank else progress.Writer())
        if order.rank:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)  # they are for the first process, which says when to end
        else:
            cell.stop.listen()
        if order.watched:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which then ends its cells
            threading.Thread(target=_end_with_run, args=(cell,), daemon=True).start()
        return cell.assist() if order.rank else cell.run()
    except BrokenPipeError:
        return FAILED
    except StoppedError:
        return STOPPED  # while it waited for another run
    except UserError as error:
        if not order.rank:
            CellFolder(Path(order.folder)).set_failed("failed", str(error))
        print(f"mmbench: {error}", file=sys.stderr)
        return USER


if __name__ == "__main__":
    sys.exit(main())
