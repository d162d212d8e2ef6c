"""A name, what separates, and a value: in any language, told by the name's words.

One reader for `a = "v"`, `a: str = "v"`, `"a": "v"`, `a => v`, `a := v`, `("a", "v")`,
`#define A "v"`, `<a>v</a>`, `{"name": "A", "value": "v"}`, `PASSWORD 'v'`, `--a v`,
`the a is v`. It looks for pieces of secret names first, which is what makes it fast.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from afs_stages.sources.redaction.names import STEMS, Level, level
from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span
from afs_stages.sources.redaction.values import (
    is_chosen_well,
    is_made,
    is_secret,
    is_short_made,
)

KINDS = {
    Level.PASSWORD: "password",
    Level.SECRET: "secret",
    Level.KEY: "secret",
    Level.NUMBER: "number",
}
_LONGEST_NAME = 48
_AFTER_NAME = re.compile(
    r"(?P<rest>(?:[\w$.]|-(?!>)){0,48}+)"
    # for alice, (staging), no.
    r"(?: (?:for|of|to|on|in|with|WITH) [\w.@/-]{1,40}| ?\([^()\n\"']{0,40}\)"
    r"| (?:no|nr|number|code|id)\b\.?)?"
    r"(?: ?\{ ?get;[^}\n]{0,30}\})?"  # a property of C#
    r"(?P<close>\\{0,3}[\"'`*\])}]{0,4})"
    r"(?:"
    r"(?P<pair>(?:>|</\w{1,12}>)?\s{0,4}[,;]?\s{0,24}[\"'<]?"
    r"(?i:value|val|default|content|secret|string|text|v)[\"']?\s{0,3}[:=>]{1,2}\s{0,8})"
    # `a: str = v`, and no base64 that ends in `=`
    # nor the `user=` behind `password: v user=x`
    r"|(?P<typed>\s{0,20}:\s{0,3}[A-Za-z_&*\[]"
    r"(?:[\w.\[\],|<>?*&]{0,40}?|[\w.\[\], |<>?*&]{0,40}?\s)"
    r"\s{0,3}=[ \t]{0,20}(?=[^\s,;})\]=]))"
    r"|(?P<assign>\s{0,23}(?::=|\?=|\+=|=>|={1,3}|!==?)\s{0,20})"
    r"|(?P<colon>\s{0,20}:{1,2}\*{0,2}\s{0,20}(?:[|>]-?\s{1,20})?)"
    r"|(?P<arrow>\s{0,3}(?:<-|->|\|)\s{0,20}|(?<!\s)>\s{0,8})"
    r"|(?P<comma>\s{0,3},\s{0,8}|\(\s{0,3})(?=(?:<<|[\w@]{0,2})[\"'`])"
    r"|(?P<says>\s{1,4}(?i:is|was|to|ist|by|lautet)\b:?\s{1,4})"
    r"|(?P<blank>[ \t]{1,20})(?=\[?[\"'`@brufN]"
    r"|d[bwl] [\"']|\.?(?:ascii|asciz|string|byte) [\"']|[^\s\"']{0,60}?[\d!@#$%^&*+]"
    r"|[A-Z]{12})"
    r")"
)
_NAMED_BEHIND = re.compile(
    r"\"value\"\s{0,4}:\s{0,4}\"(?P<value>[^\"\n]{4,400})\"\s{0,4},\s{0,20}"
    r"\"name\"\s{0,4}:\s{0,4}\"(?P<name>[^\"\n]{1,60})\""
)
_SCHEME = (
    r"(?:(?i:bearer|basic|token|apikey|api-key|bot|digest|negotiate|splunk|key|dpop)"
    r"[ =]\s{0,3}|AWS4-HMAC-SHA256 [^\n]{0,300}Signature=)?"
)
_VALUE = re.compile(
    r"(?P<call>(?:new )?[\w:.<>!\[\]-]{1,40}[( ]\s{0,3}(?=[bruf@$LN]{0,2}[\"'])|<<)?"
    r"(?:(?i:[bruf@$]|br|rb|u8|L|N)(?=[\"']))?"
    r"(?:\\{0,3}\"{1,3}(?:" + _SCHEME + r")(?P<double>[^\"\n]{1,400}+)"
    r"|\\{0,3}'{1,3}(?:" + _SCHEME + r")(?P<single>[^'\n]{1,400}+)"
    r"|`{1,3}(?:" + _SCHEME + r")(?P<tick>[^`\n]{1,400}+)"
    r"|(?:qq?[\[{(|/])?" + _SCHEME + r"(?P<bare>[^\s\"'`<>\\]{3,400}))"
)
_LONGEST_JUDGED = 400
"""Characters of a value that are judged; one that goes on goes as a whole."""
_REST = {
    "double": re.compile(r"[^\"\n]*"),
    "single": re.compile(r"[^'\n]*"),
    "tick": re.compile(r"[^`\n]*"),
    "bare": re.compile(r"[^\s\"'`<>\\,;(){}\[\]|]*"),
}
_LISTED = re.compile(r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|key)s?\Z", re.I)
_ITEM = re.compile(
    r"\[?\s{0,40}(?:\"(?P<double>[^\"\n]{3,200})\"|'(?P<single>[^'\n]{3,200})')"
    r"\s{0,40}[,\]]"
)
_BARE_END = re.compile(r"[,;(){}\[\]|]")
_QUERY_END = re.compile(r"[&#,;)\]}|]")
_NAME_BACKWARDS = re.compile(r"[\w$.@-]{0,48}")
_SHORTEST_AFTER_BLANK = 8
_SHORTEST_PIN = 4
_SHORTEST_WORD = 5
_PLAIN = re.compile(
    r"(?:[A-Za-z]?[a-z_]{1,6}|[^\W\d_a-zA-Z]{1,8})[.,:;=)(\]]?\Z|[A-Za-z_.]{1,60}[(\[][^\d\"']{0,60}\Z"
)
"""A short word or a call without a number: no secret, and what most names stand by."""
_DIGITS = re.compile(r"[+(]?\d[\d ().-]{1,22}\d")
_DEFINES_BEFORE = re.compile(
    r"(?i:define|set|setenv|env|with|alter|user|create)\s(?:-\w{1,4}\s)?\s{0,4}\Z"
    r"|(?i:alter|user|create|with)\s"
)
_OF_PASSWORDS = re.compile(r"[!@#$%^&*+?~]")
_WORD_BEFORE = re.compile(r"[ ](?P<word>[A-Za-z0-9]{1,16})(?![A-Za-z0-9])")
_LOGIN_BEFORE = re.compile(r"(?:login|user|account)\s{1,4}\S{1,64}\s{1,8}\Z")


class Assignment(NamedTuple):
    """A name and a value as they stand in a text."""

    name: str
    before: str
    """What stands before the name."""
    separator: str
    """What kind of separator stands between them: a group of `_AFTER_NAME`."""
    sign: str
    """The separator itself."""
    start: int
    end: int
    """Where the value stands."""
    quoted: bool
    called: bool
    """The value is what a function is called with, as in `Secret("v")`."""

    @property
    def is_option(self) -> bool:
        """`--name value`."""
        return self.name.startswith("-") or self.before.endswith("/")

    @property
    def is_data(self) -> bool:
        """`"name": "value"`, `<name>value</name>`, `&name=value`: no code either."""
        if self.name == "pass":
            return False
        if self.separator == "colon":
            return self.quoted and self.before.endswith('"')
        if self.separator == "arrow":
            return self.before.endswith("<")
        return self.sign == "=" and self.before.endswith(("?", "&", ";"))

    @property
    def is_environment(self) -> bool:
        """`NAME=value` or `--name value`: where no code stands."""
        return self.is_option or (self.sign == "=" and self.name.isupper())


def find(reading: Reading) -> Iterator[Span]:
    """Values of secret names."""
    if '"value"' in reading.text and '"name"' in reading.text:
        yield from _named_behind(reading)
    found: set[int] = set()
    for stem in STEMS:
        word = stem.decode()
        # The words that a reading knows are of ASCII.
        if reading.holds(stem) if word.isascii() else word in reading.lower:
            yield from _beside(word.strip(), reading, found)


def _named_behind(reading: Reading) -> Iterator[Span]:
    """`{"value": "v", "name": "A"}`."""
    for match in _NAMED_BEHIND.finditer(reading.text):
        strength = level(match["name"])
        if strength and is_secret(match["value"], strength, quoted=True):
            yield Span(*match.span("value"), KINDS[strength])


def _beside(stem: str, reading: Reading, found: set[int]) -> Iterator[Span]:
    """Values of names that hold a piece; `found` are the places already told."""
    text, lower = reading.text, reading.lower
    place, covered = lower.find(stem), 0
    while place >= 0:
        start, end = place, place + len(stem)
        place = lower.find(stem, end)
        after = _AFTER_NAME.match(text, end) if start >= covered else None
        if after is None or after.end() in found:
            continue
        if text.startswith("[", after.end()):
            yield from _in_list(
                text[max(0, start - 20) : after.end("rest")], text, after.end()
            )
        value = _VALUE.match(text, after.end())
        if value is None or _is_plain(after, value):
            continue
        assignment = _read(text, start, after, value)
        kind = kind_of(assignment, text)
        if kind:
            covered = assignment.end
            if covered - assignment.start >= _LONGEST_JUDGED:
                rest = _REST[str(value.lastgroup)].match(text, covered)
                covered = rest.end() if rest else covered
            found.add(after.end())
            yield Span(assignment.start, covered, kind)


def _is_plain(after: re.Match[str], value: re.Match[str]) -> bool:
    """Whether a value is a word that no name makes a secret, as most are."""
    part = str(value.lastgroup)
    # A password of six or seven letters stands in quotes, a tag or behind a bare `=`.
    is_json = part != "bare" and after["colon"]
    is_data = is_json or after["arrow"] or after["assign"] == "="
    if is_data and len(value[part]) > _SHORTEST_WORD:
        return False
    return bool(_PLAIN.match(value[part]))


def _in_list(name: str, text: str, place: int) -> Iterator[Span]:
    """`passwords = ["v", "v"]`; `PASSWORD_HASHERS` lists other things."""
    is_list = _LISTED.search(name)
    strength = level(re.split(r"[^\w-]", name)[-1]) if is_list else Level.NONE
    item = _ITEM.match(text, place) if strength >= Level.SECRET else None
    while item:
        part = "double" if item["double"] else "single"
        if is_secret(item[part], strength, quoted=True):
            yield Span(*item.span(part), KINDS[strength])
        item = _ITEM.match(text, item.end()) if text[item.end() - 1] == "," else None


def _read(
    text: str, start: int, after: re.Match[str], value: re.Match[str]
) -> Assignment:
    backwards = text[max(0, start - _LONGEST_NAME) : start][::-1]
    match = _NAME_BACKWARDS.match(backwards)
    begin = start - (match.end() if match else 0)
    part, separator = str(value.lastgroup), str(after.lastgroup)
    name, before = text[begin : after.end("rest")], text[max(0, begin - 80) : begin]
    quoted, called = part != "bare", value["call"] is not None
    sign, (start, end) = after[separator], value.span(part)
    assignment = Assignment(
        name, before, separator, sign, start, end, quoted=quoted, called=called
    )
    if assignment.quoted:
        # Where the quotes are escaped, a backslash stands before the last one.
        inner = text[assignment.start : assignment.end].rstrip("\\")
        return assignment._replace(end=assignment.start + len(inner))
    digits = _DIGITS.match(text, assignment.start)
    if digits and strength_of(assignment) is Level.NUMBER:
        return assignment._replace(end=digits.end())
    return assignment._replace(end=_end_of_bare(text, assignment))


def _end_of_bare(text: str, assignment: Assignment) -> int:
    """Where a value without quotes ends."""
    start, end = assignment.start, assignment.end
    stop = None
    if assignment.before.endswith(("?", "&", ";")):
        stop = _QUERY_END.search(text, start, end)
    elif not assignment.is_environment:
        stop = _BARE_END.search(text, start, end)
    end = stop.start() if stop else end
    while end > start and text[end - 1] in ".,;:)!?*":
        # `!` is part of a password when the line ends behind it.
        if text[end - 1] in "!?*" and text[end : end + 1] in ("", "\n", "\r"):
            break
        end -= 1
    return end


def kind_of(assignment: Assignment, text: str) -> str:
    """The kind of secret that the value is; empty if it is none."""
    strength = strength_of(assignment)
    if strength is Level.NONE:
        return ""
    value = text[assignment.start : assignment.end]
    if assignment.called and not is_made(value, strength):
        return ""
    if not assignment.quoted and text[assignment.end : assignment.end + 1] == "(":
        return ""
    if not _separates(assignment, value, strength):
        return ""
    is_pin = strength is Level.NUMBER and assignment.name.lower().endswith("pin")
    if is_pin and sum(map(str.isdigit, value)) < _SHORTEST_PIN:
        return ""
    if assignment.name == "PASS" and _is_verdict(assignment, value, text):
        return ""
    found = is_secret(
        value,
        strength,
        quoted=assignment.quoted,
        environment=assignment.is_environment,
        data=_is_in_data(assignment, strength),
    )
    return KINDS[strength] if found else ""


def _is_in_data(assignment: Assignment, strength: Level) -> bool:
    """Whether no code can stand there, so that words may be a secret too.

    `TOKEN_MODEL=` is a variable as any; only `…PASSWORD` and `…SECRET` say enough.
    """
    if not (assignment.is_data or assignment.is_environment):
        return False
    return strength is not Level.SECRET or "SECRET" in assignment.name[-10:].upper()


def strength_of(assignment: Assignment) -> Level:
    """What the name says, with the word before it where it alone says nothing."""
    strength = level(assignment.name)
    is_pass = assignment.name.lower() == "pass"
    if strength is Level.NONE or strength is Level.KEY or is_pass:
        return level(f"{_word_before(assignment.before)} {assignment.name}")
    return strength


def _word_before(before: str) -> str:
    match = _WORD_BEFORE.match(before[-20:][::-1])
    return match["word"][::-1] if match else ""


def _is_verdict(assignment: Assignment, value: str, text: str) -> bool:
    """Whether `PASS` says that a test passed: what follows is the test's name."""
    if assignment.quoted or assignment.separator not in ("colon", "blank"):
        return False
    is_place = any(sign in value for sign in "./:") and not _OF_PASSWORDS.search(value)
    is_timed = text.startswith(" (", assignment.end)
    return is_timed or is_place or "test" in value.lower()


def _separates(assignment: Assignment, value: str, strength: Level) -> bool:
    """Whether what stands between makes the one the value of the other."""
    before = assignment.before
    if assignment.separator == "says":
        is_told = strength is Level.PASSWORD and is_short_made(value)
        return is_told or is_made(value, strength) or strength is Level.NUMBER
    if assignment.separator == "blank":
        if assignment.is_option or _LOGIN_BEFORE.search(before):
            return True
        defines = _DEFINES_BEFORE.search(before)
        if defines and (assignment.quoted or assignment.name.isupper()):
            return True
        if strength is Level.NUMBER:
            return value.isdigit() and assignment.name.lower().startswith("cv")
        if len(value) < _SHORTEST_AFTER_BLANK or assignment.name == "pass":
            return False
        return is_made(value, strength) or is_chosen_well(value)
    if assignment.separator == "arrow":
        return before.endswith(("<", ":", "| ", "|")) or is_made(value, strength)
    return True
