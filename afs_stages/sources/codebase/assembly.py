"""Assembly samples: code to explanation and request to code, for routines, tables, patches and macros."""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.codebase import comments
from afs_stages.sources.codebase.draft import Draft, fenced
from afs_stages.sources.codebase.explain import ending, explain, ground, opening, purpose, stands_alone, step_by_step
from afs_stages.sources.codebase.isa import DATA
from afs_stages.sources.codebase.nodes import AsmFile, Macro
from afs_stages.sources.codebase.project import Project, Unit
from afs_stages.sources.codebase.questions import choose, listing
from afs_stages.sources.codebase.routines import MARK, dedent
from afs_stages.sources.codebase.vocabulary import Vocabulary

MAX_CODE = 90
"""Lines of code a sample shows at most."""

GROUND = 4
"""What must be known of a routine for an explanation: a header, two comments, four known variables, or a mixture."""

CLEAR_STEPS = 14
"""More steps than these, without a word on what they are for, are no explanation."""

MAX_DATA = 400
"""Characters of data a request spells out at most."""

MANY_STEPS = 4
"""In a disassembly, where every routine has its address, so many steps count as much as one thing known."""

_VAGUE = re.compile(r"\b[Ww]rites `| on B[A-Z]{2}\b")
"""Steps that tell where a result goes and not what it is: too little to write code from."""

_ALIAS = re.compile(r"(?i)(vanilla )?(alternate|alternative|other|long|second) (entry|version)")
_PLACEHOLDER = re.compile(r"(?<![$\w])(xx|yy|zz)(?!\w)")
"""How comments on bytes of music call the parameters: the first is `xx`."""

_INDIRECT = re.compile(r"(?i)\bsta(?:\.\w)? [(\[]")
_UNNAMED = re.compile(r"(?i)(?:routine|sub|loc|code)_?[0-9a-f]{4,6}")
_ENDS = frozenset(("rts", "rtl", "rti", "jmp", "jml", "bra", "brl", "stp", "incbin", "incsrc", "fill", "pad", *DATA))
_ASIDE = re.compile(r"(?i)(based on|formerly|credit|by|from|see|taken|copied|same as|this function is bled)\b")


def drafts(project: Project, words: Vocabulary) -> Iterator[Draft]:
    """Every assembly sample of a codebase, and what is left out with the reason."""
    for unit in project.units:
        if unit.block.kind == "routine":
            yield from _routine(project, words, unit)
        elif len(unit.block.lines) > MAX_CODE or len(unit.block.text) > 6000:
            continue
        elif unit.block.kind == "patch":
            yield from _patch(project, unit)
        else:
            yield from _data(words, unit)
    for file in project.program.files.values():
        for macro in file.macros:
            yield from _macro(file, macro)


def _routine(project: Project, words: Vocabulary, unit: Unit) -> Iterator[Draft]:
    block = unit.block
    group = f"routine:{block.file}:{block.name}"
    place = (block.file, block.first, block.last, group)
    steps = step_by_step(project, words, unit)
    reason = skipped(project, words, unit, steps)
    if reason:
        yield Draft("asm_explanation", "", "", *place, fault=reason)
        return
    question = choose(
        [
            f"What does the routine `{block.name}` do?",
            f"Explain `{block.name}` from `{block.file}`.",
            f"Walk me through `{block.name}`: what it does, what it calls and how it returns.",
            f"I am reading `{block.file}`. How does `{block.name}` work?",
        ],
        block.text,
    )
    yield Draft("asm_explanation", question, explain(project, words, unit, steps), *place, input=fenced(block.text))
    if comments.words(unit.summary) >= 6 and not unit.summary[:1].isdigit() and not _ASIDE.match(unit.summary):
        request = _request(unit)
    else:
        request = _by_steps(words, unit, steps)
    if request:
        answer = f"`{block.name}` in `{block.file}` does this:\n\n{fenced(block.text)}"
        how = ending(unit)
        yield Draft("asm_request", request, f"{answer}\n\n{how}" if how else answer, *place)


