"""What redaction knows by rule: names beside values, forms, people, and what hides
them; and what it leaves alone. Every secret is made at run time.
"""

from __future__ import annotations

import string
import time
from base64 import b64encode
from itertools import pairwise
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.secrets import planted

from afs_stages.sources.redaction import Redactor
from afs_stages.sources.redaction.encoded import View
from afs_stages.sources.redaction.names import Level, level
from afs_stages.sources.redaction.people import is_iban, is_luhn
from afs_stages.sources.redaction.spans import Span, merged

RNG = Random(7)
WORD = string.ascii_letters + string.digits


def made(size: int, letters: str = WORD) -> str:
    """A word made at random, with each class of letters in it."""
    return "x7Q" + "".join(RNG.choice(letters) for _ in range(size - 3))


CHOSEN = ["Tr0ub4dor&3", "Winter2024!", "k7$Pq!zW2m", "m0nkeyB4rs", "aX9-qwe!71"]
"""Passwords as people choose them."""
ASSIGNED = r"""
password = "{}"
password: '{}'
password: str = "{}"
let pw: &str = "{}";
db_password := "{}"
DB_PASSWORD ?= {}
'password' => '{}',
:password => "{}"
password <- "{}"
#define WIFI_PASSWORD "{}"
setenv("DB_PASSWORD", "{}", 1);
conn.setPassword("{}")
password := []byte("{}")
NSString *password = @"{}";
private static final String PASSWORD = "{}";
os.environ["DB_PASSWORD"] = "{}"
$pw = ConvertTo-SecureString "{}" -AsPlainText
<password>{}</password>
<add key="DbPassword" value="{}"/>
<property name="password" value="{}"/>
<Password><Value>{}</Value></Password>
<key>password</key><string>{}</string>
ALTER USER x IDENTIFIED BY '{}';
CREATE ROLE x WITH LOGIN PASSWORD '{}';
{{"name": "DB_PASSWORD", "value": "{}"}}
Server=tcp:x;User ID=sa;Password={};Encrypt=True
jdbc:mysql://h/db?user=u&password={}
spring.datasource.password={}
export PGPASSWORD={}
ENV DB_PASS {}
requirepass {}
mysql -u root -p{} db
sshpass -p {} ssh x@y
tool --password {} run
tool --password={} run
redis-cli -a {} ping
docker login -u x -p {}
net use \\x\y /user:x {}
echo "{}" | sudo -S ls
machine example.org login x password {}
db.example.com:5432:mydb:x:{}
*:*:*:x:{}
ansible_become_pass: {}
psk="{}"
wpa_passphrase={}
user_pw = "{}"
password%3D{}
\"password\": \"{}\"
Password: {}
the password is {}
| password | {} |
""".strip().splitlines()


@pytest.mark.parametrize("form", ASSIGNED)
@pytest.mark.parametrize("secret", CHOSEN)
def test_a_password_goes_in_every_language(form: str, secret: str) -> None:
    if form.startswith("jdbc"):
        secret = secret.replace("&", "8")
    assert secret not in Redactor()(form.format(secret))


@pytest.mark.parametrize(
    "name",
    [
        *("API_KEY", "apiKey", "STRIPE_KEY", "KEY_PROD", "client_secret", "auth_token"),
        *("X-Api-Key", "service_credentials", "AccountKey", "PrivateKey", "_authToken"),
        *(
            "SIGNING_SECRET",
            "hmac_key",
            "subscription-key",
            "refreshToken",
            "jwtSecret",
        ),
    ],
)
@pytest.mark.parametrize(
    "form", ['{} = "{}"', "{}: {}", "{}={}", "--{} {}", "{} => '{}'"]
)
def test_a_made_value_goes_with_the_name_of_a_secret(name: str, form: str) -> None:
    key = b64encode(RNG.randbytes(24)).decode()
    for secret in (made(32), made(40, "0123456789abcdef"), key):
        assert secret not in Redactor()(form.format(name, secret))


def test_the_words_of_a_name_say_what_its_value_is() -> None:
    expected = {
        Level.PASSWORD: "dbPassword DB_PASS userpw PGPASSWORD psk pwd",
        Level.SECRET: "api_key clientSecret accessToken STRIPE_KEY KEY_PROD credential",
        Level.KEY: "key auth session_id",
        Level.NUMBER: "pin otp recovery_code",
        Level.NONE: (
            "public_key sort_key PublicKeyToken token_type passwordField secretName "
            "author keyboard compass bypass monkey tokenizer max_length"
        ),
    }
    found = {name: level(name) for names in expected.values() for name in names.split()}
    assert found == {
        name: strength for strength, names in expected.items() for name in names.split()
    }


