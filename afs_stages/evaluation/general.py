"""General skills: what a model could do before it learnt of the hack, and still must.

`data/general.json` holds items of eight skills, written for this project: a request,
the right answer and two wrong ones of like form and length. An item is right when the
right answer is the likeliest of the three, by the mean log-likelihood of its bytes.
Nothing is generated, so that the same model gives the same figures.

The answers of an item go through the model together, behind the request they share:

    request | right | wrong | wrong

Each answer sees the request and itself, at the positions it would have alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from afs_stages.evaluation import intervals
from afs_stages.evaluation.losses import BASE
from afs_stages.training import attention
from afs_stages.training.batches import longest_first
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import IGNORE, encode_row

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FILE = "general.json"
"""The frozen set; a changed file is another set, and its hash stands in the report."""
CHANCE = 1 / 3
"""The share of right items of a model that knows nothing."""
BATCH_TOKENS = 384
"""Tokens of a forward pass at most: every token pair of it has a place in the mask."""


@dataclass(frozen=True)
class SkillItem:
    """A request with one right and two wrong answers."""

    skill: str
    language: str
    prompt: str
    right: str
    wrong: tuple[str, ...]

    @property
    def answers(self) -> tuple[str, ...]:
        """The right answer, then the wrong ones."""
        return (self.right, *self.wrong)


@dataclass(frozen=True)
class Branches:
    """An item as token ids: the request, and behind it each answer up to its end mark.

    `sizes` are the answers' lengths in bytes, with one for the end mark.
    """

    prompt: list[int]
    answers: list[list[int]]
    sizes: list[int]

    @property
    def length(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + sum(len(answer) for answer in self.answers)


@cache
def skill_items() -> tuple[SkillItem, ...]:
    """The whole set, in the file's order."""
    text = files("afs_stages.evaluation").joinpath("data", FILE).read_bytes()
    return tuple(
        SkillItem(**{**facts, "wrong": tuple(facts["wrong"])})
        for facts in json.loads(text)
    )


def chosen_items(per_skill: int) -> list[SkillItem]:
    """The first so many items of each skill."""
    taken: dict[str, int] = {}
    kept = []
    for item in skill_items():
        taken[item.skill] = taken.get(item.skill, 0) + 1
        if taken[item.skill] <= per_skill:
            kept.append(item)
    return kept


def encode_item(tokenizer: PreTrainedTokenizerBase, item: SkillItem) -> Branches:
    """The item in the model's own chat template."""
    prompt: list[int] = []
    answers = []
    for answer in item.answers:
        messages = [
            {"role": "user", "content": item.prompt},
            {"role": "assistant", "content": answer},
        ]
        encoded = encode_row(tokenizer, ChatRow(messages))
        learnt = [at for at, label in enumerate(encoded.labels) if label != IGNORE]
        prompt = encoded.ids[: learnt[0]]
        answers.append(encoded.ids[learnt[0] : learnt[-1] + 1])
    sizes = [len(answer.encode()) + 1 for answer in item.answers]
    return Branches(prompt, answers, sizes)


