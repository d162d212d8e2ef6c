"""A sample before it has a source: question, answer, and where both come from."""

from __future__ import annotations

from dataclasses import dataclass

from afs_stages.codebase.read.routines import CodeSpan


@dataclass(frozen=True)
class Draft:
    """`kind` is what provenance calls it; `group` the routine,
    section or variable it is about.
    """

    kind: str
    question: str
    answer: str
    file: str
    first: int
    last: int
    group: str
    input: str = ""
    fault: str = ""
    """Why it is left out, "" where it is not."""
    fact: str = ""
    """The id of the one fact it teaches, "" where it teaches more or none."""
    wording: str = ""
    """Which wording of that fact it is."""
    before: tuple[str, str] = ("", "")
    """What was asked and answered before, where it is the second turn of a dialogue."""


def about(
    block: CodeSpan, kind: str, question: str, answer: str, code: str = ""
) -> Draft:
    """A draft about a routine, with code as its input where there is some."""
    place = (block.file, block.first, block.last)
    group = f"routine:{block.file}:{block.name}"
    shown = fenced(code) if code else ""
    return Draft(kind, question, answer, *place, group=group, input=shown)


def fenced(code: str, language: str = "asm") -> str:
    """Code in a fence that nothing inside can close."""
    mark = "````" if "```" in code else "```"
    return f"{mark}{language}\n{code}\n{mark}"