PEOPLE = r"""
marlene.k@firma-nord.de
marlene.k%40firma-nord.de
<marlene.k@firma-nord.de>
/home/marlene/x
/c/Users/marlene/x
/mnt/c/Users/marlene/src
/var/home/marlene/.ssh
C:\Users\Marlene Kraus\x
C:\\Users\\marlene\\x
C:/Users/marlene/x
%2Fhome%2Fmarlene%2Fx
file:///home/marlene/a
--project=-home-marlene-src
~marlene/public
-rw-r--r-- 1 marlene staff 12 Jan  1 12:00 f
drwxr-xr-x  5 marlene marlene 4096 Nov 3 10:00 .
Author: Marlene Kraus <x@y.de>
Co-authored-by: Marlene Kraus <m@k.de>
abc1234 (Marlene Kraus 2024-01-02 10:00:00 +0100 12) x
git config user.name "Marlene Kraus"
marlene@thinkpad:~/src$ ls
[marlene@box dir]$ ls
marlene@Mac-mini ~ % ls
scp a marlene@host.example.com:/srv/x
rsync -a x marlene@10.0.0.3:/srv/
uid=1000(marlene) gid=1000(marlene) groups=1000(marlene)
marlene:x:1000:1000:Marlene:/home/marlene:/bin/bash
USER=marlene
""".strip().splitlines()


@pytest.mark.parametrize("text", PEOPLE)
def test_who_a_person_is_goes(text: str) -> None:
    assert "arlene" not in Redactor()(text)


@pytest.mark.parametrize(
    "number",
    [
        *("4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"),
        *("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"),
    ],
)
def test_the_number_of_a_card_or_an_account_goes(number: str) -> None:
    assert number not in Redactor()(f"pay with {number} now")
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert wrong in Redactor()(f"pay with {wrong} now")


@given(st.text("0123456789", min_size=12, max_size=18))
def test_one_digit_in_ten_is_the_check_digit(number: str) -> None:
    assert sum(is_luhn(f"{number}{digit}") for digit in range(10)) <= 1
    assert sum(is_iban(f"DE{check:02}{number}") for check in range(2, 99)) == 1


TOKEN = "gh" + "p_" + made(36)
HIDDEN = {
    "coloured": f"\x1b[32m{TOKEN}\x1b[0m",
    "coloured within": f"\x1b[1m{TOKEN[:4]}\x1b[0m{TOKEN[4:]}",
    "percent": f"token%3D{TOKEN}%26x",
    "a word before": f"tok{TOKEN}",
    "an underscore before": f"x_{TOKEN}",
    "a file's name": f"/tmp/session-{TOKEN}.jsonl",
    "base64": b64encode(f"token={TOKEN}".encode()).decode(),
    "base64 twice": b64encode(b64encode(f"token={TOKEN}".encode())).decode(),
    "hex": TOKEN.encode().hex(),
    "percent all": "".join(f"%{ord(c):02X}" for c in TOKEN),
    "a comment that allows it": f"{TOKEN}  # gitleaks:allow",
    "after a NUL": f"\0 {TOKEN}",
    "after half a character": f"\ud800 {TOKEN}",
}


@pytest.mark.parametrize("way", HIDDEN)
def test_a_token_is_found_through_what_hides_it(way: str) -> None:
    cleaned = Redactor()(f"before {HIDDEN[way]} after")
    assert TOKEN[8:] not in cleaned
    assert "<REDACTED:" in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")


