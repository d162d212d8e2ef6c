"""Planted secrets and personal data, and harmless strings. Nothing here is real: every value is drawn when it runs.

Load it under another name (importlib), because a module called `secrets` on sys.path hides Python's own.
secrets(seed)  -> list of {"index", "kind", "named", "text", "secret", "labelled", "held_out", "debatable"}
harmless(seed) -> list of str; harmless_held_out(i) says which positions are held out
"""

import base64
import json
import random
import string
import zlib

L, U, D = string.ascii_lowercase, string.ascii_uppercase, string.digits
B62, HEX = L + U + D, "0123456789abcdef"

SEED = 1
"""What the figures are measured with."""


class G:
    def __init__(self, seed):
        self.r = random.Random(f"hand-1/{seed}")
        self.out = []
        self.names = set()

    # raw material
    def of(self, alphabet, n):
        return "".join(self.r.choice(alphabet) for _ in range(n))

    def b62(self, n):
        s = self.of(B62, n)  # sure to hold all three classes, like real ones
        return (
            s
            if any(c in D for c in s)
            and any(c in L for c in s)
            and any(c in U for c in s)
            or n < 6
            else self.b62(n)
        )

    def b64u(self, n):
        s = self.of(B62 + "-_", n)
        return s if s[0] not in "-_" and s[-1] not in "-_" else self.b64u(n)

    def sum62(self, prefix):
        """GitHub's and npm's shape: 30 random characters and their CRC-32 in base 62."""
        s = self.b62(30)
        n = zlib.crc32(s.encode())
        c = ""
        for _ in range(6):
            n, k = divmod(n, 62)
            c = (D + U + L)[k] + c
        return prefix + s + c

    def hex(self, n):
        return self.of(HEX, n)

    def raw64(self, nbytes):
        return base64.b64encode(
            bytes(self.r.getrandbits(8) for _ in range(nbytes))
        ).decode()

    def syl(self, n):
        return "".join(
            self.r.choice("bdfgklmnprstvz") + self.r.choice("aeiou") for _ in range(n)
        )

    def user(self):
        while True:
            u = self.syl(3) + self.r.choice("bdfgklmnprst")
            if u not in self.names:
                self.names.add(u)
                return u

    def first(self):
        return self.user().capitalize()

    def last(self):
        return (
            self.syl(2)
            + self.r.choice(["sen", "berg", "mann", "ovic", "well"])
            + self.syl(1)
        ).capitalize()

    def host(self):
        return self.r.choice(["box", "node", "lap", "srv"]) + self.of(D, 2)

    def dom(self):
        return self.syl(3) + self.r.choice([".net", ".org", ".io", ".com", ".dev"])

    def mail(self):
        return f"{self.user()}.{self.last().lower()}@{self.dom()}"

    def pw(self, n=14):
        s = (
            self.r.choice(L + U)
            + self.of(B62, n - 4)
            + self.r.choice("!+-")
            + self.of(D, 2)
        )
        return s if any(c in D for c in s[:-3]) else self.pw(n)

    def words_pw(self):
        return self.syl(2).capitalize() + self.syl(2) + self.of(D, 4) + "!"

    def add(self, kind, named, text, secret, labelled=True):
        secret = [secret] if isinstance(secret, str) else list(secret)
        for s in secret:
            assert s and s in text, (kind, s, text)
        self.out.append(
            {
                "kind": kind,
                "named": named,
                "text": text,
                "secret": secret,
                "labelled": labelled,
            }
        )


def luhn(g, prefix, n):
    d = prefix + g.of(D, n - len(prefix) - 1)
    t = 0
    for i, c in enumerate(reversed(d)):
        v = int(c) * (2 if i % 2 == 0 else 1)
        t += v - 9 if v > 9 else v
    return d + str(-t % 10)


def iban(g, cc, bban):
    s = bban + cc + "00"
    n = int("".join(str(int(c, 36)) for c in s))
    return f"{cc}{98 - n % 97:02d}{bban}"


