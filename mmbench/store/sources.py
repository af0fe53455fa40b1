"""Which code, data and settings finished cells were made with: those that stand in one table must agree in them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from mmbench.errors import UserError
from mmbench.plugins import catalog, keys, protocol
from mmbench.plugins.catalog import Card

Cells = Mapping[str, Mapping[str, Any]]  # <dataset>/<profile>/<method>/seed-<n> -> its result
CODE = (
    ("methods", "method", "source"),
    ("datasets", "dataset", "harness"),
)  # folder, whose, recorded as


def code_digest(cells: Cells) -> str:
    """One digest of all code that the cells record: the sources of their methods, the harness of their data sets."""
    parts = {(who, str(about.get(who)), str(about.get(what))) for about in cells.values() for _, who, what in CODE}
    return keys.digest(sorted(parts))


def made_elsewhere(cells: Cells) -> dict[str, str]:
    """Cells made with other code than there is here, each with what of it is another."""
    found, cards = {}, {folder: catalog.cards(folder) for folder, _, _ in CODE}
    here = functools.cache(lambda folder, name: present(cards[folder].get(name)))
    for name, about in cells.items():
        wrong = [
            f"{what} of {about.get(who)} {about.get(what) or 'not recorded'}, here {now or 'unknown'}"
            for folder, who, what in CODE
            if (now := here(folder, str(about.get(who)))) is None or about.get(what) != now
        ]
        if wrong:
            found[name] = "; ".join(wrong)
    return found


def contradicting(cells: Cells) -> dict[str, str]:
    """Cells that differ in code, data or settings from most of those that share them, each with in what."""
    counts: dict[str, Counter[str]] = {}
    facts = {name: _shared(name, about) for name, about in cells.items()}
    for mine in facts.values():
        for what, value in mine.items():
            counts.setdefault(what, Counter())[value] += 1
    usual = {what: values.most_common(1)[0][0] for what, values in counts.items()}
    odd = {
        name: [f"{what} {value}, of others {usual[what]}" for what, value in mine.items() if value != usual[what]]
        for name, mine in facts.items()
    }
    return {name: "; ".join(differences) for name, differences in odd.items() if differences}


def _shared(name: str, about: Mapping[str, Any]) -> dict[str, str]:
    """What a cell has in common with others, by what it is and whose."""
    method = name.rpartition("/")[0]
    where = method.rpartition("/")[0]
    data = {part: about.get(part) for part in ("manifest", "data_settings", "split_hashes")}
    return {
        **{f"{what} of {about.get(who)}": str(about.get(what)) for _, who, what in CODE},
        f"data of {where}": keys.digest(data),
        f"profile of {where}": keys.digest(about.get("profile_values")),
        f"settings of {method}": keys.digest(about.get("config")),
    }


def present(card: Card | None) -> str | None:
    """A method's ``source``, a data set's ``harness`` as they are now; None where it is gone or cannot be read."""
    if card is None or card.problem:
        return None
    try:
        return protocol.harness(card) if card.folder == "datasets" else keys.source_digest(card.path, card.module)
    except UserError:
        return None