def forms() -> dict[str, tuple[str, str]]:
    """Name of a form -> text and the secret in it."""
    cookie, signature = made(26), quote(b64encode(RNG.randbytes(32)), safe="")
    docker = b64encode(f"x:{made(10)}".encode()).decode()
    age = "AGE-SECRET-" + "KEY-1" + made(58).upper()
    crypt, hook, jwk = made(53), made(60), made(80)
    words = "ripple candy amused vessel nation garlic tomato yellow fabric unlock"
    return {
        "cookie": (f"Cookie: theme=dark; sessionid={cookie}; lang=en", cookie),
        "set-cookie": (f"Set-Cookie: sid={cookie}; Path=/; HttpOnly", cookie),
        "sas": (f"https://x.example.net/c?sv=2021&sp=r&sig={signature}", signature),
        "docker": (f'{{"auths": {{"h": {{"auth": "{docker}"}}}}}}', docker),
        "age": (age, age),
        "crypt": (f"$2b$12${crypt}", crypt),
        "webhook": (f"https://chat.example.com/api/webhooks/1234567/{hook}", hook),
        "jwk": (f'{{"kty":"RSA","d":"{jwk}"}}', jwk),
        "words": (f"seed phrase: {words}", words),
        "pin": ("PIN: 48213", "48213"),
        "phone": ("phone: +49 151 23456789", "23456789"),
    }


@pytest.mark.parametrize("form", forms())
def test_a_secret_goes_by_its_form(form: str) -> None:
    text, secret = forms()[form]
    assert secret not in Redactor()(text)


HARMLESS = Path(__file__).with_name("harmless.txt").read_text().splitlines()[1:]


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_stays(text: str) -> None:
    assert Redactor()(text) == text


def test_public_keys_and_certificates_stay() -> None:
    body = b64encode(b"\x30\x82\x03\x50\x30\x82" + RNG.randbytes(600)).decode()
    lines = [body[n : n + 64] for n in range(0, len(body), 64)]
    pem = [f"-----{'BEGIN'} CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"]
    ssh = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ" + made(330)
    for text in ("\n".join(pem), body, ssh):
        assert Redactor()(text) == text


def test_a_key_cut_off_at_its_head_goes_from_its_last_line_up() -> None:
    lines = [b64encode(RNG.randbytes(48)).decode() for _ in range(5)]
    end = f"-----{'END'} RSA PRIVATE KEY-----"
    cleaned = Redactor()("\n".join(["and here it is:", *lines, end, "that is all"]))
    assert cleaned == "and here it is:\n<REDACTED:private-key-1>\nthat is all"


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ({"name": "DB_PASSWORD", "value": CHOSEN[0]}, CHOSEN[0]),
        ({"env": [{"key": "API_KEY", "value": made(32)}]}, ""),
        ({"headers": {"Cookie": f"sid={TOKEN[4:]}"}}, TOKEN[4:]),
        (["mysql", "-u", "x", "--password", CHOSEN[2]], CHOSEN[2]),
    ],
)
def test_a_value_is_read_with_what_names_it(value: object, secret: str) -> None:
    assert "REDACTED" in str(Redactor().value(value))
    assert not secret or secret not in str(Redactor().value(value))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.builds(
            Span,
            st.integers(0, 40),
            st.integers(0, 40),
            st.sampled_from(["secret", "email"]),
        )
    )
)
def test_merged_spans_are_in_order_apart_and_cover_every_secret(
    spans: list[Span],
) -> None:
    whole = merged(spans)
    assert all(one.end <= two.start for one, two in pairwise(whole))
    covered = {place for span in whole for place in range(span.start, span.end)}
    for span in spans:
        if span.kind == "secret":
            assert covered.issuperset(range(span.start, span.end))


@given(st.lists(st.tuples(st.text(min_size=1, max_size=5), st.booleans()), min_size=1))
def test_what_a_view_shows_is_traced_back(pieces: list[tuple[str, bool]]) -> None:
    """Hidden pieces stand doubled in the text: what is found is found there."""
    view, text = View(), ""
    for piece, same in pieces:
        shown = piece if same else piece * 2
        view.add(piece, len(text), len(text) + len(shown), same=same)
        text += shown
    whole = view.traced(Span(0, len(view.text), "x"))
    assert (whole.start, whole.end) == (0, len(text))


