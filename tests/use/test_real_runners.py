"""What takes too long for every change: a real model through merge and GGUF and back,
and llama.cpp itself on a file written here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkout import ROOT

from afs_stages.core.known_bases import KNOWN_BASES
from afs_stages.training.base_model import load_model, load_tokenizer, resolve
from afs_stages.use.chosen import Chosen, choose
from afs_stages.use.gguf_model import write_model
from afs_stages.use.merge import merge

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]
QUESTION = "Which address opens the gate in case 51-3?"
TEXT = "The flag at $7EF36C is 0x1F (42). Größe: 3,5 µs\n\tLDA.b #$00 : STA $10"


def prompt_ids(tokenizer: Any) -> list[int]:
    messages = [{"role": "user", "content": QUESTION}]
    text = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=False
    )
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def greedy(model: Any, ids: list[int], count: int) -> list[int]:
    out = model.generate(
        torch.tensor([ids]), max_new_tokens=count, min_new_tokens=count, do_sample=False
    )
    return list(out[0, len(ids) :].tolist())


@pytest.fixture(scope="module")
def smollm2() -> Path:
    """SmolLM2 where it was fetched before; tests fetch nothing."""
    known = KNOWN_BASES["smollm2"]
    for root in (ROOT, ROOT / "real"):
        if (root / known.folder / "config.json").is_file():
            return root / known.folder
    pytest.skip(f"SmolLM2 is not here: afs base fetch {known.name}")


def test_smollm2_comes_back_through_merge_and_gguf(
    smollm2: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = resolve(smollm2)
    torch.manual_seed(7)
    # A start that is not zero stands for a trained adapter.
    lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    adapted = get_peft_model(load_model(base), lora)
    adapted.save_pretrained(tmp_path / "adapter")
    tokenizer = load_tokenizer(base)
    ids = prompt_ids(tokenizer)
    with torch.inference_mode():
        expected = adapted(torch.tensor([ids])).logits
    chosen = Chosen("smol", "v1", tmp_path / "adapter", base)
    folder, _ = merge(chosen, folder=tmp_path / "merged")
    write_model(folder, chosen.name, "f16", tmp_path / "smol.gguf")
    back = AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file="smol.gguf", dtype=torch.float32
    )
    with torch.inference_mode():
        found = back(torch.tensor([ids])).logits
    assert (found - expected).abs().max() < 0.05 * expected.std()
    assert greedy(back, ids, 12) == greedy(adapted, ids, 12)


def test_llama_cpp_reads_the_file_cuts_the_same_and_answers_the_same(
    project: Path, tmp_path: Path
) -> None:
    llama_cpp = pytest.importorskip(
        "llama_cpp", reason="built from source: pip install llama-cpp-python"
    )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, _ = merge(choose("veran"))
    path = tmp_path / "model.gguf"
    write_model(folder, "veran-v5", "f16", path)
    llama = llama_cpp.Llama(model_path=str(path), n_ctx=256, verbose=False)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    cut = llama.tokenize(TEXT.encode(), add_bos=False, special=True)
    assert cut == tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    ids = prompt_ids(tokenizer)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    answered = []
    for token in llama.generate(ids, temp=0.0, repeat_penalty=1.0):
        answered.append(token)
        if len(answered) == 12:
            break
    assert answered == greedy(model, ids, 12)
