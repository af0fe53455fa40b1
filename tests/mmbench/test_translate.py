"""The translator makes what the cell was evaluated with, from arrays and from files; bad input is one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import mmbench
from mmbench.commands import main as cli
from mmbench.errors import UserError
from mmbench.inference.files import group_files
from mmbench.inference.translator import Translator
from mmbench.method import Context, Method, NetworkSize
from mmbench.planning import config
from mmbench.resize import fit
from mmbench.task import Translation
from mmbench.training.device import Compute

MADE_IN = 4  # the smoke profile's batch of evaluation


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Path:
    """Two finished cells; the folder that holds ``mmnet`` and ``cyclegan``."""
    runs = tmp_path_factory.mktemp("translate")
    states = mmbench.run(["mmnet", "cyclegan"], "synthetic", "smoke", runs=runs, jobs=1, cache=cache_folder)
    assert set(states.values()) == {"done"}
    return runs / "synthetic" / "smoke"


@pytest.fixture(scope="session")
def translator(cells: Path) -> Translator:
    return mmbench.load_translator(cells / "mmnet" / "seed-0")


@pytest.fixture(scope="session")
def images(bench: Any) -> dict[str, np.ndarray]:
    """The test images, by modality."""
    rows = bench.cache.index(bench.dataset.split().test)
    return {m.name: np.array(bench.cache.read(m.name, rows)) for m in bench.dataset.task.modalities}


@pytest.fixture
def files(images: dict[str, np.ndarray], tmp_path: Path) -> Path:
    """A folder with the first test image as files, without loss: ``rgb.png``, ``depth.npy``, ``segmentation.png``."""
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(images["rgb"][0]).save(folder / "rgb.png")
    Image.fromarray(images["segmentation"][0]).save(folder / "segmentation.png")
    np.save(folder / "depth.npy", images["depth"][0])
    return folder


def translate(cells: Path, *arguments: object) -> int:
    return cli.main(["translate", "--run", str(cells / "mmnet" / "seed-0"), *(str(a) for a in arguments)])


def test_every_row_of_the_cell_is_made_again_bit_by_bit(
    cells: Path, translator: Translator, images: dict[str, np.ndarray]
) -> None:
    samples = np.load(cells / "mmnet" / "seed-0" / "samples" / "samples.npz")
    rows = translator.translations
    assert any(row.via for row in rows)
    assert any(len(row.inputs) > 1 for row in rows)
    assert {row.bn for row in rows} == {"trained", "re-estimated"}
    for number, row in enumerate(rows):
        how = {"via": row.via, "weights": row.weights, "side_from": row.side_from, "bn": row.bn}
        made = [
            translator.translate({name: images[name][i : i + MADE_IN] for name in row.inputs}, row.output, **how)  # type: ignore[arg-type]
            for i in range(0, len(images["rgb"]), MADE_IN)
        ]
        assert np.array_equal(np.concatenate(made), samples[str(number)]), row.name


def test_one_image_is_the_batch_of_one(translator: Translator, images: dict[str, np.ndarray]) -> None:
    one = translator.translate({"depth": images["depth"][2]}, "segmentation")
    assert one.shape == (translator.size, translator.size)
    assert one.dtype == np.uint8
    assert np.array_equal(one, translator.translate({"depth": images["depth"][2:3]}, "segmentation")[0])


def test_what_is_left_open_is_as_in_the_methods_row(translator: Translator, images: dict[str, np.ndarray]) -> None:
    inputs = {name: images[name][0] for name in ("depth", "rgb")}
    (step,) = translator.path(["depth", "rgb"], "segmentation")
    assert step == Translation(("rgb", "depth"), "segmentation", weights=(0.8, 0.2), side_from="rgb")
    open_, stated = (
        translator.translate(inputs, "segmentation", **how)
        for how in ({}, {"weights": (0.2, 0.8), "side_from": "rgb"})  # of depth and rgb, in the order of the inputs
    )
    assert np.array_equal(open_, stated)


def test_all_the_weight_on_one_input_is_that_input_alone(translator: Translator, images: dict[str, np.ndarray]) -> None:
    both = {name: images[name][0] for name in ("rgb", "depth")}
    for name, weights in (("rgb", (1.0, 0.0)), ("depth", (0.0, 1.0))):
        mixed = translator.translate(both, "segmentation", weights=weights, side_from=name)
        assert np.array_equal(mixed, translator.translate({name: both[name]}, "segmentation"))


def test_any_encoder_joins_any_decoder(translator: Translator, images: dict[str, np.ndarray]) -> None:
    for source in translator.modalities:
        for target in translator.modalities:
            made = translator.translate({source: images[source][0]}, target)
            assert made.shape[:2] == (16, 16)
    by_hand = translator.translate({"depth": translator.translate({"rgb": images["rgb"][0]}, "depth")}, "segmentation")
    assert np.array_equal(translator.translate({"rgb": images["rgb"][0]}, "segmentation", via="depth"), by_hand)


def test_images_of_other_sizes_are_cropped_and_resized_as_for_training(translator: Translator) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (40, 64, 3)).astype(np.uint8)
    fitted = fit({"rgb": wide}, (translator.modalities["rgb"],), 16)["rgb"]
    made, expected = (translator.translate({"rgb": image}, "depth") for image in (wide, fitted))
    assert np.array_equal(made, expected)


def test_files_are_translated_as_arrays_are(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert translate(cells, "--from", "depth", "--to", "segmentation", files / "depth.npy", "--out", out) == 0
    expected = translator.translate({"depth": images["depth"][0]}, "segmentation")
    raw = Image.open(out / "depth-segmentation.png")
    assert raw.mode == "P"
    assert np.array_equal(np.asarray(raw), expected)
    palette = np.array(translator.modalities["segmentation"].palette, np.uint8)
    assert np.array_equal(np.asarray(Image.open(out / "depth-segmentation-colours.png")), palette[expected])
    assert np.array_equal(np.asarray(raw.convert("RGB")), palette[expected])

    pair = (files / "rgb.png", files / "segmentation.png")
    assert translate(cells, "--from", "rgb,segmentation", "--to", "depth", *pair, "--out", out) == 0
    metres = translator.translate({name: images[name][0] for name in ("rgb", "segmentation")}, "depth")
    millimetres = np.asarray(Image.open(out / "rgb-depth.png"))
    assert millimetres.dtype == np.uint16
    assert np.abs(millimetres / 1000 - metres).max() <= 0.0005 + 1e-6
    assert sorted(path.name for path in out.iterdir()) == [
        "depth-segmentation-colours.png", "depth-segmentation.png", "rgb-depth-colours.png", "rgb-depth.png",
    ]  # fmt: skip


def test_named_inputs_weights_and_side_information_reach_the_method(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], files: Path, tmp_path: Path, capsys: Any
) -> None:
    inputs = ("--input", f"depth={files / 'depth.npy'}", "--input", f"rgb={files / 'rgb.png'}")
    how = ("--weights", "0.7,0.3", "--side-from", "depth")
    assert translate(cells, *inputs, *how, "--to", "rgb", "--out", tmp_path) == 0
    arrays = {name: images[name][0] for name in ("depth", "rgb")}
    expected = translator.translate(arrays, "rgb", weights=(0.7, 0.3), side_from="depth")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "depth-rgb.png")), expected)
    assert "depth+rgb -> rgb, weights 0.7,0.3, side information of depth" in capsys.readouterr().out


def test_a_cascade_of_files(
    cells: Path, translator: Translator, images: dict[str, np.ndarray], files: Path, tmp_path: Path, capsys: Any
) -> None:
    for bn in ("trained", "re-estimated"):
        out = tmp_path / bn
        via = ("--via", "rgb", "--bn", bn)
        assert translate(cells, "--from", "depth", "--to", "segmentation", *via, files / "depth.npy", "--out", out) == 0
        expected = translator.translate({"depth": images["depth"][0]}, "segmentation", via="rgb", bn=bn)  # type: ignore[arg-type]
        assert np.array_equal(np.asarray(Image.open(out / "depth-segmentation.png")), expected)
        assert "depth -> rgb -> segmentation" in capsys.readouterr().out


ERRORS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown input": (("--from", "dept", "--to", "rgb", "depth.npy"), "no modality named 'dept' (did you mean 'depth'"),
    "unknown output": (("--from", "depth", "--to", "rbg", "depth.npy"), "no modality named 'rbg' (did you mean 'rgb'"),
    "unknown via": (("--from", "depth", "--to", "rgb", "--via", "nir", "depth.npy"), "no modality named 'nir'"),
    "missing file": (("--from", "depth", "--to", "rgb", "none.png"), "none.png: no such file"),
    "no file": (("--from", "depth", "--to", "rgb"), "no input: give files"),
    "no modality": (("--to", "rgb", "depth.npy"), "of which modality? Give --from"),
    "8-bit depth": (("--from", "depth", "--to", "rgb", "rgb.png"), "8-bit depth (RGB pixels); expected a 16-bit PNG"),
    "damaged": (("--from", "rgb", "--to", "depth", "damaged.png"), "damaged.png: cannot be decoded"),
    "sizes": (
        ("--from", "rgb,depth", "--to", "segmentation", "large.png", "depth.npy"),
        "depth.npy: 16 x 16 pixels, but {}/large.png has 20 x 18",
    ),
    "uneven": (
        ("--from", "rgb,depth", "--to", "segmentation", "rgb.png"), "1 files for --from rgb,depth: expected 2"
    ),
    "sum": (
        ("--from", "rgb,depth", "--to", "segmentation", "--weights", "0.8,0.3", "rgb.png", "depth.npy"),
        "weights 0.8, 0.3: expected none below 0 and a sum of 1, got 1.1",
    ),
    "count": (
        ("--from", "rgb,depth", "--to", "segmentation", "--weights", "1", "rgb.png", "depth.npy"), "one per input"
    ),
    "no numbers": (("--from", "depth", "--to", "rgb", "--weights", "a", "depth.npy"), "--weights 'a': expected"),
    "side": (("--from", "depth", "--to", "rgb", "--side-from", "rgb", "depth.npy"), "'rgb': not an input"),
    "twice": (("--from", "depth,depth", "--to", "rgb", "depth.npy", "depth.npy"), "a modality is named twice"),
    "statistics": (
        ("--from", "depth", "--to", "rgb", "--bn", "re-estimated", "depth.npy"),
        "mmnet cannot translate depth -> rgb with re-estimated BN statistics",
    ),
    "same name": (("--from", "depth", "--to", "rgb", "depth.npy", "deeper/depth.npy"), "under the same name"),
    "unit": (("--from", "depth", "--to", "rgb", "--depth-unit", "millimeter", "depth.npy"), "mean 'millimetre'"),
    "device": (("--from", "depth", "--to", "rgb", "--device", "tpu", "depth.npy"), "expected auto, cpu or cuda"),
    "input": (("--to", "rgb", "--input", "depth.npy"), "expected modality=file"),
    "both": (("--to", "rgb", "--input", "depth=a.npy", "b.npy"), "not both"),
    "not in from": (("--from", "rgb", "--to", "rgb", "--input", "depth=a.npy"), "'depth' is not in --from"),
    "counts": (
        ("--to", "segmentation", "--input", "rgb=a.png", "--input", "rgb=b.png", "--input", "depth=a.npy"),
        "as many files of every modality, got 2 rgb, 1 depth",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_one_line_and_nothing_is_written(
    case: str, cells: Path, files: Path, tmp_path: Path, capsys: Any
) -> None:
    (files / "damaged.png").write_bytes((files / "rgb.png").read_bytes()[:100])
    Image.fromarray(np.zeros((18, 20, 3), np.uint8)).save(files / "large.png")
    arguments, expected = ERRORS[case]
    paths = [files / a if a.endswith((".png", ".npy")) and "=" not in a else a for a in arguments]
    assert translate(cells, *paths, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert said.startswith("mmbench: ")
    assert expected.format(files) in said
    assert not list((tmp_path / "out").glob("*"))


def test_one_bad_file_among_many_leaves_nothing_behind(cells: Path, files: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    assert translate(cells, "--from", "rgb", "--to", "depth", files / "rgb.png", tmp_path / "b.png", "--out", out) == 2
    assert "b.png: no such file" in capsys.readouterr().err
    assert not list(out.glob("*"))


def test_outputs_are_replaced_only_when_asked(cells: Path, files: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "rgb-depth.png").write_text("mine")
    arguments = ("--from", "rgb", "--to", "depth", files / "rgb.png", "--out", tmp_path)
    assert translate(cells, *arguments) == 2
    assert "rgb-depth.png: exists already; name another --out, or add --overwrite" in capsys.readouterr().err
    assert (tmp_path / "rgb-depth.png").read_text() == "mine"
    assert translate(cells, *arguments, "--overwrite") == 0
    assert Image.open(tmp_path / "rgb-depth.png").size == (16, 16)


def test_a_folder_that_cannot_be_made_is_one_line(cells: Path, files: Path, capsys: Any) -> None:
    out = files / "rgb.png" / "out"
    assert translate(cells, "--from", "rgb", "--to", "depth", files / "rgb.png", "--out", out) == 2
    assert f"--out {out}: cannot be made a folder" in capsys.readouterr().err


def test_a_method_says_what_it_can_do(cells: Path, images: dict[str, np.ndarray]) -> None:
    cyclegan = mmbench.load_translator(cells / "cyclegan" / "seed-0")
    assert cyclegan.translate({"depth": images["depth"][0]}, "segmentation").shape == (16, 16)
    able = "it can do: depth -> segmentation, segmentation -> depth"
    for inputs, output, via in ((["depth"], "rgb", None), (["depth"], "segmentation", "rgb")):
        with pytest.raises(UserError, match=f"cyclegan cannot translate depth -> rgb; {able}"):
            cyclegan.translate({name: images[name][0] for name in inputs}, output, via=via)
    with pytest.raises(UserError, match=rf"cyclegan cannot translate rgb\+depth -> segmentation; {able}"):
        cyclegan.translate({name: images[name][0] for name in ("rgb", "depth")}, "segmentation")


class Fixed(Method):
    """Mixes as it was trained to, whatever weights it is given; has no latent code to show."""

    def forward(self, batch: Any, stage: Any) -> None: ...

    def translations(self) -> tuple[Translation, ...]:
        return self.task.multi_modal

    def translate(self, inputs: Any, translation: Translation, *, sample: int = 0) -> torch.Tensor:
        raise RuntimeError("broken")


def test_weights_that_a_method_would_not_heed_are_refused(bench: Any, images: dict[str, np.ndarray]) -> None:
    method = Fixed(Context(bench.dataset.task, 16, NetworkSize(), {}))
    fixed = Translator("fixed", method, 16, Compute(torch.device("cpu"), "fp32"))
    assert fixed.path(["rgb", "depth"], "segmentation", weights=(0.8, 0.2))[0].weights == (0.8, 0.2)
    with pytest.raises(UserError, match=r"weights \(0.8, 0.2\) with side information of rgb are fixed"):
        fixed.path(["rgb", "depth"], "segmentation", weights=(0.5, 0.5))
    with pytest.raises(RuntimeError, match="broken"):  # a bug in one of the method's own rows is no bad input
        fixed.translate({name: images[name][0] for name in ("rgb", "depth")}, "segmentation")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros((4, 4), np.uint16), "depth: uint16 values; expected floating point metres"),
        (np.zeros((4, 4, 4, 4), np.float32), r"an array of shape \(4, 4, 4, 4\); expected one image"),
        (np.zeros((0, 4), np.float32), "an array of shape"),
    ],
)
def test_arrays_of_another_kind_are_refused(array: np.ndarray, expected: str, translator: Translator) -> None:
    with pytest.raises(UserError, match=expected):
        translator.translate({"depth": array}, "rgb")


def test_class_ids_beyond_the_classes_are_refused(translator: Translator) -> None:
    with pytest.raises(UserError, match=r"class id 14; expected 0 \(void\) to 13"):
        translator.translate({"segmentation": np.full((16, 16), 14)}, "depth")


@pytest.fixture
def copy(cells: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the mmnet cell with some of its result changed."""

    def make(**changes: Any) -> Path:
        folder = tmp_path / "mmnet" / "seed-0"
        shutil.copytree(cells / "mmnet" / "seed-0", folder)
        result = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps({**result, **changes}))
        return folder

    return make


