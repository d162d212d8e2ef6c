"""A GGUF file as an ordinary base folder: weights dequantised, tokenizer repaired, a
chat template that renders tools.

transformers reads the file; what it leaves out is mended here. It keeps GPT-2's way of
cutting text before the merges, where the file's `tokenizer.ggml.pre` names another: of
92,065 lines of assembly and prose, 728 were tokenised otherwise with SmolLM2.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core.atomic import write_text
from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import file_hash
from afs_stages.training import template

if TYPE_CHECKING:
    from tokenizers.pre_tokenizers import PreTokenizer
    from transformers import PreTrainedTokenizerBase

NOTICE = "NOTICE.md"
WORD = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{DIGITS}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Llama 3 and Qwen 2 cut text; they differ in how many digits stay together."""
SINGLE_DIGITS = {
    "smollm",
    "starcoder",
    "refact",
    "command-r",
    "codeshell",
    "exaone",
    "minerva-7b",
}
"""Values of `tokenizer.ggml.pre` that mean: each digit alone, then as GPT-2
(llama.cpp, src/llama-vocab.cpp)."""
WORD_DIGITS = {"llama-bpe": "{1,3}", "llama3": "{1,3}", "qwen2": ""}
"""Values that mean `WORD`, and how many digits it keeps together."""
AS_GPT2 = {"gpt-2", "default", ""}


def convert_gguf(file: Path, folder: Path, origin: str = "") -> dict[str, Any]:
    """Fill an empty folder with the model of a GGUF file, in 32-bit floats.

    `origin` is a line for the notice; without it the file's own name and licence stand
    there. Returns what was done. Raises `UserError` where the package gguf is missing,
    or transformers cannot read the file.
    """
    facts = read_metadata(file)
    tokenizer = _tokenizer(file, facts)
    tools = _ensure_template(tokenizer)
    model = _model(file)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_text(folder / NOTICE, notice(file, facts, origin))
    return {
        "name": facts.get("general.name", file.stem),
        "parameters": model.num_parameters(),
        "vocabulary": len(tokenizer),
        "chat_template": tools,
    }


def read_metadata(file: Path) -> dict[str, Any]:
    """The texts and numbers at the head of a GGUF file, lists left out, and as
    `quantised` the type that most of its weights have.
    """
    need_gguf()
    if not file.is_file():
        raise UserError("no such file", where=str(file), fix="name a .gguf file")
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
    except (ValueError, IndexError, OverflowError) as error:
        raise UserError(
            f"not a GGUF file: {error}", where=str(file), fix="name a .gguf file"
        ) from None
    contents = {key: field.contents() for key, field in reader.fields.items()}
    facts: dict[str, Any] = {
        key: value
        for key, value in contents.items()
        if isinstance(value, str | int | float)
    }
    sizes: Counter[str] = Counter()
    for tensor in reader.tensors:
        sizes[tensor.tensor_type.name] += int(tensor.n_elements)
    facts["quantised"] = max(sizes, key=lambda kind: sizes[kind], default="unknown")
    return facts


def need_gguf() -> None:
    """Raise `UserError` where the package that reads GGUF files is not installed."""
    from importlib.util import find_spec

    if find_spec("gguf") is None:
        raise UserError(
            "reading GGUF files needs the package gguf",
            fix="pip install 'afs-stages[gguf]'",
        )


def _model(file: Path) -> Any:
    """The dequantised model, without the mark that keeps transformers from saving."""
    import torch
    from transformers import AutoModelForCausalLM

    model = _read(AutoModelForCausalLM, file, dtype=torch.float32)
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.config.architectures = [type(model).__name__]
    return model


def _tokenizer(file: Path, facts: dict[str, Any]) -> PreTrainedTokenizerBase:
    """The file's tokenizer, cutting text as its `tokenizer.ggml.pre` says."""
    from transformers import AutoTokenizer

    tokenizer = _read(AutoTokenizer, file)
    context = facts.get(f"{facts.get('general.architecture')}.context_length")
    if context:
        tokenizer.model_max_length = int(context)
    if facts.get("tokenizer.ggml.model") != "gpt2":
        return tokenizer
    pre = str(facts.get("tokenizer.ggml.pre", ""))
    cutter = pre_tokenizer(pre)
    if cutter is None:
        warn(
            f"{file}: tokenizer.ggml.pre is '{pre}', which is not known here; the "
            "tokenizer stays as transformers makes it"
        )
    else:
        tokenizer.backend_tokenizer.pre_tokenizer = cutter
    return tokenizer


def _read(kind: Any, file: Path, **options: Any) -> Any:
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        return kind.from_pretrained(
            str(file.parent.resolve()), gguf_file=file.name, **options
        )
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        # Some of these errors have no text.
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"transformers cannot read this file: {said}",
            where=str(file),
            fix="choose a GGUF of an architecture that transformers reads",
        ) from None


def pre_tokenizer(name: str) -> PreTokenizer | None:
    """How a byte-level tokenizer cuts text before its merges, by the name that GGUF
    gives it; None for a name that is not known.
    """
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

    if name in SINGLE_DIGITS:
        digits = Digits(individual_digits=True)
        return Sequence([digits, ByteLevel(add_prefix_space=False)])
    if name in WORD_DIGITS:
        pattern = Regex(WORD.replace("{DIGITS}", WORD_DIGITS[name]))
        cut = Split(pattern, behavior="isolated", invert=False)
        return Sequence([cut, ByteLevel(add_prefix_space=False, use_regex=False)])
    return ByteLevel(add_prefix_space=False) if name in AS_GPT2 else None


def _ensure_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """Keep the file's chat template if it renders tools; else one that does takes its
    place where the vocabulary has ChatML's marks. Returns what happened.
    """
    if tokenizer.chat_template and template.renders_tools(tokenizer):
        return "kept"
    vocabulary = tokenizer.get_vocab()
    if not {template.TURN, template.TURN_END} <= set(vocabulary):
        warn(
            "the chat template renders no tools; rows with tool calls will be left out"
            if tokenizer.chat_template
            else "the file has no chat template, and no ChatML marks to make one with"
        )
        return "kept" if tokenizer.chat_template else "none"
    tokenizer.chat_template = template.chatml_with_tools(
        template.default_system(tokenizer)
    )
    return "with tools"


def notice(file: Path, facts: dict[str, Any], origin: str) -> str:
    """What the folder was made of, for whoever finds it."""
    name = facts.get("general.name", file.stem)
    licence = facts.get("general.license", "not stated in the file")
    source = origin or f"{name}, licence: {licence}"
    return (
        f"# {name}\n\n{source}.\n\n"
        f"Made from `{file.name}` (BLAKE2b {file_hash(file)}): its weights were "
        f"dequantised from {facts['quantised']} to 32-bit floats, so they are not the "
        "original's.\nThe tokenizer cuts text as the file's `tokenizer.ggml.pre` says; "
        "the chat template renders tools where the\nfile's own did not. Nothing was "
        "trained.\n"
    )
