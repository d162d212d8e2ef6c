"""Redaction: no secret stays, clean text stays as it is, no input takes long."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.secrets import planted

from afs_stages.sources.redaction import Redactor

ALPHANUM = "abcDEF123ghiJKL456mnoPQR789stuVWX012yz"


@pytest.mark.parametrize(("kind", "text", "secret"), planted(0))
def test_every_kind_is_found_whole(kind: str, text: str, secret: str) -> None:
    redact = Redactor()
    cleaned = redact(text)
    assert secret not in cleaned
    assert secret[-8:] not in cleaned
    assert f"<REDACTED:{kind}-1>" in cleaned
    assert redact.counts == {kind: 1}


def test_marks_are_numbered_by_appearance_and_stable() -> None:
    (_, _, first), (_, _, second) = planted(1)[0], planted(2)[0]
    redact = Redactor()
    assert (
        redact(f"a {first} b {second}")
        == "a <REDACTED:anthropic-key-1> b <REDACTED:anthropic-key-2>"
    )
    assert redact(f"again {second}") == "again <REDACTED:anthropic-key-2>"
    assert redact(redact(f"{first}")) == "<REDACTED:anthropic-key-1>"


def test_values_are_redacted_in_keys_and_leaves() -> None:
    (_, _, secret) = planted(3)[0]
    value = {"a": [secret, 1, None, {secret: True}]}
    assert secret not in json.dumps(Redactor().value(value))


WORD = "hunter" + "2x9!"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"https://marlow:{WORD}@host/x", "https://<REDACTED:login-1>@host/x"),
        (f"https://marlow:p@ss{WORD}@host/x", "https://<REDACTED:login-1>@host/x"),
        (f"https:\\/\\/marlow:{WORD}@host", "https:\\/\\/<REDACTED:login-1>@host"),
        (f"curl -s -u marlow:{WORD} x", "curl -s -u <REDACTED:login-1> x"),
        (
            f"curl -X GET \\\n --user 'marlow:my {WORD}' x",
            "curl -X GET \\\n --user '<REDACTED:login-1>' x",
        ),
        ("curl -u $NAME:$PASSWORD x", "curl -u $NAME:$PASSWORD x"),
        (
            "-H 'Authorization: Basic bWFybG93OnB3'",
            "-H 'Authorization: Basic <REDACTED:basic-auth-1>'",
        ),
        (
            "Basic concepts, and basic programming",
            "Basic concepts, and basic programming",
        ),
        (
            f'log {{\\"password\\": \\"{WORD}\\", ',
            'log {\\"password\\": \\"<REDACTED:password-1>\\", ',
        ),
        (f'{{"x": "\\n{planted(0)[4][2]}"}}', '{"x": "\\n<REDACTED:github-token-1>"}'),
        (f"text \\n{planted(0)[4][2]}", "text \\n<REDACTED:github-token-1>"),
    ],
)
def test_logins_and_secrets_behind_escapes(text: str, clean: str) -> None:
    assert Redactor()(text) == clean


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        (
            {"command": ["curl", "-u", f"marlow:{WORD}"]},
            {"command": ["curl", "-u", "<REDACTED:login-1>"]},
        ),
        (
            ["mysql", "--password", WORD],
            ["mysql", "--password", "<REDACTED:password-1>"],
        ),
        (
            {"password": WORD, "user": "x"},
            {"password": "<REDACTED:password-1>", "user": "x"},
        ),
        (
            {"Authorization": "Basic bWFybG93OnB3"},
            {"Authorization": "Basic <REDACTED:basic-auth-1>"},
        ),
        ({"token": "a word about tokens"}, {"token": "a word about tokens"}),
    ],
)
def test_a_value_is_read_with_its_name(value: object, clean: object) -> None:
    assert Redactor().value(value) == clean


@settings(deadline=None, max_examples=50)
@given(
    before=st.text(max_size=40),
    after=st.text(max_size=40),
    number=st.integers(0, 10_000),
    data=st.data(),
)
def test_a_secret_is_found_wherever_it_stands(
    before: str, after: str, number: int, data: st.DataObject
) -> None:
    kind, text, secret = data.draw(st.sampled_from(planted(number)))
    assert secret not in Redactor()(f"{before}\n{text}\n{after}"), kind


@settings(deadline=None, max_examples=50)
@given(text=st.text(max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = Redactor()(text)
    assert Redactor()(once) == once


KEY_BODY = [(ALPHANUM[n:] + ALPHANUM * 2)[:64] for n in range(6)] + ["aB3dE=="]
PREFIXES = {
    "plain": "{line}",
    "numbered": "{n:>6}\u2192{line}",
    "cat -n": "{n:>6}\t{line}",
    "grep -n": "deploy.pem:{n}:{line}",
    "grep -A": "home/k/deploy.pem-{n}-{line}",
    "quoted": '    "{line}\\n"',
    "mail": "> {line}",
    "diff": "+{line}",
    "table": "| {n} | {line} |",
    "comment": "# {line}",
}


@pytest.mark.parametrize("style", PREFIXES)
@pytest.mark.parametrize("kept", [*range(1, len(KEY_BODY) + 1), "whole"])
@pytest.mark.parametrize("newline", ["\n", "\\n", "\r\n"])
def test_a_private_key_goes_however_its_lines_are_printed(
    style: str, kept: int | str, newline: str
) -> None:
    header, end = (f"-----{word} RSA PRIVATE KEY-----" for word in ("BEGIN", "END"))
    lines = (
        [header, *KEY_BODY, end]
        if kept == "whole"
        else [header, *KEY_BODY[: int(kept)]]
    )
    printed = [
        PREFIXES[style].format(n=n, line=line) for n, line in enumerate(lines, 1)
    ]
    text = newline.join(["Here it is.", *printed, "That was it, then."])
    cleaned = Redactor()(text)
    assert [line for line in KEY_BODY if line in cleaned] == []
    assert cleaned.startswith("Here it is.")
    assert cleaned.endswith("That was it, then.")


def test_a_private_key_given_as_a_list_of_lines_goes() -> None:
    lines = [
        f"-----{'BEGIN'} PRIVATE KEY-----",
        *KEY_BODY,
        f"-----{'END'} PRIVATE KEY-----",
        "after it",
    ]
    assert Redactor().value({"lines": lines}) == {
        "lines": ["<REDACTED:private-key-1>", "after it"]
    }


def test_two_keys_and_the_words_between_them() -> None:
    key = "\n".join([f"-----{'BEGIN'} PRIVATE KEY-----", *KEY_BODY])
    cleaned = Redactor()(
        f"{key}\nand the other, cut too:\n{key}x\nand no more, dear reader"
    )
    marks = (
        "<REDACTED:private-key-1>\nand the other, cut too:\n<REDACTED:private-key-2>"
    )
    assert cleaned == f"{marks}\nand no more, dear reader"
