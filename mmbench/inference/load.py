"""From a finished cell's folder to its trained method, as what the folder records says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.given.files import near
from mmbench.inference import hub, packed
from mmbench.inference.translator import Translator
from mmbench.method import Context, Method
from mmbench.modality import modality_of
from mmbench.modality.reading import Reading, RgbReading, reading_of
from mmbench.planning.plan import named_root, open_dataset
from mmbench.plugins import catalog, keys
from mmbench.plugins.catalog import Card
from mmbench.schedule import DataLimits, NetworkSize
from mmbench.store import content
from mmbench.store.folder import CellFolder
from mmbench.store.processors import check_device, check_precision
from mmbench.task import Group, Task, Translation
from mmbench.training import checkpoint, device
from mmbench.training.build import build_method, load_trained
from mmbench.typed import build

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """The trained method of a finished cell.

    Attributes:
        folder: of the cell, or a packed one.
        weights: its file of them.
        about: what its ``result.json`` says.
        compute: where and how the method is to compute.
        readings: see :class:`Translator`.
    """

    folder: Path
    weights: Path
    about: Mapping[str, Any]
    method: Method
    compute: device.Compute
    readings: Mapping[str, Reading]


def load_translator(
    run: str | Path, data_root: str | Path | None = None, device_name: str = "auto", precision: str = "auto"
) -> Translator:
    """The trained method of a finished cell, such as ``runs/synthetic/laptop/mmnet/seed-0``, or of a packed one.

    Args:
        run: a folder, or a repository of the Hugging Face hub: ``owner/name`` or ``hf://owner/name@revision``.
        data_root: folder of the data set, where the cell does not say what its modalities are.
        device_name: ``auto``, ``cpu`` or ``cuda``.
        precision: ``bf16``, ``fp32``, or ``auto``: as the cell was evaluated.

    Raises:
        UserError: no such cell, one that is not done, a judge, files that are damaged or of another architecture, a
            repository that cannot be had, or a device or precision that there is not.
    """
    return translator_of(load_cell(run, data_root, device_name, precision))


def translator_of(found: Loaded) -> Translator:
    """The translator of a cell that is loaded."""
    return Translator(found.about["method"], found.method, found.method.context.size, found.compute, found.readings)


def load_cell(
    run: str | Path, data_root: str | Path | None = None, device_name: str = "auto", precision: str = "auto"
) -> Loaded:
    """What :func:`load_translator` translates with, in parts; arguments and errors are the same."""
    check_device(device_name)
    check_precision(precision)
    repository = hub.named(run)
    folder = Path(run) if repository is None else hub.fetched(repository)
    is_packed = packed.is_packed(folder)
    if repository is not None and not is_packed:
        raise UserError(f"{hub.MARK}{repository}: holds no cell that `pack` made ({', '.join(packed.FILES)})")
    about, told = (packed.read(folder), packed.CONFIG) if is_packed else (_finished(folder), "result.json")
    try:
        card = catalog.find("methods", about["method"])
        if card.get("ROLE") == "judge":
            raise UserError(f"{folder}: {card.name} is a judge, it translates nothing")
        profile = about["profile_values"]
        network = build(NetworkSize, profile["network"], f"{folder / told}: network")
        root = Path(data_root) if data_root else None
        task = task_of(about, folder, root)
        readings = readings_of(about, folder, root, task)
        context = Context(task, profile["size"], network, about["config"]["settings"], 0, bool(about["pretrained"]))
        compute = device.choose(device_name, about["hardware"]["precision"] if precision == "auto" else precision)
        changed = keys.source_digest(card.path, card.module) != about["source"]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{folder / told}: damaged ({type(error).__name__}: {error})") from error
    if changed:
        log.warning("%s was made with other code%s", folder, "" if is_packed else "; `run` makes it again")
    method, weights = _rebuilt(card, context, folder, changed, folder / packed.WEIGHTS if is_packed else None)
    return Loaded(folder, weights, about, method, compute, readings)


def dataset_of(loaded: Loaded, data_root: Path | None) -> Dataset:
    """The data set that a cell was evaluated on. Raises UserError where it is not at hand, or holds other images."""
    dataset = _adapter(loaded.about, loaded.folder, data_root)
    same_test = dataset.split().hashes()["test"] == loaded.about["split_hashes"]["test"]
    if not same_test or content.identity(dataset) != loaded.about["manifest"]:
        raise UserError(f"{loaded.folder}: the images of {loaded.about['dataset']!r} are not those of its training")
    return dataset


def _finished(folder: Path) -> dict[str, Any]:
    """What a cell's result says. Raises UserError where there is none."""
    if not folder.is_dir():
        missing = next(path for path in (*reversed(folder.parents), folder) if not path.is_dir())
        raise UserError(f"no such run: {missing} is no folder{near(missing)}")
    state, found = CellFolder(folder).look()
    if state == "absent":
        below = next(folder.glob("**/seed-*/result.json"), None)
        such = below.parent if below else "runs/synthetic/laptop/mmnet/seed-0"
        raise UserError(f"{folder}: not the folder of a run; give one such as {such}")
    if state != "done":
        why = f" ({found['reason']})" if found.get("reason") else ""
        raise UserError(
            f"{folder}: {state}{why}, and only what is done translates; `python -m mmbench run` goes on with it"
        )
    return found


