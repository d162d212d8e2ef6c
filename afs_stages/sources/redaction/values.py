"""Whether a value looks like a secret: made at random, or chosen by a person.

Not a secret are placeholders (`<token>`, `$TOKEN`, `xxxx`), paths and addresses, code
(`os.environ`, `SecretStr`, `IDENTIFIER_42_EXPR`) and plain words.
"""

from __future__ import annotations

import re
from functools import lru_cache

from afs_stages.sources.redaction.names import Level, level

_PLACEHOLDER = re.compile(
    r"(?:<|\$[({]|\$[a-z_]\w*\Z|\{|%[({]|%?%\w{1,40}%\Z|@\w{1,40}@|\.\.\.|\*{3,}|•{3,}|x{4,}|-{3,}|_{3,}"
    r"|your|my[-_][a-z_-]*\Z|example|sample|dummy|placeholder|change|replace|insert|redacted"
    r"|\[?redacted|todo|tbd|fake|some[-_]|put[-_]|enter|none\b|null\b|nil\b|true\b"
    r"|false\b|undefined|n/a\b|\*+\Z|test(?:ing)?\Z|#\{|!secret|!ref|!sub|vault:|env[:.(]"
    r"|secrets?[.:/]|process\.|os\.|self\.|this\.|config\.|settings\.|arn:|ssm:|op://)",
    re.IGNORECASE,
)
_REPEATED = re.compile(r"(.)\1{7}\Z")
"""`ghp_xxxxxxxx`: one letter to the end."""
_ADDRESS = re.compile(r"#?\$[0-9A-Fa-f]{2,8}\Z")
"""An address or a number of an assembler."""
_PLACE = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,15}://"  # an address
    r"|(?:~|\.{1,2})?/(?:[\w.@+ -]{1,64}+/){0,20}[\w.@+ -]{0,64}\Z"  # a path
    r"|[A-Za-z]:\\|\\\\"
    r"|(?:[\w-]{1,40}/){1,8}[\w-]{1,40}\.[a-z]{1,4}\Z)",  # a path that is not absolute
    re.IGNORECASE,
)
_DATE_OR_NUMBER = re.compile(
    r"[+-]?[\d.,:_/-]{1,40}[a-z%]{0,3}\Z|0x[0-9a-f]{1,16}\Z|v\d+(?:\.\d+){0,4}\Z"
    r"|\d{4}-\d\d-\d\d[T ][\d:.+Z-]{5,20}\Z",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+\Z"  # self.tokens, a::b
    r"|[A-Za-z_$][\w$.:>-]*[(\[]"  # a call, an index
    r"|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z"  # IDENTIFIER_42_EXPR
)
_CAMEL = re.compile(r"(?:[a-z]{2,}|[A-Z][a-z]{2,})(?:_?[A-Z][a-z]{2,})*\d{0,3}\Z")
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TYPES = re.compile(r"[A-Za-z_]\w*(?:\|[A-Za-z_]\w*)+\Z")
"""Names of which one may be chosen: `float64|complex64`."""
_LICENCE = re.compile(
    r"[A-Z]{2,8}-\d(?:\.\d){0,2}(?:\+|-(?:or|and|only|with|clause)(?![a-z]))", re.I
)
"""As SPDX and Debian name them: `GPL-2+-or-X11`."""
_CHANGES = re.compile(
    r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]|(?<=[A-Z]{2})[a-z]"
    r"|(?<=\w)[^\w\s.-](?=\w)"
)
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)")
_HEX = re.compile(r"[0-9a-f]{16,}\Z|[0-9A-F]{16,}\Z")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_NUMBER = re.compile(r"\+?(?:[\dA-Za-z][ .()/-]{0,2}){3,24}\Z")
_SYMBOL = re.compile(r"[!@#$%^&*+?=~|§€£]")
_COMMON = frozenset(
    "required optional password passwords passwd undefined getpass incorrect hidden "
    "string boolean integer number object function secret token invalid missing "
    "correct wrong strong disabled enabled unknown default protected encrypted hashed "
    "plaintext mandatory forgotten reset prompt stdin input text secretstr interface "
    "internal external private public basic bearer oauth2 sha256 sha512 sha1 md5 "
    "bcrypt argon2 scrypt pbkdf2 base64 utf8 utf-8 hs256 rs256 es256 ed25519 "
    "expected provided entered supplied matches confirm changed expired verify "
    "success passed failed pending skipped warning errors updated created deleted "
    "between through around nothing cannot should hasher masked sensitive "
    "aes256 aes-256 rsa2048 rsa-4096 pkcs8 pkcs12 x509 oauth v1 v2 v3 http2 "
    "totp-sha1 s3 ec2 k8s web3 ipv4 ipv6 int32 int64 uint8 float32".split()
)
_SHORTEST = 3
_LONG_MADE = 20
_CHOSEN_SHORTEST, _MADE_SHORTEST, _KEY_SHORTEST = 6, 8, 16
"""Characters of the shortest password, secret, and key that is told from a word."""
_CHOSEN_WELL_SHORTEST = 10
_WORDS_OF_PHRASE = 4


