"""The steps of a routine as sentences, with the remarks of its author."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise, takewhile

from afs_stages.asm.lexer import lex
from afs_stages.asm.operand import read_operand
from afs_stages.codebase.facts.actions import Action, LineActions
from afs_stages.codebase.facts.flow import tricks, walk
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import listing
from afs_stages.codebase.tell.name_lookup import NameLookup
from afs_stages.codebase.tell.remarks import moved, remarks_of, with_remarks

MAX_ACTS = 5
"""Acts one step tells at most."""
_TURNS = (
    "goes to",
    "goes on",
    "goes back",
    "skips",
    "skips ahead",
    "jumps",
    "returns",
)
_SWITCHES = frozenset(("rep", "sep"))
_CONDITION = re.compile(r"(?i)\b(if|unless|when|until|while)\b")
_PLACE = re.compile(r"`(\$[0-9A-F]{2,6})(,[XY])?`")
_RETURN = (Action("returns", ""),)
_EACH_TIME = ("counts", "pulls", "pushes", "calls", "runs", "shifts")
"""Acts that are another one each time they are done."""
_TIMES = {1: "", 2: " twice"}


def steps_of(project: Project, words: NameLookup, unit: Unit) -> list[LineActions]:
    """What a routine does, line by line, without the return at its end."""
    lines, name = unit.block.lines[1:], unit.block.name
    read = partial(walk, lines, words.naming, name, words.entered, project.untouched)
    steps = list(read())
    pulls = any(act.verb == "pulls" for step in steps for act in step.acts)
    switches = [s for line in lines for s in line.statements if s.word in _SWITCHES]
    if pulls or tricks(lines) or len(switches) > 1:
        # a pull says nothing without the push it belongs to, and of several switches
        # the end tells the first alone
        steps = list(read(stack=True))
    if steps and (steps[-1].acts, steps[-1].label) == (_RETURN, ""):
        del steps[-1]
    return steps


def told_steps(
    project: Project, words: NameLookup, unit: Unit, steps: list[LineActions]
) -> list[str]:
    """The steps of a routine as sentences."""
    rows: list[str] = []
    acts: list[Action] = []
    lead = ""
    version = ""
    remarks = moved(steps, remarks_of(project, unit))
    told = with_remarks(steps, remarks)
    last = {step.line: at for at, step in enumerate(told)}
    for at, step in enumerate(told):
        # of a line with a label in its middle the remark is about the end
        remark = remarks.get(step.line) if last[step.line] == at else None
        full = len(acts) >= MAX_ACTS and not _goes_on(acts, step)
        if acts and (remark or step.label or step.version != version or full):
            # a remark, a label or another version begins a row of its own
            rows.append(_row(lead, "", acts))
            acts = []
        version = step.version
        lead = lead if acts else _lead_of(step)
        acts += [_followed(words, unit, act) for act in step.acts]
        turns = any(act.verb in _TURNS for act in step.acts)
        if remark or turns:
            code, said = remark or ("", "")
            rows.append(_row(lead, said, acts, code))
            acts = []
    rows += [_row(lead, "", acts)] if acts else []
    return with_names(words, unit, rows)


def _goes_on(acts: list[Action], step: LineActions) -> bool:
    """Whether a step does once more what the last of the acts before it did."""
    first = step.acts[0] if step.acts else None
    return first is not None and (
        _ends_alike(acts[-1], first) or _same_call(acts[-1], first)
    )


def _lead_of(step: LineActions) -> str:
    """Where a step stands: the version of the assembler's choice, the label."""
    version = f"Assembled only if {step.version}" if step.version else ""
    label = f"at `{step.label}`" if step.label else ""
    lead = ", ".join(filter(None, (version, label)))
    return f"{lead[:1].upper()}{lead[1:]}: " if lead else ""


def _followed(words: NameLookup, unit: Unit, act: Action) -> Action:
    """An act that chooses the next entry of the routine's own jump table says which."""
    name, chosen = unit.block.name, ""
    if act.verb == "sets":
        chosen = words.next_of(name, act.place, act.value)
    elif act.verb == "runs":
        (line,) = lex((act.what.strip("`"),))
        inside = words.project.expand(line.statements[0]) or []
        for load, store in pairwise(inside):
            if load.word[:3] == "lda" and store.word[:3] == "sta":
                place, value = read_operand(store.rest).name, load.rest.lstrip("#")
                chosen = words.next_of(name, place, value)
                break
    return (
        Action(act.verb, act.what, f"{act.tail} (so `{chosen}` is next)")
        if chosen
        else act
    )


def _row(lead: str, said: str, acts: list[Action], code: str = "") -> str:
    text = ", ".join(_merged(acts)) if acts else f"`{code}`"
    if " if " in text and _CONDITION.search(said):
        said = ""  # told beside the code's own condition it may say the opposite
    said = said[:1].upper() + said[1:].rstrip(". :")
    text = f"{said}: {text}" if said else text[:1].upper() + text[1:]
    return f"{lead}{text if not lead or said else text[:1].lower() + text[1:]}."


def _merged(acts: list[Action]) -> Iterator[str]:
    """Neighbouring acts of one verb said once: clears a, b and c."""
    while acts:
        first = acts[0]
        alike = list(takewhile(partial(_ends_alike, first), acts))
        calls = list(takewhile(partial(_same_call, first), acts))
        if len(calls) > len(alike):
            given = (act.tail.strip() or "without constants" for act in calls)
            tails = "; ".join(dict.fromkeys(given))
            yield f"calls {first.what} {len(calls)} times ({tails})"
            acts = acts[len(calls) :]
            continue
        counted = first.verb.startswith(_EACH_TIME)
        if counted and len({act.what for act in alike}) < len(alike):
            # what is done again is told in its order: A, B, A and not A twice and B
            alike = list(takewhile(partial(_same, first), alike))
        many = Counter(act.what for act in alike)
        # "a and b twice" would say it of both: each number is told for itself
        for times in dict.fromkeys(many.values()) if counted else (1,):
            whats = [what for what, n in many.items() if not counted or n == times]
            often = _TIMES.get(times, f" {times} times")
            yield f"{first.verb} {listing(whats, 8)}{often}{first.tail}".strip()
        acts = acts[len(alike) :]


def _same(first: Action, act: Action) -> bool:
    """Whether an act is the first of a row once more."""
    return act == first


def _ends_alike(first: Action, act: Action) -> bool:
    """Whether an act differs from the first of a row in its object alone."""
    return (act.verb, act.tail) == (first.verb, first.tail)


def _same_call(first: Action, act: Action) -> bool:
    """Whether an act calls what the first of a row calls."""
    return (act.verb, act.what) == ("calls", first.what)


def with_names(words: NameLookup, unit: Unit, rows: list[str]) -> list[str]:
    """Each bare address of a routine's steps with its name behind it, once.

    An index on a number below $100 may lead anywhere, so such an operand has no name.
    """
    page = words.project.direct_page.is_zero(unit.block.name)
    met: set[str] = set()

    def name(match: re.Match[str]) -> str:
        place, index = match.group(1), match.group(2) or ""
        number = int(place[1:], 16)
        anywhere = number < 0x100 and bool(index)
        unnamed = anywhere or (len(place) <= 3 and not page)
        known = "" if unnamed or match.group() in met else words.name_of(number)
        met.add(match.group())
        return f"{match.group()} ({known}{index})" if known else match.group()

    return [_PLACE.sub(name, row) for row in rows]
