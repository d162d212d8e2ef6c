"""Personal data: addresses, names of accounts and people, numbers of cards."""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span

_KALI = re.compile(r"[\w.-]{1,32}㉿[\w.-]{1,64}")
"""An account and a host in the prompt of Kali."""
_PHONE = re.compile(
    # A country's code, then two groups or more: ten to fifteen digits (ITU-T E.164).
    r"(?<![\w+.])\+(?=(?:[ ()-]{0,2}\d){10,15}(?![\d.]))[1-9]\d{0,2}"
    r"(?:[ -]\(?\d{1,5}\)?)(?:[ -]\d{2,8}){1,4}(?!\w)"
)
_LOCAL_BACKWARDS = re.compile(r"[A-Za-z0-9._%+-]{1,64}")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9-])")
_HOST = re.compile(r"[A-Za-z0-9][\w-]{0,62}+[.:~\s\]$#%>]")
_PROMPT_AFTER = re.compile(
    r"(?P<host>[\w.-]{1,64})(?::[^\s$#%>]{0,200}+|\s[^\s$#%>]{1,100}+)?\s?\]?[$#%>❯](?:\s|\Z)"
)
_FILE_OR_UNIT = re.compile(
    r"\d{1,2}x\.|\d{1,3}\.[a-z]{1,8}(?!\.)|[\w.-]{1,64}\.(?:service|socket|timer|target)\b"
)
"""What stands behind `@` in `img@2x.png` and in the units of systemd."""
_NO_HOST = frozenset(
    "self this cls other latest next main master beta alpha canary stable".split()
)
"""What stands behind `@` in code and in versions, and begins no host's name."""
_DASHED_BEFORE = re.compile(r"(?:^|[^\w-])-(?:mnt-[a-z]-|[a-z]-|var-|private-)?\Z")
"""A path with dashes for slashes begins with one."""
_MACHINE = re.compile(r"[\w.-]{1,64}:[/~]|\d{1,3}(?:\.\d{1,3}){3}\b")
"""A host with a path, or an address of a host, as ssh and rsync take it."""
_NO_PERSON = frozenset(
    "git root user username you me name noreply no-reply donotreply postmaster "
    "shared public default runner runneradmin ubuntu debian ec2-user centos admin "
    "administrator vagrant node jovyan linuxbrew app www-data nobody daemon postgres "
    "mysql vscode codespace circleci travis builder build gitpod coder docker pi "
    "users all someone <user> $user your-name yourname your_name your-username "
    "youruser foo bar alice-example redacted somebody container".split()
)
"""Names of accounts that are a role's, not a person's."""
_USER = (
    r"(?P<user>[A-Za-z0-9][\w.-]{0,31}(?: [A-Z][\w.-]{0,31}){0,2}(?=[\\/])"
    r"|[A-Za-z0-9][\w.]{0,31})"
)
_HOMES = [
    re.compile(rf"{folder}(?:(?P<unix>/)|[\\/]{{1,4}}|(?P<dashed>-)){_USER}")
    for folder in ("home", "Users", "Documents and Settings", "run/media")
]
_TILDE = re.compile(
    r"~(?<![\w/\\~]~)(?P<dashed>)(?P<unix>)(?P<user>[a-z][\w-]{2,31})(?=/)"
)
_ROOTS = re.compile(
    r"(?:^|[^\w.)}\]-]|(?<=\\)[nrt]|/mnt/[a-z]|/[a-z]|[A-Za-z]:|/(?:var|export|usr|private"
    r"|System/Volumes/Data|host|data)|:|(?:vscode[\w-]*|file|s?ftp|ssh|smb|nfs)://[^\s/]{0,60})\Z"
)
_LISTED = re.compile(
    r"[bcdlps-](?:[r-][w-][xsStT-]){3}[.+@]?\s{1,6}\d{1,6}\s{1,4}"
    r"(?P<owner>[A-Za-z_][\w.@\\-]{0,40})\s{1,20}(?P<group>[A-Za-z_][\w.@\\-]{0,40})\s{1,20}\d"
)
_GROUPS = frozenset(
    "staff wheel users root adm admin sudo docker www-data nogroup users everyone "
    "domain".split()
)
_IDENTITY = re.compile(r"(?:uid|gid|euid|groups)=(?P<ids>[\w.,()= -]{3,400})")
_IN_BRACKETS = re.compile(r"\d\(([\w.-]{1,40})\)")
_STAT = re.compile(r"[UG]id: \(\s{0,8}\d{1,10}/\s{0,10}(?P<user>[\w.-]{1,40})\)")
_PASSWD = re.compile(r":[x*!]?:\d{3,6}:\d{1,6}:(?P<told>[^:\n]{0,80}):/")
_LINE_BACKWARDS = re.compile(r"([\w.-]{1,32})(?:\n|\Z)")
_VARIABLE = re.compile(r"USER(?:NAME)?=[\"']?(?P<user>[A-Za-z][\w.-]{1,40})")
_NAME = r"[^\W\d_][\w.'’-]{0,30}(?: [^\W\d_][\w.'’-]{0,30}){0,4}"
_BEFORE_ADDRESS = re.compile(rf"(?P<name>{_NAME}) {{1,2}}<\Z")
_LETTER = re.compile(r"[A-Za-z0-9]")
_LABELS = {
    label: re.compile(rf"{label}:[ \t]{{1,8}}(?P<name>{_NAME})[ \t]*(?=\n|\Z|<)")
    for label in (
        *("Author", "Commit", "Committer", "Tagger", "Co-authored-by"),
        *("Co-Authored-By", "Signed-off-by", "Reviewed-by", "Acked-by", "Tested-by"),
    )
}
"""Lines of git's log and of its trailers."""
_USER_NAME = re.compile(rf"user\.name[ =]{{1,3}}[\"']?(?P<name>{_NAME})")
_NAME_VARIABLE = re.compile(rf"R_NAME=[\"']?(?P<name>{_NAME})")
_BLAMED = re.compile(
    rf"\((?P<name>{_NAME})\s{{1,40}}\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{{4}}"
)
_BLAMED_SHAPE = b" 0000 00 00 00 00 00  0000"
_CARD = re.compile(
    r"[2-6][0-9]{3}(?:[0-9]{9,15}|([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{3})?"
    r"|([ -])[0-9]{6}\2[0-9]{5})"
    r"(?![\w-]|\.\d)"
)
_JOINED = re.compile(r"[\w$.-]")
_CARD_SHAPES = (
    b" 0000 0000 0000 ",
    b" 0000 000000 00000",
    b" 0000000000000",
)
_ISSUERS = re.compile(
    r"4|5[1-5]|2[2-7]|3[47]|3[0689]|35|6(?:011|4[4-9]|5)|62"  # Visa to UnionPay
)
_DOUBLED = str.maketrans("0123456789", "0246813579")
"""The digit sum of twice a digit."""
_NUMBERS_OF_LETTERS = {ord("A") + place: str(10 + place) for place in range(26)}
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}"
    r"(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)(?![A-Za-z0-9])"
)