class SkillTest:
    """The set in a model's tokens, and which items every measured model has right."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, per_skill: int) -> None:
        self.items = chosen_items(per_skill)
        self.branches = [encode_item(tokenizer, item) for item in self.items]
        self.right: dict[str, list[bool]] = {}

    def measure(self, model: PreTrainedModel, name: str) -> None:
        """Note which items the model has right, as it is now (an adapter active or
        none).
        """
        found = likelihoods(model, self.branches)
        self.right[name] = [answers[0] > max(answers[1:]) for answers in found]

    def results(
        self, versions: Sequence[str], times: int, seed: int
    ) -> dict[str, Any] | None:
        """Share of right items by skill and in all, for base and versions, and what a
        version's share differs from the base's; None without items.

        A difference is paired: base and version answer the same resampled items.
        """
        if not self.items:
            return None
        groups = self._groups()
        shares: dict[str, dict[str, Any]] = {}
        changes: dict[str, dict[str, Any]] = {}
        for name in (BASE, *versions):
            shares[name] = {}
            changes[name] = {}
            for group, places in groups.items():
                counts = intervals.resamples(len(places), times, seed)
                ones = [1] * len(places)
                own = [float(self.right[name][at]) for at in places]
                base = [float(self.right[BASE][at]) for at in places]
                share = intervals.per_token(counts, own, ones)
                change = share - intervals.per_token(counts, base, ones)
                shares[name][group] = intervals.summary(share)
                changes[name][group] = intervals.summary(change)
        return {
            "items": {group: len(places) for group, places in groups.items()},
            "share": shares,
            "change": {name: changes[name] for name in versions},
        }

    def _groups(self) -> dict[str, list[int]]:
        """`all` and every skill -> the places of its items."""
        groups: dict[str, list[int]] = {"all": list(range(len(self.items)))}
        for at, item in enumerate(self.items):
            groups.setdefault(item.skill, []).append(at)
        return groups


def likelihoods(
    model: PreTrainedModel, branches: Sequence[Branches]
) -> list[list[float]]:
    """Mean log-likelihood a byte (nats) of each item's answers, in the items' order."""
    import torch

    found: list[list[float]] = [[] for _ in branches]
    batches = longest_first([one.length for one in branches], BATCH_TOKENS)
    with torch.inference_mode(), attention.standard(model):
        for batch in batches:
            scores = _scores(model, [branches[at] for at in batch])
            for at, score in zip(batch, scores, strict=True):
                found[at] = score
    return found


@dataclass
class Row:
    """Items end to end: every token with its position, item and answer (0: request);
    and for each token of an answer, the place that foretells it.
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    keep: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)

    def add(self, ids: list[int], first: int, item: int, answer: int) -> None:
        """Lay down the tokens of a request or an answer, from position `first` on."""
        self.ids += ids
        self.positions += range(first, first + len(ids))
        self.items += [item] * len(ids)
        self.answers += [answer] * len(ids)

    def foretell(self, answer: list[int], last: int) -> None:
        """Note the tokens of an answer that is about to be laid down; its first one is
        foretold at `last`, the end of the request.
        """
        start = len(self.ids)
        self.keep.append(last)
        self.keep += range(start, start + len(answer) - 1)
        self.targets += answer


def _row(branches: Sequence[Branches]) -> Row:
    row = Row()
    for number, one in enumerate(branches):
        row.add(one.prompt, 0, number, 0)
        last = len(row.ids) - 1
        for which, answer in enumerate(one.answers, 1):
            row.foretell(answer, last)
            row.add(answer, len(one.prompt), number, which)
    return row


def _scores(model: PreTrainedModel, branches: Sequence[Branches]) -> list[list[float]]:
    """The answers' likelihoods of items that lie in one row."""
    import torch

    row = _row(branches)
    device = next(model.parameters()).device
    mask = _mask(torch.tensor(row.items), torch.tensor(row.answers))
    ids, positions = torch.tensor([[row.ids], [row.positions]], device=device)
    logits = model(
        input_ids=ids,
        position_ids=positions,
        attention_mask=mask.to(device),
        use_cache=False,
        logits_to_keep=torch.tensor(row.keep, device=device),
    ).logits[0]
    chances = logits.float().log_softmax(-1)
    targets = torch.tensor(row.targets, device=device)
    token = chances.gather(1, targets[:, None])[:, 0]
    return _by_answer(token.double().tolist(), branches)


def _mask(item: Tensor, branch: Tensor) -> Tensor:
    """Which token sees which, shape (1, 1, tokens, tokens): what stands before it in
    its own item, of the request and of its own answer.
    """
    import torch

    before = torch.ones(len(item), len(item), dtype=torch.bool).tril()
    same_item = item[:, None] == item[None, :]
    seen = (branch[None, :] == 0) | (branch[:, None] == branch[None, :])
    return (before & same_item & seen)[None, None]


def _by_answer(
    token: Sequence[float], branches: Sequence[Branches]
) -> list[list[float]]:
    out = []
    at = 0
    for one in branches:
        scores = []
        for answer, size in zip(one.answers, one.sizes, strict=True):
            scores.append(sum(token[at : at + len(answer)]) / size)
            at += len(answer)
        out.append(scores)
    return out
