"""What a version can do: answers generated for test rows whose right
answer can be checked.

`lookup` asks for an address or a name of a fact that is held out, `assembles` for
65816 code, `tool_calls` for a call, `facts` for anything that names addresses, names or
registers. Rows are drawn by seed from every domain and kind in turn, so that a small
number of them still covers all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from afs_stages.asm.opcode_table import assemble
from afs_stages.core.sample import is_learnt
from afs_stages.dataset.answer_facts import new_facts, recalls, sought
from afs_stages.evaluation import call_checks as calls
from afs_stages.evaluation.sampling import in_turn
from afs_stages.scoring.blocks import ASM_TAGS, assembly_in, fenced
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import render, token_ids

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

STATES = ("ok", "stubs", "error", "cut", "none")
"""Code that assembles, that does but for outside names, that does not, whose fence
never closes, no code.
"""


@dataclass(frozen=True)
class Exercise:
    """A test row of a task; the answer asked for is message `at`, `wanted` what a
    look-up must name.
    """

    task: str
    row: ChatRow
    at: int
    wanted: str = ""

    def prompt(self, tokenizer: PreTrainedTokenizerBase) -> str:
        """The conversation up to where the answer begins."""
        return render(tokenizer, self.row, self.at, prompt=True)

    @property
    def asked(self) -> str:
        """What is said before the answer, all of it."""
        return "\n".join(message["content"] for message in self.row.messages[: self.at])

    @property
    def question(self) -> str:
        """The message before the answer."""
        return str(self.row.messages[self.at - 1]["content"])

    @property
    def reference(self) -> str:
        """The row's own answer."""
        return str(self.row.messages[self.at]["content"])

    def is_right(self, text: str) -> bool:
        """Whether a look-up's answer names what is sought first."""
        return recalls(self.question, (self.wanted,), text)

    def reference_tokens(self, tokenizer: PreTrainedTokenizerBase) -> int:
        """Tokens of the test row's own answer, with the mark that ends it."""
        told = render(tokenizer, self.row, self.at + 1).rstrip()
        return len(token_ids(tokenizer, told.removeprefix(self.prompt(tokenizer))))


def choose(rows: Sequence[ChatRow], per_task: int, seed: int) -> list[Exercise]:
    """At most `per_task` exercises of every task,
    drawn from all domains and kinds in turn.
    """
    found = [exercise for row in rows for exercise in _exercises(row)]
    out: list[Exercise] = []
    for task in SCORES:
        served = [exercise for exercise in found if exercise.task == task]
        drawn = in_turn(
            served,
            lambda exercise: f"{seed}:{exercise.task}:{exercise.row.name}",
            lambda exercise: (exercise.row.domain, exercise.row.kind),
        )
        out += drawn[:per_task]
    return out


def _exercises(row: ChatRow) -> list[Exercise]:
    """The tasks a row can serve."""
    turns = [at for at, message in enumerate(row.messages) if at and is_learnt(message)]
    if not turns:
        return []
    last = Exercise("facts", row, turns[-1])
    calling = [at for at in turns if row.tools and row.messages[at].get("tool_calls")]
    coded = [at for at in turns if _shows_code(row.messages[at]["content"])]
    out = [Exercise("tool_calls", row, at) for at in calling[:1]]
    out += [Exercise("assembles", row, at) for at in coded[-1:]]
    if row.domain.endswith("_memory") or row.kind.startswith("memory_"):
        wanted = sought(last.question, last.reference)
        out += [replace(last, task="lookup", wanted=wanted)] if wanted else []
    if not out and new_facts(last.asked, last.reference):
        out.append(last)
    return out


def _shows_code(text: str) -> bool:
    return any(tag in ASM_TAGS for tag, _ in fenced(text)) and bool(assembly_in(text))


