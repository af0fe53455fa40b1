"""A benchmark as a file: what it plans is what options plan, saved and read back, and its errors are one line."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.launching import scheduler
from mmbench.launching.benchmark import load, together
from mmbench.launching.ends import Outcome
from mmbench.planning.plan import Cell, Plan, make_plan, make_plans
from mmbench.plugins import catalog

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "reports" / "reference"
SMOKE = 'profile = "smoke"\n'


def keys(plans: list[Plan]) -> dict[str, str]:
    return {cell.name: cell.key for plan in plans for cell in plan.cells}


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command is answered with."""
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("mmbench: ")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"methods": ["mmnet", "mmnet-pp"], "profile": "smoke", "seeds": [0, 1], "set": {"side_information": "skip"}},
        {"methods": ["mmnet"], "profile": "smoke", "set": {"profile.steps": 9, "profile.network.convs": [2, 1]}},
        {"methods": ["mmnet"], "profile": "smoke", "set": {"stage.align.weights": {"latent": 2.0}}},
        {"methods": ["mmnet"], "profile": "smoke", "set": {"stage.align.weights.latent": 2, "stage.*.beta1": 0.5}},
        {"suite": "ablation", "dataset": ["synthetic", "synthetic-nir"], "profile": "smoke"},
        {"suite": "ablation", "methods": ["prior"], "runs": "there", "jobs": 2, "log": ["tensorboard"]},
    ],
    ids=["nothing", "settings", "profile", "table", "stages", "suite", "more"],
)
@pytest.mark.parametrize("place", ["b.toml", "deep/er/b.toml"])
def test_what_is_saved_plans_the_same_cells(given: dict[str, Any], place: str, tmp_path: Path) -> None:
    asked = load(None, given)
    asked.save(tmp_path / place)
    read = load(Path(place), {})
    assert keys(read.plans()) == keys(asked.plans())
    assert read.way.jobs == asked.way.jobs and read.way.log == asked.way.log
    assert os.path.normpath(read.runs) == str(asked.runs)


def test_the_plan_of_the_command_is_that_of_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--methods", "mmnet,oracle", "--profile", "smoke", "--set", "profile.steps=9", "--seeds", "3"]
    assert main(["run", *words, "--dry-run", "--save", "b.toml"]) == 0
    first = capsys.readouterr().out.partition("\n")
    assert first[0] == "Written: b.toml"
    assert main(["run", "b.toml", "--dry-run"]) == 0
    assert capsys.readouterr().out == first[2]
    expected = make_plan(["mmnet", "oracle"], "synthetic", "smoke", [3], Path("runs"), overrides={"profile.steps": 9})
    assert keys(load(Path("b.toml"), {}).plans()) == keys([expected])
    saved = Path("b.toml").read_text()
    assert "b.toml: is there already" in refused(["run", "--profile", "smoke", "--save", "b.toml"], capsys)
    assert Path("b.toml").read_text() == saved


def test_a_default_of_the_machine_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.planning.selection.cuda_present", lambda: True)
    load(None, {"dataset": ["synthetic"]}).save(Path("b.toml"))
    monkeypatch.setattr("mmbench.planning.selection.cuda_present", lambda: False)
    (part,) = load(Path("b.toml"), {}).parts
    assert (part.profile, part.dataset, part.methods) == ("short", ("synthetic",), ("all",))


