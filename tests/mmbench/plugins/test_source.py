"""The canonical form of source code: the same under every Python, and another for other code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mmbench.plugins.source import code_digest

ROOT = Path(__file__).parents[3]
FOLDERS = ("mmbench", "methods", "datasets", "reports", "tests", "benchmarks")

# Pieces of code whose trees Pythons make differently, or could.
PIECES = {
    "plain f-string": 'x = f"a{b}c"',
    "empty f-strings": 'x = f"", f"" "", "" f"{y}" ""',
    "joined": 'x = "a" f"{b}" "c" f"d" "e"',
    "nested format": 'x = f"{value!r:>{width}.{digits}f}{other:{fill}{align}}"',
    "named character in a format": r'x = f"{number:\N{FIGURE SPACE}>2}"',
    "escape in a format": r'x = f"{number:\t>2}"',
    "empty format": 'x = f"{y:}{z!s:}"',
    "self-documenting": 'x = f"{y=}{ z = !s:^9}"',
    "braces": 'x = f"{{}}{a}{{{b}}}"',
    "raw": r'x = rf"\d{y}\n" + rb"\x00" ' "",
    "f-string in many lines": 'x = f"""{\n    y\n}\n  {z:%Y-%m-%d}"""',
    "lambda in an f-string": 'x = f"{(lambda y: y)}"',
    "match": """
match point:
    case None | True | 1 | -1.5 | "a" | b"a":
        pass
    case [1, *rest] | (1, 2):
        pass
    case {"x": 1, **rest} if rest:
        pass
    case Point(x=0, y=str() as name):
        pass
    case _:
        pass
