"""Each typical mistake in a method is caught by the check that is named for it, with what to do.

Every wrong method is the template with one change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmbench.commands.new import rendered
from mmbench.contracts.checks import findings
from mmbench.contracts.methods import VITAL, checks
from mmbench.contracts.subject import Subject
from mmbench.plugins import catalog

ENCODED = "latent = self.encode(source, image)"
RETURNED = "return self.task.modality(translation.output).from_network(raw)"
NETWORKS = "\n    def networks(self) -> dict[str, nn.Module]:\n        return dict(self.encoders)\n"
WRONG = {
    "no-translate": ("def translate(", "def translated(", "class", "must define translate()"),
    "no-such-setting": ("noise = 0.1", "noize = 0.1", "class", "did you mean 'noise'?"),
    "paired": ('ACCESS = "seen-groups"', 'ACCESS = "true-pairs"', "settings", "shows the pairs of unseen translations"),
    "opens-data": ("import torch\n", "import torch\nimport mmbench.datasets.synthetic\n", "imports", "opens no data"),
    "unseen-pair": (
        ENCODED,
        f'{ENCODED} + 0 * batch["rgb+depth"]["segmentation"].sum()',
        "access",
        "the view 'rgb+depth' of a batch for 'segmentation', which holds rgb, depth only",
    ),
    "forgets": ("\n    def forward", f"{NETWORKS}\n    def forward", "networks", "leaves out decoders.rgb.1.weight"),
    "nan": ("name: values.mean()", "name: (-values.mean()).log()", "losses", "is nan; look for a division by 0"),
    "no-gradient": ("self.decoders[target](latent)", "self.decoders[target](latent.detach())", "losses", "encoder/"),
    "no-scalar": ("name: values.mean()", "name: values", "losses", "expected a scalar tensor"),
    "in-place": (ENCODED, "latent = self.encode(source, image.clamp_(max=1))", "inputs", "work on a copy (clone())"),
    "numpy": (
        "torch.randn_like(latent)",
        'float(__import__("numpy").random.standard_normal())',
        "chance",
        "draws from numpy's global generator",
    ),
    "numpy-resumed": (
        'stage.options["noise"] * torch.randn_like(latent)',
        'float(__import__("numpy").random.standard_normal())',
        "resuming",
        "draw with torch only",
    ),
    "counter": (
        ENCODED,
        f'self.__dict__["calls"] = self.__dict__.get("calls", 0) + 1; {ENCODED} * (1 + 0.01 * self.__dict__["calls"])',
        "resuming",
        "keep all state in parameters and buffers",
    ),
    "raw": (RETURNED, "return raw", "rows", "return modality.from_network(raw)"),
    "infinite": (RETURNED, RETURNED.replace("(raw)", "(raw / 0)"), "rows", "what is not finite"),
    "company": (RETURNED, RETURNED.replace("(raw)", "(raw - raw.mean((0, 2, 3), keepdim=True))"), "alone", "company"),
    "noisy": (RETURNED, RETURNED.replace("(raw)", "(raw + torch.randn_like(raw))"), "no trace", "torch.Generator"),
    "on-the-spot": ("self.encode(source, image))", "self.encode(source, image.clamp_(max=1)))", "no trace", "copy"),
}  # fmt: skip


def write(name: str, old: str, new: str, folder: Path) -> None:
    """The template with one change, as a method of that name."""
    changed = False
    for path, text in rendered("method", name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        changed |= old in text
        (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert changed, old


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_caught_by_name(name: str, bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, rule, text = WRONG[name]
    write(name, old, new, tmp_path)
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path))
    card = catalog.find("methods", name)
    looked = [check for check in checks(Subject(card, bench, tmp_path)) if check.name == rule or check.name in VITAL]
    broken = {finding.check.name: finding.problem for finding in findings(looked, card.path) if finding.problem}
    assert list(broken) == [rule]
    assert text in broken[rule]
    assert "\n" not in broken[rule]


@pytest.mark.parametrize(("name", "plugins"), [("vital", ""), ("lively", ".")])
def test_nothing_is_looked_at_behind_a_vital_check(
    name: str, plugins: str, tmp_path: Path, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(name, "self.encoders = ", "self.encoders = self.nothing or ", tmp_path)
    monkeypatch.setenv("MMBENCH_PLUGINS", plugins or str(tmp_path))
    monkeypatch.chdir(tmp_path)
    card = catalog.find("methods", name)
    first, *rest = findings(checks(Subject(card, bench, tmp_path)), card.path)
    (line,) = (n for n, text in enumerate(card.path.read_text().split("\n"), 1) if "self.nothing" in text)
    assert f"AttributeError: {name.title()!r} object has no attribute 'nothing' in line {line}" in first.problem
    assert {finding.unchecked for finding in rest} == {"see class"}
