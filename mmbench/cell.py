"""Train and evaluate one cell, in a process of its own: ``python -m mmbench.cell`` with a JSON order on standard input.

Progress goes to standard output as JSON lines. Exit code: 0 done, 1 failed (``traceback.txt`` in the folder),
2 the user's to mend, 3 diverged.
"""

from __future__ import annotations

import copy
import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.evaluation.aligned import SAMPLES, align, evaluate
from mmbench.evaluation.cost import translation_cost
from mmbench.evaluation.samples import save_samples
from mmbench.evaluation.sweep import sweep
from mmbench.evaluation.unpaired import CROSS_DOMAIN, accuracy_on_real, evaluate_domains, held_views, translation_matrix
from mmbench.method import Context, Method
from mmbench.planning import config
from mmbench.planning.plan import open_dataset
from mmbench.plugins import catalog, keys
from mmbench.store.files import read_json, write_arrays, write_bytes, write_json
from mmbench.store.folder import CellFolder
from mmbench.task import Access, Split
from mmbench.training import cache, checkpoint, device
from mmbench.training.loader import Loader
from mmbench.training.loop import DivergedError, Rhythm, train

DONE, FAILED, USER, DIVERGED = 0, 1, 2, 3
ALIGNMENT_IMAGES = 64

Say = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Order:
    """What a cell's process is asked to do; paths are the only thing in it that is not part of the key."""

    dataset: str
    profile: str
    method: str
    seed: int
    key: str
    folder: str
    overrides: dict[str, Any]
    data_root: str = ""
    cache_folder: str = ""
    parent: str = ""
    parent_method: str = ""
    judge: str = ""
    judge_method: str = ""
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0


