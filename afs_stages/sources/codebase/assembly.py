"""Assembly samples: code to explanation and request to code, for routines, tables, patches and macros."""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.codebase import comments
from afs_stages.sources.codebase.contract import first_width
from afs_stages.sources.codebase.draft import Draft, fenced
from afs_stages.sources.codebase.memory import meaning, region
from afs_stages.sources.codebase.nodes import AsmFile, Macro
from afs_stages.sources.codebase.program import Symbol
from afs_stages.sources.codebase.project import Project, Unit
from afs_stages.sources.codebase.questions import address, choose, listing
from afs_stages.sources.codebase.routines import Block, dedent

MAX_CODE = 90
"""Lines of code a sample shows at most."""

_ASIDE = re.compile(r"(?i)(based on|formerly|credit|by|from|see|taken|copied|same as|this function is bled)\b")


def drafts(project: Project) -> Iterator[Draft]:
    """Every assembly sample of a codebase."""
    for unit in project.units:
        if len(unit.block.lines) > MAX_CODE or len(unit.block.text) > 6000:
            continue
        if unit.block.kind == "patch":
            yield from _patch(project, unit)
        elif unit.block.kind == "data":
            yield from _data(project, unit)
        else:
            yield from _routine(project, unit)
    for file in project.program.files.values():
        for macro in file.macros:
            yield from _macro(file, macro)


def _routine(project: Project, unit: Unit) -> Iterator[Draft]:
    block = unit.block
    if unit.contract.instructions < 3 or not _has_ground(project, unit):
        return
    group = f"routine:{block.file}:{block.name}"
    place = (block.file, block.first, block.last, group)
    question = choose(
        [
            f"What does the routine `{block.name}` do?",
            f"Explain `{block.name}` from `{block.file}`.",
            f"Walk me through `{block.name}`: what it does, what it calls and how it returns.",
            f"I am reading `{block.file}`. How does `{block.name}` work?",
        ],
        block.text,
    )
    yield Draft("asm_explanation", question, explain(project, unit), *place, input=fenced(block.text))
    if comments.words(unit.summary) >= 6 and not _ASIDE.match(unit.summary):
        request = _request(unit)
        answer = f"`{block.name}` in `{block.file}` does this:\n\n{fenced(block.text)}"
        ending = _ending(unit)
        yield Draft("asm_request", request, f"{answer}\n\n{ending}" if ending else answer, *place)


def _has_ground(project: Project, unit: Unit) -> bool:
    """Something is said: a header, three comments inside, or two and as many known variables or calls."""
    if comments.words(unit.block.header) >= 4 or len(project.notes(unit)) >= 3:
        return True
    if len(project.notes(unit)) < 2 or unit.contract.instructions < 5:
        return False
    known = len(_variables(project, [*unit.contract.writes, *unit.contract.reads]))
    return known + len(unit.contract.calls) >= 2


def _request(unit: Unit) -> str:
    goal = unit.summary.rstrip(".")
    place = f"`{unit.block.name}` in `{unit.block.file}`"
    phrasings = [
        f"Show me the 65816 code of {place}. Its job: {goal}.",
        f"Write {place} in asar syntax. What it has to do: {goal}.",
        f"I need the routine {place}: {goal}. Show the assembly.",
    ]
    return choose(phrasings, unit.block.text)


def explain(project: Project, unit: Unit) -> str:
    """The explanation of a routine: purpose, steps by its comments, data, calls, entry and exit, who reaches it."""
    block = unit.block
    header = comments.sentence(block.header) if comments.words(block.header) >= 3 else ""
    lead = f"`{block.name}` (`{block.file}`, line {block.first})"
    parts = [f"{lead}: {header}" if header else f"{lead} {_derived(project, unit)}"]
    notes = [f"- `{code}`: {said}" for code, said in project.notes(unit)[:10]]
    if notes:
        parts.append("What the comments point out:\n" + "\n".join(notes))
    parts += [text for text in (_data_used(project, unit), _calls(project, unit), _ending(unit)) if text]
    reached = _reached(project, block)
    return "\n\n".join([*parts, reached] if reached else parts)


def _derived(project: Project, unit: Unit) -> str:
    contract = unit.contract
    doing = []
    if contract.writes:
        doing.append(f"updates {listing([f'`{name}`' for name in contract.writes], 4)}")
    calls = [name for how, name in contract.calls if how in ("jsr", "jsl")]
    if calls:
        doing.append(f"calls {listing([f'`{name}`' for name in calls], 4)}")
    if not doing and contract.reads:
        doing.append(f"works from {listing([f'`{name}`' for name in contract.reads], 4)}")
    lead = (" and ".join(doing) or f"is a routine of {contract.instructions} instructions") + "."
    callers = project.callers.get(unit.block.name, [])
    if callers:
        lead += f" It runs as a part of {listing([f'`{name}`' for name in callers], 3)}."
    title = project.file_titles.get(unit.block.file, "")
    return f"{lead} The file is about this: {title}" if title else lead


