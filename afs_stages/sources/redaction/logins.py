"""Secrets that a form of their own tells: logins, headers, cookies, lines of files."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from afs_stages.sources.redaction.names import Level
from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span
from afs_stages.sources.redaction.values import is_secret, looks_random

_IN_URL = re.compile(
    r":\\{0,3}/\\{0,3}/(?P<login>[^\s/:@\"'<>\\]{0,100}:(?P<password>[^\s/\"'<>]{1,200})"
    r"|[^\s/:@\"'<>\\]{16,200})@"
)
_CURL_OPTION = re.compile(
    r"[\s\"'](?:-[A-Za-z]{0,8}[uU]|--(?:proxy-)?user)[ =]{0,2}\\{0,3}[\"']?"
    r"(?P<login>(?<=\")[^\"\n:]{1,100}:[^\"\n\\]{1,200}"
    r"|(?<=')[^'\n:]{1,100}:[^'\n]{1,200}|[^\s\"':]{1,100}:[^\s\"'\\]{1,200})"
)
_COMMAND_LINE = re.compile(r"(?:[^\n]|(?<=\\)\n){0,600}+")
"""The rest of a command; a backslash continues it on the next line."""
_BASIC = re.compile(r"basic[ \t]{1,3}([a-z0-9+/]{6,400}={0,2})")
_BEARER = re.compile(
    r"(?:bearer|authorization\\{0,3}[\"']?\s{0,3}[:=]\s{0,3}\\{0,3}[\"']?"
    r"(?:basic|token))\s{1,3}([a-z0-9._~+/=-]{16,4000})"
)
_PGPASS = re.compile(
    r":(?:\*|\d{2,5}):(?:\*|[^:\s]{1,64}):[^:\s]{1,64}:([^:\s]{4,100})"
    r"[ \t]*(?:\n|\r|\Z)"
)
_HOST = re.compile(r"(?:^|\n)[ \t]*(?:\*|[\w.-]{1,100})\Z")
_COOKIE = re.compile(
    r"cookie2?\\{0,3}[\"']?\]?\s{0,3}[:=,(]?\s{0,3}\\{0,3}[\"']?(?=\S)"
)
_COOKIE_PAIR = re.compile(r"(?<![\w.$-])[\w.$-]{1,64}+=(?P<value>[^\s;,\"'\\]{4,4000})")
_JWK = re.compile(r"\"(?:d|p|q|dp|dq|qi|k)\"\s{0,3}:\s{0,3}\"([\w-]{20,2000})\"")
_CRYPT = re.compile(
    r"\$(?:2[abxy]|[156]|7|y|gy|apr1|argon2(?:id?|d)|scrypt|pbkdf2-sha\d{1,3})\$"
    r"[\w./$=,+-]{20,300}"
)
_HOOK = re.compile(r"https?:\\?/\\?/[^\s\"'<>]{0,120}hook[^\s\"'<>]{0,300}")
_SEGMENT = re.compile(r"[\w-]{16,200}")
_OPTIONS = {
    # Where a tool takes a password: behind a short option, in its own way.
    "mysql mysqldump mysqladmin mariadb mariadb-dump 7z 7za": r"\s-p",
    "sshpass docker podman az htpasswd mongo mongosh skopeo helm oc buildah": (
        r"\s-p[ =]?"
    ),
    "redis-cli": r"\s-a ?",
    "ldapsearch ldapadd ldapmodify ldapwhoami ldapdelete": r"\s-w ?",
    "zip unzip": r"\s-P ?",
    "smbclient": r"\s-U ?[\"']?[^\s%]{1,64}%",
    "net": r"\s/user:\S{1,64}\s",
    "openssl": r"\s-pass(?:in|out)?[ =]pass:",
}
_OPTION_OF = {
    command: re.compile(
        rf"{option}"
        r"(?:\"(?P<double>[^\"\n]{4,200})\"|'(?P<single>[^'\n]{4,200})'"
        r"|(?P<bare>[^\s\"'|;&<>$-][^\s\"'|;&<>]{3,200}))"
    )
    for commands, option in _OPTIONS.items()
    for command in commands.split()
}
_FORMS = {
    # What a QR code says of a network, and how Windows and MySQL keep passwords.
    "WIFI:": (r"WIFI:[^\n]{0,120}?;P:(?P<value>[^;\n]{4,63})", "password"),
    ":::": (r":\d{3,6}:(?P<value>[0-9a-fA-F]{32}:[0-9a-fA-F]{32}):::", "password-hash"),
}
_FORM_PATTERNS = {
    literal: (re.compile(form), kind) for literal, (form, kind) in _FORMS.items()
}
_MYSQL_HASH = re.compile(r"[0-9A-F]{40}\Z")
_PROTOCOLS = {
    # IMAP's and POP3's logins, FTP's, and a secure string of PowerShell.
    "login": re.compile(r"(?<=LOGIN) \S{1,64} [\"']?(?P<value>[^\s\"']{4,400})"),
    "pass": re.compile(r"(?<=\nPASS) (?P<value>\S{4,400})"),
    "plain": re.compile(r"(?<=PLAIN) (?P<value>[\w+/=]{8,400})"),
    # Cisco's `password 7 …`, and the answer to a digest's challenge.
    "password": re.compile(r" [057] (?P<value>[0-9A-F]{8,80})(?!\w)"),
    "response": re.compile(r"=\"(?P<value>[0-9a-f]{32})\""),
    "securestring": re.compile(
        r"(?: -String)? [\"'](?P<value>[^\n\"']{4,400})", re.IGNORECASE
    ),
}
_FIRST_WORD = re.compile("[ -]")
_STDIN = re.compile(
    r"(?:echo|printf)\s(?:-\w{1,3}\s)?[\"']?(?P<value>[^\s\"'|]{4,100})[\"']?\s{0,3}\|"
    r"[^\n|]{0,100}(?:sudo\s-S|-stdin|chpasswd|passwd\b)"
)
_OF_PHRASES = (b"phrase", b"mnemonic", b"password")
_PHRASE = re.compile(
    r"(?:phrase|mnemonic|password|seed)(?:\s?words)?[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<value>[a-z]{3,9}(?:[ -][a-z]{3,9}){3,23})(?![a-z])"
)
_PROSE = frozenset(
    "the and for with your you this that from into which will must are has not can "
    "was then when where".split()
)
_HARMLESS_LOGINS = frozenset(
    "pass password passwd pwd pw secret xxx xxxx **** *** token x-oauth-basic".split()
)


def find(reading: Reading) -> Iterator[Span]:
    """The secrets of these forms."""
    for find_form in _FINDERS:
        yield from find_form(reading)


def _in_urls(reading: Reading) -> Iterator[Span]:
    """`user:password@` in an address, and behind curl's option."""
    text = reading.text
    if "@" in text and (":/" in text or ":\\/" in text):
        yield from _logins(_IN_URL, text, 0, len(text))
    if reading.has(b"curl"):
        for begin, end in _command_lines("curl", text):
            yield from _logins(_CURL_OPTION, text, begin, end)


