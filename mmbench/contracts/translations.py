"""The contract of a method, translations: valid, of the inputs alone, without a trace."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from mmbench.contracts import chance
from mmbench.contracts.steps import trained
from mmbench.contracts.subject import Subject
from mmbench.method import Method
from mmbench.modality import Modality
from mmbench.task import Translation

IMAGES = 4
CLOSE, SHARE = 1e-3, 0.01  # a pooling index or an arg-max may flip by a rounding error, in few pixels


def check_rows(subject: Subject) -> None:
    """There are rows, each once, and each gives the output modality's shape, type and range."""
    method, _ = trained(subject)
    rows = method.translations()
    subject.demand(rows, "translations() is empty: return the task's unseen ones, self.task.unseen")
    subject.demand(len(set(rows)) == len(rows), "translations() names a row twice")
    for row, images in rows_with_images(subject, method):
        made = translate(method, row, images)
        check_translation(subject, subject.bench.dataset.task.modality(row.output), made, row.name)


def check_translation(subject: Subject, modality: Modality, made: Tensor, name: str, count: int = IMAGES) -> None:
    """One translation of a batch is as ``mmbench/modality/`` says of its kind."""
    size = subject.bench.profile.size
    where, hint = f"{name}: translate() returns", "return modality.from_network(raw)"
    subject.demand(isinstance(made, Tensor), f"{where} a {type(made).__name__}, expected a tensor")
    example = modality.to_tensor(np.zeros((count, *modality.shape(size, size)), modality.dtype))
    shape, kind = tuple(example.shape), example.dtype
    subject.demand(tuple(made.shape) == shape, f"{where} the shape {tuple(made.shape)}, expected {shape}; {hint}")
    subject.demand(made.dtype == kind, f"{where} {made.dtype}, expected {kind}; {hint}")
    subject.demand(torch.isfinite(made.double()).all(), f"{where} what is not finite")
    low, high = modality.span
    what = f"{modality.values}, here from {low:g} to {high:g}"
    least, most = float(made.min()), float(made.max())
    # What is stored as float32 is compared as such.
    inside = least >= np.float32(low) and most <= high
    subject.demand(inside, f"{where} {least:g} to {most:g}, expected {what}; {hint}")


def check_alone(subject: Subject) -> None:
    """A translation depends on its own inputs: not on the batch, not on earlier translations.

    The pixels are shuffled: in a flat region all of a pooling window ties, and which one is first depends on the CPU.
    """
    method, _ = trained(subject)
    shuffled = torch.randperm(subject.bench.profile.size**2, generator=torch.Generator().manual_seed(0))
    for row, given in rows_with_images(subject, method):
        images = {n: x.flatten(-2)[..., shuffled].unflatten(-1, x.shape[-2:]) for n, x in given.items()}
        together = translate(method, row, images).double()
        single = [translate(method, row, {n: x[i : i + 1] for n, x in images.items()}) for i in range(IMAGES)]
        differs = ((together - torch.cat(single).double()).abs() > CLOSE).double().mean()
        subject.demand(
            differs < SHARE,
            f"{row.name}: an image becomes another one in other company ({100 * differs:.0f} % of its pixels): "
            "no statistics of a batch in eval mode",
        )


def check_without_trace(subject: Subject) -> None:
    """Translating twice gives the same bits, and changes neither inputs nor state nor a generator of chance."""
    method, _ = trained(subject)
    before = {key: value.clone() for key, value in method.state_dict().items()}
    for row, images in rows_with_images(subject, method):
        copies = {name: image.clone() for name, image in images.items()}
        states = chance.states()
        first = translate(method, row, images)
        changed = [name for name in images if not torch.equal(images[name], copies[name])]
        subject.demand(not changed, f"{row.name}: translate() changes {', '.join(changed)} in place: work on a copy")
        drawn = " and ".join(chance.drawn_from(states))
        subject.demand(
            not drawn,
            f"{row.name}: translate() draws from {drawn}: noise comes from a torch.Generator of its own, seeded with "
            "`sample`",
        )
        torch.manual_seed(12345)
        again = translate(method, row, images)
        subject.demand(torch.equal(first, again), f"{row.name}: translated again it is another image")
    kept = [key for key, value in method.state_dict().items() if not torch.equal(before[key], value)]
    subject.demand(not kept, f"translating changes {', '.join(kept[:3])}: keep state in training only")


def translate(method: Method, row: Translation, images: dict[str, Tensor]) -> Tensor:
    """One row of a batch, handed its inputs and nothing else."""
    with torch.inference_mode():
        return method.translate({name: images[name] for name in row.inputs}, row)


def rows_with_images(subject: Subject, method: Method) -> Iterator[tuple[Translation, dict[str, Tensor]]]:
    """Each row with a batch of test images of its inputs."""
    dataset, cache = subject.bench.dataset, subject.bench.cache
    for row in method.translations():
        ids = dataset.split().test
        for name in row.inputs:
            ids = dataset.holding(ids, name)
        at = cache.index(ids[:IMAGES])
        yield row, {name: dataset.task.modality(name).to_tensor(cache.read(name, at)) for name in row.inputs}
