"""Situations through the exporters, and what came out beside what is right.

Samples are paired: an expected one that was found is right; one whose request was found
with something else about it is wrong; one that was not found is lost; a found one that
nothing asks for is extra. A situation is right when all its samples are and nothing is
extra; wrong when a sample is, when some are lost and others extra, or when the order is
another one.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from afs_stages.sources.export import run
from afs_stages.sources.plugins import parse_options, source_class
from benchmarks.evidence.conversations.inputs import Situation

VERDICTS = ("right", "lost", "extra", "wrong")
Row = dict[str, Any]


@dataclass
class Verdict:
    """What became of one situation."""

    index: int
    tool: str
    name: str
    held_out: bool
    verdict: str = "wrong"
    expected: int = 0
    found: int = 0
    right: int = 0
    lost: int = 0
    extra: int = 0
    wrong: int = 0
    reasons: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> Row:
        """The verdict as JSON."""
        return asdict(self)


def judge(situation: Situation, output: Path) -> Verdict:
    """Export one situation with the tool's default options and compare."""
    expected = situation.expected
    verdict = Verdict(
        expected["index"], expected["tool"], expected["name"], situation.held_out
    )
    try:
        rows, verdict.dropped = _export(expected["tool"], situation.home, output)
    except Exception as error:  # noqa: BLE001 - a crash is a result
        verdict.expected = verdict.lost = len(expected["samples"])
        verdict.reasons = [f"the exporter crashed: {type(error).__name__}: {error}"]
        return verdict
    answers = [expected["samples"], *expected.get("also_right", [])]
    compared = [compare(answer, rows, expected["unordered"]) for answer in answers]
    best = min(compared, key=lambda one: (one.verdict != "right", one.faults))
    for key, value in asdict(best).items():
        setattr(verdict, key, value)
    return verdict


def _export(tool: str, home: Path, output: Path) -> tuple[list[Row], dict[str, int]]:
    cls = source_class(tool)
    generator = cls(tool, "", [home], parse_options(cls, {}, tool, "default options"))
    with contextlib.redirect_stderr(io.StringIO()):
        report = run(generator, output)
    rows = [json.loads(line) for line in output.read_text("utf-8").split("\n") if line]
    return rows, {**report.dropped, **report.rejected}


@dataclass
class Comparison:
    """Samples found beside one list of expected ones."""

    expected: int
    found: int
    right: int = 0
    lost: int = 0
    extra: int = 0
    wrong: int = 0
    reasons: list[str] = field(default_factory=list)
    verdict: str = ""

    @property
    def faults(self) -> int:
        """Samples that are not as they should be."""
        return self.lost + self.extra + self.wrong


def compare(expected: list[Row], rows: list[Row], unordered: bool) -> Comparison:
    """Pair the samples found with those expected."""
    result = Comparison(len(expected), len(rows))
    left = dict(enumerate(rows))
    pairs: dict[int, int] = {}
    for at, sample in enumerate(expected):
        match = next((n for n, row in left.items() if not faults(sample, row)), None)
        if match is not None:
            pairs[at] = match
            del left[match]
    result.right = len(pairs)
    for at, sample in enumerate(expected):
        if at in pairs:
            continue
        near = next((n for n, row in left.items() if _is_near(sample, row)), None)
        if near is None:
            result.lost += 1
            result.reasons.append(f"lost: {_short(_names(sample))}")
        else:
            result.wrong += 1
            result.reasons += [
                f"sample {at + 1}: {w}" for w in faults(sample, left[near])
            ]
            del left[near]
    result.extra = len(left)
    result.reasons += [
        f"extra: {_short(row['instruction'])} -> {_short(row['output'])}"
        for row in left.values()
    ]
    order = [pairs[at] for at in sorted(pairs)]
    if order != sorted(order) and not unordered:
        result.reasons.append("the samples are in another order")
    result.verdict = _verdict(result)
    return result


def _verdict(result: Comparison) -> str:
    if not result.reasons:
        return "right"
    kinds = [kind for kind in ("lost", "extra", "wrong") if getattr(result, kind)]
    return kinds[0] if len(kinds) == 1 else "wrong"


def faults(sample: Row, row: Row) -> list[str]:
    """What is wrong with a row, in words; nothing where it is the sample."""
    return [
        *_request_faults(sample, row),
        *_answer_faults(sample, row),
        *_context_faults(sample, row),
    ]


def _request_faults(sample: Row, row: Row) -> Iterator[str]:
    request, start = row["instruction"], 0
    for text in sample.get("request_contains", ()):
        at = request.find(text, start)
        if at < 0:
            lacks = "has in another order" if text in request else "lacks"
            yield f"the request {lacks} {_short(text)}; it is {_short(request)}"
            break
        start = at + len(text)
    asked = [m for m in row.get("messages") or [] if m["role"] == "user"]
    last = str(asked[-1].get("content") or "") if asked else ""
    for text in sample.get("request_excludes", ()):
        if text in request or text in last:
            yield f"the request holds {_short(text)}"


def _answer_faults(sample: Row, row: Row) -> Iterator[str]:
    answer = row["output"].strip()
    if sample.get("answer") is not None and answer != sample["answer"].strip():
        yield f"the answer differs {_difference(sample['answer'].strip(), answer)}"
    for text in sample.get("answer_contains", ()):
        if text not in answer:
            yield f"the answer lacks {_short(text)}; it is {_short(answer)}"
    for text in sample.get("answer_excludes", []):
        if text in answer:
            yield f"the answer holds {_short(text)}"
    messages = row.get("messages")
    if messages and str(messages[-1].get("content") or "").strip() != answer:
        yield "the last message is not the answer"


def _context_faults(sample: Row, row: Row) -> Iterator[str]:
    before = [row["instruction"], row.get("input"), (row.get("messages") or [])[:-1]]
    context = "\n".join(strings(before))
    for text in sample.get("context_contains", []):
        if text not in context:
            yield f"nothing before the answer holds {_short(text)}"


def strings(value: Any) -> Iterator[str]:
    """Every string inside a JSON value, keys too; JSON inside a string is read."""
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            with contextlib.suppress(ValueError):
                yield from strings(json.loads(value))
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)


def _is_near(sample: Row, row: Row) -> bool:
    """Whether a row is of the same turn: its request or its answer is there."""
    asked = sample.get("request_contains", ())
    same_request = bool(asked) and all(text in row["instruction"] for text in asked)
    same_answer = sample.get("answer") is not None and row["output"] == sample["answer"]
    return same_request or same_answer


def _names(sample: Row) -> str:
    return " … ".join(sample.get("request_contains", ())) or str(sample.get("answer"))


def _short(text: str, length: int = 70) -> str:
    return repr(text if len(text) <= length else text[: length - 1] + "…")


def _difference(right: str, found: str) -> str:
    pairs = enumerate(zip(right, found, strict=False))
    at = next((n for n, (a, b) in pairs if a != b), min(len(right), len(found)))
    start = max(0, at - 10)
    return (
        f"at character {at}: expected {_short(right[start:])}, "
        f"found {_short(found[start:])}"
    )
