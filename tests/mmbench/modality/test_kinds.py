"""Nothing outside ``mmbench/modality/`` asks of which kind a modality is: what differs by kind is the class's.

Kinds of tasks (``task.kind``) and shapes of the renderer are other kinds; a data set's own modalities may be named as
kinds are, so that a table by name is no fault in ``datasets/`` and ``benchmarks/``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mmbench.modality import KINDS

ROOT = Path(__file__).parents[3]
CLASSES = {kind.__name__ for kind in KINDS.values()}
SOURCES = [
    path
    for folder in ("mmbench", "methods", "datasets", "reports", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if ROOT / "mmbench" / "modality" not in path.parents
]


def faults(source: str, names_are_kinds: bool = True) -> list[int]:
    """Lines that choose by a modality's kind.

    Args:
        names_are_kinds: whether a table of two or more kinds' names can only be one by kind.
    """
    tree = ast.parse(source)
    tables = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _kinds_in(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return sorted({line for node in ast.walk(tree) for line in _of(node, tree, tables, names_are_kinds)})


def _of(node: ast.AST, tree: ast.Module, tables: dict[str, ast.expr], names_are_kinds: bool) -> list[int]:
    def by_kind(value: ast.expr) -> bool:
        return bool(_kinds_in(value)) or (isinstance(value, ast.Name) and value.id in tables)

    found = False
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        found = any(map(_is_kind, sides)) and any(by_kind(side) for side in sides if not _is_kind(side))
    elif isinstance(node, ast.Match):
        found = _is_kind(node.subject)
    elif isinstance(node, ast.Subscript):
        found = by_kind(node.value) and _is_kind(node.slice)
    elif isinstance(node, ast.Dict):
        # Letters of modalities by their names have ``nir`` among them, which is no kind.
        found = names_are_kinds and len(_kinds_in(node)) == len(node.keys) > 1
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        found = by_kind(node.func.value) and any(map(_is_kind, node.args))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        found = bool(set(map(ast.unparse, ast.walk(node.args[1]))) & _classes(tree))
    return [node.lineno] if found and isinstance(node, ast.expr | ast.stmt) else []


def _kinds_in(value: ast.AST) -> set[str]:
    """Kinds' names among the keys of a dictionary, the elements of a tuple, list or set, or a text itself."""
    if isinstance(value, ast.Dict):
        parts = [key for key in value.keys if key is not None]
    elif isinstance(value, ast.Tuple | ast.List | ast.Set):
        parts = value.elts
    else:
        parts = [value] if isinstance(value, ast.expr) else []
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    return {value for value in values if isinstance(value, str) and value in KINDS}


def _is_kind(node: ast.AST) -> bool:
    """``modality.kind``, ``kind``, ``row["output_kind"]``, ``kinds[name]``, and ``str`` of these."""
    if isinstance(node, ast.Attribute):
        owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        return node.attr in ("kind", "output_kind") and owner != "task"
    if isinstance(node, ast.Name):
        return node.id in ("kind", "output_kind")
    if isinstance(node, ast.Subscript):
        text = node.slice.value if isinstance(node.slice, ast.Constant) else ""
        return text in ("kind", "output_kind") or getattr(node.value, "id", "") == "kinds"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str":
        return any(map(_is_kind, node.args))
    return False


def _classes(tree: ast.Module) -> set[str]:
    """The kinds' classes as a file that imports them, or their module, writes them."""
    found: set[str] = set()
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)):
        for alias in node.names:
            name = alias.asname or alias.name
            if node.module == "mmbench" and alias.name == "modality":
                found |= {f"{name}.{kind}" for kind in CLASSES}
            elif (node.module or "").startswith("mmbench.modality") and alias.name in CLASSES:
                found.add(name)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_asks_for_the_kind_of_a_modality(path: Path) -> None:
    of_one_data_set = path.relative_to(ROOT).parts[0] in ("datasets", "benchmarks") or path.name == "dataset.py"
    assert faults(path.read_text(encoding="utf-8"), names_are_kinds=not of_one_data_set) == []


@pytest.mark.parametrize(
    "source",
    [
        'if modality.kind == "segmentation":\n    x = 1',
        'y = [m for m in modalities if m.kind == "rgb" and adversarial]',
        'y = self.task.modality(name).kind == "rgb"',
        'y = modality.kind in ("segmentation", "depth")',
        'y = 3 if self.modalities[name].kind != "rgb" else 2',
        'FIRST = ("segmentation", "depth", "scalar", "rgb")\ny = FIRST.index(kinds[row.output])',
        'y = ("segmentation", "depth", "scalar", "rgb").index(kinds[row.output])',
        'y = {"segmentation": 14, "depth": BINS}.get(modality.kind, 3)',
        'DTYPES = {"rgb": 1, "scalar": 2, "depth": 3, "segmentation": 4}\ny = DTYPES[modality.kind]',
        'SHOWN = {"segmentation": "miou", "depth": "delta", "rgb": "psnr"}\ny = SHOWN[str(kind)]',
        'y = rows["output_kind"].map({"segmentation": "miou", "depth": "delta"})',
        'SCORES = {"segmentation": "miou", "rgb": "psnr"}\ny = row["metrics"][SCORES[row["output_kind"]]]',
        'match modality.kind:\n    case "depth":\n        y = 1',
        'ONE = "rgb"\ny = modality.kind == ONE',
        "from mmbench.modality import Depth\ny = isinstance(modality, Depth)",
        "from mmbench import modality as kinds\ny = isinstance(it, kinds.Rgb | kinds.Scalar)",
    ],
)
def test_faults_of_this_kind_are_found(source: str) -> None:
    """Most of these once stood in the house; a table without ``scalar`` took a figure from every data set."""
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    [
        'y = task.kind == "cross-domain"',
        'y = self.task.kind in ("rgb", "cross-modal")',
        'y = array.dtype.kind == "f"',
        'y = rows["output_kind"] == "domain"',
        'KINDS = ("rgb", "scalar")',
        'made = {"rgb": colours}\ny = made["rgb"]',
        'LETTERS = {"rgb": "R", "depth": "D", "nir": "N"}\ny = LETTERS[name]',
        "from .description import Depth\ny = isinstance(table, Depth)",
        "y = main_score(modality.kind)",
    ],
)
def test_other_kinds_are_no_fault(source: str) -> None:
    assert faults(source) == []


def test_a_data_sets_own_modalities_may_be_named_as_kinds_are() -> None:
    assert faults('made = {"rgb": colours, "depth": metres}', names_are_kinds=False) == []
