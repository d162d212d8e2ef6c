"""What `make real` runs: the profile is a params.yaml like any other, its second
version differs in what it learns, and its table tells what was measured.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from afs_stages.core.params import load

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Any:
    """tools/demo.py and tools/real.py, imported as their folder's modules."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    yield lambda name: __import__(name)
    for name in ("demo", "real"):
        sys.modules.pop(name, None)


def test_both_versions_of_the_profile_are_params(tools: Any, tmp_path: Path) -> None:
    first = tools("demo").parameters(ROOT / "tools/real.yaml")
    second = tools("real").second(first, 0.3)
    found = []
    for number, text in enumerate((first, second)):
        (tmp_path / f"{number}.yaml").write_text(text)
        found.append(load(tmp_path / f"{number}.yaml"))
    one, two = found
    assert one.base_model.id == "models/bases/smollm2"
    assert one.fit.max_tokens <= one.train_for("majora").max_length
    assert (one.model("majora").version, two.model("majora").version) == ("v1", "v2")
    assert set(one.sources) == {"registers", "save"}
    assert one.model("majora").weights == {"registers": 1.0}
    assert two.model("majora").weights == {"save": 1.0}
    assert two.model("majora").rehearsal.ratio == 0.3


def test_the_table_tells_what_each_version_knows(tools: Any) -> None:
    def part(v1: float, v2: float) -> dict[str, Any]:
        return {
            name: {"estimate": value, "low": 0.0, "high": 1.0}
            for name, value in (("v1", v1), ("v2", v2))
        }

    def report(of_v1: float, still: int) -> dict[str, Any]:
        skills = {"all": {"estimate": 0.6, "low": 0.5, "high": 0.7}}
        return {
            "knowledge": {
                "questions": {"v1": 60, "v2": 22},
                "recall": {
                    "base": part(0, 0),
                    "v1": part(0.9, 0),
                    "v2": part(of_v1, 0.95),
                },
                "kept": {"v1": {"known": 54, "still": still}},
            },
            "general": {"share": {"base": skills, "v1": skills, "v2": skills}},
        }

    table = tools("real").told(report(0.1, 6), report(0.8, 48))
    assert "| v2, nothing rehearsed | 10% [0, 100] | 95% [0, 100] | 60%" in table
    assert "| v2, 30% rehearsed | 80% [0, 100] | 95% [0, 100] | 60%" in table
    assert "v2 without rehearsal still knows 6." in table
    assert "v2 with rehearsal still knows 48." in table


def test_without_a_profile_the_demo_has_the_clones_own_parameters(tools: Any) -> None:
    assert tools("demo").parameters(None) == (ROOT / "params.yaml").read_text()
