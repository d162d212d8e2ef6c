"""Assembly as units: mnemonic, number, symbol, label, each one token; local labels by
order of appearance.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from afs_stages.asm.lexer import Statement, parse

NEWLINE = "<nl>"
SPECIAL = ("<pad>", "<cls>", "<mask>", "<unk>")
_UNIT = re.compile(r"\$[0-9A-Fa-f]+|%[01]+|\.+\w+|!?\w+|[^\s\w]")
_CLASSES = (
    (re.compile(r"\$[0-9a-f]{1,2}$"), "<hex2>"),
    (re.compile(r"\$[0-9a-f]{3,4}$"), "<hex4>"),
    (re.compile(r"\$[0-9a-f]{5,}$"), "<hex6>"),
    (re.compile(r"\d+$"), "<decimal>"),
    (re.compile(r"%[01]+$"), "<bits>"),
    (re.compile(r"!"), "<define>"),
    (re.compile(r"\.\d+$"), "<local>"),
    (re.compile(r"\w+:$"), "<label>"),
    (re.compile(r"op:"), "<op>"),
    (re.compile(r"\w"), "<symbol>"),
)


@lru_cache(maxsize=65536)
def operand_units(operand: str) -> tuple[str, ...]:
    """The units of an operand, in lower case; local labels keep theirs."""
    return tuple(
        unit if unit[0] == "." else unit.lower() for unit in _UNIT.findall(operand)
    )


def tokenise(code: str) -> list[str]:
    """The units of a snippet, `<nl>` after each statement;
    local labels become `.0`, `.1` …
    """
    locals_: dict[str, str] = {}
    tokens: list[str] = []
    for statement in parse(code):
        tokens.extend(_statement(statement, locals_))
        tokens.append(NEWLINE)
    return tokens


def _local(name: str, locals_: dict[str, str]) -> str:
    return locals_.setdefault(name.lower(), f".{len(locals_)}")


def _statement(statement: Statement, locals_: dict[str, str]) -> list[str]:
    if statement.kind == "label":
        name = statement.name
        return [_local(name, locals_) + ":"] if name[0] == "." else [name.lower() + ":"]
    head = statement.name.lower()
    if statement.kind == "op":
        head = f"op:{head}.{statement.size}" if statement.size else f"op:{head}"
    units = [
        _local(unit, locals_) if unit[0] == "." else unit
        for unit in operand_units(statement.operand)
    ]
    return [head, *units[:64]]


def unit_class(token: str) -> str:
    """What stands for a token the vocabulary does not hold."""
    return next((name for pattern, name in _CLASSES if pattern.match(token)), "<unk>")


@dataclass(frozen=True)
class Vocabulary:
    """Tokens to ids: the special ones, the classes,
    then the frequent tokens of a corpus.
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "_ids", {token: number for number, token in enumerate(self.tokens)}
        )

    @classmethod
    def of(
        cls, corpus: Iterable[list[str]], size: int = 4096, least: int = 2
    ) -> Vocabulary:
        """The vocabulary of a corpus: tokens met at least `least` times,
        most frequent first.
        """
        counts = Counter(token for tokens in corpus for token in tokens)
        fixed = dict.fromkeys((*SPECIAL, NEWLINE, *(name for _, name in _CLASSES)))
        frequent = sorted(
            (t for t, n in counts.items() if n >= least), key=lambda t: (-counts[t], t)
        )
        return cls(tuple(dict.fromkeys((*fixed, *frequent)))[:size])

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Ids of tokens; unknown ones by their class."""
        ids: dict[str, int] = self._ids  # type: ignore[attr-defined]
        return [
            ids[t] if t in ids else ids.get(unit_class(t), ids["<unk>"]) for t in tokens
        ]
