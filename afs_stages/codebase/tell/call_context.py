"""The end of an explanation: what a routine calls, how it leaves its caller's
registers, and who reaches it.
"""

from __future__ import annotations

import re

from afs_stages.codebase.facts.contract import first_width
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import listing, quoted

_LEAVING = re.compile(r"pl[abdpxy]|sep|rep|[{}]")


def calls(project: Project, unit: Unit) -> str:
    """What the called routines are for, where their headers say it."""
    rows = []
    for how, name in unit.contract.calls:
        target = project.find(name)
        if target is not None and target is not unit and target.summary:
            verb = {"table": "table entry"}.get(how, how.upper())
            rows.append(f"- `{name}` ({verb}): {target.summary}")
    return "What it calls:\n" + "\n".join(rows[:8]) if rows else ""


def ending(unit: Unit) -> str:
    """Width, saved registers and return, as one or two sentences."""
    contract, said = unit.contract, []
    width = first_width(contract.widths)
    if width:
        rest = (
            f" and uses {listing(contract.widths[1:], 3)} later"
            if len(contract.widths) > 1
            else ""
        )
        said.append(f"It {width}{rest}.")
    saves = [
        register for register in contract.saves if register != "A" or _gives_back(unit)
    ]
    if saves:
        registers = listing(
            [{"B": "the data bank", "P": "the status flags"}.get(r, r) for r in saves]
        )
        said.append(f"It saves and restores {registers}.")
    how = {
        "RTS": "a JSR from the same bank",
        "RTL": "a JSL from any bank",
        "RTI": "an interrupt",
    }
    if len(contract.returns) == 1:
        said.append(
            f"It returns with {contract.returns[0]}, so it is reached by "
            f"{how[contract.returns[0]]}."
        )
    elif contract.returns:
        said.append(f"It has exits with {listing(contract.returns)}.")
    return " ".join(said)


def _gives_back(unit: Unit) -> bool:
    """Whether every A taken back from the stack stays as it is until the
    routine returns.
    """
    words = [
        s.word.split(".", 1)[0]
        for line in unit.block.lines
        for s in line.statements
        if s.word
    ]
    for at in (at for at, word in enumerate(words) if word == "pla"):
        behind = next(
            (word for word in words[at + 1 :] if not _LEAVING.fullmatch(word)), "rts"
        )
        if behind not in ("rts", "rtl", "rti"):
            return False
    return True


def reached(project: Project, unit: Unit) -> str:
    """Who calls a routine, which tables list it and which patches lead to it."""
    callers = [
        name
        for name in project.callers.get(unit.block.name, [])
        if name != unit.block.name
    ]
    hooks = project.hooks.get(unit.block.name, [])
    said = []
    if callers:
        tables = [
            name
            for name in callers
            if (found := project.find(name)) and found.block.kind == "data"
        ]
        calling = [name for name in callers if name not in tables]
        if calling:
            said.append(f"Called by {quoted(calling, 5)}.")
        if tables:
            said.append(f"Listed in {quoted(tables, 5)}.")
    if hooks:
        said.append(
            "Reached by the patch at "
            f"{listing([f'{hook.name} (`{hook.file}`)' for hook in hooks], 3)}."
        )
    return " ".join(said)
