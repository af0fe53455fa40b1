"""Images of cameras that do not fire together: each belongs to the anchor's image that is nearest in time."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from mmbench.errors import UserError

Image = TypeVar("Image")


def seconds(sample: str) -> float | None:
    """The time that names a sample, ``1305031102.175304`` or ``kitchen/1305031102.175304``; None for another name."""
    try:
        made = float(sample.rpartition("/")[2])
    except ValueError:
        return None
    return made if 0 <= made < float("inf") else None


def are_stamps(samples: Iterable[str]) -> bool:
    """Whether all names are times with a fraction, by which nothing else is numbered."""
    return all("." in sample.rpartition("/")[2] and seconds(sample) is not None for sample in samples)


def by_time(images: Mapping[str, Mapping[str, Image]], anchor: str, most: float) -> dict[str, dict[str, Image]]:
    """The same images, those of other modalities under the name of an anchor's image at most ``most`` seconds away.

    In each subfolder the nearest two come together first, and each image belongs to one of the other modality at most.
    What has no partner keeps its name.

    Args:
        images: modality -> sample -> image; the samples' names are seconds.

    Raises:
        UserError: a name is no number.
    """
    times = {name: {sample: _time(sample) for sample in of} for name, of in images.items()}
    there: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for sample, time in times[anchor].items():
        there[sample.rpartition("/")[0]].append((time, sample))
    for stamps in there.values():
        stamps.sort()
    made = {name: dict(of) for name, of in images.items()}
    for name in images.keys() - {anchor}:
        pairs = []
        for sample, time in times[name].items():
            stamps = there[sample.rpartition("/")[0]]
            place = bisect_left(stamps, (time - most, ""))
            while place < len(stamps) and stamps[place][0] <= time + most:
                pairs.append((abs(stamps[place][0] - time), stamps[place][1], sample))
                place += 1
        partners: dict[str, str] = {}
        taken: set[str] = set()
        for _, central, sample in sorted(pairs):
            if sample not in partners and central not in taken:
                partners[sample] = central
                taken.add(central)
        named = {partners.get(sample, sample): image for sample, image in images[name].items()}
        made[name] = dict(sorted(named.items()))
    return made


def _time(sample: str) -> float:
    time = seconds(sample)
    if time is None:
        raise UserError(f"nearest: the name {sample!r} is no time in seconds, such as 1305031102.175304")
    return time
