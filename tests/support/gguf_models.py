"""Tiny GGUF files: a Llama of a few thousand weights with a tokenizer of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PLAIN_CHATML = """\
{%- for message in messages %}
{%- if loop.first and messages[0].role != 'system' %}
{{- '<|im_start|>system\\nYou are a lamp\\'s keeper.<|im_end|>\\n' }}
{%- endif %}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
"""A template as SmolLM2's GGUF has it: a system line of its own, no room for tools."""


def write_gguf(
    path: Path, tokenizer: Any, *, pre: str = "smollm", template: str = PLAIN_CHATML
) -> dict[str, Any]:
    """Write a random Llama with this byte-level tokenizer; its embeddings are stored in
    8 bits. Returns name -> tensor as they were before.
    """
    import gguf
    import numpy as np

    hidden, inner, layers, heads = 32, 64, 2, 2
    random = np.random.default_rng(5)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny Lamp")
    writer.add_license("MIT")
    writer.add_context_length(512)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(hidden // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokenizer))
    _tokenizer(writer, tokenizer, pre, template)
    sizes = {"token_embd.weight": (len(tokenizer), hidden)}
    for at in range(layers):
        names = {
            "attn_q": (hidden, hidden),
            "attn_k": (hidden, hidden),
            "attn_v": (hidden, hidden),
            "attn_output": (hidden, hidden),
            "ffn_gate": (inner, hidden),
            "ffn_up": (inner, hidden),
            "ffn_down": (hidden, inner),
            "attn_norm": (hidden,),
            "ffn_norm": (hidden,),
        }
        sizes |= {f"blk.{at}.{name}.weight": size for name, size in names.items()}
    sizes["output_norm.weight"] = (hidden,)
    tensors = {}
    for name, size in sizes.items():
        value = random.normal(0, 0.1, size).astype(np.float32)
        if len(size) == 1:
            value = np.ones(size, dtype=np.float32)
        tensors[name] = value
        if name == "token_embd.weight":
            kind = gguf.GGMLQuantizationType.Q8_0
            packed = gguf.quants.quantize(value, kind)
            writer.add_tensor(name, packed, raw_dtype=kind)
        else:
            writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def _tokenizer(writer: Any, tokenizer: Any, pre: str, template: str) -> None:
    import json

    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    special = set(tokenizer.all_special_tokens) | {"<|im_start|>"}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([word for word, _ in words])
    writer.add_token_types([3 if word in special else 1 for word, _ in words])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(tokenizer.convert_tokens_to_ids("<|im_start|>"))
    writer.add_eos_token_id(tokenizer.convert_tokens_to_ids("<|im_end|>"))
    writer.add_pad_token_id(tokenizer.convert_tokens_to_ids("<|im_end|>"))
    writer.add_chat_template(template)
