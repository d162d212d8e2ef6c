"""Recall: questions for facts that are trained on, in wordings that are not.

A test set of facts nobody trained cannot show what is still known. A recall question
asks for a fact of a training row, in other words than any training row uses:

    trained   Where is `LampOil` in memory, and what is it for?
              `LampOil` is at $7E0F20 (WRAM), defined in `Core/ram.asm`. ...
    asked     Name the address of `LampOil`.
    right     an answer whose first address is $7E0F20

Two sources of such questions: rows that their source marks as the wording to be kept
aside (`_metadata.wording: recall`), and look-ups among the training rows, reworded by
rule. A row's fact is the one that `_metadata.fact` names, else the row itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from afs_stages.core import jsonl
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.sample import RECALL, SampleKeys, TrainingSample
from afs_stages.dataset import near
from afs_stages.dataset.answer_facts import (
    facts_in,
    first_sentence,
    is_address,
    new_facts,
    sought,
    wanted,
)

WORDINGS = {
    "address": (
        "Name the address of `{}`.",
        "Give just the location that the source assigns to `{}`.",
        "`{}`: tell its address in a single line.",
    ),
    "value": (
        "Name the value of `{}`.",
        "Give just the number that the source assigns to `{}`.",
        "`{}`: tell its value in a single line.",
    ),
    "name": (
        "Name the variable at {}.",
        "Give just the symbol that the source assigns to {}.",
        "{}: tell its symbol in a single line.",
    ),
    "gap_address": (
        "Fill the gap with the missing number: “{}”",
        "One number is left out here, say which: “{}”",
        "Complete this sentence by its number: “{}”",
    ),
    "gap_name": (
        "Fill the gap with the missing name: “{}”",
        "One name is left out here, say which: “{}”",
        "Complete this sentence by its name: “{}”",
    ),
}
"""What is asked for -> wordings; the first that no training row uses is taken."""
GAP = "…"
LEAST_WORDS = 6
"""Words that a sentence needs beside its gap, so that they tell what is asked for."""
_LEANING = frozenset(
    [
        "a",
        "it",
        "its",
        "they",
        "them",
        "this",
        "that",
        "these",
        "those",
        "there",
        "here",
        "he",
        "she",
        "we",
        "you",
        "i",
        "yes",
        "no",
        "in",
        "so",
        "then",
        "also",
        "both",
        "neither",
        "each",
        "such",
        "same",
    ]
)
"""First words of sentences that lean on what was said before."""

_CODE = re.compile(r"```.*?(?:```|\Z)", re.S)
_QUOTED = re.compile(r"“[^”]*”")
_BACKTICKS = re.compile(r"`[^`\n]+`")
_NUMBER = re.compile(
    r"(?:[#$%+-]|\b0x)*(?:[0-9A-Fa-f]{2}:)?\b[0-9A-Fa-f]*\d[0-9A-Fa-f]*\b"
)
_ONE_NAME = re.compile(r"`([!.]?[A-Za-z_]\w*)`")
_ONE_ADDRESS = re.compile(r"\$(?:[0-9A-Fa-f]{2}:)?[0-9A-Fa-f]+\b")


def question(sample: TrainingSample | SampleKeys) -> str:
    """What a sample asks: its request and the input it is about."""
    return (
        f"{sample.instruction}\n{sample.input}" if sample.input else sample.instruction
    )


def shape(text: str) -> str:
    """The wording of a question: its words without names, numbers, quotes and code.

    `Where is `A` ($12)?` and `Where is `B` ($34)?` have one shape.
    """
    text = _CODE.sub(" code ", text)
    text = _QUOTED.sub(" quoted ", text)
    text = _BACKTICKS.sub(" name ", text)
    text = _NUMBER.sub(" number ", text)
    return " ".join(near.words(text))


class Wordings:
    """Wordings that training rows use: no recall question may have, or nearly have,
    one of them.
    """

    def __init__(self, near_duplicates: NearDuplicates) -> None:
        self.near = _by_pairs(near_duplicates)
        self.shapes: set[str] = set()

    def add(self, samples: Iterable[TrainingSample]) -> None:
        """Note the wordings of rows that are trained on."""
        self.shapes.update(shape(question(sample)) for sample in samples)

    def used(self, questions: Iterable[str]) -> set[str]:
        """Those shapes of questions that are, or nearly are, a trained one."""
        asked = sorted({shape(text) for text in questions})
        found = self.shapes & set(asked)
        # A text can only be near one of about its length.
        longest = max((len(text.split()) for text in asked), default=0)
        limit = longest / self.near.threshold + self.near.shingle
        trained = sorted(text for text in self.shapes if len(text.split()) <= limit)
        if asked and trained:
            pairs = near.pairs_across(asked, trained, self.near)
            found |= {asked[i] for i, _ in pairs}
        return found


def near_questions(
    rows: Iterable[TrainingSample | SampleKeys],
    asked: Sequence[str],
    near_duplicates: NearDuplicates,
) -> Iterator[int]:
    """Places of the rows that ask for what one of the questions asks for, in nearly its
    words: with the same names and numbers, and a shape that is near.
    """
    params = _by_pairs(near_duplicates)
    shapes: dict[frozenset[str], list[str]] = {}
    for text in asked:
        shapes.setdefault(frozenset(facts_in(text)), []).append(shape(text))
    for at, row in enumerate(rows):
        text = question(row)
        known = shapes.get(frozenset(facts_in(text)), [])
        own = shape(text) if known else ""
        if any(near.similar(own, one, params) >= params.threshold for one in known):
            yield at


def _by_pairs(params: NearDuplicates) -> NearDuplicates:
    """Questions are short: pairs of words tell near ones, longer runs only equal
    ones.
    """
    return params.model_copy(update={"shingle": 2})


@dataclass
class RecallSet:
    """Recall questions, and how many were left out by reason."""

    rows: list[TrainingSample] = field(default_factory=list)
    marked: int = 0
    """How many of the rows their source had marked."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Marked rows left out."""


