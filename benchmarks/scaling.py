"""How many networks and parameters N domains need: ``python -m benchmarks.scaling`` writes ``reports/scaling.csv``.

The methods' real modules at the papers' size (128 x 128, tables A.7-A.9), built on torch's meta device, which holds
shapes and no numbers. A CycleGAN generator counts as one encoder and one decoder, and so does a generator that all
domains share.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import permutations
from pathlib import Path

import pandas as pd
import torch
from mmbench.reports import scaling_figure

from mmbench.method import Context, Method
from mmbench.modality import Rgb
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.reporting import Figure
from mmbench.store.files import write_bytes
from mmbench.task import Group, Task, Translation

NUMBERS = (*range(2, 12), 20)
TARGET = Path(__file__).parents[1] / "reports" / "scaling.csv"
SAME = "pairwise-same"
METHODS = {
    "mmnet-domains": "mmnet-domains",
    SAME: "mmnet-domains",
    "cyclegan-pairwise": "cyclegan-domains",
    "cyclegan-anchor": "cyclegan-anchor",
    "stargan": "stargan",
    "sdit": "sdit",
    "munit": "munit",
    "icgan": "icgan",
    "dcn": "dcn",
    "router": "router-indirect",
    "frozen-features": "frozen-features",
    "pseudo-label": "pseudo-label",
}
"""Row name -> the method that is built.

``pairwise-same`` is what the papers compare with: an encoder, decoder and discriminator of tables A.7-A.9 for each of
the N (N - 1) translations. It is counted from those of N domains, which M&MNets have once each.
"""

OF_MODALITIES = ("dcn", "router", "frozen-features", "pseudo-label")
"""Methods that learn from pairs with the anchor and have no discriminator: counted for N modalities of three channels,
of which the pairs without the anchor are unseen, from three on.
"""
SAME_FAMILY = {"family": "residual"}  # M&MNets' networks over domains, for those that have M&MNets' networks


@dataclass(frozen=True)
class Count:
    """What one method has for N domains; ``parameters`` counts what is shared once."""

    method: str
    domains: int
    encoders: int
    decoders: int
    discriminators: int
    parameters: int


def count(row: str, domains: int) -> Count:
    """Build a method for so many domains and count its networks."""
    with torch.device("meta"):
        method = build(METHODS[row], domains, row in OF_MODALITIES)
    roles = method.networks()

    def of(*kinds: str) -> int:
        return sum(role.split("/")[0] in kinds for role in roles)

    parameters = sum(parameter.numel() for parameter in method.parameters())
    if row == SAME:
        translations = domains * (domains - 1)
        return Count(row, domains, *3 * (translations,), parameters // domains * translations)
    return Count(
        row, domains, of("encoder", "teacher_encoder", "generator", "translator"),
        of("decoder", "teacher_decoder", "generator", "translator"), of("discriminator"), parameters,
    )  # fmt: skip


def numbers_of(row: str) -> tuple[int, ...]:
    """The numbers of domains that a method is counted for."""
    return NUMBERS[1:] if row in OF_MODALITIES else NUMBERS


def build(name: str, domains: int, of_modalities: bool = False) -> Method:
    """A method over domains or modalities ``d0`` (the anchor), ``d1``, ..."""
    names = [f"d{number}" for number in range(domains)]
    task = Task(
        name="domains",
        kind="cross-domain",
        modalities=tuple(Rgb(domain) for domain in names),
        anchor="d0",
        groups=(Group(("d0",)),),
        unseen=tuple(Translation((a,), b) for a, b in permutations(names[of_modalities:], 2)),
    )
    card = catalog.find("methods", name)
    profile = config.profile("paper", "cross-domain")
    settings = config.resolve(card, profile, "cross-domain", SAME_FAMILY if of_modalities else {}).settings
    method: Method = catalog.load(card, card["CLASS"])(Context(task, profile.size, profile.network, settings))
    return method


def main(arguments: Sequence[str] | None = None) -> None:
    """Count for N = 2 to 11 and 20 and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument("--figure", type=Path, help="draw what was counted into this PNG too")
    options = parser.parse_args(arguments)
    with options.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Count)])
        for row in METHODS:
            writer.writerows(astuple(count(row, number)) for number in numbers_of(row))
    if options.figure:
        canvas = scaling_figure.draw(pd.read_csv(options.out))
        write_bytes(options.figure, Figure("scaling", scaling_figure.TITLE, canvas).png())
    print(f"{options.out}: {len(METHODS)} methods, {len(NUMBERS)} numbers of domains")


if __name__ == "__main__":
    main()
