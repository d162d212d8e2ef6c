"""What a name says of the value beside it, told by the name's words.

`DB_PASSWORD`, `dbPassword` and `db-password` have the same words. A name can be of a
password, whose value may be any text; of a secret, whose value looks made at random; of
a key, which may be many other things (a cache's, a table's), so that its value must
look so all the more; of a number such as a PIN; or of nothing secret at all.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from unicodedata import normalize


class Level(IntEnum):
    """How much a name says: the higher, the less its value must look like a secret."""

    NONE = 0
    KEY = 1
    NUMBER = 2
    SECRET = 3
    PASSWORD = 4


STEMS = tuple(
    stem.encode()
    for stem in (
        *("pass", "pw", "psk", "kennwort", "senha", "contrase", "identified", "secret"),
        *("wachtwoord", "parola", "lozinka", "losenord", "lösenord", "adgangskode"),
        *("salasana", "пароль", "密码", "密碼", "パスワード", "비밀번호", "pepper"),
        *("hasło", "heslo", "passord", "jelszó", "şifre", "communit"),
        *("serial", "voucher", "coupon", " wif ", "xprv"),
        *(
            "token",
            "auth",
            "cred",
            "key",
            "jwt",
            "bearer",
            " otp ",
            "totp",
            "mfa",
            "2fa",
        ),
        *(
            "cvv",
            "cvc",
            " ssn ",
            "licen",
            "mnemonic",
            "phrase",
            "seed ",
            "salt ",
            "hmac",
        ),
        *("session", " sid ", "sessid", "csrf", "xsrf", "signature", " sig ", "cookie"),
        *("webhook", " dsn ", " pin ", "phone", "mobile", "code ", "codes ", " tax "),
    )
)
"""Pieces of names, in lower case: where none stands, no name is looked for. A blank
says where the word must begin or end.
"""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORD = frozenset(
    "pass passwd password passwords passphrase passcode passwort pw pwd psk kennwort "
    "senha contrasena contraseña identified passw pword mypass userpass dbpass "
    "requirepass masterauth passe wachtwoord parola lozinka lösenord adgangskode "
    "salasana hasło heslo passord jelszó şifre пароль 密码 密碼 パスワード "
    "비밀번호".split()
)
_SECRET = frozenset(
    "secret secrets token credential credentials cred creds apikey apikeys jwt bearer "
    "authtoken accesstoken apitoken".split()
)
_KEY = frozenset(
    "key keys auth authorization oauth hmac salt session sid sessionid csrf xsrf "
    "cookie webhook dsn connection licence license jsessionid phpsessid wpa wep "
    "seed mnemonic community pepper setcookie serial voucher coupon wif xprv "
    "signature sig account accountkey connectionstring".split()
)
_KEY_OF = frozenset(
    "api secret access private account master encryption encrypt decryption signing "
    "sign auth client license licence service shared storage deploy ssh aes hmac "
    "session app application server admin subscription preshared wireguard wg pre ssl "
    "tls rsa crypto cipher token write read root integration project webhook stream "
    "maps instrumentation ingest consumer vault unseal host data dataset".split()
)
"""What makes a key one that opens something: `API_KEY`, `accountKey`."""
_CODE_OF = frozenset(
    "recovery backup activation verification security access auth authorization otp "
    "mfa 2fa sms door alarm pairing invite time login unlock confirmation pin".split()
)
_NUMBER = frozenset(
    "otp totp mfa pin cvv cvc cvv2 ssn tin passport phone mobile telephone tel "
    "tax".split()
)
_OPEN = frozenset(
    "public pub primary foreign sort partition cache hash index row column map dict "
    "group lookup unique hot shortcut keyboard translation object json yaml "
    "idempotency routing dedup dedupe order sorting composite candidate natural "
    "surrogate range compare publickeytoken bypass csrftokenname".split()
)
"""Words of names whose value everybody may see: `PUBLIC_KEY`, `sort_key`."""
_ABOUT = frozenset(
    "name names id ids file files filename path paths dir folder url uri urls uris "
    "endpoint type types kind count counts len length size limit limits policy field "
    "fields label hint prompt placeholder regex pattern provider mode method methods "
    "expiry expires expiration ttl age version algorithm alg ref refs header headers "
    "enabled required optional min max maximum minimum idx class format status error "
    "errors message msg title input column table schema ring board stroke down up "
    "press pressed event events frame binding bindings map rotation date time at "
    "begin end start stop manager service factory helper util utils handler validator "
    "generator store storage repository info usage prefix suffix length strength "
    "budget window per total used remaining source store scope scopes arn region "
    "module function callback bits bytes word words entropy tests test spec state "
    "link page screen view button form reset change changed visible encoder "
    "loader buffer address addr offset pointer ptr size".split()
)
"""Last words of names whose value tells of a secret and is none: `token_type`."""
_ENDINGS = ("password", "passwd", "passphrase", "passwort", "secret", "apikey")
_KEY_ENDING = re.compile(rf"(?:{'|'.join(sorted(_KEY_OF))})key")
_SOME_KEY = re.compile(r"(?!mon|tur|don|hoc|joc|whis)[a-z0-9]{1,12}key")
_RUN_OF = frozenset(
    "run add create register insert schedule render test tests first second third "
    "fourth fifth last next previous each per every single one two three multi final "
    "analysis optimization compiler codegen lowering verify post pre early late "
    "forward backward function module loop all must should will did do does not "
    "the a this that shall can cannot boarding day season bus".split()
)
"""Words before `pass` that make it a run through something, or a verb."""
_PASS_ENDING = re.compile(
    r"(?!by|com|tres|sur|encom|under|over)[a-z]{1,12}(?:pass|pwd|pw)"
)


_ANY_WORD = re.compile(r"[^\W\d_]+|\d+")
_FOREIGN = tuple(word for word in sorted(_PASSWORD) if not word.isascii())

_PUBLIC = frozenset(
    "hash hashes sha sha1 sha256 sha384 sha512 md5 checksum digest integrity uid uuid "
    "guid commit rev revision etag fingerprint thumbprint cid nonce blob tree image "
    "src data content body href resolved build bundle chunk d sample vector text "
    "example value output result expected actual line h keccak keccak256 "
    "tx txhash block root trace traceparent span request correlation".split()
)
"""Further words of names whose value is no secret, though it looks made at random."""


def is_open(name: str) -> bool:
    """Whether everybody may see the value of a name, however random it looks."""
    words = _words(name)
    while len(words) > 1 and words[-1].isdigit():
        words.pop()
    return not words or words[-1] in _PUBLIC | _ABOUT or not _OPEN.isdisjoint(words)


def _words(name: str) -> list[str]:
    """The words of a name, in lower case.

    `dbPassword` has two. Letters beyond ASCII are parted by signs alone, and where a
    script joins its words, one that ends in the word for a password is that word.
    """
    if name.isascii():
        return [word.lower() for word in _WORD.findall(name)]
    words = _ANY_WORD.findall(normalize("NFC", name).lower())
    return [next(filter(word.endswith, _FOREIGN), word) for word in words]


@lru_cache(maxsize=4096)
def level(name: str) -> Level:
    """What a name says of the value beside it."""
    words = _words(name)
    while words and words[-1].isdigit():
        words.pop()
    if not words:
        return Level.NONE
    if words[-1].startswith("pub") and words[-1].endswith("key"):
        return Level.NONE
    if words[-2:] == ["session", "id"]:
        return Level.KEY
    if words[-1] in _ABOUT and len(words) > 1:
        return Level.NONE
    if _is_password(words):
        return Level.PASSWORD
    if not _OPEN.isdisjoint(words):
        # `cache secret`: beside an open word only the word secret says so.
        return Level.SECRET if "secret" in words else Level.NONE
    if _is_secret(name, words):
        return Level.SECRET
    if not _NUMBER.isdisjoint(words) or _has_pair(words, _CODE_OF, ("code", "codes")):
        return Level.NUMBER
    if not _KEY.isdisjoint(words) or _SOME_KEY.fullmatch(words[-1]):
        return Level.KEY
    return Level.NONE


def _is_password(words: list[str]) -> bool:
    named = _PASSWORD.intersection(words)
    if named == {"pass"} and len(words) > 1:
        return words[words.index("pass") - 1] not in _RUN_OF or words[0] == "pass"
    if named:
        return True
    last = words[-1]
    return last.endswith(_ENDINGS[:4]) or bool(_PASS_ENDING.fullmatch(last))


def _is_secret(name: str, words: list[str]) -> bool:
    if not _SECRET.isdisjoint(words) or words[-1].endswith(_ENDINGS[4:]):
        return True
    if _KEY_ENDING.fullmatch(words[-1]) or _has_pair(words, _KEY_OF, ("key", "keys")):
        return True
    # `STRIPE_KEY`, `KEY_PROD`: a variable of an environment whose name says key.
    return name.isupper() and len(words) > 1 and "key" in (words[0], words[-1])


def _has_pair(words: list[str], first: frozenset[str], second: tuple[str, ...]) -> bool:
    return any(one in first and two in second for one, two in pairwise(words))
