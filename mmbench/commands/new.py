"""The command ``new``: a plug-in that works, and its test, to be changed into one's own."""

from __future__ import annotations

import argparse
import keyword
import os
import re
from pathlib import Path

from mmbench.commands.arguments import read_path
from mmbench.commands.check import KINDS
from mmbench.errors import UserError
from mmbench.given.files import read_text

TEMPLATES = Path(__file__).parents[1] / "templates"
NAME, MODULE, CLASS, TITLE = "plugin-name", "plugin_name", "PluginName", "Plugin name"  # as the templates have them


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("name", help="such as my-method: a letter first, then letters, digits, - and _")
    parser.add_argument("--out", type=read_path, help="folder of plug-ins (default $MMBENCH_PLUGINS, else plugins)")
    parser.set_defaults(function=_new)


def _new(options: argparse.Namespace) -> int:
    from mmbench.plugins.catalog import PLUGINS_VARIABLE
    from mmbench.store.files import write_bytes

    named = os.environ.get(PLUGINS_VARIABLE)
    out = options.out or (read_path(named) if named else Path("plugins"))
    _check_name(options.kind, options.name)
    files = rendered(options.kind, options.name)
    for path in (out / name for name in files):
        if os.path.lexists(path):
            raise UserError(f"{path}: there already; choose another name, or another folder with --out")
    if blocked := next((folder for folder in (out, *out.parents) if folder.exists() and not folder.is_dir()), None):
        raise UserError(f"--out {out}: {blocked} is no folder; name another one")
    written: list[Path] = []
    try:
        for name, text in files.items():
            write_bytes(out / name, text.encode())
            written.append(out / name)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    for path in written:
        print(f"wrote {path}")
    print("Try it, then change it:")
    print(f"  export {PLUGINS_VARIABLE}={out.absolute()}")
    print(f"  mmbench check {options.name}")
    print(f"  {_use(options.kind, options.name)}")
    print(f"  pytest {written[-1]}")
    return 0


def rendered(kind: str, name: str) -> dict[str, str]:
    """The files of a new plug-in: path below a folder of plug-ins -> text; its test is the last one.

    Args:
        kind: one of ``KINDS``.
        name: of the plug-in, one that :func:`_check_name` lets pass.
    """
    module = _module(name)
    texts = {f"{kind}s/{module}.py": f"{kind}.py"}
    if (TEMPLATES / f"{kind}.toml").exists():
        texts[f"{kind}s/{module}.toml"] = f"{kind}.toml"
    texts[f"tests/test_{kind}_{module}.py"] = f"test_{kind}.py"
    read = {path: read_text(TEMPLATES / template) for path, template in texts.items()}
    words = {NAME: name, MODULE: module, CLASS: _class(kind, module, "".join(read.values())), TITLE: _title(module)}
    token = re.compile("|".join(map(re.escape, words)))
    return {path: token.sub(lambda found: words[found[0]], text) for path, text in read.items()}


def _check_name(kind: str, name: str) -> None:
    """Raise UserError, before anything is written, where a plug-in cannot have a name or another has it."""
    from mmbench.plugins import catalog, metrics, rules

    folder, module = f"{kind}s", _module(name)
    if not (rules.NAME.fullmatch(name) and module.isidentifier() and len(name) <= rules.LONGEST):
        raise UserError(
            f"{kind} {name!r}: expected a letter, then letters, digits, '-' and '_', at most {rules.LONGEST}: it names "
            "a Python file"
        )
    reserved = (*rules.TAKEN, *(metrics.RESERVED if folder == metrics.FOLDER else ()))
    if keyword.iskeyword(module) or name in reserved:
        whose = "Python" if keyword.iskeyword(module) else "mmbench"
        raise UserError(f"{kind} {name!r}: a word of {whose}; choose another name")
    taken = {own: f"{card.path}" for own, card in catalog.cards(folder).items()}
    if folder == metrics.FOLDER:
        scores = {score.key: of.name for of in metrics.load_metrics().values() for score in of.scores}
        taken = {key: f"a score of the metric {of!r}" for key, of in scores.items()} | taken
    if name in taken:
        raise UserError(f"{kind} {name!r}: taken by {taken[name]}; choose another name")


def _module(name: str) -> str:
    """``my-method`` is in ``my_method.py``."""
    return name.replace("-", "_")


def _class(kind: str, module: str, text: str) -> str:
    """``MyMethod``; ``BatchMethod`` where the template's text has the shorter word for something else."""
    made = "".join(word[:1].upper() + word[1:] for word in module.split("_"))
    return f"{made}{kind.capitalize()}" if keyword.iskeyword(made) or re.search(rf"\b{made}\b", text) else made


def _title(module: str) -> str:
    words = module.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _use(kind: str, name: str) -> str:
    """A command that shows what the plug-in does; a metric in a new runs folder: cells that are done get no number."""
    if kind == "method":
        return f"mmbench run --methods {name} --profile smoke"
    if kind == "dataset":
        return f"mmbench run --methods prior --dataset {name} --profile smoke"
    if kind == "metric":
        return f"mmbench run --methods prior --profile smoke --runs runs-{name}"
    return f"mmbench report {name}"