# ------------------------------------------------------------------ vendor keys
def vendors(g):
    R = g.r
    v = [
        (
            "aws-access-key-id",
            lambda: "AKIA" + g.of(U + "234567", 16),
            "AWS_ACCESS_KEY_ID",
        ),
        ("github-classic-token", lambda: g.sum62("ghp_"), "GITHUB_TOKEN"),
        ("github-oauth-token", lambda: g.sum62("gho_"), "GH_OAUTH"),
        (
            "github-fine-grained-token",
            lambda: "github_pat_" + g.b62(22) + "_" + g.b62(59),
            "GH_PAT",
        ),
        ("gitlab-token", lambda: "glpat-" + g.b64u(20), "GITLAB_TOKEN"),
        (
            "slack-bot-token",
            lambda: f"xoxb-{g.of(D, 12)}-{g.of(D, 13)}-{g.b62(24)}",
            "SLACK_BOT_TOKEN",
        ),
        (
            "slack-user-token",
            lambda: f"xoxp-{g.of(D, 12)}-{g.of(D, 12)}-{g.of(D, 13)}-{g.hex(32)}",
            "SLACK_TOKEN",
        ),
        (
            "slack-webhook",
            lambda: (
                f"https://hooks.slack.com/services/T{g.of(U + D, 10)}/B{g.of(U + D, 10)}/{g.b62(24)}"
            ),
            "SLACK_WEBHOOK",
        ),
        ("stripe-live-key", lambda: "sk_live_" + g.b62(24), "STRIPE_KEY"),
        ("stripe-restricted-key", lambda: "rk_live_" + g.b62(24), "STRIPE_RK"),
        (
            "openai-project-key",
            lambda: "sk-proj-" + g.b64u(74) + "T3BlbkFJ" + g.b64u(74),
            "OPENAI_API_KEY",
        ),
        (
            "openai-old-key",
            lambda: "sk-" + g.b62(20) + "T3BlbkFJ" + g.b62(20),
            "OPENAI_KEY",
        ),
        (
            "anthropic-key",
            lambda: "sk-ant-api03-" + g.b64u(93) + "AA",
            "ANTHROPIC_API_KEY",
        ),
        ("google-api-key", lambda: "AIza" + g.b64u(35), "MAPS_KEY"),
        ("google-oauth-secret", lambda: "GOCSPX-" + g.b64u(28), "GOOGLE_CLIENT_SECRET"),
        ("huggingface-token", lambda: "hf_" + g.of(L + U, 34), "HF_TOKEN"),
        ("npm-token", lambda: g.sum62("npm_"), "NPM_TOKEN"),
        ("pypi-token", lambda: "pypi-AgEIcHlwaS5vcmc" + g.b64u(70), "PYPI_TOKEN"),
        (
            "sendgrid-key",
            lambda: "SG." + g.b64u(22) + "." + g.b64u(43),
            "SENDGRID_API_KEY",
        ),
        ("twilio-api-key", lambda: "SK" + g.hex(32), "TWILIO_API_KEY"),
        ("digitalocean-token", lambda: "dop_v1_" + g.hex(64), "DO_TOKEN"),
        ("shopify-token", lambda: "shpat_" + g.hex(32), "SHOPIFY_TOKEN"),
        (
            "telegram-bot-token",
            lambda: g.of("123456789", 10) + ":AA" + g.b64u(33),
            "TELEGRAM_BOT_TOKEN",
        ),
        (
            "discord-bot-token",
            lambda: "MT" + g.b62(24) + "." + "G" + g.b62(5) + "." + g.b64u(38),
            "DISCORD_TOKEN",
        ),
        ("databricks-token", lambda: "dapi" + g.hex(32), "DATABRICKS_TOKEN"),
        (
            "grafana-service-token",
            lambda: "glsa_" + g.b62(32) + "_" + g.hex(8),
            "GRAFANA_TOKEN",
        ),
        ("linear-key", lambda: "lin_api_" + g.b62(40), "LINEAR_KEY"),
        ("notion-token", lambda: "ntn_" + g.of(D, 11) + g.b62(35), "NOTION_TOKEN"),
        (
            "atlassian-token",
            lambda: "ATATT3xFfGF0" + g.b64u(171) + "=" + g.hex(8).upper(),
            "JIRA_TOKEN",
        ),
        ("doppler-token", lambda: "dp.pt." + g.b62(43), "DOPPLER_TOKEN"),
        ("vault-token", lambda: "hvs." + g.b64u(92), "VAULT_TOKEN"),
        ("postman-key", lambda: "PMAK-" + g.hex(24) + "-" + g.hex(34), "POSTMAN_KEY"),
        ("new-relic-key", lambda: "NRAK-" + g.of(U + D, 27), "NEW_RELIC_KEY"),
        ("supabase-token", lambda: "sbp_" + g.hex(40), "SUPABASE_ACCESS_TOKEN"),
        ("replicate-token", lambda: "r8_" + g.b62(37), "REPLICATE_API_TOKEN"),
        ("groq-key", lambda: "gsk_" + g.b62(52), "GROQ_API_KEY"),
        ("rubygems-key", lambda: "rubygems_" + g.hex(48), "GEM_HOST_API_KEY"),
        ("docker-hub-token", lambda: "dckr_pat_" + g.b64u(27), "DOCKER_TOKEN"),
        (
            "terraform-cloud-token",
            lambda: g.b62(14) + ".atlasv1." + g.b64u(67),
            "TFE_TOKEN",
        ),
        ("pulumi-token", lambda: "pul-" + g.hex(40), "PULUMI_ACCESS_TOKEN"),
        ("planetscale-password", lambda: "pscale_pw_" + g.b64u(43), "PSCALE_PW"),
        ("figma-token", lambda: "figd_" + g.b64u(40), "FIGMA_TOKEN"),
    ]
    ctx = [
        (True, lambda n, t: f"export {n}={t}"),
        (True, lambda n, t: f'{{"level":"info","msg":"starting","{n.lower()}":"{t}"}}'),
        (
            False,
            lambda n, t: (
                f"I pasted {t} into the wrong window, can you check whether it still works?"
            ),
        ),
        (
            True,
            lambda n, t: (
                f"curl -sS -H 'Authorization: Bearer {t}' https://api.{g.dom()}/v1/items"
            ),
        ),
        (
            False,
            lambda n, t: (
                f"2026-09-14T10:12:41Z DEBUG client.go:77 retry 2/5 with {t} after 429"
            ),
        ),
        (True, lambda n, t: f"-{n.lower()}: changeme\n+{n.lower()}: {t}"),
        (False, lambda n, t: f'    client = Client("{t}", region="eu")'),
        (True, lambda n, t: f"    12→{n}={t}\n    13→DEBUG=1"),
        (True, lambda n, t: f"config/prod.env:4:{n}={t}"),
        (False, lambda n, t: f"| 3 | {t} | active |"),
    ]
    for k, (kind, make, name) in enumerate(v):
        for lab, f in (ctx[k % len(ctx)], ctx[(k + 3) % len(ctx)])[
            : 2 if k % 2 == 0 else 1
        ]:
            t = make()
            s = f(name, t)
            g.add(kind, True, s, t, lab)
    a, b = "AKIA" + g.of(U + "234567", 16), g.of(B62 + "/+", 40)
    g.add(
        "aws-credentials-file",
        True,
        f"[default]\naws_access_key_id = {a}\naws_secret_access_key = {b}\nregion = eu-west-1",
        [a, b],
    )
    b = g.of(B62 + "/+", 40)
    g.add("aws-secret-key", True, f"SecretAccessKey: {b}", b)
    j = ".".join(
        [
            base64.urlsafe_b64encode(
                json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
            )
            .decode()
            .rstrip("="),
            base64.urlsafe_b64encode(
                json.dumps(
                    {"sub": g.of(D, 8), "exp": 1790000000 + R.randrange(9999)}
                ).encode()
            )
            .decode()
            .rstrip("="),
            g.b64u(43),
        ]
    )
    g.add("jwt", True, f"< set-auth: {j}", j)
    g.add("jwt", True, f"GET /me?access_token={j} HTTP/1.1", j)
    u, p = g.user(), g.pw()
    g.add(
        "url-login", True, f"DATABASE_URL=postgres://{u}:{p}@db.{g.dom()}:5432/app", p
    )
    p = g.pw()
    g.add(
        "url-login",
        True,
        f"fatal: unable to access 'https://oauth2:{p}@git.{g.dom()}/a/b.git/': 403",
        p,
    )


