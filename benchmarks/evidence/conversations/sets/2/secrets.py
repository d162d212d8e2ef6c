"""Planted secrets and harmless strings, drawn when this runs: no token stands in this file.

`secrets(seed)` gives what must go, `harmless(seed)` what must stay. Load it under another
name: a module `secrets` on `sys.path` hides Python's.
"""

import base64
import json
import random
import zlib

SEED = 2

DIGITS, UPPER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = UPPER.lower()
B62 = DIGITS + UPPER + LOWER
FIRST = [
    "Annelie",
    "Marek",
    "Tuulikki",
    "Ignacio",
    "Bettina",
    "Oluwaseun",
    "Henrike",
    "Kasimir",
    "Roswitha",
    "Yannick",
    "Saskia",
    "Thorben",
]
LAST = [
    "Brandstetter",
    "Okonkwo",
    "Lindqvist",
    "Fernandes",
    "Wojcik",
    "Achterberg",
    "Mikkelsen",
    "Hasanovic",
    "Quandt",
    "Rautio",
    "Delacroix",
    "Petrovska",
]


class G:
    """A generator of values and the list they are planted in."""

    def __init__(self, seed):
        self.r = random.Random(seed * 6151 + 17)
        self.all = []

    def of(self, alphabet, n):
        return "".join(self.r.choice(alphabet) for _ in range(n))

    def an(self, n):
        """Letters and digits, with both cases and a digit among them."""
        while True:
            s = self.of(B62, n)
            if (
                any(c in DIGITS for c in s[1:])
                and any(c in UPPER for c in s)
                and any(c in LOWER for c in s)
            ):
                return s

    def low(self, n):
        while True:
            s = self.of(DIGITS + LOWER, n)
            if any(c in DIGITS for c in s) and any(c in LOWER for c in s):
                return s

    def url(self, n):
        return self.an(n - 4) + self.of("-_", 1) + self.an(3)

    def hex(self, n):
        return self.of("0123456789abcdef", n)

    def num(self, n):
        return self.of(DIGITS[1:], 1) + self.of(DIGITS, n - 1)

    def raw(self, n):
        return bytes(self.r.randrange(256) for _ in range(n))

    def b64(self, n):
        return base64.b64encode(self.raw(n)).decode()

    def uuid(self):
        h = self.hex(32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-b{h[17:20]}-{h[20:]}"

    def crc(self, prefix):
        """A token of GitHub or npm: 30 characters and a CRC-32 of them in base 62."""
        body = self.an(30)
        n, tail = zlib.crc32(body.encode()), ""
        for _ in range(6):
            n, d = divmod(n, 62)
            tail = B62[d] + tail
        return prefix + body + tail

    def pw(self, n=None):
        """What a careful person's password looks like, without quotes and separators."""
        n = n or self.r.randrange(10, 17)
        while True:
            s = self.of(LOWER + LOWER + UPPER + DIGITS, n - 2)
            if any(c in DIGITS for c in s) and any(c in UPPER for c in s):
                at = self.r.randrange(3, n - 3)
                return s[:at] + self.of("!+*.^", 1) + s[at:] + self.of(DIGITS, 1)

    def word_pw(self):
        """What a less careful one's looks like."""
        parts = [
            "Falke",
            "regen",
            "Tandem",
            "kobalt",
            "Winter",
            "otter",
            "Mosaik",
            "gabel",
        ]
        return (
            self.r.choice(parts)
            + self.r.choice(parts).capitalize()
            + self.num(self.r.choice((2, 3, 4)))
            + self.r.choice(("", "!"))
        )

    def login(self):
        return (
            self.r.choice(FIRST)[:4] + self.r.choice(LAST)[:5]
        ).lower() + self.r.choice(("", "7", "23"))

    def mail(self, sep="@"):
        return (
            f"{self.r.choice(FIRST)}.{self.r.choice(LAST)}{self.r.randrange(90)}".lower()
            + sep
            + self.r.choice(("posteo-mail.net", "uni-halden.edu", "quandt-werke.de"))
        )

    def jwt(self):
        def part(o):
            return (
                base64.urlsafe_b64encode(json.dumps(o, separators=(",", ":")).encode())
                .rstrip(b"=")
                .decode()
            )

        return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': self.num(8), 'iat': 1790000000})}.{self.url(43)}"

    def luhn(self, prefix, n):
        s = prefix + self.of(DIGITS, n - len(prefix) - 1)
        total = 0
        for i, c in enumerate(reversed(s)):
            d = int(c) * (2 if i % 2 == 0 else 1)
            total += d - 9 if d > 9 else d
        return s + str(-total % 10)

    def iban(self, country, bban):
        text = "".join(str(int(c, 36)) for c in bban + country + "00")
        return f"{country}{98 - int(text) % 97:02d}{bban}"

    def add(self, kind, named, text, *secret, labelled=True, debatable=False):
        self.all.append(
            {
                "kind": kind,
                "named": named,
                "text": text,
                "secret": list(secret),
                "labelled": labelled,
                "debatable": debatable,
            }
        )

    def plant(self, kind, named, form, value, **kw):
        """`form` with § for the value."""
        self.add(kind, named, form.replace("§", value), value, **kw)


def vendors(g):
    """Keys whose form a vendor gives; named as such in the requirement."""

    def v(kind, form, value, labelled=True):
        g.plant(kind, True, form, value, labelled=labelled)

    v(
        "github-classic",
        "remote: origin\thttps://x-access-token:§@github.com/acme/tracker.git (push)",
        g.crc("ghp_"),
        False,
    )
    v(
        "github-oauth",
        "curl -sH 'Authorization: token §' https://api.github.com/user/repos",
        g.crc("gho_"),
    )
    v(
        "github-server",
        "2026-05-02T10:11:12Z [runner] using installation token § (expires in 59m)",
        g.crc("ghs_"),
    )
    v("github-refresh", '{"refresh":"§","expires_in":15897600}', g.crc("ghr_"), False)
    v(
        "github-fine-grained",
        "gh auth login --with-token <<< §",
        "github_pat_" + g.an(22) + "_" + g.an(59),
    )
    v("npm", "//registry.npmjs.org/:_authToken=§", g.crc("npm_"))
    v("npm", "npm ERR! 403 token § is not allowed to publish", g.crc("npm_"))
    v(
        "pypi",
        "[pypi]\nusername = __token__\npassword = §",
        "pypi-" + "AgEIcHlwaS5vcmcC" + g.url(140),
    )
    v(
        "aws-id",
        "An error occurred (InvalidClientTokenId): key § is inactive",
        "AKIA" + g.of(UPPER + "234567", 16),
        False,
    )
    a, b = "AKIA" + g.of(UPPER + "234567", 16), g.of(B62 + "/+", 40)
    g.add(
        "aws-pair",
        True,
        f"[default]\naws_access_key_id={a}\naws_secret_access_key={b}\nregion=eu-central-1",
        a,
        b,
    )
    a, b, c = (
        "ASIA" + g.of(UPPER + "234567", 16),
        g.of(B62 + "/+", 40),
        "IQoJb3JpZ2luX2Vj" + g.of(B62 + "/+", 280) + "==",
    )
    g.add(
        "aws-session",
        True,
        json.dumps(
            {
                "Credentials": {
                    "AccessKeyId": a,
                    "SecretAccessKey": b,
                    "SessionToken": c,
                }
            },
            indent=1,
        ),
        a,
        b,
        c,
    )
    v(
        "google-api",
        "GET /maps/api/geocode/json?address=Halden&key=§ HTTP/1.1",
        "AIza" + g.url(35),
    )
    v(
        "google-oauth",
        '"client_secret":"§","redirect_uris":["http://localhost"]',
        "GOCSPX-" + g.url(28),
    )
    v("google-access", "gcloud auth print-access-token\n§", "ya29." + g.url(160))
    v(
        "slack-bot",
        "SlackApiError: invalid_auth (token=§)",
        "xoxb-" + g.num(12) + "-" + g.num(13) + "-" + g.an(24),
    )
    v(
        "slack-app",
        "socket mode connects with §",
        "xapp-1-A" + g.of(UPPER + DIGITS, 10) + "-" + g.num(13) + "-" + g.hex(64),
        False,
    )
    v(
        "slack-webhook",
        "curl -d @msg.json https://hooks.slack.com/services/§",
        "T"
        + g.of(UPPER + DIGITS, 9)
        + "/B"
        + g.of(UPPER + DIGITS, 10)
        + "/"
        + g.an(24),
    )
    v("stripe", "stripe.api_key = '§'", "sk_live_" + g.an(24))
    v(
        "stripe-restricted",
        "Stripe: authenticating with § failed",
        "rk_live_" + g.an(24),
        False,
    )
    v(
        "stripe-webhook",
        "> Ready! Your webhook signing secret is §",
        "whsec_" + g.hex(64),
    )
    v("sendgrid", "SENDGRID=§", "SG." + g.url(22) + "." + g.url(43), False)
    v("digitalocean", "doctl auth init -t §", "dop_v1_" + g.hex(64))
    v(
        "gitlab-personal",
        "git clone https://oauth2:§@gitlab.example.org/ops/infra.git",
        "glpat-" + g.url(20),
        False,
    )
    v(
        "gitlab-runner",
        "gitlab-runner register --url https://gitlab.example.org --token §",
        "glrt-" + g.url(20),
    )
    v(
        "atlassian",
        "jira --api-token §",
        "ATATT3xFfGF0" + g.url(174) + "=" + g.of("0123456789ABCDEF", 8),
    )
    v(
        "discord-bot",
        "client.run('§')",
        base64.b64encode(g.num(18).encode()).decode() + "." + g.an(6) + "." + g.url(38),
        False,
    )
    v(
        "telegram-bot",
        "https://api.telegram.org/bot§/getUpdates",
        g.num(10) + ":AA" + g.url(33),
        False,
    )
    v(
        "openai-project",
        "openai.AuthenticationError: Incorrect API key provided: §",
        "sk-proj-" + g.url(74) + "T3BlbkFJ" + g.url(74),
    )
    v("anthropic", "export ANTHROPIC_API_KEY=§", "sk-ant-api03-" + g.url(93) + "AA")
    v(
        "huggingface",
        "huggingface-cli download acme/m --token §",
        "hf_" + g.of(UPPER + LOWER, 34),
    )
    v("groq", "client = Groq(api_key='§')", "gsk_" + g.an(52))
    v("replicate", "r = replicate.Client('§')", "r8_" + g.an(37), False)
    v("new-relic", "NEW_RELIC_API_KEY: §", "NRAK-" + g.of(UPPER + DIGITS, 27))
    v(
        "grafana",
        "curl -H 'Authorization: Bearer §' http://graf:3000/api/org",
        "glsa_" + g.an(32) + "_" + g.hex(8),
    )
    v("linear", "linear: §", "lin_api_" + g.an(40), False)
    v("notion", 'notion = Client(auth="§")', "ntn_" + g.num(11) + g.an(35))
    v("figma", "X-Figma-Token: §", "figd_" + g.url(40))
    v("shopify", "shop session § for acme.myshopify.com", "shpat_" + g.hex(32), False)
    v(
        "vault",
        "Success! You are now authenticated.\nKey    Value\n---    -----\ntoken  §",
        "hvs." + g.an(90),
    )
    v(
        "terraform",
        'credentials "app.terraform.io" {\n  token = "§"\n}',
        g.an(14) + ".atlasv1." + g.url(64),
    )
    v("doppler", "doppler run --token §", "dp.pt." + g.an(43))
    v(
        "databricks",
        "[DEFAULT]\nhost = https://adb-1.azuredatabricks.net\ntoken = §",
        "dapi" + g.hex(32),
    )
    v(
        "postman",
        "newman run https://api.getpostman.com/collections/1?apikey=§",
        "PMAK-" + g.hex(24) + "-" + g.hex(34),
    )
    v("rubygems", "---\n:rubygems_api_key: §", "rubygems_" + g.hex(48))
    v(
        "docker-hub",
        "docker login -u acme --password-stdin <<< §",
        "dckr_pat_" + g.url(27),
    )
    v(
        "azure-client",
        "az login --service-principal -u app --tenant t --password §",
        g.an(3) + "8Q~" + g.url(31),
    )
    v(
        "mapbox",
        "mapboxgl.accessToken = '§'",
        "sk." + "eyJ1" + g.an(60) + "." + g.url(22),
    )
    v(
        "tailscale",
        "tailscale up --authkey §",
        "tskey-auth-" + g.an(12) + "CNTRL-" + g.an(32),
    )
    v("sonarqube", "sonar-scanner -Dsonar.token=§", "squ_" + g.hex(40))
    v("brevo", "api-key: §", "xkeysib-" + g.hex(64) + "-" + g.an(16))
    v(
        "mailgun",
        "curl --user 'api:§' https://api.mailgun.net/v3/domains",
        "key-" + g.hex(32),
    )
    v("airtable", "at = Api('§')", "pat" + g.an(14) + "." + g.hex(64), False)
    v("twilio-key", "Twilio client with § created", "SK" + g.hex(32), False)
    v("pulumi", "PULUMI_ACCESS_TOKEN=§ pulumi up", "pul-" + g.hex(40))
    v(
        "sentry",
        "sentry-cli --auth-token § releases list",
        "sntrys_" + "eyJpYXQiOjE3" + g.an(70) + "=_" + g.an(43),
    )


def pem(g, kind="RSA PRIVATE KEY", lines=9):
    head = {
        "RSA PRIVATE KEY": "MIIEpAIBAAKCAQEA",
        "PRIVATE KEY": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "EC PRIVATE KEY": "MHcCAQEEI",
        "OPENSSH PRIVATE KEY": "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUA",
    }[kind]
    body = [g.of(B62 + "+/", 64) for _ in range(lines)]
    body[0] = head + body[0][len(head) :]
    body.append(g.of(B62 + "+/", 38) + "==")
    return f"-----BEGIN {kind}-----", body, f"-----END {kind}-----"


def private_keys(g):
    """Private keys, as tools print them."""

    def k(kind, text, body, **kw):
        g.add("key-" + kind, True, text, *body, **kw)

    def all_of(h, b, e):
        return [h, *b, e]

    p = pem(g)
    k("plain", "$ cat deploy.pem\n" + "\n".join(all_of(*p)), p[1])
    p = pem(g, "OPENSSH PRIVATE KEY", 6)
    k(
        "numbered-arrow",
        "\n".join(f"{i:6d}→{x}" for i, x in enumerate(all_of(*p), 1)),
        p[1],
    )
    p = pem(g, "PRIVATE KEY")
    k(
        "numbered-tab",
        "\n".join(f"{i:6d}\t{x}" for i, x in enumerate(all_of(*p), 1)),
        p[1],
    )
    p = pem(g, "EC PRIVATE KEY", 2)
    k(
        "grep-prefix",
        "\n".join(f"certs/api.key:{i}:{x}" for i, x in enumerate(all_of(*p), 1)),
        p[1],
    )
    p = pem(g)
    k(
        "quoted-mail",
        "On Monday you wrote:\n" + "\n".join("> " + x for x in all_of(*p)),
        p[1],
    )
    p = pem(g, "PRIVATE KEY")
    k(
        "json-escaped",
        json.dumps(
            {
                "type": "service_account",
                "private_key": "\n".join(all_of(*p)) + "\n",
                "client_id": g.num(21),
            }
        ),
        p[1],
    )
    p = pem(g)
    k(
        "concatenated-js",
        "const key = " + " +\n  ".join(f"'{x}\\n'" for x in all_of(*p)) + ";",
        p[1],
    )
    p = pem(g, "EC PRIVATE KEY", 2)
    k(
        "python-adjacent",
        "KEY = (\n" + "\n".join(f'    b"{x}\\n"' for x in all_of(*p)) + "\n)",
        p[1],
    )
    p = pem(g)
    k(
        "diff-removed",
        "--- a/id_rsa\n+++ /dev/null\n" + "\n".join("-" + x for x in all_of(*p)),
        p[1],
    )
    p = pem(g)
    k("head-only", "$ head -7 server.key\n" + "\n".join(all_of(*p)[:7]), p[1][:6])
    p = pem(g, "OPENSSH PRIVATE KEY", 8)
    k("tail-only", "$ tail -5 id_ed25519\n" + "\n".join([*p[1][-4:], p[2]]), p[1][-4:])
    p = pem(g, "PRIVATE KEY")
    k(
        "yaml-indented",
        "tls:\n  key: |\n"
        + "\n".join("    " + x for x in all_of(*p))
        + "\n  port: 443",
        p[1],
    )
    p = pem(g)
    k("env-one-line", 'JWT_SIGNING="' + "\\n".join(all_of(*p)) + '"', p[1])
    p = pem(g)
    k("log-prefix", "\n".join(f"api-1  | {x}" for x in all_of(*p)), p[1])
    pub, prv = [g.b64(48) for _ in range(3)], [g.b64(48) for _ in range(4)]
    mac = g.hex(64)
    k(
        "putty",
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: deploy\nPublic-Lines: 3\n"
        + "\n".join(pub)
        + "\nPrivate-Lines: 4\n"
        + "\n".join(prv)
        + f"\nPrivate-MAC: {mac}",
        prv,
    )
    bech = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
    g.plant(
        "age",
        True,
        "# created: 2026-04-01T09:00:00Z\n# public key: age1"
        + g.of(bech.lower(), 58)
        + "\n§",
        "AGE-SECRET-KEY-1" + g.of(bech, 58),
    )
    body = [g.of(B62 + "+/", 64) for _ in range(6)]
    k(
        "pgp",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n"
        + "\n".join(body)
        + "\n="
        + g.an(4)
        + "\n-----END PGP PRIVATE KEY BLOCK-----",
        body,
    )
    g.plant(
        "wireguard",
        True,
        "[Interface]\nPrivateKey = §\nAddress = 10.8.0.2/32",
        g.b64(32),
    )


def encoded(g):
    """Secrets in an encoding, and behind what hides them; named in the requirement."""
    t = g.crc("ghp_")
    e = base64.b64encode(f"GITHUB_TOKEN={t}\n".encode()).decode()
    g.add("encoded-base64-token", True, f"echo {e} | base64 -d > .env", e)
    inner = json.dumps(
        {"auths": {"registry.example.org": {"username": "ci", "password": g.pw()}}}
    )
    e = base64.b64encode(inner.encode()).decode()
    g.add(
        "encoded-dockerconfigjson",
        True,
        f"data:\n  .dockerconfigjson: {e}\ntype: kubernetes.io/dockerconfigjson",
        e,
    )
    p = pem(g)
    e = base64.b64encode("\n".join([p[0], *p[1], p[2]]).encode()).decode()
    g.add("encoded-base64-pem", True, f"client-key-data: {e}", e)
    e = base64.b64encode(g.pw(18).encode()).decode()
    g.add(
        "encoded-k8s-secret",
        True,
        f"apiVersion: v1\nkind: Secret\ndata:\n  password: {e}",
        e,
    )
    t = "glpat-" + g.url(20)
    g.add(
        "hidden-percent",
        True,
        f"GET /callback?next=%2Fadmin%3Fprivate_token%3D{t}%26x%3D1",
        t,
    )
    t = g.crc("npm_")
    g.add("hidden-ansi", True, f"\x1b[32m✓\x1b[39m token \x1b[1m{t}\x1b[22m stored", t)
    t = "AKIA" + g.of(UPPER + "234567", 16)
    g.add(
        "hidden-ansi-within",
        True,
        f"key {t[:4]}\x1b[01;31m\x1b[K{t[4:12]}\x1b[m\x1b[K{t[12:]} found",
        t[12:],
    )
    t = "hf_" + g.of(UPPER + LOWER, 34)
    g.add("hidden-letter-before", True, f"cacheX{t}.lock", t)
    t = g.crc("ghp_")
    g.add("hidden-underscore-before", True, f"tmp_{t}_clone failed", t, labelled=False)
    t = "sk_live_" + g.an(24)
    g.add("hidden-file-name", True, f"wrote /srv/dumps/keys-{t}.json (312 bytes)", t)
    t = g.crc("gho_")
    g.add(
        "hidden-unicode-escape",
        True,
        '{"header":"\\u0022token\\u0022: \\u0022' + t + '\\u0022"}',
        t,
    )
    t = "xoxb-" + g.num(12) + "-" + g.num(13) + "-" + g.an(24)
    g.add(
        "hidden-html-entity",
        True,
        f"&lt;input name=&quot;slack&quot; value=&quot;{t}&quot;&gt;",
        t,
    )
    t = g.pw()
    e = "".join(f"%{ord(c):02X}" for c in t)
    g.add("hidden-percent-whole", True, f"POST body: user=ops&password={e}&submit=1", e)


def assignments(g):
    """A name beside a value, in any language; named in the requirement."""

    def a(kind, form, value=None, **kw):
        g.plant("assign-" + kind, True, form, value or g.pw(), **kw)

    a("go", 'dbPassword := "§"')
    a("go-const", 'const signingSecret string = "§"', g.an(32))
    a("ruby-hash", ":smtp_password => '§',")
    a("php-define", "define('DB_PASSWORD', '§');", g.word_pw())
    a("php-array", "'password' => env('DB_PASSWORD', '§'),")
    a("c-define", '#define WIFI_PSK "§"', g.word_pw())
    a("c-define-key", '#define HMAC_KEY "§"', g.an(24))
    a("java-properties", "spring.datasource.password=§")
    a("java-setter", 'props.setProperty("ssl.keystore.password", "§");')
    a("kotlin", 'val apiToken: String = "§"', g.an(28))
    a("typed-python", 'bot_token: str = "§"', g.an(36))
    a("python-getenv", 'os.environ.get("REDIS_PASSWORD", "§")')
    a("make-default", "DEPLOY_TOKEN ?= §", g.hex(40))
    a("shell-default", ': "${PGPASSWORD:=§}"')
    a("powershell", '$adminPwd = ConvertTo-SecureString "§" -AsPlainText -Force')
    a("batch", "set SVC_PASS=§")
    a("rust", 'let client_secret = "§".to_string();', g.an(40))
    a("swift", 'static let apiSecret = "§"', g.an(32))
    a("lua", "redis_auth = '§'")
    a("perl", "$dbh->{password} = q{§};")
    a("elixir", 'config :app, secret_key_base: "§"', g.an(64))
    a("sql-identified", "CREATE USER 'reader'@'%' IDENTIFIED BY '§';")
    a("sql-password", "ALTER ROLE tracker WITH LOGIN PASSWORD '§';")
    a(
        "sql-option",
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (user 'u', password '§');",
    )
    a(
        "xml-element",
        "<server><id>nexus</id><username>ci</username><password>§</password></server>",
    )
    a("xml-attribute", '<add name="Main" user="sa" pwd="§" />')
    a("xml-app-settings", '<add key="SmtpPassword" value="§" />')
    a("json-name-value", '{"name": "DB_PASSWORD", "value": "§"}')
    a("yaml-name-value", "- name: QUEUE_TOKEN\n  value: §", g.an(30))
    a("json-camel", '{"userName":"svc","userPassword":"§"}')
    a("json-escaped", '"body": "{\\"clientSecret\\":\\"§\\"}"', g.an(36))
    a("yaml-plain", "rabbitmq:\n  default_pass: §", g.word_pw())
    a("toml", '[auth]\nsecret = "§"', g.an(26))
    a("ini-spaces", "[client]\nuser     = root\npassword = §")
    a(
        "option-password",
        "mongodump --host db1 --username ops --password § --out /srv/d",
    )
    a("option-equals", "helm upgrade app . --set postgresql.auth.password=§")
    a("option-glued", "mysql -h db1 -u root -p§ shop")
    a("sshpass", "sshpass -p § ssh ops@build1 uptime")
    a(
        "option-token",
        "kubeadm join 10.0.0.5:6443 --token §",
        g.low(6) + "." + g.low(16),
    )
    a("docker-env", "docker run -e POSTGRES_PASSWORD=§ -d postgres:16")
    a("dockerfile", "ENV SECRET_KEY=§", g.an(50))
    a("compose", "    environment:\n      - MINIO_ROOT_PASSWORD=§")
    a("tfvars", 'master_password = "§"')
    a(
        "connection-string",
        "Server=tcp:db.example.org,1433;Database=shop;User ID=sa;Password=§;Encrypt=True;",
    )
    a("jdbc", "jdbc:postgresql://db1/shop?user=app&password=§")
    a(
        "azure-account",
        "DefaultEndpointsProtocol=https;AccountName=acmelogs;AccountKey=§;EndpointSuffix=core.windows.net",
        g.b64(64),
    )
    a(
        "azure-shared-access",
        "Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=§",
        g.b64(32),
    )
    s = g.b64(32).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    a(
        "azure-sas",
        "https://acmelogs.blob.core.windows.net/raw?sv=2024-11-04&ss=b&se=2026-12-01T00%3A00%3A00Z&sp=rl&sig=§",
        s,
    )
    a("netrc", "machine git.example.org\n  login ci\n  password §")
    a("netrc-line", "machine api.example.org login ops password §")
    a("pgpass", "db1.example.org:5432:shop:app:§")
    e = base64.b64encode(f"ci:{g.pw()}".encode()).decode()
    a("docker-auth", '{"auths":{"registry.example.org":{"auth":"§"}}}', e)
    a("cookie", "Cookie: theme=dark; sessionid=§; lang=de", g.low(32))
    a(
        "set-cookie",
        "< Set-Cookie: connect.sid=s%3A§; Path=/; HttpOnly; Secure",
        g.an(32),
    )
    a("key-last", "SESSION_ENCRYPTION_KEY=§", g.b64(32))
    a("key-first", "KEY_MASTER: §", g.hex(64))
    a("header-api-key", "x-api-key: §", g.an(40))
    a("wpa", 'network={\n  ssid="Halden"\n  psk="§"\n}', g.word_pw())
    a("tuple", 'payload = [("user", "svc"), ("password", "§")]')
    a("function-argument", 'connect(host="db1", user="app", passwd="§")')
    a("assert", 'assert settings.api_secret == "§"', g.an(24))
    a("print-debug", "DEBUG auth_token='§' retries=3", g.an(32))
    a("prose-colon", "Login: halden-admin\nPassword: §", g.word_pw())
    a("single-dash", "x11vnc -display :0 -forever -viewpasswd §")
    a(
        "bind",
        'key "rndc-key" {\n  algorithm hmac-sha256;\n  secret "§";\n};',
        g.b64(32),
    )
    a("option-key", "kubeadm join 10.0.0.5:6443 --certificate-key §", g.hex(64))
    a(
        "otpauth",
        "otpauth://totp/Shop:ops?secret=§&issuer=Shop",
        g.of(UPPER + "234567", 32),
    )
    a("nginx-header", 'proxy_set_header X-Auth-Token "§";', g.an(28))
    a("graphql-variables", 'variables: {"email": null, "newPassword": "§"}')
    a("clojure", '{:db {:user "app" :password "§"}}')
    a("csharp", 'private const string JwtSecret = @"§";', g.an(44))
    a("vue-env", "VITE_APP_CREDENTIAL='§'", g.an(30))


def people(g):
    """Personal data named in the requirement."""

    def p(kind, form, value, **kw):
        g.plant("personal-" + kind, True, form, value, **kw)

    p("e-mail", "bounce: <§> (550 5.1.1 user unknown)", g.mail())
    p("e-mail-in-json", '{"assignee":{"email":"§","id":7}}', g.mail())
    p("e-mail-percent", "GET /unsubscribe?u=§&list=4", g.mail("%40"))
    p("e-mail-mailto", '<a href="mailto:§?subject=x">', g.mail())
    p("e-mail-plus", "to: §", g.mail().replace("@", "+shop@"))
    p(
        "git-author",
        "Author: § <" + g.mail() + ">",
        f"{g.r.choice(FIRST)} {g.r.choice(LAST)}",
    )
    g.all[-1]["secret"].append(g.all[-1]["text"].split("<")[1].rstrip(">"))
    n = f"{g.r.choice(FIRST)} {g.r.choice(LAST)}"
    p(
        "git-author-trailer",
        "commit 1f2e\nAuthor:     §\nAuthorDate: Mon May 4 10:00:00 2026 +0200",
        n,
    )
    homes = [
        ("linux", 'File "/home/§/src/app/main.py", line 3'),
        ("macos", "open /Users/§/Library/Logs/app.log: no such file"),
        ("git-bash", "cd /c/Users/§/repos/shop"),
        ("wsl", "/mnt/c/Users/§/AppData/Local/Temp/a.txt"),
        ("fedora-atomic", "ExecStart=/var/home/§/bin/sync"),
        ("windows", r"C:\Users\§\source\repos\shop"),
        ("windows-json", r'"cwd":"C:\\Users\\§\\shop"'),
        ("windows-slashes", "file:///D:/Users/§/Desktop/plan.odt"),
        ("percent", "vscode://file%2Fhome%2F§%2Fsrc%2Fmain.rs"),
        ("percent-users", "redirect_uri=file%3A%2F%2F%2FUsers%2F§%2Fout.html"),
    ]
    for kind, form in homes:
        p("home-" + kind, form, g.login())
    n = f"{g.r.choice(FIRST)} {g.r.choice(LAST)}"
    p("home-windows-space", r"Cannot find C:\Users\§\Documents\plan.docx", n)
    p(
        "ls-owner",
        "drwxr-xr-x  4 § staff  128 May  4 10:00 src\n-rw-r--r--  1 § staff  411 May  4 10:00 a.py",
        g.login(),
    )
    p(
        "ls-owner-gnu",
        "total 12\n-rw-rw-r-- 1 § § 4096 Mai  4 10:00 notes.md",
        g.login(),
    )
    p("prompt-user-host", "§@build-box:~/src$ make test", g.login())
    p("prompt-brackets", "[§@fedora shop]$ git status", g.login())
    p("prompt-zsh", "§@MacBook-Pro shop % npm test", g.login())
    p("card-visa", '{"pan":"§","exp":"11/28"}', g.luhn("4", 16))
    c = g.luhn("53", 16)
    p(
        "card-spaced",
        "charged to §",
        " ".join(c[i : i + 4] for i in range(0, 16, 4)),
        labelled=False,
    )
    c = g.luhn("37", 15)
    p("card-amex", "amex §", f"{c[:4]}-{c[4:10]}-{c[10:]}")
    c = g.luhn("6011", 16)
    p("card-discover", "row 14;§;ok", c, labelled=False)
    p("iban-de", "IBAN: §", g.iban("DE", g.of(DIGITS, 18)))
    i = g.iban("FR", g.of(DIGITS, 23))
    p(
        "iban-spaced",
        "Please pay to §",
        " ".join(i[k : k + 4] for k in range(0, len(i), 4)),
        labelled=False,
    )
    p(
        "iban-gb",
        "creditor § reference 12",
        g.iban("GB", "NWBK" + g.of(DIGITS, 14)),
        labelled=False,
    )
    p("iban-nl", '"account":"§"', g.iban("NL", "INGB" + g.of(DIGITS, 10)))


def unnamed(g):
    """Kinds that the requirement names nowhere."""

    def u(kind, form, value=None, **kw):
        g.plant(kind, False, form, value or g.pw(), **kw)

    # Programs that take a secret in an option of their own.
    u("curl-user", "curl -u deploy:§ https://nexus.example.org/repository/raw/")
    u("lftp-user", "lftp -u ops,§ ftp.example.org -e 'mirror pub'")
    u("url-login", "redis://default:§@cache.example.org:6379/0")
    u("url-login-amqp", "ConnectionError: amqp://worker:§@mq1:5672//")
    u("url-login-http-proxy", "http_proxy=http://proxyuser:§@proxy.example.org:3128")
    u("redis-cli", "redis-cli -h cache1 -a § ping")
    u("ldapsearch", "ldapsearch -x -D cn=admin,dc=example,dc=org -w § '(uid=*)'")
    u("smbclient", "smbclient //nas1/share -U backup%§ -c ls")
    u("net-use", r"net use Z: \\nas1\share /user:backup §")
    u("xfreerdp", "xfreerdp /v:ts1 /u:admin /p:§ /f")
    u("seven-zip", "7z x backup.7z -p§ -o/srv/restore")
    u("zip-encrypt", "zip -P § -r dump.zip dump/")
    u("openssl-pass", "openssl rsa -in key.pem -passin pass:§ -out plain.pem")
    u("openssl-enc", "openssl enc -aes-256-cbc -d -in a.enc -k §")
    u("gpg-passphrase", "gpg --batch --passphrase § -d dump.gpg")
    u("docker-login-short", "docker login registry.example.org -u ci -p §")
    u("ftp-batch", "open ftp.example.org\nuser backup §\nbinary")
    u("expect-send", 'expect "assword:"\nsend "§\\r"')
    u("chpasswd", "echo 'tracker:§' | chpasswd")
    u("htpasswd-batch", "htpasswd -b /etc/nginx/users ops §")
    u("ipmitool", "ipmitool -I lanplus -H bmc3 -U ADMIN -P § power status")
    u("cryptsetup", "echo -n § | cryptsetup open /dev/sdb1 data -")
    u("mosquitto", "mosquitto_sub -h mq1 -u sensor -P § -t '#'")
    # Hashes of passwords.
    u(
        "shadow",
        "tracker:$6$§:19850:0:99999:7:::",
        g.an(16) + "$" + g.an(86),
        labelled=False,
    )
    u("htpasswd-file", "ops:$apr1$§", g.an(8) + "$" + g.an(22), labelled=False)
    u("bcrypt", '"password_hash": "§"', "$2b$12$" + g.an(53))
    u(
        "argon2",
        "hash for ops: $argon2id$v=19$m=65536,t=3,p=4$§",
        g.an(22) + "$" + g.an(43),
    )
    u(
        "mysql-hash",
        "GRANT USAGE ON *.* TO 'app'@'%' IDENTIFIED VIA mysql_native_password USING '*§'",
        g.of("0123456789ABCDEF", 40),
    )
    u(
        "ntlm",
        "Administrator:500:aad3b435b51404eeaad3b435b51404ee:§:::",
        g.hex(32),
        labelled=False,
    )
    u("scram", "SCRAM-SHA-256$4096:§", g.b64(16) + "$" + g.b64(32) + ":" + g.b64(32))
    u(
        "cisco-type-7",
        "username ops privilege 15 password 7 §",
        g.of("0123456789ABCDEF", 26),
    )
    # Codes and second factors.
    u(
        "totp-seed",
        "Scan the QR code or enter this setup code by hand: §",
        " ".join(g.of(LOWER + "234567", 4) for _ in range(8)),
    )
    codes = [g.hex(5) + "-" + g.hex(5) for _ in range(4)]
    g.add(
        "recovery-codes",
        False,
        "Recovery codes (each works once):\n" + "\n".join(codes),
        *codes,
    )
    u("pin", "SIM PIN: §", g.num(4) + g.of(DIGITS, 2))
    u("puk", "PUK §", g.num(8))
    u("door-code", "Zugangscode Serverraum: §", g.num(6))
    u("one-time-code", "Your verification code is §", g.num(6), debatable=True)
    u(
        "device-code",
        "First copy your one-time code: §",
        g.of(UPPER, 4) + "-" + g.of(UPPER, 4),
        debatable=True,
    )
    u(
        "voucher",
        "Gift card code § (50 EUR)",
        "-".join(g.of(UPPER + DIGITS, 4) for _ in range(4)),
    )
    u(
        "license",
        "Serial number: §",
        "-".join(g.of(UPPER + DIGITS, 5) for _ in range(5)),
    )
    u("invite", "https://chat.example.org/invite/§", g.an(22))
    # Links and headers.
    u("bearer-opaque", "> Authorization: Bearer §", g.url(48))
    u(
        "basic-header",
        "Authorization: Basic §",
        base64.b64encode(f"ops:{g.pw()}".encode()).decode(),
    )
    u(
        "digest-header",
        'Authorization: Digest username="ops", realm="cam", nonce="'
        + g.hex(32)
        + '", uri="/", response="§"',
        g.hex(32),
    )
    u("jwt-labelled", "id_jwt=§", g.jwt())
    u("jwt-bare", "decoded § without errors", g.jwt(), labelled=False)
    u("oauth-code", "http://localhost:8080/callback?code=§&state=x", "4/0A" + g.url(68))
    u(
        "saml",
        "POST /saml/acs SAMLResponse=§",
        base64.b64encode(
            b'<samlp:Response ID="_'
            + g.hex(32).encode()
            + b'"><saml:Assertion>'
            + g.an(60).encode()
        ).decode(),
    )
    u("reset-link", "https://shop.example.org/account/reset/§", g.url(43))
    u(
        "magic-link",
        "Click to sign in: https://app.example.org/login?ticket=§",
        g.url(40),
    )
    u(
        "s3-presigned",
        "https://acme.s3.amazonaws.com/a.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Signature=§",
        g.hex(64),
    )
    u(
        "gcs-signed",
        "https://storage.googleapis.com/acme/a.csv?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=§",
        g.hex(128),
    )
    u(
        "cloudfront-signed",
        "https://d1.cloudfront.net/a.mp4?Expires=1790000000&Signature=§&Key-Pair-Id=K"
        + g.of(UPPER + DIGITS, 13),
        g.url(120),
    )
    u("webhook-signature", "X-Hub-Signature-256: sha256=§", g.hex(64), debatable=True)
    u("csrf", '<meta name="csrf" content="§">', g.an(40), debatable=True)
    u(
        "ical-private",
        "https://calendar.example.org/ical/team/private-§/basic.ics",
        g.hex(32),
    )
    u(
        "teams-webhook",
        "https://acme.webhook.office.com/webhookb2/" + g.uuid() + "/IncomingWebhook/§",
        g.hex(32) + "/" + g.uuid(),
    )
    u("stream-key", "rtmp://live.example.org/app/live_§", g.num(9) + "_" + g.an(30))
    # Settings under names of their own.
    u("snmp", "snmp-server community § RO", g.word_pw())
    u("wifi-qr", "WIFI:T:WPA;S:Halden;P:§;;", g.word_pw())
    u("prose", "the admin login on the NAS is admin / §", g.word_pw())
    u("german-label", "Benutzer: halden-admin\nKennwort: §", g.word_pw())
    u("french-label", "identifiant: tracker\nmot de passe: §", g.word_pw())
    u("prose-is", "Heads up: the new root password is § until Friday", g.word_pw())
    u("users-map", "users:\n  halden-admin: §", g.pw())
    u(
        "basic-auth-caddy",
        "basicauth /admin/* {\n  ops §\n}",
        base64.b64encode(b"$2a$14$" + g.an(53).encode()).decode(),
    )
    u("salt", "HASHIDS_SALT=§", g.an(24))
    u("pepper", "pepper: '§'", g.hex(32))
    u("nonce-key", "define('NONCE_SALT', '§');", g.an(48) + "+-|" + g.an(13))
    u("erlang-cookie", "erl -sname a -setcookie §", g.of(UPPER, 20))
    u(
        "duo-integration",
        "[duo]\nikey = DI" + g.of(UPPER + DIGITS, 18) + "\nskey = §",
        g.an(40),
    )
    u("signal-storage", "passcode: §", g.num(8))
    # Wallets.
    words = "abandon acoustic badge canyon dutch embark fabric galaxy humble icon jaguar kiwi lumber mimic nephew orbit puzzle quantum rebel shrimp".split()
    u("mnemonic", "Seed phrase: §", " ".join(g.r.sample(words, 12)))
    u(
        "bitcoin-wif",
        "importing WIF §",
        g.of("KL", 1)
        + g.of("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 51),
    )
    u(
        "xprv",
        "root: §",
        "xprv9s21ZrQH143K"
        + g.of("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 96),
        labelled=False,
    )
    u(
        "nostr",
        "nostr identity nsec: §",
        "nsec1" + g.of("qpzry9x8gf2tvdw0s3jn54khce6mua7l", 58),
    )
    u("ethereum", "accounts: ['0x§']", g.hex(64), labelled=False)
    # People.
    u("phone-de", "Tel.: §", f"+49 {g.num(3)} {g.num(8)}")
    u(
        "phone-us",
        '{"mobile": "§"}',
        f"({g.r.randrange(201, 989)}) {g.r.randrange(201, 989)}-{g.of(DIGITS, 4)}",
    )
    u(
        "phone-bare",
        "call me back on § after six",
        f"+33 6 {g.of(DIGITS, 2)} {g.of(DIGITS, 2)} {g.of(DIGITS, 2)} {g.of(DIGITS, 2)}",
        labelled=False,
    )
    u(
        "ssn",
        "SSN: §",
        f"{g.r.randrange(101, 665)}-{g.r.randrange(11, 99)}-{g.r.randrange(1001, 9999)}",
    )
    u(
        "passport",
        "Passport No. §",
        g.of("CFGHJK", 1) + g.of("0123456789CFGHJKLMNPRTVWXYZ", 8),
    )
    u("tax-id", "Steuer-ID: §", g.num(11))
    u(
        "birth-date",
        '"date_of_birth": "§"',
        f"19{g.r.randrange(50, 99)}-0{g.r.randrange(1, 9)}-{g.r.randrange(10, 28)}",
    )
    u(
        "street",
        "Ship to: §",
        f"{g.r.choice(LAST)}weg {g.r.randrange(2, 90)}, {g.num(5)} Halden",
    )
    u("health-insurance", "Versichertennummer: §", g.of(UPPER, 1) + g.num(9))
    u("account-us", "Routing 021000089 Account §", g.num(10))
    u("account-uk", "Sort code: 20-00-00, account number: §", g.num(8))
    u("cvv", '{"exp":"11/28","cvv":"§"}', g.num(3) + g.of(DIGITS, 1))
    u(
        "full-name",
        "Customer: §",
        f"{g.r.choice(FIRST)} {g.r.choice(LAST)}",
        debatable=True,
    )
    u(
        "ip-public",
        "Accepted connection from § port 50122",
        f"{g.r.randrange(80, 95)}.{g.r.randrange(30, 200)}.{g.r.randrange(1, 250)}.{g.r.randrange(1, 250)}",
        labelled=False,
        debatable=True,
    )
    u("coordinates", '"lat": 59.1§, "lon": 11.3', g.of(DIGITS, 5), debatable=True)
    u(
        "mac",
        "wlan0: associated with §",
        ":".join(g.hex(2) for _ in range(6)),
        labelled=False,
        debatable=True,
    )
    u("plate", "Kennzeichen: §", f"HD-{g.of(UPPER, 2)} {g.num(4)}")
    u("employee", "Personalnummer §", g.num(7))
    u("imei", "IMEI: §", g.luhn("35", 15), debatable=True)


def secrets(seed):
    g = G(seed)
    for part in (vendors, private_keys, encoded, assignments, people, unnamed):
        part(g)
    order = list(g.all)
    random.Random(seed).shuffle(order)
    for i, s in enumerate(order):
        s["index"], s["held_out"] = i, i % 3 == 0
    return order


def lines_of(g, n, width=64):
    return "\n".join(g.of(B62 + "+/", width) for _ in range(n))


def harmless(seed):
    """Ordinary text of developers that must come through byte for byte."""
    g = G(seed + 1000)
    h, u, b = g.hex, g.uuid, g.b64
    return [
        # Addresses that are none.
        "git clone git@github.com:acme/tracker.git",
        "origin\tgit@gitlab.example.org:ops/infra.git (fetch)",
        "pip install git+ssh://git@github.com/acme/lib.git@v2.1",
        "ssh -T git@bitbucket.org",
        "cp icons/logo@2x.png icons/logo@3x.png public/",
        "Assets.xcassets/AppIcon.appiconset/icon_512x512@2x@2x.png",
        "background-image: url('hero@2x-dark.webp');",
        "systemctl enable --now getty@tty2.service",
        "openvpn-client@halden.service: Main process exited, code=exited, status=1/FAILURE",
        "[Unit]\nDescription=Worker %i\n[Service]\nExecStart=/usr/bin/worker --queue %i\n# worker@mail.service",
        "npm warn deprecated glob@7.2.3: use v9 or later",
        "pnpm add -D vite@5.4.2 @types/node@20.11.5",
        f"FROM postgres@sha256:{h(64)}",
        f"image: registry.example.org/shop/api:1.4@sha256:{h(64)}",
        "y_hat = X@w + b",
        "@app.route('/login', methods=['POST'])\ndef login(): ...",
        "// eslint-disable-next-line @typescript-eslint/no-explicit-any",
        "@media (min-width: 40rem) { .card { padding: 1rem } }",
        "rpm -q kernel@x86_64 || true",
        "brew install python@3.12 openssl@3",
        # Places.
        "PWD=/srv/x42\nOLDPWD=/srv",
        "export PATH=$HOME/.cargo/bin:/usr/local/bin:$PATH",
        "source ~/.config/fish/config.fish",
        "/Users/Shared/Fonts/Inter.ttf",
        r"C:\Users\Public\Documents\readme.txt",
        r"C:\Program Files\Git\usr\bin\ssh.exe",
        "open(%2Fusr%2Fshare%2Fdict%2Fwords)",
        "/home directory is on its own partition (/dev/sda3)",
        "-rw-r--r-- 1 root root 1874 May  4 10:00 /etc/hosts",
        "drwxr-xr-x 2 www-data www-data 4096 May  4 10:00 html",
        # Sums and ids.
        f"commit {h(40)}",
        f"{h(7)} Merge branch 'next' into main",
        f"index {h(7)}..{h(7)} 100644",
        f"{h(64)}  tracker-3.2.tar.gz",
        f"md5: {h(32)}",
        f"CRC32 {h(8).upper()}  SHA1 {h(40).upper()}",
        f"Digest: sha256:{h(64)}",
        f'etag: W/"{h(32)}"',
        f"request_id={u()} status=200 duration=31ms",
        f'<Component Id="Main" Guid="{{{u().upper()}}}">',
        f"job {u()} finished",
        f"container {h(64)}",
        f"pod/api-{h(10)}-x7k2p   1/1   Running",
        f"i-0{h(16)} in subnet-0{h(16)} is healthy",
        f"trace_id={h(32)} span_id={h(16)}",
        f"Build-ID: {h(40)}",
        f'  checksum = "{h(64)}"',
        f'[[package]]\nname = "serde"\nversion = "1.0.203"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "{h(64)}"',
        f'"integrity": "sha512-{b(64)}"',
        f'"node_modules/ajv": {{\n  "version": "8.12.0",\n  "resolved": "https://registry.npmjs.org/ajv/-/ajv-8.12.0.tgz",\n  "integrity": "sha512-{b(64)}"\n}}',
        f'  resolved "https://registry.yarnpkg.com/ms/-/ms-2.1.3.tgz#{h(40)}"\n  integrity sha512-{b(64)}',
        f"golang.org/x/sys v0.21.0 h1:{b(32)}\ngolang.org/x/sys v0.21.0/go.mod h1:{b(32)}",
        f"    --hash=sha256:{h(64)} \\\n    --hash=sha256:{h(64)}",
        f'    hash = "sha256-{b(32)}";',
        f"flutter: pub cache sha256: {h(64)}",
        f'    sha256 "{h(64)}"',
        # Public keys and certificates.
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + g.of(B62 + "+/", 43) + " deploy",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ" + g.of(B62 + "+/", 334) + " ci-runner",
        "github.com ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB"
        + g.of(B62 + "+/", 87)
        + "=",
        f"256 SHA256:{g.of(B62 + '+/', 43)} deploy (ED25519)",
        "The authenticity of host 'build-1 (10.0.0.7)' can't be established.\nED25519 fingerprint is SHA256:"
        + g.of(B62 + "+/", 43)
        + ".",
        f"-----BEGIN CERTIFICATE-----\nMIID{g.of(B62 + '+/', 60)}\n{lines_of(g, 8)}\n{g.of(B62 + '+/', 30)}==\n-----END CERTIFICATE-----",
        f"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A{g.of(B62 + '+/', 32)}\n{lines_of(g, 5)}\n-----END PUBLIC KEY-----",
        f"-----BEGIN CERTIFICATE REQUEST-----\nMIIC{g.of(B62 + '+/', 60)}\n{lines_of(g, 6)}\n-----END CERTIFICATE REQUEST-----",
        f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME{g.of(B62 + '+/', 60)}\n{lines_of(g, 5)}\n=Ab1x\n-----END PGP PUBLIC KEY BLOCK-----",
        f'{{"kty":"RSA","kid":"{h(8)}","use":"sig","n":"{g.url(342)}","e":"AQAB"}}',
        "X509v3 Subject Key Identifier:\n    "
        + ":".join(h(2).upper() for _ in range(20)),
        "age1" + g.of("qpzry9x8gf2tvdw0s3jn54khce6mua7l", 58) + " can read this file",
        "[Peer]\nPublicKey = " + b(32) + "\nAllowedIPs = 10.8.0.2/32",
        "Culture=neutral, PublicKeyToken=b77a5c561934e089, processorArchitecture=MSIL",
        '<bindingRedirect oldVersion="0.0.0.0-13.0.0.0" newVersion="13.0.0.0" /><!-- publicKeyToken="30ad4fe6b2a6aeed" -->',
        # Tables and dumps.
        "SineTable:\n  db $00,$19,$32,$4A,$62,$78,$8E,$A2,$B4,$C5,$D4,$E0,$EC,$F4,$FB,$FE",
        "    dw $2833,$2821,$2834,$2823,$2828,$2825,$282C,$0000\n    dl $7E2000,$7F8000",
        "00000040: " + " ".join(h(4) for _ in range(8)) + "  ................",
        ":10010000214601360121470136007EFE09D2190140",
        "S1137AF00A0A0D0000000000000000000000000061",
        "static const uint32_t K[4] = {0x"
        + h(8)
        + ", 0x"
        + h(8)
        + ", 0x"
        + h(8)
        + ", 0x"
        + h(8)
        + "};",
        "const palette = ['#1b1f23', '#0366d6', '#28a745', '#d73a49', '#6f42c1'];",
        "7fff5fbff8c0  48 8b 05 " + " ".join(h(2) for _ in range(13)),
        "src: url(data:font/woff2;base64,d09GMgABAAAAA"
        + g.of(B62 + "+/", 180)
        + ") format('woff2');",
        '<img src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUg'
        + g.of(B62 + "+/", 120)
        + '">',
        'd="M12.5 3.75c0-.69.56-1.25 1.25-1.25h4.5c.69 0 1.25.56 1.25 1.25v12.5z"',
        "vec4(0.2126, 0.7152, 0.0722, 1.0)",
        # Code about passwords and tokens.
        "token: IDENTIFIER_42_EXPR",
        "password: SecretStr",
        "password: SecretStr = Field(..., min_length=12)",
        "interface Credentials { user: string; password?: string; token: AuthToken }",
        "def check_password(user: User, password: str) -> bool:",
        'password = getpass.getpass("Password: ")',
        'password=os.environ["DB_PASSWORD"],',
        "const token = lexer.next();\nif (token.type === TokenType.StringLiteral) return token;",
        "private final PasswordEncoder passwordEncoder = new BCryptPasswordEncoder();",
        "let key = map.keys().next().copied();",
        "self.secret_key = secret_key",
        "auth_token = request.headers.get('X-Auth-Token')",
        "password = var.db_password",
        "master_password = random_password.db.result",
        'password: "{{ vault_db_password }}"',
        "password: {{ .Values.auth.password | quote }}",
        "GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}",
        "PGPASSWORD=$(cat /run/secrets/db) psql -h db1",
        'curl -u "$USER:$PASS" https://nexus.example.org/',
        "export API_KEY=${API_KEY:?is not set}",
        '"password": null,',
        '"password": "********",',
        "API_TOKEN=<your-token-here>",
        "DB_PASSWORD=${DB_PASSWORD}",
        '<input type="password" name="password" autocomplete="current-password" required>',
        '"login.password.label": "Password",\n"login.password.hint": "At least twelve characters"',
        "PASSWORD_MIN_LENGTH = 12\nPASSWORD_HASHERS_ROUNDS = 3",
        "AUTH_TIMEOUT=30",
        "max_tokens: 4096\npad_token_id: 0\neos_token: <|endoftext|>",
        "tokenizer.pad_token = tokenizer.eos_token",
        "Tokens: 12,345 input, 678 output",
        "secretKeyRef:\n  name: db-credentials\n  key: password",
        "existingSecret: app-secrets",
        "id = db.Column(db.Integer, primary_key=True)",
        'sort_key = "created_at"',
        '<Row key={row.id} :key="row.id" />',
        "#define KEY_ENTER 0x0D\n#define KEY_LEFT  0x25",
        "#define TOKEN_MAX 64",
        "enum Token { PLUS, MINUS, IDENT_LOWER, IDENT_UPPER }",
        "ALTER TABLE users ADD COLUMN password_hash text NOT NULL;",
        "SELECT id FROM sessions WHERE token IS NULL AND secret_version < 3;",
        "auth    required    pam_unix.so nullok",
        'AuthType Basic\nAuthName "Internal"\nRequire valid-user',
        "PASS tests/test_cart.py (4 tests)",
        "FAILED login for user: wrong password (3 of 5 tries)",
        "The token expires after 3600 seconds; the secret is rotated weekly.",
        r"re.compile(r'(?i)password\s*[:=]\s*(\S+)')",
        "bypass_cache=true author_id=7 compass=north monkey=patched",
        "use App\\Http\\Controllers\\Auth\\ResetPasswordController;",
        "Route::post('/password/email', [ForgotPasswordController::class, 'sendResetLinkEmail']);",
        "kubectl create secret generic db --from-file=password=./password.txt",
        "vault kv get -field=password kv/shop/db",
        "secrets: inherit",
        "cookie: { secure: true, httpOnly: true, sameSite: 'lax' }",
        "Access-Control-Allow-Headers: Authorization, X-Api-Key, Content-Type",
        # Commands whose -p, -k, -u or -w is something else.
        "mkdir -p src/app/components && cp -pR a b",
        "ssh -p 2222 build-1 uptime",
        "docker run --rm -p 8080:80 -u 1000:1000 -w /app node:20 npm ci",
        "patch -p1 < fix.diff",
        "mysql -u root -p shop < dump.sql",
        "psql -h db1 -U app -w -c 'select 1'",
        "ps -p 4711 -o pid,cmd",
        "make -k -j8 test",
        "zip -r site.zip public/ -x '*.map'",
        # Numbers.
        "order 4539148803436460 was shipped in two parcels",
        "ts=1767225600000000000 seq=9007199254740991",
        "ISBN 978-3-16-148410-0, EAN 4006381333931",
        "listening on 127.0.0.1:8080 and [::1]:8080",
        "DNS 10.0.0.2, gateway 192.168.178.1, mask 255.255.255.0",
        "version 120.0.6099.129, build 23.4.1.7",
        "snowflake 1187320440412282941",
        "Fri, 05 Jun 2026 09:15:00 GMT",
        # The rest of a day.
        "https://docs.example.org/guide/auth?lang=en&page=2#tokens",
        "postgres://localhost/shop_test",
        "mongodb://${MONGO_USER}:${MONGO_PASS}@mongo:27017/shop",
        "https://fonts.example.org/css2?family=Inter:wght@400;700&display=swap",
        '<a href="mailto:?subject=Report">send</a>',
        'Traceback (most recent call last):\n  File "/app/auth/tokens.py", line 41, in refresh\n    raise TokenExpired(token_type)',
        "_ZN4core3ptr85drop_in_place$LT$std..rt..lang_start$LT$$LP$$RP$$GT$..$u7b$$u7b$closure$u7d$$u7d$$GT$17h"
        + h(16)
        + "E",
        'class="md:grid-cols-[minmax(0,1fr)_280px] dark:bg-zinc-900/80"',
        '{"jsonrpc":"2.0","id":41,"method":"textDocument/semanticTokens/full"}',
        "cpe:2.3:a:openssl:openssl:3.0.13:*:*:*:*:*:*:*",
        "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception",
        '<string name="pref_key_theme">theme</string>',
    ]


def harmless_held_out(i):
    return i % 3 == 0
