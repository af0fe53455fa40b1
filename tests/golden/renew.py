"""Writes the golden values again: ``python tests/golden/renew.py [part of a case's name ...]``.

``test_golden.py`` says when. On another machine than that of ``machine.json``, naming cases records those alone that
have no values yet; they are listed in ``elsewhere.json`` and compared loosely until that machine renews them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import compare
import measure


def main(wanted: Sequence[str]) -> int:
    """Measure all cases, or those whose name contains one of ``wanted``; files of cases that are gone are removed."""
    cases, foreign = measure.cases(), bool(wanted) and not compare.same_machine()
    elsewhere = set(compare.elsewhere())
    if foreign:
        cases = [case for case in cases if not compare.path_of(case.name).exists()]
    compare.FOLDER.mkdir(exist_ok=True)
    for path in set(compare.FOLDER.glob("*.json")) - {compare.path_of(case.name) for case in measure.cases()}:
        path.unlink()
        print(f"{path.stem}: removed")
    for case in cases:
        if not wanted or any(part in case.name for part in wanted):
            path, new = compare.path_of(case.name), compare.text(measure.measure(case))
            elsewhere = elsewhere | {case.name} if foreign else elsewhere - {case.name}
            if not path.exists() or path.read_text(encoding="utf-8") != new:
                path.write_text(new, encoding="utf-8")
                print(f"{case.name}: written")
    compare.ELSEWHERE.write_text(json.dumps(sorted(elsewhere), indent=1) + "\n", encoding="utf-8")
    if not wanted:
        compare.MACHINE.write_text(json.dumps(compare.machine(), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