@lru_cache(maxsize=4096)
def is_secret(
    value: str,
    level_of_name: Level,
    *,
    quoted: bool,
    environment: bool = False,
    data: bool = False,
) -> bool:
    """Whether the value of a name of this level is a secret.

    `environment` says that name and value stand as in `DB_PASSWORD=value`, where no
    code can stand: the value is one, whatever it looks like. `data` says that they
    stand in JSON, XML or an address: a password may be a word there.
    """
    if len(value) < _SHORTEST or _is_place(value) or _stands_for_one(value):
        return False
    if level_of_name is Level.NUMBER:
        return _is_number(value)
    if " " in value.strip():
        return level_of_name is Level.PASSWORD and quoted and is_phrase(value)
    if value.lower() in _COMMON or _is_name(value):
        return False
    if level_of_name is Level.PASSWORD:
        may_be_word = environment or (data and value.islower())
        if may_be_word and value.isalpha() and len(value) >= _CHOSEN_SHORTEST:
            return True
        return _is_password(value, quoted=quoted, environment=environment)
    if _is_code(value, environment=environment):
        return False
    if level_of_name is Level.SECRET:
        return _is_made_secret(value, data=data)
    return _is_key(value)


def _is_code(value: str, *, environment: bool) -> bool:
    """A date, a number or code; in an environment only what is readable."""
    if _DATE_OR_NUMBER.match(value):
        return True
    return bool(_CODE.match(value)) and not (environment and looks_random(value))


def _is_made_secret(value: str, *, data: bool) -> bool:
    """A secret made at random or chosen; words and a number where no code can stand."""
    if len(value) < _MADE_SHORTEST:
        return False
    if data and len(value) >= _LONG_MADE and _has_both(value):
        return True
    return looks_random(value) or _is_chosen(value)


def _stands_for_one(value: str) -> bool:
    """A placeholder, or a number of an assembler."""
    patterns = (
        *(_PLACEHOLDER.match, _REPEATED.search, _ADDRESS.match),
        _LICENCE.match,
    )
    return any(matches(value) for matches in patterns)


def _is_key(value: str) -> bool:
    if _TYPES.match(value):
        return False
    is_long = len(value) >= _KEY_SHORTEST and looks_random(value)
    return is_chosen_well(value) or (is_long and not _is_open(value))


def _is_place(value: str) -> bool:
    """A path or an address, and no base64 that happens to begin with a slash."""
    if not _PLACE.match(value):
        return False
    is_long = value.startswith("/") and len(value) >= _LONG_MADE and "." not in value
    return not (is_long and _MIXED.match(value) and looks_random(value))


def _is_name(value: str) -> bool:
    """The name of a secret, as in `password = user.password2`."""
    is_letters = bool(re.fullmatch(r"[A-Za-z_.$-]+\d{0,2}", value))
    return is_letters and level(value) >= Level.SECRET


