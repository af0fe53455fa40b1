"""How files are read, as the options of ``translate`` state it over what a cell records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmbench.errors import UserError, did_you_mean
from mmbench.modality import Modality
from mmbench.modality.reading import KINDS, Reading, as_written
from mmbench.planning.overrides import value_of

WRITTEN = "written"


def readings(
    items: Sequence[str], modalities: Mapping[str, Modality], recorded: Mapping[str, Reading], unit: str | None = None
) -> dict[str, Reading]:
    """What is recorded, changed by ``depth.unit=millimetre``, ``nir.range=[0, 4095]``, ``depth=written`` and the like.

    A modality of which nothing is recorded starts from mmbench's own form.

    Args:
        unit: of every modality that has one.

    Raises:
        UserError: an unknown modality or key, or a value that does not fit; names the option.
    """
    made = dict(recorded)
    for item in items:
        where = f"--read {item}"
        left, equals, text = item.partition("=")
        name, dot, key = left.strip().partition(".")
        if name not in modalities:
            raise UserError(f"{where}: no modality named {name!r}{did_you_mean(name, modalities)}")
        modality = modalities[name]
        keys = KINDS[modality.kind].keys
        if not dot and text.strip() == WRITTEN:
            made[name] = as_written(modality)
            continue
        if not equals or key not in keys:
            raise UserError(f"{where}: expected {hint(modality)}{did_you_mean(key, keys)}")
        reading = made.get(name) or as_written(modality)
        made[name] = reading.changed(key, value_of(text, where), modality, where)
    for name, modality in modalities.items():
        if unit is not None and "unit" in KINDS[modality.kind].keys:
            reading = made.get(name) or as_written(modality)
            where = f"--depth-unit {unit}"
            made[name] = reading.changed("unit", value_of(unit, where), modality, where)
    return made


def hint(modality: Modality) -> str:
    """The options that say how files of a modality are read."""
    example = KINDS[modality.kind].example
    more = f", or what is true of yours, such as --read {modality.name}.{example}" if example else ""
    return f"--read {modality.name}={WRITTEN} for the form that translate writes{more} (docs/translate.md)"