def _variables(project: Project, names: list[str]) -> list[Symbol]:
    found = []
    for name in dict.fromkeys(names):
        symbol = project.best_symbol.get(name)
        if symbol is not None and region(symbol.value) not in ("", "ROM") and meaning(symbol):
            found.append(symbol)
    return found


def _data_used(project: Project, unit: Unit) -> str:
    writes = set(unit.contract.writes)
    rows = []
    for symbol in _variables(project, [*unit.contract.writes, *unit.contract.reads])[:6]:
        verb = "writes" if symbol.name in writes else "reads"
        first = meaning(symbol).split("\n")[0]
        rows.append(f"- {verb} `{symbol.name}` ({address(symbol.value)}): {first[:160]}")
    return "Data:\n" + "\n".join(rows) if rows else ""


def _calls(project: Project, unit: Unit) -> str:
    rows = []
    for how, name in unit.contract.calls[:8]:
        target = project.find(name)
        verb = {"table": "jump or data table entry", "jmp": "JMP", "jml": "JML"}.get(how, how.upper())
        if how in ("jmp", "jml", "jsr", "jsl") and name.startswith("."):
            continue
        said = f": {target.summary}" if target and target.summary else ""
        rows.append(f"- `{name}` ({verb}){said}")
    return "Calls:\n" + "\n".join(rows) if rows else ""


def _ending(unit: Unit) -> str:
    """Width, saved registers and return, as one or two sentences."""
    contract, said = unit.contract, []
    width = first_width(contract.widths)
    if width:
        rest = f" and uses {listing(contract.widths[1:], 3)} later" if len(contract.widths) > 1 else ""
        said.append(f"It {width}{rest}.")
    if contract.saves:
        registers = listing([{"B": "the data bank", "P": "the status flags"}.get(r, r) for r in contract.saves])
        said.append(f"It saves and restores {registers}.")
    how = {"RTS": "a JSR from the same bank", "RTL": "a JSL from any bank", "RTI": "an interrupt"}
    if len(contract.returns) == 1:
        said.append(f"It returns with {contract.returns[0]}, so it is reached by {how[contract.returns[0]]}.")
    elif contract.returns:
        said.append(f"It has exits with {listing(contract.returns)}.")
    return " ".join(said)


def _reached(project: Project, block: Block) -> str:
    callers = project.callers.get(block.name, [])
    hooks = project.hooks.get(block.name, [])
    said = []
    if callers:
        said.append(f"Called by {listing([f'`{name}`' for name in callers], 5)}.")
    if hooks:
        said.append(f"Reached by the patch at {listing([f'{hook.name} (`{hook.file}`)' for hook in hooks], 3)}.")
    return " ".join(said)


def _data(project: Project, unit: Unit) -> Iterator[Draft]:
    block = unit.block
    said = "\n".join(f"- `{code[:60]}`: {note}" for code, note in block.notes[:12])
    if comments.words(block.header) < 4 and len(block.notes) < 2:
        return
    lead = comments.sentence(block.header) if comments.words(block.header) >= 3 else "a data table."
    answer = f"`{block.name}` (`{block.file}`, line {block.first}): {lead}"
    answer += f"\n\nEntries:\n{said}" if said else ""
    targets = [f"`{name}`" for how, name in unit.contract.calls if how == "table"]
    answer += f"\n\nIt points to {listing(targets, 8)}." if targets else ""
    group = f"routine:{block.file}:{block.name}"
    question = f"What is in the data table `{block.name}` (`{block.file}`)?"
    yield Draft("asm_table", question, answer, block.file, block.first, block.last, group, fenced(block.text))


def _patch(project: Project, unit: Unit) -> Iterator[Draft]:
    block = unit.block
    target = next((project.find(name) for _, name in unit.contract.calls if project.find(name)), None)
    notes = [f"- `{code}`: {said}" for code, said in block.notes[:8]]
    if comments.words(block.header) < 5 and not notes and not (target and target.summary):
        return
    answer = f"`{block.file}` patches the original game at {block.name}."
    if comments.words(block.header) >= 2:
        answer += f" {comments.sentence(block.header)}"
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
    yield Draft("asm_hook", question, answer, block.file, block.first, block.last, group, fenced(block.text))


def _macro(file: AsmFile, macro: Macro) -> Iterator[Draft]:
    code = dedent([line.text for line in file.lines[macro.first - 1 : macro.last]])
    if comments.words(macro.header) < 3 or macro.last - macro.first > MAX_CODE:
        return
    group = f"macro:{file.path}:{macro.name}"
    said = comments.sentence(macro.header)
    place = (file.path, macro.first, macro.last, group)
    call = f"%{macro.name}({macro.params})"
    yield Draft(
        "asm_macro",
        choose([f"What does the macro `{call}` do?", f"When do I use `{call}`?"], code),
        f"`{call}` is a macro of `{file.path}`: {said}\n\n{fenced(code)}",
        *place,
    )