""",
    "walrus": "if (n := len(a)) > 10 and [y := 1, y**2]: pass",
    "type hints": "def f(a: int, /, b: 'str' = ..., *c: *Ts, d: list[int] | None = 1, **e) -> dict[str, int]: x: int",
    "decorators": "@a\n@b.c(d=1)\nclass X(Y, metaclass=Z):\n    @property\n    def f(self): return self",
    "async": "async def f():\n  async with a as b, c: pass\n  async for x in y: await x\n  return [z async for z in w]",
    "nested constants": "x = ((1, 2.5, -0.0, 1e999, 3j), (None, True, ...), [[], {}], b'\\xff', 'é\\u2007\\U0001f600')",
    "big integers": f"x = 0x{'f' * 6000}",
    "exceptions": "try:\n    pass\nexcept* (A, B) as e:\n    raise C from e\nelse:\n    pass\nfinally:\n    pass",
    "calls": "f(*a, b, c=d, **e)[1:2, ::3, ..., *g] = {**h, i: j}",
    "names": "def größe(ﬁ): global a, b; del größe",
    "a sum of very many terms": "x = " + " + ".join(["a"] * 1500),
}

SCRIPT = """
import json, sys
from mmbench.plugins.source import code_digest
json.dump([code_digest(text) for text in json.load(sys.stdin)], sys.stdout)
"""


def texts() -> dict[str, str]:
    """All source files of the repository, and the pieces."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return {**{str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}, **PIECES}


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python_has_the_same_digests(version: str) -> None:
    """Run by another Python without any package; this one has 3.11's or later's."""
    python = shutil.which(f"python{version}")
    # A version manager's launcher may stand there without the Python that it would launch.
    if python is None or subprocess.run([python, "-S", "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"no python{version}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    wanted = texts()
    done = subprocess.run(
        [python, "-S", "-W", "ignore", "-c", SCRIPT],
        input=json.dumps(list(wanted.values())), capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    theirs = dict(zip(wanted, json.loads(done.stdout), strict=True))
    assert [name for name, text in wanted.items() if code_digest(text) != theirs[name]] == []


# Digests as they are for good: an edit of the canonical form would make every result there is stale.
FOR_GOOD = {
    "def f(x):\n    return x + 1\n": "8899ea4c806beec0",
    PIECES["nested format"]: "cbd0ddbff525d257",
    PIECES["nested constants"]: "12c5be3cde99fb96",
}


@pytest.mark.parametrize("piece", FOR_GOOD)
def test_the_form_itself_stays_as_it_is(piece: str) -> None:
    assert code_digest(piece)[:16] == FOR_GOOD[piece]


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ('def f():\n    """Text."""\n    return 1', 'def f():\n    """Other."""\n    return 1'),
        ('def f():\n    """Text."""\n    return 1', "def f(): return 1"),
        ('class A:\n    """Text."""\n    x = 1', "class A:\n    x = 1"),
        ('async def f():\n    "Text"\n    return 1', "async def f(): return 1"),
        ('"""Text."""\nx = 1', "x = 1  # comment"),
        ("f(a, b)", "f(\n    a,\n    b,  # why\n)"),
        ("x = 'a'", 'x = ("a")'),
        ("x = 'a' 'b'", "x = 'ab'"),
        ("x = u'a'", "x = 'a'"),
        ("x = f'a' f'b{c}' ''", "x = f'ab{c}'"),
        ("x = 1_000", "x = 0x3E8"),
        ("if a:\n  b", "if a:\n        b\n"),
    ],
)
def test_docstrings_comments_and_formatting_do_not_count(one: str, same: str) -> None:
    assert code_digest(one) == code_digest(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("x = 1", "y = 1"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 1", "x = '1'"),
        ("x = '1'", "x = b'1'"),
        ("x = None", "x = 'None'"),
        ("x = ...", "x = 'Ellipsis'"),
        ("x = 0.1", "x = 0.10000000000000002"),
        ("x = -1", "x = 1"),
        ("x = 1j", "x = 1.0"),
        ("x = a + b", "x = a - b"),
        ("x = a + b", "x = b + a"),
        ("x = a < b", "x = a <= b"),
        ("x = a is b", "x = a is not b"),
        ("x = a and b", "x = a or b"),
        ("x = (a, b)", "x = [a, b]"),
        ("x = [[a], b]", "x = [[a, b]]"),
        ("x = []", "x = [None]"),
        ("f(a=b)", "f(b=a)"),
        ("f(a)", "f(*a)"),
        ("f(a, b)", "f(a); f(b)"),
        ("def f(a, b=1): pass", "def f(a=1, b=1): pass"),
        ("def f(a, *, b): pass", "def f(a, b): pass"),
        ("def f(a, /): pass", "def f(a): pass"),
        ("def f(*, a=None, b): pass", "def f(*, a, b=None): pass"),
        ("def f(): pass", "async def f(): pass"),
        ("def f(x: int): pass", "def f(x): pass"),
        ("@a\ndef f(): pass", "def f(): pass"),
        ("x[1:]", "x[:1]"),
        ("{**a}", "{None: a}"),
        ("from . import a", "from .. import a"),
        ("from .a import b", "from a import b"),
        ("import a as b", "import b as a"),
        ("x = f'{a}'", "x = f'{a!r}'"),
        ("x = f'{a}'", "x = f'{a:>2}'"),
        ("x = f'{a:>2}'", "x = f'{a:>3}'"),
        ("x = f'{a:>{b}}'", "x = f'{a:>{c}}'"),
        ("x = f'{a}b'", "x = f'{a}{b}'"),
        ("x = f'a'", "x = 'a'"),
        ("x = f'{a} {b}'", "x = f'{a}  {b}'"),
        ("x = 'a'\n'b'", "x = 'a'"),
        ("def f():\n    'text'\n    'more'", "def f():\n    'text'\n    'other'"),
        ("def f():\n    x = 1\n    'text'", "def f():\n    x = 1"),
        ("for x in y: pass", "async_for = [x for x in y]"),
        ("while a: b", "if a: b"),
        ("if a:\n    b\nc", "if a:\n    b\n    c"),
        ("if a:\n    b\nelse:\n    c", "if a:\n    b\nc"),
        ("match a:\n    case None: pass", "match a:\n    case True: pass"),
        ("match a:\n    case None: pass", "match a:\n    case _: pass"),
        ("match a:\n    case x: pass", "match a:\n    case _: pass"),
        ("return_ = yield_", "(return_ := yield_)"),
        ("x = 'Name(id='", "x = 'Name(id= '"),
    ],
)
def test_every_literal_name_and_operator_counts(one: str, other: str) -> None:
    assert code_digest(one) != code_digest(other)


def test_code_that_is_no_code_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        code_digest("def (")
