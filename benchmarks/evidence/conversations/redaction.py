"""Secrets and harmless strings through the real door, and how fast redaction is."""

from __future__ import annotations

import json
import re
import signal
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from afs_stages.sources.redaction import Redactor
from benchmarks.evidence.conversations import door

SHORT = 6
"""Characters. A shorter secret counts only where it stands as a word of its own, and is
not looked for in what the command printed, where counts may be the same digits."""
MILLION = 2**20
PATIENCE = 20
"""Seconds after which a hostile input is given up."""

Item = dict[str, Any]


def check_secrets(planted: list[Item]) -> list[Item]:
    """One verdict per planted secret: where it was still to be read, if anywhere."""
    export = door.export([item["text"] for item in planted])
    return [
        {key: item[key] for key in ("index", "kind", "held_out", "debatable")}
        | {"group": group_of(item), "leaks": _leaks(number, item, export)}
        for number, item in enumerate(planted)
    ]


def group_of(item: Item) -> str:
    """Named in the requirement, or not and with or without a label beside it."""
    if item["named"]:
        return "named"
    return "not named, labelled" if item["labelled"] else "not named, bare"


def _leaks(number: int, item: Item, export: door.Export) -> list[str]:
    name = door.case(number)
    if name not in export.rows:
        return ["no sample was written"]
    places = {
        "samples": door.seen(export.rows[name]),
        "rejects": door.seen(export.rejects.get(name, [])),
    }
    leaks = [
        place
        for place, text in places.items()
        if any(_holds(text, secret) for secret in item["secret"])
    ]
    long = [secret for secret in item["secret"] if len(secret) >= SHORT]
    if any(secret in export.stdout for secret in long):
        leaks.append("report")
    if any(secret in export.stderr for secret in long):
        leaks.append("stderr")
    return leaks


def _holds(text: str, secret: str) -> bool:
    if len(secret) >= SHORT:
        return secret in text
    return bool(re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text))


def check_harmless(texts: list[Item]) -> list[Item]:
    """One verdict per harmless string: whether it came through byte for byte."""
    export = door.export([item["text"] for item in texts])
    verdicts = []
    for number, item in enumerate(texts):
        rows = export.rows.get(door.case(number), [])
        whole = bool(rows) and all(
            item["text"] in rows[0][key] for key in ("instruction", "output")
        )
        taken = rows[0]["_metadata"].get("redactions", {}) if rows else {}
        kinds = sorted(taken) if rows else ["no sample was written"]
        verdicts.append(item | {"changed": not whole, "as": [] if whole else kinds})
    return verdicts


def speed() -> Item:
    """MB/s of one core on kept text, and seconds on hostile inputs of 1 MB."""
    whole = list(_library(6))
    pieces = [text[i : i + 2000] for text in whole for i in range(0, len(text), 2000)]
    return {
        "files": _rate(whole),
        "pieces": _rate(pieces),
        "hostile": {name: _seconds(text) for name, text in hostile()},
    }


def _library(megabytes: float) -> Iterator[str]:
    """Files of Python's standard library, in order of name."""
    size = 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        yield text
        size += len(text)
        if size > megabytes * 1e6:
            return


def _rate(texts: list[str]) -> float:
    """The best of three runs, in MB/s of CPU time."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        redact = Redactor()
        for text in texts:
            redact(text)
        best = min(best, time.process_time() - started)
    return round(sum(map(len, texts)) / 1e6 / best, 2)


def _seconds(text: str) -> float:
    def give_up(number: int, frame: Any) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, give_up)
    started = time.process_time()
    signal.alarm(PATIENCE)
    try:
        Redactor()(text)
    except TimeoutError:
        return float(PATIENCE)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    return round(time.process_time() - started, 2)


def hostile() -> Iterator[tuple[str, str]]:
    """(name, text) of 1 MB that ask much of a pattern: almost-matches and long runs."""
    name = "RSA " + "PRIVATE KEY-----"
    begin, end = f"-----BEGIN {name}", f"-----END {name}"
    repeated = {
        "letters": "a",
        "letters and digits": "aB3",
        "digits": "4",
        "digits in groups": "4111 ",
        "dashes and digits": "4111-",
        "blanks": " ",
        "line ends": "\n",
        "backslashes": "\\",
        "quotes": '"',
        "brackets": "{",
        "at signs": "a@",
        "almost e-mail": "a.b@c.",
        "percent-encoded at": "a%40",
        "dots": "a.",
        "colons": "a:",
        "logins": "://a:",
        "equal signs": "=",
        "names without values": "password=",
        "names with blanks": "password   :   ",
        "names in quotes": '"password":"',
        "names in each other": "secret_token_key_",
        "key and value pairs": '{"name": "DB_PASSWORD", "value": ',
        "bearer": "Bearer ",
        "authorization": "Authorization: Basic ",
        "curl": "curl -u ",
        "curl on lines": "curl \\\n",
        "aws": "aws secret key ",
        "vast": "vast api key ",
        "jwt": "eyJ",
        "jwt with dots": "eyJhbGciOi.",
        "github tokens": "ghp_" + "aB3d" * 9 + " ",
        "slack tokens": "xoxb-",
        "key headers": begin,
        "key headers on lines": begin + "\n",
        "key ends": end + "\n",
        "numbered lines": "    12→QUJD\n",
        "escaped line ends": "QUJDREVGR0hJSktM\\n",
        "home folders": "/home/",
        "windows folders": "C:\\Users\\",
        "escaped folders": "%2Fhome%2F",
        "colour codes": "\x1b[32m",
        "capital dotted i": "\u0130",
        "lone surrogates": "\ud83d",
        "iban": "DE00 ",
        "hex": "0123456789abcdef",
        "hex pairs": "0f ",
        "cookies": "Cookie: a=b; ",
        "flags": "--password ",
        "heads of PuTTY's keys": "PuTTY-User-Key-File-2: ",
        "heads of tables": "| password | a |\n",
        "heads of tables with numbers": "| password | a1 |\n",
        "names without an end": "password='",
        "almost vendor keys": "sk-1",
        "names of foreign letters": "пароль: ",
    }
    for name, unit in repeated.items():
        yield name, (unit * (MILLION // len(unit) + 1))[:MILLION]
    yield "one value without an end", 'password="' + "aB3d" * (MILLION // 4)
    unit = "QUJDRGVmZ2hp" * 4
    yield "one base64 value", (unit * (MILLION // len(unit) + 1))[:MILLION]
    lines = "\n".join([unit] * (MILLION // (len(unit) + 1)))
    yield "base64 lines", lines
    yield "a key without an end", f"{begin}\n{lines}"
    yield "json in json", _nested(MILLION)


def _nested(size: int) -> str:
    """JSON in JSON in JSON …, as deep as the size allows."""
    text = "password=" + "aB3d" * 4
    while True:
        outer = json.dumps({"body": text})
        if len(outer) > size:
            return text
        text = outer