def _by_steps(words: Vocabulary, unit: Unit, steps: list[str]) -> str:
    """A request that tells every step, for a routine whose purpose no sentence says; "" where that is too long."""
    if not 3 <= len(steps) <= 9 or _VAGUE.search("\n".join(steps)) or sum(map(len, steps)) > 900:
        return ""
    entries = [f"`{name}`" for name in words.owned.get(unit.block.name, ("", []))[1] if name]
    steps = [*steps, f"The entries of the table: {listing(entries, 24)}."] if entries else steps
    data = "" if entries else _tables(unit)
    if len(data) > MAX_DATA:
        return ""
    steps = [*steps, f"Its data: {data}."] if data else steps
    lead = choose(
        [
            f"Write the routine `{unit.block.name}` for `{unit.block.file}` in asar syntax. Step by step:",
            f"In asar syntax, code `{unit.block.name}` (`{unit.block.file}`) so that it does this:",
        ],
        unit.block.text,
    )
    return lead + "\n" + "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))


def _tables(unit: Unit) -> str:
    """The data a routine keeps behind its code, label by label."""
    found: dict[str, list[str]] = {}
    label = ""
    for statement in (statement for line in unit.block.lines[1:] for statement in line.statements):
        label = statement.labels[-1] if statement.labels else label
        if label.startswith(".") and statement.word in DATA:
            found.setdefault(label, []).append(f"{statement.word} {statement.rest}")
    return ", ".join(f"`{label}` is `{' : '.join(rows)}`" for label, rows in found.items())


def _whole(unit: Unit) -> bool:
    """Whether the last line of a routine leaves it; a macro may."""
    words = [s.word for line in unit.block.lines for s in line.statements if s.word not in ("", "{", "}", "endif")]
    return not words or words[-1].startswith("%") or words[-1].split(".", 1)[0] in _ENDS


def skipped(project: Project, words: Vocabulary, unit: Unit, steps: list[str]) -> str:
    """Why a routine with these steps is not explained, or ""."""
    if len(unit.block.lines) > MAX_CODE or len(unit.block.text) > 6000:
        return "routine_too_long"
    if unit.contract.instructions < 4:
        return "routine_too_short"
    known = ground(project, words, unit)
    if known == GROUND - 1 and words.place(unit.block.name):
        known += len(steps) >= MANY_STEPS
    if known < GROUND:
        return "routine_too_little_known"
    if len(_INDIRECT.findall(unit.block.text)) >= 2:
        return "drawing_loop"
    if not _whole(unit):
        return "routine_falls_into_the_next"
    if purpose(unit):
        return ""
    if _UNNAMED.fullmatch(unit.block.name):
        return "routine_without_name"
    if stands_alone(project, words, unit) and not opening(unit)[1]:
        return "routine_nobody_uses"
    if len(steps) < 2:
        return "routine_of_one_step"
    if len(steps) > CLEAR_STEPS:
        return "many_steps_without_purpose"
    return "steps_name_no_source" if _VAGUE.search("\n".join(steps)) else ""


def _request(unit: Unit) -> str:
    goal = unit.summary.rstrip(".")
    place = f"`{unit.block.name}` in `{unit.block.file}`"
    phrasings = [
        f"Show me the 65816 code of {place}. Its job: {goal}.",
        f"Write {place} in asar syntax. What it has to do: {goal}.",
        f"I need the routine {place}: {goal}. Show the assembly.",
    ]
    return choose(phrasings, unit.block.text)


def _data(words: Vocabulary, unit: Unit) -> Iterator[Draft]:
    block = unit.block
    entries = list(_entries(unit))
    said = "\n".join(f"- `{code[:60]}`: {note}" for code, note in entries[:24])
    if comments.words(block.header) < 4 and len(entries) < 2:
        return
    said += f"\n- and {len(entries) - 24} more entries." if len(entries) > 24 else ""
    readers = [f"`{name}`" for name in words.readers.get(block.name, []) if name != block.name]
    titled = comments.words(block.header) >= 3
    lead = comments.sentence(block.header) if titled else "a data table."
    answer = f"`{block.name}` (`{block.file}`, line {block.first}): {lead}"
    answer += f"\n\nEntries:\n{said}" if said else ""
    targets = [f"`{name}`" for how, name in unit.contract.calls if how == "table"]
    answer += f"\n\nIt points to {listing(targets, 8)}." if targets else ""
    answer += f"\n\nIt is read by {listing(readers, 5)}." if readers else ""
    group = f"routine:{block.file}:{block.name}"
    question = f"What is in the data table `{block.name}` (`{block.file}`)?"
    generated = block.header.lower().startswith("auto-generated")
    told = readers or targets or (titled and (entries or comments.words(block.header) >= 8))
    fault = "" if told and not generated else "table_without_purpose"
    place = (block.file, block.first, block.last, group)
    yield Draft("asm_table", question, answer, *place, input=fenced(block.text), fault=fault)


