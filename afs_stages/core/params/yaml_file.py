"""params.yaml as YAML: its text, its values, and the line that each key stands in."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from afs_stages.core.errors import UserError
from afs_stages.core.params.mistake import Key, Mistake, refusal

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
RESTORE = "restore it: git checkout params.yaml"
RECODE = (
    "save it as UTF-8: iconv -f {code} -t UTF-8 {path} > new.yaml; mv new.yaml {path}"
)
INDENT = (
    "indent the line as the other keys of its block, which begins in line {start}, "
    "and put nothing behind a closing quote or bracket"
)
FIXES = {
    "cannot start any token": "a value that begins with {met} is written in quotes",
    "mapping values are not allowed": "write a value that holds ': ' in quotes, "
    "or indent the line as the other keys of its block",
    "expected ',' or": "close the bracket that line {start} opens",
    "unexpected end of stream": "close the quote that line {start} opens",
    "expected ':'": "write `key: value`, with a colon and a blank",
    "expected key": INDENT,
    "expected <block end>": INDENT,
    "undefined alias": "write the value in place of {met}, or mark it with & above",
    "second occurrence": "give the second & another name",
    "constructor for the tag": "remove the tag {met}",
    "another document": "remove the line `---`: the file is one document",
    "unhashable key": "a key is a word, followed by a colon",
    "unknown escape": "write the text in single quotes",
    "for merging": "`<<:` takes another block by its mark: `<<: *name`",
}
"""What YAML says of a mistake -> how to mend it; `{met}` is the word that stands
there, `{start}` the line of what was begun."""
GENERAL = "write the value in quotes, and indent as the lines above"


@dataclass(frozen=True)
class YamlFile:
    """A parameter file that is valid YAML: its values, and where each stands."""

    name: str
    data: dict[Any, Any]
    tree: yaml.Node | None

    def where(self, key: Sequence[str | int]) -> str:
        """`params.yaml:12`: the line of a key, or of the part of it that is there."""
        return f"{self.name}:{self._line(key)}"

    def refusal(self, mistakes: Sequence[Mistake]) -> UserError:
        """One error for all of some mistakes, in the order of their lines; each has a
        `fix:` of its own.
        """
        found = sorted(mistakes, key=lambda mistake: self._line(mistake.key))
        return refusal([(self.where(one.key), one) for one in found])

    def _line(self, key: Sequence[str | int]) -> int:
        line, node = 1, self.tree
        for part in key:
            found = _child(node, part)
            if found is None:
                break
            line, node = found
        return line


def read_text(path: Path) -> str:
    """The text of a parameter file.

    Raises `UserError` where there is no file, it cannot be read, or is no UTF-8 text.
    """
    where = str(path)
    if path.is_dir():
        raise UserError(
            "a folder, where the parameter file should be",
            where=where,
            fix=f"move it away (mv {path} {path}.old), and {RESTORE}",
        )
    if not path.is_file():
        raise UserError(
            "no such file",
            where=where,
            fix="run from the repository root, where params.yaml lies",
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"cannot be read: {error.strerror}", where=where, fix=f"chmod u+r {path}"
        ) from None
    if data.startswith(UTF16):
        raise UserError(
            "UTF-16, not UTF-8",
            where=f"{path}:1",
            fix=RECODE.format(code="UTF-16", path=path),
        )
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise UserError(
            "no text: a byte 0 stands here", where=f"{path}:{line}", fix=RESTORE
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise UserError(
            f"not UTF-8: byte 0x{byte:02X} ('{chr(byte)}' in Latin-1)",
            where=f"{path}:{line}",
            fix=RECODE.format(code="LATIN1", path=path),
        ) from None


def read_yaml(text: str, name: str) -> YamlFile:
    """The values of a YAML text and their lines; `name` stands in errors.

    Raises `UserError` where the text is not YAML, is no mapping, or sets a key twice.
    """
    try:
        tree = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, text, name) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise UserError(
            f"not valid YAML: the invisible character {error.character:#04x}",
            where=f"{name}:{line}",
            fix="delete it, or write the value in quotes with \\x in its place",
        ) from None
    except ValueError as error:
        line = next(_impossible(tree), 1)
        raise UserError(
            f"not valid YAML: {error}",
            where=f"{name}:{line}",
            fix="write the value in quotes",
        ) from None
    if not isinstance(data, dict):
        what = "the file is empty or no mapping"
        raise UserError(what, where=f"{name}:1", fix=RESTORE)
    file = YamlFile(name, data, tree)
    repeated = list(_repeated(tree, (), set()))
    if repeated:
        raise refusal([(f"{name}:{line}", mistake) for line, mistake in repeated])
    return file


def _impossible(node: yaml.Node | None) -> Iterator[int]:
    """The lines of values that look like what they cannot be: the 45th of May."""
    if isinstance(node, yaml.ScalarNode):
        try:
            _Loader("").construct_object(node)
        except ValueError:
            yield node.start_mark.line + 1
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for part in pair:
                yield from _impossible(part)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _impossible(part)


def _not_yaml(error: yaml.MarkedYAMLError, text: str, name: str) -> UserError:
    mark = error.problem_mark
    problem = str(error.problem)
    line = mark.line + 1 if mark else 1
    start = error.context_mark.line + 1 if error.context_mark else line
    lines = [*text.splitlines(), ""]
    if line >= len(lines):  # the end of the file: what was begun is the mistake
        line = start
    there = lines[line - 1]
    words = there[mark.column if mark else 0 :].split()
    value = f"'{words[0]}'" if words else "the end of the line"
    fix = next((fix for part, fix in FIXES.items() if part in problem), GENERAL)
    indent = there[: len(there) - len(there.lstrip())]
    if "\t" in indent:
        fix = "indent with blanks, not with a tab"
    return UserError(
        f"not valid YAML: {problem}, at {value}",
        where=f"{name}:{line}",
        fix=fix.format(met=value, start=start),
    )


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    """Line and value of one key of a mapping, or of one item of a list."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        for item in node.value[part : part + 1]:
            return item.start_mark.line + 1, item
    return None


def _repeated(
    node: yaml.Node | None, above: Key, seen: set[int]
) -> Iterator[tuple[int, Mistake]]:
    """(line, mistake) of every key that a mapping sets a second time."""
    if not isinstance(node, yaml.MappingNode) or id(node) in seen:
        return
    seen.add(id(node))  # an alias may lead back to where it stands
    first: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        path = (*above, str(key.value))
        if key.value in first and key.value != "<<":
            earlier = first[key.value]
            what = f"key '{key.value}' stands twice, first in line {earlier}"
            yield line, Mistake(path, what, f"keep line {earlier} or line {line}")
        first.setdefault(key.value, line)
        yield from _repeated(value, path, seen)
