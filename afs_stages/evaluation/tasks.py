"""What a version can do: answers generated for test rows whose right
answer can be checked.

`lookup` asks for an address or a name, `assembles` for 65816 code, `tool_calls` for a
call. Rows are drawn by seed from every domain and kind in turn, so that a small number
of them still covers all.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from afs_stages.asm.opcode_table import assemble
from afs_stages.core.params.model import Evaluate
from afs_stages.core.sample import is_learnt
from afs_stages.evaluation import call_checks as calls
from afs_stages.scoring.blocks import ASM_TAGS, assembly_in, fenced
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import render

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_ADDRESS = re.compile(r"(?:\$|\b0x)((?:[0-9A-Fa-f]{2}:)?[0-9A-Fa-f]+)\b")
_NAME = re.compile(r"`([!.]?[A-Za-z_]\w*)`")
_SENTENCE_END = re.compile(r"[.:]\s|\n")
STATES = ("ok", "stubs", "error", "cut", "none")
"""Code that assembles, that does but for outside names, that does not, whose fence
never closes, no code.
"""

_LOW_RAM, _LOW_RAM_SIZE = 0x7E0000, 0x2000


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
    return out


def _shows_code(text: str) -> bool:
    return any(tag in ASM_TAGS for tag, _ in fenced(text)) and bool(assembly_in(text))


def sought(question: str, answer: str) -> str:
    """What a memory question asks for: the one address, or the one name, of the
    answer's first sentence.

    A question that holds an address asks for a name, any other for an address. Empty
    where the answer holds none or several.
    """
    head = _SENTENCE_END.split(answer, maxsplit=1)[0]
    names = [name for name in _NAME.findall(head) if f"`{name}`" not in question]
    found = (
        set(names)
        if _ADDRESS.search(question)
        else {address(digits) for digits in _ADDRESS.findall(head)}
    )
    return found.pop() if len(found) == 1 else ""


def address(digits: str) -> str:
    """An address in one form: `7E:0032`, `7E0032` and `0032` (low RAM's
    mirror) are `$32`.
    """
    value = int(digits.replace(":", ""), 16)
    return f"${value - _LOW_RAM if 0 <= value - _LOW_RAM < _LOW_RAM_SIZE else value:X}"


def names_it(wanted: str, text: str) -> bool:
    """Whether the first address (or name in backticks) of a text is the wanted one.

    Of a text without any backticks, a name has to be one of the words.
    """
    if wanted.startswith("$"):
        found = _ADDRESS.search(text)
        return found is not None and address(found[1]) == wanted
    if "`" not in text:
        return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None
    name = _NAME.search(text)
    return name is not None and name[1] == wanted


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
    return {
        "exact": _rate([names_it(exercise.wanted, text) for exercise, text in pairs])
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


SCORES = {"lookup": _lookup, "assembles": _assembles, "tool_calls": _tool_calls}


def measure_tasks(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    exercises: Sequence[Exercise],
    params: Evaluate,
) -> dict[str, dict[str, float]]:
    """Every task's rows and rates for the model as it is now (an adapter
    active or none).

    An answer may be as long as the longest reference of its task. Rows whose reference
    is longer than `max_new_tokens` cannot be answered, so they are left out and counted
    as `too_long`.
    """
    from afs_stages.evaluation.generation import answers

    lengths = [exercise.reference_tokens(tokenizer) for exercise in exercises]
    most = params.max_new_tokens or max(lengths, default=0)
    pairs = list(zip(exercises, lengths, strict=True))
    taken = [exercise for exercise, length in pairs if length <= most]
    longest: dict[str, int] = {}
    for exercise, length in pairs:
        if length <= most:
            longest[exercise.task] = max(longest.get(exercise.task, 0), length)
    prompts = [exercise.prompt(tokenizer) for exercise in taken]
    limits = [longest[exercise.task] for exercise in taken]
    texts = answers(model, tokenizer, prompts, limits, params.batch_tokens)
    left_out = Counter(exercise.task for exercise, length in pairs if length > most)
    found = scores(taken, texts)
    for task, count in left_out.items():
        found.setdefault(task, {"rows": 0})["too_long"] = count
    return found


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