def _headers(reading: Reading) -> Iterator[Span]:
    """What the headers of requests carry."""
    text, lower = reading.text, reading.lower
    if reading.has(b"basic"):
        yield from _basic(text, lower)
    if reading.holds(b"bearer") or reading.holds(b"authorization"):
        yield from _bearer(lower)
    if reading.holds(b"cookie"):
        yield from _cookies(text, lower)
    if reading.holds(b"hook"):
        yield from _hooks(text)


def _kept_forms(reading: Reading) -> Iterator[Span]:
    """How programs keep passwords and keys."""
    text = reading.text
    if reading.has(b"kty"):
        yield from (Span(*match.span(1), "jwk") for match in _JWK.finditer(text))
    if "$" in text:
        for match in _CRYPT.finditer(text):
            yield Span(*match.span(), "password-hash")
    for literal, (form, kind) in _FORM_PATTERNS.items():
        if literal in text:
            for match in form.finditer(text):
                yield Span(*match.span("value"), kind)
    for start, end in reading.long_words:
        if text[start - 1 : start] == "*" and _MYSQL_HASH.match(text[start:end]):
            yield Span(start, end, "password-hash")


def _protocols(reading: Reading) -> Iterator[Span]:
    """Passwords behind the command of a protocol."""
    for word, rest in _PROTOCOLS.items():
        if not reading.has(word.encode()):
            continue
        for end in reading.ends_of(word):
            match = rest.match(reading.text, end)
            if word == "pass" and "USER " not in reading.text[max(0, end - 200) : end]:
                continue  # a line of a test's log
            if match and is_secret(match["value"], Level.PASSWORD, quoted=True):
                yield Span(*match.span("value"), "password")


