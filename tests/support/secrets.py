"""Secrets that never were: put together at run time, one of every kind,
different for every number.
"""

from __future__ import annotations

import random
import string
from base64 import b64encode

_WORD = string.ascii_letters + string.digits


def planted(number: int) -> list[tuple[str, str, str]]:
    """(kind, text, the secret in it) for every kind."""
    rng = random.Random(number)

    def word(size: int, letters: str = _WORD) -> str:
        return "aB3" + "".join(rng.choice(letters) for _ in range(size - 3))

    low = string.ascii_lowercase + string.digits
    body = "\n".join(word(64) for _ in range(4))
    pem = f"-----{'BEGIN'} RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    keys = {
        "anthropic-key": "sk-" + "ant-api03-" + word(80),
        "openai-key": "sk-" + "proj-" + word(60),
        "google-key": "AI" + "za" + word(35),
        "aws-key-id": "AK"
        + "IA"
        + "".join(rng.choice(string.ascii_uppercase) for _ in range(16)),
        "github-token": "gh" + "p_" + word(36),
        "gitlab-token": "gl" + "pat-" + word(20),
        "huggingface-token": "h" + "f_" + word(34),
        "npm-token": "np" + "m_" + word(36),
        "pypi-token": "py" + "pi-" + word(120),
        "slack-token": "xo" + "xb-" + word(40),
        "stripe-key": "sk" + "_live_" + word(24),
        "jwt": "ey" + "J" + word(30) + "." + word(60) + "." + word(43),
        "email": f"{word(6).lower()}@{word(8, low).lower()}.example.org",
        "private-key": pem,
    }
    rows = [
        (kind, f"the value {secret} stands here", secret)
        for kind, secret in keys.items()
    ]
    told = [
        ("secret", "aws_secret_access_key = {}", word(40)),
        ("secret", "client_secret: {}", word(24)),
        (
            "secret",
            "VAST_API_KEY={}",
            "".join(rng.choice("0123456789abcdef") for _ in range(64)),
        ),
        ("bearer-token", "Authorization: Bearer {}", word(40)),
        ("login", "postgres://{}@db.internal:5432/x", f"admin{number}:{word(14)}"),
        (
            "basic-auth",
            "Authorization: Basic {}",
            b64encode(f"admin:{word(9)}".encode()).decode(),
        ),
        ("password", 'password = "{}"', word(14)),
        ("user", "see /home/{}/notes.md", word(7, low).lower()),
        ("base64", "data:application/zip;base64,{}==", word(200)),
    ]
    return rows + [(kind, text.format(secret), secret) for kind, text, secret in told]
