"""An exported file computes what the method computes, without mmbench."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mmbench
from mmbench.commands import main as cli
from mmbench.errors import UserError
from mmbench.inference import export
from mmbench.inference.graph import Graph, _stored, probes, traced
from mmbench.inference.translator import Translator
from mmbench.method import Method
from mmbench.modality import Depth, Rgb, Scalar, Segmentation
from mmbench.task import Translation

onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'mmbench[export]'")

LABELS = Segmentation("labels", classes=("a", "b"), palette=((0, 0, 0),) * 3)
MODALITIES = {modality.name: modality for modality in (Rgb("rgb"), Depth("depth"), Scalar("nir"), LABELS)}


def run(cells: Path, *arguments: object) -> int:
    return cli.main(["export", str(cells / "mmnet" / "seed-0"), *(str(a) for a in arguments)])


def without_mmbench(path: Path, array: np.ndarray, folder: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """What a program makes of the file that has no mmbench, and what the file says of itself."""
    np.save(folder / "in.npy", array)
    program = f"""
import json, sys
sys.meta_path.insert(0, type("No", (), {{"find_spec": staticmethod(
    lambda name, *_: (_ for _ in ()).throw(ImportError(name)) if name.split(".")[0] == "mmbench" else None)}}))
import numpy as np, torch
extra = {{"mmbench.json": ""}}
array = torch.from_numpy(np.load({str(folder / "in.npy")!r}))
made = torch.export.load({str(path)!r}, extra_files=extra).module()(array)
np.save({str(folder / "out.npy")!r}, made.numpy())
print(extra["mmbench.json"])
assert "mmbench" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "out.npy"), json.loads(done.stdout)