def _command_lines(command: str, text: str) -> Iterator[tuple[int, int]]:
    """What follows a command, to the end of its line."""
    place = text.find(command)
    while place >= 0:
        rest = _COMMAND_LINE.match(text, place + len(command))
        end = rest.end() if rest else len(text)
        yield place + len(command), end
        place = text.find(command, end)


def _logins(
    pattern: re.Pattern[str], text: str, begin: int, end: int
) -> Iterator[Span]:
    """`user:password`; no variable of a shell, and no example."""
    for match in pattern.finditer(text, begin, end):
        user, colon, password = match["login"].partition(":")
        if not colon:
            found = looks_random(user)
        else:
            is_variable = bool(re.match(r"[$<{%*]", password))
            found = not is_variable and password.lower() not in _HARMLESS_LOGINS
        if found:
            yield Span(*match.span("login"), "login")


def _basic(text: str, lower: str) -> Iterator[Span]:
    for match in _BASIC.finditer(lower):
        if is_basic(text[match.start(1) : match.end(1)]):
            yield Span(*match.span(1), "basic-auth")


def _bearer(lower: str) -> Iterator[Span]:
    for match in _BEARER.finditer(lower):
        if any(c.isdigit() for c in match[1]):
            yield Span(*match.span(1), "bearer-token")


def is_basic(value: str) -> bool:
    """Base64 of `user:password`."""
    try:
        padded = value + "=" * (-len(value) % 4)
        return b":" in base64.b64decode(padded, validate=True)[1:]
    except ValueError:  # also of letters that only look like those of base64
        return False


def _cookies(text: str, lower: str) -> Iterator[Span]:
    """Values of a header's cookies that look made at random."""
    end = 0
    for header in _COOKIE.finditer(lower):
        if header.end() < end:
            continue
        line_end = text.find("\n", header.end())
        end = min(line_end if line_end >= 0 else len(text), header.end() + 4000)
        for pair in _COOKIE_PAIR.finditer(text, header.end(), end):
            value = pair["value"]
            if is_secret(value, Level.SECRET, quoted=True):
                yield Span(*pair.span("value"), "cookie")


def _hooks(text: str) -> Iterator[Span]:
    """Parts of a webhook's address that look made at random."""
    for address in _HOOK.finditer(text):
        for segment in _SEGMENT.finditer(text, *address.span()):
            if looks_random(segment[0]):
                yield Span(*segment.span(), "webhook")


def _phrases(reading: Reading) -> Iterator[Span]:
    """Words that stand for a key (BIP 39), and passwords in four blocks of letters."""
    if not any(map(reading.holds, _OF_PHRASES)):
        return
    for match in _PHRASE.finditer(reading.lower):
        words = re.split("[ -]", match["value"])
        is_block = {len(word) for word in words} == {4} and len(words) == 4
        is_named = not match[0].startswith("password")
        if is_block or (is_named and not _PROSE.intersection(words)):
            yield Span(*match.span("value"), "password")


def _options(reading: Reading) -> Iterator[Span]:
    """`mysql -psecret`, `sshpass -p secret`: passwords behind a short option."""
    text = reading.text
    for command, option in _OPTION_OF.items():
        if not reading.has(_FIRST_WORD.split(command)[0].encode()):
            continue
        for begin, end in _command_lines(command, text):
            for match in option.finditer(text, begin, end):
                yield from _option(match)
    if reading.has(b"stdin", b"sudo", b"passwd", b"chpasswd"):
        for match in _STDIN.finditer(text):
            if is_secret(match["value"].split(":")[-1], Level.PASSWORD, quoted=True):
                yield Span(*match.span("value"), "password")


def _option(match: re.Match[str]) -> Iterator[Span]:
    part = next(part for part in ("double", "single", "bare") if match[part])
    if is_secret(match[part], Level.PASSWORD, quoted=part != "bare", environment=True):
        yield Span(*match.span(part), "password")


def _pgpass(reading: Reading) -> Iterator[Span]:
    """Lines `host:port:database:user:password`."""
    text = reading.text
    for match in _PGPASS.finditer(text):
        if _HOST.search(text, max(0, match.start() - 101), match.start()):
            yield Span(*match.span(1), "password")


_FINDERS = (
    _in_urls,
    _headers,
    _kept_forms,
    _phrases,
    _protocols,
    _options,
    _pgpass,
)
