"""Keys of some cells as they were: who changes none of what a result depends on finds every finished cell again.

Where one of these methods, the embedded rooms or the protocol's number change, so do the keys, and here they are
renewed with them.
"""

from __future__ import annotations

from pathlib import Path

from mmbench.planning.plan import make_plans
from mmbench.plugins import protocol

KEYS = {
    "mmnet": "a2aeac33cd0fc679",
    "mmnet-pp": "524c317e61bb7f3e",
    "cyclegan": "ccd45413c1b504eb",
    "oracle": "b2ea3ff0edc39753",
    "prior": "11a3b426b7d05000",
}


def test_keys_are_the_committed_ones(tmp_path: Path) -> None:
    (plan,) = make_plans(list(KEYS), ["synthetic"], "smoke", [0], tmp_path)
    assert {cell.method: cell.key for cell in plan.cells} == KEYS


def test_no_key_follows_how_cells_are_run() -> None:
    assert not [path for path in protocol.files() if path.parent.name in ("ranks", "launching")]
