"""The explanation of a routine: what it is for, what it does step by step, its data,
its calls, how it is reached.
"""

from __future__ import annotations

import re

from afs_stages.asm.hardware import LOW_BYTE, register_meaning
from afs_stages.asm.places import canonical, region
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.mentions import READ, TESTED
from afs_stages.codebase.facts.project import NO_TASK, Project, Unit
from afs_stages.codebase.facts.questions import address, listing, only_if, quoted
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.call_context import calls, ending, reached
from afs_stages.codebase.tell.memory_map import is_denied, meaning
from afs_stages.codebase.tell.name_lookup import NameLookup
from afs_stages.codebase.tell.remarks import opening
from afs_stages.codebase.tell.steps import with_names

MAX_STEPS = 30
"""Steps an explanation lists at most."""
EVERYWHERE = 24
"""Routines that read a variable; one that more of them read explains none."""
_CONTRACT = re.compile(
    r"(?i)(contract|inputs?|outputs?|entry|exit|params?|args?|arguments?|returns?|[axy]|\$[0-9a-f]{2,6})\s*[-:=]"
    r"|(uses|sets?) (\$[0-9a-f]{2}|[axy]\b)|(clc|sec) if\b|[axy] (contains|holds)\b"
    r"|takes [axy]\b"
)
_SMALL = re.compile(r"[a-z]{1,3}|from|with|[^a-z]*|[A-Z0-9$(].*")
_MARK = re.compile(r"^\$?(?:[0-9A-F]{6}|[89A-F][0-9A-F]{3})\b[.: -]*")
"""The address of a routine in front of its header: of no variable, which lie lower."""
_LEGEND = re.compile(r"(?m)^\s*(?:[a-z] - |[A-Z0-9]{2}: )")
_TITLE_OF_A_PART = re.compile(
    r"(?i)\b(propert|constant|variable|equate|table|include|define|ram|hook)"
)
_IDLE = re.compile(r"(?i)^[\w.]{4} [\w.]{4}\.?$|\bmisc(ellaneous)?\b|\banything\b")
"""Meanings that tell a routine's reader nothing: legends of bits,
cells anybody may use.
"""
_VALUE = re.compile(r"(?i)(0x|\$)?[0-9a-f]{1,2}( -|:| ?=) ?\S")
LEGEND = 260
"""Characters a legend of values may have in a list of variables."""
_WAYS = {
    CALLED: "is called by",
    GONE_TO: "is gone to from",
    LISTED: "is listed in",
}


def explain(project: Project, words: NameLookup, unit: Unit, steps: list[str]) -> str:
    """The explanation of a routine, whose steps are known, in paragraphs."""
    parts = [
        _lead(project, words, unit)
        if unit.block.header
        else with_names(words, unit, [_lead(project, words, unit)])[0]
    ]
    if steps:
        parts.append("Steps:\n" + "\n".join(f"- {step}" for step in steps[:MAX_STEPS]))
        if len(steps) > MAX_STEPS:
            parts[-1] += (
                f"\n- and {len(steps) - MAX_STEPS} more steps, to be read in the code."
            )
    parts += [
        _entries(words, unit),
        _data(project, words, unit),
        calls(project, unit),
        ending(project, unit, bool(steps)),
    ]
    role = unit.block.name in words.roles
    in_lead = _leads_with_callers(project, words, unit)
    reachers = reached(project, unit, role, in_lead)
    return "\n\n".join(filter(None, [*parts, reachers]))


