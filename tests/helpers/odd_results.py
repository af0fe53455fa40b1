"""A seeded generator of results that are malicious or damaged: finished cells in which one thing each is another."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

NASTY = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a|b", "line\nbreak", "\\input{/etc/passwd}",
    "$\\frac{$", "{open", '=HYPERLINK("http://x","y")', "+1+cmd", "@sum", "\x1b]0;owned\x07\x1b[31mred", "\x9b31m",
    "javascript:alert(1)", "![x](http://x/y.png)", "[x](http://x)", "\u202egnp.exe", "\u2028x", "\ud800", "\x00", "",
    "../../../escape", "x" * 3000,
)  # fmt: skip
ODD: tuple[Any, ...] = (
    *NASTY, None, True, -1, 10**400, float("inf"), float("nan"), [], {}, [1, 2], {"a": 1}, [[[]]], "3", -0.0, 1e-320,
)  # fmt: skip
CONTENTS = (
    b"[" * 200_000, b'{"a":' * 200_000, b'{"a": ' + b"9" * 100_000 + b"}", b"\xef\xbb\xbf{}", b"[1]", b"null", b"",
    b"\xff",
    '{"rows": []}'.encode("utf-16"), b"{}", b'{"rows": "abc"}', b'{"key": 1, "rows": [1]}',
)  # fmt: skip


def odd_results(good: Mapping[str, Any], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """File names (mostly ``result.json``) and contents; ``good`` is the result that they were."""
    chance = random.Random(seed)
    for _ in range(count):
        kind = chance.choice(("value", "value", "value", "key", "lacking", "content", "many"))
        made = copy.deepcopy(dict(good))
        if kind == "content":
            yield chance.choice(("result.json", "cell.json", "failed.json")), chance.choice(CONTENTS)
            continue
        place, key = _somewhere(made, chance)
        if kind == "value":
            place[key] = chance.choice(ODD)
        elif kind == "key" and isinstance(key, str):
            place[chance.choice(NASTY)] = place.pop(key)
        elif kind == "lacking":
            del place[key]
        elif kind == "many":
            chance.choice(made["rows"])["metrics"] |= {f"iou/c{number}": 1.0 for number in range(10_000)}
        yield "result.json", json.dumps(made).encode()


def _somewhere(value: Any, chance: random.Random) -> tuple[Any, Any]:
    """A dictionary or list inside a value, and one of its keys."""
    while True:
        key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.2:
            return value, key
        value = inner
