"""The engine on TRL: `SFTTrainer` over the same encoded rows, masks, order and rate.

What is around the loop is the library's: devices, several processes, 4-bit, mixed
precision, trackers, checkpoints, resume. An example of its data set is one micro-batch
of the plan, samples laid end to end, whose borders reach attention as `cu_seq_lens_q`.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils.memory import should_reduce_batch_size
from datasets import Dataset
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from afs_stages.core.params.model import Train
from afs_stages.training import checkpoint
from afs_stages.training.batches import MicroBatch, learning_rate
from afs_stages.training.loop import BETAS, CLIP
from afs_stages.training.prepared import (
    PreparedTraining,
    TrainingState,
    no_memory,
    not_finite,
    row_names,
    tokens_of,
)


def run(training: PreparedTraining) -> TrainingState:
    """Train by TRL; the model then holds the trained adapter.

    Raises `UserError` where the loss is no number or memory runs out, with the rows.
    """
    found = checkpoint.resume(training)
    trainer = PlannedTrainer(training)
    trainer.train(resume_from_checkpoint=str(found) if found else None)
    return training.state


def _config(training: PreparedTraining) -> SFTConfig:
    """The settings of `train` in TRL's words."""
    job, train = training.job, training.job.train
    folder = str(job.checkpoints)
    rows: dict[str, Any] = {
        "num_train_epochs": 1,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": _accumulation(training),
        "max_length": None,
        "padding_free": training.packed,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "remove_unused_columns": False,
    }
    optimizer: dict[str, Any] = {
        "learning_rate": train.learning_rate,
        "weight_decay": train.weight_decay,
        "adam_beta2": BETAS[1],
        "optim": "adamw_torch",
        "max_grad_norm": CLIP,
        "seed": job.seed,
    }
    record: dict[str, Any] = {
        "output_dir": folder,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": train.trackers or "none",
        "save_strategy": "steps",
        "save_steps": train.save_steps,
        "save_total_limit": checkpoint.KEPT,
    }
    return SFTConfig(**rows, **optimizer, **record, **_machine(train))


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


def _accumulation(training: PreparedTraining) -> int:
    """Micro-batches that one process takes in a step."""
    return max(1, len(training.plan.steps[0]) // training.job.train.processes)


def _dataset(training: PreparedTraining, batches: list[MicroBatch]) -> Dataset:
    """The micro-batches in order, each put together when it is asked for."""

    def examples(rows: dict[str, list[int]]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {"input_ids": [], "labels": [], "seq_lengths": []}
        for at in rows["at"]:
            items = [training.items[index] for index in batches[at]]
            found["input_ids"].append([one for item in items for one in item.ids])
            found["labels"].append([one for item in items for one in item.labels])
            found["seq_lengths"].append([len(item.ids) for item in items])
        return found

    return Dataset.from_dict({"at": list(range(len(batches)))}).with_transform(examples)


class PlannedTrainer(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer in the order and at the rates of a plan; errors name rows."""

    def __init__(self, training: PreparedTraining) -> None:
        self._training = training
        self._batches = list(chain.from_iterable(training.plan.steps))
        self._micro = training.state.step * _accumulation(training)
        super().__init__(
            model=training.model,
            args=_config(training),
            train_dataset=_dataset(training, self._batches),
            processing_class=training.tokenizer,
            callbacks=[Recorder(training)],
        )
        # The meter tells where training stands.
        self.remove_callback(PrinterCallback)

    def _get_train_sampler(self, *args: Any, **options: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Warm-up and decay as everywhere here: the first step moves already."""
        settings = self._training.job.train

        def share(step: int) -> float:
            rate = learning_rate(step, num_training_steps, settings)
            return rate / settings.learning_rate

        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, share)
        return self.lr_scheduler

    def training_step(self, *args: Any, **options: Any) -> Any:
        """One micro-batch; an error of it is told with its rows."""
        place = self._micro * self.accelerator.num_processes
        place += self.accelerator.process_index
        # Where micro-batches do not go round, accelerate begins again with the first.
        batch = self._batches[place % len(self._batches)]
        names = row_names(self._training.items, batch)
        step = self.state.global_step + 1
        try:
            loss = super().training_step(*args, **options)
        except RuntimeError as error:
            if not should_reduce_batch_size(error):
                raise
            raise no_memory(step, f"in the micro-batch of rows {names}") from None
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
        training.begin()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any
    ) -> None:
        """Note a step's loss; measure val where an epoch ends."""
        if "loss" not in logs:
            return
        training, own = self._training, self._training.state
        own.step = state.global_step
        own.tokens += tokens_of(training.items, training.plan.steps[own.step - 1])
        loss, rate = round(float(logs["loss"]), 6), logs["learning_rate"]
        own.curve.append({"step": own.step, "loss": loss, "learning_rate": rate})
        training.after_step()
        control.should_training_stop |= own.stopped

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Complete a checkpoint, once every process has written its part."""
        PartialState().wait_for_everyone()
        if self._training.main:
            folder = checkpoint.folder_of(self._training)
            checkpoint.complete(self._training, folder)