def scores(
    exercises: Sequence[Exercise], texts: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Rows and rates in [0, 1] of every task that has rows,
    from the answers generated for them.
    """
    out: dict[str, dict[str, float]] = {}
    for task, score in SCORES.items():
        pairs = [
            (exercise, text)
            for exercise, text in zip(exercises, texts, strict=True)
            if exercise.task == task
        ]
        if pairs:
            out[task] = {"rows": len(pairs), **score(pairs)}
    return out


Pairs = list[tuple[Exercise, str]]


def _lookup(pairs: Pairs) -> dict[str, float]:
    return {"exact": _rate([exercise.is_right(text) for exercise, text in pairs])}


def _told_facts(pairs: Pairs) -> dict[str, float]:
    """How the addresses, names and registers that answers add to their questions agree
    with the references', all rows together.

    Precision is the share of the told facts that are right, recall the share of the
    right ones that are told; `f1` is their harmonic mean.
    """
    told = right = wanted = 0
    for exercise, text in pairs:
        answer = set(new_facts(exercise.asked, text))
        reference = set(new_facts(exercise.asked, exercise.reference))
        told += len(answer)
        right += len(answer & reference)
        wanted += len(reference)
    return {
        "f1": round(2 * right / (told + wanted), 6),
        "precision": round(right / max(told, 1), 6),
        "recall": round(right / wanted, 6),
    }


def _assembles(pairs: Pairs) -> dict[str, float]:
    """The rate of answers whose code assembles,
    and how many answers are in each of `STATES`.
    """
    states = Counter(assembly_state(text) for _, text in pairs)
    rate = _rate([state in ("ok", "stubs") for state in states.elements()])
    return {"rate": rate, **{state: states[state] for state in STATES}}


def assembly_state(text: str) -> str:
    """What the table says of an answer's code, the worst of its blocks:
    one of `STATES`.
    """
    codes = assembly_in(text)
    if codes and any(code and text.endswith(code) for _, code in fenced(text)):
        return "cut"
    states = {assemble(code).state for code in codes}
    return next(
        (state for state in ("error", "stubs", "ok") if state in states), "none"
    )


def _tool_calls(pairs: Pairs) -> dict[str, float]:
    steps = [calls.judge(text, exercise.row.tools or []) for exercise, text in pairs]
    return {
        name: _rate([step >= least for step in steps])
        for name, least in (("valid", 3), ("known", 2), ("parses", 1))
    }


def _rate(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 6)


SCORES = {
    "lookup": _lookup,
    "assembles": _assembles,
    "tool_calls": _tool_calls,
    "facts": _told_facts,
}


@dataclass(frozen=True)
class Answerable:
    """The exercises whose reference may be said whole, and those that are left out."""

    exercises: list[Exercise]
    longest: dict[str, int]
    """Tokens of the longest reference of each task."""
    too_long: Counter[str]
    """Exercises of each task whose reference is longer than `max_new_tokens`."""


def answerable(
    exercises: Sequence[Exercise],
    tokenizer: PreTrainedTokenizerBase,
    max_new_tokens: int | None,
) -> Answerable:
    """Leave out the exercises whose reference is longer than an answer may be."""
    asked = Answerable([], {}, Counter())
    for exercise in exercises:
        task, length = exercise.task, exercise.reference_tokens(tokenizer)
        if max_new_tokens is not None and length > max_new_tokens:
            asked.too_long[task] += 1
            continue
        asked.exercises.append(exercise)
        asked.longest[task] = max(asked.longest.get(task, 0), length)
    return asked


def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    asked: Answerable,
    batch_tokens: int,
) -> list[str]:
    """What the model as it is now (an adapter active or none) says to each exercise, at
    most as long as the longest reference of its task.
    """
    from afs_stages.evaluation.generation import answers

    prompts = [exercise.prompt(tokenizer) for exercise in asked.exercises]
    limits = [asked.longest[exercise.task] for exercise in asked.exercises]
    return answers(model, tokenizer, prompts, limits, batch_tokens)


def tasks(
    asked: Answerable, own: Sequence[str], base: Sequence[str]
) -> dict[str, dict[str, float]]:
    """A version's scores, each with the base's main rate (the first) as `base`, and how
    many rows of each task could not be asked.
    """
    found = scores(asked.exercises, own)
    for task, rates in scores(asked.exercises, base).items():
        found[task]["base"] = list(rates.values())[1]
    for task, count in asked.too_long.items():
        found.setdefault(task, {"rows": 0})["too_long"] = count
    return found