def find(reading: Reading) -> Iterator[Span]:
    """The personal data in a text."""
    text = reading.text
    if "@" in text:
        yield from _addresses(text)
    if "㉿" in text:
        yield from (Span(*match.span(), "user") for match in _KALI.finditer(text))
    for end in reading.ends_of("+"):
        phone = _PHONE.match(text, end - 1)
        if phone:
            yield Span(*phone.span(), "phone")
    if reading.has(b"home", b"users", b"documents", b"media"):
        for pattern in _HOMES:
            yield from _homes(pattern, text)
    if "~" in text:
        yield from _homes(_TILDE, text)
    if reading.holds(b"rwx") or reading.has(b"rw"):
        yield from _owners(text)
    yield from _accounts(reading)
    yield from _authors(reading)
    if _BLAMED_SHAPE in reading.shape:
        for match in _BLAMED.finditer(text):
            yield Span(*match.span("name"), "name")
    yield from _numbers(reading)


def is_person(account: str) -> bool:
    """Whether the name of an account is a person's and no role's."""
    return account.lower() not in _NO_PERSON and not account.startswith("REDACTED")


def _addresses(text: str) -> Iterator[Span]:
    """E-mail addresses, and the account and host of a shell's prompt."""
    place = text.find("@")
    while place >= 0:
        local = None
        if _HOST.match(text, place + 1):
            local = _LOCAL_BACKWARDS.match(text[max(0, place - 64) : place][::-1])
        if local:
            start = _after_escape(text, place - local.end())
            yield from _address(text, start, place)
        place = text.find("@", place + 1)


def _after_escape(text: str, start: int) -> int:
    """Without the letter of an escape, as in `\\nname@host`."""
    return start + (text[start - 1 : start] == "\\" and text[start] in "nrt")


def _address(text: str, start: int, place: int) -> Iterator[Span]:
    account = text[start:place].strip(".-")
    if not account or not is_person(account):
        return
    start = place - len(text[start:place].lstrip(".-"))
    domain = _DOMAIN.match(text, place + 1)
    behind = text[domain.end() : domain.end() + 2] if domain else ""
    prompt = _PROMPT_AFTER.match(text, place + 1)
    is_at_begin = text[start - 1 : start] in ("", "\n", "[", "(", " ", "m", "\r")
    if prompt and is_at_begin and account[0].isalpha():
        yield Span(start, prompt.end("host"), "user")
    elif domain and behind[:1] == ":" and behind[1:] not in ("", " ", "\n", ","):
        # `name@host:path`, as scp and git write it: the host is needed.
        yield Span(start, place, "user")
    elif domain and behind[:1] != "(" and not _is_no_domain(text, place + 1, domain):
        yield Span(start, domain.end(), "email")
        before = _BEFORE_ADDRESS.search(text, max(0, start - 120), start)
        if before:
            yield Span(*before.span("name"), "name")
    elif _MACHINE.match(text, place + 1):
        yield Span(start, place, "user")


