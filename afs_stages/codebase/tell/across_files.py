"""Questions about one variable across the code: who writes and who reads it by its name
or its address; two routines compared; which routine calls both.

Asked of variables whose every mention was found. Who reaches a variable by an index
that counts from a neighbour is not known, and the answers say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain

from afs_stages.asm.operand import read_operand
from afs_stages.asm.places import canonical
from afs_stages.codebase.facts.accesses import Access, VariableUse
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import address, choose, listing, quoted
from afs_stages.codebase.tell.draft import Draft, about
from afs_stages.codebase.tell.memory_map import meaning

MOST_PLACES = 8
"""Places a trace lists; a variable used more often is no trail to follow."""
MOST_LISTED = 16
"""Writes and calls a comparison lists; longer lists compare nothing."""
MOST_CALLERS = 40
"""Callers up to which a routine is asked for together with another."""

_BRIEF = 140

_TRACES = (
    "Follow {name} through the code: who writes it, and who takes its value?",
    "How does a value get through {name} from one file to another?",
    "{name} has a wrong value in `{reader}`. Which of our code put it there?",
    "Who talks to whom by {name}?",
    "I am changing what `{writer}` puts into {name}. Which of our code will see it?",
    "Trace {name} over the source files.",
)
_WRITERS = (
    "Which routine of the sources writes {name}?",
    "{name} changes unexpectedly. Which of our routines do I read first?",
    "Where is the write to {name} in the sources?",
    "Which of our routines names {name} to change it?",
)
_OF_BOTH = (
    "Name a routine that calls both `{first}` and `{second}`.",
    "Where do `{first}` and `{second}` meet: who calls the two?",
    "In my call trace `{first}` and `{second}` come from one routine. Which may it be?",
    "Is there a routine that calls `{first}` as well as `{second}`?",
)
_SIDE_BY_SIDE = (
    "Compare {left} and {right}. Both write {name}.",
    "{left} or {right}: which one does what, when both change {name}?",
    "What have {left} and {right} in common, and in what do they differ?",
    "Put {left} beside {right}.",
)


def drafts(project: Project, uses: Mapping[str, VariableUse]) -> Iterator[Draft]:
    """Traces, and writers."""
    outside = _outside(project)
    for name in sorted(uses):
        use = uses[name]
        known = use.accesses and use.whole and all(_is_code(a) for a in use.accesses)
        if not known or len(use.accesses) > MOST_PLACES:
            continue
        if _leads_on(use):
            yield _trace(use, outside)
        elif len(_routines(use.writers)) == 1 and len(_routines(use.accesses)) > 1:
            yield _writer(use, outside)


def _leads_on(use: VariableUse) -> bool:
    """Whether a file takes a value that another has put there: two files of which each
    writes what it reads may never be assembled together.
    """
    written = {access.file for access in use.writers}
    taken = {access.file for access in use.readers}
    return bool(written) and not taken <= written


def _outside(project: Project) -> str:
    """What is to be said of the game that a codebase patches: its code is not here."""
    if not any(unit.block.kind == "patch" for unit in project.units):
        return ""
    return " The original game's code is not among these sources and may use it, too."


def comparisons(project: Project, uses: Mapping[str, VariableUse]) -> Iterator[Draft]:
    """Two routines that alone write the same variable, side by side."""
    met: set[tuple[str, str]] = set()
    for name in sorted(uses):
        use = uses[name]
        if not use.whole or not all(_is_code(access) for access in use.writers):
            continue
        units = [access.unit for access in use.writers if access.unit is not None]
        pair = list(dict.fromkeys(units))
        if len(pair) != 2 or not all(_is_comparable(project, unit) for unit in pair):
            continue
        key = (pair[0].block.name, pair[1].block.name)
        lists = [f(unit) for f in (_written, _called) for unit in pair]
        short = len(set(chain.from_iterable(lists))) <= MOST_LISTED
        if key not in met and short and any(unit.summary for unit in pair):
            met.add(key)
            yield _comparison(use, pair[0], pair[1])


def _is_code(access: Access) -> bool:
    """Whether an access stands in a routine of its own name."""
    return access.unit is not None and access.unit.block.kind == "routine"


def _routines(accesses: list[Access]) -> list[str]:
    names = [access.unit.block.name for access in accesses if access.unit is not None]
    return list(dict.fromkeys(names))


def _rows(accesses: list[Access]) -> str:
    rows = []
    for access in accesses:
        name = access.unit.block.name if access.unit is not None else ""
        rows.append(
            f"- `{access.written}` in `{name}` (`{access.file}`, line {access.line})"
        )
    return "\n".join(rows)


def _about(use: VariableUse) -> str:
    """The variable with its place and, where the source tells it shortly, its
    meaning.
    """
    said = meaning(use.symbol)
    short = said and "\n" not in said and len(said) <= _BRIEF
    told = f" The source says of it: “{said}”" if short else ""
    return f"`{use.symbol.name}` is at {address(use.symbol.value)}.{told}"


def _place(use: VariableUse) -> tuple[str, int, int, str]:
    symbol = use.symbol
    return (
        symbol.file,
        symbol.line,
        symbol.line,
        f"variable:{address(canonical(symbol.value))}",
    )


def _trace(use: VariableUse, outside: str) -> Draft:
    name = f"`{use.symbol.name}`"
    writers, readers = use.writers, use.readers
    question = choose(_TRACES, f"trace {use.symbol.name}").format(
        name=name, writer=_routines(writers)[0], reader=_routines(readers)[-1]
    )
    both = [access for access in readers if access.writes]
    count = f"{len(use.accesses)} instructions in {len(use.files)} files"
    parts = [
        f"{_about(use)} By its name or its address {count} use it; what reaches it by "
        f"an index from a neighbour is not listed.{outside}",
        f"Written:\n{_rows(writers)}",
        f"Read:\n{_rows(readers)}",
    ]
    if both:
        parts.append("What stands in both lists reads the value and writes it back.")
    return Draft(
        "memory_trace",
        question,
        "\n\n".join(parts),
        *_place(use),
    )


def _writer(use: VariableUse, outside: str) -> Draft:
    name = f"`{use.symbol.name}`"
    (writer,) = _routines(use.writers)
    readers = [other for other in _routines(use.readers) if other != writer]
    answer = f"`{writer}`. {_about(use)} No other code of these sources writes it by "
    answer += "its name or its address; a loop over its neighbours, by an index, may."
    answer += f"{outside}\n{_rows(use.writers)}"
    if readers:
        answer += f"\n\nIts value is taken by {quoted(readers, MOST_PLACES)}."
    return Draft(
        "memory_writer",
        choose(_WRITERS, f"writer {use.symbol.name}").format(name=name),
        answer,
        *_place(use),
    )


def callers_of_two(project: Project) -> Iterator[Draft]:
    """Two routines that one routine calls both; of each caller one pair."""
    order = {unit.block.name: at for at, unit in enumerate(project.units)}
    in_macros = set(_named_in_macros(project))
    inside = _called_inside(project)
    called_by: dict[str, list[str]] = defaultdict(list)
    for name in sorted(project.callers):
        callers = project.reached_from(name, CALLED)
        some = 2 <= len(callers) <= MOST_CALLERS and name not in in_macros
        if some and project.find(name) is not None:
            for caller in callers:
                called_by[caller].append(name)
    for caller in sorted(called_by):
        unit = project.find(caller)
        names = called_by[caller]
        if unit is None or unit.block.kind != "routine":
            continue
        if unit.block.file in project.program.unbuilt:
            continue
        for at in range(len(names) - 1):
            first, second = names[at], names[at + 1]
            of_first = {*_users(project, first), *inside[first]}
            of_second = {*_users(project, second), *inside[second]}
            alone = of_first & of_second == {caller}
            if alone and not _run_together(order, of_first, of_second, caller):
                yield _caller_of_both(project, unit, first, second)
                break


def _users(project: Project, name: str) -> Iterator[str]:
    """The routines and tables that call a routine, go to it or hold its address."""
    for way in (CALLED, GONE_TO, LISTED):
        yield from project.reached_from(name, way)


def _called_inside(project: Project) -> Mapping[str, set[str]]:
    """Routine -> those whose text calls it, in the routines that stand inside, too."""
    found: dict[str, set[str]] = defaultdict(set)
    for unit in project.units:
        for how, name in unit.contract.calls:
            target = project.find_from(unit.block.name, name)
            if how in ("jsr", "jsl") and target is not None:
                found[target.block.name].add(unit.block.name)
    return found


def _run_together(
    order: Mapping[str, int], of_first: set[str], of_second: set[str], caller: str
) -> bool:
    """Whether a caller of one stands right beside a caller of the other: by running
    into it, the two may be one routine that calls both.
    """
    places = {order.get(name, -2) for name in of_first - {caller}}
    beside = {order.get(name, -9) for name in of_second - {caller}}
    own = order.get(caller, -20)
    near = {place + step for place in places for step in (-1, 1)}
    about = {own - 1, own + 1}
    return bool(near & beside) or bool((places | beside) & about)


def _named_in_macros(project: Project) -> Iterator[str]:
    """What macros call: who uses them is not read off the calls of routines."""
    for file in project.program.files.values():
        for macro in file.macros:
            for line in file.lines[macro.first - 1 : macro.last]:
                for statement in line.statements:
                    yield read_operand(statement.rest).name


def _caller_of_both(project: Project, unit: Unit, first: str, second: str) -> Draft:
    block = unit.block
    answer = f"`{block.name}` (`{block.file}`, line {block.first}) calls both."
    for name in (first, second):
        target = project.find(name)
        if target is not None and target.summary:
            answer += f"\n- `{name}`: {target.summary}"
    return about(
        block,
        "asm_which",
        choose(_OF_BOTH, f"{first} {second}").format(first=first, second=second),
        answer,
    )


def _is_comparable(project: Project, unit: Unit) -> bool:
    """Whether all a routine reads, writes and calls stands in its own text, by names:
    a number may be a place that has one.
    """
    contract = unit.contract
    alone = project.find(unit.block.name) is unit
    goes_on = {"fall", "cut"} & set(project.control_flow(unit).leaves)
    plain = not contract.macros and not contract.moves_direct_page
    named = all(operand.literal is None for operand in contract.writes)
    return alone and plain and named and not goes_on


def _comparison(use: VariableUse, one: Unit, other: Unit) -> Draft:
    name = f"`{use.symbol.name}`"
    left, right = f"`{one.block.name}`", f"`{other.block.name}`"
    chosen = choose(_SIDE_BY_SIDE, f"{left} {right}")
    question = chosen.format(left=left, right=right, name=name)
    places = [f"`{unit.block.file}`, line {unit.block.first}" for unit in (one, other)]
    parts = [
        f"{left} ({places[0]}) and {right} ({places[1]}) write {name} "
        f"({address(use.symbol.value)}); no other code of these sources writes it by "
        "its name."
    ]
    for unit in (one, other):
        if unit.summary:
            parts.append(f"- `{unit.block.name}`: {unit.summary}")
    for verb, of in (("write", _written), ("call", _called)):
        parts += _common_and_own(verb, left, right, of(one), of(other))
    ends = [listing(unit.contract.returns) for unit in (one, other)]
    if all(ends) and ends[0] != ends[1]:
        parts.append(f"- {left} returns with {ends[0]}, {right} with {ends[1]}")
    return about(one.block, "asm_compare", question, "\n".join(parts))


def _written(unit: Unit) -> list[str]:
    return [f"`{operand.text}`" for operand in unit.contract.writes]


def _called(unit: Unit) -> list[str]:
    calls = unit.contract.calls
    return [f"`{name}`" for how, name in calls if how in ("jsr", "jsl")]


def _common_and_own(
    verb: str, left: str, right: str, one: list[str], other: list[str]
) -> Iterator[str]:
    """What both do, and what each does alone."""
    both = [name for name in one if name in other]
    if both:
        yield f"- both {verb} {listing(both, MOST_PLACES)}"
    for name, own, others in ((left, one, other), (right, other, one)):
        alone = [item for item in own if item not in others]
        if alone:
            yield f"- only {name} {verb}s {listing(alone, MOST_PLACES)}"
