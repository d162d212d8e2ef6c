"""An adapter held to its base: how far it drifts, on what text, the same twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.drift import drift, unseen_texts

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.params.model import Train
from afs_stages.training.encode import IGNORE, Encoded

Make = Callable[..., Any]
HELD = {"share": 0.5, "weight": 5.0, "texts": 12}


def run(job: Any) -> dict[str, Any]:
    from afs_stages.training.script import run_job

    return run_job(job, jsonl.refuse)


@pytest.fixture
def texts(base: Any, tokenizer: Any) -> list[Encoded]:
    return unseen_texts(base, tokenizer)


def test_texts_are_the_base_s_own_and_the_same_twice(
    base: Any, tokenizer: Any, texts: Sequence[Encoded]
) -> None:
    from afs_stages.training import lora
    from afs_stages.training.anchor import LENGTH, write_texts

    model, _ = lora.load_for_training(base, Train(r=4), 2)
    assert write_texts(model, tokenizer, 8, seed=99) == texts
    assert model.training
    assert len({tuple(text.ids) for text in texts}) == len(texts)
    for text in texts:
        assert text.targets > 0
        assert len(text.ids) <= LENGTH
        # What the template always says is not learnt.
        assert text.labels[0] == IGNORE


def test_an_untouched_adapter_has_not_drifted(
    base: Any, texts: Sequence[Encoded]
) -> None:
    from afs_stages.training import lora
    from afs_stages.training.anchor import Hold

    model, packed = lora.load_for_training(base, Train(r=4), 1)
    hold = Hold(texts, [[0, 1], []], 1.0, packed)
    assert hold.pull(model, 0) == pytest.approx(0.0, abs=1e-9)
    assert hold.pull(model, 1) is None


def test_held_an_adapter_drifts_less_and_still_learns(
    job: Make, base: Any, texts: Sequence[Encoded], tmp_path: Path
) -> None:
    free = run(job("free", epochs=6))
    held = run(job("held", epochs=6, anchor=HELD))
    far = drift(base, tmp_path / "free", texts)
    near = drift(base, tmp_path / "held", texts)
    assert near < 0.7 * far
    assert held["loss"]["last"] < held["loss"]["first"] - 0.1
    # Half of all tokens are the base's own, spread over all steps.
    assert held["tokens_seen"] == pytest.approx(2 * free["tokens_seen"], rel=0.05)
    assert all("anchor_kl" in point for point in held["curve"])


def test_texts_are_kept_and_the_adapter_is_the_same_twice(
    job: Make, tmp_path: Path
) -> None:
    from dataclasses import replace

    kept = tmp_path / "kept"
    for name in ("one", "two"):
        run(replace(job(name, anchor=HELD), texts=kept))
        assert len(list(kept.iterdir())) == 1
    one, two = (
        (tmp_path / name / "adapter_model.safetensors").read_bytes()
        for name in ("one", "two")
    )
    assert one == two


def test_trl_refuses_to_hold() -> None:
    from afs_stages.training.prepared import engine_for

    with pytest.raises(UserError, match=r"train\.anchor\.share"):
        engine_for(Train.model_validate({"engine": "trl", "anchor": HELD}))
