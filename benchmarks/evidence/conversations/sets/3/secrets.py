"""Planted secrets and harmless strings, drawn when this runs: no token stands in this file.

`secrets(seed)` gives what must go, `harmless(seed)` what must stay. Load it under another
name: a module `secrets` on `sys.path` hides Python's.
"""

import base64
import hashlib
import json
import random
import struct
import zlib

SEED = 3

DIGITS, UPPER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = UPPER.lower()
B62 = DIGITS + UPPER + LOWER
B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
B32 = UPPER + "234567"
FIRST = (
    "Malgorzata Joris Eleni Tomasz Freya Babak Ingeborg Rafael Siobhan Dragan Linnea Pascal"
    " Wiebke Emre Odile Casper"
).split()
LAST = (
    "Vandermeulen Stavropoulos Kowalczyk Halvorsen Ehrenfels Tehrani Bouchard Ostrowski"
    " Kilpatrick Marinescu Sandgren Zeilinger Aydogan Ferreira Lundqvist Radovic"
).split()
WORDS = (
    "Lantern Pebble Walnut Harbour Thistle Copper Meadow Falcon Kettle Saffron Glacier Juniper"
    " Biscuit Marmot Tulip Anvil Cinder Ferry Mosaic Quarry"
).split()
# Words of the BIP-39 list with their places in it.
BIP = (
    "abstract:7 accuse:13 actor:21 again:37 allow:53 announce:74 arch:88 arm:93 attract:118"
    " barrel:150 blood:191 box:212 brush:233 candy:266 canyon:270 cave:294 concert:373"
    " connect:377 crouch:417 dance:442 delay:463 diagram:487 dolphin:518 dry:541 either:568"
    " enhance:596 episode:607 expect:642 faculty:653 female:679 festival:681 focus:721"
    " frequent:741 fringe:744 frog:745 future:756 goose:804 gospel:806 grape:814 hand:838"
    " height:853 hen:857 hour:882 humble:887 law:1007 lawsuit:1009 legend:1020 leisure:1021"
    " lesson:1027 lizard:1046 lobster:1049 mandate:1080 minor:1129 monitor:1144 neglect:1184"
    " number:1211 ocean:1223 olympic:1234 original:1253 pact:1269 paper:1279 party:1284"
    " payment:1293 peasant:1297 prepare:1359 public:1384 puppy:1392 purpose:1395 raccoon:1410"
    " remember:1453 remove:1455 require:1464 resource:1468 rib:1479 rifle:1485 rocket:1499"
    " rose:1504 salad:1522 scheme:1541 seed:1559 service:1569 shuffle:1595 solve:1655"
    " special:1671 stamp:1699 stool:1715 tank:1773 toilet:1822 treat:1854 uncover:1893"
    " undo:1895 unveil:1907 usual:1921 vehicle:1935 wage:1969 wait:1971"
).split()


