"""Keys of some cells as they were: who changes none of what a result depends on finds every finished cell again.

Where one of these methods, the embedded rooms or the protocol's number change, so do the keys, and here they are
renewed with them.
"""

from __future__ import annotations

from pathlib import Path

from mmbench.planning.plan import make_plans
from mmbench.plugins import protocol

KEYS = {
    "mmnet": "a50bdd008367aaff",
    "mmnet-pp": "d424341c537cafc3",
    "cyclegan": "bdd71d210baddbd6",
    "oracle": "acd091415e3c11d4",
    "prior": "2ca224b9c6630523",
}


def test_keys_are_the_committed_ones(tmp_path: Path) -> None:
    (plan,) = make_plans(list(KEYS), ["synthetic"], "smoke", [0], tmp_path)
    assert {cell.method: cell.key for cell in plan.cells} == KEYS


def test_no_key_follows_how_cells_are_run() -> None:
    assert not [path for path in protocol.files() if path.parent.name in ("ranks", "launching")]
