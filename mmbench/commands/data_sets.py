"""The commands that look after data sets: verify, prepare, show, download, init."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from mmbench import pictures
from mmbench.commands.data_facts import facts
from mmbench.dataset import Dataset, Problem
from mmbench.errors import UserError
from mmbench.planning import config
from mmbench.planning.plan import check_parts, open_dataset
from mmbench.planning.selection import OWN_IMAGES, Source
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.plugins.remembered import cache_folder
from mmbench.resize import fit
from mmbench.schedule import DataLimits
from mmbench.store import arrays, content
from mmbench.store.download import fetch, is_archive, unpack
from mmbench.store.files import write_bytes
from mmbench.store.prepared import all_ids, disk_need, held
from mmbench.training import cache

DESCRIPTION = "dataset.toml"


def open_chosen(
    source: Source, data_root: Path | None, overrides: Mapping[str, Any], limits: DataLimits | None = None
) -> Dataset:
    """A data set that was chosen by its name, or of the folder that was named."""
    return open_dataset(source.card.name, limits or DataLimits(), source.root or data_root, overrides)


def verify(source: Source, data_root: Path | None, overrides: Mapping[str, Any], read_all: bool = False) -> int:
    """Open every file, prepared ones too; print what each part and each modality holds, and a line per problem.

    Args:
        read_all: also whether a file's content changed without a sign, and a digest of all (``store/content.py``).

    Returns the number of problems. What would refuse a run is one of them.

    Raises:
        UserError: a data set other than own images is not there.
    """
    problems = 0
    try:
        dataset = open_chosen(source, data_root, overrides)
        split = dataset.split()
        check_parts(source.card.name, dataset, {part: len(ids) for part, ids in split.parts().items()})
    except UserError as error:
        if source.root is None:
            raise
        print(f"{error}\n{source.label}: 1 problem; a run is refused")
        return 1
    for line in chain(dataset.verify(), content.verify(dataset) if read_all else ()):
        problems += isinstance(line, Problem)
        print(line)
    for damage in arrays.problems(cache_folder(), dataset.task.name):
        problems += 1
        print(damage)
    names = [modality.name for modality in dataset.task.modalities]
    rows = []
    for part, ids in split.parts().items():
        holds = [dataset.holds(sample_id) for sample_id in ids]
        rows.append([part, len(ids), *(sum(modality in held for held in holds) for modality in names)])
    print(tabulate(rows, ["part", "samples", *names]), *facts(dataset), sep="\n")
    note = "".join(f"{said}; " for said in (dataset.note, content.remark(dataset)) if said)
    print(f"{source.label}: {note}{problems} problem{'' if problems == 1 else 's'}")
    return problems


def prepare(
    source: Source, data_root: Path | None, overrides: Mapping[str, Any], profile: str, folder: Path | None
) -> Path:
    """Decode everything that a profile reads into its cache, with progress; returns the cache's folder."""
    from tqdm import tqdm

    chosen = config.profile(profile, source.card["KIND"], config.profile_overrides(overrides))
    dataset = open_chosen(source, data_root, overrides, chosen.data)
    ids = all_ids(dataset)
    target = folder or cache_folder()
    need = disk_need(dataset.task.modalities, held(dataset, ids), chosen.size)
    print(f"{source.label}: {len(ids)} samples at {chosen.size} px, {need / 1e6:.1f} MB in {target}")
    with tqdm(total=len(ids), unit="sample") as bar:

        def progress(done: int, total: int) -> None:
            bar.update(done - bar.n)

        made = cache.open_whole(dataset, source.card, chosen.size, target, progress)
    print(f"prepared: {made.folder}")
    return made.folder


def show(
    source: Source, data_root: Path | None, overrides: Mapping[str, Any], out: Path, count: int, size: int
) -> None:
    """Write a PNG: one row per sample, a column per modality, what colours of classes and depths mean below.

    Complete samples (test, then validation) come first; a modality that a sample lacks stays white. Where a sample is
    an image of one domain, each column holds ``count`` images of its domain.
    """
    dataset = open_chosen(source, data_root, overrides)
    parts = dataset.split().parts()
    order = [*parts["test"], *parts["validation"], *(i for group in dataset.task.groups for i in parts[group.name])]
    if not order:
        raise UserError(f"{source.label}: no samples; `data verify {source.root or source.label}` shows what was found")
    white = np.full((size, size, 3), 255, np.uint8)
    shown = order[:count]
    modalities = dataset.task.modalities
    listed = {m.name: shown if dataset.task.aligned else dataset.holding(order, m.name)[:count] for m in modalities}
    samples = {i: fit(dataset.sample(i), modalities, size) for i in dict.fromkeys(chain(*listed.values()))}
    columns = {
        m.name: [m.picture(samples[i][m.name]) if m.name in samples[i] else white for i in listed[m.name]] or [white]
        for m in modalities
    }
    sheet = pictures.grid({caption: np.stack(images) for caption, images in columns.items()}, scale_to=size)
    legends = [pictures.legend(dict(m.swatches), sheet.shape[1]) for m in modalities if m.swatches]
    write_bytes(out, pictures.png(np.concatenate([sheet, *legends])))
    if dataset.task.aligned:
        print(f"{out}: {len(shown)} samples of {source.label}: {', '.join(shown)}")
    else:
        print(f"{out}: {max(map(len, columns.values()))} images of each domain of {source.label}")


def download(name: str, data_root: Path, agreed: bool) -> None:
    """Fetch and unpack a data set's public archives below the data root, after its terms were shown."""
    from tqdm import tqdm

    card = catalog.find("datasets", name)
    files = card.get("DOWNLOADS", ())
    if not files:
        raise UserError(f"data set {name!r} has no public archive to download; get it from {_where(card)}")
    print(f"{card['TITLE']}, from {_where(card)}\nTerms: {card.get('TERMS', 'none are stated by its owners')}")
    for file in files:
        print(f"  {file['url']} -> {data_root / file['into']}")
    if not agreed:
        raise UserError("nothing was downloaded: add --yes to agree to the terms")
    for file in files:
        into = data_root / file["into"]
        target = into / file.get("name", file["url"].rsplit("/", 1)[-1])
        with tqdm(unit="B", unit_scale=True, desc=target.name) as bar:

            def progress(done: int, total: int, bar: Any = bar) -> None:
                bar.total = total or None
                bar.update(done - bar.n)

            fetch(file["url"], target, file.get("md5", ""), progress)
        marker = target.with_name(f".{target.name}.unpacked")
        if is_archive(target.name) and not marker.exists():
            unpack(target, into)
            marker.touch()
    print(f"done; `python -m mmbench data verify {name} --data-root {data_root}` opens every file")


def init(folder: Path, named: Mapping[str, str]) -> Path:
    """Write a commented ``dataset.toml`` from what is found in a folder of own images; an existing one is kept.

    ``named`` says which of its folders hold a modality, where their names do not.
    """
    target = folder / DESCRIPTION
    if target.exists():
        raise UserError(f"{target}: exists already; edit it, or move it away to have it written again")
    text: str = catalog.load(catalog.find("datasets", OWN_IMAGES), "describe")(folder, named)
    write_bytes(target, text.encode())
    print(f"{target}: written; look through it, then `python -m mmbench data verify {shlex.quote(str(folder))}`")
    return target


def _where(card: Card) -> str:
    return str(card.get("SOURCE", "its owners"))
