"""A rented adapter meets the same gates as one trained at home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from afs_stages.core.errors import UserError
from afs_stages.stages.remote_register import remote_register


def measured(gain: float, docs: float = 1.0) -> dict[str, Any]:
    """A report of v2 after v1; `docs`: v2's loss on v1's test rows,
    where v1 has 1.0.
    """
    losses = {"base": 3.0, "v1": 1.0, "v2": docs}
    tests = {
        name: {"v1": {"estimate": loss}, "v2": {"estimate": loss}}
        for name, loss in losses.items()
    }
    domains = {
        name: {
            version: {"oracle_docs": {"estimate": loss, "rows": 4}}
            for version in ("v1", "v2")
        }
        for name, loss in losses.items()
    }
    return {
        "loss": tests,
        "domains": domains,
        "test_rows": {"v1": 40, "v2": 40},
        "gain_over_base": {"estimate": gain, "low": gain - 0.1, "high": gain + 0.1},
    }


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tree = {
        "sources": {"s": {"root": "."}},
        "models": {"m": {"version": "v2", "weights": {"s": 1}}},
        "evaluate": {"must_beat_base": True, "max_regression": 0.2},
    }
    Path("params.yaml").write_text(yaml.safe_dump(tree))
    adapter = Path("models/m/remote/adapter")
    adapter.mkdir(parents=True)
    (adapter / "weights").write_text("trained")
    facts = {
        "base": {"name": "b", "hash": "1"},
        "data": {"train": {"hash": "2", "rows": 3}},
        "train": {},
    }
    (adapter / "training.json").write_text(json.dumps(facts))
    return tmp_path


def registered(home: Path, report: dict[str, Any]) -> list[dict[str, Any]]:
    target = home / "reports/remote-evaluate/m.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report))
    remote_register("m")
    return [
        json.loads(path.read_text())
        for path in (home / "models/registry").glob("*.json")
    ]


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (measured(0.05), "does not beat the base"),
        (measured(1.0, docs=1.3), "worse than v1"),
    ],
)
def test_an_adapter_that_fails_a_gate_is_not_registered(report, why, home):
    with pytest.raises(UserError, match=why):
        registered(home, report)
    assert not list(home.glob("models/registry/*.json"))


def test_an_adapter_that_passes_is_registered_with_what_was_measured(home):
    [record] = registered(home, measured(1.0))
    assert record["metrics"]["gain_over_base"]["estimate"] == 1.0


def test_an_adapter_nobody_measured_is_registered_as_unmeasured(home):
    [record] = registered(home, {"measured": False})
    assert record["metrics"] == {}
    assert (
        json.loads((home / "reports/remote-register/m.json").read_text())["measured"]
        is False
    )
