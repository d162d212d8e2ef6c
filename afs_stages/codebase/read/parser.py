"""The parser for asar's language: one pass over the lexed lines, never stopping,
reporting what it cannot read.
"""

from __future__ import annotations

import re

from afs_stages.asm.isa import DATA, MNEMONICS, OTHER
from afs_stages.asm.lexer import Line, Statement, lex
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.choices import Conditions
from afs_stages.codebase.read.continuation import continued, spread, whole_comment
from afs_stages.codebase.read.nodes import (
    AsmFile,
    Equate,
    Field,
    Include,
    Label,
    Macro,
    Org,
    PcStep,
    Struct,
)
from afs_stages.codebase.read.tree import Problem, TextFile
from afs_stages.codebase.read.unnamed import unnamed_lines

_DEFINE = re.compile(r"^!([\w{}!]+)\s*(?:=|:=|#=|\?=|\+=)\s*(.+)$")
_EQUATE = re.compile(r"^([A-Za-z_][\w.]*)\s*:?=\s*(.+)$")
_ARGUMENTS = re.compile(r"^([A-Za-z_]\w*)\s*\(([^)]*)\)")
_ADDRESS_MARK = re.compile(r"^#_([0-9A-F]{6})$")
"""What disassemblies put before every line: the address as a label
(`#_068056: PLB`).
"""
_UNNAMED_PLACE = re.compile(r"[; \t]*(=\s*)?\$[0-9A-Fa-f]{2,6}\b(?!\s*[-:])")
_OLD_LABEL = re.compile(r";+ ?[A-Za-z_]\w*_\w*:$")
_MAX_HEADER = 60
_MAX_SECTION = 40


def _has_a_word_of(name: str, said: str) -> bool:
    """Whether a text has a word of a name in it, of four letters and more."""
    words = re.findall(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}", name)
    return any(word.lower() in said.lower() for word in words if len(word) > 3)


def parse(file: TextFile, problems: list[Problem]) -> AsmFile:
    """Parse one file; what could not be read is added to `problems`."""
    parser = _Parser(file, problems)
    parser.run()
    return parser.out


