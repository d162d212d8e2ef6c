"""What versions know: recall of facts they were trained on, asked in words that were
never trained.

K[i,j] is the share of version j's frozen recall set that version i answers right: an
answer is right when it names the fact (address, name, register), however it is put.
Losses on test sets show style; this shows knowledge, and what a version keeps of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from afs_stages.core.params.model import Evaluate
from afs_stages.core.sample import is_learnt
from afs_stages.dataset.answer_facts import recalls, wanted
from afs_stages.evaluation import forgetting, intervals
from afs_stages.evaluation.losses import BASE
from afs_stages.evaluation.sampling import in_turn
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import render

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from afs_stages.evaluation.intervals import Array

ROOM = 1.5
"""How many times as long as the longest reference an answer may be."""


@dataclass(frozen=True)
class Question:
    """A recall question; the answer asked for is message `at`, right when it names the
    wanted facts.
    """

    row: ChatRow
    at: int
    wanted: tuple[str, ...]

    @property
    def asked(self) -> str:
        """The question as it is put."""
        return self.row.messages[self.at - 1].get("content") or ""

    @property
    def reference(self) -> str:
        """The right answer as the row has it."""
        return self.row.messages[self.at].get("content") or ""

    @property
    def fact(self) -> str:
        """The fact it asks for; several questions may ask for one."""
        return self.row.fact or self.row.name

    def is_right(self, text: str) -> bool:
        """Whether an answer names the fact."""
        return recalls(self.asked, self.wanted, text)


@dataclass
class Quiz:
    """The questions of one version's recall set that are asked; `answers[model]` holds
    what a model said to each.
    """

    version: str
    questions: list[Question]
    answers: dict[str, list[str]] = field(default_factory=dict)

    def right(self, model: str) -> list[bool]:
        """Which questions a model answered right."""
        pairs = zip(self.questions, self.answers[model], strict=True)
        return [question.is_right(text) for question, text in pairs]


def make_quiz(version: str, rows: Sequence[ChatRow], count: int, seed: int) -> Quiz:
    """At most `count` questions of a recall set, drawn by seed from every domain and
    kind in turn; rows without a fact to score are left out.
    """
    questions = [question for row in rows if (question := _question(row))]
    drawn = in_turn(
        questions,
        lambda question: f"{seed}:{question.row.name}",
        lambda question: (question.row.domain, question.row.kind),
    )
    return Quiz(version, drawn[:count])


def _question(row: ChatRow) -> Question | None:
    learnt = [at for at, message in enumerate(row.messages) if is_learnt(message)]
    if not learnt or not learnt[-1]:
        return None
    question = Question(row, learnt[-1], ())
    facts = wanted(question.asked, question.reference)
    return Question(row, learnt[-1], facts) if facts else None


def ask(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    quizzes: Sequence[Quiz],
    name: str,
    params: Evaluate,
) -> None:
    """Fill in every quiz's answers of the model as it is now (an adapter active or
    none), greedily.
    """
    from afs_stages.evaluation.generation import answers

    for quiz in quizzes:
        prompts = [
            render(tokenizer, question.row, question.at, prompt=True)
            for question in quiz.questions
        ]
        limit = _longest(tokenizer, quiz)
        if params.max_new_tokens is not None:
            limit = min(limit, params.max_new_tokens)
        limits = [limit] * len(prompts)
        what = f"recall of {quiz.version}"
        quiz.answers[name] = answers(
            model, tokenizer, prompts, limits, params.batch_tokens, what
        )


def _longest(tokenizer: PreTrainedTokenizerBase, quiz: Quiz) -> int:
    """Tokens that the longest reference needs, with room for other words."""
    texts = [question.reference for question in quiz.questions]
    ids = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return round(ROOM * max(len(row) for row in ids)) + 1


def results(
    quizzes: Sequence[Quiz], versions: Sequence[str], bootstrap: int, seed: int
) -> dict[str, Any]:
    """Everything that follows from the answers; empty where nothing was asked.

    `quizzes` and `versions` are oldest first. A share's interval is Wilson's over
    facts, not questions: two questions for one fact are not two facts. Those of
    forgetting are a bootstrap over facts.
    """
    asked = [quiz for quiz in quizzes if quiz.questions]
    if not asked:
        return {}
    models = [BASE, *versions]
    names = [quiz.version for quiz in asked]
    drawn = {
        name: [_drawn(quiz, name, bootstrap, seed) for quiz in asked] for name in models
    }
    scores = [drawn[name] for name in names]
    shares = {
        name: {quiz.version: _share(quiz, name) for quiz in asked} for name in models
    }
    earlier = [quiz for quiz in asked if quiz.version != versions[-1]]
    kept = {quiz.version: _kept(quiz, versions[-1]) for quiz in earlier}
    counts = {quiz.version: len(quiz.questions) for quiz in asked}
    facts = {quiz.version: _facts(quiz.questions) for quiz in asked}
    return {
        "questions": counts,
        "facts": facts,
        "recall": shares,
        "kept": kept,
        "forgetting": forgetting.summaries(scores, drawn[BASE]),
    }


def _facts(questions: Sequence[Question]) -> int:
    return len({question.fact for question in questions})


def _drawn(quiz: Quiz, name: str, bootstrap: int, seed: int) -> Array:
    """The share a model knows in each resample of the facts."""
    by_fact: dict[str, list[bool]] = {}
    for question, right in zip(quiz.questions, quiz.right(name), strict=True):
        by_fact.setdefault(question.fact, []).append(right)
    counts = intervals.resamples(len(by_fact), bootstrap, seed)
    known = [sum(hits) for hits in by_fact.values()]
    return intervals.per_token(counts, known, [len(hits) for hits in by_fact.values()])


def _share(quiz: Quiz, name: str) -> dict[str, float]:
    right = quiz.right(name)
    return intervals.wilson(sum(right) / len(right), _facts(quiz.questions))


def _kept(quiz: Quiz, now: str) -> dict[str, float]:
    """Of what the quiz's own version knew, the share the version at hand still knows;
    the share is null where nothing was known.
    """
    pairs = zip(quiz.questions, quiz.right(quiz.version), quiz.right(now), strict=True)
    known = [(question, right) for question, once, right in pairs if once]
    facts = _facts([question for question, _ in known])
    count = {"known": len(known), "facts": facts}
    if not known:
        return {**count, "still": 0}
    still = sum(right for _, right in known)
    return {**count, "still": still, **intervals.wilson(still / len(known), facts)}


def task(knowledge: dict[str, Any], version: str) -> dict[str, dict[str, float]]:
    """A version's own recall as a task beside the others, with the base's."""
    if version not in knowledge.get("recall", {}).get(BASE, {}):
        return {}
    own = knowledge["recall"][version][version]
    base = knowledge["recall"][BASE][version]["estimate"]
    rows = knowledge["questions"][version]
    rates = {"exact": own["estimate"], "low": own["low"], "high": own["high"]}
    return {"recall": {"rows": rows, **rates, "base": base}}


def headlines(knowledge: dict[str, Any], versions: Sequence[str]) -> list[str]:
    """What the version at hand knows and keeps, in a sentence each."""
    out = []
    now = versions[-1]
    for version, kept in reversed(list(knowledge.get("kept", {}).items())):
        asked = knowledge["questions"][version]
        if not kept["known"]:
            out.append(f"{version} knew none of {asked} recall questions of its own")
            continue
        out.append(
            f"{now} still knows {percent(kept)} of what {version} knew "
            f"({kept['still']} of {kept['known']} questions)"
        )
    if now in knowledge.get("questions", {}):
        own, base = (knowledge["recall"][name][now] for name in (now, BASE))
        out.append(
            f"{now} recalls {percent(own)} of its own trained facts in words that "
            f"were not trained, the base {percent(base)}"
        )
    return out


def percent(value: dict[str, float]) -> str:
    """A share with its interval: `93% [89, 96]`."""
    low, high = round(100 * value["low"]), round(100 * value["high"])
    return f"{100 * value['estimate']:.0f}% [{low}, {high}]"


def matrix_text(knowledge: dict[str, Any]) -> str:
    """K as a table: one line a model, one column a recall set."""
    sets = list(knowledge["questions"])
    width = max(16, *(len(name) + 10 for name in sets))
    lines = [
        "recall of facts of".ljust(20) + "".join(f"{name:>{width}}" for name in sets)
    ]
    for name, row in knowledge["recall"].items():
        cells = "".join(f"{percent(row[tests]):>{width}}" for tests in sets)
        lines.append(name.ljust(20) + cells)
    return "\n".join(lines)