UNITS = [
    *("a", "A1", "aB3/", "1", "0", " ", "\n", "\\", "'\"", "[", "é", '{"\\', "A B C <"),
    *("-----BEGIN RSA PRIVATE KEY-----\n", "-----END RSA PRIVATE KEY-----\n"),
    *("-----BEGIN PRIVATE KEY-----aB3/", "-----BEGIN ", "MIIAAAIBA", "eyJ", "eyJhb.a"),
    *("://a:", "://a@b:", ":\\/", ":////", "a@", "a.b@c.", "/home/", "-home-", "~a/"),
    *("password=", "password\\\\", 'password: "', "<password>", "secret='", "token: "),
    *(
        "--token ",
        "token is ",
        "key",
        "pass",
        "pw ",
        "aws secret ",
        "login a password b ",
    ),
    *('name="password" value="', "bearer ", "basic A", "cookie", "Cookie: a=b; "),
    *("curl ", "curl -u ", "curl \\\n", "mysql ", "mysql -p", "https://hook", "$2b$"),
    *("sk-", "AKIA", "GB82", "4111 1111 ", "a:*:b:c:d\n", "uid=", "-rw-r--r-- 1 a b "),
    *("Author: A B ", "%20", "%3D", "\x1b[0m", '\\"', "&quot;", "6768705f", "QUJD"),
    *("aB3dEfGh1jKlMn0pQrStUvWx ", "ripple ", "PuTTY-User-Key-File-2: "),
    *("| password | a |\n", "password,a\n", "| password | a1 |\n", "пароль: "),
    *("sk-1", "xoxb-1", "task-sk-1 ", "PASS: a1\n", 'passwords = ["a1", '),
    *("<REDACTED:password-1>", "password=<REDACTED:x-1> ", "PASS: a1 ", "<REDACTED:"),
]


@pytest.mark.parametrize("unit", UNITS)
def test_no_input_takes_long(unit: str) -> None:
    """A quarter of a megabyte takes half a second at most; where time grew with the
    square of the length it would take minutes. The bound is eight times the usual.
    """
    text = unit * (250_000 // len(unit))
    started = time.process_time()
    Redactor()(text)
    assert time.process_time() - started < 4


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_no_mixture_takes_long(data: st.DataObject) -> None:
    unit = "".join(data.draw(st.lists(st.sampled_from(UNITS), min_size=1, max_size=4)))
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    Redactor()(text)
    assert time.process_time() - started < 5


def test_kinds_have_names_that_a_mark_can_hold() -> None:
    for _, text, _ in planted(3):
        redact = Redactor()
        redact(text)
        assert all(kind.replace("-", "").isalnum() for kind in redact.counts)


NAMED_APART = [
    {"card": 4111111111111111},
    {"password": 84736251},
    {"pin": 48213},
    {"password": [CHOSEN[0]]},
    {"password": {"value": CHOSEN[1]}},
    {"params": [["password", CHOSEN[2]]]},
    {"X-Api-Key": [made(32)]},
    {"element": "Password input", "ref": "e12", "text": CHOSEN[3]},
    {"selector": "#password", "text": CHOSEN[4]},
    ("ls", (TOKEN,)),
    {"x": {TOKEN}},
    [TOKEN.encode()],
]


@pytest.mark.parametrize("value", NAMED_APART, ids=range(len(NAMED_APART)))
def test_no_shape_of_a_value_keeps_a_secret(value: object) -> None:
    cleaned = str(Redactor().value(value))
    assert "<REDACTED:" in cleaned
    assert not [
        word for word in (*CHOSEN, TOKEN, "4111", "847", "482") if word in cleaned
    ]


def test_numbers_and_what_is_no_secret_keep_their_type() -> None:
    value: dict[str, object] = {
        "count": 12,
        "ok": True,
        "none": None,
        "x": 1.5,
        "password": True,
    }
    value["large"] = value["passwords"] = 10**6000
    assert Redactor().value(value) == value


MARKED = [form.format(CHOSEN[number % 5]) for number, form in enumerate(ASSIGNED)]
MARKED += [text for _, text, _ in planted(5)] + PEOPLE + list(HIDDEN.values())
MARKED += [text for text, _ in forms().values()]
BEHIND = r"""
 DB_PORT=5432
 mydb2024
 user=alice99
 DB_HOST=db01.example.com
: x7
, user=bob99
 and the port is 5432
 next1: 22 host2=db01x
 | abc123 | v2endpoint |
; const host = 'db01';
 -n 2 KEYS user:1234
""".splitlines()


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from(MARKED), st.sampled_from([*BEHIND, "", "\n  ", " "])),
        min_size=1,
        max_size=4,
    )
)
def test_to_redact_twice_changes_nothing(pieces: list[tuple[str, str]]) -> None:
    once = Redactor()("\n".join(text + behind for text, behind in pieces))
    assert Redactor()(once) == once
    value = {"text": once, "args": [once, *once.split()[:9]], "password": once}
    cleaned = Redactor().value(value)
    assert Redactor().value(cleaned) == cleaned


