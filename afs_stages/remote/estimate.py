"""How long and how much memory a training takes, from sizes alone; every step of the
reckoning is shown.

Rough by nature: the budget, not the estimate, is what bounds the bill.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from afs_stages.core import layout
from afs_stages.core.jsonl import read_json
from afs_stages.core.params import Params
from afs_stages.core.params.model import Train
from afs_stages.core.params.remote import GPUConfig, TrainingJob

CHARACTERS_PER_TOKEN = 3.5
UTILISATION = 0.3
"""Share of the data sheet's FLOP/s that a LoRA training of packed rows reaches; a
cautious round number.
"""
FLOPS_PER_PARAMETER = 6.0
"""Forward 2, backward through activations 2, recomputation with gradient
checkpointing 2.
"""
SETUP_HOURS = 0.25


@dataclass(frozen=True)
class Need:
    """What a job asks of a machine: tokens in all epochs, model size, memory."""

    tokens: float
    parameters: float
    memory_gb: float
    download_gb: float
    reasoning: tuple[str, ...]

    def hours(self, gpu: GPUConfig, job: TrainingJob) -> float:
        """Estimated hours on a class, set-up included;
        the job's own estimate goes first.
        """
        if job.estimated_hours is not None:
            return job.estimated_hours
        speed = gpu.tflops * 1e12 * UTILISATION * gpu.num_gpus
        return (
            SETUP_HOURS
            + FLOPS_PER_PARAMETER * self.parameters * self.tokens / speed / 3600
        )


def need(model: str, params: Params, job: TrainingJob, data: Path) -> Need:
    """Tokens from the size of train.jsonl, parameters from the base model,
    memory from both.
    """
    block = params.train_for(model)
    file = data / "train.jsonl" if data.is_dir() else data
    epochs = job.epochs or block.epochs
    tokens = file.stat().st_size / CHARACTERS_PER_TOKEN * epochs
    parameters, source = base_parameters(params)
    per = _bytes_per_weight(block)
    weights = parameters * per / 1e9
    activations = (
        1.0 + parameters / 1e9 * 0.04 * block.batch_size * block.max_length / 1024
    )
    memory = weights + activations + 1.5
    rows = (
        f"{file.stat().st_size / 1e6:.1f} MB of rows / {CHARACTERS_PER_TOKEN} "
        "characters a token"
    )
    sizes = (
        f"{parameters / 1e9:.3g} B parameters ({source}) x {per} bytes = {weights:.1f} "
        "GB of weights,"
    )
    trained = f"{rows} x {epochs:g} epochs = {tokens / 1e6:.2f} M tokens"
    held = f"{sizes} + {activations:.1f} GB activations + 1.5 GB CUDA = {memory:.1f} GB"
    download = 0.0
    if params.base_model.id and not Path(params.base_model.id).exists():
        # The hub keeps weights in 16 bits.
        download = parameters * 2 / 1e9
    return Need(tokens, parameters, memory, download, (trained, held))


def _bytes_per_weight(block: Train) -> float:
    """Bytes that a loaded weight takes; in 4 bits with its share of the scales."""
    if block.load_in_4bit:
        return 0.55
    return 2.0 if block.dtype == "bf16" else 4.0


def base_parameters(params: Params) -> tuple[float, str]:
    """Size of the base model: from its folder's config,
    from the size in its name, else 7 B.
    """
    for folder in (Path(params.base_model.id or "-"), layout.BASE_MODEL):
        if (folder / "config.json").is_file():
            config = read_json(folder / "config.json")
            if "hidden_size" in config:
                return _from_config(config), str(folder / "config.json")
    if not params.base_model.id:
        tiny = params.base_model
        config = {
            "hidden_size": tiny.hidden_size,
            "num_hidden_layers": tiny.layers,
            "vocab_size": tiny.vocab_size,
        }
        return _from_config(config), "the tiny base of params.yaml"
    found = re.search(r"(\d+(?:\.\d+)?)\s*[bB](?![a-zA-Z])", params.base_model.id)
    if found:
        return float(
            found.group(1)
        ) * 1e9, f"'{found.group(0)}' in {params.base_model.id}"
    return 7e9, "assumed: neither the base model's folder nor its name tells"


def _from_config(config: Mapping[str, float]) -> float:
    hidden, layers = config["hidden_size"], config.get("num_hidden_layers", 1)
    inner = config.get("intermediate_size", 4 * hidden)
    return float(
        layers * (4 * hidden**2 + 3 * hidden * inner)
        + 2 * config.get("vocab_size", 0) * hidden
    )


def fitting(need: Need, gpus: dict[str, GPUConfig]) -> list[str]:
    """The classes whose memory holds the job, cheapest first."""
    return sorted(
        (name for name, gpu in gpus.items() if gpu.vram_gb >= need.memory_gb),
        key=lambda n: gpus[n].max_price,
    )
