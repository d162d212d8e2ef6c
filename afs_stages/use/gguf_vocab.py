"""A tokenizer as the keys of a GGUF file, where it is a byte-level BPE.

llama.cpp names each way of cutting a text before the merges and has it built in; which
one a tokenizer follows is read from its own `tokenizer.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from gguf import GGUFWriter

QWEN2_CUT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3_CUT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CUTS: dict[tuple[str, ...], str] = {
    ("ByteLevel",): "gpt-2",
    ("Digits", "ByteLevel"): "smollm",
    (f"Split {QWEN2_CUT}", "ByteLevel"): "qwen2",
    (f"Split {LLAMA3_CUT}", "ByteLevel"): "llama-bpe",
}
"""Pre-tokenizer steps of tokenizer.json -> llama.cpp's name for the same cuts.

Source: `llama-vocab.cpp`, where each name stands beside its regular expressions.
"""
OTHER_WAY = (
    "use llama.cpp's own converter: --converter FOLDER, a clone of llama.cpp with the "
    "packages that its requirements name"
)


def add_vocab(writer: GGUFWriter, folder: Path, size: int) -> None:
    """Add the tokenizer of a model folder; `size` is the number of embeddings.

    Raises `UserError` where it is none that llama.cpp has under a known name.
    """
    import gguf
    from transformers import AutoTokenizer

    cut = cut_name(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    names = {number: token for token, number in tokenizer.get_vocab().items()}
    special = {
        number: token.special
        for number, token in tokenizer.added_tokens_decoder.items()
    }
    tokens, kinds = [], []
    for number in range(size):
        # Embeddings may be more than tokens, rounded up to a handy number.
        tokens.append(names.get(number, f"[PAD{number}]"))
        if number not in names:
            kinds.append(gguf.TokenType.UNUSED)
        elif number not in special:
            kinds.append(gguf.TokenType.NORMAL)
        elif special[number]:
            kinds.append(gguf.TokenType.CONTROL)
        else:
            kinds.append(gguf.TokenType.USER_DEFINED)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(cut)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    known = gguf.SpecialVocab(folder, load_merges=True, n_vocab=size)
    known.chat_template = tokenizer.chat_template
    # The template writes the start mark where the model wants one.
    known.add_special_token.setdefault("bos", False)
    known.add_to_gguf(writer, quiet=True)


def cut_name(folder: Path) -> str:
    """llama.cpp's name for the cuts of a folder's tokenizer."""
    path = folder / "tokenizer.json"
    facts = json.loads(path.read_bytes())
    if facts["model"]["type"] != "BPE" or "pre_tokenizer" not in facts:
        raise UserError(
            f"the tokenizer is {facts['model']['type']}, not a byte-level BPE",
            where=f"{path}: model.type",
            fix=OTHER_WAY,
        )
    steps = tuple(_steps(facts["pre_tokenizer"]))
    if steps not in CUTS:
        raise UserError(
            f"no name is known for the pre-tokenizer {' + '.join(steps)}",
            where=f"{path}: pre_tokenizer",
            fix=OTHER_WAY,
        )
    return CUTS[steps]


def _steps(pre: dict[str, Any] | None) -> list[str]:
    """The steps of a pre-tokenizer, each told with what changes its cuts."""
    if pre is None:
        return ["none"]
    kind = str(pre["type"])
    if kind == "Sequence":
        parts = [_steps(inner) for inner in pre["pretokenizers"]]
        return [step for part in parts for step in part]
    if kind == "Split":
        return [f"Split {pre['pattern'].get('Regex')}"]
    return [kind]
