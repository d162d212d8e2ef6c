"""Facts in an answer that can be checked one by one: addresses, names, registers.

A fact is a text: an address in its one form (`$32`), or a name as code writes it
(`CameraY`, `!HDMA_BEAM`, `INIDISP`).
"""

from __future__ import annotations

import re

from afs_stages.asm.isa import REGISTERS

_ADDRESS = re.compile(r"(?:\$|\b0x)((?:[0-9A-Fa-f]{2}:)?[0-9A-Fa-f]+)\b")
_NAME = re.compile(r"`([!.]?[A-Za-z_]\w*)`")
_REGISTERS = frozenset(REGISTERS.values())
_CAPITALS = re.compile(r"\b([A-Z][A-Z0-9]+)\b")
_FACT = re.compile(
    rf"(?P<address>{_ADDRESS.pattern})|{_NAME.pattern}|{_CAPITALS.pattern}"
)
_WORD = re.compile(r"[!.]?[A-Za-z_]\w*")
_SENTENCE_END = re.compile(r"[.:]\s|\n")

_LOW_RAM, _LOW_RAM_SIZE = 0x7E0000, 0x2000


def address(digits: str) -> str:
    """An address in one form: `7E:0032`, `7E0032` and `0032` (low RAM's
    mirror) are `$32`.
    """
    value = int(digits.replace(":", ""), 16)
    if 0 <= value - _LOW_RAM < _LOW_RAM_SIZE:
        value -= _LOW_RAM
    return f"${value:X}"


def is_address(fact: str) -> bool:
    """Whether a fact is an address, not a name."""
    return fact.startswith("$")


def facts_in(text: str) -> list[str]:
    """The facts of a text in the order they first stand there; names in backticks,
    hardware registers without too.
    """
    found: dict[str, None] = {}
    for match in _FACT.finditer(text):
        digits, name, capitals = match.groups()[1:]
        if digits or name or capitals in _REGISTERS:
            found[address(digits) if digits else name or capitals] = None
    return list(found)


def new_facts(question: str, text: str) -> list[str]:
    """The facts of a text that its question does not hold.

    A name is held by a question that writes it anywhere, in code too.
    """
    held = {address(digits) for digits in _ADDRESS.findall(question)}
    words = set(_WORD.findall(question))
    held |= words | {word.lstrip("!.") for word in words}
    return [
        fact for fact in facts_in(text) if fact not in held and fact[1:] not in held
    ]


def first_sentence(text: str) -> str:
    """A text up to its first full stop, colon or line end, without that."""
    return _SENTENCE_END.split(text.strip(), maxsplit=1)[0]


def sought(question: str, answer: str) -> str:
    """What a look-up asks for: the one address, or the one name, of the
    answer's first sentence.

    A question that holds an address asks for a name, any other for an address. Empty
    where the answer holds none or several.
    """
    head = first_sentence(answer)
    names = {name for name in _NAME.findall(head) if f"`{name}`" not in question}
    addresses = {address(digits) for digits in _ADDRESS.findall(head)}
    found = names if _ADDRESS.search(question) else addresses
    return found.pop() if len(found) == 1 else ""


def wanted(question: str, answer: str) -> tuple[str, ...]:
    """The facts that an answer has to name, by its reference: the one that is sought,
    or those of the first sentence that tells any. Empty where none can be checked.
    """
    one = sought(question, answer)
    if one:
        return (one,)
    for sentence in _SENTENCE_END.split(answer):
        facts = new_facts(question, sentence)
        if facts:
            return tuple(facts)
    return ()


def recalls(question: str, facts: tuple[str, ...], text: str) -> bool:
    """Whether an answer names exactly the wanted facts before any other of their kind.

    Of three wanted names the first three names that the question does not hold must be
    these; addresses beside them do no harm where only names are wanted. Of a text
    without any backticks, names have to be among the words.
    """
    kinds = {is_address(fact) for fact in facts}
    if kinds == {False} and "`" not in text:
        return all(
            re.search(rf"(?<!\w){re.escape(fact)}(?!\w)", text) for fact in facts
        )
    told = [fact for fact in new_facts(question, text) if is_address(fact) in kinds]
    return set(told[: len(facts)]) == set(facts)
