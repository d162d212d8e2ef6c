"""GGUF files read back: by transformers, by gguf itself, and by an Ollama template."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from afs_stages.core import layout
from afs_stages.core.errors import UserError
from afs_stages.use.chosen import Chosen, choose
from afs_stages.use.gguf_model import convert, write_lora, write_model
from afs_stages.use.gguf_vocab import cut_name
from afs_stages.use.merge import merge
from afs_stages.use.runners import frames, modelfile

QUESTIONS = [
    f"Which address {verb} the {room} in case 51-{at}?"
    for at, (verb, room) in enumerate([("opens", "gate"), ("guards", "cellar")])
]


def greedy(model: Any, tokenizer: Any, question: str) -> list[int]:
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    out = model.generate(**ids, max_new_tokens=12, do_sample=False)
    return out[0].tolist()


def answers(folder: Path, **options: Any) -> list[list[int]]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    return [greedy(model, tokenizer, question) for question in QUESTIONS]


def tensors(path: Path) -> dict[str, np.ndarray]:
    import gguf

    return {
        item.name: gguf.dequantize(item.data, item.tensor_type)
        for item in gguf.GGUFReader(path).tensors
    }


@pytest.mark.parametrize("type", ["f16", "q8_0"])
def test_transformers_reads_the_file_and_answers_the_same(
    project: Path, tmp_path: Path, type: str
) -> None:
    folder, _ = merge(choose("veran"))
    path = tmp_path / "model.gguf"
    write_model(folder, "veran-v5", type, path)
    assert answers(tmp_path, gguf_file=path.name) == answers(folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.gguf"]


def tiny(kind: str, folder: Path, tokenizer: Any) -> Path:
    """A model of random weights with fewer key than query heads, saved."""
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(tokenizer) + 3,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        # transformers reads no other width of Qwen3's heads back than its own.
        head_dim=128 if kind == "Qwen3" else 16,
        max_position_embeddings=256,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(1)
    model = getattr(transformers, f"{kind}ForCausalLM")(config)
    for name, weight in model.named_parameters():
        # Biases and norms start as 0 and 1: then a lost one would not be seen.
        torch.nn.init.normal_(weight, 1.0 if "norm" in name else 0.0, 0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["Llama", "Mistral", "Qwen2", "Qwen3"])
def test_every_known_architecture_comes_back_the_same(
    tmp_path: Path, tokenizer: Any, kind: str
) -> None:
    from transformers import AutoModelForCausalLM

    folder = tiny(kind, tmp_path / "model", tokenizer)
    write_model(folder, "tiny", "f16", tmp_path / "x.gguf")
    one = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    two = AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file="x.gguf", dtype=torch.float32
    )
    ids = torch.arange(5, 40)[None]
    with torch.inference_mode():
        first, second = one(ids).logits, two(ids).logits
    assert (first - second).abs().max() < 0.05 * first.std()


def test_the_adapter_alone_on_its_base_is_the_merged_model(
    project: Path, tmp_path: Path
) -> None:
    import gguf

    chosen = choose("veran")
    folder, _ = merge(chosen)
    paths = [tmp_path / f"{name}.gguf" for name in ("merged", "lora", "base")]
    write_model(folder, "merged", "f16", paths[0])
    write_lora(chosen, "lora", paths[1])
    write_model(layout.BASE_MODEL, "base", "f16", paths[2])
    whole, lora, base = (tensors(path) for path in paths)
    reader = gguf.GGUFReader(paths[1])
    alpha = float(reader.get_field("adapter.lora.alpha").contents())
    changed = {name.removesuffix(".lora_a") for name in lora if name.endswith("_a")}
    assert "blk.1.attn_q.weight" in changed
    for name, weights in base.items():
        if name in changed:
            down, up = lora[f"{name}.lora_a"], lora[f"{name}.lora_b"]
            # llama.cpp's own rule: alpha over the rank, the rows of A.
            weights = weights + alpha / down.shape[0] * (up @ down)
        assert np.allclose(weights, whole[name], atol=2e-3), name


def test_what_has_no_place_in_a_file_is_refused_with_the_other_way(
    project: Path, tmp_path: Path, tokenizer: Any
) -> None:
    folder = tiny("Llama", tmp_path / "model", tokenizer)
    facts = json.loads((folder / "tokenizer.json").read_bytes())
    facts["pre_tokenizer"] = {"type": "Whitespace"}
    (folder / "tokenizer.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"pre-tokenizer Whitespace\n.*--converter"):
        write_model(folder, "x", "f16", tmp_path / "x.gguf")
    config = json.loads((folder / "config.json").read_bytes())
    config["model_type"] = "gemma"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="no writer for gemma"):
        write_model(folder, "x", "f16", tmp_path / "x.gguf")
    assert not (tmp_path / "x.gguf").exists()
    chosen = choose("veran")
    copy = tmp_path / "adapter"
    shutil.copytree(chosen.adapter, copy)
    settings = json.loads((copy / "adapter_config.json").read_bytes())
    (copy / "adapter_config.json").write_text(json.dumps({**settings, "use_dora": 1}))
    with pytest.raises(UserError, match="use_dora is set"):
        write_lora(Chosen("veran", "v5", copy, chosen.base), "x", tmp_path / "x.gguf")


CONVERTER = """
import sys, pathlib
folder, options = pathlib.Path(sys.argv[1]), sys.argv[2:]
assert (folder / "config.json").is_file()
if "--outtype" not in options or options[1] != "q8_0":
    raise SystemExit("no such type")
