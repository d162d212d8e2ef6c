"""What a version answers by peft's and transformers' own means."""

from __future__ import annotations

from afs_stages.core import layout
from afs_stages.use.chosen import choose


def expected(version: str, messages: list[dict[str, str]], limit: int) -> str:
    """The same answer by transformers' own generation."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(layout.BASE_MODEL)
    if version != "base":
        model = PeftModel.from_pretrained(model, choose("veran", version).adapter)
    tokenizer = AutoTokenizer.from_pretrained(layout.BASE_MODEL)
    ids = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = model.generate(**ids, max_new_tokens=limit, do_sample=False)
    new = out[0, ids["input_ids"].shape[1] :]
    return str(tokenizer.decode(new, skip_special_tokens=True))
