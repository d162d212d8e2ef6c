"""Secrets and personal names out of text, before it leaves a source.

Works on decoded strings. A replacement is typed and numbered in order of first appearance within one
conversation, `<REDACTED:github-token-1>`, so that the text stays coherent, the same secret keeps its
mark, and the bytes are the same on every machine. Every pattern is bounded in length and anchored on a
literal, so that no input makes a rule run long.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

Accept = Callable[[str, str], bool]
"""Looks at (the secret, the whole match) and says whether it is one."""


@dataclass(frozen=True)
class Rule:
    """A kind of secret: `gate` must occur (lower case) for the pattern to be tried; group `s` is replaced.

    A `lowered` pattern is written in lower case and sees the text so: faster than ignoring case. Where the
    pattern finds only how a secret begins, `reach` says where it ends: (text, end of the match) -> its end.
    """

    kind: str
    gate: tuple[str, ...]
    pattern: re.Pattern[str]
    accept: Accept | None = None
    lowered: bool = False
    reach: Callable[[str, int], int] | None = None


def _rule(
    kind: str,
    gate: str,
    pattern: str,
    accept: Accept | None = None,
    *,
    lowered: bool = False,
) -> Rule:
    return Rule(kind, tuple(gate.split("|")), re.compile(pattern), accept, lowered)


LONGEST = 24_000
"""No rule matches more characters than this (a private key)."""

_WORD = r"(?<!(?<!\\)[A-Za-z0-9_])"
"""The start of a word; a letter after a backslash is an escape (JSON quoted in text), not part of one."""
_VALUE = r"[^\s\"'`,;<>(){}\[\]]"

_PLACEHOLDERS = (
    "<redacted",
    "none",
    "null",
    "true",
    "false",
    "your",
    "example",
    "changeme",
    "xxxx",
    "****",
    "...",
)
_WORDS = {
    "required",
    "optional",
    "password",
    "passwords",
    "undefined",
    "getpass",
    "getpass.getpass",
    "incorrect",
}


def _has_digit(secret: str, _: str) -> bool:
    return any(c.isdigit() for c in secret)


def _mixed(secret: str, _: str) -> bool:
    """Digits and letters: `sk-some-class-name` is none."""
    return any(c.isdigit() for c in secret) and any(c.isalpha() for c in secret[3:])


def _mixed_case(secret: str, _: str) -> bool:
    head = secret[:2000]
    return (
        any(c.isdigit() for c in head)
        and any(c.isupper() for c in head)
        and any(c.islower() for c in head)
    )


def _is_basic(secret: str, _: str) -> bool:
    """Base64 of `user:password`."""
    try:
        return (
            b":"
            in base64.b64decode(secret + "=" * (-len(secret) % 4), validate=True)[1:]
        )
    except binascii.Error:
        return False


def _is_login(secret: str, _: str) -> bool:
    """`user:password`, no variables of a shell and no mark."""
    return not re.match(r"[$<{]", secret.partition(":")[2])


def _is_secret(secret: str, _: str) -> bool:
    """A value with a digit that is no placeholder and no path through code (`self.tokens[0]`, `v2.get`)."""
    low = secret.lower()
    if low.startswith(_PLACEHOLDERS) or not _has_digit(secret, ""):
        return False
    return not re.fullmatch(
        r"[a-z_]{1,30}[0-9]{0,4}(?:\.[a-z_]{1,30}[0-9]{0,4}){0,9}", low
    )


def _is_password(secret: str, _: str) -> bool:
    """Any quoted text without blanks, or an unquoted word that is no name of code."""
    low = secret.strip("'\"").lower()
    if low.startswith(_PLACEHOLDERS) or low in _WORDS or " " in low or "{" in low:
        return False
    if secret[0] in "'\"":
        return not re.fullmatch(r"[a-z]{1,12}(?:[_ -]?passw\w{0,8})?", low)
    if any(c.isdigit() or c in "!@#$%^&*+" for c in low):
        return _is_secret(f"{secret}0", "") and not low.startswith(("$", "@", "%"))
    return low.isalpha() and len(low) >= 8 and "pass" not in low


_KEY_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_LONGEST_KEY = 20_000
"""Characters from a key's header to its END line, with what a tool prints before each line.

