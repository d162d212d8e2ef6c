"""LoRA on a base model: attaching, starting from an earlier adapter,
saving with the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.core.params.model import Train
from afs_stages.training import attention
from afs_stages.training.base_model import Base, load_model

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

    Weights = dict[str, Tensor]
    """Name -> tensor."""


def load_for_training(
    base: Base, train: Train, seed: int, start: Path | None = None
) -> tuple[PeftModel, bool]:
    """(model with a trainable adapter, whether samples can be packed).

    `start` is an adapter folder to go on from; its rank and targets then hold. Raises
    `UserError` where 4-bit is asked for without a GPU or bitsandbytes, or a target
    module is unknown.
    """
    import torch

    torch.manual_seed(seed)
    model = load_model(base, **_options(train))
    if train.load_in_4bit:
        from peft import prepare_model_for_kbit_training

        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=train.gradient_checkpointing
        )
    elif torch.cuda.is_available():
        model = model.to("cuda")
    if train.gradient_checkpointing:
        model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": False}
        )
        model.enable_input_require_grads()
    packed = attention.install(model)
    model = _attach(model, train, start)
    model.train()
    return model, packed


def _attach(model: PreTrainedModel, train: Train, start: Path | None) -> PeftModel:
    from peft import LoraConfig, PeftModel, get_peft_model

    if start is not None:
        return PeftModel.from_pretrained(model, str(start), is_trainable=True)
    config = LoraConfig(
        r=train.r,
        lora_alpha=train.alpha,
        lora_dropout=train.dropout,
        target_modules=train.target_modules,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise UserError(
            f"train.target_modules: {error}",
            fix="use all-linear, or names of this model's linear layers",
        ) from None


def _options(train: Train) -> dict[str, Any]:
    import torch

    dtype = torch.bfloat16 if train.dtype == "bf16" else torch.float32
    if not train.load_in_4bit:
        return {"dtype": dtype}
    from importlib.util import find_spec

    if not torch.cuda.is_available() or find_spec("bitsandbytes") is None:
        raise UserError(
            "train.load_in_4bit needs an NVIDIA GPU and the package bitsandbytes; "
            "one of them is not here",
            fix="set train.load_in_4bit: false, or train on a rented box: "
            "afs vastai launch --model MODEL",
        )
    from transformers import BitsAndBytesConfig

    quantised = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
    )
    return {
        "dtype": dtype,
        "quantization_config": quantised,
        "device_map": {"": torch.cuda.current_device()},
    }


def load_with_adapters(
    base: Base, adapters: dict[str, Path], dtype: str = "fp32"
) -> tuple[PeftModel, bool]:
    """(model in eval mode with every adapter loaded under its name,
    whether samples can be packed).
    """
    import torch
    from peft import PeftModel

    model = load_model(base, dtype=torch.bfloat16 if dtype == "bf16" else torch.float32)
    model = model.to("cuda") if torch.cuda.is_available() else model
    packed = attention.install(model)
    for at, (name, folder) in enumerate(adapters.items()):
        if at == 0:
            model = PeftModel.from_pretrained(model, str(folder), adapter_name=name)
        else:
            model.load_adapter(str(folder), adapter_name=name)
    return model.eval(), packed


def trainable(model: Module) -> Weights:
    """Name -> tensor of everything that is trained."""
    return {
        name: weight
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


def put(model: Module, weights: Weights) -> None:
    """Set everything that is trained to the weights of these names."""
    import torch

    with torch.no_grad():
        for name, weight in trainable(model).items():
            weight.copy_(weights[name])


def save(model: PeftModel, base: Base, folder: Path) -> None:
    """Write the peft files; the configuration's keys and lists are sorted, so that
    equal means equal bytes.
    """
    model.save_pretrained(str(folder), safe_serialization=True)
    path = folder / "adapter_config.json"
    config = read_json(path)
    config["base_model_name_or_path"], config["revision"] = base.weights, base.revision
    modules = config.get("target_modules")
    config["target_modules"] = sorted(modules) if isinstance(modules, list) else modules
    write_json(path, dict(sorted(config.items())))


def base_hash_of(adapter: Path) -> str | None:
    """The hash of the base an adapter was trained on,
    as its `training.json` remembers it.
    """
    path = adapter / "training.json"
    if not path.is_file():
        return None
    facts = json.loads(path.read_bytes())
    value = facts.get("base", {}).get("hash")
    return str(value) if value else None
