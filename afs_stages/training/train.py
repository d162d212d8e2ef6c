"""Training an adapter from end to end: rows in, a finished adapter folder out."""

from __future__ import annotations

import shutil
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
from afs_stages.training import lora, preflight, subspace
from afs_stages.training.anchor import Hold, base_texts, spread
from afs_stages.training.base_model import Base, load_tokenizer
from afs_stages.training.batches import plan_for
from afs_stages.training.card import model_card
from afs_stages.training.chat_rows import read_chat_rows
from afs_stages.training.curve import Curve
from afs_stages.training.device_memory import capped
from afs_stages.training.encode import Encoded, encode_rows
from afs_stages.training.prepared import (
    Engine,
    PreparedTraining,
    TrainingState,
    engine_for,
)

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TrainingRun:
    """One training: what is trained on what, and where it goes.

    `start` is an adapter to go on from; `curve` a TSV that grows with every step;
    `model` and `version` only name it. `resume`: None resumes where it can, True must,
    False starts anew. `texts` is a folder where the base's own texts are kept for the
    next training.
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
    texts: Path | None = None

    @property
    def checkpoints(self) -> Path:
        """Where its checkpoints lie: beside the adapter folder, so that the folder
        itself is only ever whole.
        """
        return self.output.with_name(f"{self.output.name}.checkpoints")

    def facts(self) -> dict[str, Any]:
        """What was asked for, as training.json holds it."""
        start = {"hash": folder_hash(self.start)} if self.start else None
        return {
            "model": self.model,
            "version": self.version,
            "base": {"name": self.base.name, "hash": self.base.hash},
            "start": start,
            "train": self.train.model_dump(),
            "seed": self.seed,
        }


@dataclass
class EncodedRows:
    """Encoded rows of one part, how many were left out by reason, the file's hash."""

    items: list[Encoded]
    dropped: dict[str, int]
    hash: str

    def facts(self) -> dict[str, Any]:
        """The part as training.json holds it."""
        return {"rows": len(self.items), "dropped": self.dropped, "hash": self.hash}


def train(
    job: TrainingRun,
    on_bad: OnBad,
    curve_type: type[Curve] = Curve,
    main: bool = True,
) -> dict[str, Any]:
    """Train and write the adapter folder; returns the content of its training.json.

    Of several processes only the `main` one writes.

    Raises `UserError` where there is nothing to train on, it can't fit, the loss is no
    number, or `resume=True` finds nothing to resume.
    """
    tokenizer = load_tokenizer(job.base)
    data = read_part(job.train_file, tokenizer, job.train, on_bad)
    if not data.items:
        raise UserError(
            "no rows to train on",
            where=str(job.train_file),
            fix="look at the reports of fit and rebalance",
        )
    val = EncodedRows([], {}, "")
    if job.val_file:
        val = read_part(job.val_file, tokenizer, job.train, on_bad)
    _check_val(job, val)
    engine = engine_for(job.train)
    # Each engine is imported only when it is used.
    if engine == "trl":
        from afs_stages.training.trl_engine import run
    else:
        from afs_stages.training.builtin_engine import run
    model, packed = lora.load_for_training(job.base, job.train, job.seed, job.start)
    texts = _base_texts(job, model, tokenizer)
    if job.train.anchor.subspace:
        _aim(job, model, data, texts)
    plan = plan_for(data.items, job.train, job.seed, packed)
    size = preflight.estimate(model, data.items, plan, job.train)
    say(f"train: {size.summary()}; engine: {engine}")
    prepared = PreparedTraining(
        job=job,
        model=model,
        tokenizer=tokenizer,
        packed=packed,
        items=data.items,
        val=val.items,
        plan=plan,
        mark=fingerprint(job, data, val, engine),
        curve=curve_type(job.curve if main else None),
        main=main,
        state=TrainingState(parts=size.parts),
    )
    with capped(model, job.train.memory_limit_mb):
        prepared.hold = _hold(job, texts, packed, size)
        state = run(prepared)
    if prepared.best:
        lora.put(model, prepared.best)
    facts = _facts(job, data, val, state, size.trained)
    facts["engine"] = engine
    if main:
        _write(job, model, tokenizer, facts)
    return facts


def _base_texts(
    job: TrainingRun, model: PeftModel, tokenizer: PreTrainedTokenizerBase
) -> list[Encoded]:
    """The base's own texts, where something of `train.anchor` is asked for."""
    anchor = job.train.anchor
    if not (anchor.share or anchor.subspace):
        return []
    return base_texts(model, tokenizer, job.base, anchor, job.seed, job.texts)


def _aim(
    job: TrainingRun, model: PeftModel, data: EncodedRows, texts: list[Encoded]
) -> None:
    """Restrict what the adapter reads. One that starts from another reads where that
    one did: what it knows lies there.
    """
    if job.start is None:
        subspace.aim(model, data.items, texts, job.seed)
    subspace.freeze(model)


def _hold(
    job: TrainingRun, texts: list[Encoded], packed: bool, size: preflight.Estimate
) -> Hold | None:
    """What holds the model to its base while it learns, where that is asked for."""
    anchor = job.train.anchor
    if not anchor.share:
        return None
    steps = spread(texts, anchor.share, size.tokens, size.steps, job.seed)
    return Hold(texts, steps, anchor.weight, packed)


def read_part(
    path: Path, tokenizer: PreTrainedTokenizerBase, train: Train, on_bad: OnBad
) -> EncodedRows:
    """Read and encode a file of messages rows."""
    rows = read_chat_rows(path, on_bad)
    items, dropped = encode_rows(
        tokenizer, rows, train.max_length, train.completion_only
    )
    return EncodedRows(items, dropped, file_hash(path))


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


def fingerprint(
    job: TrainingRun, data: EncodedRows, val: EncodedRows, engine: Engine
) -> str:
    """What makes two trainings the same: base, start, parameters, data, engine, the
    code that a training runs, versions.
    """
    blocks = Blocks(SourceCode())
    code = blocks.code.hash(blocks.stage_files(["afs_stages.stages.train"]))
    return value_hash([job.facts(), data.hash, val.hash, engine, code, versions()])


def versions() -> dict[str, str]:
    """Versions of the libraries that decide the result."""
    from importlib.metadata import version

    return {
        name: version(name) for name in ("torch", "transformers", "peft", "tokenizers")
    }


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
    parts = {"train": data.facts(), "val": val.facts()}
    asked = {**job.facts(), "data": parts, "versions": versions()}
    return {
        **asked,
        "trained_weights": trained,
        "steps": state.step,
        "micro_batch_parts": state.parts,
        "stopped_early": state.stopped,
        "tokens_seen": state.tokens,
        "loss": _losses(job, state),
        "curve": state.curve,
    }


def _losses(job: TrainingRun, state: TrainingState) -> dict[str, float | None]:
    """The first step's loss, the mean of the last tenth of all steps, and the val loss
    of the adapter that was kept: the best one with early stopping, else the last.
    """
    losses = [point["loss"] for point in state.curve]
    vals = [point["val_loss"] for point in state.curve if "val_loss" in point]
    tail = losses[-max(1, len(losses) // 10) :]
    val = None
    if vals:
        val = min(vals) if job.train.early_stopping_patience else vals[-1]
    last = round(sum(tail) / len(tail), 6)
    return {"first": losses[0], "last": last, "val": val}


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
    shutil.rmtree(job.checkpoints, ignore_errors=True)
