"""What the contract tests of methods share: the methods of the catalog, by the kind of task that they can do."""

from __future__ import annotations

from mmbench.plugins import catalog

CARDS = {
    name: card for name, card in catalog.cards("methods").items() if card.get("ROLE") != "judge" and not card.problem
}
METHODS = [name for name, card in CARDS.items() if "cross-modal" in card["KINDS"]]
CHILDREN = [name for name in METHODS if CARDS[name].get("PARENT")]
CROSS_CHANNEL = [name for name, card in CARDS.items() if "cross-channel" in card["KINDS"]]
CROSS_DOMAIN = [name for name, card in CARDS.items() if "cross-domain" in card["KINDS"]]
