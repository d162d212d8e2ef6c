"""The engine on TRL: `SFTTrainer` over the same encoded rows, masks, order and rate.

What is around the loop is the library's: devices, several processes, 4-bit, mixed
precision, trackers, checkpoints, resume. An example of its data set is one micro-batch
of the plan, samples laid end to end, whose borders reach attention as `cu_seq_lens_q`.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from afs_stages.core.console import say, warn
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.core.params.model import Train
from afs_stages.training.batches import learning_rate
from afs_stages.training.loop import Meter, out_of_memory
from afs_stages.training.prepared import PreparedTraining, TrainingState, not_finite

STATE, BEST, MARK = "afs-state.json", "best.safetensors", "afs-mark.json"
"""Files of ours beside TRL's: in a checkpoint, written last; and which training the
checkpoints belong to."""


def run(training: PreparedTraining) -> TrainingState:
    """Train by TRL; the model then holds the trained adapter.

    Raises `UserError` where the loss is no number or memory runs out, with the rows.
    """
    found = _resume(training)
    trainer = planned_trainer(training)
    trainer.train(resume_from_checkpoint=str(found) if found else None)
    return training.state


def planned_trainer(training: PreparedTraining) -> PlannedTrainer:
    """TRL's trainer of a training, ready to train."""
    batches = list(chain.from_iterable(training.plan.steps))
    trainer = PlannedTrainer(
        model=training.model,
        args=_config(training),
        train_dataset=_dataset(training, batches),
        processing_class=training.tokenizer,
        callbacks=[Recorder(training)],
    )
    # The meter tells where training stands.
    trainer.remove_callback(PrinterCallback)
    trainer.follow(training, batches)
    return trainer


def _config(training: PreparedTraining) -> SFTConfig:
    """The settings of `train` in TRL's words."""
    settings = training.settings
    rows: dict[str, Any] = {
        "num_train_epochs": 1,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": accumulation(training),
        "max_length": None,
        "padding_free": training.packed,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "remove_unused_columns": False,
    }
    optimizer: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "adam_beta2": 0.95,
        "optim": "adamw_torch",
        "max_grad_norm": 1.0,
        "seed": training.seed,
    }
    record: dict[str, Any] = {
        "output_dir": str(training.checkpoints),
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": settings.trackers or "none",
        "save_strategy": "steps",
        "save_steps": settings.save_steps,
        "save_total_limit": 2,
    }
    return SFTConfig(**rows, **optimizer, **record, **_machine(settings))


def _machine(settings: Train) -> dict[str, Any]:
    """What depends on the device."""
    on_gpu = torch.cuda.is_available()
    several_on_cpu = settings.processes > 1 and not on_gpu
    return {
        "gradient_checkpointing": settings.gradient_checkpointing,
        "bf16": settings.dtype == "bf16" and on_gpu,
        "use_cpu": not on_gpu,
        "ddp_backend": "gloo" if several_on_cpu else None,
        "dataloader_pin_memory": on_gpu,
    }


