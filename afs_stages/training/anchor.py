"""General skills held while an adapter learns: beside the rows, the model is held to
what its base says on text that the base wrote itself.

The text is a request that the base makes up behind the opening of its chat template,
and its answer (Magpie, Xu et al. 2024, arXiv 2406.08464), so no outside data is needed.
The pull is the divergence KL(base || model) of the next token over the whole
vocabulary. The base is the same model with its adapter switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from afs_stages.core.errors import UserError
from afs_stages.core.hashes import value_hash
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.core.params.model import Anchor
from afs_stages.core.progress import progress
from afs_stages.training import attention
from afs_stages.training.base_model import Base
from afs_stages.training.batches import MicroBatch, make_plan
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import IGNORE, Encoded, render
from afs_stages.training.token_losses import token_logits

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

REQUEST, LENGTH = 40, 80
"""Tokens of a request, and of a whole text, at most; what is longer is cut there."""
TOGETHER = 64
"""Texts that are written together."""
PLACE = "REQUEST"
"""What stands in the template where the request will be."""


@dataclass(frozen=True)
class Hold:
    """The texts of a training, which of them each step is held on, and how strongly."""

    texts: Sequence[Encoded]
    steps: Sequence[MicroBatch]
    weight: float
    packed: bool

    def pull(self, model: PeftModel, step: int) -> float | None:
        """Add a step's gradient of the divergence; returns the divergence in nats a
        token, None where the step has no text.
        """
        texts = [self.texts[at] for at in self.steps[step]]
        if not texts:
            return None
        tokens = sum(text.targets for text in texts)
        total = 0.0
        # One by one, so that two distributions of one text are all that is in memory.
        for text in texts:
            part = divergence(model, text, self.packed) / tokens
            (self.weight * part).backward()  # type: ignore[no-untyped-call]
            total += part.item()
        return total

    def tokens(self, step: int) -> int:
        """Tokens of a step's texts."""
        return sum(len(self.texts[at].ids) for at in self.steps[step])


def divergence(model: PeftModel, text: Encoded, packed: bool = True) -> Tensor:
    """KL(base || model) in nats, summed over a text's labelled tokens."""
    with torch.no_grad(), model.disable_adapter():
        base = token_logits(model, [text], packed).float().log_softmax(-1)
    own = token_logits(model, [text], packed).float().log_softmax(-1)
    return (base.exp() * (base - own)).sum()


def spread(
    texts: Sequence[Encoded], share: float, tokens: int, steps: int, seed: int
) -> list[MicroBatch]:
    """Which texts each step is held on: as many as make `share` of the tokens beside
    `tokens` of rows, evenly over the steps, in an order that is shuffled for each pass.
    """
    lengths = [len(text.ids) for text in texts]
    each = sum(lengths) / len(lengths)
    count = max(1, round(share / (1 - share) * tokens / each))
    order = make_plan(
        lengths,
        epochs=count / len(texts),
        batch_size=1,
        accumulation=1,
        max_length=LENGTH,
        packing=False,
        seed=seed,
    )
    drawn = [batch[0] for (batch,) in order.steps]
    cuts = [round(at * len(drawn) / steps) for at in range(steps + 1)]
    return [drawn[a:b] for a, b in pairwise(cuts)]


def base_texts(
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    base: Base,
    anchor: Anchor,
    seed: int,
    kept: Path | None,
) -> list[Encoded]:
    """The base's own texts: read from the folder `kept`, or written and kept there."""
    key = [base.hash, str(model.dtype), anchor.texts, seed, REQUEST, LENGTH]
    path = kept / f"{value_hash(key)[:16]}.json" if kept else None
    if path and path.is_file():
        return [Encoded(**text) for text in read_json(path)]
    texts = write_texts(model, tokenizer, anchor.texts, seed)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, [asdict(text) for text in texts])
    return texts


def write_texts(
    model: PeftModel, tokenizer: PreTrainedTokenizerBase, count: int, seed: int
) -> list[Encoded]:
    """Have the base write `count` texts. What the template says before the request
    carries no label.
    """
    opening, middle = _around_a_request(tokenizer)
    training = model.training
    model.eval()
    texts: list[Encoded] = []
    batches = range(0, count, TOGETHER)
    # Dropout and what else draws at random must not notice that texts were written.
    with (
        torch.random.fork_rng(),
        torch.inference_mode(),
        attention.standard(model),
        model.disable_adapter(),
    ):
        torch.manual_seed(seed)
        for at in progress(batches, "the base's own texts", len(batches), "batches"):
            prompts = [opening] * min(TOGETHER, count - at)
            asked = _sampled(model, prompts, REQUEST, middle[0])
            asked = [row[:-1] if row[-1] == middle[0] else row for row in asked]
            prompts = [opening + request + middle for request in asked]
            room = LENGTH - len(opening) - len(middle)
            said = _sampled(model, prompts, room, tokenizer.eos_token_id)
            pairs = zip(prompts, said, strict=True)
            whole = [(prompt + answer)[:LENGTH] for prompt, answer in pairs]
            texts += [_text(ids, len(opening)) for ids in whole]
    model.train(training)
    return texts


def _around_a_request(
    tokenizer: PreTrainedTokenizerBase,
) -> tuple[list[int], list[int]]:
    """Ids of what the template puts before a request and between it and the answer.

    Raises `UserError` where the template shows no request, or where the rest leaves no
    room for one.
    """
    row = ChatRow([{"role": "user", "content": PLACE}])
    parts = render(tokenizer, row, prompt=True).split(PLACE)
    ids = [
        tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"]
        for part in parts
    ]
    if len(ids) != 2 or not all(ids) or len(ids[0]) + len(ids[1]) > LENGTH // 2:
        raise UserError(
            "the base's chat template leaves no place for a request of its own",
            fix="set train.anchor.share: 0",
        )
    return ids[0], ids[1]


def _sampled(
    model: PeftModel, prompts: Sequence[list[int]], limit: int, end: int
) -> list[list[int]]:
    """What the model goes on with after each prompt, drawn from its own distribution:
    `limit` tokens, or up to `end` with it.
    """
    width = max(len(prompt) for prompt in prompts)
    ids = [[end] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    found = model.generate(
        input_ids=torch.tensor(ids, device=model.device),
        attention_mask=torch.tensor(mask, device=model.device),
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        repetition_penalty=1.0,
        max_new_tokens=limit,
        eos_token_id=end,
        pad_token_id=end,
    )
    rows = found[:, width:].tolist()
    return [row[: row.index(end) + 1] if end in row else row for row in rows]


def _text(ids: list[int], start: int) -> Encoded:
    return Encoded(ids, [IGNORE] * start + ids[start:], "the base's own text")
