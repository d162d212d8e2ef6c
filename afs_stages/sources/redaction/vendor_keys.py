"""Keys of vendors: by the library, in this process, and without a network.

The library knows some 440 kinds by their exact length and alphabet. Keys that are cut
or of an older length are found by the prefix that their vendor gave them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span
from afs_stages.sources.redaction.values import looks_random

CONFIG = str(Path(__file__).with_name("betterleaks.toml"))
SHORTEST = 16
"""Characters: no vendor's key is shorter, and a call of the library costs 20 µs."""
PIECE = 4_000
"""Characters that the library is given at a time."""
LONGEST = 500
"""Characters: few keys of vendors are longer."""
_ALLOWED = re.compile(r"leaks:(?=allow)")
"""A comment that asks the library to pass over a line; a log may hold one."""
_PREFIXES = {
    "anthropic-key": r"sk-ant-[\w-]{16,200}",
    "openai-key": r"sk-(?:proj-|svcacct-|admin-|or-v1-)?(?=[\w-]{0,40}\d)[\w-]{20,200}",
    "google-key": r"AIza[\w-]{30,40}|GOCSPX-[\w-]{20,40}|ya29\.[\w.-]{20,300}",
    "aws-key-id": r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "github-token": r"gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_\w{30,255}",
    "gitlab-token": r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[\w-]{18,60}",
    "huggingface-token": r"(?:hf_|api_org_)[A-Za-z0-9]{30,60}",
    "npm-token": r"npm_[A-Za-z0-9]{30,60}",
    "pypi-token": r"pypi-[\w-]{50,300}",
    "slack-token": r"xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[A-Za-z0-9-]{20,250}",
    "stripe-key": r"[rsp]k_(?:live|test)_[A-Za-z0-9]{16,120}|whsec_[\w+/=]{24,80}",
    "age-key": r"AGE-SECRET-KEY-1[A-Z0-9]{20,100}",
    "twilio-key": r"SK[0-9a-f]{32}(?![0-9A-Za-z])",
    "jwt": r"eyJ[\w-]{10,4000}+\.[\w-]{8,8000}(?:\.[\w-]{0,1000})?",
}
_STARTS = (
    *("sk-", "AIza", "GOCSPX-", "ya29.", "AKIA", "ASIA", "AROA", "AIDA", "ghp_"),
    *("gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-"),
    *("glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "hf_", "api_org_", "npm_"),
    *("pypi-", "xox", "xapp-", "_live_", "_test_", "whsec_", "AGE-SECRET-", "eyJ"),
    "SK",
)
"""One of these stands in every key that `_PREFIXES` finds."""
_SHORT_PREFIX = {"openai-key": "sk-", "huggingface-token": "_", "npm-token": "_"}
"""Prefixes that also stand in the middle of words, as in `task-` and `test_hf_`."""
_ONE_RUN = re.compile(r"(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]{24,}")
_TOKEN = re.compile(r"[\w-]+")
_WORD_OF = {
    start: re.split("[-_.]", start.strip("-_."))[0].lower().encode()
    for start in _STARTS
}
_ANY = re.compile(
    "|".join(
        f"(?P<{kind.replace('-', '_')}>{pattern})"
        for kind, pattern in _PREFIXES.items()
    ),
    re.ASCII,
)


def find(reading: Reading) -> Iterator[Span]:
    """The keys in a text."""
    yield from _by_prefix(reading)
    if len(reading.text) >= SHORTEST:
        yield from _by_library(reading.text)


def _by_prefix(reading: Reading) -> Iterator[Span]:
    text, end = reading.text, 0
    for start in _starts(reading):
        # `sk_live_` is found by its middle: its match begins a little before.
        if start < end:
            continue
        match = _ANY.match(text, start)
        if match is None and text[start] == "_":
            match = _ANY.match(text, max(0, start - 2))
        if match is None:
            continue
        kind = str(match.lastgroup).replace("_", "-")
        end = match.end()
        # Words joined by hyphens may begin as a key does; a key holds digits.
        if not (kind == "aws-key-id" or any(map(str.isdigit, match[0]))):
            continue
        if kind in _SHORT_PREFIX and not _is_key(text, match):
            # A key may still begin within what was no key.
            again = match[0].rfind(_SHORT_PREFIX[kind])
            end = match.start() + again if again > 0 else end
            continue
        yield Span(match.start(), end, kind)


def _is_key(text: str, match: re.Match[str]) -> bool:
    """Whether letters behind a prefix that ends many a word are those of a key.

    They look made at random; inside a word, as in `task-` and a UUID, they must be one
    long run of letters and digits.
    """
    body = match[0].partition(_SHORT_PREFIX[str(match.lastgroup).replace("_", "-")])[2]
    if text[match.start() - 1 : match.start()].isalnum():
        return bool(_ONE_RUN.search(body))
    return looks_random(body)


def _starts(reading: Reading) -> list[int]:
    text = reading.text
    starts: list[int] = []
    for word in _STARTS:
        if not reading.holds(_WORD_OF[word]):
            continue
        place = text.find(word)
        while place >= 0:
            starts.append(place)
            # A token is tried once: where its first `eyJ` is none, no later one is.
            run = _TOKEN.match(text, place) if word == "eyJ" else None
            place = text.find(word, run.end() if run else place + 1)
    return sorted(starts)


def _by_library(text: str) -> Iterator[Span]:
    for begin, piece in _pieces(text):
        for kind, secret in library_finds(piece):
            place = piece.find(secret)
            while place >= 0:
                start = begin + place
                yield Span(start, start + len(secret), kind)
                place = piece.find(secret, place + len(secret))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """(place, piece) of a text, cut between words: the library takes the square of what
    it finds in one line. Pieces of a word without an end overlap by a key's length.
    """
    begin = 0
    while len(text) - begin > PIECE:
        end = max(text.rfind(sign, begin + PIECE // 2, begin + PIECE) for sign in " \n")
        if end < 0:
            yield begin, text[begin : begin + PIECE]
            begin += PIECE - LONGEST
        else:
            yield begin, text[begin:end]
            begin = end
    yield begin, text[begin:]


def library_finds(text: str) -> list[tuple[str, str]]:
    """(the library's name for the kind, the secret) of each secret it finds."""
    found: dict[tuple[str, str], None] = {}
    for finding in _scan()(_readable(text), config_path=CONFIG):
        secret = finding.match.value.strip(" \t\r\n'\"`")
        if len(secret) >= 4:
            found[finding.rule_id, secret] = None
    return list(found)


@cache
def _scan() -> Any:
    """The library's function; loading it takes 0.1 s and 30 MB, so only when needed."""
    from betterleaks import scan_string

    return scan_string


def _readable(text: str) -> str:
    """The text as the library can take it: it stops at a NUL, and wants UTF-8."""
    if "\0" in text:
        text = text.replace("\0", " ")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    if "leaks:allow" in text:
        text = _ALLOWED.sub("leaks_", text)
    return text
