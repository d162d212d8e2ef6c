"""A password told in a sentence: the word for it, in many languages, and then the first
word of the line that a person or a generator made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span
from afs_stages.sources.redaction.values import looks_random

_WORDS = (
    *("password", "passwort", "passphrase", "passcode", "kennwort", "mot de passe"),
    *("contraseña", "senha", "parola", "hasło", "heslo", "пароль", "lösenord"),
    *("wachtwoord", "adgangskode", "passord", "salasana", "jelszó", "şifre", "密码"),
    *(
        "密碼",
        "パスワード",
        "비밀번호",
        " pass is",
        " pass:",
        " pw is",
        " pw:",
        " pwd:",
    ),
)
_REST = re.compile(r"[^\n]{0,100}")
_REACH = 48
"""Letters between the word and what it names."""
_MADE = re.compile(
    r"(?<![\w$%@/\\.-])(?!0x)[^\W_](?:[\w!?*+@#%^&~.-]{6,62})(?<![.,:;-])(?![\w(\[/\\=])",
    re.ASCII,
)
_OF_WHAT = re.compile(r"(?<!\w)(?:for|of|on|at|in|from|by|via)[ \t]\Z")
_FORMS = re.compile(
    r"(?:[A-Z][a-z]{2,}[-.])+[A-Z]?[a-z]*\d{2,}\Z"  # Harbour-Walnut-549
    r"|[A-Za-z]{3,}\d{3,}[A-Za-z]{3,}\Z"  # thistle4382Anvil
    r"|(?=.*\d)(?=.*[a-z])(?=.*[A-Z])\w+[!?*+@#%^&~][\w!?*+@#%^&~]*\Z"
)


def find(reading: Reading) -> Iterator[Span]:
    """Passwords behind the word for it."""
    for word in _WORDS:
        piece = re.split("[ :]", word.strip())[0].encode()
        if word.isascii() and not reading.holds(piece):
            continue
        done = 0
        for place in reading.ends_of(word):
            if word == " pass:" and reading.text[place - 5 : place - 1] == "PASS":
                continue  # a test's verdict
            if place >= done:
                done = place + _REACH
                yield from _first_made(reading.text, place)


def _first_made(text: str, place: int) -> Iterator[Span]:
    """The first word of the rest of the line that was made up."""
    rest = _REST.match(text, place)
    for made in _MADE.finditer(text, place, rest.end() if rest else place):
        if made.start() - place > _REACH:
            return
        # `the password for Order2024Item` names whose it is.
        if _OF_WHAT.search(text, max(place, made.start() - 8), made.start()):
            continue
        if is_made_up(made[0]):
            yield Span(*made.span(), "password")
            return


def is_made_up(word: str) -> bool:
    """Whether a word was made up to be no word."""
    if sum(map(str.isdigit, word)) < 2 or not any(map(str.isalpha, word)):
        return False
    return bool(_FORMS.match(word)) or ("." not in word and looks_random(word))
