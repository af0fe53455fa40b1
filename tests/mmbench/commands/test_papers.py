"""The command ``papers``, and ``run --table``: lines and exit codes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from result_rows import facts
from sunrgbd_tree import make_root, opened

from mmbench.commands.main import main
from mmbench.planning.papers import papers
from mmbench.store.files import write_json

ALONE = """
import sys
from mmbench.commands.main import main
code = main(["papers"])
print("torch" in sys.modules, code)
"""


def test_papers_says_what_is_missing_without_torch(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MMBENCH_DATA"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    *lines, last = done.stdout.splitlines()
    assert last == "False 0"
    headings = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    assert headings[: len(papers().tables)] == list(papers().tables)
    assert "  python -m mmbench run --table thesis-4.6 --seeds 0,1,2 --data-root DATA" in lines
    assert "  numbers: 180, none beside a result" in lines
    assert "  data: sunrgbd-thesis, from http://rgbd.cs.princeton.edu/ (about 8 GB); not looked for" in lines
    assert "No data were looked for: give --data-root FOLDER or set MMBENCH_DATA." in lines


def test_papers_of_one_table_with_a_data_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mmbench.launching.scheduler.cuda_present", lambda: False)
    Path("my data/SUNRGBD").mkdir(parents=True)
    assert main(["papers", "thesis-4.7", "--data-root", "my data", "--seeds", "0", "--runs", "done"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        "What is found is a data set's folder: `python -m mmbench data verify NAME` tells what is missing in it."
        in lines
    )
    *first, left = lines[:4]
    assert first == [
        "thesis-4.7: Segmentation to depth on SUN RGB-D",
        "  python -m mmbench run --table thesis-4.7 --seeds 0 --data-root 'my data' --runs done",
        "  data: sunrgbd-thesis, found in my data",
    ]
    # 128 hours by a guess of the GPU that the profile is for, which a CPU's is 300 times
    assert left == "  profile paper; 0 of 9 cells done in done; needs a GPU: about 2279 days here for the rest"
    assert lines[-1] == "Times are of one cell after the other: a rough guess. GPU: not asked yet."


def test_papers_counts_the_verdicts_of_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of table 4.5 M&MNets have 0.33 (tolerance 0.02) and 2.80 m (0.05 m); CVPR's table 4 has the same two."""
    translation = {
        "group": "zero-pair", "side_information": "pooling-indices", "inputs": "segmentation", "output": "depth",
        "output_kind": "depth", "via": "", "weights": "", "side_from": "", "bn": "trained", "checkpoint": "last",
    }  # fmt: skip
    result = {
        **facts("scenenet-170k"), "title": "M&MNets", "published_dataset": "scenenet-170k",
        "rows": [{**translation, "metrics": {"delta_1.25": 0.33, "rmse_linear": 3.0, "new": 1.0}}],
        "parameters": 1, "timing": {"seconds": 1.0}, "peak_memory_bytes": 1,
    }  # fmt: skip
    for seed in range(3):
        write_json(tmp_path / f"scenenet-170k/paper/mmnet/seed-{seed}/result.json", result)
    assert main(["papers", "thesis-4.4", "thesis-4.5", "cvpr-4", "thesis-figure-4.13", "--runs", str(tmp_path)]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line.startswith("numbers")] == [
        "numbers: 180, none beside a result",
        "numbers: 55; agrees 1, worse 1, no result 53",
        "numbers: 20; agrees 1, worse 1, no result 18",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("papers", "thesis-44"), "no table named 'thesis-44' (did you mean 'thesis-4.4'?); `papers` lists them"),
        (("run", "--table", "cvpr-5"), "no table named 'cvpr-5' (did you mean 'cvpr-4'?); `papers` lists them"),
        (("run", "--table", "thesis-4.8"), "thesis-4.8 needs freiburg: get it from http"),
        (
            ("run", "--table", "thesis-4.8", "--methods", "mmnet", "--suite", "tables"),
            "--table thesis-4.8 says which rows: leave --methods and --suite out",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    assert main(arguments) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"mmbench: {line}") and error.count("\n") == 1


def test_the_rows_of_a_table_on_another_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The four modalities of table 4.8 on rooms that need no download: its eight methods, and the parent of one."""
    where = ("--dataset", "synthetic-nir", "--profile", "smoke", "--runs", str(tmp_path))
    assert main(("run", "--table", "thesis-4.8", *where, "--dry-run")) == 0
    planned = re.findall(r"synthetic-nir/smoke/(\S+)/seed-0", capsys.readouterr().out)
    assert sorted(planned) == [
        "cascade", "cyclegan", "mmnet", "mmnet-pp", "oracle", "oracle-multimodal", "pix2pix-cascade",
        "stargan-unpaired",
    ]  # fmt: skip


def test_a_suite_on_the_embedded_rooms_says_for_which_data_sets_there_are_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--suite", "ablation", "--profile", "smoke", "--dry-run", "--runs", str(tmp_path)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("For the embedded rooms the papers have no numbers; they have for scenenet-51k, ")


def test_all_methods_on_a_part_of_sun_rgbd_without_a_validation_frame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_root(tmp_path / "data")
    for frame in opened(root).split().validation:
        shutil.rmtree(root / "sunrgbd" / "SUNRGBD" / frame)
    command = ["run", "--methods", "all", "--dataset", "sunrgbd", "--data-root", str(root), "--profile", "smoke"]
    assert main([*command, "--dry-run", "--runs", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("  data: 70 of 10335 frames; labels: toolbox; validation is absent, in its place ")
    assert sum(line.endswith("absent") or ", after " in line for line in lines) == 16