def _rebuilt(card: Card, context: Context, folder: Path, changed: bool, weights: Path | None) -> tuple[Method, Path]:
    """The method with its weights, and the file that they are in: the one given, or the cell's newest checkpoint."""
    try:
        method = build_method(card, context)
    except Exception as error:
        if not changed:
            raise
        raise UserError(f"{folder}: the present code of {card.name} does not build it ({error!r})") from error
    try:
        if weights is not None:
            checkpoint.fill(method, weights)
            return method, weights
        load_trained(method, folder)
        return method, checkpoint.weights_of(CellFolder(folder).checkpoints)
    except ValueError as error:
        raise UserError(" ".join(str(error).split())) from error


def task_of(about: Mapping[str, Any], folder: Path, data_root: Path | None) -> Task:
    """The task that a cell was trained on: as recorded (``task`` in its result), else as its data set says it.

    Raises:
        UserError: it is not recorded, and the data set's files, which tell it, are not at hand.
    """
    if recorded := about.get("task"):
        return _task(recorded)
    try:
        return _opened(about, folder, data_root).task
    except UserError as error:
        raise UserError(f"{folder}: it does not record its modalities; {error}") from error


def readings_of(about: Mapping[str, Any], folder: Path, data_root: Path | None, task: Task) -> dict[str, Reading]:
    """How the files that a cell was trained on are read, by modality: as recorded, else as its data set says it.

    Modalities of which neither says it are left out, but colour images: those are 8-bit files of any form.
    """
    plain: dict[str, Reading] = {modality.name: RgbReading() for modality in task.modalities if modality.is_colour}
    if "readings" in about:
        where = f"{folder / 'result.json'}: readings"
        return plain | {name: reading_of(values, f"{where}.{name}") for name, values in about["readings"].items()}
    embedded = not catalog.find("datasets", about["dataset"]).get("NEEDS_ROOT", True)
    if not (embedded or data_root or named_root()):
        return plain
    try:
        return {**plain, **_opened(about, folder, data_root).readings()}
    except UserError as error:
        log.warning("%s does not record how its files are read, and its data set cannot be asked: %s", folder, error)
        return plain


def _opened(about: Mapping[str, Any], folder: Path, data_root: Path | None) -> Dataset:
    """The data set of a cell that does not record what is asked of it. Raises UserError where it is not at hand."""
    dataset = _adapter(about, folder, data_root)
    if content.identity(dataset) != about["manifest"]:
        log.warning(
            "the images of %r are not those that %s was trained on; what it does not record is taken from them",
            about["dataset"], folder,
        )  # fmt: skip
    return dataset


def _adapter(about: Mapping[str, Any], folder: Path, data_root: Path | None) -> Dataset:
    settings = {f"data.{key}": value for key, value in about["data_settings"].items()}
    limits = build(DataLimits, about["profile_values"]["data"], f"{folder / 'result.json'}: data")
    return open_dataset(about["dataset"], limits, data_root, settings)


def _task(values: Mapping[str, Any]) -> Task:
    """A task from what :func:`mmbench.planning.config.as_dict` made of it."""
    rows = {
        name: tuple(Translation(**_tuples(row)) for row in values[name]) for name in ("unseen", "seen", "multi_modal")
    }
    modalities = tuple(modality_of(modality) for modality in values["modalities"])
    groups = tuple(Group(tuple(group["modalities"])) for group in values["groups"])
    return Task(**{**values, **rows, "modalities": modalities, "groups": groups})


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