def test_tables_are_sets_of_cells_of_their_own_and_each_cell_is_there_once() -> None:
    Path("b.toml").write_text(
        f"{SMOKE}seeds = [0, 1]\nset.profile.steps = 9\n"
        '[[run]]\nmethods = ["mmnet", "prior"]\n'
        '[[run]]\nmethods = "mmnet"\nseeds = 0\nset.side_information = "skip"\n'
        '[[run]]\nmethods = ["mmnet-pp"]\n[[run]]\nmethods = ["prior"]\ndataset = "synthetic-nir"\n'
    )
    nine = {"profile.steps": 9}

    def plan(*methods: str, **more: Any) -> Plan:
        options: dict[str, Any] = {"dataset": "synthetic", "seeds": [0, 1], "overrides": nine} | more
        return make_plan(methods, profile_name="smoke", runs=Path("runs"), **options)

    plans = load(Path("b.toml"), {}).plans()
    skip = plan("mmnet", seeds=[0], overrides={**nine, "side_information": "skip"})
    expected = [plan("mmnet", "prior"), skip, plan("mmnet-pp"), plan("prior", dataset="synthetic-nir")]
    assert keys(plans) == keys(expected)
    assert [plan.dataset for plan in plans] == ["synthetic", "synthetic-nir"]
    names = [cell.name for plan in plans for cell in plan.cells]
    assert len(names) == len(set(names)) == 2 + 2 + 1 + 2 + 2
    load(Path("b.toml"), {}).save(Path("c.toml"))
    assert keys(load(Path("c.toml"), {}).plans()) == keys(plans)


