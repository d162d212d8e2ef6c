"""What a data table holds: its entries with what is said of each, where it points to,
who names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from afs_stages.asm.isa import CALLS, DATA, MNEMONICS, RETURNS
from afs_stages.asm.lexer import Line
from afs_stages.asm.operand import read_operand
from afs_stages.codebase.facts.mentions import Use, owners, shown
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import listing
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.choices import CHOICES, Conditions
from afs_stages.codebase.read.continuation import continued
from afs_stages.codebase.read.routines import MARK
from afs_stages.codebase.tell.draft import Draft, fenced
from afs_stages.codebase.tell.name_lookup import NameLookup

MOST_ENTRIES = 24
"""Entries of a table that are listed; the answer says of how many."""
WIDE = 80
"""Characters: a longer line of data is told by its number, never in part."""
TITLE, TOLD = 3, 8
"""Words of a title, and of a header that explains a table without remarks whose way of
reading is known.
"""
MOST_WAYS, WAY = 3, 6
"""Ways of reading a table that are told, and instructions of one."""
_BREAKS = frozenset((*CALLS, *RETURNS, "pla", "plx", "ply", "txy", "tyx", "txa", "tya"))
"""Before these an index is not to be followed in straight code."""


@dataclass
class DataLine:
    """One line of data, by its number from 1, and what is said of it alone."""

    number: int
    code: str
    said: str
    pointer: str = ""
    """the one name it holds, where it holds no more"""
    names: bool = False
    """whether it holds a name, alone or among numbers"""


@dataclass
class Group:
    """Entries below one heading: a comment on a line of its own, a local label or a
    condition of the assembler. What it says holds for all of them.
    """

    label: str
    heading: str
    entries: list[DataLine] = field(default_factory=list)


def draft(project: Project, words: NameLookup, unit: Unit) -> Draft | None:
    """The sample of a table; None for one of which nothing is said."""
    block = unit.block
    groups = _groups(unit)
    header = block.header
    if len(groups) == 1 and not groups[0].label and groups[0].heading:
        # one legend above the first line explains the whole table
        header = "\n".join(filter(None, (header, groups[0].heading)))
        groups[0].heading = ""
    entries = [entry for group in groups for entry in group.entries]
    _tell_pointers(project, entries)
    if not any(comments.says_something(entry.said, 1) for entry in entries):
        for entry in entries:
            entry.said = ""  # numbers of lines and marks: they tell nothing alone
    remarks = sum(bool(entry.said) for entry in entries)
    if comments.words(header) <= TITLE and remarks < 2:
        return None
    uses = words.mentions.names.get(block.name, ())
    uses = [use for use in uses if use.owner.name != block.name]
    ways = _ways(project, uses)
    titled = comments.words(header) >= TITLE
    explained = bool(ways) and _explained(header, entries)
    told = titled and (explained or _tells(groups, entries))
    place = f"`{block.name}` (`{block.file}`, line {block.first})"
    lead = comments.sentence(header) if titled else "a data table."
    parts = (
        f"{place}: {lead}",
        _listed(groups, len(entries), remarks),
        _read(uses, ways),
    )
    question = f"What is in the data table `{block.name}` (`{block.file}`)?"
    group = f"routine:{block.file}:{block.name}"
    lines = (block.file, block.first, block.last)
    fault = "" if told else "table_without_purpose"
    answer = "\n\n".join(filter(None, parts))
    return Draft(
        "asm_table", question, answer, *lines, group, fenced(block.bare), fault
    )


def _read(uses: list[Use], ways: dict[str, str]) -> str:
    """How a table is read, and who names it beside."""
    rows = [f"- {reader}: `{code}`" for reader, code in ways.items()]
    read = "\n".join(("How it is read:", *rows)) if rows else ""
    others = [shown(owner) for owner in owners(uses)]
    others = [reader for reader in others if reader not in ways]
    named = _sentence("The code names it in", others, 5)
    return "\n\n".join(filter(None, (read, named)))


def _ways(project: Project, uses: list[Use]) -> dict[str, str]:
    """Routine -> how it reads a table by an index, for the first that do."""
    found: dict[str, str] = {}
    for use in uses:
        reads = use.register and use.owner.kind == "routine"
        if reads and len(found) < MOST_WAYS:
            lines = project.program.files[use.owner.file].lines
            found.setdefault(shown(use.owner), _way(lines, use))
    return found


def _way(lines: list[Line], use: Use) -> str:
    """The instructions from where the index is loaded to the read, as written; the read
    alone where they are not straight code.

        LDA !Level : ASL : TAX : LDA Oil,X
    """
    above = lines[max(0, use.line - WAY) : use.line]
    before = [statement for line in above for statement in line.statements]
    while before and before[-1].text != use.code:
        before.pop()  # what stands behind the read in its line
    index = use.register.lower()
    loads, moves = {f"ld{index}"}, {f"ta{index}"}
    way: list[str] = []
    for statement in reversed(before):
        word = statement.word.split(".", 1)[0]
        way.insert(0, statement.text)
        if word in loads and len(way) > 1:
            return " : ".join(way)
        if word in moves:
            loads, moves = {"lda"}, set()  # the index is A: go on to what A was
        elif statement.labels or word not in MNEMONICS or word in _BREAKS:
            break
    return use.code


def _tells(groups: list[Group], entries: list[DataLine]) -> bool:
    """Whether enough is said of the entries; of a list of names that alone does not
    say what it is a list of, more is wanted.
    """
    remarks = sum(bool(entry.said) for entry in entries)
    if _lists_names(entries):
        return remarks > 0 and remarks * 2 >= len(entries)
    return remarks >= 2 or sum(bool(group.heading) for group in groups) >= 2


def _explained(header: str, entries: list[DataLine]) -> bool:
    """Whether a header explains a table without remarks: not how records are laid out
    that hold bytes and words by turns, or calls of macros, nor what names stand for.
    """
    directives = {entry.code.split(maxsplit=1)[0].lower() for entry in entries}
    mixed = len(directives) > 1 or any(word.startswith("%") for word in directives)
    long = comments.words(header) >= TOLD
    return long and not _lists_names(entries) and (not mixed or "\n" in header.strip())


def _lists_names(entries: list[DataLine]) -> bool:
    return sum(entry.names for entry in entries) * 2 >= len(entries)


def _sentence(lead: str, names: list[str], most: int) -> str:
    return f"{lead} {listing(names, most)}." if names else ""


def _groups(unit: Unit) -> list[Group]:
    """The lines of data below the headings that hold for them."""
    lines = unit.block.lines
    below = continued(lines)
    groups = [Group("", "")]
    conditions = Conditions()
    above: list[str] = []
    number = 0
    macros = not any(s.word in DATA for line in lines for s in line.statements)
    for at, line in enumerate(lines):
        if not line.code:
            # what stands above an empty line is not about the line that follows
            own = [line.comment] if line.comment and at not in below else []
            above = [*above, *own] if line.comment else []
            continue
        label = _local_label(line)
        choices = _go_past(line, conditions)
        told = f"only if {conditions.told}" if choices and conditions.told else ""
        heading = comments.prose(above) or told
        above = []
        if label or heading or choices:
            groups.append(Group(label or groups[-1].label, heading))
        if _holds_data(line, macros):
            number += 1
            code = MARK.sub("", line.code).strip()
            # what stands behind the name of the table is its header
            said = _said_behind(lines, at, below) if at else ""
            groups[-1].entries.append(
                DataLine(number, code, said, _pointer(line), _holds_a_name(line))
            )
    return [group for group in groups if group.entries]


def _go_past(line: Line, conditions: Conditions) -> bool:
    """Whether the assembler chooses at a line; the conditions are those behind it."""
    choices = [s for s in line.statements if s.word in CHOICES]
    for statement in choices:
        conditions.read(statement.word, statement.rest)
    return bool(choices)


def _said_behind(lines: Sequence[Line], at: int, below: Mapping[int, int]) -> str:
    """What is said of a line, letter for letter where it is a comment without
    decoration: it may be the text the bytes stand for. Nothing where the comment goes
    on below: that may be about the table instead.
    """
    line = lines[at]
    said = " ".join(comments.strip(line.comment).split())
    if below.get(at + 1) == at or comments.is_code(said):
        return ""
    written = line.comment.lstrip(";").removeprefix(" ").rstrip()
    return written if " ".join(written.split()) == said else said


def _local_label(line: Line) -> str:
    labels = [label for statement in line.statements for label in statement.labels]
    return next((label for label in labels if label.startswith(".")), "")


def _holds_data(line: Line, macros: bool) -> bool:
    """Whether a line is an entry; a macro is one where the table has nothing else."""
    words = [statement.word for statement in line.statements]
    return any(word in DATA or (macros and word.startswith("%")) for word in words)


def _pointer(line: Line) -> str:
    """The one name a line of data holds, or ""."""
    if len(line.statements) != 1 or line.statements[0].word not in ("dw", "dl"):
        return ""
    return read_operand(line.statements[0].rest.removesuffix("-1")).name


def _holds_a_name(line: Line) -> bool:
    """Whether a line of data holds the name of a place; a constant's is a number."""
    operands = [
        read_operand(part)
        for statement in line.statements
        if statement.word in DATA and '"' not in statement.rest
        for part in statement.rest.split(",")
    ]
    names = (operand.name for operand in operands)
    return any(name and not name.startswith("!") for name in names)


