"""The tiny base model: a Llama of a million weights and its own byte-level BPE, made
from train rows only.

It is there so that the whole pipeline runs without a hub and LoRA has something to
adapt: it has read the rows as plain text and has never seen the chat format.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core.params.model import BaseModelBlock, Train
from afs_stages.core.sample import TrainingSample
from afs_stages.training import template
from afs_stages.training.encode import Encoded, token_ids

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def plain_text(sample: TrainingSample) -> str:
    """A sample as a document: its messages, or its request and answer,
    one under the other.
    """
    if sample.messages:
        parts = [message.get("content") or "" for message in sample.messages]
    else:
        parts = [sample.instruction, sample.input, sample.output]
    return "\n\n".join(part for part in parts if part)


def build_tokenizer(
    texts: Iterable[str], vocab_size: int, context: int
) -> PreTrainedTokenizerBase:
    """A byte-level BPE tokenizer trained on the texts,
    with the chat template of `template`.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=template.SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=template.PAD,
        eos_token=template.TURN_END,
        bos_token=template.END,
        model_max_length=context,
    )
    tokenizer.chat_template = template.CHAT_TEMPLATE
    return tokenizer


def build_model(block: BaseModelBlock, vocab_size: int, seed: int) -> PreTrainedModel:
    """A randomly initialised Llama-like model of the given sizes; input and output
    embeddings are tied.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    place = template.SPECIAL_TOKENS.index
    heads = block.heads
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=block.hidden_size,
        intermediate_size=block.hidden_size * 3,
        num_hidden_layers=block.layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=block.context,
        tie_word_embeddings=True,
        bos_token_id=place(template.END),
        eos_token_id=place(template.TURN_END),
        pad_token_id=place(template.PAD),
    )
    return LlamaForCausalLM(config)


def documents(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], context: int
) -> list[Encoded]:
    """The texts as token ids, each ended by the end mark and cut into pieces of
    at most `context`.
    """
    end = template.SPECIAL_TOKENS.index(template.END)
    out = []
    for at, text in enumerate(texts):
        ids = [end, *token_ids(tokenizer, text), end]
        cuts = [ids[start : start + context] for start in range(0, len(ids), context)]
        out += [Encoded(cut, cut, f"document {at + 1}") for cut in cuts if len(cut) > 1]
    return out


def pretrain(
    samples: Sequence[TrainingSample], block: BaseModelBlock, seed: int, folder: Path
) -> dict[str, Any]:
    """Train tokenizer and model on the samples as plain text and save both to a folder.

    Returns what was done: tokens, steps, parameters, first and last loss. Same samples,
    same bytes on the same machine.
    """
    from afs_stages.training import attention
    from afs_stages.training.batches import plan_for
    from afs_stages.training.loop import Loop
    from afs_stages.training.prepared import Meter

    texts = sorted({plain_text(sample) for sample in samples})
    tokenizer = build_tokenizer(texts, block.vocab_size, block.context)
    model = build_model(block, len(tokenizer), seed)
    attention.install(model)
    model.train()
    items = documents(tokenizer, texts, block.context)
    settings = Train(
        epochs=block.epochs,
        batch_size=1,
        gradient_accumulation_steps=1,
        max_length=block.batch_tokens,
        learning_rate=block.learning_rate,
        warmup_ratio=0.05,
        weight_decay=0.1,
    )
    plan = plan_for(items, settings, seed)
    loop = Loop(model, items, plan, settings)
    state = loop.state
    meter = Meter("base-model", len(plan.steps), state)
    for _ in loop.steps():
        meter(state)
    model.set_attn_implementation("sdpa")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    losses = [point["loss"] for point in state.curve]
    tail = losses[-10:]
    loss = {"first": losses[0], "last": round(sum(tail) / len(tail), 4)}
    return {
        "documents": len(texts),
        "tokens_seen": state.tokens,
        "steps": state.step,
        "parameters": model.num_parameters(),
        "vocabulary": len(tokenizer),
        "loss": loss,
    }
