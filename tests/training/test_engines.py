"""Two engines, one training: TRL's trainer and the built-in loop agree in every loss,
and neither lets a packed sample see another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.params.model import Train
from afs_stages.training.curve import Curve
from afs_stages.training.encode import IGNORE, Encoded
from afs_stages.training.prepared import engine_for

Make = Callable[..., Any]


def run(job: Any) -> dict[str, Any]:
    from afs_stages.training.script import run_job

    return run_job(job, jsonl.refuse)


def weights(folder: Path) -> bytes:
    return (folder / "adapter_model.safetensors").read_bytes()


@pytest.mark.parametrize("packing", [True, False])
def test_both_engines_have_the_same_losses(job: Make, packing: bool) -> None:
    settings = {"epochs": 2, "packing": packing, "batch_size": 2, "dropout": 0.0}
    own = run(job("own", engine="builtin", **settings))
    theirs = run(job("theirs", engine="trl", **settings))
    assert (own["engine"], theirs["engine"]) == ("builtin", "trl")
    assert own["steps"] == theirs["steps"] > 3
    for one, two in zip(own["curve"], theirs["curve"], strict=True):
        assert one == pytest.approx(two, abs=1e-3)
    assert own["loss"]["val"] == pytest.approx(theirs["loss"]["val"], abs=1e-3)
    different = {key for key in own if key != "curve" and own[key] != theirs.get(key)}
    assert different <= {"engine", "train", "loss"}


def test_trl_makes_the_same_adapter_twice(job: Make, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(job(name, engine="trl", epochs=1, dropout=0.1))
    assert weights(tmp_path / "one") == weights(tmp_path / "two")
    assert not (tmp_path / "one.checkpoints").exists()


class Stop(Exception):
    """Ends a training from within, as a kill would."""


@pytest.mark.parametrize("step", [3, 6])
def test_a_training_by_trl_goes_on_where_it_was_killed(
    job: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], step: int
) -> None:
    from afs_stages.training.train import train

    class Breaking(Curve):
        def add(self, point: dict[str, float]) -> None:
            if point["step"] == step:
                raise Stop
            super().add(point)

    whole = run(job("whole", engine="trl"))
    with pytest.raises(Stop):
        train(job("broken", engine="trl"), jsonl.refuse, Breaking)
    assert not (tmp_path / "broken").exists()
    broken = run(job("broken", engine="trl", resume=True))
    assert f"resumed at step {(step - 1) // 2 * 2}" in capsys.readouterr().out
    assert len(broken["curve"]) == len(whole["curve"])
    for one, two in zip(whole["curve"], broken["curve"], strict=True):
        assert one == pytest.approx(two, abs=1e-3)
    assert broken["tokens_seen"] == whole["tokens_seen"]
    assert (tmp_path / "broken.tsv").read_text().count("\n") == whole["steps"] + 1


def test_trl_names_the_rows_of_a_loss_that_is_no_number(job: Make) -> None:
    with pytest.raises(
        UserError,
        match=r"loss is (nan|inf) at step \d+, in the micro-batch of rows train.jsonl:",
    ):
        run(job(engine="trl", learning_rate=1e30, warmup_ratio=0.0))


def test_trl_stops_early_and_keeps_the_best_epoch(job: Make) -> None:
    facts = run(
        job(engine="trl", epochs=30, learning_rate=0.05, early_stopping_patience=2)
    )
    vals = [point["val_loss"] for point in facts["curve"] if "val_loss" in point]
    assert facts["stopped_early"]
    assert facts["loss"]["val"] == min(vals)


def test_the_engine_follows_the_machine_and_what_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    assert engine_for(Train(engine="trl")) == "trl"
    assert engine_for(Train(processes=2)) == "trl"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert engine_for(Train()) == "builtin"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert engine_for(Train()) == "trl"
    assert engine_for(Train(engine="builtin")) == "builtin"
    with pytest.raises(UserError, match="the built-in engine has one"):
        engine_for(Train(engine="builtin", processes=2))


SIZES: dict[str, Any] = {
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
}


def random_model(kind: str) -> Any:
    """A random model of a real architecture, attention as training installs it."""
    import torch
    import transformers

    from afs_stages.training import attention

    torch.manual_seed(3)
    own = {"sliding_window": 8} if kind == "Gemma3Text" else {}
    name = kind.removesuffix("Text")
    config = getattr(transformers, f"{kind}Config")(**SIZES, **own)
    model = getattr(transformers, f"{name}ForCausalLM")(config)
    # Rows of random weights differ little; large ones show every leak.
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.2)
    assert attention.install(model)
    return model.eval()


def samples() -> list[Encoded]:
    import random

    rng = random.Random(4)
    sizes = (5, 30, 17, 2)
    rows = [[rng.randrange(3, 128) for _ in range(size)] for size in sizes]
    return [Encoded(ids, [IGNORE, *ids[1:]], f"row {n}") for n, ids in enumerate(rows)]


KINDS = ["Llama", "Qwen2", "Qwen3", "Gemma3Text"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_row_has_the_loss_of_its_samples_alone(kind: str) -> None:
    import torch

    from afs_stages.training.token_losses import token_losses

    model, items = random_model(kind), samples()
    with torch.inference_mode():
        together = token_losses(model, items)
        alone = torch.cat([token_losses(model, [item]) for item in items])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_trl_sees_packed_samples_apart_too(
    kind: str, tokenizer: Any, job: Make
) -> None:
    import torch

    from afs_stages.training import trl_engine
    from afs_stages.training.batches import BatchPlan
    from afs_stages.training.prepared import PreparedTraining

    model, items = random_model(kind), samples()

    def loss(batch: Sequence[int]) -> float:
        """TRL's own loss of a micro-batch, from its own collator."""
        prepared = PreparedTraining(
            job=job(),
            model=model,
            tokenizer=tokenizer,
            packed=True,
            items=items,
            val=[],
            plan=BatchPlan([[list(batch)]], [1]),
            mark="",
            curve=Curve(None),
        )
        trainer = trl_engine.PlannedTrainer(prepared)
        [inputs] = list(trainer.get_train_dataloader())
        with torch.no_grad():
            return float(trainer.compute_loss(trainer.model.eval(), inputs))

    tokens = [item.targets for item in items]
    alone = [loss([at]) * count for at, count in enumerate(tokens)]
    assert loss(range(len(items))) == pytest.approx(sum(alone) / sum(tokens), abs=1e-5)


def test_attention_that_would_lose_a_part_of_a_model_is_not_installed() -> None:
    import transformers

    from afs_stages.training import attention

    config = transformers.Gemma2Config(**SIZES, attn_logit_softcapping=30.0)
    assert not attention.install(transformers.Gemma2ForCausalLM(config))