class _Parser:
    def __init__(self, file: TextFile, problems: list[Problem]) -> None:
        self.out = AsmFile(file.path, lex(file.lines))
        self.below = continued(self.out.lines)
        self.spread = spread(self.out.lines)
        self.problems = problems
        self.namespace: list[str] = []
        self.pushed: list[list[str]] = []
        self.conditions = Conditions()
        self.open_braces: list[int] = []
        self.macro: Macro | None = None
        self.struct: Struct | None = None
        self.section, self.section_line = "", 0
        self.other_processor = False

    def run(self) -> None:
        for line in self.out.lines:
            if self.other_processor:
                self.out.foreign.add(line.number)
            self._note_section(line)
            for statement in line.statements:
                self._statement(statement, line)
        self._close()

    def _close(self) -> None:
        last = len(self.out.lines)
        for what, node in (("macro", self.macro), ("struct", self.struct)):
            if node is not None:
                self._report(node.first, f"unclosed_{what}", node.name)
                node.last = last
        for line in self.open_braces:
            self._report(line, "unclosed_brace")
        if self.conditions.open:
            self._report(last, "unclosed_if", self.conditions.told)
        self.out.title = _title(self.out.lines)
        self.out.unnamed = frozenset(unnamed_lines(self.out.lines))

    def _report(self, line: int, reason: str, detail: str = "") -> None:
        self.problems.append(Problem(self.out.path, line, reason, detail[:80]))

    def _note_section(self, line: Line) -> None:
        """A one-line title between rules, or `; ---- Title`, names what follows, for
        some forty lines.
        """
        if line.number > self.section_line + _MAX_SECTION:
            self.section = ""
        if line.code or not line.comment:
            return
        text = comments.strip(line.comment)
        body = line.comment.lstrip(";").strip()
        above = self.out.lines[line.number - 2].comment if line.number > 1 else ""
        below = (
            self.out.lines[line.number].comment
            if line.number < len(self.out.lines)
            else ""
        )
        if (
            not text
            or not (comments.is_rule(above) or re.match(r"[-=]{3,} ?\w", body))
            or len(text) >= 90
        ):
            return
        before = self.out.lines[line.number - 3] if line.number > 2 else None
        if before and not before.code and comments.strip(before.comment):
            return  # a second text in one box: it goes on about the first
        title, stop, _ = re.sub(r"^\d+\.\s*", "", text).partition(". ")
        follows = comments.strip(below)[:1]
        if stop or not follows or follows.isupper():
            self.section_line = line.number
            self.section = title if comments.is_title(title) else ""

    def _statement(self, statement: Statement, line: Line) -> None:
        for label in statement.labels:
            self._label(label, line)
        word = statement.word
        if not word:
            return
        if self.macro is not None and word != "endmacro":
            return
        if word in ("{", "}"):
            self._brace(word, line.number)
        elif word.split(".", 1)[0] in MNEMONICS:
            self.out.steps.append(PcStep("code", "", line.number))
        elif word in DATA or word.startswith("%"):
            size = (
                str(DATA[word] * (statement.rest.count(",") + 1))
                if word in DATA and '"' not in statement.rest
                else ""
            )
            # which side of a condition is assembled is not known here
            size = "" if self.conditions.open else size
            self.out.steps.append(PcStep("data" if size else "code", size, line.number))
        else:
            self._other(word, statement, line)

    def _other(self, word: str, statement: Statement, line: Line) -> None:
        handler = getattr(self, f"_on_{word}", None) if word.isalpha() else None
        text = f"{statement.word} {statement.rest}".strip()
        if handler is not None and not _EQUATE.match(text):
            handler(statement.rest, line)
        elif (
            not self._assignment(text, line)
            and word.split(".", 1)[0] not in OTHER
            and not word.startswith(("<", "?", "@", "{", "}"))
        ):
            self._report(line.number, "not_understood", line.code.strip())

    def _assignment(self, text: str, line: Line) -> bool:
        code = line.code.strip() if len(line.statements) == 1 else text
        define = _DEFINE.match(code)
        match = define or _EQUATE.match(code)
        if match is None:
            return text.startswith("!")
        name = f"!{match.group(1)}" if define else self._full(match.group(1))
        header = self._banner_free(line.number)
        comment = self._comment(line)
        self.out.equates.append(
            Equate(
                name, match.group(2).strip(), line.number, comment, header, self.section
            )
        )
        return True

    def _label(self, name: str, line: Line) -> None:
        if name.startswith((".", "+", "-", "?")):
            if self.struct is not None and name.startswith("."):
                # its size is that of the `skip` behind it, a field without a name
                comment = self._comment(line)
                self.struct.fields.append(
                    Field(name.lstrip("."), "0", line.number, comment)
                )
            return
        if self.macro is not None:
            return
        if mark := _ADDRESS_MARK.match(name):
            self.out.steps.append(PcStep("here", f"${mark.group(1)}", line.number))
            return
        full = self._full(name.lstrip("#"))
        if any(s.word == "skip" for s in line.statements):
            header = self._banner_free(line.number)
        else:
            header = self._header(line.number, of=full)
        comment = self._comment(line)
        said = (header, comment, self.section, self.conditions.told)
        self.out.labels.append(Label(full, line.number, len(self.open_braces), *said))
        self.out.steps.append(PcStep("label", full, line.number))

    def _full(self, name: str) -> str:
        return "_".join([*self.namespace, name])

    def _header(self, number: int, of: str = "") -> str:
        """The comment lines right above a line; `of` a label also across one blank
        line, where they have a word of its name: else they head all that follows.
        """
        said = self._lines_above(number, bool(of))
        apart = of and not self.out.lines[number - 2].text.strip()
        return "" if apart and not _has_a_word_of(of, said) else said

    def _lines_above(self, number: int, blank: bool) -> str:
        lines, at = self.out.lines, number - 2
        apart = blank and at > 0 and not lines[at].text.strip()
        at -= apart
        if apart and lines[number - 1].comment and not self._above(at - 1):
            return ""  # one line that heads all that follows; the label has its own
        found: list[str] = []
        while at >= 0 and self._above(at) and len(found) < _MAX_HEADER:
            if _OLD_LABEL.match(lines[at].comment):
                break  # a routine that was taken out, with what is said of it
            found.append(lines[at].comment)
            at -= 1
        return (
            ""
            if at < 0 and blank and comments.is_rule(found[-1] if found else "")
            else comments.prose(found[::-1])
        )

    def _above(self, at: int) -> bool:
        """Whether a line is a comment that belongs to what follows."""
        line = self.out.lines[at]
        return bool(line.comment) and not line.code and at not in self.below

    def _banner_free(self, number: int) -> str:
        """What is written right above a variable: without a box around a title, without
        the title of the variables that follow one another, and without the text a file
        begins with, which is about all of them.
        """
        lines, at = self.out.lines, number - 2
        found: list[str] = []
        while at >= 0 and self._above(at) and len(found) < _MAX_HEADER:
            if comments.is_rule(lines[at].comment):
                break
            if _UNNAMED_PLACE.match(lines[at].comment):
                break  # a place of its own, without a name
            if comments.strip(lines[at].comment):
                found.append(lines[at].comment)
            at -= 1
        if at < 0 and len(found) > 1 and any(line.code for line in lines[number:]):
            return ""
        said = comments.prose(found[::-1])
        following = lines[number] if number < len(lines) else None
        goes_on = following is not None and bool(following.code.strip(" \t{}"))
        own = comments.words(comments.strip(lines[number - 1].comment)) >= 2
        shouted = said.isupper() or any(map(comments.decorated, found))
        titles = len(found) == 1 and comments.is_title(said) and (own or shouted)
        closes = said.lower().startswith("end ")  # what stands above
        return "" if goes_on and (titles or closes) else said

    def _comment(self, line: Line) -> str:
        """What is said behind a line and below it; "" for a part of a text that runs
        over several lines of code.
        """
        if comments.drawn(line.comment) or line.number - 1 in self.spread:
            return ""
        return whole_comment(self.out.lines, line.number - 1, self.below)

    def _brace(self, word: str, number: int) -> None:
        if word == "{":
            self.open_braces.append(number)
        elif self.open_braces:
            self.out.braces[self.open_braces.pop()] = number
        else:
            self._report(number, "unopened_brace")

    def _on_macro(self, rest: str, line: Line) -> None:
        match = _ARGUMENTS.match(rest)
        if match is None:
            self._report(line.number, "not_understood", line.code.strip())
            return
        header = self._header(line.number) or comments.strip(line.comment)
        self.macro = Macro(
            match.group(1), match.group(2).strip(), line.number, header=header
        )
        self.out.macros.append(self.macro)

    def _on_endmacro(self, rest: str, line: Line) -> None:
        if self.macro is None:
            self._report(line.number, "unopened_macro")
        else:
            self.macro.last, self.macro = line.number, None

    def _on_struct(self, rest: str, line: Line) -> None:
        name, _, base = rest.partition(" ")
        self.struct = Struct(
            name, base.strip(), line.number, header=self._header(line.number)
        )
        self.out.structs.append(self.struct)

    def _on_endstruct(self, rest: str, line: Line) -> None:
        if self.struct is None:
            self._report(line.number, "unopened_struct")
        else:
            self.struct.last, self.struct = line.number, None

    def _on_namespace(self, rest: str, line: Line) -> None:
        name = rest.split()[0].strip('"') if rest.split() else "off"
        if name == "off":
            self.namespace = []
        elif name != "nested":
            self.namespace = [name]
            self.out.namespaces.append(name)

    def _on_pushns(self, rest: str, line: Line) -> None:
        self.pushed.append(self.namespace)
        self.namespace = []

    def _on_pullns(self, rest: str, line: Line) -> None:
        self.namespace = self.pushed.pop() if self.pushed else []

    def _on_incsrc(self, rest: str, line: Line) -> None:
        condition = self.conditions.told
        path = rest.strip().strip('"').replace("\\", "/")
        self.out.includes.append(Include(path, line.number, condition))
        self.out.steps.append(PcStep("include", path, line.number))

    def _on_unmeasured(self, rest: str, line: Line) -> None:
        """What puts in bytes that are not counted here."""
        self.out.steps.append(PcStep("code", "", line.number))

    _on_incbin = _on_fill = _on_pad = _on_align = _on_unmeasured

    def _on_arch(self, rest: str, line: Line) -> None:
        self.other_processor = rest.strip().lower() != "65816"

    def _on_if(self, rest: str, line: Line) -> None:
        self.conditions.read("if", rest)

    _on_while = _on_if
    _on_for = _on_if

    def _on_elseif(self, rest: str, line: Line) -> None:
        self.conditions.read("elseif", rest)

    def _on_else(self, rest: str, line: Line) -> None:
        self.conditions.read("else", rest)

    def _on_endif(self, rest: str, line: Line) -> None:
        if not self.conditions.open:
            self._report(line.number, "unopened_if")
        self.conditions.read("endif", rest)

    _on_endwhile = _on_endif
    _on_endfor = _on_endif

    def _on_org(self, rest: str, line: Line) -> None:
        tags, at = [], line.number - 1
        while at >= 0 and (
            at == line.number - 1
            or (self.out.lines[at].comment and not self.out.lines[at].code)
        ):
            found = (
                comments.tag(self.out.lines[at].comment)
                if self.out.lines[at].comment
                else None
            )
            if found:
                tags.append(found)
            at -= 1
        text = self._bracketed(line.number - 1) if not tags else ""
        header = self._header(line.number)
        said = "\n".join(filter(None, (header, text)))
        address, condition = rest.split(",")[0].strip(), self.conditions.told
        self.out.orgs.append(Org(address, line.number, said, tuple(tags), condition))
        self.out.steps.append(PcStep("org", address, line.number))

    def _bracketed(self, at: int) -> str:
        """The comment at a line; of one in a bracket over several lines the words of
        the whole bracket.

            \\  This hook lets the lamp
             | burn all night.
            /
        """
        lines, first, last = self.out.lines, at, at
        while (
            first > 0
            and _goes_on(lines[first])
            and comments.drawn(lines[first - 1].comment)
        ):
            first -= 1
        while (
            last + 1 < len(lines)
            and comments.drawn(lines[last].comment)
            and _goes_on(lines[last + 1])
        ):
            last += 1
        said = [line.comment for line in lines[first : last + 1]]
        return comments.prose(said) if len(said) > 1 else comments.strip(said[0])

    def _on_base(self, rest: str, line: Line) -> None:
        self.out.steps.append(PcStep("base", rest, line.number))

    def _on_skip(self, rest: str, line: Line) -> None:
        if self.struct is None:
            self.out.steps.append(PcStep("skip", rest, line.number))
        elif rest.startswith("align"):
            self.struct.fields.append(Field("", "", line.number, ""))
        else:
            self.struct.fields.append(Field("", rest, line.number, ""))

    def _on_pushpc(self, rest: str, line: Line) -> None:
        self.out.steps.append(PcStep("push", "", line.number))

    def _on_pullpc(self, rest: str, line: Line) -> None:
        self.out.steps.append(PcStep("pull", "", line.number))


def _title(lines: list[Line]) -> str:
    """The comment a file begins with; "" where it stands right above a patch, a label
    or a macro, since then it is about that one.
    """
    found: list[str] = []
    for line in lines[:40]:
        if line.code:
            ruled = not found or comments.is_rule(found[-1])
            if not ruled and any(map(_begins_a_part, line.statements)):
                return ""
            break
        if not line.comment and found:
            break
        if line.comment:
            found.append(line.comment)
    return comments.prose(found)


def _goes_on(line: Line) -> bool:
    """Whether a line's comment is a later part of a bracket over several lines."""
    opens = line.comment.lstrip("; \t").startswith("\\")
    return comments.drawn(line.comment) and not opens


def _begins_a_part(statement: Statement) -> bool:
    return bool(statement.labels) or statement.word in ("org", "macro")
