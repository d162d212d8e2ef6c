"""Names a snippet takes from its code base,
defined just enough for the snippet to assemble.

A label is stubbed only where its very name stands in the snippet as a token: an
undefined `.sub` label is reported as `Parent_sub`, and stubbing that would hide the
mistake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self

from afs_stages.asm.lexer import parse
from afs_stages.asm.opcode_table import references

HEADER, PLACE = "org $008000\n", "org $008080\n"
MAX_ROUNDS = 6
_MISSING = re.compile(
    r"(Label|Macro|Define|Function) '!?([\w.]+)(?:\([^']*)?' wasn't found",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"relative branch out of bounds|^file '.*' wasn't found", re.IGNORECASE
)
_DEFINE = re.compile(r"!\^?(\w+)")
_TOKEN = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*")


@dataclass
class Stubbed:
    """A snippet with the stubs it has needed so far."""

    code: str
    stubs: dict[str, str] = field(default_factory=dict)
    fields: dict[str, None] = field(default_factory=dict)

    @classmethod
    def foreseen(cls, code: str) -> Self:
        """The snippet with every name stubbed that its instructions use and
        nothing in it defines.

        Most code assembles with these at once; asar, which reports one kind of missing
        name a pass, would need a pass for each.
        """
        made = cls(code)
        tokens = set(_TOKEN.findall(code))
        statements = parse(code)
        own = {s.name for s in statements if s.kind in ("label", "assign")}
        own |= {s.operand.partition("(")[0] for s in statements if s.name == "macro"}
        for statement in statements:
            if statement.kind == "op" and statement.operand:
                for name in _DEFINE.findall(statement.operand):
                    made.miss("define", name, tokens, own)
                for name in references(statement.operand):
                    made.miss("label", name, tokens, own)
            elif statement.kind == "macro":
                made.miss("macro", statement.name, tokens, own)
        return made

    def miss(self, kind: str, name: str, tokens: set[str], own: set[str]) -> None:
        """Stub one name that is missing, unless the snippet defines it itself."""
        if name in own or f"!{name}" in own or name.partition(".")[0] in own:
            return
        if kind == "label" and name.count(".") == 1 and name in tokens:
            self.fields[name] = None
        elif stub := _stub(kind, name, self.code, tokens):
            self.stubs.setdefault(f"{kind} {name}", stub)

    def text(self) -> str:
        """What asar is given."""
        fields: dict[str, list[str]] = {}
        for name in self.fields:
            parent, _, field_name = name.partition(".")
            fields.setdefault(parent, []).append(f".{field_name}: skip 1\n")
        structs = [
            f"struct {parent} $7E1000\n{''.join(lines)}endstruct"
            for parent, lines in fields.items()
        ]
        return (
            HEADER
            + "".join(f"{line}\n" for line in (*self.stubs.values(), *structs))
            + PLACE
            + self.code
            + "\n"
        )

    @property
    def count(self) -> int:
        """How many outside names were stubbed."""
        return len(self.stubs) + len(self.fields)

    def outside(self, known: frozenset[str]) -> int:
        """How many of them the code base does not know either."""
        names = [key.partition(" ")[2] for key in self.stubs]
        fields = [name for name in self.fields if name.partition(".")[0] not in known]
        return sum(name not in known for name in (*names, *fields))

    def learn(self, errors: list[str]) -> bool:
        """Stub what the errors miss; whether anything was added."""
        before = self.count
        tokens = set(_TOKEN.findall(self.code))
        for error in errors:
            for kind, name in _MISSING.findall(error):
                self.miss(kind.lower(), name, tokens, set())
        return self.count > before


def _stub(kind: str, name: str, code: str, tokens: set[str]) -> str:
    if kind == "define":
        return f"!{name} = $12" if f"!{name}" in code else ""
    if kind == "macro":
        return f"macro {name}(...)\nendmacro" if f"%{name}" in code else ""
    if kind == "function":
        call = re.search(rf"\b{re.escape(name)}\(([^()]*)\)", code)
        arguments = (
            ",".join(f"a{i}" for i in range(call[1].count(",") + 1)) if call else ""
        )
        return f"function {name}({arguments}) = 1" if call else ""
    return f"{name} = $0080F0" if name in tokens and "." not in name else ""


def only_outside(errors: list[str]) -> bool:
    """Whether all that is left is of outside: a branch to where a stub happens to lie,
    or a file not at hand.
    """
    return bool(errors) and all(_OUTSIDE.search(error) for error in errors)
