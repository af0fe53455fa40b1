"""The model card of a packed cell: Markdown, headed by what the Hugging Face hub reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mmbench.given.texts import markdown, shown
from mmbench.modality import Modality
from mmbench.plugins import catalog, metrics
from mmbench.plugins.catalog import Card
from mmbench.task import Task

UNKNOWN = "not recorded"


def written(about: Mapping[str, Any], task: Task, digests: Mapping[str, tuple[int, str]]) -> str:
    """The card.

    Args:
        about: what is packed, see :func:`mmbench.inference.packed.content`.
        digests: size and SHA-256 of the files beside it, by name.
    """
    method, data = _card("methods", about["method"]), _card("datasets", about["dataset"])
    title = f"{about['title']} on {data.get('TITLE', about['dataset'])}"
    files = {f"`{name}`": f"{size} bytes, SHA-256 {digest}" for name, (size, digest) in digests.items()}
    parts = [
        _head(about, task),
        f"# {markdown(title)}",
        _what(about, task, method),
        f"## Use\n\n{_use(about)}",
        f"## Scores\n\n{_scores(about, task)}",
        f"## Data\n\n{_lines(_data(about, data))}",
        f"## Training\n\n{_lines(_training(about))}",
        f"## Intended use and limits\n\n{_limits(about)}",
        f"## Files\n\n{_lines(files)}",
    ]
    return "\n\n".join(parts) + "\n"


def _head(about: Mapping[str, Any], task: Task) -> str:
    outputs = sorted((task.modality(row["output"]) for row in about["rows"]), key=lambda modality: modality.rank)
    pipeline = outputs[0].hub_task if outputs else "image-to-image"
    tags = ["mmbench", "image-to-image-translation", about["method"], *(m.name for m in task.modalities)]
    listed = "\n".join(f"- {json.dumps(shown(str(tag)))}" for tag in dict.fromkeys(tags))
    return f"---\nlibrary_name: mmbench\npipeline_tag: {pipeline}\ntags:\n{listed}\n---"


def _what(about: Mapping[str, Any], task: Task, method: Card | Mapping[str, Any]) -> str:
    size = about["profile_values"]["size"]
    modalities = "; ".join(f"{m.name} ({_form(m)})" for m in task.modalities)
    cited = method.get("CITATION", "")
    text = (
        f"A network of {about['parameters']:,} parameters that translates images of {size} x {size} pixels between "
        f"modalities, trained and scored by mmbench: {markdown(modalities)}."
    )
    return text + (f" Method: {markdown(cited)}." if cited else "")


def _form(modality: Modality) -> str:
    if modality.legend:
        return f"{len(modality.legend)} classes and void: {', '.join(name for name, _ in modality.legend)}"
    return modality.values


def _use(about: Mapping[str, Any]) -> str:
    row = next(iter(about["rows"]), {"inputs": "rgb", "output": "depth"})
    inputs = row["inputs"].replace("+", ",")
    files = " ".join(f"{name}.png" for name in inputs.split(","))
    return (
        "```sh\n"
        f"python -m mmbench translate --run THIS_FOLDER --from {inputs} --to {row['output']} {files} --out made\n"
        f"python -m mmbench export THIS_FOLDER --from {inputs} --to {row['output']}   # one ONNX file\n```\n\n"
        "```python\nimport mmbench\n\ntranslator = mmbench.load_translator('THIS_FOLDER')  # or 'owner/name' of a hub\n"
        f"translator.translations  # what it was scored on\n```\n\nmmbench {about['hardware']['packages']['mmbench']} "
        "made this folder; the code of the method comes from the mmbench that is installed, nothing here is run."
    )


def _scores(about: Mapping[str, Any], task: Task) -> str:
    """A table of each translation's main numbers, the first of those that differ only in weights."""
    lines, seen = ["| translation | scores |", "|---|---|"], set()
    known = metrics.load_metrics()
    for row in about["rows"]:
        name = " -> ".join(filter(None, (row["inputs"], row["via"], row["output"])))
        name += f", {row['bn']} BN statistics" if row["bn"] != "trained" else ""
        if name not in seen:
            seen.add(name)
            numbers = _numbers(row, task.modality(row["output"]), known)
            lines.append(f"| {markdown(name)} | {markdown('; '.join(numbers)) or '-'} |")
    test = about["split_sizes"].get("test", UNKNOWN)
    return "\n".join(lines) + f"\n\nOn {test} test images, by one network of seed {about['seed']}: no spread is known."


def _numbers(row: Mapping[str, Any], modality: Modality, known: Mapping[str, Any]) -> Iterator[str]:
    for metric in metrics.scoring(known, modality).values() if modality.metric in known else ():
        for score in metric.scores:
            value = row["metrics"].get(score.key)
            if isinstance(value, int | float):
                unit = f" {score.unit}" if score.unit not in ("", "share") else ""
                yield f"{score.header}: {value:{score.spec}}{unit}"


def _data(about: Mapping[str, Any], card: Card | Mapping[str, Any]) -> dict[str, str]:
    sizes = about["split_sizes"]
    split = ", ".join(
        f"{part}: {sizes.get(part)} images, hash {digest}" for part, digest in about["split_hashes"].items()
    )
    embedded = card.get("NEEDS_ROOT") is False
    terms = "rendered by mmbench itself (MIT)" if embedded else UNKNOWN
    return {
        "data set": f"{about['dataset']}" + (f", {card.get('TITLE')}" if card.get("TITLE") else ""),
        "source": card.get("SOURCE", "embedded in mmbench" if embedded else UNKNOWN),
        "citation": card.get("CITATION", UNKNOWN),
        "terms of the data": card.get("TERMS", terms),
        "split": split,
        "content": f"digest {about['manifest']}",
    }


def _training(about: Mapping[str, Any]) -> dict[str, str]:
    hardware, profile = about["hardware"], about["profile_values"]
    packages = ", ".join(f"{name} {version}" for name, version in hardware["packages"].items() if version)
    changed = {key: value for part in about["changed"].values() for key, value in part.items()}
    return {
        "profile": f"{profile['name']}: {profile['steps']} steps of batches of {profile['batch']}",
        "changed settings": ", ".join(f"{key} = {value}" for key, value in changed.items()) or "none",
        "seed": str(about["seed"]),
        "pretrained weights": _pretrained(about["pretrained"]),
        "commit of mmbench": about["commit"] or UNKNOWN,
        "key of the result": about["key"],
        "hardware": f"{hardware['gpu'] or hardware['cpu']}, {hardware['precision']}, {hardware['system']}",
        "packages": f"python {hardware['python']}, {packages}",
        "time": f"{about['timing']['seconds']:.0f} s",
    }


def _pretrained(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value.get('file', 'a file')}, SHA-256 {value.get('sha256', UNKNOWN)}"
    return "ImageNet" if value else "none"


def _limits(about: Mapping[str, Any]) -> str:
    size = about["profile_values"]["size"]
    return (
        "Made to compare methods of zero-pair image translation. It knows images of the kind that it was trained on, "
        f"at {size} x {size} pixels, and says little about others; only the test images above were looked at. Not for "
        "decisions about people, and not where a wrong depth or class does harm. Who shares it states a licence for "
        "the weights, in keeping with the terms of the data; mmbench's code is under MIT."
    )


def _card(folder: str, name: str) -> Card | Mapping[str, Any]:
    """A plug-in's card; nothing where it is not installed, as of a folder of own images."""
    return catalog.cards(folder).get(name, {})


def _lines(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {markdown(str(value))}" for name, value in facts.items())