def gather(
    trained: Path,
    marked: Iterable[TrainingSample],
    wordings: Wordings,
) -> RecallSet:
    """The recall set of a file of training rows, in the order of their ids.

    `marked` are the rows kept aside by their source, `wordings` those of all training
    rows there are or were. A row that names its fact is not reworded: its source keeps
    a wording aside where the fact can be asked for.
    """
    out = RecallSet()
    facts = {sample.fact for sample in _read(trained)}
    kept = _usable(marked, facts, wordings, out)
    free = {kind: _first_free(texts, wordings) for kind, texts in WORDINGS.items()}
    made = {}
    for sample in _read(trained):
        asked = None if sample.metadata.get("fact") else reworded(sample, free)
        if asked is not None:
            made[asked.sample_id] = asked
    rows = {sample.sample_id: sample for sample in kept} | made
    out.rows = _unambiguous(rows, out)
    out.marked = sum(not _by_rule(sample) for sample in out.rows)
    return out


def made_from(trained: Path, near_duplicates: NearDuplicates) -> list[TrainingSample]:
    """The recall set of a release that froze none: made by rule from its training
    rows.
    """
    wordings = Wordings(near_duplicates)
    wordings.add(_read(trained))
    return gather(trained, (), wordings).rows


def _read(path: Path) -> Iterator[TrainingSample]:
    """Rows as they stand; unreadable ones are counted where the file is used."""
    return jsonl.read_samples(path, lambda bad: None)


def _usable(
    marked: Iterable[TrainingSample],
    facts: set[str],
    wordings: Wordings,
    out: RecallSet,
) -> list[TrainingSample]:
    """Marked rows whose fact is trained on, can be scored, and whose wording is not
    used; the others are counted.
    """
    rows = list(marked)
    used = wordings.used(question(sample) for sample in rows)
    kept = []
    for sample in rows:
        if sample.fact not in facts:
            out.dropped["recall_fact_not_trained"] += 1
        elif not wanted(question(sample), sample.output):
            out.dropped["recall_without_fact"] += 1
        elif shape(question(sample)) in used:
            out.dropped["recall_wording_trained"] += 1
        else:
            kept.append(sample)
    return kept


