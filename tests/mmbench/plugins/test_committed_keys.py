"""Keys of some cells as they were: who changes none of what a result depends on finds every finished cell again.

Where one of these methods, the embedded rooms or the protocol's number change, so do the keys, and here they are
renewed with them.
"""

from __future__ import annotations

from pathlib import Path

from mmbench.planning.plan import make_plans
from mmbench.plugins import protocol

KEYS = {
    "mmnet": "4364f5f7d063ead7",
    "mmnet-pp": "2374dcc1d9ce0a41",
    "cyclegan": "698152a0a9cba78e",
    "oracle": "e566294291d5cfee",
    "prior": "9fe129497bcb36eb",
}


def test_keys_are_the_committed_ones(tmp_path: Path) -> None:
    (plan,) = make_plans(list(KEYS), ["synthetic"], "smoke", [0], tmp_path)
    assert {cell.method: cell.key for cell in plan.cells} == KEYS


def test_no_key_follows_how_cells_are_run() -> None:
    assert not [path for path in protocol.files() if path.parent.name in ("ranks", "launching")]
