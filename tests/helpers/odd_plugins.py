"""A seeded generator of plug-in files, each odd in one way: what no command that does not name them may mind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

METHOD = {
    "NAME": '"{name}"', "TITLE": '"Odd {name}"', "CLASS": '"C"', "ACCESS": '"seen-groups"', "GROUP": '"zero-pair"',
    "KINDS": '("cross-modal",)', "CITATION": '"nobody"', "SETTINGS": '{{"a": 1}}',
    "STAGES": '[{{"name": "train", "share": 1.0, "lr": 1e-3}}]',
}  # fmt: skip
CARDS = {
    "methods": METHOD,
    "datasets": {"NAME": '"{name}"', "TITLE": '"Odd"', "CLASS": '"C"', "KIND": '"cross-modal"', "SOURCE": '"x"'},
    "reports": {"NAME": '"{name}"', "TITLE": '"Odd"'},
    "metrics": {"NAME": '"{name}"', "TITLE": '"Odd"', "KINDS": '("rgb",)', "SCORES": "()"},
}
# Literals that no card may have, whatever their name; {name} is the file's.
VALUES = (
    "3",
    "-1.5",
    "None",
    "True",
    "b'x'",
    "()",
    "[]",
    "{{}}",
    "[[1]]",
    "[None]",
    "{{1: 2}}",
    "{{'x': 3}}",
    "{{'x': {{}}}}",
    "''",
    "' '",
    "'../../../{name}'",
    "'/{name}'",
    "'.'",
    "'..'",
    "'a/b'",
    "'a\\\\b'",
    "'a,b'",
    "'all'",
    "'-x'",
    "'.x'",
    "'a\\x00b'",
    "'a\\x1b[31mb'",
    "'\\u202eb'",
    "'\\ud800'",
    "'a\\nb'",
    "'a b'",
    "'x' * 1",
    "'" + "x" * 300 + "'",
    "'{name}'",
    "'mmnet'",
    "...",
    "1e999",
    "'CON:'",
    "'a*'",
    "9" * 5000,
)
SOURCES = (
    b"def (:\n",
    b"NAME = 'x'\n\0\n",
    "NAME = 'x'  # caf\xe9\n".encode("latin-1"),
    b"\xff\xfe\x00",
    b"",
    b"NAME",
    b"NAME = 'odd-x'\nT = {[1]: 2}\n",
    b"NAME = 'odd-x'\nD = " + b"-" * 9000 + b"1\n",
    b"NAME = 'odd-x'\nD = " + b"[" * 300 + b"]" * 300 + b"\n",
    b"NAME = 'odd-x'\nD = " + b"1+" * 9000 + b"1\n",
    b"\xef\xbb\xbfNAME = 'odd-bom'\n",
    b"NAME = NAME = 'odd-x'\n" * 3,
    b"NAME: str = 'odd-x'\nNAME = 4\n",
)
BODIES = (
    "raise RuntimeError('at import')",
    "raise SystemExit(0)",
    "class E(BaseException): ...\nraise E",
    "import no_such_module",
    "class E(Exception):\n    def __str__(self): raise RuntimeError\nraise E",
    "def build(a, b): return [3, None]",
    "def build(a, b): raise SystemExit(0)",
    "def build(a, b): return None",
    "build = 3",
    "class C: ...",
    "def build(a, b):\n    class E(BaseException): ...\n    raise E",
    "import sys; sys.modules.clear",
)
TOMLS = (
    "variants = 3",
    "[variants]\nx = 3",
    "[variants.x]\na = 3",
    "[variants.'../x']\ntitle = 'x'",
    "[variants.x]\ntitle = 4",
    "[variants.mmnet]\ntitle = 'x'",
    "settings = 3",
    "stage = []",
    "choices = {a = 3}",
    "ranges = {a = 3}",
    "[settings]\na = 'x'\n[ranges]\na = [2, 1]",
    "[settings]\nb = 'x'\n[ranges]\nb = [0, 1]",
    "schedules = 3",
    "[schedules]\nx = 3",
    "[[schedules.default]]\nlr = 1",
    "when = 3",
    "[[when]]\nscale = 'huge'",
    "suites = 'x'",
    "suites = [3]",
    "[[",
    "# caf\xe9",
    "a = " + "[" * 3000,
    "[settings]\na = 1\nschedule = 'none'",
    "[variants.x]\nparent = 'x'",
    "[variants.x]\nkinds = 8",
)
PROFILES = (
    "",
    "scale = 3",
    "[",
    "title = []",
    "scale = 'small'\nsize = -1",
    "kind = 3",
    "name = 'x'",
    "a = " + "[" * 3000,
)


def odd_plugins(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Paths below a folder of plug-ins, and contents; a path may come with its TOML before it."""
    chance = random.Random(seed)
    for number in range(count):
        folder, stem = chance.choice(list(CARDS)), f"odd_{number}"
        kind = chance.choice(("value", "value", "value", "lacking", "source", "body", "toml", "parent", "profile"))
        card = {key: value.format(name=f"odd-{number}") for key, value in CARDS[folder].items()}
        if kind == "value":
            key = chance.choice(
                [*card, "VARIANTS", "SETTINGS", "CHOICES", "SUITES", "PARENT", "IN_ALL", "COST", "KIND"]
            )
            card[key] = chance.choice(VALUES).format(name=f"odd-{number}")
        elif kind == "lacking":
            del card[chance.choice(list(card))]
        text = "".join(f"{key} = {value}\n" for key, value in card.items()).encode("utf-8", "surrogatepass")
        if kind == "source":
            text = chance.choice(SOURCES)
        elif kind == "body":
            text += chance.choice(BODIES).encode()
        elif kind == "parent":
            folder, parent = "methods", chance.choice((f"odd-{number}", "nobody", "odd-0", "oracle"))
            text = "".join(f"{k} = {v.format(name=f'odd-{number}')}\n" for k, v in METHOD.items()).encode()
            text += f"PARENT = {parent!r}\n".encode()
        elif kind == "toml":
            folder = "methods"
            text = "".join(f"{k} = {v.format(name=f'odd-{number}')}\n" for k, v in METHOD.items()).encode()
            yield f"methods/{stem}.toml", chance.choice(TOMLS).encode("latin-1")
        elif kind == "profile":
            yield f"profiles/{stem}.toml", chance.choice(PROFILES).encode()
            continue
        yield f"{folder}/{stem}.py", text


def write_odd_plugins(root: Path, count: int, seed: int) -> None:
    """Write them, and beside them a folder and a pipe's name where a file is expected."""
    for name, content in odd_plugins(count, seed):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (root / "methods" / "folder.py").mkdir(parents=True)
    (root / "methods" / "dangling.py").symlink_to(root / "nowhere.py")
    (root / "methods" / "circle.py").symlink_to(root / "methods" / "circle.py")
