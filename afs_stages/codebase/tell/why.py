"""Why a line is there: asked where the comment at the line gives a reason, and told as
what the comment says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.asm.lexer import Line
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import choose
from afs_stages.codebase.read import comments
from afs_stages.codebase.tell.draft import Draft, fenced
from afs_stages.codebase.tell.faults import leans_on_its_place, leaves_open

_REASON = re.compile(
    r"(?i)\b(because|since (we|the|it|this|there)|so that|so (the|it|we|this) \w+|"
    r"to (avoid|prevent|make sure|ensure|stop|account for|compensate)|"
    r"in order to|prevents?|avoids?|due to)\b"
)
_DOUBT = re.compile(
    r"(?i)\?|^(otherwise|else|bug)\b|^\W|\b(maybe|probably|i think|i guess|not sure|"
    r"todo|hack|don'?t (even )?need|no \w+ (is|was) needed)\b"
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
        for line, code, said in block.remarks:
            if not _of_one_line(block.lines, line - block.first):
                continue
            if said in own and _is_reason(said) and len(code) <= 80:
                named = block.name if block.kind == "routine" else f"org {block.name}"
                yield _why(block.file, block.bare, named, line, code, said)


def _of_one_line(lines: tuple[Line, ...], at: int) -> bool:
    """Whether what is said at a line is whole and about it alone: it stands behind the
    code and neither goes on with the comment before nor in the next, or above a line
    that no other code follows directly.
    """
    if comments.drawn(lines[at].comment):
        return False  # a bracket's words are about all lines beside it
    before = lines[at - 1] if at > 0 else None
    after = lines[at + 1] if at + 1 < len(lines) else None
    if before is not None and before.comment and not before.code:
        alone = after is None or not after.code.strip("{} ")
        return alone and not lines[at].comment
    said = comments.strip(lines[at].comment)
    goes_on = before is not None and before.comment and not said[:1].isupper()
    following = comments.strip(after.comment) if after is not None else ""
    gone_on = bool(following) and not following[:1].isupper()
    cut_off = comments.is_join(said.rsplit(" ", 1)[-1])
    return not goes_on and not gone_on and not cut_off


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