pathlib.Path(options[options.index("--outfile") + 1]).write_bytes(b"GGUF")
"""


def test_another_converter_is_run_and_its_failure_told(
    project: Path, tmp_path: Path
) -> None:
    target = tmp_path / "x.gguf"
    with pytest.raises(UserError, match="no converter here"):
        convert(tmp_path, layout.BASE_MODEL, None, "q8_0", target)
    (tmp_path / "convert_hf_to_gguf.py").write_text(CONVERTER)
    with pytest.raises(UserError, match="the converter failed: no such type"):
        convert(tmp_path, layout.BASE_MODEL, None, "f16", target)
    assert not target.exists()
    convert(tmp_path, layout.BASE_MODEL, None, "q8_0", target)
    assert target.read_bytes() == b"GGUF"


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([{"type": "ByteLevel"}], "gpt-2"),
        (
            [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel"}],
            "smollm",
        ),
    ],
)
def test_the_cuts_have_llama_cpps_name(
    tmp_path: Path, steps: list[dict[str, Any]], name: str
) -> None:
    pre = {"type": "Sequence", "pretokenizers": steps}
    facts = {"model": {"type": "BPE"}, "pre_tokenizer": pre}
    (tmp_path / "tokenizer.json").write_text(json.dumps(facts))
    assert cut_name(tmp_path) == name


DEFAULT_SYSTEM = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n"
    "{% endif %}"
)
LLAMA2 = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}"
    "{% endif %}{{ m.content }}{% endfor %}"
)


def test_ollamas_frames_render_as_the_chat_template_does(tokenizer: Any) -> None:
    import copy

    turns = ["Where?", "Here.", "And then?"]
    for head in ("", DEFAULT_SYSTEM):
        changed = copy.deepcopy(tokenizer)
        changed.chat_template = head + tokenizer.chat_template
        found = frames(changed)
        assert found is not None
        messages = [
            {"role": "assistant" if at % 2 else "user", "content": text}
            for at, text in enumerate(turns)
        ]
        for system in ("", "Be brief."):
            lead = [{"role": "system", "content": system}] if system else []
            expected = changed.apply_chat_template(
                [*lead, *messages], tokenize=False, add_generation_prompt=True
            )
            assert found.render(turns, system) == expected
    other = copy.deepcopy(tokenizer)
    other.chat_template = LLAMA2
    assert frames(other) is None
    text = modelfile("x.gguf", tokenizer)
    assert text.startswith('FROM ./x.gguf\nTEMPLATE """')
    assert 'PARAMETER stop "<|im_end|>"' in text
    assert modelfile("x.gguf", other).count("TEMPLATE") == 0
    assert "ADAPTER ./x.gguf" in modelfile("x.gguf", tokenizer, "veran-base")