# ------------------------------------------------------------------ private keys
def private_keys(g):
    def body(n=12, last=40):
        return [g.raw64(48) for _ in range(n)] + [g.raw64(last // 4 * 3)]

    def pem(name, b):
        return [f"-----BEGIN {name}-----", *b, f"-----END {name}-----"]

    K = "private-key"
    b = body()
    g.add(
        K + "-rsa", True, "$ cat deploy.pem\n" + "\n".join(pem("RSA PRIVATE KEY", b)), b
    )
    b = body(6)
    g.add(K + "-openssh", True, "\n".join(pem("OPENSSH PRIVATE KEY", b)) + "\n", b)
    b = body(3)
    g.add(
        K + "-ec",
        True,
        "key: |\n" + "\n".join("  " + l for l in pem("EC PRIVATE KEY", b)),
        b,
    )
    b = body(8)
    g.add(
        K + "-line-numbers",
        True,
        "\n".join(f"{i:6d}→{l}" for i, l in enumerate(pem("PRIVATE KEY", b), 1)),
        b,
    )
    b = body(8)
    g.add(
        K + "-cat-n",
        True,
        "\n".join(f"{i:6d}\t{l}" for i, l in enumerate(pem("RSA PRIVATE KEY", b), 1)),
        b,
    )
    b = body(6)
    g.add(
        K + "-grep-prefix",
        True,
        "\n".join(
            f"certs/server.key:{i}:{l}" for i, l in enumerate(pem("PRIVATE KEY", b), 12)
        ),
        b,
    )
    b = body(5)
    g.add(
        K + "-grep-context",
        True,
        "\n".join(
            f"certs/server.key-{i}-{l}"
            for i, l in enumerate(pem("RSA PRIVATE KEY", b), 1)
        ),
        b,
    )
    b = body(5)
    g.add(
        K + "-quoted-python",
        True,
        "KEY = (\n"
        + "\n".join(f'    "{l}\\n"' for l in pem("RSA PRIVATE KEY", b))
        + "\n)",
        b,
    )
    b = body(5)
    g.add(
        K + "-concatenated-java",
        True,
        "String key = "
        + " +\n    ".join(f'"{l}\\n"' for l in pem("PRIVATE KEY", b))
        + ";",
        b,
    )
    b = body(5)
    g.add(
        K + "-js-concatenated",
        True,
        "const key = "
        + " + '\\n' +\n  ".join(f"'{l}'" for l in pem("EC PRIVATE KEY", b)),
        b,
    )
    b = body(6)
    g.add(
        K + "-mail-quote",
        True,
        "On Monday you wrote:\n"
        + "\n".join("> " + l for l in pem("OPENSSH PRIVATE KEY", b)),
        b,
    )
    b = body(6)
    g.add(
        K + "-double-quote",
        True,
        "\n".join("> > " + l for l in pem("RSA PRIVATE KEY", b)),
        b,
    )
    b = body(9)
    g.add(
        K + "-tail-only",
        True,
        "$ tail -7 id_rsa\n" + "\n".join([*b[-6:], "-----END RSA PRIVATE KEY-----"]),
        b[-6:],
    )
    b = body(9)
    g.add(
        K + "-tail-only-numbered",
        True,
        "\n".join(
            f"{i:6d}→{l}"
            for i, l in enumerate([*b[-7:], "-----END PRIVATE KEY-----"], 20)
        ),
        b[-7:],
    )
    b = body(9)
    g.add(
        K + "-head-only",
        True,
        "$ head -6 id_ed25519\n"
        + "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *b[:5]]),
        b[:5],
    )
    b = body(9)
    g.add(
        K + "-diff",
        True,
        "@@ -0,0 +1,12 @@\n" + "\n".join("+" + l for l in pem("RSA PRIVATE KEY", b)),
        b,
    )
    b = body(9)
    g.add(
        K + "-json-escaped",
        True,
        json.dumps(
            {
                "type": "service_account",
                "private_key_id": g.hex(40),
                "private_key": "\n".join(pem("PRIVATE KEY", b)) + "\n",
            }
        ),
        b,
    )
    b = body(7)
    g.add(
        K + "-log-prefix",
        True,
        "\n".join(
            f"2026-09-14 10:00:0{i % 10} web-1  | {l}"
            for i, l in enumerate(pem("RSA PRIVATE KEY", b))
        ),
        b,
    )
    b = body(7)
    g.add(
        K + "-encrypted",
        True,
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
        + g.hex(32).upper()
        + "\n\n"
        + "\n".join(b)
        + "\n-----END RSA PRIVATE KEY-----",
        b,
    )
    b = body(10)
    g.add(
        K + "-pgp",
        True,
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n"
        + "\n".join(b)
        + "\n="
        + g.b62(4)
        + "\n-----END PGP PRIVATE KEY BLOCK-----",
        b,
    )
    p = body(3)
    q = body(1)
    g.add(
        "putty-key",
        True,
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: deploy\nPublic-Lines: 2\nAAAAC3NzaC1lZDI1NTE5AAAAI"
        + g.b62(39)
        + "\n"
        + g.b62(20)
        + f"\nPrivate-Lines: {len(q)}\n"
        + "\n".join(q)
        + f"\nPrivate-MAC: {g.hex(64)}",
        q,
    )
    q = body(7)
    g.add(
        "putty-key",
        True,
        "    1→PuTTY-User-Key-File-2: ssh-rsa\n    2→Encryption: none\n    3→Comment: rsa-key\n"
        + f"    4→Private-Lines: {len(q)}\n"
        + "\n".join(f"{i:5d}→{l}" for i, l in enumerate(q, 5)),
        q,
    )
    for f in (
        "# created: 2026-09-01T10:00:00Z\n# public key: age1{pub}\n{k}",
        "SOPS_AGE_KEY={k}",
    ):
        k = "AGE-SECRET-KEY-1" + g.of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)
        g.add(
            "age-key",
            True,
            f.format(k=k, pub=g.of("qpzry9x8gf2tvdw0s3jn54khce6mua7l", 58)),
            k,
        )
    b = body(5)
    one = base64.b64encode("\n".join(pem("PRIVATE KEY", b)).encode()).decode()
    g.add("encoded-private-key", True, f"  tls.key: {one}", one)


# ------------------------------------------------------------------ assignments and the like
ASSIGN = [
    ("go-short", 'dbPassword := "{v}"'),
    ("ruby-rocket", '  :password => "{v}",'),
    ("php-array", "'db_password' => '{v}',"),
    ("c-define", '#define WIFI_PASS "{v}"'),
    ("call-key-value", 'os.Setenv("SMTP_PASSWORD", "{v}")'),
    ("call-key-value", "config.set('auth_token', '{v}');"),
    ("xml-element", "<password>{v}</password>"),
    ("xml-attribute", '<add key="SmtpPassword" value="{v}" />'),
    ("xml-attribute", '<property name="connection.password">{v}</property>'),
    ("sql-identified-by", "CREATE USER 'app'@'%' IDENTIFIED BY '{v}';"),
    ("sql-password", "ALTER ROLE app WITH LOGIN PASSWORD '{v}';"),
    ("flag-password", "backup --user admin --password {v} --out /tmp/x"),
    ("flag-password-eq", "mongodump --username=app --password={v} --db shop"),
    ("flag-p-joined", "mysql -h 10.0.0.4 -u root -p{v} shop < dump.sql"),
    ("sshpass", "sshpass -p {v} ssh -p 2222 root@10.0.0.9 uptime"),
    ("sshpass", "sshpass -p '{v}' scp a.tar deploy@10.0.0.9:/srv"),
    ("python-annotated", 'password: str = "{v}"'),
    ("make-conditional", "DB_PASS ?= {v}"),
    ("make-colon", "API_SECRET := {v}"),
    ("env-export", "export PGPASSWORD={v}"),
    ("yaml", "  pwd: {v}"),
    ("yaml-quoted", '    admin_pw: "{v}"'),
    ("ini", "psk={v}"),
    ("wpa-supplicant", 'network={{\n    ssid="Saltmere"\n    psk="{v}"\n}}'),
    ("toml", 'credential = "{v}"'),
    ("json-name-value", '{{"name": "DB_PASSWORD", "value": "{v}"}}'),
    ("yaml-name-value", "  - name: REDIS_AUTH\n    value: {v}"),
    (
        "json-name-value-spread",
        '{{\n  "name": "ADMIN_TOKEN",\n  "value": "{v}",\n  "type": "text"\n}}',
    ),
    ("netrc", "machine git.saltmere.org login robot password {v}"),
    ("netrc-lines", "machine api.saltmere.org\n  login robot\n  password {v}"),
    ("pgpass", "db.saltmere.org:5432:shop:app:{v}"),
    ("pgpass", "$ cat ~/.pgpass\nlocalhost:5432:*:postgres:{v}"),
    ("powershell", '$env:API_TOKEN = "{v}"'),
    ("powershell", 'ConvertTo-SecureString "{v}" -AsPlainText -Force'),
    ("dockerfile-env", "ENV SECRET_KEY {v}"),
    ("java-properties", "spring.datasource.password={v}"),
    ("fish", "set -gx GH_TOKEN {v}"),
    ("kotlin", 'const val API_KEY = "{v}"'),
    ("rust", 'const TOKEN: &str = "{v}";'),
    ("swift", 'let apiKey = "{v}"'),
    ("perl", "my $passwd = '{v}';"),
    ("js-object", "  authToken: '{v}',"),
    ("ts-field", "private readonly clientSecret: string = '{v}';"),
    (
        "connection-string",
        "Server=db;Database=shop;User Id=sa;Password={v};Encrypt=true",
    ),
    ("odbc-pwd", "DRIVER={{ODBC}};SERVER=db;UID=sa;PWD={v}"),
    ("jdbc", "jdbc:postgresql://db/shop?user=app&password={v}"),
    ("http-header", "X-Api-Key: {v}"),
    ("http-header", "> X-Auth-Token: {v}"),
    ("query-string", "GET /api/items?api_key={v}&page=2 HTTP/1.1"),
    ("django", "SECRET_KEY = '{v}'"),
    ("rails", "  secret_key_base: {v}"),
    ("elixir", 'config :app, App.Mailer, password: "{v}"'),
    ("lua", 'local secret = "{v}"'),
    ("r-lang", 'Sys.setenv(DB_PW = "{v}")'),
    ("clojure", ':db-password "{v}"'),
    ("terraform-tfvars", 'db_password = "{v}"'),
    ("terraform-default", 'variable "db_password" {{\n  default = "{v}"\n}}'),
    ("ansible", "ansible_become_pass: {v}"),
    ("compose", "      - MYSQL_ROOT_PASSWORD={v}"),
    ("gradle", "signing.keyPassword={v}"),
    ("windows-set", "set ACCESS_TOKEN={v}"),
    ("windows-setx", 'setx MY_API_KEY "{v}"'),
    ("c-strcpy", 'strcpy(cfg.password, "{v}");'),
    ("csharp", 'public string Password {{ get; set; }} = "{v}";'),
    ("graphql-variable", '{{"query":"mutation","variables":{{"password":"{v}"}}}}'),
    ("curl-data", "curl -d 'user=app&password={v}' https://saltmere.org/login"),
    ("curl-user", "curl -u robot:{v} https://saltmere.org/api"),
    ("git-config-header", "git -c http.extraHeader='Authorization: token {v}' fetch"),
    ("key-prefix-name", 'KEY_MAILER = "{v}"'),
    ("license-like-key", "ENCRYPTION_KEY: {v}"),
    ("prose-password", "The password is {v}, please do not tell anyone."),
    ("yaml-in-prose", "login with user admin and password: {v}"),
]


def assignments(g):
    for kind, t in ASSIGN:
        style = g.r.randrange(3)
        v = g.pw(16) if style == 0 else (g.b62(32) if style == 1 else g.words_pw())
        g.add(
            ("" if kind == "prose-password" else "assign-") + kind,
            kind != "prose-password",
            t.format(v=v),
            v,
        )
    for _ in range(2):
        v = base64.b64encode(f"{g.user()}:{g.pw()}".encode()).decode()
        g.add(
            "docker-auth",
            True,
            json.dumps({"auths": {"registry." + g.dom(): {"auth": v}}}, indent=2),
            v,
        )
        v = base64.b64encode(f"{g.user()}:{g.pw()}".encode()).decode()
        g.add("basic-auth", True, f"> Authorization: Basic {v}", v)
        v = g.b64u(40)
        g.add("cookie", True, f"Cookie: theme=dark; sessionid={v}; lang=de", v)
        v = g.b62(26)
        g.add(
            "cookie",
            True,
            f"-b 'PHPSESSID={v}'" if _ else f"cookie: connect.sid=s%3A{v}",
            v,
        )
        v = g.b64u(64)
        g.add(
            "set-cookie",
            True,
            f"< Set-Cookie: auth={v}; Path=/; HttpOnly; SameSite=Lax",
            v,
        )
        v = g.raw64(64)
        g.add(
            "azure-account-key",
            True,
            f"DefaultEndpointsProtocol=https;AccountName=saltstore;AccountKey={v};EndpointSuffix=core.windows.net",
            v,
        )
        v = g.raw64(32).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        g.add(
            "azure-sas",
            True,
            f"https://saltstore.blob.core.windows.net/c/a.zip?sv=2024-11-04&st=2026-09-01&se=2026-10-01&sr=b&sp=r&sig={v}",
            v,
        )
        v = g.b62(3) + "8Q~" + g.b64u(34)
        g.add(
            "azure-client-secret",
            True,
            f"AZURE_CLIENT_SECRET={v}" if _ else f'"clientSecret": "{v}"',
            v,
        )


# ------------------------------------------------------------------ encoded and hidden
def hidden(g):
    gh = lambda: g.sum62("ghp_")
    t = gh()
    g.add("ansi-around", True, f"token: \x1b[32m{t}\x1b[0m", t)
    t = gh()
    g.add(
        "ansi-around",
        True,
        f"remote said \x1b[1m\x1b[33m{t}\x1b[39m\x1b[22m twice",
        t,
        False,
    )
    t = gh()
    g.add(
        "ansi-inside",
        True,
        f"a.env:3:TOKEN=\x1b[01;31m\x1b[Kghp_\x1b[m\x1b[K{t[4:]}",
        t[4:],
    )
    t = "glpat-" + g.b64u(20)
    g.add(
        "ansi-inside",
        True,
        f"b.env:\x1b[32m9\x1b[0m:\x1b[31mglpat-\x1b[0m{t[6:]}",
        t[6:],
    )
    t = gh()
    g.add(
        "percent-3d-before",
        True,
        f"https://ci.{g.dom()}/hook?next=%2Frun%3Ftoken%3D{t}%26x%3D1",
        t,
    )
    t = g.sum62("npm_")
    g.add("percent-3d-before", True, f"redirect=https%3A%2F%2Fa.dev%2F%3Fkey%3D{t}", t)
    t = gh()
    g.add("letter-before", True, f"header was x{t} in the dump", t, False)
    t = "hf_" + g.of(L + U, 34)
    g.add("letter-before", True, f"n{t} loaded", t, False)
    t = "AKIA" + g.of(U + "234567", 16)
    g.add("underscore-before", True, f"upload_{t}_done", t, False)
    t = "sk_live_" + g.b62(24)
    g.add("underscore-before", True, f"backup_{t}.bak written", t, False)
    t = gh()
    g.add(
        "token-in-file-name",
        True,
        f"cat: /tmp/exports/{t}.json: No such file or directory",
        t,
        False,
    )
    t = "glpat-" + g.b64u(20)
    g.add("token-in-file-name", True, f"mv download-{t}.tar.gz old/", t, False)
    t = "xoxb-" + g.of(D, 12) + "-" + g.of(D, 13) + "-" + g.b62(24)
    g.add("token-in-file-name", True, f"reading logs/{t}/2026-09.log", t, False)
    for make, kind in (
        (gh, "base64-of-token"),
        (lambda: "sk-ant-api03-" + g.b64u(93) + "AA", "base64-of-token"),
    ):
        e = base64.b64encode(f"TOKEN={make()}".encode()).decode()
        g.add(kind, True, f"echo {e} | base64 -d > .env", e, False)
    e = base64.b64encode(g.pw().encode()).decode()
    g.add(
        "kubernetes-secret",
        True,
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {e}",
        e,
    )
    e = base64.b64encode(gh().encode()).decode()
    g.add(
        "kubernetes-secret",
        True,
        f"kind: Secret\ndata:\n  GITHUB_TOKEN: {e}\ntype: Opaque",
        e,
    )
    e = gh().encode().hex()
    g.add("hex-of-token", True, f'token_hex = "{e}"', e)
    e = base64.b64encode(base64.b64encode(gh().encode())).decode()
    g.add("twice-base64-of-token", True, f"secret: {e}", e)
    t = "AIza" + g.b64u(35)
    g.add(
        "json-in-json", True, json.dumps({"arguments": json.dumps({"api_key": t})}), t
    )
    t = g.pw()
    g.add(
        "json-in-json",
        True,
        json.dumps({"body": json.dumps({"user": "a", "password": t})}),
        t,
    )


# ------------------------------------------------------------------ personal data
def personal(g):
    P = "personal-"
    m = g.mail()
    g.add(P + "email", True, f"Please send the report to {m} by Friday.", m, False)
    m = g.mail()
    g.add(P + "email", True, f"From: {m}\nSubject: build is red", m)
    m = g.mail()
    g.add(
        P + "email-percent",
        True,
        f"GET /invite?to={m.replace('@', '%40')}&lang=en",
        m.replace("@", "%40"),
    )
    m = g.mail()
    g.add(
        P + "email-percent",
        True,
        f"https://login.{g.dom()}/?login_hint={m.replace('@', '%40')}",
        m.replace("@", "%40"),
    )
    for t in [
        "/home/{u}/src/app/main.c:12: error",
        "cd /Users/{u}/Projects/app && make",
        "cp /c/Users/{u}/notes.txt .",
        "ls /mnt/c/Users/{u}/Downloads",
        "/var/home/{u}/.config/app.toml",
        "C:\\Users\\{u}\\AppData\\Local\\Temp\\x.log",
        "C:\\\\Users\\\\{u}\\\\repo\\\\a.cs(3,1)",
        "file%3A%2F%2F%2Fhome%2F{u}%2Fsrc%2Fa.py",
        "file:///home/{u}/a.html",
        "C:/Users/{u}/go/pkg/mod",
        "/export/home/{u}/bin/run",
        "-home-{u}-src-app",
        "~{u}/public_html/index.html",
        "vscode-remote://wsl%2Bubuntu/home/{u}/repo",
        '"cwd":"/home/{u}/work"',
        "/media/{u}/USB/backup.tar",
        "/run/media/{u}/disk/a.iso",
        "/cygdrive/c/Users/{u}/a.sh",
    ]:
        u = g.user()
        named = not any(
            x in t for x in ("/media/", "-home-", "~{u}", "/cygdrive/", "/export/")
        )
        g.add(P + "home-folder", named, t.format(u=u), u)
    f, l = g.first(), g.last()
    g.add(
        P + "home-folder-with-space",
        True,
        f"C:\\Users\\{f} {l}\\Documents\\plan.docx",
        [f, l],
    )
    f, l = g.first(), g.last()
    g.add(
        P + "home-folder-with-space",
        True,
        f'"C:\\Users\\{f} {l}\\source\\repos\\App\\App.csproj" : error MSB1009',
        [f, l],
    )
    u = g.user()
    g.add(
        P + "ls-owner",
        True,
        f"total 24\ndrwxr-xr-x 3 {u} {u} 4096 Sep 14 10:00 src\n-rw-r--r-- 1 {u} staff  812 Sep 14 10:01 Makefile",
        u,
    )
    u = g.user()
    g.add(
        P + "ls-owner",
        True,
        f"-rwxr-x---+ 1 {u} users 1.2K 2026-09-14 10:01 run.sh*",
        u,
    )
    for head in (
        "Author: {n} <{m}>",
        "Author:     {n} <{m}>\nCommitter:  {n} <{m}>",
        "commit 3f9d2c1\nAuthor: {n} <{m}>\nDate:   Mon Sep 14 10:00:00 2026 +0200\n\n    fix it",
    ):
        f, l = g.first(), g.last()
        m = f"{f.lower()}@{g.dom()}"
        g.add(P + "git-author", True, head.format(n=f"{f} {l}", m=m), [f"{f} {l}", m])
    for t in (
        "{u}@{h}:~/src/app$ make",
        "[{u}@{h} app]$ git pull",
        "{u}@{h} ~ % brew update",
        "({e}) {u}@{h}:/srv/app# systemctl restart app",
        "┌──({u}㉿{h})-[~/app]\n└─$ ls",
    ):
        u = g.user()
        g.add(
            P + "shell-prompt",
            not t.startswith("┌"),
            t.format(u=u, h=g.host(), e="venv"),
            u,
            False,
        )
    for pre, n in (("4", 16), ("51", 16), ("37", 15)):
        c = luhn(g, pre, n)
        g.add(P + "card", True, f"charge failed for card {c} exp 09/29", c)
    c = luhn(g, "4", 16)
    s = " ".join(c[i : i + 4] for i in range(0, 16, 4))
    g.add(P + "card", True, f"I paid with {s} yesterday.", s, False)
    c = luhn(g, "55", 16)
    s = "-".join(c[i : i + 4] for i in range(0, 16, 4))
    g.add(P + "card", True, f'"number": "{s}"', s)
    for cc, bban in (
        ("DE", g.of(D, 18)),
        ("NL", g.of(U, 4) + g.of(D, 10)),
        ("GB", g.of(U, 4) + g.of(D, 14)),
        ("FR", g.of(D, 23)),
        ("AT", g.of(D, 16)),
    ):
        i = iban(g, cc, bban)
        s = (
            " ".join(i[k : k + 4] for k in range(0, len(i), 4))
            if cc in ("DE", "FR")
            else i
        )
        g.add(
            P + "iban",
            True,
            f"Please transfer 40.00 to {s}." if cc in ("DE", "GB") else f"iban: {s}",
            s,
            cc not in ("DE", "GB"),
        )


# ------------------------------------------------------------------ kinds that the requirement does not name
def unnamed(g):
    R = g.r
    add = lambda kind, text, secret, lab=True: g.add(kind, False, text, secret, lab)
    for n in range(2):
        v = f"+49 1{R.choice('567')}{g.of(D, 1)} {g.of('23456789', 1)}{g.of(D, 7)}"
        add("phone", f"phone: {v}" if n else f"Call me at {v} after six.", v, bool(n))
        v = f"({R.randrange(201, 989)}) 555-{g.of(D, 4)}"
        add("phone-us", f"Mobile: {v}", v)
        v = f"{R.randrange(100, 665):03d}-{R.randrange(10, 99)}-{R.randrange(1000, 9999)}"
        add("us-ssn", f"SSN: {v}" if n else f'"social_security_number": "{v}"', v)
        v = g.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32)
        add(
            "totp-seed",
            f"otpauth://totp/App:robot?secret={v}&issuer=App"
            if n
            else f"2FA seed: {v}",
            v,
        )
        v = " ".join(
            R.choice(
                "anchor barrel candle dolphin ember feather garden harbor island jungle kettle lantern meadow needle orchard pebble quarry ribbon saddle timber umbrella velvet walnut yellow".split()
            )
            for _ in range(12)
        )
        add("seed-phrase", f'mnemonic: "{v}"' if n else f"Recovery phrase:\n{v}", v)
        v = "$2b$12$" + g.of(B62 + "./", 53)
        add("bcrypt-hash", f"htpasswd:\nadmin:{v}", v)
        v = f"$6${g.b62(8)}${g.of(B62 + './', 86)}"
        add("shadow-hash", f"root:{v}:19700:0:99999:7:::", v)
        v = f"{g.of(L + D, 5)}-{g.of(L + D, 5)}"
        w = f"{g.of(L + D, 5)}-{g.of(L + D, 5)}"
        add("recovery-codes", f"Recovery codes:\n{v}\n{w}", [v, w])
        v = "-".join(g.of(U + D, 5) for _ in range(5))
        add("product-key", f"Product key: {v}" if n else f"serial number = {v}", v)
        v = g.raw64(32)
        add("wireguard-preshared", f"[Peer]\nPresharedKey = {v}", v)
        v = g.pw()
        add(
            "redis-requirepass",
            f"requirepass {v}" if n else f"redis-cli -h 10.0.0.3 -a {v} ping",
            v,
            bool(n),
        )
        v = g.pw()
        add("snmp-community", f"snmp-server community {v} RO", v)
        v = g.pw()
        add("ldap-bind", f"ldapsearch -x -D cn=admin,dc=a -w {v} -b dc=a", v)
        v = g.pw()
        add(
            "passphrase",
            f"Enter passphrase for key: {v}" if n else f"passphrase: {v}",
            v,
        )
        v = g.pw()
        add("openssl-pass", f"openssl rsa -in a.pem -passin pass:{v} -out b.pem", v)
        v = g.pw()
        add("keytool-storepass", f"keytool -list -keystore a.jks -storepass {v}", v)
        v = g.of(D, 6)
        add(
            "one-time-code",
            f"Your verification code is {v}. It expires in 10 minutes.",
            v,
        )
        v = g.of(D, 4)
        add("pin", f"PIN: {v}" if n else f"door pin = {v}", v)
        v = g.of(D, 3)
        add("cvv", f"cvv: {v}", v)
        v = g.hex(64)
        add("ethereum-key", f"wallet private: 0x{v}", v)
        v = (
            "5"
            + R.choice("HJK")
            + g.of("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 49)
        )
        add("bitcoin-wif", f"WIF: {v}", v)
        v = g.hex(64)
        add(
            "s3-presigned",
            f"https://b.s3.amazonaws.com/a?X-Amz-Expires=3600&X-Amz-Signature={v}",
            v,
        )
        v = g.hex(128)
        add(
            "gcs-signed",
            f"https://storage.googleapis.com/b/a?X-Goog-Expires=600&X-Goog-Signature={v}",
            v,
        )
        v = g.b64u(43)
        add("magic-link", f"https://app.{g.dom()}/login/magic/{v}", v, False)
        v = g.b64u(43)
        add("password-reset-link", f"https://app.{g.dom()}/reset?code={v}", v)
        v = f"{g.of('123456789', 19)}/{g.b64u(68)}"
        add("discord-webhook", f"https://discord.com/api/webhooks/{v}", v, False)
        v = g.raw64(44)
        add(
            "csrf-value",
            f'<meta name="csrf" content="{v}">' if n else f"X-CSRF: {v}",
            v,
        )
        v = f"{R.randrange(1950, 2004)}-{R.randrange(1, 13):02d}-{R.randrange(1, 29):02d}"
        add("birth-date", f"date of birth: {v}", v)
        v = g.of(U, 1) + g.of(D, 8)
        add("passport-number", f"Passport No: {v}", v)
        v = g.of(D, 15)
        add("imei", f"IMEI: {v}", v)
        a = f"{R.randrange(1, 200)} {g.last()} Street"
        add("street-address", f"Ship to: {a}, Saltmere", a)
        v = f"{R.uniform(48, 54):.6f}, {R.uniform(6, 13):.6f}"
        add("home-coordinates", f"home location: {v}", v)
        f, l = g.first(), g.last()
        add(
            "full-name",
            f"Customer name: {f} {l}" if n else f"Signed-off-by: {f} {l}",
            f"{f} {l}",
        )
        v = ":".join(g.hex(2) for _ in range(6))
        add("mac-address", f"HWaddr {v}", v)
        v = f"{R.choice([81, 91, 178, 203])}.{R.randrange(1, 250)}.{R.randrange(1, 250)}.{R.randrange(1, 250)}"
        add("public-ip", f"client_ip={v}", v)
        v = base64.b64encode(f"\0{g.user()}\0{g.pw()}".encode()).decode()
        add("smtp-auth-plain", f"C: AUTH PLAIN {v}\nS: 235 ok", v)
        v = g.pw()
        add("imap-login", f"a1 LOGIN robot {v}\na1 OK", v)
        v = g.pw()
        add("ftp-pass-command", f"USER robot\nPASS {v}\n230 ok", v)
        v = "\n".join(g.of(D, 80) for _ in range(4))
        add("ansible-vault", f"$ANSIBLE_VAULT;1.1;AES256\n{v}", v.split("\n"))
        v = g.hex(32)
        add("rails-master-key", f"$ cat config/master.key\n{v}", v)
        v = g.raw64(24)
        add("erlang-cookie", f"-setcookie {v}", v)
        v = g.hex(32)
        add("session-id-header", f"X-Session-Id: {v}", v)


# kinds of which one may hold that they are no secret at all; count them apart
DEBATABLE = {
    "mac-address",
    "public-ip",
    "home-coordinates",
    "one-time-code",
    "full-name",
    "csrf-value",
    "imei",
}


def secrets(seed):
    g = G(seed)
    for part in (vendors, private_keys, assignments, hidden, personal, unnamed):
        part(g)
    for i, d in enumerate(g.out):
        d["index"] = i
        d["held_out"] = i % 3 == 0
        d["debatable"] = d["kind"] in DEBATABLE
    return g.out


# ------------------------------------------------------------------ what must come through unchanged
def harmless(seed):
    g = G(f"harmless/{seed}")
    R = g.r
    out = []
    out += [
        "git@github.com:a/b.git",
        "git clone git@github.com:saltmere/keeper.git && cd keeper",
        "origin\tgit@gitlab.com:group/sub/project.git (fetch)",
        "PWD=/srv/x42",
        "token: IDENTIFIER_42_EXPR",
        "password: SecretStr",
        "System.Core, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089",
        "OLDPWD=/usr/local/src",
        "ssh://git@bitbucket.org/team/repo.git",
    ]
    # hashes, ids
    out += [
        f"commit {g.hex(40)}",
        f"index {g.hex(7)}..{g.hex(7)} 100644",
        f"{g.hex(64)}  keeper-1.3.tar.gz",
        f"sha256:{g.hex(64)}",
        f"MD5 (a.iso) = {g.hex(32)}",
        f'"integrity": "sha512-{g.raw64(64)}"',
        f"golang.org/x/sys v0.21.0 h1:{g.raw64(32)}",
        f"golang.org/x/sys v0.21.0/go.mod h1:{g.raw64(32)}",
        f'checksum = "{g.hex(64)}"',
        f'    {{file = "a-1.0-py3-none-any.whl", hash = "sha256:{g.hex(64)}"}},',
        f"FROM debian@sha256:{g.hex(64)}",
        f'ETag: "{g.hex(32)}"',
        f"trace_id={g.hex(32)} span_id={g.hex(16)}",
        f"gem 'rails', ref: '{g.hex(40)}'",
        f"  checksum: 10c0/{g.hex(128)}",
        f"--hash=sha256:{g.hex(64)}",
        f"drwx {g.hex(8)}-{g.hex(4)}-4{g.hex(3)}-a{g.hex(3)}-{g.hex(12)}",
        f"parentUuid: {g.hex(8)}-{g.hex(4)}-4{g.hex(3)}-8{g.hex(3)}-{g.hex(12)}",
        f"req_{g.b62(22)}",
        f"toolu_{g.b62(24)}",
        f"msg_{g.b62(24)}",
        f"HEAD is now at {g.hex(8)} fix the tide table",
        f"blob {g.hex(40)}\nblob {g.hex(40)}",
        f"https://registry.npmjs.org/lodash/-/lodash-4.17.21.tgz#{g.hex(40)}",
    ]
    # tables and assembly
    row = lambda n: " ".join(g.hex(2) for _ in range(n))
    out += [
        f"00000000  {row(8)}  {row(8)}  |................|",
        f"00000010: {' '.join(g.hex(4) for _ in range(8))}  ................",
        "db " + ",".join("$" + g.hex(2).upper() for _ in range(16)),
        "dw " + ", ".join("$" + g.hex(4).upper() for _ in range(8)),
        ".byte " + ", ".join("0x" + g.hex(2) for _ in range(12)),
        "const uint8_t font[8] = { "
        + ", ".join("0x" + g.hex(2) for _ in range(8))
        + " };",
        "    REP #$30\n    LDA.w #$7E20\n    STA.l $7E2000,X\n    SEP #$20",
        "    JSL $028A40 ; overworld frame",
        "LDA.b TideLevel : CMP.b #$80 : BCC .low",
        "org $00802E : JSL Init_Hack",
        "; Keeper_Name: 8 bytes, padded with $FF",
        "KEY_A = $80 : KEY_B = $8000",
        "    TSB.w PasswordFlags   ; bit 3: the door was opened",
        "4889e5 4883ec10 c745fc00000000 8b45fc",
        "0x7ffd5e8a1b20 in main () at a.c:12",
    ]
    # certificates, public keys
    out += [
        "-----BEGIN CERTIFICATE-----\n"
        + "\n".join(g.raw64(48) for _ in range(9))
        + "\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\n"
        + "\n".join(g.raw64(48) for _ in range(3))
        + "\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE REQUEST-----\n"
        + "\n".join(g.raw64(48) for _ in range(4))
        + "\n-----END CERTIFICATE REQUEST-----",
        f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{g.b62(43)}",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ" + g.raw64(250).rstrip("="),
        f"github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{g.b62(43)}",
        f"256 SHA256:{g.raw64(32).rstrip('=')} (ED25519)",
        f"age1{g.of('qpzry9x8gf2tvdw0s3jn54khce6mua7l', 58)}",
        f"Fingerprint={':'.join(g.hex(2).upper() for _ in range(20))}",
        "untrusted comment: minisign public key",
    ]
    # code that speaks of passwords without one
    out += [
        'password = os.environ["DB_PASSWORD"]',
        "password = getpass.getpass()",
        'if not password:\n    raise ValueError("password missing")',
        "def login(user: str, password: str) -> Token:",
        "token = next(tokens)",
        "const token = await getToken(user);",
        "password: ${DB_PASSWORD}",
        'curl -H "Authorization: Bearer $GITHUB_TOKEN" https://api.github.com/user',
        "  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: db\n        key: password",
        'PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]',
        "sshpass -e ssh host uptime",
        "mysql -u root -p shop",
        "docker login --password-stdin registry.local",
        "--password-file /run/secrets/db",
        '<input type="password" name="password" />',
        "secret: process.env.JWT_SECRET,",
        'api_key = config.get("api_key")',
        "password: str",
        "password: Optional[str] = None",
        '"password": {"type": "string", "minLength": 8}',
        "token_type: bearer",
        "max_tokens: 4096, input_tokens: 1510",
        "auth: required",
        "passwd:         files systemd",
        "password = <your password>",
        "API_KEY=",
        "export TOKEN=$(cat /run/token)",
        "SECRET_KEY = env('SECRET_KEY')",
        "password=****",
        "credentials: 'include'",
        "primary_key=True",
        "sorted(rows, key=lambda r: r.name)",
        '"key": "ArrowDown"',
        "KEY_ENTER = 13",
        "case KEY_UP: return Direction.North;",
        "foreign key (user_id) references users(id)",
        "bypass: true",
        "compass = north",
        "monkey = banana",
        "author: unknown",
        "pass  # nothing to do",
        "PASS tests/upload.test.js",
        "--- PASS: TestMerge (0.00s)",
        "keyboard_layout=de",
        'tokenizer = AutoTokenizer.from_pretrained("gpt2")',
        "cache-key: node-modules-v4",
        "CREATE USER app IDENTIFIED BY :password;",
        "IDENTIFIED BY ?",
        "ls -p; mkdir -p build/out; ssh -p 2222 host",
        "docker run -p 8080:80 nginx",
        "Set-Cookie header is missing",
        "machine learning login form password field",
        "getPassword()",
        "user.password = hash(password)",
        "this.authToken = authToken;",
        "keyPath: 'id'",
        "KeyError: 'token'",
        "// the secret is to rest the dough",
        "Enter password:",
        "sig := make(chan os.Signal, 1)",
    ]
    # paths, versions, almost e-mail
    out += [
        "/usr/local/bin/python3",
        "/var/log/nginx/error.log",
        "C:\\Windows\\System32\\drivers\\etc\\hosts",
        "C:\\Program Files\\Git\\bin\\bash.exe",
        "/opt/homebrew/bin/rg",
        "/srv/work/app/home/index.html",
        "~/src/app",
        "$HOME/.config",
        "src/home/views.py",
        "/etc/ssh/sshd_config",
        "C:\\Users\\Public\\Documents",
        "%USERPROFILE%\\Desktop",
        "lodash@4.17.21",
        "@types/node@20.11.5",
        "foo@^1.2.0",
        "npm i typescript@next",
        "actions/checkout@v4",
        '@app.route("/tide")',
        "user@1.2.3",
        "x @ y",
        "systemd-timesyncd@1.service",
        "a@b",
        "img@2x.png",
        "v2.1.263 (build 20260914.3)",
        "python 3.12.4 on linux",
        "1.2.3-rc.4+build.77",
        "2026-09-14T10:12:41.123Z",
        "order 1234567812345678 is open",
        "port 65816 is not valid",
        "drwxr-xr-x 3 root root 4096 Sep 14 10:00 src",
        "127.0.0.1:8080",
        "http://localhost:3000/cart?id=42",
        "https://example.org/a/b?page=2&sort=desc",
        "DE00 NOT AN IBAN",
        "sk-learn 1.5 is out",
        "ghp_ is the prefix of a GitHub token",
        "AKIA… keys are long-lived",
        "the sk_live_ prefix means production",
        "const re = /ghp_[A-Za-z0-9]{36}/;",
        "Bearer tokens expire after an hour",
    ]
    return out


def harmless_held_out(i):
    return i % 3 == 0


if __name__ == "__main__":
    s = secrets(SEED)
    h = harmless(SEED)
    print(
        len(s),
        "secrets;",
        sum(d["named"] for d in s),
        "named;",
        sum(not d["named"] for d in s),
        "not named,",
        sum(not d["named"] and d["labelled"] for d in s),
        "of them labelled;",
        sum(d["held_out"] for d in s),
        "held out;",
        len({d["kind"] for d in s}),
        "kinds",
    )
    print(len(h), "harmless,", len(set(h)), "distinct")
    assert s == secrets(SEED) and h == harmless(SEED) and s != secrets(SEED + 1)