def _is_no_domain(text: str, start: int, domain: re.Match[str]) -> bool:
    """A file or a unit, a version of a package, or a product as in `x@self.weight`."""
    if _FILE_OR_UNIT.match(text, start):
        return True
    labels = domain[0].split(".")
    is_mixed = not (labels[-1].islower() or labels[-1].isupper())
    return is_mixed or labels[0] in _NO_HOST


def _homes(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        if is_person(match["user"].split(" ")[0]) and _is_home(text, match):
            yield Span(*match.span("user"), "user")


def _is_home(text: str, match: re.Match[str]) -> bool:
    """Whether what stands before makes it a folder of homes: `/home/`, `-home-`."""
    before = text[max(0, match.start() - 64) : match.start()]
    if match[0].startswith("~"):
        return True
    if match["dashed"]:
        return bool(_DASHED_BEFORE.search(before))
    if match["unix"] and before.endswith("/"):
        return bool(_ROOTS.search(before[:-1]))
    return before.endswith(("\\", "/"))


def _owners(text: str) -> Iterator[Span]:
    """Owners in a listing of files."""
    for match in _LISTED.finditer(text):
        if is_person(match["owner"]):
            yield Span(*match.span("owner"), "user")
        if match["group"].lower() not in _GROUPS and is_person(match["group"]):
            yield Span(*match.span("group"), "user")


def _accounts(reading: Reading) -> Iterator[Span]:
    """Names of accounts where a system tells them."""
    text = reading.text
    found: list[tuple[int, int]] = []
    if reading.has(b"uid", b"gid"):
        for ids in _IDENTITY.finditer(text):
            inner = _IN_BRACKETS.finditer(text, *ids.span("ids"))
            found += [match.span(1) for match in inner]
        found += [match.span("user") for match in _STAT.finditer(text)]
    if "USER" in text:
        found += [match.span("user") for match in _VARIABLE.finditer(text)]
    for start, end in found:
        if is_person(text[start:end]):
            yield Span(start, end, "user")
    for match in _PASSWD.finditer(text):
        backwards = text[max(0, match.start() - 33) : match.start()][::-1]
        account = _LINE_BACKWARDS.match(backwards)
        if account and is_person(account[1][::-1]):
            yield Span(match.start() - len(account[1]), match.start(), "user")
            yield Span(*match.span("told"), "name")


def _authors(reading: Reading) -> Iterator[Span]:
    """Names of people in what git prints and takes."""
    text = reading.text
    for label, pattern in _LABELS.items():
        if not reading.has(label.rpartition("-")[2].lower().encode()):
            continue
        for match in pattern.finditer(text):
            line = text[max(0, match.start() - 60) : match.start()].rpartition("\n")[2]
            # A line of a log begins with it; a sentence does not.
            if " " in match["name"] and not _LETTER.search(line):
                yield Span(*match.span("name"), "name")
    for pattern, hint in ((_USER_NAME, "user.name"), (_NAME_VARIABLE, "R_NAME=")):
        if hint in text:
            for match in pattern.finditer(text):
                if " " in match["name"]:
                    yield Span(*match.span("name"), "name")


def _numbers(reading: Reading) -> Iterator[Span]:
    """Numbers of cards and bank accounts, by their check digits."""
    text, shape = reading.text, b" " + reading.shape
    for digits in _CARD_SHAPES:
        for place in _places(shape, digits):
            card = _CARD.match(text, place)
            before = text[max(0, place - 1) : place]
            if card and not _JOINED.match(before) and is_card(card[0]):
                yield Span(*card.span(), "card")
    for place in _places(shape, b" AA00"):
        iban = _IBAN.match(text, place)
        if iban and is_iban(iban[0]):
            yield Span(*iban.span(), "iban")


def _places(shape: bytes, wanted: bytes) -> Iterator[int]:
    """Where a shape stands, the blank before it left out."""
    place = shape.find(wanted)
    while place >= 0:
        # The blank put before the text makes it the place in the text.
        yield place
        place = shape.find(wanted, place + 1)


def is_card(number: str) -> bool:
    """Whether an issuer's digits begin it, and its check digit is right."""
    return bool(_ISSUERS.match(number)) and is_luhn(number)


def is_luhn(number: str) -> bool:
    """Whether the last digit is the check digit (ISO/IEC 7812)."""
    digits = number.replace(" ", "").replace("-", "")[::-1]
    total = sum(map(int, digits[::2])) + sum(map(int, digits[1::2].translate(_DOUBLED)))
    return total % 10 == 0 and len(set(digits)) > 1


def is_iban(number: str) -> bool:
    """Whether the two digits behind the country are the check digits (ISO 13616)."""
    plain = number.replace(" ", "")
    turned = plain[4:] + plain[:4]
    return int(turned.translate(_NUMBERS_OF_LETTERS)) % 97 == 1