A key of RSA with 8192 bits has 6,400.
"""
_LINE_END = re.compile(r"\n|\\n|\Z")
_KEY_LINE = re.compile(
    r"[A-Za-z0-9+/]{16}"  # base64, wherever in the line and whatever stands around it
    r"|\A\W{0,40}(?:\d{1,6}\W{1,8})?\S{1,200}\W{0,8}\Z"  # its short last line: one word, whatever its prefix
    r"|[A-Z][A-Za-z]{1,20}(?:-[A-Z][A-Za-z]{1,20})?: "  # a header, as in Proc-Type: 4,ENCRYPTED
)


def private_key_end(text: str, start: int) -> int:
    """Where the private key ends whose header ends at `start`.

    Whatever a tool prints before each line (a number, `file:12:`, `> `, a quote), the END line ends the key. A
    key that was cut off before it ends with its last line that holds base64.
    """
    limit = min(len(text), start + _LONGEST_KEY)
    next_header = text.find("-----BEGIN", start, limit)
    if next_header >= 0:
        limit = next_header
    end_line = _KEY_END.search(text, start, limit)
    if end_line:
        return end_line.end()
    stop = begin = start
    while begin < limit:
        line_end = _LINE_END.search(text, begin, limit)
        line = text[begin : line_end.start() if line_end else limit]
        if _KEY_LINE.search(line):
            stop = begin + len(line)
        elif any(c.isalpha() for c in line):
            break
        begin = line_end.end() if line_end and line_end.end() > begin else limit
    return stop


def _is_key_in_lines(items: list[Any]) -> bool:
    """Whether a list of texts holds a private key's header in one item and its end in another."""
    if not all(isinstance(item, str) for item in items):
        return False
    headers = [item for item in items if re.search(_KEY_BEGIN, item)]
    return any(not _KEY_END.search(item) for item in headers)


