"""What an instruction works on: the expression, how it is addressed, and the index that
belongs to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_OPEN = {"(": ")", "[": "]"}
_NAME = re.compile(r"!?[A-Za-z_][\w.]*")
_LITERAL = re.compile(r"\$([0-9A-Fa-f]{1,6})")
_LOCAL = re.compile(r"\.[A-Za-z]\w*")
_INDEXES = ("X", "Y", "S")


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand taken apart.

    `mode` is `none`, `immediate`, `direct`, `indirect` (`(…)`) or `long` (`[…]`);
    `base` is the expression without brackets and indexes, `inner` the index inside
    the brackets and `index` the one outside: "", `X`, `Y` or `S`.
    """

    mode: str = "none"
    base: str = ""
    inner: str = ""
    index: str = ""

    @property
    def name(self) -> str:
        """The one name the expression is, "" for everything else."""
        return self.base if _NAME.fullmatch(self.base) else ""

    @property
    def local(self) -> bool:
        """Whether the expression is one local label (`.table`)."""
        return bool(_LOCAL.fullmatch(self.base))

    @property
    def literal(self) -> int | None:
        """The address, where the expression is a hexadecimal number and nothing else;
        a number of three digits or less is one of the direct page's or a constant.
        """
        match = _LITERAL.fullmatch(self.base)
        return int(match.group(1), 16) if match else None

    @property
    def place(self) -> str:
        """The name or `$ADDRESS` that is addressed, without its index; "" for an
        expression.
        """
        value = self.literal
        if value is None:
            return self.name if len(self.name) > 1 else ""
        return self.base.upper()

    @property
    def indexed(self) -> bool:
        """Whether a register is added to the address."""
        return bool(self.index or self.inner)

    @property
    def text(self) -> str:
        """The operand as people write it, with its indexes: `$2E,X`, `($00),Y`."""
        base = self.base.upper() if self.literal is not None else self.base
        inner = f",{self.inner}" if self.inner else ""
        index = f",{self.index}" if self.index else ""
        if self.mode == "immediate":
            return f"#{self.base}"
        if self.mode == "indirect":
            return f"({base}{inner}){index}"
        if self.mode == "long":
            return f"[{base}{inner}]{index}"
        return f"{base}{index}"


@lru_cache(maxsize=1 << 14)
def read_operand(rest: str) -> Operand:
    """Take an operand apart; any text gives an operand, and none raises an error."""
    text = rest.strip()
    if not text:
        return Operand()
    if text.startswith("#"):
        return Operand("immediate", text[1:].strip())
    body, index = _index(text)
    closing = _OPEN.get(body[:1], "")
    if not closing or not _encloses(body, closing):
        return Operand("direct", body, "", index)
    base, inner = _index(body[1:-1])
    mode = "indirect" if closing == ")" else "long"
    return Operand(mode, base, inner, index)


def _index(text: str) -> tuple[str, str]:
    """(what stands before the index, the index)."""
    before, comma, behind = text.rpartition(",")
    index = behind.strip().upper()
    if comma and index in _INDEXES:
        return before.strip(), index
    return text.strip(), ""


def _encloses(text: str, closing: str) -> bool:
    """Whether the bracket that opens a text is closed by its last character."""
    if not text.endswith(closing):
        return False
    depth = 0
    for at, character in enumerate(text):
        depth += (character == text[0]) - (character == closing)
        if not depth:
            return at == len(text) - 1
    return False
