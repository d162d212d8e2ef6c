"""Changing single values of params.yaml in place: every other character stays as it
is, comments, indents, quotes and anchors too.

The YAML library says where a value begins and ends; only that place is written anew.
What comes out is read again and must say what was meant.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import yaml

from afs_stages.core.errors import UserError

Path = tuple[str, ...]
"""The keys that lead to a value: `("sources", "claude", "root")`."""


def set_value(text: str, path: Path, value: Any) -> str:
    """The text with one value set; a key that is not there is added, with the blocks
    that lead to it.

    Raises `UserError` where the place is an alias, so that writing there would change
    something else too.
    """
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(tree, yaml.MappingNode):
        raise UserError("no mapping", where="params.yaml")
    new = _set(text, tree, path, value)
    _require_meaning(text, new, path, value)
    return new


def _set(text: str, tree: yaml.MappingNode, path: Path, value: Any) -> str:
    block = tree
    inline = False
    for depth, name in enumerate(path):
        found = _entry(block, name)
        if found is None and inline and not block.value:
            return _replace(text, block, _nested(path[depth:], value))
        if found is None:
            return _insert(text, block, name, _nested(path[depth + 1 :], value))
        # What stands inside of braces is written inside of them.
        inline = inline or bool(block.flow_style)
        key, node = found
        # An alias is a node that stands elsewhere.
        if node.start_mark.index < key.end_mark.index:
            _refuse(path, value)
        if depth == len(path) - 1 or not isinstance(node, yaml.MappingNode):
            return _replace(text, node, _nested(path[depth + 1 :], value))
        block = node
    return text


def _entry(block: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next((entry for entry in block.value if entry[0].value == name), None)


def _nested(path: Path, value: Any) -> Any:
    """The value below the keys that lead to it."""
    for name in reversed(path):
        value = {name: value}
    return value


def _replace(text: str, node: yaml.Node, value: Any) -> str:
    begin, end = node.start_mark.index, node.end_mark.index
    # What is not written on one line ends where the next thing begins.
    written = text[begin:end].rstrip()
    return text[:begin] + _inline(value) + text[begin + len(written) :]


def _insert(text: str, block: yaml.MappingNode, name: str, value: Any) -> str:
    """The text with one more entry at the end of a block, written as its others are."""
    if block.flow_style and block.value:
        end = block.end_mark.index - 1
        before = text[:end].rstrip().removesuffix(",")
        return f"{before}, {name}: {_inline(value)}{text[end:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    if block.value:
        column = block.value[0][0].start_mark.column
        at = _line_end(text, _end(text, block))
        step = max(column, 2)
    else:  # `{}` becomes a block of lines
        begin, end = block.start_mark.index, block.end_mark.index
        text = text[:begin].rstrip(" ") + text[end:]
        column = _indent(text, begin - 1) + 2
        at = _line_end(text, begin - 1)
        step = 2
    lines = _lines(name, value, column, step)
    return text[:at] + "".join(f"{newline}{line}" for line in lines) + text[at:]


def _lines(name: str, value: Any, column: int, step: int) -> list[str]:
    """An entry as lines; the innermost mappings are written one key a line."""
    if not isinstance(value, dict):
        return [f"{' ' * column}{name}: {_inline(value)}"]
    lines = [f"{' ' * column}{name}:"]
    for key, inner in value.items():
        lines += _lines(key, inner, column + step, step)
    return lines


def _inline(value: Any) -> str:
    """A value on one line."""
    # PyYAML writes `:a` without quotes, and cannot read it again inside of braces.
    style = '"' if isinstance(value, str) and value.startswith(":") else None
    written = yaml.safe_dump(
        value,
        default_flow_style=True,
        default_style=style,
        width=10**6,
        sort_keys=False,
    )
    return written.removesuffix("\n").removesuffix("\n...")


def _end(text: str, node: yaml.Node) -> int:
    """Where the last thing in a block is written to its end."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    begin, end = node.start_mark.index, node.end_mark.index
    return begin + len(text[begin:end].rstrip())


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _indent(text: str, index: int) -> int:
    line = text[text.rfind("\n", 0, index) + 1 :]
    return len(line) - len(line.lstrip(" "))


def _require_meaning(old: str, new: str, path: Path, value: Any) -> None:
    """Raise `UserError` where the new text says anything else than was meant."""
    wanted = deepcopy(yaml.safe_load(old))
    block = wanted
    for name in path[:-1]:
        if not isinstance(block.get(name), dict):
            block[name] = {}
        block = block[name]
    block[path[-1]] = value
    try:
        says = yaml.safe_load(new)
    except yaml.YAMLError:
        says = None
    if says != wanted:
        _refuse(path, value)


def _refuse(path: Path, value: Any) -> None:
    raise UserError(
        f"{'.'.join(path)} cannot be changed without changing something else",
        where="params.yaml",
        fix=f"write it by hand: {path[-1]}: {_inline(value)}",
    )