RULES = (
    Rule(
        "private-key",
        ("-----begin",),
        re.compile(rf"(?P<s>{_KEY_BEGIN})"),
        reach=private_key_end,
    ),
    _rule("anthropic-key", "sk-ant-", _WORD + r"(?P<s>sk-ant-[A-Za-z0-9_-]{16,200})"),
    _rule(
        "openai-key",
        "sk-",
        _WORD + r"(?P<s>sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200})",
        _mixed,
    ),
    _rule(
        "google-key",
        "aiza|gocspx-|ya29.",
        _WORD
        + r"(?P<s>AIza[A-Za-z0-9_-]{35}|GOCSPX-[\w-]{20,40}|ya29\.[\w.-]{20,300})",
    ),
    _rule(
        "aws-key-id",
        "akia|asia|aroa|aida",
        _WORD + r"(?P<s>(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16})(?![A-Z0-9])",
    ),
    _rule(
        "aws-secret",
        "aws",
        r"aws[\w .-]{0,20}(?:secret|key)[\w .-]{0,20}['\"]?\s{0,3}[:=]\s{0,3}['\"]?(?P<s>[a-z0-9/+]{40})(?![a-z0-9/+])",
        lowered=True,
    ),
    _rule(
        "github-token",
        "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_",
        _WORD + r"(?P<s>gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{30,255})",
    ),
    _rule(
        "gitlab-token",
        "glpat-|gldt-|glrt-|glcbt-|glptt-",
        _WORD + r"(?P<s>(?:glpat|gldt|glrt|glcbt|glptt)-[A-Za-z0-9_-]{18,60})",
    ),
    _rule(
        "huggingface-token",
        "hf_|api_org_",
        _WORD + r"(?P<s>hf_[A-Za-z0-9]{30,60}|api_org_[A-Za-z0-9]{30,60})",
    ),
    _rule("npm-token", "npm_", _WORD + r"(?P<s>npm_[A-Za-z0-9]{30,60})"),
    _rule("pypi-token", "pypi-", _WORD + r"(?P<s>pypi-[A-Za-z0-9_-]{50,300})"),
    _rule(
        "slack-token",
        "xox|hooks.slack",
        _WORD
        + r"(?P<s>xox[abeoprs]-[A-Za-z0-9-]{10,250}|hooks\.slack\.com/services/[\w/]{20,80})",
    ),
    _rule(
        "stripe-key",
        "_live_|_test_|whsec_",
        _WORD
        + r"(?P<s>[rsp]k_(?:live|test)_[A-Za-z0-9]{16,120}|whsec_[A-Za-z0-9]{24,80})",
    ),
    _rule(
        "jwt",
        "eyj",
        _WORD
        + r"(?P<s>eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,1000})?)",
    ),
    _rule(
        "basic-auth",
        "basic",
        _WORD + r"[Bb](?:asic|ASIC)[ \t]{1,3}(?P<s>[A-Za-z0-9+/]{6,400}={0,2})",
        _is_basic,
    ),
    _rule(
        "bearer-token",
        "bearer|authorization",
        r"(?<!(?<!\\)[a-z0-9_])(?:bearer|authorization\\{0,3}[\"']?\s{0,3}[:=]\s{0,3}\\{0,3}[\"']?(?:basic|token))"
        r"\s{1,3}(?P<s>[a-z0-9._~+/=-]{16,4000})",
        _has_digit,
        lowered=True,
    ),
    _rule(
        "login",
        ":/|:\\/",
        r":\\{0,3}/\\{0,3}/(?P<s>[^\s/:@\"'<>\\]{0,100}:[^\s/\"'<>]{1,200})@",
    ),
    _rule(
        "login",
        "curl",
        r"curl(?:[^\n]|(?<=\\)\n){0,400}?[\s\"'](?:-[A-Za-z]{0,8}[uU]|--(?:proxy-)?user)[ =]{0,2}\\{0,3}[\"']?"
        r"(?P<s>(?<=\")[^\"\n:]{1,100}:[^\"\n\\]{1,200}|(?<=')[^'\n:]{1,100}:[^'\n]{1,200}"
        r"|[^\s\"':]{1,100}:[^\s\"'\\]{1,200})",
        _is_login,
    ),
    _rule(
        "vast-key",
        "vast",
        r"vast[\w .-]{0,12}(?:api)?[_ -]?key['\"]?\s{0,3}[:= ]\s{0,3}['\"]?(?P<s>[a-f0-9]{40,64})(?![a-f0-9])",
        lowered=True,
    ),
    _rule(
        "password",
        "passw|passphrase|pwd",
        r"(?:password|passwd|passphrase|pwd)\\{0,3}[\"']?\s{0,3}(?:=|:)\s{0,3}\\{0,3}"
        rf"(?P<s>\"[^\"\n]{{6,200}}\"|'[^'\n]{{6,200}}'|{_VALUE}{{6,200}})",
        _is_password,
        lowered=True,
    ),
    _rule(
        "secret",
        "secret|token|key|credential",
        r"(?:secret|api[_-]?key|secret[_-]?key|access[_-]?key|private[_-]?key|token|credentials?)\\{0,3}[\"']?\s{0,3}"
        rf"(?:=|:)\s{{0,3}}\\{{0,3}}[\"']?(?P<s>(?!0x|\$){_VALUE}{{8,200}})",
        _is_secret,
        lowered=True,
    ),
    _rule(
        "email",
        "@",
        r"(?<![A-Za-z0-9._%+-])(?:(?<=\\)[nrt])?(?P<s>[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24})(?![A-Za-z0-9-])",
    ),
    _rule(
        "user",
        "/home/|users|-home-",
        r"(?:/(?<!(?<!\\)[A-Za-z0-9_.]/)(?:home|Users)/|\\{1,2}Users\\{1,2}|-(?:home|Users)-)"
        r"(?P<s>(?!REDACTED|runner\b|user\b|Shared\b|<)[A-Za-z0-9][A-Za-z0-9._]{0,31})",
    ),
    _rule(
        "base64",
        "",
        r"(?<![A-Za-z0-9+/=_-])(?:(?<=\\)[nrt])?(?P<s>[A-Za-z0-9+/]{120,}+={0,2})(?![_-])",
        _mixed_case,
    ),
)


