"""Every method is exported, for any number of images or for a fixed one, or refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import colored_objects_tree
import flowers_tree
import numpy as np
import pytest
import torch

from mmbench.errors import UserError
from mmbench.inference import export
from mmbench.inference.graph import Graph, probes, traced
from mmbench.method import Method
from mmbench.plugins import catalog

pytestmark = pytest.mark.slow
pytest.importorskip("onnxruntime", reason="pip install 'mmbench[export]'")

FIXED = ("dcn", "router")
"""Methods whose code makes a Python list with an entry per image."""

REFUSED = ("diffusion-router",)
"""Methods whose noise is a function of the image's bytes."""

OTHERWISE = ("cascade-skip", "mmnet-skip")
"""Variants with other side information than pooling indices, or none."""

SETS: dict[str, tuple[str, Callable[[Path], object] | None]] = {
    "synthetic": ("cross-modal", None),
    "flowers": ("cross-channel", flowers_tree.make_root),
    "colored-objects": ("cross-domain", colored_objects_tree.make_root),
}


def one_of_each_file(kind: str) -> list[str]:
    """The methods of a kind of task; of variants in one file those that translate in another way."""
    found: dict[tuple[Path, Any], str] = {}
    for name, card in catalog.cards("methods").items():
        if not card.problem and kind in card.get("KINDS", ()) and card.get("ROLE") != "judge":
            found.setdefault((card.path, name in OTHERWISE), name)
    return sorted(found.values())


CASES = [(data, name) for data, (kind, _) in SETS.items() for name in one_of_each_file(kind)]


@pytest.mark.parametrize(("data", "name"), CASES)
def test_every_method(data: str, name: str, bench_of: Callable[[str, Path], Any], tmp_path: Path) -> None:
    make = SETS[data][1]
    if make:
        make(tmp_path)
    bench = bench_of(data, tmp_path)
    method: Method = bench.build(name)[0].eval()
    for key, buffer in method.named_buffers():
        if key.rpartition(".")[2].startswith("count"):  # of observed statistics
            buffer.fill_(1)
    modalities = {modality.name: modality for modality in bench.dataset.task.modalities}
    rows = {row.bn: row for row in method.translations()}
    assert rows
    for row in rows.values():
        graph = Graph(method, modalities, (row,), 0)
        if name.startswith(REFUSED):
            with pytest.raises(UserError, match="cannot be exported: "):
                traced(graph, bench.profile.size, 2)
            continue
        if name.startswith(FIXED):
            with pytest.raises(UserError, match=r"cannot be exported for any number of images: .* --batch 1 may do"):
                traced(graph, bench.profile.size, None)
        batch = 2 if name.startswith(FIXED) else None
        program = traced(graph, bench.profile.size, batch)
        about = export.facts(graph, bench.profile.size, batch, {"method": name})
        content = export._onnx(program, about)
        for count in (batch,) if batch else (1, 3):
            arrays = probes(graph.inputs, bench.profile.size, count)
            images = [torch.from_numpy(array) for array in arrays]
            with torch.no_grad():
                expected = graph(*images).numpy()
                made = program.module()(*images).numpy()
            assert export.differing(graph.output, made, expected) <= export.LABELS
            assert export.differing(graph.output, export.run_onnx(content, arrays), expected) <= export.LABELS
            assert np.isfinite(expected.astype(float)).all()
