"""The question of a sample, chosen by what the facts hold: a register is asked about
otherwise than a counter, a routine that three others call otherwise than a patch.

The answer stays what it is. So a question asks for no more than each answer of its kind
tells: of a variable what it is and where, of code what it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from afs_stages.asm.places import region
from afs_stages.codebase.facts.accesses import Access, VariableUse
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.mentions import owners
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import address, choose
from afs_stages.codebase.read.nodes import Macro
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.memory_map import meaning
from afs_stages.codebase.tell.name_lookup import NameLookup

_OF_A_VARIABLE = {
    "hardware register": (
        "Which register is {name}: what does the hardware do with it, and where is it?",
        "Before I touch {name}: what does that register do, and at which address?",
        "{name} is a register. Of what, and where?",
        "Tell me what the console does with {name} and where it is mapped.",
    ),
    "SRAM": (
        "What is kept in {name}, and where in the save data is it?",
        "{name} belongs to the save data. What does it remember, and where is it?",
        "I edit a save file. Where do I find {name}, and what does it mean?",
        "What does the game save in {name}, and where?",
    ),
    "direct page": (
        "{name} is on the direct page. Where exactly, and for what?",
        "Which cell of the direct page is {name}, and what is in it?",
        "What do I find in {name}, and at which address of the direct page?",
        "Before I use {name} as scratch: where is it, and what does it hold already?",
    ),
    "WRAM": (
        "Where is {name}, and what is it for?",
        "I want to watch {name} in the debugger. Where is it, and what will I see?",
        "What is in {name}, and where do I find it in work RAM?",
        "Describe {name}: address and meaning.",
        "Somebody mentioned {name}. What is that, and where is it?",
        "My patch has to know about {name}. What do I need to know of it?",
        "Can you tell me the address of {name} and what it stands for?",
        "Which place in RAM is {name}, and what does the game keep there?",
    ),
}
_OF_A_LEGEND = (
    "Which values can {name} have, what do they mean, and where is it?",
    "I see a number at {name}. How do I interpret it, and where is it?",
    "What are the values of {name}, and at which address do they appear?",
    "Decode {name} for me: its place and its values.",
)
_OF_A_USED = (
    "{user} {uses} {name}. What is that variable, and where is it?",
    "I am reading {user} and come to {name}. What is it, and at which address?",
    "What does {user} deal with when it {uses} {name}? Say where it is, too.",
)
_OF_A_COUNTED = (
    "{user} counts {name}. What is being counted there, and where is it?",
    "What is {name}, which {user} increments or decrements, and where is it?",
)
_OF_AN_ADDRESS = {
    "hardware register": (
        "Which hardware register is {place}, and what is it for?",
        "I see an access to {place}. Which part of the console is that?",
        "What is mapped at {place}?",
        "Explain the register at {place}.",
    ),
    "SRAM": (
        "Which part of the save data is {place}?",
        "A save file differs at {place}. What has changed in the game?",
        "What does the game remember at {place}?",
        "I compare two save files and see {place}. What is it?",
    ),
    "direct page": (
        "What is in the direct page at {place}?",
        "An instruction uses {place} on the direct page. What is it?",
        "Is {place} taken on the direct page, and by what?",
        "Which variable of the direct page is {place}?",
    ),
    "WRAM": (
        "What is at {place}?",
        "A watch on {place} fires. Which variable is that, and what is it for?",
        "May I use {place}, or is something there?",
        "I found {place} in a memory dump. What is it?",
        "Which variable has the address {place}?",
        "The debugger shows a write to {place}. What has the game changed?",
        "A cheat code changes {place}. What does it change in the game?",
        "Name and explain the RAM at {place}.",
    ),
}
_OF_A_READ_ADDRESS = (
    "{user} {uses} what is at {place}. Which variable is that?",
    "In {user} I see an access to {place}. What is it?",
)
_OF_A_ROUTINE = (
    "What does {name} do?",
    "Explain {name} from {file} to me.",
    "Walk me through {name}.",
    "I am reading {file}. How does {name} work?",
)
_OF_A_CALLED = (
    "What does {other} get done by calling {name}?",
    "{other} calls {name}. What happens there?",
    "Before I call {name} as {other} does: what does it do?",
)
_OF_A_WIDELY_CALLED = (
    "{name} is called from {count} routines. What do they need it for?",
    "What service does {name} offer the {count} routines that call it?",
)
_OF_A_GONE_TO = (
    "{other} goes on at {name}. What comes then?",
    "What is the code at {name} for, to which {other} jumps?",
)
_OF_A_LISTED = (
    "What does {name} do when its entry of the table in {other} is chosen?",
    "{name} stands in a table of {other}. What is it for?",
)
_OF_A_HOOKED = (
    "The patch at {other} leads to {name}. What does the new code do?",
    "What does the patch at {other} bring in with {name}?",
)
_OF_AN_INDEXED = (
    "{name} takes {index} from its caller. What does it do with it?",
    "What does {name} do for the {index} it is given?",
)
_OF_A_CALLING = (
    "What does {name} do itself, and for what does it call {called}?",
    "Which part does {called} play in {name}?",
)
_OF_A_PATCH = (
    "What does the patch at {name} in {file} change?",
    "Explain the hook `org {bare}` of {file}.",
    "What does {file} do to the original game at {name}?",
    "What happens at {name} once {file} is assembled in?",
    "What is `org {bare}` in {file} about?",
    "The original code at {name} is gone. What has {file} put there?",
)
_OF_A_TABLE = (
    "What is in the data table {name} ({file})?",
    "How do I read the table {name} of {file}?",
    "What do the entries of {name} stand for?",
    "I want to edit {name} in {file}. What is in it?",
    "Explain the data at {name}.",
    "What does the game look up in {name}?",
)
_OF_A_READ_TABLE = (
    "{other} reads the table {name}. What does it find there?",
    "What does {other} get out of {name}?",
)
_OF_A_MACRO = (
    "What does the macro {name} do?",
    "When do I use {name}?",
    "What does {name} assemble to, and for what?",
    "I see {name} in the source. What is behind it?",
    "How is {name} defined in {file}?",
    "Explain the macro {name} of {file}.",
)


@dataclass
class Asker:
    """Chooses questions by the facts of one codebase."""

    project: Project
    words: NameLookup
    uses: Mapping[str, VariableUse] = field(default_factory=dict)

    @cached_property
    def _symbols(self) -> dict[tuple[str, int], Symbol]:
        """(file, line) -> the variable that is defined there, where it is one."""
        found: dict[tuple[str, int], Symbol] = {}
        for symbol in self.project.best_symbol.values():
            found.setdefault((symbol.file, symbol.line), symbol)
        return found

    @cached_property
    def _units(self) -> dict[tuple[str, int, int], Unit]:
        return {
            (unit.block.file, unit.block.first, unit.block.last): unit
            for unit in self.project.units
        }

    @cached_property
    def _macros(self) -> dict[tuple[str, int], Macro]:
        return {
            (path, macro.first): macro
            for path, file in self.project.program.files.items()
            for macro in file.macros
        }

    def ask(self, draft: Draft) -> Draft:
        """The draft with a question of its facts; as it is where none is known."""
        questions = list(self._questions(draft))
        if not questions or draft.fault:
            return draft
        key = f"{draft.file} {draft.first} {draft.kind}"
        return replace(draft, question=choose(questions, key))

    def _questions(self, draft: Draft) -> Iterator[str]:
        if draft.kind in ("memory_name", "memory_address"):
            symbol = self._symbols.get((draft.file, draft.first))
            if symbol is not None and f"`{symbol.name}`" in draft.answer:
                yield from self._of_memory(draft, symbol)
            return
        if draft.kind == "asm_macro":
            macro = self._macros.get((draft.file, draft.first))
            if macro is not None:
                call = f"`%{macro.name}({macro.params})`"
                for phrase in _OF_A_MACRO:
                    yield phrase.format(name=call, file=f"`{draft.file}`")
            return
        unit = self._units.get((draft.file, draft.first, draft.last))
        if unit is None:
            return
        if draft.kind == "asm_explanation":
            yield from self._of_routine(unit)
        elif draft.kind == "asm_hook":
            names = {"name": unit.block.name, "bare": unit.block.name}
            for phrase in _OF_A_PATCH:
                yield phrase.format(file=f"`{draft.file}`", **names)
        elif draft.kind == "asm_table":
            yield from self._of_table(unit)

    def _of_memory(self, draft: Draft, symbol: Symbol) -> Iterator[str]:
        """Questions about a variable by its name, or about its address."""
        kind = region(symbol.value)
        use = self.uses.get(symbol.name)
        users = [a for a in use.accesses if a.unit is not None] if use else []
        users = [a for a in users if a.unit and a.unit.block.kind == "routine"]
        filled = {"name": f"`{symbol.name}`", "place": address(symbol.value)}
        if users and users[0].unit:
            filled["user"] = f"`{users[0].unit.block.name}`"
            filled["uses"] = "writes" if users[0].writes else "reads"
        by_name = draft.kind == "memory_name"
        pools = [(_OF_A_VARIABLE if by_name else _OF_AN_ADDRESS).get(kind, ())]
        if by_name and _is_legend(meaning(symbol)):
            pools.append(_OF_A_LEGEND)
        if users:
            pools.append(_OF_A_USED if by_name else _OF_A_READ_ADDRESS)
        if by_name and users and users[0].word in ("inc", "dec"):
            pools.append(_OF_A_COUNTED)
        for pool in pools:
            yield from _filled(pool, filled, users, symbol)

    def _of_routine(self, unit: Unit) -> Iterator[str]:
        """Questions about a routine, by who reaches it and what it is given."""
        block, project = unit.block, self.project
        filled = {"name": f"`{block.name}`", "file": f"`{block.file}`"}
        pools: list[tuple[tuple[str, ...], dict[str, str]]] = [(_OF_A_ROUTINE, {})]
        by_way: tuple[tuple[str, tuple[str, ...]], ...] = (
            (CALLED, _OF_A_CALLED),
            (GONE_TO, _OF_A_GONE_TO),
            (LISTED, _OF_A_LISTED),
        )
        for how, pool in by_way:
            others = project.reached_from(block.name, how)
            if others:
                pools.append((pool, {"other": f"`{others[0]}`"}))
        callers = project.reached_from(block.name, CALLED)
        if len(callers) > 2 and block.name not in project.led_to_by_unnamed:
            pools.append((_OF_A_WIDELY_CALLED, {"count": str(len(callers))}))
        hooks = project.hooks.get(block.name, [])
        if hooks:
            pools.append((_OF_A_HOOKED, {"other": hooks[0].name}))
        given = project.control_flow(unit).index_given
        if given:
            pools.append((_OF_AN_INDEXED, {"index": " and ".join(given)}))
        targets = (project.find(name) for _, name in unit.contract.calls)
        called = next((t for t in targets if t is not None and t.summary), None)
        if called is not None and called is not unit:
            pools.append((_OF_A_CALLING, {"called": f"`{called.block.name}`"}))
        for pool, more in pools:
            for phrase in pool:
                yield phrase.format(**filled, **more)

    def _of_table(self, unit: Unit) -> Iterator[str]:
        block = unit.block
        filled = {"name": f"`{block.name}`", "file": f"`{block.file}`"}
        for phrase in _OF_A_TABLE:
            yield phrase.format(**filled)
        uses = self.words.mentions.names.get(block.name, ())
        readers = [
            owner.name
            for owner in owners(uses)
            if owner.kind == "routine" and owner.name != block.name
        ]
        for phrase in _OF_A_READ_TABLE if readers else ():
            yield phrase.format(**filled, other=f"`{readers[0]}`")


def _filled(
    pool: tuple[str, ...], filled: dict[str, str], users: list[Access], symbol: Symbol
) -> Iterator[str]:
    """The questions of a pool; of a user they name the place as the user does."""
    of_user = pool in (_OF_A_USED, _OF_A_COUNTED)
    name = _as_written(users[0], symbol) if of_user else filled["name"]
    for phrase in pool if name else ():
        yield phrase.format(**{**filled, "name": name})


def _as_written(access: Access, symbol: Symbol) -> str:
    """The place as the instruction has it: the variable's name, or a bare address; ""
    where it is neither.
    """
    base = access.operand.base
    known = base in (symbol.name, f"!{symbol.name}") or base.startswith("$")
    return f"`{base}`" if known else ""


def _is_legend(said: str) -> bool:
    """Whether a meaning lists values, a line each."""
    rows = [line.strip() for line in said.split("\n") if line.strip()]
    listed = [row for row in rows if row[:1].isdigit() or row[:1] in "$%-"]
    return len(listed) >= 2
