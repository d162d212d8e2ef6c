"""What pydantic finds wrong, told as mistakes: each with the value met, and with a fix
made from what the key takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from afs_stages.core.errors import closest, nearest
from afs_stages.core.params.mistake import Key, Misfit, Mistake, dotted, met

EXAMPLES = {
    "models": "expert: {version: v1, weights: {claude: 1.0}}",
    "sources": "claude: {type: claude, root: data/raw/claude}",
    "weights": "claude: 1.0",
    "version": "v1",
    "root": "data/raw/claude",
    "gpu_name": "RTX 4090",
    "vram_gb": "24",
    "max_price": "0.50",
}
"""Key that must be there -> what may stand at it."""
WORDS = {
    "greater_than": ("must be above {gt:g}", "write a number above {gt:g}"),
    "greater_than_equal": ("must be at least {ge:g}", "write {ge:g} or more"),
    "less_than": ("must be below {lt:g}", "write a number below {lt:g}"),
    "less_than_equal": ("must be at most {le:g}", "write {le:g} or less"),
    "finite_number": ("must have an end", "write a finite number"),
    "int_type": ("must be a whole number", "write a whole number"),
    "int_parsing": ("must be a whole number", "write a whole number"),
    "int_from_float": ("must be a whole number", "write a whole number"),
    "float_type": ("must be a number", "write a number"),
    "float_parsing": ("must be a number", "write a number"),
    "bool_type": ("must be true or false", "write true or false"),
    "bool_parsing": ("must be true or false", "write true or false"),
    "string_type": ("must be a text", "write a text"),
    "list_type": ("must be a list", "write a list: [{met}]"),
    "tuple_type": ("must be a list", "write a list: [{met}]"),
    "dict_type": ("must be a block of keys", "write its keys below it, indented"),
    "model_type": ("must be a block of keys", "write its keys below it, indented"),
}
"""Problem -> what is wrong, and how to mend it."""
_TAGS = {"str", "list[str]", "[key]"}
"""What pydantic adds to a place: which of two types it tried, that it means a key."""


def mistakes_of(
    error: ValidationError, block: type[BaseModel], *further: str
) -> list[Mistake]:
    """Every problem of a block's values, its key counted from that block; `further`
    are keys that stand in it and are not the block's own.
    """
    found: dict[Key, Mistake] = {}
    for problem in error.errors(include_url=False):
        for mistake in _told(problem, block, further):
            found.setdefault(mistake.key, mistake)
    return list(found.values())


def _told(
    problem: Any, block: type[BaseModel], further: Sequence[str]
) -> Iterator[Mistake]:
    key = tuple(part for part in problem["loc"] if part not in _TAGS)
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, Misfit):
        yield from (mistake.below(*key) for mistake in cause.mistakes)
    elif problem["type"] == "extra_forbidden":
        yield _unknown(key, block, further)
    elif problem["type"] == "missing":
        example = EXAMPLES.get(str(key[-1]), "…")
        if ": " in example:
            example = f"{{{example}}}"
        fix = f"add `{key[-1]}: {example}` to {dotted(key[:-1]) or 'the file'}"
        yield Mistake(key, f"missing key '{key[-1]}'", fix)
    else:
        yield _bad_value(key, problem, block)


def _unknown(key: Key, block: type[BaseModel], further: Sequence[str]) -> Mistake:
    name = str(key[-1])
    known = [*further, *_fields(_inside(block, key[:-1]))]
    guess = closest(name, known)
    homes = [place for place in _places(block, name) if place != key]
    if guess:
        fix = f"write '{guess}' in place of '{name}'"
    elif homes:
        fix = f"move it to where it belongs: {dotted(homes[0])}"
    else:
        fix = "remove the line"
    return Mistake(key, f"unknown key '{name}' ({nearest(name, known)})", fix)


def _bad_value(key: Key, problem: Any, block: type[BaseModel]) -> Mistake:
    kind, value = problem["type"], problem["input"]
    shown = met(value)
    default = _default(block, key)
    otherwise = f"; the default is {default}" if default else ""
    if value is None:
        example = EXAMPLES.get(str(key[-1]), "")
        fix = f"write `{example}`" if example else "write a value, or remove the line"
        return Mistake(key, "nothing stands here, got null", f"{fix}{otherwise}")
    if kind == "literal_error":
        choices = _choices(block, key, is_name="[key]" in problem["loc"])
        guess = closest(str(value), choices)
        what = f"must be {' or '.join(choices)}, got {shown}"
        fix = f"write {guess}" if guess else f"write one of them{otherwise}"
        return Mistake(key, what, fix)
    if kind == "string_pattern_mismatch" or key[-1:] == ("version",):
        digits = "".join(filter(str.isdigit, str(value))) or "1"
        what = f"must be v and a number, got {shown}"
        return Mistake(key, what, f"write v{digits}")
    if kind == "too_short":
        example = EXAMPLES.get(str(key[-1]), "…")
        fix = f"write at least one entry below it: `{example}`"
        return Mistake(key, f"must not be empty, got {shown}", fix)
    what, fix = _wrong_type(problem)
    if not what:
        what, fix = problem["msg"], f"docs/params.md says what {dotted(key)} takes"
    return Mistake(key, f"{what}, got {shown}", f"{fix}{otherwise}")


def _wrong_type(problem: Any) -> tuple[str, str]:
    """What is wrong and the fix, where a value is of the wrong type or out of range."""
    kind, value, tags = problem["type"], problem["input"], {*problem["loc"]} & _TAGS
    quoted = f'write it in quotes: "{value}"'
    if "[key]" in tags:
        return "a name must be a text", quoted
    if tags:
        return "must be a text or a list of texts", "write one text, or a list of texts"
    if kind == "string_type" and not isinstance(value, dict | list):
        return "must be a text", quoted
    what, fix = WORDS.get(kind, ("", ""))
    context = {**problem.get("ctx", {}), "met": value}
    return what.format(**context), fix.format(**context)


def _choices(block: type[BaseModel], key: Key, is_name: bool) -> list[str]:
    """The words that may stand at a key, or as one."""
    kind = _inside(block, key[:-1] if is_name else key)
    if is_name:
        kind = get_args(kind)[0]
    return list(get_args(kind))


def _default(block: type[BaseModel], key: Key) -> str:
    """The default of a key as the file would hold it; empty where it has none, or is
    a block or a list.
    """
    field = _field(_inside(block, key[:-1]), key[-1]) if key else None
    if field is None or field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    scalar = isinstance(value, str | int | float) and value != ""
    return json.dumps(value).strip('"') if scalar else ""


def _inside(kind: Any, key: Sequence[Any]) -> Any:
    """The type that stands at a key, counted from a block."""
    for part in key:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            field = _field(kind, part)
            kind = field.annotation if field else None
    return kind


def _field(kind: Any, name: Any) -> FieldInfo | None:
    return _fields(kind).get(str(name))


def _fields(kind: Any) -> dict[str, FieldInfo]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_fields
    return {}


def _places(kind: Any, name: str, above: Key = ()) -> Iterator[Key]:
    """Every place below a block that has a key of this name."""
    for part, field in _fields(kind).items():
        if part == name:
            yield (*above, part)
        inner = field.annotation
        if get_origin(inner) is dict:
            inner, part = get_args(inner)[1], f"{part}.<name>"
        yield from _places(inner, name, (*above, part))