def _entries(unit: Unit) -> Iterator[tuple[str, str]]:
    """(code, comment) of each line of a table; one word behind an entry names it."""
    remarks = {line: said for line, _, said in unit.block.remarks}
    part = ""
    for line in unit.block.lines[1:]:
        labels = [label for statement in line.statements for label in statement.labels if label.startswith(".")]
        part = f"{labels[-1]}: " if labels else part
        said = remarks.get(line.number) or comments.strip(line.comment)
        if line.code and said and comments.says_something(said, 1) and not comments.is_code(said):
            code = MARK.sub("", line.code).strip()
            yield code if code.startswith(".") else part + code, said


def _patch(project: Project, unit: Unit) -> Iterator[Draft]:
    block = unit.block
    target = next((project.find(name) for _, name in unit.contract.calls if project.find(name)), None)
    inside, header = _vanilla(block.header)
    notes = [f"- `{code}`: {said}" for code, said in block.notes[:8]]
    answer = f"`{block.file}` patches the original game at {block.name}{f', in `{inside}`' if inside else ''}."
    if comments.words(header) >= 2:
        answer += f" {comments.sentence(comments.joined(header.split(chr(10))))}"
    if notes:
        answer += "\n\n" + "\n".join(notes)
    if target is not None:
        said = f": {target.summary}" if target.summary else "."
        answer += f"\n\nIt hands over to `{target.block.name}` (`{target.block.file}`){said}"
    group = f"routine:{block.file}:{target.block.name if target else block.name}"
    question = choose(
        [
            f"What does the patch at {block.name} in `{block.file}` change?",
            f"Explain the hook `org {block.name}` of `{block.file}`.",
        ],
        block.text,
    )
    fault = "" if _patch_told(unit, header, target) else "patch_without_purpose"
    place = (block.file, block.first, block.last, group)
    yield Draft("asm_hook", question, answer, *place, input=fenced(block.text), fault=fault)


def _patch_told(unit: Unit, header: str, target: Unit | None) -> bool:
    """Whether a patch's header, the routine it leads to, or a remark on most of its lines says what it changes."""
    told = [said for _, said in unit.block.notes if not said.lower().startswith(("vanilla", "replaced", "restore"))]
    summary = target.summary if target else ""
    led = comments.words(summary) >= 4 and not _ALIAS.match(summary)
    return comments.words(header) >= 4 or led or len(told) * 4 >= max(unit.contract.instructions, 4)


def _vanilla(header: str) -> tuple[str, str]:
    """(routine of the original game, the rest) of a header that begins with the name of what is patched."""
    match = re.match(r"([A-Z]\w*[_.][\w.]*\w)[:.]?(?=\s|$)(?!\s+(?:is|was|will|from|calls?)\b)\s*", header)
    return (match.group(1), header[match.end() :]) if match else ("", header)


def _macro(file: AsmFile, macro: Macro) -> Iterator[Draft]:
    code = dedent([line.text for line in file.lines[macro.first - 1 : macro.last]])
    if comments.words(macro.header) < 3 or macro.last - macro.first > MAX_CODE:
        return
    group = f"macro:{file.path}:{macro.name}"
    lines = macro.header.split("\n")
    said = comments.sentence("\n".join(lines[1:] if lines[0].strip() == macro.name else lines))
    names = dict(zip(("xx", "yy", "zz"), (f"`{name.strip()}`" for name in macro.params.split(",")), strict=False))
    said = _PLACEHOLDER.sub(lambda match: names.get(match.group(), match.group()), said)
    place = (file.path, macro.first, macro.last, group)
    call = f"%{macro.name}({macro.params})"
    yield Draft(
        "asm_macro",
        choose([f"What does the macro `{call}` do?", f"When do I use `{call}`?"], code),
        f"`{call}` is a macro of `{file.path}`: {said}\n\n{fenced(code)}",
        *place,
    )