class G:
    """A generator of values and the list they are planted in."""

    def __init__(self, seed):
        self.r = random.Random(seed * 104729 + 11)
        self.all = []

    def of(self, alphabet, n):
        return "".join(self.r.choice(alphabet) for _ in range(n))

    def an(self, n):
        """Letters and digits of both cases."""
        while True:
            s = self.of(B62, n)
            if n < 3 or all(any(c in a for c in s) for a in (DIGITS, UPPER, LOWER)):
                return s

    def low(self, n):
        while True:
            s = self.of(LOWER + DIGITS, n)
            if any(c in DIGITS for c in s) and any(c in LOWER for c in s):
                return s

    def up(self, n):
        while True:
            s = self.of(UPPER + DIGITS, n)
            if any(c in DIGITS for c in s) and any(c in UPPER for c in s):
                return s

    def url(self, n):
        return self.an(n - 4) + self.of("_-", 1) + self.an(3)

    def hex(self, n):
        while True:
            s = self.of("0123456789abcdef", n)
            if n < 4 or (any(c in DIGITS for c in s) and any(c in LOWER for c in s)):
                return s

    def num(self, n):
        return self.of("123456789", 1) + self.of(DIGITS, n - 1)

    def raw(self, n):
        return bytes(self.r.randrange(256) for _ in range(n))

    def b64(self, n):
        return base64.b64encode(self.raw(n)).decode()

    def uuid(self):
        h = self.hex(32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{self.of('89ab', 1)}{h[17:20]}-{h[20:]}"

    def pw(self, n=None):
        """A drawn password with marks in it."""
        n = n or self.r.randrange(11, 18)
        return self.an(n - 5) + self.of("!+*?.=^~", 1) + self.an(3) + self.of("!+*?", 1)

    def wpw(self):
        """A password as people think them up."""
        a, b = self.r.sample(WORDS, 2)
        return self.r.choice(
            [
                f"{a}{b}{self.num(2)}!",
                f"{a}-{b}-{self.num(3)}",
                f"{a.lower()}{self.num(4)}{b}",
                f"{a[:4].upper()}_{b}{self.num(2)}?",
                f"{a}{self.num(2)}.{b}",
            ]
        )

    def name(self):
        return self.r.choice(FIRST), self.r.choice(LAST)

    def login(self):
        first, last = self.name()
        return self.r.choice(
            [
                first[0].lower() + last.lower(),
                f"{first.lower()}{self.num(2)}",
                last.lower()[:8],
            ]
        )

    def mail(self, sep="@"):
        first, last = self.name()
        host = self.r.choice(
            "posteo.net fastmail.fm zeilinger-bau.at noordkaap.nl kth-labs.se web.de gmx.ch".split()
        )
        return f"{first.lower()}.{last.lower()}{sep}{host}"

    def crc(self, prefix):
        """GitHub's and npm's form: 30 characters and the CRC-32 of them in base 62."""
        body = self.an(30)
        n, s = zlib.crc32(body.encode()), ""
        alphabet = DIGITS + UPPER + LOWER
        while n:
            n, rest = divmod(n, 62)
            s = alphabet[rest] + s
        return prefix + body + s.rjust(6, "0")

    def jwt(self, **claims):
        def part(o):
            raw = json.dumps(o, separators=(",", ":")).encode()
            return base64.urlsafe_b64encode(raw).decode().rstrip("=")

        sig = base64.urlsafe_b64encode(self.raw(32)).decode().rstrip("=")
        head = part({"alg": "HS256", "typ": "JWT"})
        return f"{head}.{part(claims or {'sub': self.num(9), 'exp': 1790000000})}.{sig}"

    def luhn(self, prefix, n):
        s = prefix + self.of(DIGITS, n - 1 - len(prefix))
        return s + luhn_digit(s)

    def iban(self, country, bban):
        digits = "".join(str(int(c, 36)) for c in bban + country + "00")
        return f"{country}{98 - int(digits) % 97:02d}{bban}"

    def base58check(self, payload):
        payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        n, s = int.from_bytes(payload, "big"), ""
        while n:
            n, rest = divmod(n, 58)
            s = B58[rest] + s
        return s

    def bech32(self, hrp, data):
        bits = "".join(f"{b:08b}" for b in data)
        bits += "0" * (-len(bits) % 5)
        five = [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]
        chk = 1
        head = [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]
        for v in [*head, *five, 0, 0, 0, 0, 0, 0]:
            top = chk >> 25
            chk = (chk & 0x1FFFFFF) << 5 ^ v
            for i, gen in enumerate(
                (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
            ):
                chk ^= gen if (top >> i) & 1 else 0
        chk ^= 1
        return (
            hrp
            + "1"
            + "".join(
                BECH[v] for v in five + [(chk >> 5 * (5 - i)) & 31 for i in range(6)]
            )
        )

    def mnemonic(self, n=12):
        """Words with a right check sum, drawn from a part of the list."""
        bits = n * 11
        check = bits // 33
        while True:
            words = self.r.sample(BIP, n)
            value = "".join(f"{int(w.split(':')[1]):011b}" for w in words)
            entropy = int(value[:-check], 2).to_bytes((bits - check) // 8, "big")
            if f"{hashlib.sha256(entropy).digest()[0]:08b}"[:check] == value[-check:]:
                return [w.split(":")[0] for w in words]

    def plant(
        self, kind, named, form, *values, secret=None, labelled=True, debatable=False
    ):
        """Put values in a form's `§` (or `§1`, `§2` …) and note what must go."""
        values = [str(v) for v in values]
        if len(values) == 1:
            text = form.replace("§", values[0])
        else:
            text = form
            for i, value in reversed(list(enumerate(values, 1))):
                assert f"§{i}" in text, (kind, i)
                text = text.replace(f"§{i}", value)
        assert "§" not in text, kind
        gone = list(dict.fromkeys(values if secret is None else secret))
        assert gone, kind
        assert all(s and s in text for s in gone), (kind, gone, text)
        i = len(self.all)
        self.all.append(
            {
                "kind": kind,
                "named": named,
                "text": text,
                "secret": gone,
                "labelled": labelled,
                "debatable": debatable,
                "index": i,
                "held_out": i % 3 == 0,
            }
        )


def luhn_digit(s):
    total = 0
    for i, c in enumerate(reversed(s)):
        d = int(c) * (2 if i % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return str(-total % 10)


def groups(s, n=4, sep=" "):
    return sep.join(s[i : i + n] for i in range(0, len(s), n))


# --- named: keys of vendors ---------------------------------------------------------------


def vendors(g):
    def v(kind, form, *values, **kw):
        g.plant("vendor: " + kind, True, form, *values, **kw)

    v(
        "github classic in a remote",
        "origin\thttps://x-access-token:§@github.com/mosaic-tools/quarry.git (push)",
        g.crc("ghp_"),
    )
    v(
        "github fine-grained in gh auth status",
        "github.com\n  ✓ Logged in to github.com account tulip-bot (GITHUB_TOKEN)\n  - Token: §\n",
        "github_pat_" + g.up(22) + "_" + g.an(59),
    )
    v(
        "github server in a CI log",
        "2026-03-02T08:11:40.1185Z env: GH=§ step=checkout",
        g.crc("ghs_"),
    )
    v(
        "github oauth in hosts.yml",
        "    12→github.com:\n    13→    user: anvilworks\n    14→    oauth_token: §\n",
        g.crc("gho_"),
    )
    v(
        "npm in an error",
        "npm ERR! 403 403 Forbidden - PUT https://registry.npmjs.org/ferry-ui - sent §",
        g.crc("npm_"),
    )
    v(
        "gitlab in a runner",
        "git clone https://gitlab-ci-token:§@git.quarry.example/infra/ansible.git",
        "glpat-" + g.url(20),
    )
    v(
        "gitlab runner registration",
        "gitlab-runner register --non-interactive --url https://git.quarry.example --token §",
        "glrt-" + g.url(20),
    )
    v(
        "gitlab trigger",
        "curl -X POST -F token=§ -F ref=main https://git.quarry.example/api/v4/projects/9/trigger/pipeline",
        "glptt-" + g.hex(40),
    )
    v(
        "aws key pair in credentials",
        "[backup]\naws_access_key_id = §1\naws_secret_access_key = §2\nregion = eu-north-1\n",
        "AKIA" + g.of(B32, 16),
        g.an(30) + "/" + g.an(9),
    )
    v(
        "aws temporary key in JSON",
        '{"Credentials": {"AccessKeyId": "§1", "SessionToken": "§2"}}',
        "ASIA" + g.of(B32, 16),
        "IQoJb3JpZ2luX2Vj" + g.b64(240),
    )
    v(
        "google api key in a page",
        '<script src="https://maps.googleapis.com/maps/api/js?key=§&callback=init" async></script>',
        "AIza" + "Sy" + g.url(33),
    )
    v(
        "google oauth client",
        'L7: client_id: "407718120983-k2.apps.googleusercontent.com"\nL8: client_secret: "§"',
        "GOCSPX-" + g.url(28),
    )
    v(
        "google access in a trace",
        "> GET /drive/v3/files HTTP/2\n> authorization: Bearer §\n< HTTP/2 401",
        "ya29." + "a0AfB_by" + g.url(120),
    )
    v(
        "google refresh",
        'rclone config: token = {"refresh_token":"§","expiry":"2026-05-01T10:00:00Z"}',
        "1//0" + "9" + g.url(90),
    )
    v(
        "openai project",
        "openai.AuthenticationError: Error code: 401 - Incorrect API key provided: §",
        "sk-proj-" + g.url(74) + "T3Blbk" + "FJ" + g.url(74),
    )
    v(
        "openai older",
        'llm keys set openai --value "§"',
        "sk-" + g.an(20) + "T3Blbk" + "FJ" + g.an(20),
    )
    v(
        "anthropic api",
        "const client = new Anthropic({ apiKey: '§' })",
        "sk-ant-" + "api03-" + g.url(93) + "AA",
    )
    v(
        "anthropic oauth",
        '"claudeAiOauth":{"accessToken":"§","scopes":["user:inference"]}',
        "sk-ant-" + "oat01-" + g.url(93) + "AA",
    )
    v(
        "stripe live",
        "Stripe.api_key = '§' # TODO move to credentials",
        "sk_live_" + "51" + g.an(97),
    )
    v(
        "stripe restricted",
        "stripe listen --api-key § --forward-to localhost:4242",
        "rk_live_" + "51" + g.an(97),
    )
    v(
        "stripe webhook",
        "> Ready! Your webhook signing secret is § (^C to quit)",
        "whsec_" + g.hex(64),
    )
    v(
        "slack bot",
        'slackClient := slack.New("§", slack.OptionDebug(true))',
        "xoxb-" + g.num(12) + "-" + g.num(13) + "-" + g.an(24),
    )
    v(
        "slack app",
        "SOCKET_MODE: connecting with § …",
        "xapp-1-" + "A" + g.up(10) + "-" + g.num(13) + "-" + g.hex(64),
    )
    v(
        "slack webhook",
        'curl -d \'{"text":"deploy done"}\' https://hooks.slack.com/services/§',
        "T" + g.up(10) + "/B" + g.up(10) + "/" + g.an(24),
    )
    v(
        "sendgrid",
        "    api.key=§   # smtp.sendgrid.net",
        "SG." + g.url(22) + "." + g.url(43),
    )
    v(
        "mailchimp",
        'mailchimp.setConfig({ apiKey: "§", server: "us14" });',
        g.hex(32) + "-us14",
    )
    key = "SK" + g.hex(32)
    v(
        "twilio",
        'client = Client("§1", "§2", "AC…")',
        key,
        g.an(32),
        secret=[key],
        debatable=True,
    )
    v(
        "discord bot",
        'bot.run("§")',
        base64.b64encode(g.num(18).encode()).decode()
        + "."
        + g.url(6)
        + "."
        + g.url(38),
    )
    v(
        "telegram bot",
        "requests.get('https://api.telegram.org/bot§/getUpdates?offset=-1')",
        g.num(10) + ":AA" + g.url(33),
    )
    v(
        "hugging face in git",
        "git push https://anvil:§@huggingface.co/anvil/marmot-7b main",
        "hf_" + g.of(B62[10:], 34),
    )
    v("digitalocean", "doctl auth init -t §", "dop_v1_" + g.hex(64))
    v("shopify", "X-Shopify-Access-Token: §", "shpat_" + g.hex(32))
    v(
        "databricks",
        "[DEFAULT]\nhost  = https://adb-84.azuredatabricks.net\ntoken = §",
        "dapi" + g.hex(32) + "-2",
    )
    v(
        "pypi",
        "Enter your API token: §\nUploading marmot-0.3.0.tar.gz",
        "pypi-AgEI" + "cHlwaS5vcmc" + g.url(140),
    )
    v("rubygems", "---\n:rubygems_api_key: §\n", "rubygems_" + g.hex(48))
    v("sentry", "sentry-cli --auth-token § releases new 4.1.0", "sntryu_" + g.hex(64))
    v("linear", "headers: { Authorization: '§' } // linear", "lin_api_" + g.an(40))
    v(
        "notion",
        "const notion = new Client({ auth: '§' })",
        "ntn_" + g.num(11) + g.an(35),
    )
    body = "glsa_" + g.an(32) + "_"
    v("grafana", "GRAFANA=§ make dashboards", body + f"{zlib.crc32(body.encode()):08x}")
    v(
        "vault",
        "Key                  Value\n---                  -----\ntoken                §\ntoken_accessor       -",
        "hvs." + "CAESI" + g.url(90),
    )
    v(
        "postman",
        '{"mcpServers":{"postman":{"headers":{"X-Api-Key":"§"}}}}',
        "PMAK-" + g.hex(24) + "-" + g.hex(34),
    )
    v(
        "new relic",
        "newrelic profile add --profile prod --apiKey § -r EU",
        "NRAK-" + g.up(27),
    )
    v("pulumi", "Logging in with access token §", "pul-" + g.hex(40))
    v(
        "tailscale",
        "tailscale up --authkey=§ --ssh",
        "tskey-auth-" + "k" + g.an(10) + "CNTRL-" + g.an(32),
    )
    v("groq in fish", "set -Ux GROQ §", "gsk_" + g.an(52))
    v(
        "openrouter",
        "aider --model openrouter/auto --api-key openrouter=§",
        "sk-or-v1-" + g.hex(64),
    )
    v(
        "nvidia",
        'Authorization: Bearer §\n{"status":403,"title":"Forbidden"}',
        "nvapi-" + g.url(64),
    )
    v(
        "docker hub",
        "echo § | docker login -u walnutci --password-stdin",
        "dckr_pat_" + g.url(27),
    )
    v(
        "atlassian",
        "jira.basic_auth=('bot', '§')",
        (lambda b: f"{b}={zlib.crc32(b.encode()):08X}")(
            "ATATT3x" + "FfGF0" + g.url(171)
        ),
    )
    v("figma", "figma-export use-config --token '§'", "figd_" + g.url(40))
    v("hubspot", "hs auth: personal § stored", "pat-eu1-" + g.uuid())
    v(
        "airtable",
        'Airtable.configure({ apiKey: "§" });',
        "pat" + g.an(14) + "." + g.hex(64),
    )
    v(
        "azure app",
        "az login --service-principal -u 11f0b3a2 -p § --tenant quarry.example",
        g.an(3) + "8Q~" + g.url(34),
    )
    v(
        "terraform cloud",
        'credentials "app.terraform.io" {\n  token = "§"\n}',
        g.an(14) + ".atlasv1." + g.url(67),
    )
    v("planetscale", "pscale connect --service-token §", "pscale_tkn_" + g.url(43))
    v("supabase", "supabase login --token §", "sbp_" + g.hex(40))
    v("sourcegraph", "SRC: §", "sgp_" + g.hex(16) + "_" + g.hex(40))
    v(
        "replicate in a notebook",
        '"outputs":[{"text":["{\'Authorization\': \'Token §\'}\\n"]}]',
        "r8_" + g.an(37),
    )
    v(
        "1password secret key",
        "Emergency Kit\nSecret Key  §\n",
        "A3-" + "-".join(g.up(n) for n in (6, 6, 5, 5, 5, 5)),
    )


# --- named: private keys ------------------------------------------------------------------


def rsa_lines(g, extra=0):
    raw = bytes.fromhex("308204a40201000282010100") + g.raw(700 + extra)
    s = base64.b64encode(raw[: len(raw) // 48 * 48 + 30]).decode()
    return [s[i : i + 64] for i in range(0, len(s), 64)]


def openssh_lines(g):
    def field(b):
        return struct.pack(">I", len(b)) + b

    pub = g.raw(32)
    public = field(b"ssh-ed25519") + field(pub)
    check = g.raw(4)
    private = check + check + public + field(g.raw(32) + pub) + field(b"build@tulip")
    private += bytes(range(1, (-len(private) % 8) + 1))
    raw = b"openssh-key-v1\0" + field(b"none") * 2 + field(b"") + struct.pack(">I", 1)
    s = base64.b64encode(raw + field(public) + field(private)).decode()
    return [s[i : i + 70] for i in range(0, len(s), 70)]


def ec_lines(g):
    raw = (
        bytes.fromhex("30770201010420")
        + g.raw(32)
        + bytes.fromhex("a00a06082a8648ce3d030107a14403420004")
        + g.raw(64)
    )
    s = base64.b64encode(raw).decode()
    return [s[i : i + 64] for i in range(0, len(s), 64)]


def pkcs8_line(g):
    return base64.b64encode(
        bytes.fromhex("302e020100300506032b657004220420") + g.raw(32)
    ).decode()


def private_keys(g):
    def p(kind, text, lines, **kw):
        g.plant("private key: " + kind, True, "§", text, secret=lines, **kw)

    def block(kind, lines):
        return [f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"]

    rsa, ssh, ec = (
        "RSA PRIVATE " + "KEY",
        "OPENSSH PRIVATE " + "KEY",
        "EC PRIVATE " + "KEY",
    )
    pkcs8, enc, pgp = (
        "PRIVATE " + "KEY",
        "ENCRYPTED PRIVATE " + "KEY",
        "PGP PRIVATE " + "KEY BLOCK",
    )

    b = rsa_lines(g)
    p("plain rsa", "$ cat tls/server.key\n" + "\n".join(block(rsa, b)) + "\n$ ", b)
    b = rsa_lines(g)
    p(
        "read with arrows",
        "\n".join(f"{i:>6}→{x}" for i, x in enumerate(block(rsa, b), 1)),
        b,
    )
    b = rsa_lines(g)
    p(
        "read with tabs",
        "\n".join(f"{i}\t{x}" for i, x in enumerate(block(pkcs8, b), 40)),
        b,
    )
    b = ec_lines(g)
    p(
        "listed as L1:",
        "\n".join(f"L{i}: {x}" for i, x in enumerate(block(ec, b), 1)),
        b,
    )
    b = openssh_lines(g)
    p(
        "grep -rn of a folder",
        "\n".join(
            f"deploy/keys/id_ed25519:{i}:{x}" for i, x in enumerate(block(ssh, b), 1)
        ),
        b[1:],
    )
    b = rsa_lines(g)
    p(
        "ripgrep context",
        "\n".join(
            f"certs/ca.key{':' if i == 1 else '-'}{i}{':' if i == 1 else '-'}{x}"
            for i, x in enumerate(block(rsa, b), 1)
        ),
        b,
    )
    b = rsa_lines(g)
    p(
        "python strings side by side",
        "KEY = (\n" + "\n".join(f'    "{x}\\n"' for x in block(rsa, b)) + "\n)",
        b,
    )
    b = rsa_lines(g)
    p(
        "java concatenation",
        "String pem =\n" + " +\n".join(f'    "{x}\\n"' for x in block(pkcs8, b)) + ";",
        b,
    )
    b = ec_lines(g)
    p(
        "C header of a device",
        "static const char device_key[] =\n"
        + "\n".join(f'"{x}\\r\\n"' for x in block(ec, b))
        + ";",
        b,
    )
    b = rsa_lines(g)
    p(
        "service account JSON",
        '{"type":"service_account","private_key_id":"x","private_key":"'
        + "\\n".join(block(pkcs8, b))
        + '\\n"}',
        b,
    )
    b = rsa_lines(g)
    p(
        "JSON in JSON",
        '{"output":"{\\"tls.key\\":\\"' + "\\\\n".join(block(rsa, b)) + '\\\\n\\"}"}',
        b,
    )
    b = rsa_lines(g)
    p(
        "yaml block",
        "stringData:\n  tls.key: |\n" + "\n".join("    " + x for x in block(rsa, b)),
        b,
    )
    b = openssh_lines(g)
    p(
        "quoted in a mail",
        "On Tuesday somebody wrote:\n" + "\n".join("> > " + x for x in block(ssh, b)),
        b[1:],
    )
    b = rsa_lines(g)
    p(
        "added in a diff",
        "diff --git a/k.pem b/k.pem\n@@ -0,0 +1,17 @@\n"
        + "\n".join("+" + x for x in block(rsa, b)),
        b,
    )
    b = rsa_lines(g, 120)[6:]
    p(
        "tail without a head",
        "$ tail -n 12 server.key\n" + "\n".join(b) + "\n-----END " + rsa + "-----",
        b,
    )
    b = rsa_lines(g)[:7]
    p(
        "head without a tail",
        "$ head -8 server.key\n-----BEGIN " + rsa + "-----\n" + "\n".join(b),
        b,
    )
    b = rsa_lines(g)
    p("on one line", 'PRIVATE_KEY="' + " ".join(block(rsa, b)) + '"', b)
    b = pkcs8_line(g)
    p("ed25519 pkcs8", "\n".join(block(pkcs8, [b])), [b])
    b = rsa_lines(g)
    p(
        "encrypted old style",
        "\n".join(
            [
                "-----BEGIN " + rsa + "-----",
                "Proc-Type: 4,ENCRYPTED",
                "DEK-Info: AES-256-CBC," + g.hex(32).upper(),
                "",
                *b,
                "-----END " + rsa + "-----",
            ]
        ),
        b,
    )
    b = rsa_lines(g)
    p("encrypted pkcs8 in a box", "\n".join(f"│ {x:<66}│" for x in block(enc, b)), b)
    raw = g.b64(330)
    b = [raw[i : i + 64] for i in range(0, len(raw), 64)]
    crc = "=" + g.b64(3)
    p(
        "pgp",
        "\n".join(
            ["-----BEGIN " + pgp + "-----", "", *b, crc, "-----END " + pgp + "-----"]
        ),
        b,
    )
    pub, priv = g.b64(51), g.b64(36)
    p(
        "putty v3",
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: kiosk\nPublic-Lines: 2\n"
        f"{pub[:64]}\n{pub[64:]}\nPrivate-Lines: 1\n{priv}\nPrivate-MAC: {g.hex(64)}",
        [priv],
    )
    key = g.bech32("age-secret-key-", g.raw(32)).upper()
    p(
        "age",
        "# created: 2026-02-01T09:12:00Z\n# public key: age1 (not shown)\n" + key,
        [key],
    )


# --- named: hidden ------------------------------------------------------------------------


def hidden(g):
    def h(kind, form, *values, **kw):
        g.plant("hidden: " + kind, True, form, *values, **kw)

    t = g.crc("ghp_")
    h("colour before it", "\x1b[33mtoken\x1b[0m \x1b[1;32m§\x1b[0m", t)
    t = g.crc("ghp_")
    h("colour within it", f"match: \x1b[31mghp_\x1b[0m{t[4:]}", t, secret=[t[4:]])
    t = "AKIA" + g.of(B32, 16)
    h(
        "colour as escaped JSON",
        '{"stdout":"\\u001b[36mkey\\u001b[39m=\\u001b[32m§\\u001b[39m"}',
        t,
    )
    t = "glpat-" + g.url(20)
    h("percent in a query", "GET /cb?next=%2Fhome&state=tok%3D§%26v%3D2 302", t)
    t = g.wpw().rstrip("!?")
    h(
        "password behind %3D",
        "redirect=https%3A%2F%2Fapi.ferry.example%2Flogin%3Fpassword%3D§%26user%3Dops",
        t,
    )
    t = g.crc("ghp_")
    h("a letter before it", "bad credential line: x§", t)
    t = g.crc("ghs_")
    h("an underscore before it", "cache_key_§.tar.zst", t)
    t = "sk_live_" + g.an(24)
    h(
        "in a file's name",
        "-rw-r--r-- 1 root root 118 Mar  3 10:02 /srv/out/stripe-§.json",
        t,
    )
    t = "xoxb-" + g.num(12) + "-" + g.num(12) + "-" + g.an(24)
    h("in a path of a log", "open /var/tmp/§/state.db: permission denied", t)
    t = base64.b64encode(f"deploy:{g.pw()}".encode()).decode()
    h("basic header", "Authorization: Basic §", t)
    t = base64.b64encode(("export GH_TOKEN=" + g.crc("ghp_") + "\n").encode()).decode()
    h("base64 of a token", "echo § | base64 -d >> ~/.profile", t)
    t = base64.b64encode(
        json.dumps({"user": "svc", "password": g.pw()}).encode()
    ).decode()
    h("base64 of JSON with a password", "Cookie-Data: §", t)
    t = g.crc("npm_")
    h(
        "twice escaped JSON",
        '{"args":"{\\"cmd\\":\\"echo //registry.npmjs.org/:_authToken=§\\"}"}',
        t,
    )
    t = g.wpw()
    h("html entities around", "&lt;password&gt;§&lt;/password&gt;", t)
    t = g.crc("gho_")
    h("wrapped in markdown", "| **token** | `§` |", t)
    t = g.jwt(sub=g.num(6), email="x")
    h("jwt behind a word", "got bearer§ from idp", " " + t, secret=[t])
    t = "AIza" + "Sy" + g.url(33)
    h(
        "in a stack trace's URL",
        "  at fetch (https://fcm.googleapis.com/v1/send?k=§:12:33)",
        t,
    )
    t = g.crc("ghp_")
    h(
        "percent in a remote",
        "remote: https%3A%2F%2Foauth2%3A§%40github.com%2Ftulip%2Fanvil",
        t,
    )


# --- named: assignments -------------------------------------------------------------------


def assignments(g):
    def a(kind, form, *values, **kw):
        g.plant("assignment: " + kind, True, form, *values, **kw)

    a("go short", '\tdbPass := "§"', g.pw())
    a("go const", 'const smtpPasswd = "§" // relay', g.wpw())
    a("ruby rocket", "  :api_secret => '§',", g.hex(40))
    a(
        "ruby hash",
        "ActiveRecord::Base.establish_connection(adapter: 'mysql2', username: 'app', password: '§')",
        g.pw(),
    )
    a("php define", "define( 'DB_PASSWORD', '§' );", g.pw())
    a("php array", "    'mail_smtppassword' => '§',", g.wpw())
    a("kotlin", 'private val apiToken: String = "§"', g.an(32))
    a("swift", 'let authToken = "§"', g.an(36))
    a("c define", '#define WIFI_PSK        "§"', g.wpw())
    a("rust", 'const SIGNING_SECRET: &str = "§";', g.b64(32))
    a("lua", 'local mqtt_pwd = "§"', g.wpw())
    a("elixir", 'config :ferry, Ferry.Repo, username: "ferry", password: "§"', g.pw())
    a("erlang", '{rabbit_pass, <<"§">>}.', g.wpw())
    a("clojure", '{:db {:user "app" :db-password "§"}}', g.pw())
    a("perl", "$conf{ldap_bind_pw} = '§';", g.wpw())
    a("r", 'Sys.setenv(CENSUS_KEY = "§")', g.hex(40))
    a("julia", 'ENV["COPERNICUS_SECRET"] = "§"', g.an(30))
    a("java properties", "spring.datasource.password=§", g.pw())
    a("java setter", 'ds.setPassword("§");', g.wpw())
    a("typescript member", "  private readonly clientSecret: string = '§';", g.an(40))
    a("python annotated", '    token: str = "§"', g.hex(32))
    a(
        "python keyword",
        "conn = pymysql.connect(host='db3', user='etl', passwd='§', db='dwh')",
        g.pw(),
    )
    a(
        "python repr in a trace",
        "TypeError: unexpected {'username': 'etl', 'password': '§', 'retries': 3}",
        g.pw(),
    )
    a("argparse default", 'parser.add_argument("--api-token", default="§")', g.low(40))
    a("setdefault", 'os.environ.setdefault("SECRET_KEY", "§")', g.an(50))
    a("C# attribute", '<add key="SmtpPassword" value="§" />', g.pw())
    a(
        "connection string",
        "Server=tcp:sql4,1433;Initial Catalog=erp;User ID=erp;Password=§;Encrypt=True;",
        g.pw(),
    )
    a(
        "maven settings",
        "<server><id>nexus</id><username>ci</username><password>§</password></server>",
        g.wpw(),
    )
    a("android preferences", '    <string name="auth_token">§</string>', g.url(40))
    a("plist", "<key>password</key>\n\t<string>§</string>", g.wpw())
    a(
        "terraform default",
        'variable "db_password" {\n  type    = string\n  default = "§"\n}',
        g.pw(),
    )
    a(
        "ansible host",
        "sw-core-1 ansible_host=10.4.0.2 ansible_user=net ansible_ssh_pass=§",
        g.wpw(),
    )
    a("compose list", "    environment:\n      - MARIADB_ROOT_PASSWORD=§", g.pw())
    a("dockerfile", "ENV SONAR_AUTH §", g.hex(40))
    a(
        "name and value over lines",
        '{\n  "name": "REDIS_PASSWORD",\n  "value": "§"\n},',
        g.pw(),
    )
    a(
        "value before its name",
        '{"value": "§", "name": "JWT_SECRET", "type": "secure"}',
        g.hex(64),
    )
    a(
        "ecs task",
        '"environment":[{"name":"PORT","value":"8080"},{"name":"API_KEY","value":"§"}]',
        g.an(32),
    )
    a(
        "helm set",
        "helm upgrade --install pg bitnami/postgresql --set auth.postgresPassword=§",
        g.an(16),
    )
    a("ci masked badly", "##[debug]DEPLOY_CREDENTIAL: §", g.an(28))
    a("powershell", "$env:VSO_TOKEN = '§'", g.low(52))
    a("cmd setx", 'setx BACKUP_PASSWORD "§" /M', g.pw())
    a("tcsh", "setenv PGPASSWORD §", g.wpw())
    a("make", "REGISTRY_TOKEN ?= §", g.an(40))
    a("toml", '[[remote]]\nurl = "https://pkg.quarry.example"\ntoken = "§"', g.an(44))
    a("ini with spaces", "[mail]\n      password   =   §\n", g.wpw())
    a(
        "npmrc",
        "//npm.quarry.example/:_password=§",
        base64.b64encode(g.pw().encode()).decode(),
    )
    a("pgpass", "db-7.quarry.example:5432:ledger:ledger_rw:§", g.an(18), labelled=False)
    a("netrc", "machine ftp.ferry.example\n  login upload\n  password §", g.wpw())
    a(
        "docker config",
        '{"auths":{"ghcr.io":{"auth":"§"}}}',
        base64.b64encode(("anvilbot:" + g.crc("ghp_")).encode()).decode(),
    )
    a(
        "cookie",
        "curl 'https://wiki.ferry.example/' -H 'Cookie: theme=dark; PHPSESSID=§; lang=en'",
        g.low(26),
    )
    a(
        "set-cookie",
        "< set-cookie: connect.sid=s%3A§; Path=/; HttpOnly; SameSite=Lax",
        g.url(32) + "." + g.an(43),
    )
    a(
        "azure storage",
        "DefaultEndpointsProtocol=https;AccountName=quarrylogs;AccountKey=§;EndpointSuffix=core.windows.net",
        g.b64(64),
    )
    a(
        "azure sas",
        "azcopy copy ./out 'https://quarrylogs.blob.core.windows.net/b?sv=2024-11-04&se=2026-12-01&sp=rw&sig=§'",
        g.an(40) + "%2B" + g.an(2) + "%3D",
    )
    a("sql mysql", "CREATE USER 'reports'@'%' IDENTIFIED BY '§';", g.pw())
    a(
        "sql mysql plugin",
        "ALTER USER 'root'@'localhost' IDENTIFIED WITH caching_sha2_password BY '§';",
        g.wpw(),
    )
    a("sql postgres", "ALTER ROLE grafana WITH LOGIN ENCRYPTED PASSWORD '§';", g.pw())
    a(
        "sql server",
        "CREATE LOGIN [etl] WITH PASSWORD = N'§', CHECK_POLICY = OFF;",
        g.pw(),
    )
    a("oracle", 'SQL> alter user hr identified by "§" account unlock;', g.wpw())
    a("mysql option", "mysql -h db2 -u root -p§ -e 'show processlist'", g.an(14))
    a("sshpass", "sshpass -p '§' rsync -a ./dist/ kiosk@10.9.1.17:/opt/kiosk/", g.wpw())
    a(
        "wget option",
        "wget --user=mirror --password=§ https://dl.quarry.example/iso/",
        g.an(15),
    )
    a(
        "header",
        "curl -sS -H 'X-Auth-Token: §' https://api.ferry.example/v2/boats",
        g.hex(32),
    )
    a("diff", "-  password: §1\n+  password: §2\n", g.wpw(), g.wpw() + "x")
    a(
        "log field",
        'level=debug ts=2026-01-09T07:00:01Z msg="bind" dn="cn=svc" password=§ took=3ms',
        g.an(17),
    )
    a(
        "toString",
        "MailConfig(host=smtp.ferry.example, user=noreply, password=§, port=587)",
        g.wpw(),
    )
    a("query", "GET /v1/forecast?lat=1&lon=2&api_key=§ HTTP/1.1", g.hex(32))
    a("escaped JSON", '"body":"{\\"user\\":\\"svc\\",\\"password\\":\\"§\\"}"', g.wpw())
    a("wpa_supplicant", 'network={\n\tssid="Ferry"\n\tpsk="§"\n}', g.wpw())
    a("vbscript", 'strPwd = "§"', g.wpw())
    a("assembler", 'admin_pass  db "§", 0', g.wpw())
    a(
        "dsn",
        "psycopg.connect('host=db2 dbname=ledger user=ledger password=§ sslmode=require')",
        g.an(19),
    )
    a("registry", '"DefaultPassword"="§"', g.wpw())
    a(
        "kubectl literal",
        "kubectl -n prod create secret generic smtp --from-literal=password='§'",
        g.pw(),
    )
    a(
        "claude read",
        "     3→[database]\n     4→host = db1\n     5→password = §\n     6→",
        g.pw(),
    )
    a(
        "gemini read",
        '{"functionResponse":{"name":"read_file","response":{"output":"PORT=80\\nADMIN_PASSWORD=§\\nTZ=UTC"}}}',
        g.an(20),
    )
    a(
        "codex output",
        '{"output":"{\\n  \\"jwtSecret\\": \\"§\\"\\n}\\n","metadata":{"exit_code":0}}',
        g.an(48),
    )
    a(
        "wireguard",
        "[Interface]\nAddress = 10.8.0.3/32\nPrivateKey = §\n[Peer]\nAllowedIPs = 0.0.0.0/0",
        g.b64(32),
    )
    a("tuple", '("session_secret", "§"),', g.hex(48))
    a(
        "scala",
        'implicit val credentials = Credentials("Nexus", "nexus.ferry.example", "ci", "§")',
        g.wpw(),
        debatable=True,
    )


# --- named: personal data -----------------------------------------------------------------


def people(g):
    def p(kind, form, *values, **kw):
        g.plant("person: " + kind, True, form, *values, **kw)

    def low(pair):
        return f"{pair[0].lower()}.{pair[1].lower()}"

    p(
        "mail in prose",
        "Please ask § about the retention rule.",
        g.mail(),
        labelled=False,
    )
    p("mail with %40", "GET /api/users?mail=§&page=1 200 12ms", g.mail("%40"))
    p("mail in JSON", '{"id": 41, "assignee": {"mail": "§"}}', g.mail())
    p("mail with a plus", "RCPT TO:<§>", low(g.name()) + "+ferry@posteo.net")
    p("signed off", "Signed-off-by: Crew Member <§>", g.mail())
    p("package.json", '  "author": "crew <§> (https://ferry.example)",', g.mail())
    p("codeowners", "/billing/   §", g.mail(), labelled=False)
    n = g.name()
    p(
        "git author",
        "commit "
        + g.hex(40)
        + "\nAuthor: §1 <§2>\nDate:   Mon Feb 2 10:11:12 2026 +0100\n\n    fix rounding",
        " ".join(n),
        low(n) + "@gmx.ch",
    )
    n = g.name()
    p(
        "git commit, fuller",
        "Author:     §1 <§2>\nAuthorDate: Fri Jan 9 18:00:00 2026 +0100",
        " ".join(n),
        low(n) + "@web.de",
    )
    p("shortlog", "   118\tcrew <§>\n     3\tdependabot[bot]", g.mail(), labelled=False)
    p(
        "home linux",
        "FileNotFoundError: [Errno 2] No such file or directory: '/home/§/src/ferry/data.csv'",
        g.login(),
    )
    p(
        "home mac",
        "dyld: Library not loaded: /Users/§/Library/Caches/x.dylib",
        g.login(),
    )
    p("home windows", "C:\\Users\\§\\AppData\\Local\\Temp\\pip-req", g.login())
    p(
        "home windows, two words",
        'cd "C:\\Users\\§\\source\\repos\\Ferry"',
        " ".join(g.name()),
    )
    p("home git bash", "/c/Users/§/AppData/Roaming/npm/node_modules", g.login())
    p("home wsl", "/mnt/c/Users/§/Downloads/report.xlsx", g.login())
    p("home var", "/var/home/§/.local/share/containers", g.login())
    p("home percent", "vscode://file/%2Fhome%2F§%2Fferry%2Fmain.py:3", g.login())
    p("home escaped", '{"cwd":"C:\\\\Users\\\\§\\\\ferry"}', g.login())
    p(
        "home folder name of a tool",
        "~/.claude/projects/-home-§-ferry/",
        g.login(),
        debatable=True,
    )
    u = g.login()
    p(
        "ls -l",
        "total 12\n-rw-r--r-- 1 § § 4096 Jan  9 10:00 notes.md\ndrwxr-xr-x 2 § § 4096 Jan  9 10:00 out",
        u,
    )
    u = g.login()
    p("prompt bash", "§@bastion-2:~/ferry$ make test", u)
    p("prompt zsh", "§@MacBook-Pro ferry % brew install jq", g.login())
    p("prompt powershell", "PS C:\\Users\\§> Get-ChildItem", g.login())
    p("card", "card: §", g.luhn("4539", 16))
    p(
        "card in groups",
        "paid with § on 2 March",
        groups(g.luhn("5412", 16)),
        labelled=False,
    )
    p("card amex", '{"pan":"§","exp":"09/28"}', g.luhn("3714", 15))
    p(
        "card with dashes",
        "INSERT INTO cards VALUES (7,'§','VISA');",
        groups(g.luhn("4716", 16), 4, "-"),
    )
    p("iban", "IBAN: §", g.iban("DE", g.num(18)))
    p(
        "iban in groups",
        "Überweisung an § bis Freitag",
        groups(g.iban("AT", g.num(16))),
        labelled=False,
    )
    p(
        "iban in XML",
        "<CdtrAcct><Id><IBAN>§</IBAN></Id></CdtrAcct>",
        g.iban("CH", g.num(17)),
    )
    p("iban in MT940", ":25:§\n:28C:00012/001", g.iban("LU", g.num(16)))


# --- not named: devices and networks ------------------------------------------------------


def devices(g):
    def d(kind, form, *values, named=False, **kw):
        g.plant("device: " + kind, named, form, *values, **kw)

    d("cisco type 7", "username noc privilege 15 password 7 §", g.hex(22).upper())
    d("cisco type 9", "enable secret 9 §", "$9$" + g.an(14) + "$" + g.an(43))
    d("snmp community", "snmp-server community § RO 10", g.wpw().rstrip("!?"))
    d("snmp walk", "snmpwalk -v2c -c § 10.4.0.2 sysDescr", g.low(12))
    d(
        "tacacs",
        "tacacs-server host 10.4.0.9\n tacacs-server key 7 §",
        g.hex(26).upper(),
    )
    d("bgp neighbour", "neighbor 192.0.2.1 password §", g.an(16))
    d("juniper", 'pre-shared-key ascii-text "§"; ## SECRET-DATA', "$9$" + g.an(44))
    d("fortigate", "set psksecret ENC §", g.b64(44))
    d(
        "wifi QR payload",
        "qrencode -o wifi.png 'WIFI:T:WPA;S:FerryGuest;P:§;;'",
        g.wpw(),
    )
    d("netsh profile", "    Key Content            : §", g.wpw())
    d(
        "bmc option",
        "ipmitool -I lanplus -H 10.4.1.12 -U ADMIN -P § chassis status",
        g.wpw(),
    )
    d("bmc sticker", "iDRAC label, rack 4 U12, default root / §", g.up(12))
    d("printer", "Kyocera panel, Admin-Code: §", g.num(6))
    d("router sticker", "FRITZ!Box WLAN-Netzwerkschlüssel: §", groups(g.num(20)))
    d(
        "tsig of dig",
        "dig @ns1.quarry.example -y hmac-sha256:xfer.:§ quarry.example AXFR",
        g.b64(32),
    )
    d("ntp keys", "# ntp.keys: number, type, value\n  7 SHA1 §", g.hex(40))
    d("ppp", "# client  server  secret  addresses\nkiosk7   *   §   10.9.0.7", g.an(14))
    k = [g.hex(32) for _ in range(6)]
    d(
        "openvpn static",
        "-----BEGIN OpenVPN Static key V1-----\n§\n-----END OpenVPN Static key V1-----",
        "\n".join(k),
        secret=k,
    )
    d(
        "home assistant pairing",
        "HomeKit setup code: §",
        f"{g.num(3)}-{g.num(2)}-{g.num(3)}",
    )
    d("zigbee", "zigbee install code § for plug 0x00158d", groups(g.hex(36).upper()))
    d("lorawan", "OTAA: DevEUI 70B3D57ED005  AppKey §", g.hex(32).upper())
    d("car radio", "Opel radio unlock code: §", g.num(4))
    d("alarm", "Alarmanlage Büro, Scharfschaltcode §, Haltezeit 20 s", g.num(6))
    d("camera in a URL", "ffplay 'rtsp://admin:§@10.4.3.21:554/h264'", g.an(10))
    d(
        "bluetooth link",
        "[LinkKey]\nKey=§\nType=4\nPINLength=0",
        g.hex(32).upper(),
        named=True,
    )


# --- not named: logins of programs --------------------------------------------------------


def logins(g):
    def d(kind, form, *values, named=False, **kw):
        g.plant("login: " + kind, named, form, *values, **kw)

    d("redis-cli", "redis-cli -h cache1 -a § info", g.an(24))
    d(
        "redis monitor",
        '1767949200.118 [0 10.0.0.4:51120] "AUTH" "worker" "§"',
        g.an(20),
    )
    d("mosquitto", "mosquitto_sub -h broker -u sensor -P § -t '#'", g.wpw())
    d("ldapsearch", "ldapsearch -x -D cn=admin,dc=ferry -w § -b dc=ferry", g.an(12))
    d("smbclient", "smbclient //nas/backup -U 'ops%§'", g.wpw())
    d("net use", "net use Z: \\\\nas\\backup § /user:FERRY\\ops", g.an(13))
    d("xfreerdp", "xfreerdp /v:ts1 /u:ops /p:§ /cert:ignore", g.an(13))
    d("sqlplus", "sqlplus hr/§@//ora2:1521/XEPDB1", g.an(11))
    d("amqp URL", "celery -A ferry worker -b amqp://worker:§@mq1:5672/ferry", g.an(18))
    d(
        "mongo URL",
        "mongodump --uri='mongodb+srv://etl:§@cl0.quarry.example/ledger'",
        g.an(16),
    )
    d(
        "curl user",
        "curl -u 'ci:§' https://nexus.ferry.example/service/rest/v1/status",
        g.pw(),
    )
    d("lftp", "lftp -u upload,§ sftp://files.ferry.example", g.an(14))
    d("ftp session", "331 User upload OK. Need a login.\nftp> PASS §\n230 OK", g.wpw())
    d(
        "imap trace",
        "a1 LOGIN crew@ §\na1 OK logged in".replace("crew@ ", '"crew" '),
        g.wpw(),
    )
    d(
        "smtp auth login",
        "334 UGFzc3dvcmQ6\n§\n235 2.7.0 Authentication successful",
        base64.b64encode(g.pw(14).encode()).decode(),
    )
    d("keytool", "keytool -list -keystore app.jks -storepass §", g.an(12))
    d("openssl passin", "openssl pkcs12 -in vpn.p12 -passin pass:§ -nokeys", g.wpw())
    d("7z", "7z x dump.7z -p§ -o/tmp/d", g.an(16))
    d(
        "security keychain",
        "security add-generic-password -s ferry -a ci -w '§'",
        g.pw(),
    )
    d("gh secret body", "gh secret set RELEASE_SIGNER --body '§'", g.hex(40))
    d("expect script", 'expect "assword:"\nsend "§\\r"', g.wpw())
    d("typed at a prompt", "[sudo] password for ops: §\nSorry, try again.", g.wpw())
    d("echo into chpasswd", "echo 'kiosk:§' | chpasswd", g.an(12))
    d("net.credential", 'new NetworkCredential("svc_erp", "§", "FERRY")', g.pw())
    d(
        "gmail app code",
        "Gmail App-Passwort für den Drucker: §",
        groups(g.of(LOWER, 16)),
    )
    d("jupyter URL", "http://127.0.0.1:8888/lab?token=§", g.hex(48), named=True)
    d(
        "basic auth nginx",
        "# /etc/nginx/htpasswd\nops:§",
        "$apr1$" + g.an(8) + "$" + g.an(22),
    )


# --- not named: dumps ---------------------------------------------------------------------


def dumps(g):
    def d(kind, form, *values, **kw):
        g.plant("dump: " + kind, False, form, *values, **kw)

    d(
        "insert with columns",
        "INSERT INTO `accounts` (`id`,`login`,`password`,`active`) VALUES (7,'ops','§',1);",
        g.wpw(),
    )
    d(
        "csv with header",
        "host,user,password,note\nsw1,noc,§1,core\nsw2,noc,§2,edge\n",
        g.wpw(),
        g.an(12),
    )
    d(
        "markdown table",
        "| system | user | password |\n|---|---|---|\n| wiki | ops | § |\n",
        g.wpw(),
    )
    d(
        "psql table",
        " id | login | api_token\n----+-------+-----------\n  3 | ferry | §\n(1 row)",
        g.an(32),
    )
    d(
        "shadow",
        "ops:§:20101:0:99999:7:::",
        "$6$" + g.an(12) + "$" + g.an(86),
        labelled=False,
    )
    d(
        "yescrypt",
        "/etc/shadow: kiosk:§:20300:0:99999:7:::",
        "$y$j9T$" + g.an(22) + "$" + g.an(43),
    )
    d(
        "ntlm",
        "Administrator:500:aad3b435b51404eeaad3b435b51404ee:§:::",
        g.hex(32),
        labelled=False,
    )
    d(
        "scram",
        "rolpassword | SCRAM-SHA-256$4096:§",
        g.b64(16) + "$" + g.b64(32) + ":" + g.b64(32),
    )
    d("bcrypt JSON", '{"login":"ops","hash":"§"}', "$2b$12$" + g.an(53))
    d(
        "django hash",
        "auth_user.password: §",
        "pbkdf2_sha256$870000$" + g.an(22) + "$" + g.b64(32),
    )
    d(
        "mysql hash",
        "GRANT USAGE ON *.* TO 'etl'@'%' IDENTIFIED BY PASSWORD '§'",
        "*" + g.hex(40).upper(),
    )
    d("keytab", "klist -Kek\n   3 HTTP/wiki@FERRY (aes256-cts)  (0x§)", g.hex(64))
    d(
        "jwk private",
        '{"kty":"EC","crv":"P-256","x":"…","d":"§"}',
        base64.urlsafe_b64encode(g.raw(32)).decode().rstrip("="),
    )
    d(
        "keepass export",
        '<Key>UserName</Key><Value>ops</Value></String><String><Key>Password</Key><Value ProtectInMemory="True">§</Value>',
        g.pw(),
    )
    k = [groups(g.hex(32), 2) for _ in range(2)]
    d("luks", "MK dump:\t§", "\n\t\t".join(k), secret=k)


# --- not named: what is written in chats and tickets ----------------------------------------


def words(g):
    def d(kind, form, *values, **kw):
        g.plant("words: " + kind, False, form, *values, **kw)

    d("german", "Zugang zum NAS: Benutzer ops, Kennwort: §", g.wpw())
    d("german short", "PW lautet § , bitte nach dem ersten Login ändern", g.wpw())
    d("french", "Voici l'accès : identifiant ops, mot de passe : §", g.wpw())
    d("spanish", "usuario: ops / contraseña: §", g.wpw())
    d("portuguese", "A senha do painel é §", g.wpw())
    d("italian", "parola d'ordine del router: §", g.wpw())
    d("polish", "login ops, hasło: §", g.wpw())
    d("czech", "heslo k wifi je §", g.wpw())
    d("dutch", "wachtwoord = §", g.wpw())
    d("swedish", "Lösenordet till servern är §", g.wpw())
    d("finnish", "salasana: §", g.wpw())
    d("turkish", "şifre: §", g.wpw())
    d("russian", "логин ops, пароль §", g.wpw())
    d("greek", "κωδικός πρόσβασης: §", g.wpw())
    d("japanese", "パスワードは§です", g.an(12))
    d("chinese", "密码：§，别外传", g.an(12))
    d("korean", "비밀번호: §", g.wpw())
    d("arabic", "كلمة المرور: §", g.an(12))
    d("english prose", "btw the staging root password is still § — rotate it", g.wpw())
    d("chat pass", "[10:12] tulip: wifi is FerryCrew, pass is §", g.wpw())
    d(
        "passphrase in prose",
        'the p12 was exported with the pass phrase "§"',
        " ".join(w.lower() for w in g.r.sample(WORDS, 4)),
    )
    d("zoom", "Meeting ID: 841 2207 1193\nPasscode: §", g.num(6))
    d("user slash", "Jenkins test creds: admin / §", g.wpw())
    d(
        "one-time code",
        "Your verification code is §. It expires in 10 minutes.",
        g.num(6),
        debatable=True,
    )


# --- not named: papers, people, health, money -----------------------------------------------


def papers(g):
    def d(kind, form, *values, **kw):
        g.plant("paper: " + kind, False, form, *values, **kw)

    r = g.r
    d(
        "US SSN",
        "SSN: §",
        f"{r.randrange(100, 650)}-{r.randrange(10, 99)}-{r.randrange(1000, 9999)}",
    )
    d("US EIN", '{"ein": "§"}', f"20-{g.num(7)}", debatable=True)
    d("UK NINO", "National Insurance number: §", "JG " + groups(g.num(6), 2) + " C")
    while True:
        s = g.num(9)
        c = 11 - sum(int(x) * (10 - i) for i, x in enumerate(s)) % 11
        if c < 10 or c == 11:
            break
    s += str(c % 11)
    d("UK NHS", "NHS No. §", f"{s[:3]} {s[3:6]} {s[6:]}")
    # Ten digits of which exactly one stands twice, then ISO 7064 mod 11, 10.
    ten = r.sample(DIGITS[1:], 9)
    ten.insert(9, ten[3])
    p = 10
    for x in ten:
        p = (int(x) + p) % 10 or 10
        p = p * 2 % 11
    d("German tax id", "Steuer-ID: §", "".join(ten) + str((11 - p) % 10))
    n = (
        "1"
        + f"{r.randrange(50, 99)}{r.randrange(1, 13):02d}"
        + "75"
        + g.num(3)
        + f"{r.randrange(100, 999)}"
    )
    d(
        "French NIR",
        "N° de sécurité sociale : §",
        f"{n[0]} {n[1:3]} {n[3:5]} {n[5:7]} {n[7:10]} {n[10:]} {97 - int(n) % 97:02d}",
    )
    n = g.num(8)
    d("Spanish DNI", "DNI del titular: §", n + "TRWAGMYFPDXBNJZSQVHLCKE"[int(n) % 23])
    n = f"{r.randrange(60, 99)}{r.randrange(1, 13):02d}{r.randrange(1, 28):02d}{g.num(4)}"
    d(
        "Polish PESEL",
        "PESEL: §",
        n + str(-sum(int(x) * w for x, w in zip(n, (1, 3, 7, 9) * 3)) % 10),
    )
    n = g.num(9)
    c1 = sum(int(x) * (10 - i) for i, x in enumerate(n)) * 10 % 11 % 10
    n += str(c1)
    c2 = sum(int(x) * (11 - i) for i, x in enumerate(n)) * 10 % 11 % 10
    n += str(c2)
    d("Brazilian CPF", '"cpf": "§"', f"{n[:3]}.{n[3:6]}.{n[6:9]}-{n[9:]}")
    n = f"{r.randrange(60, 99)}{r.randrange(1, 13):02d}{r.randrange(1, 28):02d}{g.num(3)}"
    d("Swedish personnummer", "personnummer: §", f"{n[:6]}-{n[6:]}{luhn_digit(n)}")
    n = f"{r.randrange(1, 28):02d}{r.randrange(1, 13):02d}{r.randrange(60, 99)}"
    s = g.num(3)
    d(
        "Finnish HETU",
        "henkilötunnus §",
        f"{n}-{s}" + "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(n + s) % 31],
    )
    while True:
        n = g.num(8)
        c = sum(int(x) * (9 - i) for i, x in enumerate(n)) % 11
        if c < 10:
            break
    d("Dutch BSN", "BSN §", n + str(c))
    n = "756" + g.num(9)
    d(
        "Swiss AHV",
        "AHV-Nr. §",
        (lambda m: f"{m[:3]}.{m[3:7]}.{m[7:11]}.{m[11:]}")(
            n + str(-sum(int(x) * (3 if i % 2 else 1) for i, x in enumerate(n)) % 10)
        ),
    )
    d("Canadian SIN", "SIN: §", (lambda m: groups(m + luhn_digit(m), 3))(g.num(8)))
    n = g.num(9)
    odd = sum(map(int, n[::2]))
    even = sum(map(int, n[1::2]))
    t = n + str((odd * 7 - even) % 10)
    d("Turkish id", "T.C. Kimlik No: §", t + str(sum(map(int, t)) % 10))
    n = (
        "110105"
        + f"19{r.randrange(60, 99)}{r.randrange(1, 13):02d}{r.randrange(1, 28):02d}"
        + g.num(3)
    )
    d(
        "Chinese id",
        "身份证号：§",
        n
        + "10X98765432"[sum(int(x) * pow(2, 17 - i, 11) for i, x in enumerate(n)) % 11],
    )
    d(
        "Indian PAN",
        "PAN No: §",
        g.of(UPPER, 3) + "P" + g.of(UPPER, 1) + g.num(4) + g.of(UPPER, 1),
    )
    d("passport", "Reisepass-Nr.: §", "C0" + g.up(7))
    d("driving licence", "Führerschein-Nr. §", "B" + g.up(10))
    d(
        "birth date",
        "patient: M. T., date of birth: §",
        f"19{r.randrange(50, 99)}-{r.randrange(1, 13):02d}-{r.randrange(1, 28):02d}",
    )
    d("patient number", "MRN §, ward 4B", g.num(8))
    n = g.of(UPPER, 1) + g.num(8)
    d("German health insurance", "Krankenversichertennummer: §", n + luhn_kvnr(n))
    d("phone mobile", "Mobil: §", "+49 171 " + g.num(7))
    d(
        "phone of a customer",
        '{"customer":{"phone":"§"}}',
        "+33 6 " + groups(g.num(8), 2),
    )
    d("street", "Lieferadresse: §", f"{g.r.choice(LAST)}gasse {g.num(2)}, 1070 Wien")
    d(
        "salary",
        "| employee | gross salary |\n|---|---|\n| E-{} | § |".format(g.num(4)),
        f"{g.num(2)}.{g.num(3)},50 EUR",
        debatable=True,
    )
    n = "0210" + g.num(4)
    n += str(-sum(int(x) * w for x, w in zip(n, (3, 7, 1) * 3)) % 10)
    d("US bank account", f"Routing {n}, account number §", g.num(10))
    d("UK bank account", "Sort code 20-45-77, Account No §", g.num(8))
    d("card check number", "CVC: §", g.num(3))
    d("bank PIN", "Online-Banking PIN § (nicht weitergeben)", g.num(5))
    d("SIM", "SIM PUK: §", g.num(8))
    d(
        "VIN",
        "Fahrgestellnummer § eingetragen",
        "WVWZZZ" + "1KZ" + g.of("ABCDEFGHJKLMNPRSTUVWXYZ", 2) + g.num(6),
        debatable=True,
    )


def luhn_kvnr(s):
    """The check digit of a German health insurance number."""
    digits = f"{ord(s[0]) - 64:02d}" + s[1:]
    total = 0
    for i, c in enumerate(digits):
        d = int(c) * (2 if i % 2 else 1)
        total += d // 10 + d % 10
    return str(total % 10)


# --- not named: recovery, licences, wallets, links ------------------------------------------


def recovery(g):
    def d(kind, form, *values, named=False, **kw):
        g.plant("recovery: " + kind, named, form, *values, **kw)

    codes = [f"{g.low(5)}-{g.low(5)}" for _ in range(4)]
    d("backup codes", "GitHub recovery codes:\n§1\n§2\n§3\n§4\n", *codes)
    codes = [g.num(4) + " " + g.num(4) for _ in range(3)]
    d("backup codes numbered", "Backup-Codes (Google):\n 1. §1\n 2. §2\n 3. §3", *codes)
    d("seed words", "seed phrase: §", " ".join(g.mnemonic()))
    d(
        "seed words 24 in a ticket",
        "He pasted his wallet backup: §",
        " ".join(g.mnemonic(24)),
    )
    w = g.mnemonic()
    w = [f"{i:>2}. {x}" for i, x in enumerate(w, 1)]
    d("seed words numbered", "Recovery phrase\n§", "\n".join(w), secret=w)
    d(
        "wif",
        "bitcoin-cli importprivkey §",
        g.base58check(b"\x80" + g.raw(32) + b"\x01"),
    )
    d(
        "xprv",
        "master: §",
        g.base58check(
            bytes.fromhex("0488ade4") + b"\0" * 9 + g.raw(32) + b"\0" + g.raw(32)
        ),
    )
    d("ethereum", "Private wallet hex (account 0): 0x§", g.hex(64))
    d("nostr", "nak event --sec §", g.bech32("nsec", g.raw(32)))
    d("totp URI", "otpauth://totp/Ferry:ops?secret=§&issuer=Ferry", g.of(B32, 32))
    d("totp words", "Can't scan? Enter this code by hand: §", groups(g.of(B32, 32)))
    d(
        "bitlocker",
        "BitLocker recovery\nNumerical value:\n      §",
        "-".join(
            f"{11 * r:06d}" for r in (g.r.randrange(9100, 65535) for _ in range(8))
        ),
    )
    d(
        "filevault",
        "FileVault recovery for loaner 12: §",
        "-".join(g.up(4) for _ in range(6)),
    )
    d(
        "windows licence",
        "slmgr /ipk §",
        "-".join(g.of("BCDFGHJKMPQRTVWXY2346789", 5) for _ in range(5)),
    )
    d(
        "licence serial",
        "Lizenznummer (Einzelplatz): §",
        "-".join(g.up(5) for _ in range(4)),
    )
    d("game account", "Steam activation code: §", "-".join(g.up(5) for _ in range(3)))
    d("gift card", "Gutscheincode: §", g.up(4) + "-" + g.up(6) + "-" + g.up(4))
    d(
        "security answer",
        "Security question: first pet? Answer: §",
        g.r.choice(WORDS) + "ina",
    )
    d("datadog", "Datadog agent, api: §", g.hex(32))
    d(
        "mistral",
        "curl https://api.mistral.ai/v1/models -H 'Authorization: Bearer §'",
        g.an(32),
        named=True,
    )
    d("algolia admin", "algoliasearch('T9F0KX2M1Q', '§') // admin", g.hex(32))
    d("cloudflare global", "X-Auth-Email: ops\nX-Auth-Key: §", g.hex(37), named=True)
    d(
        "matrix",
        'matrix-commander: "access_token": "§"',
        "syt_" + g.an(12) + "_" + g.an(20) + "_" + g.an(6),
        named=True,
    )


def links(g):
    def d(kind, form, *values, **kw):
        g.plant("link: " + kind, False, form, *values, **kw)

    d(
        "reset",
        "To reset your password open https://ferry.example/password/reset/§",
        g.an(43),
    )
    d("magic", "Sign in with one click: https://app.ferry.example/magic?t=§", g.url(40))
    d(
        "s3 signed",
        "https://quarry-out.s3.amazonaws.com/d.csv?X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=§",
        g.hex(64),
    )
    d(
        "gcs signed",
        "https://storage.googleapis.com/quarry/d.csv?X-Goog-Expires=900&X-Goog-Signature=§",
        g.hex(256),
    )
    d(
        "cloudfront",
        "https://d1.cloudfront.net/a.mp4?Expires=1790000000&Signature=§",
        g.url(80) + "__",
    )
    d(
        "oss",
        "https://quarry.oss-cn-hangzhou.aliyuncs.com/a?Expires=1790000000&OSSAccessKeyId=x&Signature=§",
        g.an(26) + "%3D",
    )
    d("dropbox", "https://www.dropbox.com/scl/fi/x/report.pdf?rlkey=§&dl=0", g.low(25))
    d(
        "onedrive",
        "https://onedrive.live.com/view.aspx?resid=A1&authkey=§",
        "!" + g.url(15),
    )
    d(
        "calendar",
        "https://calendar.google.com/calendar/ical/crew/private-§/basic.ics",
        g.hex(32),
    )
    d(
        "invitation",
        "You were invited: https://git.quarry.example/-/invites/§",
        g.url(20),
    )
    d(
        "unsubscribe",
        "List-Unsubscribe: <https://ferry.example/u?h=§>",
        g.hex(40),
        debatable=True,
    )
    d(
        "zapier",
        "POST https://hooks.zapier.com/hooks/catch/1184220/§/",
        g.low(7),
        debatable=True,
    )


# --- not named: bare ------------------------------------------------------------------------


def bare(g):
    def d(kind, form, *values, **kw):
        g.plant("bare: " + kind, False, form, *values, labelled=False, **kw)

    d("hex alone", "$ pbpaste\n§\n", g.hex(64), debatable=True)
    d("password alone", "try this one\n§\n", g.pw(16))
    d("history", "  412  ls\n  413  §\n  414  sudo -i\n", g.wpw())
    d("positional", "./provision.sh kiosk-7 ops § eu-north", g.pw())
    d(
        "keys by place",
        "mc alias set out https://s3.quarry.example §1 §2",
        g.up(20),
        g.an(40),
    )
    d("words alone", "§", " ".join(g.mnemonic()))
    d("argument of a call", 'Connect("10.4.0.7", 5432, "ledger", "§");', g.pw())
    d("url path", "GET /feeds/§/all.atom 200", g.hex(32), debatable=True)


MAKERS = (
    vendors,
    private_keys,
    hidden,
    assignments,
    people,
    devices,
    logins,
    dumps,
    words,
    papers,
    recovery,
    links,
    bare,
)


def secrets(seed):
    """The planted secrets, mixed."""
    g = G(seed)
    for make in MAKERS:
        make(g)
    # Mixed, so that every kind has its share held out, whatever its place above.
    g.r.shuffle(g.all)
    for i, entry in enumerate(g.all):
        entry["index"], entry["held_out"] = i, i % 3 == 0
    return g.all


# --- harmless -------------------------------------------------------------------------------


def harmless(seed):
    """Strings that must come through byte for byte."""
    g = G(seed + 1000)
    h, u = g.hex, g.uuid
    sri = "sha512-" + g.b64(64)
    drawn = [
        f"commit {h(40)} (HEAD -> main, origin/main, tag: v4.2.0)",
        f"index {h(7)}..{h(7)} 100644\n--- a/src/auth.rs\n+++ b/src/auth.rs",
        f'    "node_modules/esbuild": {{\n      "version": "0.21.5",\n      "integrity": "{sri}",\n      "dev": true',
        f'[[package]]\nname = "tokenizers"\nversion = "0.19.1"\nchecksum = "{h(64)}"',
        f"golang.org/x/crypto v0.24.0 h1:{g.b64(32)}\ngolang.org/x/crypto v0.24.0/go.mod h1:{g.b64(32)}",
        f"    requests==2.32.3 \\\n        --hash=sha256:{h(64)}",
        f"sha256:{h(64)}: Pull complete\nDigest: sha256:{h(64)}",
        f"FROM node:20-alpine@sha256:{h(64)} AS build",
        f"{h(64)}  mosaic-1.4.0-linux-amd64.tar.gz",
        f"MD5 (rom.sfc) = {h(32)}",
        f"request_id={u()} trace_id={h(32)} span_id={h(16)} status=200",
        f"traceparent: 00-{h(32)}-{h(16)}-01",
        f"toolu_01{g.an(22)} completed in 1.2s",
        f'{{"type":"assistant","uuid":"{u()}","parentUuid":"{u()}","timestamp":"2026-01-09T10:11:12.345Z"}}',
        f"UUID={u()} /boot ext4 defaults 0 2",
        f'{{"tool_use_id":"toolu_01{g.an(22)}","type":"tool_result","content":"ok"}}',
        f"call_{g.an(24)} exec_command exit 0",
        f"GET /boats/{u()}/logs?page=3&order=desc 200 14ms",
        f"container {h(12)} exited with code 137",
        f'ETag: W/"{h(32)}"',
        f"/_next/static/chunks/{h(16)}.js 304",
        f"assets/index-{g.an(8)}.css   41.20 kB │ gzip: 9.12 kB",
        f"nix-hash: /nix/store/{g.low(32)}-openssl-3.0.13",
        f"Build {h(40)} of refs/pull/118/merge passed",
        f"$ git rev-parse HEAD\n{h(40)}",
        f"{h(8)} (not yet blamed line) let key = keys.next();",
        f"ssh-ed25519 {base64.b64encode(bytes.fromhex('0000000b7373682d6564323535313900000020') + g.raw(32)).decode()} build",
        f"SHA256:{g.b64(32).rstrip('=')} (ED25519)",
        "-----BEGIN CERTIFICATE-----\n"
        + "\n".join(
            groups(
                base64.b64encode(
                    bytes.fromhex("3082037a30820262") + g.raw(424)
                ).decode(),
                64,
                "\n",
            ).split("\n")
        )
        + "\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"
        + g.b64(64)[:28]
        + "\n"
        + g.b64(45)[:60]
        + "\n-----END PUBLIC KEY-----",
        f"System.Text.Json, Version=8.0.0.0, Culture=neutral, PublicKeyToken={h(16)}",
        f"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAf{g.b64(40)}",
        f"{h(8)}: {groups(h(32), 4)}  ................",
        f"00000{h(3)}  {groups(h(16), 2)}  {groups(h(16), 2)}  |................|",
        f"keccak256 = 0x{h(64)}",
        f"block 0x{h(64)} mined, gas used 21000",
        f"crc32={h(8)} size=1048576 mtime=1767949200",
        f"Thread 0x{h(12)} name='worker-3' id=140193",
        f"#3 0x0000{h(12)} in parse_token (lexer=0x7ffd{h(8)}) at src/lexer.c:412",
        f"BuildID[sha1]={h(40)}, for GNU/Linux 3.2.0, stripped",
        f"Cache hit: build-cache-{h(64)}",
        f"assert digest('marmot') == '{h(64)}'",
        f"expect(md5('')).toBe('{hashlib.md5(b'').hexdigest()}')",
        f"assert b64decode('{base64.b64encode(b'hello, world of tests').decode()}') == b'hello, world of tests'",
        f"const FIXTURE = '{base64.b64encode(b'The quick brown fox jumps over the lazy dog').decode()}'",
        f"layer-{h(12)} weights sha {h(64)}",
        f"wandb: run {g.low(8)} finished, loss 0.4121",
        f"ami-0{h(16)} (eu-north-1)\nsubnet-0{h(16)}\nsg-0{h(16)}",
        f'"objectId": ObjectId("{h(24)}")',
        f"message-id {u()} partition=4 offset=1193384",
    ]
    return drawn + FIXED


FIXED = [
    # code with names that sound like secrets
    "def check_password(password: str, hashed: bytes) -> bool:\n    return bcrypt.checkpw(password.encode(), hashed)",
    "password: SecretStr = Field(min_length=12)",
    'api_key = os.environ["OPENAI_API_KEY"]',
    "const token = await getAccessToken({ scope: 'read' });",
    "token: IDENTIFIER | NUMBER | STRING ;",
    "    token = self.tokens[self.pos + 1]",
    'let secret = std::env::var("APP_SECRET").expect("APP_SECRET not set");',
    "passwd = getpass.getpass('Password: ')",
    'String password = request.getParameter("password");',
    "if (user.password !== confirmPassword) throw new Error('passwords differ');",
    'password := os.Getenv("DB_PASSWORD")',
    "DB_PASSWORD=${DB_PASSWORD:?not set}",
    "    password: ${{ secrets.REGISTRY_PASSWORD }}",
    "  password: {{ vault_db_password }}",
    "password = var.db_password",
    '<input type="password" name="password" autocomplete="current-password">',
    "#define KEY_ENTER 0x0D\n#define KEY_ESCAPE 0x1B\n#define KEY_LEFTCTRL 29",
    "case TOKEN_LPAREN: return parse_group(p);",
    "auth = HTTPBasicAuth(user, password)",
    "tokenizer.pad_token = tokenizer.eos_token",
    'max_tokens: 4096, temperature: 0.2, stop: ["</s>"]',
    "PWD=/srv/x42\nOLDPWD=/srv/build",
    "key={item.id} value={item.label} onChange={handleKeyChange}",
    "PRIMARY KEY (`id`), UNIQUE KEY `uq_login` (`login`), KEY `ix_created` (`created_at`)",
    "foreign_key: { model: 'boats', key: 'id' }",
    "for key, value in sorted(config.items()):",
    "sort_key=lambda entry: (entry.level, entry.name)",
    'partition_key = f"{tenant}#{year}"',
    "fn next_token(&mut self) -> Option<Token> {",
    "password_reset_token_expires_at timestamp with time zone,",
    "CREATE TABLE sessions (token_hash bytea NOT NULL, expires_at timestamptz);",
    "SELECT id, login FROM users WHERE password IS NULL ORDER BY id LIMIT 50;",
    "class PasswordField extends StatefulWidget {",
    "enum AuthMethod { None = 0, Password = 1, PublicKey = 2 }",
    "private_key_path: /etc/ssl/private/server.key",
    "SSLCertificateKeyFile /etc/letsencrypt/live/wiki.ferry.example/privkey.pem",
    "secretName: wiki-tls",
    "secretKeyRef:\n  name: smtp\n  key: password",
    "valueFrom: { secretKeyRef: { name: pg, key: postgres-password } }",
    "arn:aws:secretsmanager:eu-north-1:xxxxxxxxxxxx:secret:prod/db",
    "return render(request, 'registration/password_change_form.html', ctx)",
    "path('accounts/password_reset/done/', views.done, name='password_reset_done'),",
    "it('rejects a password shorter than 12 characters', async () => {",
    "E       AssertionError: assert 'password' in {'user': 'ops'}",
    "FAILED tests/test_auth.py::test_token_expired - KeyError: 'token'",
    "raise ValueError('password must not be empty')",
    "passwordEncoder: PasswordEncoder = Argon2PasswordEncoder(16, 32, 1, 65536, 3)",
    'SecretKeySpec keySpec = new SecretKeySpec(bytes, "HmacSHA256");',
    'let apiKey = ProcessInfo.processInfo.environment["API_KEY"] ?? ""',
    "val token: String? = prefs.getString(KEY_TOKEN, null)",
    "%token NUMBER IDENT STRING\n%left '+' '-'",
    "credentials: 'include', mode: 'cors'",
    "credentials = service_account.Credentials.from_service_account_file(path)",
    "password=None, key_filename=None, timeout=10",
    "ENV PASSWORD_FILE=/run/secrets/pg",
    "token_type=bearer expires_in=3600",
    "auth: required\nauthMethods: [oauth2, saml]",
    "pass  # nothing to do",
    "pass: 41, fail: 2, skip: 3",
    "Tests: 118 passed, 2 failed; pass rate 98.3%",
    # command lines
    "git clone git@github.com:mosaic-tools/quarry.git",
    "git remote add origin ssh://git@git.quarry.example:2222/infra/ansible.git",
    "scp -P 2222 -i ~/.ssh/id_ed25519 dist.tgz bastion:/srv/in/",
    "mkdir -p build/out && cp -p a.txt build/out",
    "docker run --rm -p 8080:80 -p 8443:443 -v $PWD:/app -w /app node:20 npm test",
    "mysql -u root -p ledger < schema.sql",
    "psql -h db2 -U ledger -W -c '\\dt'",
    "ssh -p 2222 -o PasswordAuthentication=no bastion",
    "tar -xzpf backup.tgz -C /srv",
    "ffmpeg -y -i in.mov -c:v libx264 -pass 1 -b:v 2M -an -f null /dev/null",
    "rsync -aP --password-file=/etc/rsync.pw src/ nas::backup/",
    "docker login --username ci --password-stdin ghcr.io",
    'curl -sS -H "Authorization: Bearer $TOKEN" https://api.ferry.example/v2/boats',
    'curl -u "$USER:$PASS" https://nexus.ferry.example/',
    "openssl req -x509 -newkey rsa:4096 -keyout key.pem -out cert.pem -days 365 -nodes",
    'gpg --keyserver hkps://keys.openpgp.org --recv-keys "$KEYID"',
    "asar --fix-checksum=off -DDEBUG=1 main.asm rom.sfc",
    "gcc -O2 -Wall -Wextra -pthread -pipe -o lexer lexer.c token.c",
    "perl -pi -e 's/foo/bar/g' *.txt",
    "ps aux | grep -v grep | awk '{print $2}'",
    "kubectl -n prod get secret smtp -o jsonpath='{.data.password}'",
    "aws s3 cp s3://quarry-out/2026/01/09/report.csv . --profile backup",
    "npm install --save-dev @types/node@20.14.2 @scope/pkg@^1.2.0",
    "pip install 'uvicorn[standard]==0.30.1' marmot@1.0",
    # 65816, tables
    "org $008000\nReset:\n    sei : clc : xce\n    rep #$30 : lda.w #$0000 : tcd",
    "    LDA.l $7E0020 : STA.b $00 ; link state\n    LDX.w #$01FF : TXS",
    "JSL $0D9D1C ; Sprite_PrepAndDrawSingleLarge\nLDA.w $0D80, X : ASL A : TAY",
    "Address: $7E0020  Size: 1  Module: 0x07  Main: underworld",
    "; Pass = $1B8F, Key count = $7EF36F",
    "!Password = $7F5000\n!KeyCount = $7EF36F\n!SecretFlag = $04",
    "KeyTable:\n    db $01, $02, $04, $08, $10, $20, $40, $80\n    dw $A5C3, $0F1E, $77B2, $9D40",
    "PasswordScreen_Main:\n    LDA.b $F4 : AND.b #$10 : BEQ .no_start\n    JMP PasswordScreen_Confirm",
    "$1C:8A40: A9 0F 8D 00 21 9C 0B 42 9C 0C 42 60",
    "org $02A9F3 ; SecretRoom_Entry\n    JSL.l NewSecretRoom : NOP #3",
    "7EF340  7EF341  7EF342  7EF343\n  00      01      01      03",
    "mov rax, 0x7fffffffffffffff\nxor edi, edi\nsyscall",
    "0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,\n0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,",
    # regexes
    "^(?:sk|pk)_(?:live|test)_[0-9A-Za-z]{24,}$",
    "/\\b[A-Z0-9._%+-]+@[A-Z0-9.-]+\\.[A-Z]{2,}\\b/i",
    "re.compile(r'ghp_[A-Za-z0-9]{36}')",
    "password\\s*[:=]\\s*['\"]?([^'\"\\s]+)",
    "AKIA[0-9A-Z]{16}",
    # logs, numbers
    "2026-01-09T10:11:12.345678+01:00 INFO  [worker-3] job 118394 done in 1.204s",
    "Jan  9 10:11:12 kiosk systemd[1]: Started Session 4118 of User root.",
    "1767949200.118 seconds since 1970; 20260109101112 as a stamp",
    "ISBN 978-3-16-148410-0",
    "ISSN 0317-8471, DOI 10.1000/182, arXiv:1706.03762",
    "pi = 3.14159265358979323846, e = 2.71828182845904523536",
    "4294967296 = 2^32, 18446744073709551616 = 2^64",
    "v1.2.3-rc.4+build.20260109.118",
    "Chrome/126.0.6478.127 Safari/537.36",
    "192.168.0.0/16, 10.0.0.0/8 and 127.0.0.1:8080 are private",
    "eta 00:12:34, 1024/4096 [25%], 118.2 it/s",
    "Epoch 3/10 - loss: 0.4121 - val_loss: 0.5518 - 41s 118ms/step",
    "error TS2345: Argument of type 'string | undefined' is not assignable to parameter of type 'Token'.",
    "error[E0308]: mismatched types\n  --> src/auth/token.rs:118:24",
    "java.lang.IllegalStateException: no password encoder\n\tat org.ferry.auth.Login.check(Login.java:118)",
    'Traceback (most recent call last):\n  File "/srv/app/auth/password.py", line 41, in verify\n    raise BadPassword',
    "goroutine 118 [running]:\nmain.(*TokenBucket).Take(0xc000118000, 0x1)\n\t/src/bucket.go:41 +0x1d",
    "@@ -118,7 +118,9 @@ def login(user, password):\n-    return False\n+    raise BadPassword(user)",
    'RFC 7519, section 4.1.4: the "exp" claim',
    "order 0171-2026-000118 has 3 lines; part number 555-0118-A2",
    "Model 8-800-24-16, cable 4x2x0.5, drawing 030-118-224-00",
    "translate(118.5, 41.25) rotate(45) matrix(1 0 0 1 40 20)",
    "M12.5 4.25c-3.1 0-5.6 2.5-5.6 5.6s2.5 5.6 5.6 5.6l4.2 4.2Z",
    # files, pages, prose
    "icons/logo@2x.png icons/logo@3x.png",
    "node_modules/.pnpm/@babel+core@7.24.7/node_modules/@babel/core/lib/index.js",
    "@media (min-width: 640px) { .key { color: #3a5f8c; background: #f0f4f8 } }",
    ".password-field::placeholder{opacity:.5}.token{color:#905}",
    "@decorator\n@pytest.mark.parametrize('token', ['', ' ', None])",
    '!function(e,t){"object"==typeof exports?module.exports=t():e.Key=t()}(this,(function(){return 42}));',
    "https://stackoverflow.com/questions/11828270/how-do-i-exit-vim",
    "https://github.com/mosaic-tools/quarry/pull/118#discussion_r1630118224",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "https://docs.quarry.example/auth/tokens.html#personal-access-tokens",
    "/home/linuxbrew/.linuxbrew/bin/python3",
    "/usr/local/lib/python3.11/site-packages/jwt/api_jwt.py",
    "Rotate the API key every 90 days and never commit a password.",
    "Wählen Sie ein Kennwort mit mindestens 12 Zeichen.",
    "Le mot de passe doit contenir au moins une majuscule.",
    "The password is stored as a salted hash; the token is sent in a header.",
    "Your key insight is that the secret ingredient is caching.",
    "Press any key to continue . . .",
    "To authenticate, run `gh auth login` and choose SSH.",
    "| option | meaning |\n|---|---|\n| `password` | the password of the account |\n| `token` | use this instead of a password |",
    "Password: ********",
    "token: <your-token-here>",
    "export GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "AWS_SECRET_ACCESS_KEY=<redacted>",
    "$(BUILD)/%.o: %.c $(HEADERS)\n\t$(CC) $(CFLAGS) -c $< -o $@",
    "KEYS := $(wildcard keys/*.pub)\nTOKENS = $(shell wc -l < tokens.txt)",
    "drwxr-xr-x 2 root root 4096 Jan  9 10:00 secrets",
    "SG.js, hf_hub_download, sk_sp<SkImage>, npm_config_cache, pk_columns",
    "std::unordered_map<std::string, std::vector<Token>> tokens_by_key;",
    "foreach (var (key, value) in headers) request.Headers.Add(key, value);",
    "(defun next-token (stream) (read-char stream nil :eof))",
    "\\begin{tabular}{lr} key & value \\\\ \\hline 118 & 0.41 \\end{tabular}",
    "f(x) = 3x^2 - 2x + 1, f'(2) = 10, so the tangent has slope 10",
    "The tower stands at 48.8584, 2.2945 and is 330 m high.",
    "lorem-ipsum_dolor.sit:amet=consectetur; adipiscing=elit",
    "charset=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
]


def harmless_held_out(index):
    """Whether a harmless string is held out."""
    return index % 3 == 0