@dataclass
class Redactor:
    """Redacts the texts of one conversation; call it with each text in order."""

    enabled: bool = True
    counts: dict[str, int] = field(default_factory=dict)
    _marks: dict[str, dict[str, str]] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """The text with every secret replaced by its mark."""
        if not self.enabled or not text:
            return text
        if text[0] in "{[" and "\\" in text:
            text = self._quoted(text)
        lower = _lower(text)
        for rule in RULES:
            for gate in rule.gate:
                if gate in lower:
                    changed = self._apply(rule, text, lower)
                    if changed is not text:
                        text, lower = changed, _lower(changed)
                    break
        return text

    def value(self, value: Any) -> Any:
        """The same for every string (and key) inside a JSON value; `{"password": …}` counts as an assignment."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return self._list(value)
        if isinstance(value, dict):
            return {
                (name := self(str(key))): self._named(name, item)
                for key, item in value.items()
            }
        return value

    def _list(self, items: list[Any]) -> list[Any]:
        """A list; one of a command's words is read with the option before it (`curl`, `-u`, `name:password`).

        A key given line by line is read as one text; its mark then stands in the place of several items.
        """
        if self.enabled and _is_key_in_lines(items):
            return self("\n".join(items)).split("\n")
        cleaned, option = [], ""
        for item in items:
            cleaned.append(self._named(option, item))
            word = isinstance(item, str) and item.startswith("-") and len(item) < 40
            option = f"{items[0]} {item}" if word else ""
        return cleaned

    def _named(self, name: str, item: Any) -> Any:
        """A value as it stands behind its name: some are secrets by the name alone."""
        if (
            not (
                name and self.enabled and isinstance(item, str) and 0 < len(item) < 4000
            )
            or '"' in item
        ):
            return self.value(item)
        head = f'{name}="'
        probed = self(f'{head}{item}"')
        return (
            probed[len(head) : -1]
            if probed.startswith(head) and probed.endswith('"')
            else self(item)
        )

    def _quoted(self, text: str) -> str:
        """JSON within text, redacted where its escapes would hide a secret; other text as it is."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return text
        cleaned = self.value(value)
        return text if cleaned == value else msgspec.json.encode(cleaned).decode()

    def _apply(self, rule: Rule, text: str, lower: str) -> str:
        parts: list[str] = []
        end = 0
        for match in rule.pattern.finditer(lower if rule.lowered else text):
            start, stop = match.span("s")
            if start < end:
                continue  # within the secret before it, which reaches further than its pattern
            if rule.reach:
                stop = rule.reach(text, stop)
            secret = text[start:stop]
            if rule.accept is None or rule.accept(secret, match[0]):
                parts += [text[end:start], self._mark(rule.kind, secret)]
                end = stop
        return "".join([*parts, text[end:]]) if parts else text

    def _mark(self, kind: str, secret: str) -> str:
        """The mark of a secret: the same one each time it occurs, quotes kept."""
        quote = secret[0] if secret[0] in "'\"" else ""
        inner = secret.strip(quote) if quote else secret
        escape = "\\" if quote and inner.endswith("\\") else ""
        marks = self._marks.setdefault(kind, {})
        self.counts[kind] = self.counts.get(kind, 0) + 1
        mark = marks.setdefault(
            inner.removesuffix(escape), f"<REDACTED:{kind}-{len(marks) + 1}>"
        )
        return f"{quote}{mark}{escape}{quote}"


def _lower(text: str) -> str:
    """Lower case, character for character: one capital letter of Turkish would become two."""
    return text.replace("\u0130", "I").lower()
