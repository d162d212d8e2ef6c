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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from afs_stages.core import jsonl
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.sample import RECALL, SampleKeys, TrainingSample, decode_keys
from afs_stages.dataset import near
from afs_stages.dataset.answer_facts import (
    facts_in,
    first_sentence,
    is_address,
    new_facts,
    sought,
    wanted,
)
from afs_stages.dataset.index import index

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
LONGEST = 2000
"""Characters of a question beyond which its wording is not noted: what it is about is
its text, and no recall question is as long.
"""
HEAD = 400
"""Characters of an answer among which its first sentence has to tell its fact."""
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
_DIGIT = re.compile(r"\d")
_ONE_NAME = re.compile(r"`([!.]?[A-Za-z_]\w*)`")
_ONE_ADDRESS = re.compile(r"\$(?:[0-9A-Fa-f]{2}:)?[0-9A-Fa-f]+\b")


Lines = Callable[[], Iterable[bytes]]
"""Rows as they stand on disk, as often as they are asked for."""


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
    found: list[str] = []
    for word in near.words(text):
        # `$7E:0032` is two words and one number.
        told = "number" if _is_number(word) else word
        if told != "number" or found[-1:] != ["number"]:
            found.append(told)
    return " ".join(found)


def _is_number(word: str) -> bool:
    return word[0] in "#$" or _DIGIT.search(word) is not None


class Wordings:
    """Wordings that training rows use: no recall question may have, or nearly have,
    one of them.
    """

    def __init__(self, near_duplicates: NearDuplicates) -> None:
        self.near = _by_pairs(near_duplicates)
        self.shapes: set[str] = set()

    def add(self, rows: Iterable[TrainingSample | SampleKeys]) -> None:
        """Note the wordings of rows that are trained on."""
        for row in rows:
            self.note(question(row))

    def note(self, text: str) -> None:
        """Note the wording of one question; one as long as a page is no wording."""
        if len(text) <= LONGEST:
            self.shapes.add(shape(text))

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
    trained: Lines,
    marked: Iterable[TrainingSample],
    near_duplicates: NearDuplicates,
    released: Lines = tuple,
) -> RecallSet:
    """The recall set of training rows, given as they stand on disk, in the order of its
    ids.

    Most rows are only looked at once, and briefly; wordings are taken where there is
    something to ask.

    `marked` are the rows kept aside by their source, `released` rows that may be
    rehearsed, whose wordings count as trained. A row that names its fact is not
    reworded: its source keeps a wording aside where the fact can be asked for.
    """
    out = RecallSet()
    aside = list(marked)
    facts: set[str] = set()
    candidates: list[tuple[str, str, bytes]] = []
    for line in trained():
        row = decode_keys(line)
        facts.add(row.fact)
        found = None if row.names_fact else _look_up(row) or _gap(row)
        if found is not None:
            candidates.append((*found, line))
    wordings = Wordings(near_duplicates)
    if aside or candidates:
        wordings.add(map(decode_keys, trained()))
        wordings.add(map(decode_keys, released()))
    rows = {sample.sample_id: sample for sample in _usable(aside, facts, wordings, out)}
    free = {kind: _first_free(texts, wordings) for kind, texts in WORDINGS.items()}
    for kind, subject, line in candidates:
        sample = TrainingSample.from_dict(jsonl.decode(line))
        if free[kind] and sample.messages is None:
            asked = _reworded(sample, free[kind].format(subject))
            rows[asked.sample_id] = asked
    out.rows = _unambiguous(rows, out)
    out.marked = sum(not _by_rule(sample) for sample in out.rows)
    return out


def made_from(trained: Path, near_duplicates: NearDuplicates) -> list[TrainingSample]:
    """The recall set of a release that froze none: made by rule from its training
    rows.
    """
    found = index([trained], lambda bad: None)
    rows = found.canonical()
    return gather(lambda: found.lines(rows), (), near_duplicates).rows


def _usable(
    rows: Sequence[TrainingSample],
    facts: set[str],
    wordings: Wordings,
    out: RecallSet,
) -> list[TrainingSample]:
    """Marked rows whose fact is trained on, can be scored, and whose wording is not
    used; the others are counted.
    """
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


def _reworded(sample: TrainingSample, text: str) -> TrainingSample:
    """A training row's fact, asked for in other words."""
    metadata = {
        "provenance": sample.provenance,
        "group": sample.group,
        "fact": sample.fact,
        "wording": RECALL,
        "made_by": RULE,
    }
    return TrainingSample(
        instruction=text,
        output=first_sentence(sample.output) + ".",
        domain=sample.domain,
        source=sample.source,
        quality_score=sample.quality_score,
        metadata=metadata,
    )


def _look_up(sample: SampleKeys) -> tuple[str, str] | None:
    """(what is asked for, the subject as the question writes it) of a look-up.

    The answer has to begin with the subject, so that its first sentence says where
    that lies or what that is, and nothing else:

        What lives at $7E0020?      $7E0020 (direct page) is `LampOil` (...)
        Where is `LampOil`?         `LampOil` is at $20 (direct page), ...
    """
    if sample.input or not sample.output.startswith(("`", "$")):
        return None
    fact = sought(sample.instruction, sample.output)
    if not fact:
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


def _gap(sample: SampleKeys) -> tuple[str, str] | None:
    """(kind of what is missing, the sentence with a gap) of an answer whose first
    sentence tells one fact and stands by itself.
    """
    opening = sample.output[:HEAD]
    if "`" not in opening and "$" not in opening:
        return None
    head = first_sentence(sample.output)
    words = head.split()
    if len(words) <= LEAST_WORDS or "```" in head or not facts_in(head):
        return None
    facts = new_facts(question(sample), head)
    if len(facts) != 1:
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
