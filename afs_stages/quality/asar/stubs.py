"""Names a snippet takes from its code base, defined just enough for the snippet to assemble.

A label is stubbed only where its very name stands in the snippet as a token: an undefined `.sub` label
is reported as `Parent_sub`, and stubbing that would hide the mistake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

HEADER = "org $008000\n"
MAX_ROUNDS = 6
_MISSING = re.compile(r"(Label|Macro|Define|Function|Struct) ['\"]?!?([\w.]+)['\"]? (?:wasn't|was not|not) found", re.I)
_TOO_FAR = re.compile(r"relative branch out of bounds", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*")


@dataclass
class Stubbed:
    """A snippet with the stubs it has needed so far."""

    code: str
    stubs: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """What asar is given."""
        return HEADER + "".join(f"{line}\n" for line in self.stubs.values()) + "org $008080\n" + self.code + "\n"

    def learn(self, errors: list[str]) -> bool:
        """Stub what the errors miss; whether anything was added."""
        before = len(self.stubs)
        tokens = set(_TOKEN.findall(self.code))
        for error in errors:
            for kind, name in _MISSING.findall(error):
                stub = _stub(kind.lower(), name, self.code, tokens)
                if stub:
                    self.stubs.setdefault(f"{kind.lower()} {name}", stub)
        return len(self.stubs) > before


def _stub(kind: str, name: str, code: str, tokens: set[str]) -> str:
    if kind == "define":
        return f"!{name} = $12" if f"!{name}" in code else ""
    if kind == "macro":
        return f"macro {name}(...)\nendmacro" if f"%{name}" in code else ""
    if kind == "function":
        call = re.search(rf"\b{re.escape(name)}\(([^()]*)\)", code)
        arguments = ",".join(f"a{i}" for i in range(call[1].count(",") + 1)) if call else ""
        return f"function {name}({arguments}) = 1" if call else ""
    plain = name if name in tokens else ""
    if kind == "struct" or "." in plain:
        return ""
    return f"{plain} = $0080F0" if plain else ""


def only_distance(errors: list[str], stubs: dict[str, str]) -> bool:
    """Whether all that is left is that a branch to a stubbed label is too far: where it lies is not known."""
    return bool(stubs and errors) and all(_TOO_FAR.search(error) for error in errors)