class CellRun:
    """The steps of one cell: data, method, training, evaluation, result."""

    def __init__(self, order: Order, say: Say) -> None:
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
                write_json(self.folder.path / "failed.json", {"state": "diverged", "reason": str(error)})
                print(f"{self.order.method}: diverged: {error}", file=sys.stderr)
                return DIVERGED
            except (UserError, BrokenPipeError):
                raise  # the latter: the run that started this cell is gone, and the next one goes on from here
            except Exception as error:
                write_bytes(self.folder.path / "traceback.txt", traceback.format_exc().encode())
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                write_json(self.folder.path / "failed.json", {"state": "failed", "reason": reason})
                print(f"{self.order.method}: failed: {reason}", file=sys.stderr)
                return FAILED
        return DONE

    def _work(self) -> None:
        order, profile = self.order, self.profile
        dataset = self._open_dataset()
        split = dataset.split()
        resolved = config.resolve(self.card, profile, self.data_card["KIND"], order.overrides)
        about = {
            **{
                key: value
                for key, value in vars(order).items()
                if key in ("dataset", "profile", "method", "seed", "key")
            },
            "overrides": order.overrides,
            "config": config.as_dict(resolved),
            "profile_values": config.as_dict(profile),
            "split_hashes": split.hashes(),
            "manifest": dataset.manifest(),
            "data_settings": dataset.settings,
            "task": config.as_dict(dataset.task),
            "source": keys.source_digest(self.card.path, self.card.module),
            "parent": _parent_key(order.parent),
            "commit": device.commit(),
            "hardware": device.describe(self.compute),
        }
        images = self._open_cache(dataset)
        checkpoint.set_damaged_aside(self.folder.checkpoints)
        resumes = checkpoint.latest(self.folder.checkpoints) is not None
        before = self.folder.path if resumes else Path(order.parent) if order.parent else None
        method = self._build(self.card, dataset, resolved, _pretrained(before))
        about["pretrained"] = bool(getattr(method, "pretrained", False))
        write_json(self.folder.path / "cell.json", about)
        access = Access(self.card["ACCESS"])
        if access is Access.LABELLED and self.card.get("ROLE") != "judge":
            raise UserError(f"{self.card.path}: only a judge (ROLE = 'judge') may have ACCESS = 'labelled'")
        loader = Loader(
            dataset.task,
            held_views(dataset, split, access),
            images,
            batch_size=profile.batch,
            seed=order.seed,
            flips=profile.flips,
            device=self.compute.device,
        )
        if order.parent and not resumes:
            method.start_from(self._load(order.parent, order.parent_method, dataset))
        method.to(self.compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

        def observe(trained: Method) -> dict[str, float]:
            # A copy looks at the aligned images: what a method keeps of them cannot reach its training.
            watched = split.validation[:ALIGNMENT_IMAGES]
            return align(copy.deepcopy(trained), dataset.task, images, watched, self.compute)

        timing = train(
            method,
            resolved.stages,
            loader,
            self.folder,
            self.compute,
            seed=order.seed,
            rhythm=Rhythm(profile.log_every, profile.checkpoint_every, profile.align_every),
            observe=observe if dataset.task.kind != CROSS_DOMAIN else None,
            progress=self.say,
        )
        rows = self._evaluate(method, dataset, images, split, resolved)
        judges = self.card.get("ROLE") == "judge"
        networks = {role: sum(p.numel() for p in net.parameters()) for role, net in method.networks().items()}
        result = {
            **about,
            "title": self.card["TITLE"],
            "published_dataset": dataset.published,
            "rows": rows,
            "parameters": sum(p.numel() for p in method.parameters()),
            "networks": networks,
            "timing": timing,
            "cost": {} if judges else translation_cost(method, dataset.task, images, split.test, self.compute),
            "peak_memory_bytes": device.peak_memory(self.compute),
        }
        write_json(self.folder.path / "result.json", result)

    def _open_dataset(self) -> Dataset:
        root = Path(self.order.data_root) if self.order.data_root else None
        return open_dataset(self.order.dataset, self.profile.data, root, self.order.overrides)

    def _open_cache(self, dataset: Dataset) -> cache.Cache:
        ids = [i for part in dataset.split().parts().values() for i in part]
        folder = Path(self.order.cache_folder) if self.order.cache_folder else cache.default_folder()
        source = keys.source_digest(self.data_card.path, self.data_card.module)
        return cache.open_cache(
            dataset, source, ids, self.profile.size, folder, lambda done, total: self.say("prepare data", done, total)
        )

    def _build(
        self, card: catalog.Card, dataset: Dataset, resolved: config.MethodConfig, pretrained: bool | None
    ) -> Method:
        profile, labels = self.profile, len(dataset.labels)
        context = Context(dataset.task, profile.size, profile.network, resolved.settings, labels, pretrained)
        torch.manual_seed(self.order.seed)
        made: Method = catalog.load(card, card["CLASS"])(context)
        return made

    def _load(self, folder: str, method_name: str, dataset: Dataset) -> Method:
        """Another cell's trained method (a parent or a judge)."""
        card = catalog.find("methods", method_name)
        resolved = config.resolve(card, self.profile, self.data_card["KIND"], self.order.overrides)
        method = self._build(card, dataset, resolved, _pretrained(Path(folder)))
        found = checkpoint.latest(CellFolder(Path(folder)).checkpoints)
        if found is None:
            raise ValueError(f"{folder}: done, but without a checkpoint; delete its result.json to make it again")
        checkpoint.load_weights(found, method)
        return method

    def _evaluate(
        self,
        method: Method,
        dataset: Dataset,
        images: cache.Cache,
        split: Split,
        resolved: config.MethodConfig,
    ) -> list[dict[str, Any]]:
        test_ids = split.test
        if self.card.get("ROLE") == "judge":
            return [self._ceiling(method, dataset, images, test_ids)]
        judge: Any = None
        if self.order.judge:
            judge = self._load(self.order.judge, self.order.judge_method, dataset)
            judge.to(self.compute.device).eval()
        if dataset.task.kind == CROSS_DOMAIN:
            rows, statistics = evaluate_domains(
                method, dataset, images, test_ids, self.compute, judge,
                batch_size=self.profile.evaluate_batch, progress=self.say,
            )  # fmt: skip
            matrix = translation_matrix(method, dataset, images, test_ids, self.compute)
            write_arrays(self.folder.samples / "matrix.npz", matrix)
            return self._written(rows, statistics, dataset, resolved)
        classify = judge.classify if judge else None
        rows, statistics, drawn = evaluate(
            method,
            dataset.task,
            images,
            test_ids,
            self.compute,
            batch_size=self.profile.evaluate_batch,
            classify=classify,
            progress=self.say,
        )
        save_samples(self.folder.samples, dataset, images, test_ids[:SAMPLES], rows, drawn)
        mixed, more = sweep(
            method, dataset.task, images, split.validation, test_ids, self.compute,
            batch_size=self.profile.evaluate_batch, first=len(rows), classify=classify,
        )  # fmt: skip
        return self._written(rows + mixed, {**statistics, **more}, dataset, resolved)

    def _written(
        self,
        rows: list[dict[str, Any]],
        statistics: dict[str, Any],
        dataset: Dataset,
        resolved: config.MethodConfig,
    ) -> list[dict[str, Any]]:
        """The rows with their place in the tables; their statistics are on disk then."""
        for row in rows:
            row["group"] = _group(row, self.card, dataset)
            row["side_information"] = str(resolved.settings.get("side_information", ""))
        write_arrays(self.folder.path / "per_image.npz", statistics)
        return rows

    def _ceiling(self, judge: Any, dataset: Dataset, images: cache.Cache, test_ids: tuple[str, ...]) -> dict[str, Any]:
        judge.eval()
        empty = dict.fromkeys(("via", "weights", "side_from", "side_information"), "")
        empty |= {"checkpoint": "last", "bn": "trained", "group": "ceiling"}
        if dataset.task.kind == CROSS_DOMAIN:
            batch = self.profile.evaluate_batch
            right = accuracy_on_real(judge, dataset, images, test_ids, self.compute, batch)
            fields = {"inputs": "real", "output": "real", "output_kind": "domain"}
            return {**fields, **empty, "metrics": {"classification_accuracy": right}}
        judged = dataset.task.modality(str(dataset.task.judged))
        index, right = images.index(test_ids), 0
        for start in range(0, len(index), self.profile.evaluate_batch):
            here = index[start : start + self.profile.evaluate_batch]
            real = judged.to_tensor(images.read(judged.name, here)).to(self.compute.device)
            with torch.inference_mode(), self.compute.autocast():
                guess = judge.classify(real).argmax(1).cpu().numpy()
            right += int((guess == images.labels(here)).sum())
        metrics = {"classification_accuracy": 100.0 * right / len(index)}
        fields = {"inputs": judged.name, "output": judged.name, "output_kind": judged.kind}
        return {**fields, **empty, "metrics": metrics}


def _group(row: dict[str, Any], card: catalog.Card, dataset: Dataset) -> str:
    """The tables' row group: cascades are baselines, seen and multi-modal rows stand apart from zero-pair ones.

    What saw true pairs is an oracle, whatever its card says. A baseline's seen translation, too, is no rival of others'
    unseen ones.
    """
    if Access(card["ACCESS"]) is Access.TRUE_PAIRS:
        return "oracle"
    inputs = row["inputs"].split("+")
    group, direct = str(card["GROUP"]), len(inputs) == 1 and not row["via"]
    if group in ("zero-pair", "baselines") and direct and dataset.task.is_seen(inputs[0], row["output"]):
        return "seen"
    if group != "zero-pair" or direct:
        return group
    return "baselines" if row["via"] else "multi-modal"


def _pretrained(folder: Path | None) -> bool | None:
    """What was decided for the weights in a cell's folder; None without a folder."""
    return None if folder is None else bool((read_json(folder / "cell.json") or {}).get("pretrained"))


def _parent_key(folder: str) -> str:
    if not folder:
        return ""
    result = read_json(Path(folder) / "result.json") or {}
    return str(result["key"])


def main() -> int:
    """Read an order, do the cell."""
    order = Order(**json.load(sys.stdin))
    last = 0.0

    def say(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 0.2 or done >= total:
            last = now
            print(json.dumps({"what": what, "done": done, "total": total}), flush=True)

    try:
        return CellRun(order, say).run()
    except BrokenPipeError:
        return FAILED
    except UserError as error:
        folder = CellFolder(Path(order.folder))
        folder.path.mkdir(parents=True, exist_ok=True)
        write_json(folder.path / "failed.json", {"state": "failed", "reason": str(error)})
        print(f"mmbench: {error}", file=sys.stderr)
        return USER


if __name__ == "__main__":
    sys.exit(main())
