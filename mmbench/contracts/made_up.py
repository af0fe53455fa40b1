"""Made-up data sets, one for each kind of task that the embedded set is not of."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np

from mmbench.contracts.bench import SMOKE, Bench
from mmbench.dataset import DataLimits, Dataset, Sample
from mmbench.modality import Rgb, Scalar
from mmbench.planning import config
from mmbench.planning.plan import open_dataset
from mmbench.planning.selection import EMBEDDED
from mmbench.plugins import catalog
from mmbench.task import Group, Split, Task, TaskKind, Translation
from mmbench.training import cache

SIZE = config.profile(SMOKE, "cross-domain").size
DOMAINS = ("blue", "red", "green")


class Channels(Dataset):
    """Noise as three aligned channels, of which the first is in both groups."""

    task = Task(
        name="channels",
        kind="cross-channel",
        modalities=(Scalar("theta1"), Scalar("theta2"), Rgb("theta3")),
        anchor="theta1",
        groups=(Group(("theta1", "theta2")), Group(("theta1", "theta3"))),
        unseen=(Translation(("theta2",), "theta3"),),
        seen=(Translation(("theta1",), "theta3"),),
        multi_modal=(Translation(("theta1", "theta2"), "theta3", weights=(0.5, 0.5), side_from="theta1"),),
        judged="theta3",
    )

    def split(self) -> Split:
        """Six images for each group, four for validation, six for the test."""
        ids = [str(number) for number in range(22)]
        groups = {group.name: tuple(ids[6 * n : 6 * n + 6]) for n, group in enumerate(self.task.groups)}
        return Split(groups, tuple(ids[12:16]), tuple(ids[16:]))

    def manifest(self) -> str:
        """There is nothing to name but the kind."""
        return "channels of noise"

    def sample(self, sample_id: str) -> Sample:
        """Noise that is the sample's own."""
        draw = np.random.default_rng(int(sample_id))
        grey = draw.random((2, SIZE, SIZE), dtype=np.float32) * 2 - 1
        colours = draw.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        return {"theta1": grey[0], "theta2": grey[1], "theta3": colours}


class Domains(Dataset):
    """Images such as ``red/3``, flat in a shade of their own with noise upon it."""

    task = Task(
        name="noise",
        kind="cross-domain",
        modalities=tuple(Rgb(name) for name in DOMAINS),
        anchor=DOMAINS[0],
        groups=tuple(Group((DOMAINS[0], other)) for other in DOMAINS[1:]),
        unseen=tuple(Translation((one,), two) for one, two in permutations(DOMAINS, 2) if DOMAINS[0] not in (one, two)),
        seen=tuple(Translation((one,), two) for one, two in permutations(DOMAINS, 2) if DOMAINS[0] in (one, two)),
    )

    def split(self) -> Split:
        """Each group has its own share of the anchor's images."""
        groups = {
            f"{DOMAINS[0]}+{other}": (
                f"{DOMAINS[0]}/{4 * n}", f"{DOMAINS[0]}/{4 * n + 1}", *(f"{other}/{i}" for i in range(3))
            )
            for n, other in enumerate(DOMAINS[1:])
        }  # fmt: skip
        return Split(groups, (), tuple(f"{name}/{i}" for name in DOMAINS for i in range(20, 24)))

    def manifest(self) -> str:
        """There is nothing to name but the kind."""
        return "domains of noise"

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """A sample is an image of one domain."""
        return (sample_id.split("/")[0],)

    def sample(self, sample_id: str) -> Sample:
        """A shade with noise."""
        name, number = sample_id.split("/")
        draw = np.random.default_rng([DOMAINS.index(name), int(number)])
        shade = draw.integers(0, 200, 3)
        return {name: (shade + draw.integers(0, 56, (SIZE, SIZE, 3))).astype(np.uint8)}


MADE_UP: dict[TaskKind, type[Dataset]] = {"cross-channel": Channels, "cross-domain": Domains}


def bench_of_kind(kind: TaskKind, folder: Path) -> Bench:
    """A bench for one kind of task: rooms for modalities, noise for channels and domains.

    Args:
        folder: for prepared images.
    """
    if kind not in MADE_UP:
        return bench_of_dataset(EMBEDDED, None, folder)
    dataset = MADE_UP[kind](None, DataLimits())
    ids = [sample_id for part in dataset.split().parts().values() for sample_id in part]
    return Bench(dataset, config.profile(SMOKE, kind), cache.open_cache(dataset, "made-up", ids, SIZE, folder))


def bench_of_dataset(name: str, root: Path | None, folder: Path) -> Bench:
    """A bench of a data set of the catalog.

    Raises UserError where its files are missing.
    """
    card = catalog.find("datasets", name)
    profile = config.profile(SMOKE, card["KIND"])
    dataset = open_dataset(name, profile.data, root)
    return Bench(dataset, profile, cache.open_whole(dataset, card, profile.size, folder))
