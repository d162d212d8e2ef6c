"""The profile of `make real` is a params.yaml like any other, and says what it says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import yaml

from afs_stages.core.params import load

ROOT = Path(__file__).parents[2]


def demo() -> Any:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "tools/demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_profile_lies_over_the_clones_parameters(tmp_path: Path) -> None:
    own = tmp_path / "params.yaml"
    own.write_text(demo().parameters(ROOT / "tools/real.yaml"))
    real, sample = load(own), load(ROOT / "params.yaml")
    assert real.base_model.id == "models/bases/smollm2"
    assert real.fit.max_tokens <= real.train_for("veran").max_length
    assert real.model("veran").weights == sample.model("veran").weights
    assert real.model("veran").rehearsal == sample.model("veran").rehearsal
    changed = yaml.safe_load((ROOT / "tools/real.yaml").read_text())
    written = yaml.safe_load(own.read_text())
    for name, block in changed["models"].items():
        total = block["rebalance"]["max_total"]
        assert written["models"][name]["rebalance"]["max_total"] == total


def test_without_a_profile_the_demo_has_the_clones_own_parameters() -> None:
    assert demo().parameters(None) == (ROOT / "params.yaml").read_text()