def accumulation(training: PreparedTraining) -> int:
    """Micro-batches that one process takes in a step."""
    return max(1, len(training.plan.steps[0]) // training.settings.processes)


def _dataset(training: PreparedTraining, batches: Sequence[Sequence[int]]) -> Dataset:
    """The micro-batches in order, each put together when it is asked for."""

    def examples(rows: dict[str, list[int]]) -> dict[str, list[Any]]:
        chosen = [[training.items[i] for i in batches[at]] for at in rows["at"]]
        ids = [_joined(item.ids for item in items) for items in chosen]
        labels = [_joined(item.labels for item in items) for items in chosen]
        sizes = [[len(item.ids) for item in items] for items in chosen]
        return {"input_ids": ids, "labels": labels, "seq_lengths": sizes}

    return Dataset.from_dict({"at": list(range(len(batches)))}).with_transform(examples)


def _joined(parts: Any) -> list[int]:
    return list(chain.from_iterable(parts))


class PlannedTrainer(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer in the order and at the rates of a plan; errors name rows."""

    def follow(
        self, training: PreparedTraining, batches: Sequence[Sequence[int]]
    ) -> None:
        """Take the plan before training begins."""
        self._training, self._batches = training, batches
        self._micro = training.state.step * accumulation(training)

    def _get_train_sampler(self, *args: Any, **options: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Warm-up and decay as everywhere here: the first step moves already."""
        settings = self._training.settings

        def share(step: int) -> float:
            return learning_rate(
                step, num_training_steps, 1.0, settings.schedule, settings.warmup_ratio
            )

        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, share)
        return self.lr_scheduler

    def training_step(self, *args: Any, **options: Any) -> Any:
        """One micro-batch; an error of it is told with its rows."""
        place = self._micro * self.accelerator.num_processes
        place += self.accelerator.process_index
        # Where micro-batches do not go round, accelerate begins again with the first.
        rows = self._batches[place % len(self._batches)]
        names = self._training.names(rows)
        step = self.state.global_step + 1
        try:
            loss = super().training_step(*args, **options)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise UserError(
                f"out of memory at step {step}, in the micro-batch of rows {names}",
                fix="lower train.batch_size, train.max_length or train.r, or set "
                "train.gradient_checkpointing: true, train.dtype: bf16 or "
                "train.load_in_4bit: true",
            ) from None
        if not math.isfinite(float(loss)):
            raise not_finite(float(loss), step, names)
        self._micro += 1
        return loss

    def create_model_card(self, *args: Any, **options: Any) -> None:
        """Checkpoints need no card; the adapter gets ours."""


class Recorder(TrainerCallback):  # type: ignore[misc]
    """Keeps the record that both engines write, and val at the end of an epoch."""

    def __init__(self, training: PreparedTraining) -> None:
        self._training = training
        total = len(training.plan.steps)
        self._meter = Meter(f"train {training.name}".strip(), total)
        for point in training.state.curve:
            training.curve.add(point)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any
    ) -> Any:
        """Note a step's loss; measure val where an epoch ends."""
        training, step = self._training, state.global_step
        if "loss" not in logs:
            return control
        own, settings = training.state, training.settings
        rate = learning_rate(
            step - 1,
            len(training.plan.steps),
            settings.learning_rate,
            settings.schedule,
            settings.warmup_ratio,
        )
        loss = round(float(logs["loss"]), 6)
        own.step = step
        own.tokens += _tokens_of(training, step)
        own.curve.append({"step": step, "loss": loss, "learning_rate": rate})
        if step in training.plan.epoch_ends:
            training.end_of_epoch()
            control.should_training_stop = own.stopped
        training.curve.add(own.curve[-1])
        self._meter(own)
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Complete a checkpoint: what TRL does not know, last of all."""
        if not state.is_world_process_zero:
            return
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self._training.best:
            from safetensors.torch import save_file

            save_file(self._training.best, folder / BEST)
        write_json(folder / STATE, asdict(self._training.state))


def _tokens_of(training: PreparedTraining, step: int) -> int:
    batches = training.plan.steps[step - 1]
    return sum(len(training.items[i].ids) for batch in batches for i in batch)


def _resume(training: PreparedTraining) -> Path | None:
    """The newest whole checkpoint of this training, its state taken over; others are
    removed.
    """
    root = training.checkpoints
    mark = root / MARK
    if training.resume is not False and mark.is_file():
        found = newest(root) if read_json(mark).get("mark") == training.mark else None
        if found is None:
            warn(f"{root}: the checkpoints belong to another training")
        else:
            training.state = TrainingState(**read_json(found / STATE))
            if (found / BEST).is_file():
                from safetensors.torch import load_file

                training.best.update(load_file(found / BEST))
            total = len(training.plan.steps)
            say(f"train: resumed at step {training.state.step:,} of {total:,}")
            return found
    if training.resume:
        raise UserError(
            "nothing to resume", where=str(root), fix="start anew without --resume"
        )
    if training.main:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        write_json(mark, {"mark": training.mark})
    return None


def newest(root: Path) -> Path | None:
    """The newest checkpoint that is whole: its last file is there."""
    whole = [folder for folder in root.glob("checkpoint-*") if _is_whole(folder)]
    return max(whole, key=lambda folder: int(folder.name.split("-")[1]), default=None)


def _is_whole(folder: Path) -> bool:
    return (folder / STATE).is_file() and (folder / "trainer_state.json").is_file()