@pytest.fixture(scope="module")
def translator(cells: Path) -> Translator:
    """In fp32, as files compute: by itself it takes the cell's precision, which is bf16 on CPUs that are fast at it."""
    return mmbench.load_translator(cells / "mmnet" / "seed-0", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def exported(cells: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Depth to segmentation for any number of images, and for two."""
    made = {}
    for batch in ("dynamic", "2"):
        made[batch] = tmp_path_factory.mktemp("export") / f"{batch}.onnx"
        assert run(cells, "--from", "depth", "--to", "segmentation", "--batch", batch, "--out", made[batch]) == 0
    return made


@pytest.mark.parametrize("batch", ["dynamic", "2"])
def test_onnx_runtime_gives_the_methods_labels(
    batch: str, exported: dict[str, Path], translator: Translator, images: dict[str, np.ndarray]
) -> None:
    """Decoders put values where pooling indices say: max-pooling with indices, and ScatterElements."""
    import onnx

    path = exported[batch]
    session = onnxruntime.InferenceSession(path)
    for count in (2,) if batch == "2" else (1, 2, 5):
        metres = images["depth"][:count]
        (made,) = session.run(["segmentation"], {"depth": metres})
        expected = translator.translate({"depth": metres}, "segmentation")
        assert made.dtype == np.uint8
        assert export.differing(translator.modalities["segmentation"], made, expected) <= export.LABELS
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds.count("ScatterElements") == 2  # a pooling each
    assert {entry.domain: entry.version for entry in proto.opset_import}[""] == export.OPSET
    first = proto.graph.input[0].type.tensor_type.shape.dim[0]
    assert (first.dim_param, first.dim_value) == (("batch", 0) if batch == "dynamic" else ("", 2))


def test_the_file_says_what_goes_in_and_comes_out_and_not_where_it_was_made(
    cells: Path, exported: dict[str, Path], translator: Translator
) -> None:
    path = exported["dynamic"]
    about = json.loads(onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map["mmbench"])
    assert about["inputs"] == [
        {"name": "depth", "kind": "depth", "dtype": "float32", "shape": ["batch", 16, 16], "classes": [],
         "values": "metres; 0, negative or not finite: not measured"}
    ]  # fmt: skip
    labels = translator.modalities["segmentation"]
    assert about["output"]["classes"] == ["void", *(name for name, _ in labels.legend)]
    assert about["translation"] == "depth -> segmentation"
    assert (about["method"], about["dataset"], about["size"], about["batch"]) == ("mmnet", "synthetic", 16, "dynamic")
    content = path.read_bytes()
    for part in (str(cells), str(Path(export.__file__).parent), "stack_trace"):
        assert part.encode() not in content


def test_a_torch_program_needs_no_class_of_ours(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "made.pt2"
    assert run(cells, "--from", "segmentation", "--to", "depth", "--format", "torch", "--out", path) == 0
    made, about = without_mmbench(path, images["segmentation"][:3], tmp_path)
    expected = translator.translate({"segmentation": images["segmentation"][:3]}, "depth")
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4)
    assert about["output"]["values"].startswith("metres")


def test_a_cascade_with_re_estimated_statistics_has_these_inside(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "made.onnx"
    via = ("--from", "depth", "--to", "segmentation", "--via", "rgb", "--bn", "re-estimated")
    assert run(cells, *via, "--out", path) == 0
    said = capsys.readouterr().out
    assert "ONNX Runtime gives the method's own segmentation" in said
    evaluated = json.loads((cells / "mmnet" / "seed-0" / "result.json").read_text())["hardware"]["precision"]
    assert (f"computed in fp32, the cell evaluated in {evaluated}: " in said) == (evaluated != "fp32")
    given, labels = {"depth": images["depth"]}, translator.modalities["segmentation"]
    expected = translator.translate(given, "segmentation", via="rgb", bn="re-estimated")
    assert export.differing(labels, export.run_onnx(path.read_bytes(), [images["depth"]]), expected) <= export.LABELS
    others = translator.translate(given, "segmentation", via="rgb")
    assert export.differing(labels, others, expected) > 0.05, "other statistics would go unnoticed"


def test_several_inputs_and_their_weights(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "made.pt2"
    pair = ("--from", "rgb,depth", "--to", "segmentation", "--weights", "0.3,0.7", "--format", "torch")
    assert run(cells, *pair, "--out", path) == 0
    arrays = {name: images[name] for name in ("rgb", "depth")}
    made = torch.export.load(path).module()(*map(torch.from_numpy, arrays.values())).numpy()
    expected = translator.translate(arrays, "segmentation", weights=(0.3, 0.7))
    assert export.differing(translator.modalities["segmentation"], made, expected) <= export.LABELS


@pytest.mark.parametrize("name", MODALITIES)
def test_arrays_go_in_and_come_out_as_they_do_elsewhere(name: str) -> None:
    """What belongs to the network is inside: a graph that only hands its input on gives what ``to_array`` gives."""

    class Handing(Method):
        def translate(self, inputs: Any, translation: Translation, *, sample: int = 0) -> torch.Tensor:
            return next(iter(inputs.values()))

    modality = MODALITIES[name]
    method = Handing.__new__(Handing)
    torch.nn.Module.__init__(method)
    graph = Graph(method, MODALITIES, (Translation((name,), name),), 0)
    (array,) = probes([modality], 8, 2)
    assert np.array_equal(graph(torch.from_numpy(array)).numpy(), array)
    raw = torch.rand(2, modality.channels, 8, 8) * 3 - 1.5
    made = modality.from_network(raw)
    assert np.array_equal(_stored(modality, made).numpy(), modality.to_array(made))
    assert modality.checked(array).shape == array.shape


def test_depth_that_is_not_finite_was_not_measured() -> None:
    odd = np.array([[[np.nan, np.inf, -1.0, 2.0]]], np.float32)
    from mmbench.inference.graph import _cleaned

    assert np.array_equal(_cleaned(MODALITIES["depth"], torch.from_numpy(odd)), MODALITIES["depth"].checked(odd))


def test_differences_are_counted_as_each_kind_means_them() -> None:
    labels = np.zeros((1, 2, 2), np.uint8)
    other = labels.copy()
    other[0, 0, 0] = 1
    assert export.differing(MODALITIES["labels"], other, labels) == 0.25
    assert export.differing(MODALITIES["rgb"], other[..., None], labels[..., None]) == 0  # a level of colour
    assert export.differing(MODALITIES["rgb"], 2 * other[..., None], labels[..., None]) == 0.25
    assert export.differing(MODALITIES["depth"], np.array([1.0, 1.1]), np.array([1.0005, 1.0])) == 0.5


def test_what_a_graph_cannot_hold_is_one_line() -> None:
    """Noise that is a function of the image's bytes is."""

    class Hashing(Method):
        def translate(self, inputs: Any, translation: Translation, *, sample: int = 0) -> torch.Tensor:
            (image,) = inputs.values()
            return image * float(image.numpy().sum())

    method = Hashing.__new__(Hashing)
    torch.nn.Module.__init__(method)
    graph = Graph(method, MODALITIES, (Translation(("depth",), "depth"),), 0)
    with pytest.raises(UserError, match=r"Hashing cannot be exported for any number .* `translate` runs it") as raised:
        traced(graph, 8, None)
    assert "\n" not in str(raised.value)


def test_a_file_that_gives_other_images_is_not_written(
    translator: Translator, tmp_path: Path, monkeypatch: Any
) -> None:
    graph = Graph(translator.method, translator.modalities, translator.path(("depth",), "segmentation"), 0)
    about = export.facts(graph, translator.size, 2, {"method": "mmnet"})
    monkeypatch.setattr(export, "LABELS", -1.0)  # what is not less than nothing
    with pytest.raises(UserError, match=r"torch.export.load gives other images than the method"):
        export.write(traced(graph, translator.size, 2), "torch", about, graph, tmp_path / "a.pt2")
    assert not list(tmp_path.iterdir())


ERRORS = {
    "no modality": (("--to", "rgb"), "of which modality? Give --from"),
    "unknown": (("--from", "dept", "--to", "rgb"), "no modality named 'dept' (did you mean 'depth'"),
    "batch": (("--from", "depth", "--to", "rgb", "--batch", "0"), "--batch '0': expected dynamic, or a number"),
    "ending": (("--from", "depth", "--to", "rgb", "--out", "a.pt2"), "a file of --format onnx ends in .onnx"),
    "there": (("--from", "depth", "--to", "rgb", "--out", "there.onnx"), "exists already; name another file, or add"),
    "format": (("--from", "depth", "--to", "rgb", "--format", "tflite"), "--format 'tflite' is unknown"),
}


def test_what_the_method_cannot_do_is_said_as_elsewhere(cells: Path, tmp_path: Path, capsys: Any) -> None:
    words = ["--from", "depth", "--to", "rgb", "--out", str(tmp_path / "a.onnx")]
    assert cli.main(["export", str(cells / "cyclegan" / "seed-0"), *words]) == 2
    assert "cyclegan cannot translate depth -> rgb; it can do: depth -> segmentation" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_one_line(case: str, cells: Path, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").write_text("mine")
    arguments, expected = ERRORS[case]
    assert run(cells, *arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert expected in said
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]


def test_a_missing_package_is_one_line(monkeypatch: Any) -> None:
    there = ModuleSpec("there", None, origin="here")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxscript" else there)
    with pytest.raises(UserError, match=r"onnx: onnxscript is not installed: pip install 'mmbench\[export\]'"):
        export.expect_packages("onnx")
    export.expect_packages("torch")