def test_options_take_the_place_of_what_the_file_says_at_its_top(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.toml").write_text(
        f'{SMOKE}methods = ["mmnet"]\nseeds = [0, 1]\njobs = 2\n[set]\nprofile.steps = 9\nside_information = "skip"\n'
    )
    given = {"seeds": [5], "methods": ["oracle"], "set": {"profile.steps": 7}, "jobs": 1}
    asked = load(Path("b.toml"), given)
    (part,) = asked.parts
    assert (part.methods, part.seeds, part.profile) == (("oracle",), (5,), "smoke")
    assert part.set == {"profile.steps": 7, "side_information": "skip"}
    assert asked.way.jobs == 1
    Path("c.toml").write_text(
        f"{SMOKE}[[run]]\nmethods = ['prior']\n[[run]]\nmethods = ['mmnet']\nset.profile.steps = 9\n"
    )
    assert [part.seeds for part in load(Path("c.toml"), {"seeds": [4]}).parts] == [(4,), (4,)]
    words = ["run", "c.toml", "--dry-run"]
    assert refused([*words, "--methods", "oracle"], capsys) == (
        "--methods: c.toml says it in [[run]] 1; change it there"
    )
    assert (
        refused([*words, "--set", "profile.steps=3"], capsys) == "--set: c.toml says it in [[run]] 2; change it there"
    )
    changed = load(Path("c.toml"), {"set": {"profile.size": 32}}).parts
    assert [part.set for part in changed] == [{"profile.size": 32}, {"profile.size": 32, "profile.steps": 9}]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("method = ['mmnet']", "unknown key 'method' (did you mean 'methods'?)"),
        ("runs = 3", "b.toml: runs: expected str, got 3"),
        ("methods = ['mmnnet']", "no method named 'mmnnet' (did you mean 'mmnet'?)"),
        ("dataset = 'synthetik'", "no dataset named 'synthetik' (did you mean 'synthetic'?)"),
        ("dataset = './none'", "none: no such folder"),
        ("seeds = [-1]", "seeds: expected whole numbers from 0, such as [0, 1, 2], got [-1]"),
        ("seeds = ['a']", "seeds: expected int, got 'a'"),
        ("set = 3", "set: expected a table, got 3"),
        ("set.side_informtion = 'skip'", "--set side_informtion: no chosen method has such a setting"),
        ("set.profile.stepz = 3", "unknown key 'stepz' (did you mean 'steps'?)"),
        ("table = 'thesis-4.4'\nmethods = 'mmnet'", "--table thesis-4.4 says which rows"),
        ("reports = 'segmentatoin'", "reports: no report named 'segmentatoin' (did you mean 'segmentation'?)"),
        ("log = 'tensorbord'", "--log 'tensorbord': no such sink (did you mean 'tensorboard'?)"),
        ("jobs = -1", "jobs -1: expected 1 or more, or 0 for one per GPU or CPU core"),
        ("precision = 'fp16'", "precision 'fp16' is unknown"),
        ("device = 'gpu'", "device 'gpu': expected auto, cpu or cuda"),
        ("data_root = 'nowhere'", "data_root nowhere: no such folder"),
        ("run = 3", "run: expected tables [[run]]"),
        ("[[run]]\njobs = 3", "[[run]] 1: unknown key 'jobs'; it is for the top of the file"),
        ("[[run]]\n[[run]]\nseed = 3", "[[run]] 2: unknown key 'seed' (did you mean 'seeds'?)"),
        ("[[run]]\nmethods='prior'\n[[run]]\nmethods='priro'", "[[run]] 2: no method named 'priro'"),
        ("[launcher.slrum]", "--launcher 'slrum': no such launcher (did you mean 'slurm'?)"),
        ("[launcher.slurm]\npartitoin = 'a'", "[launcher.slurm]: unknown key 'partitoin' (did you mean 'partition'?)"),
        ("methods = [", "cannot be read as TOML"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(text: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.toml").write_text(f"{SMOKE}{text}\n")
    said = refused(["run", "b.toml", "--dry-run"], capsys)
    assert line in said
    assert "b.toml" in said or "--l" in said
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("jobs", -1, "--jobs -1: expected 1 or more, or 0 for one per GPU or CPU core"),
        ("device", "tpu", "--device 'tpu': expected auto, cpu or cuda"),
        ("device", "cuda:one", "--device 'cuda:one': expected auto, cpu or cuda"),
        ("device", "cuda:1", "--device cuda:1: no GPU is to be seen here; use --device cpu, or auto"),
        ("stall_minutes", -2.0, "--stall-minutes -2.0: expected minutes, or 0 for never"),
        ("stall_minutes", float("inf"), "--stall-minutes inf: expected minutes, or 0 for never"),
        ("stall_minutes", float("nan"), "--stall-minutes nan: expected minutes, or 0 for never"),
        ("gpus_per_cell", 0, "--gpus-per-cell 0: expected 1 or more"),
        ("log", "tensorbord", "--log 'tensorbord': no such sink (did you mean 'tensorboard'?)"),
    ],
)
def test_bad_values_are_one_line_from_python_as_from_the_command(
    key: str, value: Any, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mmbench.launching.benchmark.cuda_present", lambda: False)
    with pytest.raises(UserError) as raised:
        mmbench.run(["prior"], profile="smoke", **{key: value})
    assert str(raised.value) == line
    option = f"--{key.replace('_', '-')}={value}"
    assert refused(["run", "--methods", "prior", "--profile", "smoke", option], capsys) == line
    assert not Path("runs").exists()


def test_from_python_a_precision_that_there_is_not_is_refused() -> None:
    """The command's parser does it itself."""
    with pytest.raises(UserError, match=r"^--precision 'fp16' is unknown \(did you mean 'bf16'\?\)$"):
        mmbench.run(["prior"], profile="smoke", precision="fp16")
    with pytest.raises(UserError, match=r"^--precision 'half' is unknown \(known: auto, bf16, fp32\)$"):
        mmbench.run(["prior"], profile="smoke", precision="half")


def test_a_name_in_place_of_a_file_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(["run", "mmnet"], capsys) == "mmnet: no such file; methods are named with --methods mmnet"
    assert refused(["run", "b.toml"], capsys) == "b.toml: cannot be read (No such file or directory)"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    Path("deep/b.toml").write_text(
        'runs = "../results"\ncache = "cache"\ndata_root = "../data"\ndataset = ["./images", "flowers"]\n'
        'set.pretrained = "vgg.pth"\nset.schedule = "thesis"\nlauncher_config = "/etc/c.toml"\n'
    )
    asked = load(Path("deep/b.toml"), {})
    (part,) = asked.parts
    assert (asked.way.runs, asked.way.cache, part.data_root) == ("deep/../results", "deep/cache", "deep/../data")
    assert asked.way.launcher_config == "/etc/c.toml"
    assert part.dataset == ("deep/images", "flowers")
    assert part.set == {"pretrained": "deep/vgg.pth", "schedule": "thesis"}
    asked.save(Path("there.toml"))
    again = load(Path("there.toml"), {})
    assert again.parts[0].dataset == ("deep/images", "flowers") and again.parts[0].set == part.set
    assert os.path.normpath(again.way.runs) == "results"


def test_options_of_a_launcher_stand_in_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    table = '[launcher.slurm]\npartition = "main"\ngres = "gpu:1"\n'
    Path("b.toml").write_text(f"{SMOKE}methods = ['prior']\n{table}")
    assert main(["run", "b.toml", "--dry-run"]) == 0
    assert "Slurm: partition main, gres gpu:1" in capsys.readouterr().out
    assert main(["run", "b.toml", "--dry-run", "--save", "c.toml"]) == 0
    assert table in Path("c.toml").read_text()
    capsys.readouterr()
    assert main(["run", "b.toml", "--dry-run", "--launcher", "local"]) == 0
    assert "Slurm:" not in capsys.readouterr().out
    with pytest.raises(UserError, match=r"b\.toml: launcher 'slurm' is for the command"):
        mmbench.run("b.toml")


def test_two_data_roots_for_one_data_set_are_refused(tmp_path: Path) -> None:
    (plan,) = make_plans(["prior"], ["synthetic"], "smoke", [0], tmp_path)
    other = replace(plan, cells=tuple(replace(cell, key="other") for cell in plan.cells))
    with pytest.raises(UserError, match=r"prior/seed-0: two .* mean different cells by this name"):
        together([plan, other])


def test_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[Cell] = []
    options: list[scheduler.Options] = []

    def execute(plans: list[Plan], given: scheduler.Options) -> list[Outcome]:
        planned.extend(cell for plan in plans for cell in plan.cells)
        options.append(given)
        return [Outcome(cell, "done") for plan in plans for cell in plan.cells]

    monkeypatch.setattr(scheduler, "execute", execute)
    Path("b.toml").write_text(f"{SMOKE}methods = ['prior', 'mmnet']\nseeds = [0, 1]\njobs = 2\n")
    assert len(mmbench.run("b.toml")) == 4
    assert mmbench.run(Path("b.toml"), seeds=[7], jobs=1, runs="there") == {
        f"synthetic/smoke/{name}/seed-7": "done" for name in ("prior", "mmnet")
    }
    assert [one.jobs for one in options] == [2, 1]
    assert mmbench.run(["prior"], profile="smoke") == {"synthetic/smoke/prior/seed-0": "done"}
    assert planned[-1].folder.path == Path("runs/synthetic/smoke/prior/seed-0")


@pytest.mark.parametrize("file", sorted(REFERENCE.glob("*.toml")), ids=lambda file: file.stem)
def test_the_committed_tables_have_their_files(file: Path) -> None:
    """The cells of every committed list of cells are planned, as far as their data are at hand; others are known."""
    asked = load(file, {})
    assert file.name in (REFERENCE / "README.md").read_text()
    for part in asked.parts:
        assert set(part.methods) <= catalog.cards("methods").keys()
        assert set(part.dataset) <= catalog.cards("datasets").keys()
    if file.stem in ("domains", "flowers-laptop", "study-nyuv2"):
        return
    plans = asked.plans()
    if file.stem in ("released", "steps", "study", "study-64px"):  # not all of their cells are in the committed tables
        return
    lists = {"ablation": "ablation-provenance-synthetic-laptop", "64px": "64px-provenance", "128px": "128px-provenance"}
    wanted = defaultdict(set)
    with (REFERENCE / f"{lists.get(file.stem, f'provenance-{file.stem}')}.csv").open() as lines:
        for row in csv.DictReader(lines):
            wanted[row["method"].partition("+")[0]].add(int(row["seed"]))
    planned = defaultdict(set)
    for plan in plans:
        for cell in plan.cells:
            planned[cell.method].add(cell.seed)
    assert all(seeds == planned[name] for name, seeds in wanted.items())