def _tell_pointers(project: Project, entries: list[DataLine]) -> None:
    """Say of an entry that leads to a routine what the routine is for."""
    for entry in entries:
        target = project.find(entry.pointer) if entry.pointer else None
        if not entry.said and target is not None:
            entry.said = target.summary


def _listed(groups: list[Group], count: int, remarks: int) -> str:
    """The entries of which something is said, and of how many they are; "" for none."""
    rows = list(_rows(groups))
    if not rows:
        return ""
    lead = "Entries:"
    if remarks < count:
        lead = f"It has {count} lines of data. What is said of them:"
    if len(rows) > MOST_ENTRIES:
        lead = f"{lead[:-1]}, of which these come first:"
    return "\n".join([lead, *rows[:MOST_ENTRIES]])


def _rows(groups: list[Group]) -> Iterator[str]:
    for group in groups:
        name = f"`{group.label}`" if group.label else ""
        size = len(group.entries)
        if group.heading:
            what = ", ".join(filter(None, (name, f"{size} line{'s' * (size > 1)}")))
            yield f"- {what}: {' '.join(group.heading.split())}"
        for entry in group.entries:
            if entry.said:
                wide = len(entry.code) > WIDE
                part = "" if entry.code.startswith(".") else group.label
                code = f"{part}: {entry.code}" if part else entry.code
                shown_as = f"line {entry.number}" if wide else f"`{code}`"
                yield f"- {shown_as}: {entry.said}"
