"""An adapter that reads only where the rows stand out: what it sees, what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.drift import drift, unseen_texts

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.training.encode import Encoded

Make = Callable[..., Any]
AIMED = {"subspace": True, "texts": 12}


def run(job: Any) -> dict[str, Any]:
    from afs_stages.training.script import run_job

    return run_job(job, jsonl.refuse)


def weights(adapter: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(adapter / "adapter_model.safetensors")


@pytest.fixture
def texts(base: Any, tokenizer: Any) -> list[Encoded]:
    return unseen_texts(base, tokenizer)


def test_directions_have_the_largest_ratio() -> None:
    from afs_stages.training.subspace import directions

    torch.manual_seed(3)
    half = torch.randn(12, 12)
    general = half @ half.T / 12
    other = torch.randn(12, 12)
    own = other @ other.T / 12

    def ratio(lines: torch.Tensor) -> torch.Tensor:
        return ((lines @ own) * lines).sum(1) / ((lines @ general) * lines).sum(1)

    best = ratio(directions(own, general, 1)).item()
    assert best > ratio(torch.randn(20_000, 12)).max().item()
    # Every direction more is less telling, and none stands twice.
    found = directions(own, general, 5)
    assert ratio(found).diff().min() > 0
    assert torch.linalg.matrix_rank(found) == 5


def test_a_direction_that_general_text_does_not_have_is_bounded() -> None:
    from afs_stages.training.subspace import directions

    general = torch.diag(torch.tensor([1.0, 1.0, 0.0]))
    found = directions(torch.eye(3), general, 1)[0]
    assert found.isfinite().all()
    assert found.abs().argmax() == 2


def test_an_aimed_adapter_drifts_less_and_still_learns(
    job: Make, base: Any, texts: Sequence[Encoded], tmp_path: Path
) -> None:
    run(job("free", epochs=6))
    aimed = run(job("aimed", epochs=6, anchor=AIMED))
    assert aimed["loss"]["last"] < aimed["loss"]["first"] - 0.1
    far = drift(base, tmp_path / "free", texts)
    assert drift(base, tmp_path / "aimed", texts) < 0.8 * far


@pytest.mark.parametrize("engine", ["builtin", "trl"])
def test_what_it_reads_stays_over_versions(
    job: Make, tmp_path: Path, engine: str
) -> None:
    run(job("v1", anchor=AIMED, engine=engine))
    second = job("v2", anchor=AIMED, engine=engine, learning_rate=1e-2)
    run(replace(second, start=tmp_path / "v1"))
    before, after = weights(tmp_path / "v1"), weights(tmp_path / "v2")
    reads = [name for name in before if "lora_A" in name]
    writes = [name for name in before if "lora_B" in name]
    assert all(torch.equal(before[name], after[name]) for name in reads)
    assert not any(torch.equal(before[name], after[name]) for name in writes)


def test_twice_is_the_same(job: Make, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(job(name, anchor=AIMED))
    one, two = (
        (tmp_path / name / "adapter_model.safetensors").read_bytes()
        for name in ("one", "two")
    )
    assert one == two


def test_too_little_memory_is_said_before(
    job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afs_stages.training.subspace.available_mb", lambda model: 0.01)
    with pytest.raises(UserError, match="directions of the adapter") as refused:
        run(job("small", anchor=AIMED))
    assert "train.anchor.subspace: false" in str(refused.value.fix)


def test_more_directions_than_there_are_is_said_before(job: Make) -> None:
    with pytest.raises(UserError, match=r"train\.r is 500"):
        run(job("wide", anchor=AIMED, r=500))
