"""What a version can do: answers generated for test rows whose right
answer can be checked.

`lookup` asks for an address or a name of a fact that is held out, `assembles` for
65816 code, `tool_calls` for a call, `facts` for anything that names addresses, names or
registers. Rows are drawn by seed from every domain and kind in turn, so that a small
number of them still covers all.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from afs_stages.asm.opcode_table import assemble
from afs_stages.core.params.model import Evaluate
from afs_stages.core.sample import is_learnt
from afs_stages.dataset.answer_facts import new_facts, recalls, sought
from afs_stages.evaluation import call_checks as calls
from afs_stages.scoring.blocks import ASM_TAGS, assembly_in, fenced
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import render

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
        told = (
            message.get("content") or "" for message in self.row.messages[: self.at]
        )
        return "\n".join(told)

    @property
    def reference(self) -> str:
        """The row's own answer."""
        return self.row.messages[self.at].get("content") or ""

    def is_right(self, text: str) -> bool:
        """Whether a look-up's answer names what is sought first."""
        return recalls(self.row.messages[self.at - 1]["content"], (self.wanted,), text)

    def reference_tokens(self, tokenizer: PreTrainedTokenizerBase) -> int:
        """Tokens of the test row's own answer, with the mark that ends it."""
        told = render(tokenizer, self.row, self.at + 1).rstrip()
        answer = told.removeprefix(self.prompt(tokenizer))
        return len(tokenizer(answer, add_special_tokens=False)["input_ids"])


def choose(rows: Sequence[ChatRow], per_task: int, seed: int) -> list[Exercise]:
    """At most `per_task` exercises of every task,
    drawn from all domains and kinds in turn.
    """
    found = [exercise for row in rows for exercise in _exercises(row)]
    out: list[Exercise] = []
    for task in SCORES:
        strata: dict[tuple[str, str], list[Exercise]] = {}
        for exercise in sorted(
            (e for e in found if e.task == task), key=lambda e: _draw(e, seed)
        ):
            strata.setdefault((exercise.row.domain, exercise.row.kind), []).append(
                exercise
            )
        turns = chain.from_iterable(
            zip_longest(*(strata[key] for key in sorted(strata)))
        )
        out += [exercise for exercise in turns if exercise is not None][:per_task]
    return out


def _draw(exercise: Exercise, seed: int) -> bytes:
    return hashlib.blake2b(
        f"{seed}:{exercise.task}:{exercise.row.name}".encode(), digest_size=16
    ).digest()


def _exercises(row: ChatRow) -> list[Exercise]:
    """The tasks a row can serve."""
    turns = [
        (at, message)
        for at, message in enumerate(row.messages)
        if is_learnt(message) and at
    ]
    out = [
        Exercise("tool_calls", row, at)
        for at, message in turns
        if row.tools and message.get("tool_calls")
    ][:1]
    coded = [at for at, message in turns if _shows_code(message.get("content") or "")]
    out += [Exercise("assembles", row, at) for at in coded[-1:]]
    if turns and (row.domain.endswith("_memory") or row.kind.startswith("memory_")):
        at, message = turns[-1]
        wanted = sought(
            row.messages[at - 1].get("content") or "", message.get("content") or ""
        )
        out += [Exercise("lookup", row, at, wanted)] if wanted else []
    if turns and not out:
        told = Exercise("facts", row, turns[-1][0])
        out += [told] if new_facts(told.asked, told.reference) else []
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
            (e, text)
            for e, text in zip(exercises, texts, strict=True)
            if e.task == task
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
    found = [calls.judge(text, exercise.row.tools or []) for exercise, text in pairs]
    return {
        name: _rate([getattr(verdict, name) for verdict in found])
        for name in ("valid", "known", "parses")
    }


def _rate(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 6)


SCORES = {
    "lookup": _lookup,
    "assembles": _assembles,
    "tool_calls": _tool_calls,
    "facts": _told_facts,
}


def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    exercises: Sequence[Exercise],
    params: Evaluate,
    longest: dict[str, int],
) -> list[str]:
    """What the model as it is now (an adapter active or none) says to each exercise, at
    most as long as the longest reference of its task (`longest`, in tokens).
    """
    from afs_stages.evaluation.generation import answers

    prompts = [exercise.prompt(tokenizer) for exercise in exercises]
    limits = [longest[exercise.task] for exercise in exercises]
    return answers(model, tokenizer, prompts, limits, params.batch_tokens)


@dataclass(frozen=True)
class Answerable:
    """The exercises whose reference may be said whole, and those that are left out."""

    exercises: list[Exercise]
    longest: dict[str, int]
    """Tokens of the longest reference of each task."""
    too_long: Counter[str]
    """Exercises of each task whose reference is longer than `max_new_tokens`."""

    def note_left_out(self, tasks: dict[str, dict[str, float]]) -> None:
        """Count in each task the rows that could not be asked."""
        for task, count in self.too_long.items():
            tasks.setdefault(task, {"rows": 0})["too_long"] = count


def answerable(
    exercises: Sequence[Exercise],
    tokenizer: PreTrainedTokenizerBase,
    max_new_tokens: int | None,
) -> Answerable:
    """Leave out the exercises whose reference is longer than an answer may be."""
    taken: list[Exercise] = []
    longest: dict[str, int] = {}
    too_long: Counter[str] = Counter()
    for exercise in exercises:
        length = exercise.reference_tokens(tokenizer)
        if max_new_tokens is not None and length > max_new_tokens:
            too_long[exercise.task] += 1
            continue
        taken.append(exercise)
        longest[exercise.task] = max(longest.get(exercise.task, 0), length)
    return Answerable(taken, longest, too_long)


def beside_base(
    own: dict[str, dict[str, float]], base: dict[str, dict[str, float]]
) -> dict[str, dict[str, float]]:
    """A version's tasks, each with the base's main rate (the first) as `base`."""
    return {
        task: {**rates, "base": list(base[task].values())[1]}
        if rates["rows"]
        else rates
        for task, rates in own.items()
    }