def _first_free(texts: tuple[str, ...], wordings: Wordings) -> str:
    """The first wording that no training row uses; "" where all are used."""
    filled = [text.format("$12" if "`" not in text else "x") for text in texts]
    used = wordings.used(filled)
    free = (
        text
        for text, example in zip(texts, filled, strict=True)
        if shape(example) not in used
    )
    return next(free, "")


def _by_rule(sample: TrainingSample) -> bool:
    return sample.metadata.get("made_by") == RULE


def _unambiguous(
    rows: dict[str, TrainingSample], out: RecallSet
) -> list[TrainingSample]:
    """The rows by id, without questions that have two answers, and each question
    once.
    """
    answers: dict[str, set[tuple[str, ...]]] = {}
    for sample in rows.values():
        asked = question(sample)
        answers.setdefault(asked, set()).add(wanted(asked, sample.output))
    kept = []
    seen: set[str] = set()
    for _, sample in sorted(rows.items()):
        asked = question(sample)
        is_marked = not _by_rule(sample)
        if len(answers[asked]) > 1 and is_marked:
            out.dropped["recall_ambiguous"] += 1
        elif len(answers[asked]) == 1 and asked not in seen:
            seen.add(asked)
            kept.append(sample)
        elif is_marked:
            out.dropped["recall_repeated"] += 1
    return kept


RULE = "rule"
"""`_metadata.made_by` of a recall question that is a reworded training row."""


def reworded(sample: TrainingSample, free: dict[str, str]) -> TrainingSample | None:
    """A training row's fact asked in other words; None where the rule finds none.

    `free` holds for each kind of `WORDINGS` the wording to use, "" for none.
    """
    if sample.messages is not None:
        return None
    kind, subject = _look_up(sample) or _gap(sample) or ("", "")
    if not kind or not free[kind]:
        return None
    metadata = {
        "provenance": sample.provenance,
        "group": sample.group,
        "fact": sample.fact,
        "wording": RECALL,
        "made_by": RULE,
    }
    return TrainingSample(
        instruction=free[kind].format(subject),
        output=first_sentence(sample.output) + ".",
        domain=sample.domain,
        source=sample.source,
        quality_score=sample.quality_score,
        metadata=metadata,
    )


def _look_up(sample: TrainingSample) -> tuple[str, str] | None:
    """(what is asked for, the subject as the question writes it) of a look-up.

    The answer has to begin with the subject, so that its first sentence says where
    that lies or what that is, and nothing else:

        What lives at $7E0020?      $7E0020 (direct page) is `LampOil` (...)
        Where is `LampOil`?         `LampOil` is at $20 (direct page), ...
    """
    fact = sought(sample.instruction, sample.output)
    if not fact or sample.input:
        return None
    pattern = _ONE_NAME if is_address(fact) else _ONE_ADDRESS
    subjects = {match.group() for match in pattern.finditer(sample.instruction)}
    if len(subjects) != 1:
        return None
    subject = subjects.pop()
    if not sample.output.startswith(subject):
        return None
    if not is_address(fact):
        return "name", subject
    return ("value" if "!" in subject else "address"), subject.strip("`")


def _gap(sample: TrainingSample) -> tuple[str, str] | None:
    """(kind of what is missing, the sentence with a gap) of an answer whose first
    sentence tells one fact and stands by itself.
    """
    head = first_sentence(sample.output)
    facts = new_facts(question(sample), head)
    words = head.split()
    if len(facts) != 1 or len(words) <= LEAST_WORDS or "```" in head:
        return None
    if re.sub(r"\W", "", words[0]).lower() in _LEANING:
        return None
    fact = facts[0]
    pattern = _ONE_ADDRESS if is_address(fact) else _ONE_NAME
    # The fact must stand once, and as the pattern sees it, to leave one gap.
    places = [
        m for m in pattern.finditer(head) if new_facts(question(sample), m.group())
    ]
    if len(places) != 1:
        return None
    begin, end = places[0].span()
    if not begin:
        # What the sentence is about is missing itself.
        return None
    kind = "gap_address" if is_address(fact) else "gap_name"
    return kind, f"{head[:begin]}{GAP}{head[end:]}"
