"""A complete description as the text of a commented ``dataset.toml``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from mmbench.colours import colour_codes, colour_of
from mmbench.modality.reading import UNITS

from .description import Depth, Description, Scalar, Segmentation
from .discover import plural
from .files import Files
from .look import Labels, Look, shares

HEAD = """\
# A data set for mmbench, written from what was found in this folder. Change what was guessed wrong, then
#   python -m mmbench data verify THIS_FOLDER
# A key that is taken out is found in the images again.
"""
SCENE = """
# Regular expression on a sample's name; its first group names the scene. Images of one scene (room, video, drive) are
# never in two parts of the split: without it, frames of one video in training and in test make every number too good.
# For kitchen_01_0007 and kitchen_01_0008 to be one scene: scene = '^(.*)_[0-9]+$'
"""
SPLIT = """
# Shares of the samples that have every modality (of all samples where each group has some of its own), drawn by a hash
# of the scene. Instead of a share: a list of samples, the name of a text file with one sample per line, or a subfolder
# such as "val/".
[split]
"""


def write(about: Description, look: Look) -> str:
    """The text; reading it gives the same description."""
    files = look.files
    parts = [HEAD, _found(about, files)]
    parts.append("\n# The modality in every group.\n" + _line("anchor", about.anchor))
    parts.append(
        "\n# What training may see together. Translations between modalities of different groups are unseen.\n"
    )
    parts.append(_line("groups", list(about.groups)))
    parts.append(SCENE + (_line("scene", about.scene) if about.scene else "# scene = ''\n"))
    if about.nearest:
        parts.append("\n# Names are times; seconds by which those of one sample may differ.\n")
        parts.append(_line("nearest", about.nearest))
    parts.append(SPLIT + _line("test", about.split.test) + _line("validation", about.split.validation))
    lists = (
        [f"[split.train]  # the samples of each group, as above\n{_lines(about.split.train)}"]
        if about.split.train
        else []
    )
    parts += lists or [
        '# train."rgb+depth" = "train_rgb_depth.txt"   # lists for training groups too, if you have them\n'
    ]
    for name, table in about.modalities.items():
        images = files.images[name].values()
        size = sum(image.size for image in images) / 1e6
        parts.append(f"\n# {plural(len(images), 'image')}, {size:.1f} MB, such as {next(iter(images)).path}\n")
        parts.append(f"[modalities.{name}]\n{_line('folder', table.folder)}{_line('kind', table.kind)}")
        if table.pattern:
            parts.append("# On a file's name without the ending; its first group names the sample.\n")
            parts.append(_line("pattern", table.pattern))
        if isinstance(table, Depth):
            parts.append(_depth(name, table, look))
        elif isinstance(table, Segmentation):
            parts.append(_segmentation(name, table, look))
        elif isinstance(table, Scalar):
            seen = look.values(name, table)
            parts.append(
                f"# In the files: {seen.dtype} from {seen.low:g} to {seen.high:g}. What becomes -1 and 1.\n"
                f"{_line('range', _short(table.range))}"
                f"# Whether values beyond become the nearer of them; else they are an error that names the file.\n"
                f"clip = {json.dumps(table.clip)}\n"
            )
    return "".join(parts)


def _found(about: Description, files: Files) -> str:
    """Samples by what they hold, and files without a partner."""
    anchor = files.images[about.anchor]
    used = list(about.modalities)
    counts: dict[tuple[str, ...], int] = {}
    for sample in anchor:
        held = tuple(name for name in files.holds(sample) if name in used)
        counts[held] = counts.get(held, 0) + 1
    lines = ["# Samples with"]
    lines += [f"#   {' + '.join(held)}: {count}" for held, count in sorted(counts.items(), key=lambda item: -item[1])]
    alone = [image.path for name in used for sample, image in files.images[name].items() if sample not in anchor]
    if alone:
        lines.append(f"# Not used: {plural(len(alone), 'file')} without {about.anchor}, such as {alone[0]}")
    return "\n".join(lines) + "\n"


def _depth(name: str, table: Depth, look: Look) -> str:
    seen = look.values(name, table)
    low, middle, high = seen.low, seen.quantiles[1], seen.high
    return (
        f"# In the files: {seen.dtype} from {low:g} to {high:g}, median {middle:g}. With this unit that is "
        f"{low * table.metres:.3g} to {high * table.metres:.3g} m, median {middle * table.metres:.3g} m.\n"
        f"# One of {', '.join(UNITS)}, or a number of metres per count.\n{_line('unit', table.unit)}"
        f"# The value where nothing was measured (or a list).\n{_line('invalid', _short(table.invalid))}"
        f"# Metres; a pixel beyond is an error that names the file. 0: no limit.\n{_line('far', table.far)}"
        "# Metres; a network sees (depth - centre) / scale. Found: the median and half of the 5 to 95 % range.\n"
        f"{_line('centre', table.centre)}{_line('scale', table.scale)}"
    )


def _segmentation(name: str, table: Segmentation, look: Look) -> str:
    seen = look.labels(name, table)
    codes = table.ids or colour_codes(table.palette).tolist()
    parts = shares(seen.pixels, codes)
    rows = [
        f"    {_value(label)},  # {_called(code, seen)}: {parts[code]:.1f} % of the labelled pixels, "
        f"in {seen.images[code]} of {plural(seen.looked, 'image')}\n"
        for label, code in zip(table.classes, codes, strict=True)
    ]
    lines = ["# Names of the classes, at most 255. Void is none of them.\nclasses = [\n", *rows, "]\n"]
    if table.ids:
        lines.append(f"# The value of each class in the files, in this order.\n{_line('ids', list(table.ids))}")
        lines.append("# Colours of the classes, for pictures only.\n")
    else:
        lines.append("# The colour of each class in the files, in this order.\n")
    lines.append(_line("palette", [list(colour) for colour in table.palette]))
    void = [value if isinstance(value, int) else list(value) for value in table.void]
    lines.append(
        "# Values of pixels that belong to no class; often 0 or 255, or black. They carry no loss, no metric.\n"
    )
    return "".join([*lines, _line("void", void)])


def _called(code: int, seen: Labels) -> str:
    return str(colour_of(code)) if seen.colour else f"id {code}"


def _short(values: tuple[float, ...]) -> Any:
    """Whole numbers without a point; a single value without brackets."""
    plain = [int(value) if value.is_integer() else value for value in values]
    return plain[0] if len(plain) == 1 else plain


def _lines(values: Any) -> str:
    return "".join(_line(json.dumps(key, ensure_ascii=False), value) for key, value in values.items())


def _line(key: str, value: Any) -> str:
    return f"{key} = {_value(value)}\n"


def _value(value: Any) -> str:
    """A value in TOML; JSON's strings, numbers and lists are TOML's."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Iterable):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)