def test_runs_that_are_not_there_or_not_done(cells: Path, copy: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"no such run: .*mnet is no folder \(did you mean 'mmnet'\?\)"):
        mmbench.load_translator(cells / "mnet" / "seed-0")
    with pytest.raises(UserError, match=r"not the folder of a run; give one such as .*/seed-0$"):
        mmbench.load_translator(cells)
    folder = copy()
    (folder / "result.json").write_text("{")
    with pytest.raises(UserError, match="seed-0: damaged, and only what is done translates"):
        mmbench.load_translator(folder)
    (folder / "result.json").unlink()
    with pytest.raises(UserError, match="seed-0: interrupted, and only"):
        mmbench.load_translator(folder)


def test_damaged_weights_are_one_line(copy: Callable[..., Path]) -> None:
    folder = copy()
    (weights,) = folder.glob("checkpoint/step-*/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"weights.safetensors: damaged, or of another architecture") as raised:
        mmbench.load_translator(folder)
    assert "\n" not in str(raised.value)
    (folder / "checkpoint" / "latest").unlink()
    with pytest.raises(UserError, match="without a checkpoint"):
        mmbench.load_translator(folder)


def test_code_and_images_that_changed_are_noted(copy: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    folder = copy(source="another", manifest="another", task=None)
    mmbench.load_translator(folder)
    said = caplog.text
    assert "was made with other code" in said
    assert "the images of 'synthetic' are not those that" in said


def test_a_task_that_is_recorded_needs_no_images(
    bench: Any, translator: Translator, images: dict[str, np.ndarray], copy: Callable[..., Path], monkeypatch: Any
) -> None:
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    folder = copy(dataset="flowers", data_settings={}, task=None)
    with pytest.raises(UserError, match=r"does not record its modalities; data set 'flowers' needs .* --data-root"):
        mmbench.load_translator(folder)
    result = json.loads((folder / "result.json").read_text())
    recorded = json.loads(json.dumps(config.as_dict(bench.dataset.task)))
    (folder / "result.json").write_text(json.dumps({**result, "task": recorded}))
    made = mmbench.load_translator(folder)
    assert made.modalities == translator.modalities
    assert made.translations == translator.translations
    depth = {"depth": images["depth"][0]}
    assert np.array_equal(made.translate(depth, "segmentation"), translator.translate(depth, "segmentation"))


def test_files_are_grouped_sample_by_sample() -> None:
    paths = [Path(name) for name in ("r1", "d1", "r2", "d2")]
    expected = ({"rgb": paths[0], "depth": paths[1]}, {"rgb": paths[2], "depth": paths[3]})
    assert group_files(["rgb", "depth"], paths, []) == expected
    assert group_files([], [], ["rgb=r1", "rgb=r2", "depth=d1", "depth=d2"]) == expected