def _is_open(value: str) -> bool:
    """A hash or a number of an object, unless the name says that it is a secret."""
    return bool(_UUID.match(value))


def _is_number(value: str) -> bool:
    digits = sum(c.isdigit() for c in value)
    return digits >= 3 and bool(_NUMBER.match(value)) and not value.startswith("0x")


def _is_password(value: str, *, quoted: bool, environment: bool) -> bool:
    """A password may be anything but code; a plain word where no code can stand."""
    has_symbol = bool(_SYMBOL.search(value.strip("=?")))
    if not quoted and _CODE.match(value):
        return looks_random(value)
    if _is_attribute(value) and not has_symbol:
        return looks_random(value)
    if value.isdigit():
        return len(value) >= _CHOSEN_SHORTEST
    if _DATE_OR_NUMBER.match(value):
        return False
    if _has_both(value) or (has_symbol and len(value) >= _CHOSEN_SHORTEST):
        return quoted or environment or not _is_variable(value)
    if looks_random(value):
        return len(value) >= _CHOSEN_SHORTEST
    return is_phrase(re.sub("[-_.]", " ", value))


def _is_chosen(value: str) -> bool:
    """Letters, a number and a sign, as a person makes up where one of each is asked."""
    return _has_both(value) and bool(_SYMBOL.search(value.strip("=?&|")))


def is_chosen_well(value: str) -> bool:
    """The same, with letters of both cases and long enough for any rule."""
    is_long = len(value) >= _CHOSEN_WELL_SHORTEST
    return is_long and _is_chosen(value) and bool(_MIXED.match(value))


def _is_variable(value: str) -> bool:
    """A name with a digit or two at its end, as `row1` or `user_password_2`."""
    return bool(re.fullmatch(r"[a-z]{1,3}\d{1,2}|[a-z]+(?:_[a-z]+)*_\d{1,2}", value))


def is_phrase(value: str) -> bool:
    """Four words or more in lower case, as generators of passphrases give them."""
    words = value.split()
    return len(words) >= _WORDS_OF_PHRASE and all(
        word.isalpha() and word.islower() and 3 <= len(word) <= 9 for word in words
    )


def is_made(value: str, level_of_name: Level) -> bool:
    """Whether a value that stands in prose or in a call is more than a word."""
    if looks_random(value):
        return True
    return (
        level_of_name is Level.PASSWORD
        and _has_both(value)
        and (len(value) >= _MADE_SHORTEST or bool(_SYMBOL.search(value)))
        and not _is_attribute(value)
    )


def is_short_made(value: str) -> bool:
    """Letters and digits in a word of six or more, as a sentence tells a password."""
    is_long = len(value) >= _CHOSEN_SHORTEST
    return is_long and _has_both(value) and not _is_attribute(value)


def _is_attribute(value: str) -> bool:
    """`self.tokens`, and no `Cinder62.Ferry`, which holds all that is asked for."""
    return bool(_CODE.match(value)) and not (_MIXED.match(value) and "_" not in value)


def _has_both(value: str) -> bool:
    """Letters and digits."""
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def looks_random(value: str) -> bool:
    """Whether no person would write this: classes of letters change all the time, or
    letters stand together as in no word.
    """
    if _HEX.match(value) or _UUID.match(value):
        return _has_both(value)
    if _CAMEL.match(value) and all(map(is_word, _PIECE.findall(value))):
        return False
    head = value[:80]
    changes = len(_CHANGES.findall(head))
    if _has_both(head) and changes >= max(2, len(head) // 7):
        return True
    if len(head) >= 12 and changes >= len(head) // 4:
        return True
    unreadable = [piece for piece in _PIECE.findall(head) if not is_word(piece)]
    return sum(map(len, unreadable)) * 2 >= len(head)


_NO_WORD = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}|[aeiou]{4}|q(?!u)|[jqvxz]{2}", re.I)


def is_word(piece: str) -> bool:
    """Whether a run of letters could be a word or an abbreviation."""
    return len(piece) < 8 or not _NO_WORD.search(piece)
