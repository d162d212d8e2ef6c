"""Training an adapter from end to end: rows in, a finished adapter folder out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core.atomic import atomic_folder, write_text
from afs_stages.core.block_code import Blocks
from afs_stages.core.closure import SourceCode
from afs_stages.core.console import say, warn
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import file_hash, folder_hash, value_hash
from afs_stages.core.jsonl import OnBad, write_json
from afs_stages.core.params.model import Train
from afs_stages.training import checkpoint, lora, preflight
from afs_stages.training.base_model import Base, load_tokenizer
from afs_stages.training.batches import BatchPlan, make_plan
from afs_stages.training.card import model_card
from afs_stages.training.chat_rows import read_chat_rows
from afs_stages.training.curve import Curve
from afs_stages.training.device_memory import capped
from afs_stages.training.encode import Encoded, encode_rows
from afs_stages.training.process_group import ProcessGroup

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

    from afs_stages.training.loop import Loop, TrainingState
    from afs_stages.training.lora import Weights


@dataclass(frozen=True)
class TrainingRun:
    """One training: what is trained on what, and where it goes.

    `start` is an adapter to go on from; `curve` a TSV that grows with every step;
    `model` and `version` only name it. `resume`: None resumes where it can, True must,
    False starts anew.
    """

    base: Base
    train: Train
    seed: int
    train_file: Path
    val_file: Path | None
    output: Path
    start: Path | None = None
    curve: Path | None = None
    model: str = ""
    version: str = ""
    resume: bool | None = None


@dataclass
class EncodedRows:
    """Encoded rows of one part, and what happened to the others."""

    rows_in: int
    items: list[Encoded]
    dropped: dict[str, int]
    hash: str


def train(
    job: TrainingRun,
    on_bad: OnBad,
    curve_type: type[Curve] = Curve,
    team: ProcessGroup | None = None,
) -> dict[str, Any]:
    """Train and write the adapter folder; returns the content of its training.json.

    In a `team` each process takes its share, and the first writes.

    Raises `UserError` where there is nothing to train on, it can't fit, the loss is no
    number, or `resume=True` finds nothing to resume.
    """
    from afs_stages.training.loop import Loop, Optim

    team, tokenizer = team or ProcessGroup(), load_tokenizer(job.base)
    data = read_part(job.train_file, tokenizer, job.train, on_bad)
    if not data.items:
        raise UserError(
            "no rows to train on",
            where=str(job.train_file),
            fix="look at the reports of fit and rebalance",
        )
    val = (
        read_part(job.val_file, tokenizer, job.train, on_bad)
        if job.val_file
        else EncodedRows(0, [], {}, "")
    )
    _check_val(job, val)
    plan = plan_for(data.items, job.train, job.seed)
    model, packed = lora.load_for_training(job.base, job.train, job.seed, job.start)
    size = preflight.estimate(
        model,
        data.items,
        plan,
        job.train.gradient_checkpointing,
        job.train.memory_limit_mb,
    )
    say(f"train: {size.summary()}")
    optim = Optim(
        job.train.learning_rate,
        job.train.schedule,
        job.train.warmup_ratio,
        job.train.weight_decay,
    )
    with capped(model, job.train.memory_limit_mb):
        with curve_type(job.curve if team.main else None) as curve:
            loop = Loop(model, data.items, plan, optim, packed, team)
            loop.state.parts = int(team.largest(size.parts))
            _run(job, loop, data, val, curve)
    facts = _facts(job, data, val, loop.state, size.trained)
    if team.main:
        _write(job, model, tokenizer, facts)
    return facts


def read_part(
    path: Path, tokenizer: PreTrainedTokenizerBase, train: Train, on_bad: OnBad
) -> EncodedRows:
    """Read and encode a file of messages rows."""
    rows = list(read_chat_rows(path, on_bad))
    items, dropped = encode_rows(
        tokenizer, rows, train.max_length, train.completion_only
    )
    return EncodedRows(len(rows), items, dropped, file_hash(path))


def plan_for(items: Sequence[Encoded], train: Train, seed: int) -> BatchPlan:
    """The steps of a training."""
    return make_plan(
        [len(item.ids) for item in items],
        epochs=train.epochs,
        batch_size=train.batch_size,
        accumulation=train.gradient_accumulation_steps,
        max_length=train.max_length,
        packing=train.packing,
        seed=seed,
        max_steps=train.max_steps,
    )


def _check_val(job: TrainingRun, val: EncodedRows) -> None:
    if val.items:
        return
    if job.train.early_stopping_patience:
        raise UserError(
            "train.early_stopping_patience is set, and there are no val "
            "rows to stop by",
            where=str(job.val_file or job.train_file),
            fix="set it to null, or raise split.val",
        )
    warn("no val rows: the val loss is not measured")


def fingerprint(job: TrainingRun, data: EncodedRows, val: EncodedRows) -> str:
    """What makes two trainings the same: base, start, parameters, data, the code that a
    training runs, versions.
    """
    blocks = Blocks(SourceCode())
    code = blocks.code.hash(blocks.stage_files(["afs_stages.stages.train"]))
    start = folder_hash(job.start) if job.start else None
    facts = [
        job.base.hash,
        start,
        job.train.model_dump(),
        job.seed,
        data.hash,
        val.hash,
        code,
        versions(),
    ]
    return value_hash(facts)


def versions() -> dict[str, str]:
    """Versions of the libraries that decide the result."""
    from importlib.metadata import version

    return {
        name: version(name) for name in ("torch", "transformers", "peft", "tokenizers")
    }


def _run(
    job: TrainingRun, loop: Loop, data: EncodedRows, val: EncodedRows, curve: Curve
) -> None:
    """Run the steps that are left, with checkpoints, val,
    early stopping and the live curve.
    """
    from afs_stages.training.loop import Meter, mean_loss

    settings, total = job.train, len(loop.plan.steps)
    mark, root = fingerprint(job, data, val), checkpoint.folder_for(job.output)
    best: Weights = {}
    _resume(job, root, mark, loop, best)
    meter = Meter(f"train {job.model}".strip(), total)
    for point in loop.state.curve:
        curve.add(point)

    def on_epoch(_: Loop) -> None:
        if val.items:
            tokens = settings.batch_size * settings.max_length
            loss = mean_loss(loop.model, val.items, tokens, loop.packed)
            # The mean, so that all stop at the same epoch.
            _judge(
                loop,
                loop.team.total(loss) / loop.team.size,
                settings.early_stopping_patience,
                best,
            )

    def on_step(_: Loop) -> None:
        curve.add(loop.state.curve[-1])
        meter(loop.state)
        if (
            loop.team.main
            and loop.state.step % settings.save_steps == 0
            and loop.state.step < total
        ):
            checkpoint.save(root, loop, best, mark)

    loop.on_epoch, loop.on_step = on_epoch, on_step
    loop.run()
    if best:
        lora.put(loop.model, best)


def _resume(job: TrainingRun, root: Path, mark: str, loop: Loop, best: Weights) -> None:
    if job.resume is False:
        shutil.rmtree(root, ignore_errors=True)
        return
    found = checkpoint.newest(root, mark)
    if found is None:
        if job.resume:
            raise UserError(
                "nothing to resume", where=str(root), fix="start anew without --resume"
            )
        shutil.rmtree(root, ignore_errors=True)
        return
    best.update(checkpoint.restore(found, loop))
    say(f"train: resumed at step {loop.state.step:,} of {len(loop.plan.steps):,}")


def _judge(loop: Loop, loss: float, patience: int | None, best: Weights) -> None:
    """Note an epoch's val loss; with patience keep the best adapter and stop when it no
    longer gets better.
    """
    state = loop.state
    state.curve[-1]["val_loss"] = round(loss, 6)
    if state.best_val is None or loss < state.best_val:
        state.best_val, state.bad_epochs = loss, 0
        if patience:
            for name, weight in lora.trainable(loop.model).items():
                best[name] = weight.detach().clone()
        return
    state.bad_epochs += 1
    state.stopped = patience is not None and state.bad_epochs >= patience


def _facts(
    job: TrainingRun,
    data: EncodedRows,
    val: EncodedRows,
    state: TrainingState,
    trained: int,
) -> dict[str, Any]:
    """The content of training.json: what was asked for, what of and with,
    what came of it.
    """
    parts = {"train": _part(data), "val": _part(val)}
    loss = _losses(job, state)
    return {
        **_job_facts(job),
        "data": parts,
        "versions": versions(),
        "trained_weights": trained,
        "steps": state.step,
        "micro_batch_parts": state.parts,
        "stopped_early": state.stopped,
        "tokens_seen": state.tokens,
        "loss": loss,
        "curve": state.curve,
    }


def _job_facts(job: TrainingRun) -> dict[str, Any]:
    """What was asked for, as training.json holds it."""
    start = {"hash": folder_hash(job.start)} if job.start else None
    return {
        "model": job.model,
        "version": job.version,
        "base": {"name": job.base.name, "hash": job.base.hash},
        "start": start,
        "train": job.train.model_dump(),
        "seed": job.seed,
    }


def _part(data: EncodedRows) -> dict[str, Any]:
    return {"rows": len(data.items), "dropped": data.dropped, "hash": data.hash}


def _losses(job: TrainingRun, state: TrainingState) -> dict[str, float | None]:
    """The first step's loss, the mean of the last tenth of all steps,
    and that of the val rows.
    """
    losses = [point["loss"] for point in state.curve]
    vals = [point["val_loss"] for point in state.curve if "val_loss" in point]
    tail = losses[-max(1, len(losses) // 10) :]
    return {
        "first": losses[0],
        "last": round(sum(tail) / len(tail), 6),
        "val": _val(job, vals),
    }


def _val(job: TrainingRun, vals: list[float]) -> float | None:
    """The val loss of the adapter that was kept: the best one with early stopping,
    else the last.
    """
    if not vals:
        return None
    return min(vals) if job.train.early_stopping_patience else vals[-1]


def _write(
    job: TrainingRun,
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    facts: dict[str, Any],
) -> None:
    with atomic_folder(job.output) as folder:
        lora.save(model, job.base, folder)
        tokenizer.save_pretrained(folder)
        write_text(folder / "README.md", model_card(facts))
        write_json(folder / "training.json", facts)
    shutil.rmtree(checkpoint.folder_for(job.output), ignore_errors=True)
