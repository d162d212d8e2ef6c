"""Secrets and personal names out of text, before it leaves a source.

Works on decoded strings. A replacement is typed and numbered in order of first appearance within one
conversation, `<REDACTED:github-token-1>`, so that the text stays coherent, the same secret keeps its
mark, and the bytes are the same on every machine. Every pattern is bounded in length and anchored on a
literal, so that no input makes a rule run long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rule:
    """A kind of secret: `gate` must occur (lower case) for the pattern to be tried; group `s` is replaced."""

    kind: str
    gate: tuple[str, ...]
    pattern: re.Pattern[str]


def _rule(kind: str, gate: str, pattern: str, flags: int = 0) -> Rule:
    return Rule(kind, tuple(gate.split("|")), re.compile(pattern, flags))


LONGEST = 24_000
"""No rule matches more characters than this (a private key)."""

_WORD = r"(?<![A-Za-z0-9_])"
_VALUE = r"[^\s\"'`,;<>(){}\[\]]"

RULES = (
    _rule(
        "private-key",
        "-----begin",
        r"(?P<s>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s:,\\-]{0,20000}?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z))",
    ),
    _rule("anthropic-key", "sk-ant-", _WORD + r"(?P<s>sk-ant-[A-Za-z0-9_-]{16,200})"),
    _rule("openai-key", "sk-", _WORD + r"(?P<s>sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200})"),
    _rule(
        "google-key",
        "aiza|gocspx-|ya29.",
        _WORD + r"(?P<s>AIza[A-Za-z0-9_-]{35}|GOCSPX-[\w-]{20,40}|ya29\.[\w.-]{20,300})",
    ),
    _rule("aws-key-id", "akia|asia|aroa|aida", _WORD + r"(?P<s>(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16})(?![A-Z0-9])"),
    _rule(
        "aws-secret",
        "aws",
        r"(?i:aws[\w .-]{0,20}(?:secret|key)[\w .-]{0,20})['\"]?\s{0,3}[:=]\s{0,3}['\"]?(?P<s>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
    ),
    _rule(
        "github-token",
        "gh|github_pat_",
        _WORD + r"(?P<s>gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{30,255})",
    ),
    _rule("gitlab-token", "gl", _WORD + r"(?P<s>(?:glpat|gldt|glrt|glcbt|glptt)-[A-Za-z0-9_-]{18,60})"),
    _rule("huggingface-token", "hf_|api_org_", _WORD + r"(?P<s>hf_[A-Za-z0-9]{30,60}|api_org_[A-Za-z0-9]{30,60})"),
    _rule("npm-token", "npm_", _WORD + r"(?P<s>npm_[A-Za-z0-9]{30,60})"),
    _rule("pypi-token", "pypi-", _WORD + r"(?P<s>pypi-[A-Za-z0-9_-]{50,300})"),
    _rule(
        "slack-token",
        "xox|hooks.slack",
        _WORD + r"(?P<s>xox[abeoprs]-[A-Za-z0-9-]{10,250}|hooks\.slack\.com/services/[\w/]{20,80})",
    ),
    _rule(
        "stripe-key",
        "_live_|_test_|whsec_",
        _WORD + r"(?P<s>[rsp]k_(?:live|test)_[A-Za-z0-9]{16,120}|whsec_[A-Za-z0-9]{24,80})",
    ),
    _rule("jwt", "eyj", _WORD + r"(?P<s>eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,1000})?)"),
    _rule(
        "bearer-token",
        "bearer|basic|token",
        r"(?i:\b(?:bearer|authorization:\s{0,3}(?:basic|token)))\s{1,3}(?P<s>[A-Za-z0-9._~+/=-]{16,4000})",
    ),
    _rule("url-password", "://", r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,100}:(?P<s>[^\s/@\"'<>]{1,200})@"),
    _rule(
        "vast-key",
        "vast",
        r"(?i:vast[\w .-]{0,12}(?:api)?[_ -]?key)['\"]?\s{0,3}[:= ]\s{0,3}['\"]?(?P<s>[A-Fa-f0-9]{40,64})(?![A-Fa-f0-9])",
    ),
    _rule(
        "secret",
        "pass|secret|token|api|credential|private",
        r"(?i:(?<![A-Za-z])(?:password|passwd|passphrase|pwd|secret|client_secret|api[_-]?key|apikey|access[_-]?key|"
        r"auth[_-]?token|access[_-]?token|refresh[_-]?token|token|credentials?))[\"']?\s{0,3}(?:=|:)\s{0,3}[\"']?"
        rf"(?P<s>(?=[^\s]{{0,80}}[0-9!@#$%^&*?_+-])(?!\$|0x|<REDACTED|None\b|null\b|true\b|false\b){_VALUE}{{8,200}})",
    ),
    _rule(
        "email",
        "@",
        r"(?<![A-Za-z0-9._%+-])(?P<s>[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24})(?![A-Za-z0-9-])",
    ),
    _rule(
        "user",
        "home|users",
        r"(?:(?<![A-Za-z0-9_.])/(?:home|Users)/|[A-Za-z]:\\{1,2}Users\\{1,2}|(?<![A-Za-z0-9])-(?:home|Users)-)"
        r"(?P<s>(?!REDACTED|runner\b|user\b|Shared\b|<)[A-Za-z0-9][A-Za-z0-9._]{0,31})",
    ),
    _rule(
        "base64",
        "",
        r"(?<![A-Za-z0-9+/=_-])(?P<s>(?=[A-Za-z+/]{0,200}[0-9])(?=[a-z0-9+/]{0,200}[A-Z])[A-Za-z0-9+/]{120,}={0,2})(?![A-Za-z0-9+/_-])",
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
        lower = text.lower()
        for rule in RULES:
            if any(gate in lower for gate in rule.gate):
                text = rule.pattern.sub(self._replacer(rule.kind), text)
        return text

    def value(self, value: Any) -> Any:
        """The same for every string (and key) inside a JSON value."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self(str(key)): self.value(item) for key, item in value.items()}
        return value

    def _replacer(self, kind: str) -> Callable[[re.Match[str]], str]:
        marks = self._marks.setdefault(kind, {})

        def replace(match: re.Match[str]) -> str:
            secret = match["s"]
            mark = marks.setdefault(secret, f"<REDACTED:{kind}-{len(marks) + 1}>")
            self.counts[kind] = self.counts.get(kind, 0) + 1
            start, end = match.start("s") - match.start(), match.end("s") - match.start()
            return match[0][:start] + mark + match[0][end:]

        return replace
