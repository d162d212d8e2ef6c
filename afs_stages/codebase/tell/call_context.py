"""The end of an explanation: what a routine calls, how it leaves its caller's
registers, and who reaches it.
"""

from __future__ import annotations

from collections.abc import Iterator

from afs_stages.asm.control_flow import ControlFlow
from afs_stages.asm.effects import switched_widths
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import listing, only_if, quoted

_REGISTERS = {
    "a": "A",
    "x": "X",
    "y": "Y",
    "b": "the data bank",
    "d": "the direct page",
    "p": "the status flags",
}
_WIDTHS = {
    "m=16": "A to 16 bits",
    "m=8": "A to 8 bits",
    "x=16": "X and Y to 16 bits",
    "x=8": "X and Y to 8 bits",
    "m=16 x=16": "A, X and Y to 16 bits",
    "m=8 x=8": "A, X and Y to 8 bits",
    "m=8 x=16": "A to 8 bits and X and Y to 16 bits",
    "m=16 x=8": "A to 16 bits and X and Y to 8 bits",
}
_LEADS = {
    CALLED: ("calls", "call"),
    GONE_TO: ("goes to", "go to"),
    LISTED: ("lists", "list"),
}


def calls(project: Project, unit: Unit) -> str:
    """What the called routines are for, where their headers say it."""
    rows = []
    for how, name in unit.contract.calls:
        target = project.find(name)
        if target is not None and target is not unit and target.summary:
            verb = {"table": "table entry"}.get(how, how.upper())
            rows.append(f"- `{name}` ({verb}): {target.summary}")
    return "What it calls:\n" + "\n".join(rows[:8]) if rows else ""


def ending(project: Project, unit: Unit, steps: bool = False) -> str:
    """Widths, saved registers and returns: what holds on every path; where `steps` are
    told, the operands in them say which index they have.
    """
    flow = project.control_flow(unit)
    first: list[str] = []
    for index, operands in sorted(flow.by_caller.items()):
        # what only a macro reaches is not to be seen in the code that is shown either
        seen = [f"`{o.text}`" for o in operands if o.text in unit.contract.indexed]
        if seen:
            more = ", among others" if len(seen) > 2 else ""
            first.append(f"The caller's {index} chooses {listing(seen[:2])}{more}.")
    others = [name for name in unit.contract.indexes if name not in flow.index_given]
    if others and not steps:
        first.append(f"It indexes memory by {listing(others)}.")
    said: list[str] = []
    if flow.first_widths in _WIDTHS and flow.first_widths == _first_switch(unit):
        said.append(f"first switches {_WIDTHS[flow.first_widths]}")
    saves = [name for name in flow.saves if name in unit.contract.pushes]
    if saves:
        registers = listing([_REGISTERS[register] for register in saves])
        said.append(f"saves and restores {registers}")
    said += _exits(returned(project, unit), flow)
    return " ".join([*first, *([f"It {listing(said)}."] if said else [])])


def _exits(returns: list[str], flow: ControlFlow) -> Iterator[str]:
    """How a routine returns, and that some paths of it do not."""
    if returns:
        exits = "returns with" if len(returns) == 1 else "has exits with"
        elsewhere = any(found.kind not in returns for found in flow.exits)
        where = " where it does not go on elsewhere" if elsewhere else ""
        yield f"{exits} {listing(returns)}{where}"


def _first_switch(unit: Unit) -> str:
    """The widths that the first REP or SEP of the text sets, as `first_widths` tells
    them: several in a row may have a push between them.
    """
    for line in unit.block.lines:
        for statement in line.statements:
            if statement.word in ("rep", "sep"):
                widths = switched_widths(statement.word, statement.rest) or {}
                return " ".join(f"{name}={width}" for name, width in widths.items())
    return ""


def returned(project: Project, unit: Unit) -> list[str]:
    """The returns of a routine that some path reaches."""
    flow = project.control_flow(unit)
    met = {found.kind for found in flow.exits}
    return [kind for kind in unit.contract.returns if kind in met or not flow.whole]


def reached(project: Project, unit: Unit, role: bool, in_lead: bool) -> str:
    """Who calls a routine, which tables list it and which patches lead to it; where its
    `role` in the one table that lists it was told, the table is not told again, nor are
    those that the lead names.
    """
    name = unit.block.name
    said = []
    for how, (one, many) in _LEADS.items() if not in_lead else ():
        others = project.reached_from(name, how)
        told_already = role and how == LISTED and len(others) == 1
        if others and not told_already:
            said.append(f"{quoted(others, 5)} {one if len(others) == 1 else many} it.")
    if name in project.led_to_by_unnamed:
        said.append("Code without a label leads to it, too.")
    hooks = project.hooks.get(name, [])
    if hooks:
        rows = [
            f"{hook.name} (`{hook.file}`){only_if(hook.condition)}" for hook in hooks
        ]
        places = listing(rows, 3)
        lead = "The patch" if len(hooks) == 1 else "Patches"
        said.append(
            f"{lead} at {places} {'leads' if len(hooks) == 1 else 'lead'} to it."
        )
    return " ".join(said)