def test_the_words_of_a_command_are_read_in_little_time() -> None:
    words = ["x" * 500_000, *["-a", "x"] * 2000]
    started = time.process_time()
    assert Redactor().value(words) == words
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "name", ["contraseña", "lösenord", "пароль", "DB_ПАРОЛЬ", "数据库密码", "비밀번호"]
)
@pytest.mark.parametrize("form", ["{}: {}", '{} = "{}"', '"{}": "{}"', "{}={}"])
def test_a_password_has_names_in_every_alphabet(name: str, form: str) -> None:
    assert CHOSEN[0] not in Redactor()(form.format(name, CHOSEN[0]))


@pytest.mark.parametrize(
    "form", ['{{"refresh_token": "{}"}}', "SECRET_KEY={}", "token: {}", "pw='{}'", "{}"]
)
@pytest.mark.parametrize("size", [390, 410, 900, 5000])
def test_a_long_value_goes_to_its_end(form: str, size: int) -> None:
    secret = made(size, WORD + "-_")
    text = form.format(secret) if form != "{}" else f"token = '{secret}'"
    cleaned = Redactor()(f"{text} and more")
    assert secret[-40:] not in cleaned
    assert secret[20:60] not in cleaned
    assert cleaned.endswith(" and more")
    assert secret[-40:] not in str(Redactor().value({"refresh_token": secret}))


MENTIONS = r"""
return text.startswith("-----BEGIN RSA PRIVATE KEY-----")|def f():|    pass
if (a.includes("BEGIN PRIVATE KEY-----")) {|  throw new UnsupportedOperationException();
    someOtherLongIdentifier1 = 1|    assert s.endswith("-----END PRIVATE KEY-----")
A="-----BEGIN PRIVATE KEY-----"|someLongFunctionName1(A)|B="-----END PRIVATE KEY-----"
What does -----BEGIN PRIVATE KEY----- mean?|It begins a key. Internationalization
""".strip().splitlines()


@pytest.mark.parametrize("text", MENTIONS)
def test_a_key_that_is_only_mentioned_takes_nothing(text: str) -> None:
    code = text.replace("|", "\n")
    assert Redactor()(code) == code


def test_a_key_between_words_goes_and_the_words_stay() -> None:
    body = [b64encode(RNG.randbytes(48)).decode() for _ in range(4)]
    heads = (f"-----{'BEGIN'} RSA PRIVATE KEY-----", "PuTTY-User-Key-File-3: ssh-rsa")
    for head in heads:
        cleaned = Redactor()("\n".join(["look:", head, *body, "and no more of it"]))
        assert cleaned == "look:\n<REDACTED:private-key-1>\nand no more of it"


WEAK = r"""
{"password": "letmein"}
{\"password\": \"letmein\"}
Server=db;Uid=sa;Pwd=letmein;
jdbc:mysql://h/db?user=root&password=letmein
<password>letmein</password>
tool --password=letmein run
the password is letmein7
passwords = ["letmein12", "letmein8"]
""".strip().splitlines()


@pytest.mark.parametrize("text", WEAK)
def test_a_weak_password_goes_where_no_code_can_stand(text: str) -> None:
    assert "letmein" not in Redactor()(text)
    assert "letmein" not in str(Redactor().value({"password": "letmein"}))


def test_a_secret_of_words_goes_with_the_name_of_a_variable() -> None:
    text = 'JWT_SECRET="a-very-secret-jwt-key-2024"'
    assert Redactor()(text) == 'JWT_SECRET="<REDACTED:secret-1>"'


@pytest.mark.parametrize(
    "text",
    [
        "| Feature | Password | Token |\n|--|--|--|\n| sso | supported | existing |",
        "Test,Pass,Fail\nlogin_test1,check22x,3\nlogin_test2,x22y,1",
        "First pass, second pass, third pass\nvertices2, geometry1, fragments3",
    ],
)
def test_a_table_that_holds_no_secret_stays(text: str) -> None:
    assert Redactor()(text) == text


def test_a_key_inside_a_word_goes() -> None:
    key = "sk" + "-" + made(40)
    for text in (f"tok{key}", f"_{key}", f"a-{key} b"):
        assert key[6:] not in Redactor()(text)
