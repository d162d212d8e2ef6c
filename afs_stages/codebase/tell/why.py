"""Why a line is there: asked where the comment at the line gives a reason, and told as
what the comment says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import choose
from afs_stages.codebase.read import comments
from afs_stages.codebase.tell.draft import Draft, fenced
from afs_stages.codebase.tell.faults import leans_on_its_place, leaves_open

_REASON = re.compile(
    r"(?i)\b(because|since (we|the|it|this|there)|so that|so (the|it|we|this) \w+|"
    r"to (avoid|prevent|make sure|ensure|keep|stop|allow|account for|compensate)|"
    r"in order to|prevents?|avoids?|due to|"
    r"needed (to|for|by|since))\b"
)
_DOUBT = re.compile(
    r"(?i)\?|\b(maybe|probably|i think|i guess|not sure|todo|hack|don'?t (even )?need|"
    r"no \w+ (is|was) needed)\b"
)
LEAST_WORDS = 5
MOST_LINES = 60

_QUESTIONS = (
    "Why is there `{code}` in `{name}`?",
    "What is `{code}` good for in `{name}` (`{file}`)?",
    "Can I take `{code}` out of `{name}`? What is it there for?",
    "Line {line} of `{file}` is `{code}`. For what reason?",
    "I do not see why `{name}` needs `{code}`. Does the source say?",
)


def drafts(project: Project) -> Iterator[Draft]:
    """One question for each line whose comment gives a reason."""
    for unit in project.units:
        block = unit.block
        if block.kind not in ("routine", "patch") or len(block.lines) > MOST_LINES:
            continue
        own = {said for _, said in project.notes(unit)}
        behind = {line.number: comments.strip(line.comment) for line in block.lines}
        for line, code, said in block.remarks:
            # a comment above may be about all that follows
            if said.rstrip(".") != behind.get(line, "").rstrip("."):
                continue
            if said in own and _is_reason(said) and len(code) <= 80:
                named = block.name if block.kind == "routine" else f"org {block.name}"
                yield _why(block.file, block.text, named, line, code, said)


def _is_reason(said: str) -> bool:
    """Whether a comment gives a reason, whole and without doubt."""
    return (
        comments.words(said) >= LEAST_WORDS
        and bool(_REASON.search(said))
        and not _DOUBT.search(said)
        and not leans_on_its_place(said)
        and not leaves_open(said)
    )


def _why(file: str, text: str, name: str, line: int, code: str, said: str) -> Draft:
    code = " ".join(code.split())
    chosen = choose(_QUESTIONS, f"{name} {line} {said}")
    question = chosen.format(name=name, file=file, line=line, code=code)
    answer = (
        f"The comment at that line (`{file}`, line {line}) gives the reason: “{said}”."
    )
    return Draft(
        "asm_why",
        question,
        answer,
        file,
        line,
        line,
        group=f"routine:{file}:{name.removeprefix('org ')}",
        input=fenced(text),
    )
