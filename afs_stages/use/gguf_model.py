"""A merged model, or an adapter alone, as a GGUF file for llama.cpp and what stands on
it.

Written with `gguf`, the package of llama.cpp's own people: its tensor names, its
quantisation, its file format. What is ours is the order of things for the architectures
of `KINDS`; any other goes through llama.cpp's converter (decision 0090).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core.atomic import temporary
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json
from afs_stages.use.chosen import Chosen
from afs_stages.use.gguf_vocab import OTHER_WAY, add_vocab

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter, TensorNameMap
    from transformers import PretrainedConfig

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Architecture:
    """An architecture: its name in GGUF, and whether its heads are turned pairwise.

    Llama's queries and keys are stored in halves by transformers and in pairs by
    llama.cpp; the others are in halves in both.
    """

    name: str
    in_pairs: bool


KINDS = {
    "llama": Architecture("llama", in_pairs=True),
    "mistral": Architecture("llama", in_pairs=True),
    "qwen2": Architecture("qwen2", in_pairs=False),
    "qwen3": Architecture("qwen3", in_pairs=False),
}
"""transformers' model type -> how it is written."""
TYPES = ("f16", "q8_0")
"""Types of the matrices; vectors are always float32."""
BLOCK = 32
"""Weights that share a scale in q8_0: a row must be a multiple of it."""
UNUSUAL = ("use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "modules_to_save")
"""Keys of an adapter's configuration that a LoRA of llama.cpp has no place for."""


def write_model(folder: Path, name: str, type: str, path: Path) -> None:
    """Write a merged model's folder as one file; `type` is one of `TYPES`.

    Raises `UserError` for an architecture or a tokenizer that is not known here.
    """
    import gguf

    config = _config(str(folder))
    kind = _kind(config, folder)
    part = temporary(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(part, kind.name, use_temp_file=True)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(name)
    is_small = type == "q8_0"
    writer.add_file_type(
        gguf.LlamaFileType.MOSTLY_Q8_0 if is_small else gguf.LlamaFileType.MOSTLY_F16
    )
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_sizes(writer, config)
    add_vocab(writer, folder, config.vocab_size)
    map = _names(kind, config)
    for source, weights in _stored(folder):
        if source == "lm_head.weight" and config.tie_word_embeddings:
            continue
        target = _name(map, source)
        array = _turned(weights, source, kind, config)
        _add(writer, target, array, type if array.ndim > 1 else "f32")
    _finish(writer, part, path)


def write_lora(chosen: Chosen, name: str, path: Path) -> None:
    """Write an adapter alone, in float16, to be used on the GGUF of its base.

    Raises `UserError` for an adapter that is more than plain LoRA.
    """
    import gguf

    settings = chosen.adapter / "adapter_config.json"
    lora = read_json(settings)
    for key in UNUSUAL:
        if lora.get(key):
            raise UserError(
                f"{key} is set, and a GGUF LoRA has no place for it",
                where=f"{settings}: {key}",
                fix="merge instead: afs model gguf without --lora",
            )
    config = _config(chosen.base.weights, chosen.base.revision)
    kind = _kind(config, settings)
    part = temporary(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(part, kind.name, use_temp_file=True)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(lora["lora_alpha"]))
    map = _names(kind, config)
    for stored, weights in _stored(chosen.adapter):
        source, half = _adapted(stored)
        # W + B A is turned by its rows, and these are B's alone.
        if half == "b":
            weights = _turned(weights, source, kind, config)
        _add(writer, f"{_name(map, source)}.lora_{half}", weights, "f16")
    _finish(writer, part, path)


def convert(
    converter: Path, folder: Path, adapter: Path | None, type: str, path: Path
) -> None:
    """Let a clone of llama.cpp write the file: the merged folder's, or the adapter's
    on the base in `folder`.

    Raises `UserError` where the script is missing or fails.
    """
    name = "convert_lora_to_gguf.py" if adapter else "convert_hf_to_gguf.py"
    script = converter / name
    if not script.is_file():
        raise UserError(
            "no converter here", where=str(script), fix="--converter: llama.cpp's clone"
        )
    what = ["--base", str(folder), str(adapter)] if adapter else [str(folder)]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = temporary(path)
    options = ["--outtype", "f16" if adapter else type, "--outfile", str(part)]
    done = subprocess.run(
        [sys.executable, str(script), *what, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not part.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"the converter failed: {last}", where=str(script))
    part.replace(path)


def require_package() -> None:
    """Raise `UserError` where the package `gguf` is not installed."""
    if find_spec("gguf") is None:
        raise UserError(
            "the package gguf is not installed",
            fix="pip install 'afs-stages[gguf]'",
        )


def _config(name: str, revision: str | None = None) -> PretrainedConfig:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(name, revision=revision or "main")


def _kind(config: PretrainedConfig, where: Path) -> Architecture:
    rope = (config.to_dict().get("rope_parameters") or {}).get("rope_type", "default")
    if config.model_type not in KINDS or rope != "default":
        what = f"{config.model_type} with {rope} positions"
        raise UserError(
            f"no writer for {what} (known: {', '.join(sorted(KINDS))}, with default "
            "positions)",
            where=str(where),
            fix=OTHER_WAY,
        )
    return KINDS[config.model_type]


def _add_sizes(writer: GGUFWriter, config: PretrainedConfig) -> None:
    """The numbers that llama.cpp builds the network from."""
    width = getattr(config, "head_dim", None)
    width = width or config.hidden_size // config.num_attention_heads
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_rope_freq_base(config.to_dict()["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)


def _names(kind: Architecture, config: PretrainedConfig) -> TensorNameMap:
    import gguf

    numbers = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
    return gguf.get_tensor_name_map(numbers[kind.name], config.num_hidden_layers)


def _name(map: TensorNameMap, source: str) -> str:
    found: str | None = map.get_name(source, try_suffixes=(".weight", ".bias"))
    if found is None:
        raise UserError(f"no name in GGUF for the weights '{source}'", fix=OTHER_WAY)
    return found


def _stored(folder: Path) -> Iterator[tuple[str, Array]]:
    """(name, float32 array) of everything a folder's safetensors hold, one at a time,
    by name.
    """
    from safetensors import safe_open

    places = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            places.update(dict.fromkeys(file.keys(), path))
    for name in sorted(places):
        with safe_open(places[name], framework="pt") as file:
            yield name, file.get_tensor(name).float().numpy()


def _adapted(stored: str) -> tuple[str, str]:
    """(name of the adapted weights, `a` or `b`) of an adapter's tensor."""
    found = re.fullmatch(r"base_model\.model\.(.+)\.lora_([AB])\.weight", stored)
    if found is None:
        raise UserError(f"'{stored}' is no part of a plain LoRA", fix=OTHER_WAY)
    return f"{found[1]}.weight", found[2].lower()


def _turned(
    weights: Array, source: str, kind: Architecture, config: PretrainedConfig
) -> Array:
    """Queries and keys in pairs, where llama.cpp wants them so; others as they are.

    A head's rows 0 1 2 3 (two halves) become 0 2 1 3 (pairs of one turn each).
    """
    heads = {
        "q_proj": config.num_attention_heads,
        "k_proj": config.num_key_value_heads,
    }
    count = heads.get(source.split(".")[-2])
    if count is None or not kind.in_pairs:
        return weights
    rows = weights.shape[0]
    split = weights.reshape(count, 2, rows // count // 2, *weights.shape[1:])
    return split.swapaxes(1, 2).reshape(weights.shape)


def _add(writer: GGUFWriter, name: str, array: Array, type: str) -> None:
    import gguf
    import numpy as np

    # A row that q8_0 cannot cut into blocks stays in float16, as in llama.cpp.
    if type == "q8_0" and array.shape[-1] % BLOCK == 0:
        packed = gguf.quantize(array, gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    else:
        writer.add_tensor(
            name, array.astype(np.float32 if type == "f32" else np.float16)
        )


def _finish(writer: GGUFWriter, part: Path, path: Path) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(path)