def ground(project: Project, words: NameLookup, unit: Unit) -> int:
    """How much there is to say of a routine: comments, known variables, calls, its
    role, its shape.
    """
    header = 4 if comments.words(unit.block.header) >= 4 else 0
    known = len(variables(words, unit)) + sum(
        bool(register_meaning(value)) for value in _registers(words, unit)
    )
    targets = [
        target
        for _, name in unit.contract.calls
        if (target := project.find(name)) is not None
    ]
    told = sum(bool(target.summary) for target in targets)
    named = min(len(targets) // 2, 2)
    shape = int(bool(project.callers.get(unit.block.name)))
    shape += unit.contract.instructions >= 10 and _named_branches(unit) >= 2
    role = 2 * (
        unit.block.name in words.roles or unit.block.name in words.owned
    ) + 2 * bool(project.hooks.get(unit.block.name))
    return (
        header
        + min(2 * len(project.notes(unit)), 6)
        + min(known, 4)
        + max(told, named)
        + role
        + shape
    )


def _named_branches(unit: Unit) -> int:
    """How many places inside a routine have a name:
    what its author tells of its shape.
    """
    labels = (
        label
        for line in unit.block.lines
        for statement in line.statements
        for label in statement.labels
    )
    return sum(label.startswith(".") and len(label) > 4 for label in labels)


def purpose(project: Project, unit: Unit) -> str:
    """What a routine is for: what its header says (no legend, shout or lone word), or
    what part of a sprite it is.
    """
    header = unit.block.header
    idle = (
        _says_no_task(header) or _CONTRACT.match(header) or comments.words(header) < 4
    )
    return _part(project, unit) if idle else header


def _says_no_task(header: str) -> bool:
    """Whether a header is a legend, a shout or the title of what follows, and no
    sentence about the routine.
    """
    lines = header.split("\n")
    titled = len(lines) == 1 and all(_SMALL.fullmatch(word) for word in header.split())
    return bool(
        header.isupper()
        or titled
        or len(_LEGEND.findall(header)) >= 4
        or NO_TASK.match(header)
    )


def _lead(project: Project, words: NameLookup, unit: Unit) -> str:
    block = unit.block
    place = words.place(block.name)
    lead = (
        f"`{block.name}` (`{block.file}`, "
        f"line {block.first}{f', at {place}' if place else ''})"
        f"{only_if(block.condition)}"
    )
    header = _header(unit)
    if header and _CONTRACT.match(header):
        return f"{lead} {_doing(project, unit)}\n\nOn entry and exit: {header}"
    said = [f"{lead}: {header}"] if header else []
    role = words.roles.get(block.name)
    if role is not None:
        said.append(f"{'It' if said else lead} is {role}.")
    if not said:
        said.append(f"{lead} {_doing(project, unit)}")
    title = project.file_titles.get(block.file, "").rstrip(".")
    short = comments.words(title) <= 5 and not _TITLE_OF_A_PART.search(title)
    if title and not header and short and title not in " ".join(said):
        said.append(f"The file is titled “{title}”.")
    return " ".join(said)


def _header(unit: Unit) -> str:
    """What the header of a routine, or its opening remark, says of its task."""
    block = unit.block
    told = comments.words(block.header) >= 3
    header = comments.sentence(_MARK.sub("", block.header)) if told else ""
    header = re.sub(r"(?<=\S) {2,}", " ", header)
    title, _, below = header.partition("\n")
    header = "" if _says_no_task(header) else comments.capital(header)
    own = below if title.strip(" .:()") == block.name and below else header
    remark = opening(unit)[1]
    return own if remark in own else f"{own} {remark}".strip()


def _leads_with_callers(project: Project, words: NameLookup, unit: Unit) -> bool:
    """Whether the lead says by whom a routine is reached, all of them and how."""
    header = _header(unit)
    served = bool(_CONTRACT.match(header)) if header else True
    role = unit.block.name in words.roles and not header
    callers = _callers(project, unit)
    ways = [how for how in _WAYS if project.reached_from(unit.block.name, how)]
    return served and not role and 0 < len(callers) <= 3 and len(ways) == 1


def _doing(project: Project, unit: Unit) -> str:
    """A routine nothing is said of, by whom it serves and what it changes."""
    callers = _callers(project, unit)
    if callers:
        return f"{_served(project, unit, callers)}."
    part = _part(project, unit)
    if part:
        return part
    hooks = project.hooks.get(unit.block.name, [])
    if hooks:
        return (
            f"is what the patch at {hooks[0].name} (`{hooks[0].file}`) puts in the "
            "place of the game's own code."
        )
    if unit.contract.writes:
        written = [operand.text for operand in unit.contract.writes]
        return f"updates {quoted(written, 4)}."
    calls = [f"`{name}`" for how, name in unit.contract.calls if how in ("jsr", "jsl")]
    return (
        f"calls {listing(calls, 4)}."
        if calls
        else f"is a routine of {unit.contract.instructions} instructions."
    )


def _served(project: Project, unit: Unit, callers: list[str]) -> str:
    """By whom a routine is reached and how; what its only caller is for."""
    found = _only(project, callers)
    of = (
        f" ({found.summary.rstrip('.')})" if found is not None and found.summary else ""
    )
    name = unit.block.name
    ways = [how for how in _WAYS if project.reached_from(name, how)]
    way = _WAYS[ways[0]] if len(ways) == 1 else "is reached from"
    return f"{way} {quoted(callers, 3)}{of}"


def serves_known(project: Project, unit: Unit) -> bool:
    """Whether the one caller of a routine is known by a sentence:
    whom it serves tells what it is for.
    """
    found = _only(project, _callers(project, unit))
    return bool(found is not None and found.summary)


def _callers(project: Project, unit: Unit) -> list[str]:
    """The routines that call a routine, itself left out."""
    own = unit.block.name
    return [name for name in project.callers.get(own, []) if name != own]


def _only(project: Project, callers: list[str]) -> Unit | None:
    """The caller of a routine that has one."""
    return project.find(callers[0]) if len(callers) == 1 else None


def stands_alone(project: Project, words: NameLookup, unit: Unit) -> bool:
    """Whether nothing tells whom a routine serves: no caller, no patch, no jump table,
    no sprite.
    """
    name = unit.block.name
    if _callers(project, unit) or project.hooks.get(name):
        return False
    return name not in words.roles and not _part(project, unit)


def _part(project: Project, unit: Unit) -> str:
    """What a routine's name tells of it, where its calls agree; "" otherwise."""
    called = {name.rsplit("_", 1)[-1] for _, name in unit.contract.calls}
    for role in project.vocabulary.roles:
        match = re.fullmatch(role.name, unit.block.name)
        agrees = called.issuperset(role.calls) and (
            not role.writes or bool(unit.contract.writes)
        )
        if match and agrees:
            return role.says.format(*match.groups())
    return ""


def variables(words: NameLookup, unit: Unit) -> list[tuple[Symbol, str]]:
    """The documented variables a routine reads or writes, by name or by address, each
    with the index it is reached by; written ones first.
    """
    found: dict[int, tuple[Symbol, str]] = {}
    for operand in (*unit.contract.writes, *unit.contract.reads):
        symbol = words.symbol(operand, unit.block.name)
        if (
            symbol is not None
            and region(symbol.value) not in ("", "ROM")
            and meaning(symbol)
        ):
            found.setdefault(symbol.value, (symbol, operand.index))
    return list(found.values())


def _registers(words: NameLookup, unit: Unit) -> list[int]:
    used = (*unit.contract.writes, *unit.contract.reads)
    plain = (
        operand for operand in used if operand.mode == "direct" and not operand.indexed
    )
    places = (words.value(operand.place) for operand in plain)
    return list(
        dict.fromkeys(
            place for place in places if place is not None and register_meaning(place)
        )
    )


def _brief(text: str) -> str:
    """The first line, cut behind a sentence or a word; a legend of values whole, or ""
    where it is long.
    """
    lines = text.split("\n")
    if _VALUE.match(lines[0]):
        legend = re.sub(r"(?<=\S)\s+", " ", "; ".join(line.strip() for line in lines))
        return legend if len(legend) <= LEGEND else ""
    line = re.sub(r"(?<=\S)\s+", " ", lines[0])
    if line.endswith(":"):
        return ""  # what follows is said below it
    if len(line) <= 160:
        return line
    stop = line.rfind(". ", 40, 160)
    return line[: stop + 1] if stop > 0 else line[:160].rsplit(" ", 1)[0] + " …"


def _readers(words: NameLookup, symbol: Symbol) -> int:
    """How many routines read a variable."""
    reads = (use for use in words.mentions.of(symbol) if use.how in (READ, TESTED))
    return len({use.owner for use in reads if use.owner.kind == "routine"})


def _data(project: Project, words: NameLookup, unit: Unit) -> str:
    written = {
        words.value(operand.place)
        for operand in unit.contract.writes
        if operand.mode == "direct"
    }
    rows = []
    told = [
        (symbol, index)
        for symbol, index in variables(words, unit)
        if _tells_a_reader(symbol)
        and not is_denied(project, symbol)
        and _readers(words, symbol) <= EVERYWHERE
    ]
    for symbol, index in told[:6]:
        verb = "writes" if canonical(symbol.value) in written else "reads"
        suffix = f",{index}" if index else ""
        rows.append(
            f"- {verb} `{symbol.name}{suffix}` ({address(symbol.value)}{suffix}): "
            f"{_brief(meaning(symbol))}"
        )
    registers = _registers(words, unit)
    for place in registers[: 8 - len(rows)]:
        verb = "writes" if place in written else "reads"
        known, said = words.register(place)
        if place + 1 not in registers:
            said = _whole_word(place, said)
        if not any(f"({address(place)})" in row for row in rows):
            rows.append(
                f"- {verb} {known or address(place)} ({address(place)}): {said}"
            )
    return "Data:\n" + "\n".join(rows) if rows else ""


def _whole_word(place: int, said: str) -> str:
    """What a register does; of the low byte of two, what both are: code that is 16 bits
    wide, which is not known here, reaches the other one too.
    """
    if not said.startswith(LOW_BYTE):
        return said
    both = said.removeprefix(LOW_BYTE)
    return f"{both} (the low byte; 16 bits reach {address(place + 1)} too)"


def _tells_a_reader(symbol: Symbol) -> bool:
    """Whether the meaning of a variable helps to read a routine."""
    said = meaning(symbol)
    idle = "misc" in symbol.name.lower() or _IDLE.search(said.split("\n")[0])
    # a drawing of bits, written over several lines, tells nothing in one
    drawn = any(mark in said for mark in ("||", "|+", "+-", "++"))
    return not idle and not drawn and bool(_brief(said))


def _entries(words: NameLookup, unit: Unit) -> str:
    """The jump table a routine ends in."""
    index, entries = words.owned.get(unit.block.name, ("", []))
    rows = [f"{number} → `{name}`" for number, name in enumerate(entries[:16]) if name]
    more = f" and {len(entries) - 16} more" if len(entries) > 16 else ""
    return (
        f"Jump table{f' by {index}' if index else ''}: {', '.join(rows)}{more}."
        if rows
        else ""
    )
