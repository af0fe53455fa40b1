"""Writes the golden values again: ``python tests/golden/renew.py [part of a case's name ...]``.

``test_golden.py`` says when. Values recorded on two machines must not be mixed, so naming cases is refused where
``machine.json`` is another machine's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import compare
import measure


def main(wanted: Sequence[str]) -> int:
    """Measure all cases, or those whose name contains one of ``wanted``; files of cases that are gone are removed."""
    if wanted and not compare.same_machine():
        print("machine.json is another machine's: renew all values or none")
        return 2
    cases = measure.cases()
    compare.FOLDER.mkdir(exist_ok=True)
    for path in set(compare.FOLDER.glob("*.json")) - {compare.path_of(case.name) for case in cases}:
        path.unlink()
        print(f"{path.stem}: removed")
    for case in cases:
        if not wanted or any(part in case.name for part in wanted):
            path, new = compare.path_of(case.name), compare.text(measure.measure(case))
            if not path.exists() or path.read_text(encoding="utf-8") != new:
                path.write_text(new, encoding="utf-8")
                print(f"{case.name}: written")
    if not wanted:
        compare.MACHINE.write_text(json.dumps(compare.machine(), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
