"""The explanation of a routine: what it is for, what it does step by step, its data,
its calls, how it is reached.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise, takewhile

from afs_stages.asm.effects import PULLS, PUSHES
from afs_stages.asm.hardware import LOW_BYTE, register_meaning
from afs_stages.asm.isa import DATA, MNEMONICS
from afs_stages.asm.lexer import lex
from afs_stages.asm.operand import read_operand
from afs_stages.asm.places import canonical, region
from afs_stages.codebase.facts.actions import Action, LineActions
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.flow import tricks, walk
from afs_stages.codebase.facts.mentions import READ, TESTED
from afs_stages.codebase.facts.project import NO_TASK, Project, Unit
from afs_stages.codebase.facts.questions import address, listing, only_if, quoted
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.call_context import calls, ending, reached
from afs_stages.codebase.tell.memory_map import is_denied, meaning
from afs_stages.codebase.tell.name_lookup import NameLookup

MAX_STEPS = 30
"""Steps an explanation lists at most."""

EVERYWHERE = 24
"""Routines that read a variable; one that more of them read explains none."""

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
_SETS_UP = frozenset((*PUSHES, "rep", "sep"))
_KEEPS = _SETS_UP | frozenset(PULLS)
"""What only saves, restores or sets widths: what is remarked there is no step."""
_MOVES = frozenset(("tax", "tay", "txa", "tya", "txy", "tyx", *PUSHES, *PULLS))
_STAYS = _MOVES | {"rts", "rtl"}
"""A remark at these is about them and not about what follows."""
_PREPARES_WORDS = (
    "inx iny dex dey lda ldx ldy tcd tcs tdc tsc tsx txs clc cld cli clv sec sed sei"
)
_PREPARES = _KEEPS | _MOVES | frozenset(_PREPARES_WORDS.split())
"""What only prepares what follows: a remark there, too far from the act it is about,
would name the wrong one.
"""
_CONTRACT = re.compile(
    r"(?i)(contract|inputs?|outputs?|entry|exit|params?|args?|arguments?|returns?|[axy]|\$[0-9a-f]{2,6})\s*[-:=]"
    r"|(uses|sets?) (\$[0-9a-f]{2}|[axy]\b)|(clc|sec) if\b|[axy] (contains|holds)\b"
    r"|takes [axy]\b"
)
_HOUSEKEEPING = re.compile(
    r"(?i)\b(preserve|flags?|bits?|(8|16)[- ]?bit|width|bank|keep|save|push|stack"
    r"|restore)\b"
)
_ELSEWHERE = re.compile(
    r"(?i)^see (notes?|comments?) (in|at|for) \S+:\s*|\s+(;|<-)\s.*$"
)
_SMALL = re.compile(r"[a-z]{1,3}|from|with|[^a-z]*|[A-Z0-9$(].*")
_MARK = re.compile(r"^\$?(?:[0-9A-F]{6}|[89A-F][0-9A-F]{3})\b[.: -]*")
"""The address of a routine in front of its header: of no variable, which lie lower."""

_DOUBT = re.compile(
    r"(?i).*\?[\s.]*$|(todo|fixme|xxx|hack|wtf|optimi\w+)\b"
    r"|[-\s]*udlr\b.*|.*\b(we don'?t|(don'?t|no) (even )?need|no idea|dunno"
    r"|i (think|guess)|hacky?)\b"
)
"""A question, and what an author tells himself."""

_CONDITION = re.compile(r"(?i)\b(if|unless|when|until|while)\b")
_COUNTING = frozenset(("inx", "iny", "dex", "dey", "bne", "bpl"))
_HALF = re.compile(
    r"(?i)\$[0-9a-f]{4}:|\.\.|.*\.\.\s*$|(that|which|than|of|and|or)\b"
    r"|(if|when|unless|until|while)\b(?!.*(,|:|\bthen\b))"
)
"""A remark that goes on at another line, or tells under which condition: of the act it
stands at it would say something else.
"""

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

_PLACE = re.compile(r"`(\$[0-9A-F]{2,6})(,[XY])?`")


_WAYS = {
    CALLED: "is called by",
    GONE_TO: "is gone to from",
    LISTED: "is listed in",
}
_RETURN = (Action("returns", ""),)
_EACH_TIME = ("counts", "pulls", "pushes", "calls", "runs", "shifts")
"""Acts that are another one each time they are done."""
_TIMES = {1: "", 2: " twice"}


def explain(project: Project, words: NameLookup, unit: Unit, steps: list[str]) -> str:
    """The explanation of a routine, whose steps are known, in paragraphs."""
    parts = [
        _lead(project, words, unit)
        if unit.block.header
        else _named(words, unit, [_lead(project, words, unit)])[0]
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


def opening(unit: Unit) -> tuple[int, str]:
    """(line, text) of a comment that stands before the first instruction of a routine,
    where that only saves something: it is about the whole routine.
    """
    first = next((line for line in unit.block.lines[1:] if line.code.strip(" {")), None)
    line, code, said = next(iter(unit.block.remarks), (0, "", ""))
    fits = (
        first is not None
        and line == first.number
        and bool(_SETS_UP.intersection(_mnemonics(code)[:1]))
    )
    fits = fits and comments.words(said) >= 3 and not _HOUSEKEEPING.search(said)
    return (line, comments.sentence(said[:1].upper() + said[1:])) if fits else (0, "")


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
    remarks = _moved(steps, _remarks(project, unit))
    told = _with_remarks(steps, remarks)
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
    return _named(words, unit, rows)


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


def _remarks(project: Project, unit: Unit) -> dict[int, tuple[str, str]]:
    """Line -> (code, remark) for the remarks a step may be told with."""
    own = {said for _, said in project.notes(unit)}
    remarks = {
        line: (code, _ELSEWHERE.sub("", _unboxed(said)))
        for line, code, said in unit.block.remarks
        if said in own and not _idle_remark(code, said)
    }
    for line in list(remarks):
        # a bracket beside a loop: its words are not about the line they stand at
        drawn = comments.drawn(unit.block.lines[line - unit.block.first].comment)
        if drawn and _COUNTING.intersection(_mnemonics(remarks[line][0])[:1]):
            del remarks[line]
    # the opening remark is told above the steps
    remarks.pop(opening(unit)[0], None)
    return remarks


def _unboxed(said: str) -> str:
    """A remark without the edge of a box that is drawn around several: `#| text`."""
    text = said.lstrip("|\\/ ")
    drawn = text[:1] == "#" and text[1:2] in "|\\/ "
    return text.lstrip("#|\\/ ") if drawn else text


def _idle_remark(code: str, said: str) -> bool:
    """Whether a remark stands at data, doubts, is half of one, or tells only what is
    saved.
    """
    words = _mnemonics(code)
    if DATA.keys() & words[:1] or _DOUBT.match(said) or _HALF.match(said):
        return True
    return bool(words) and _KEEPS.issuperset(words)


def _mnemonics(code: str) -> list[str]:
    """The first words of the statements of a line of code, without sizes."""
    (line,) = lex((code,))
    return [s.word.split(".", 1)[0] for s in line.statements if s.word]


def _moved(
    steps: list[LineActions], remarks: dict[int, tuple[str, str]]
) -> dict[int, tuple[str, str]]:
    """A remark at a line that only loads or compares belongs to the act that follows
    within two lines.
    """
    lines = [step.line for step in steps]
    moved: dict[int, tuple[str, str]] = {}
    for line, remark in remarks.items():
        target = next((other for other in lines if line <= other <= line + 2), line)
        if _STAYS.intersection(_mnemonics(remark[0])[:1]):
            target = line
        code, said = moved.get(target, ("", ""))
        moved[target] = (
            code or remark[0],
            f"{said.rstrip('.')}; {remark[1]}" if said else remark[1],
        )
    return moved


def _with_remarks(
    steps: list[LineActions], remarks: dict[int, tuple[str, str]]
) -> list[LineActions]:
    """The steps, and a step without acts for a remark of three words
    that stands at none.
    """
    lines = (
        (line, code)
        for line, (code, said) in remarks.items()
        if comments.words(said) >= 3
    )
    told = {step.line for step in steps}
    left = {line for line, code in lines if line not in told and _does_something(code)}
    return sorted(
        [*steps, *(LineActions(line, "", ()) for line in left)],
        key=lambda step: step.line,
    )


def _does_something(code: str) -> bool:
    """Whether a line begins with an instruction or a macro that more than prepares."""
    first = next(iter(_mnemonics(code)), "")
    known = first in MNEMONICS or first.startswith("%")
    return known and first not in _PREPARES


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


def _named(words: NameLookup, unit: Unit, rows: list[str]) -> list[str]:
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
