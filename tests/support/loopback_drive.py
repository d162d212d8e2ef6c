"""A Drive on the loopback: answers CONNECT, terminates TLS for Google's hosts, and
behaves like Drive v2.

Real, unmodified clients reach it through HTTPS_PROXY and HTTPLIB2_CA_CERTS. Faults are
rules that look at the n-th call of a kind.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

FOLDER = "application/vnd.google-apps.folder"
HOSTS = ("www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")


@dataclass
class File:
    """A file or folder on the Drive."""

    id: str
    title: str
    parent: str
    mime: str = "application/octet-stream"
    data: bytes = b""
    trashed: bool = False
    md5: str = ""

    def shown(self) -> dict[str, Any]:
        """As the API shows it."""
        item = {
            "id": self.id,
            "title": self.title,
            "mimeType": self.mime,
            "parents": [{"id": self.parent}],
            "modifiedDate": "2026-01-14T10:30:45.000Z",
            "labels": {"trashed": self.trashed},
        }
        if self.mime != FOLDER:
            item |= {"fileSize": str(len(self.data)), "md5Checksum": self.md5}
        return item


@dataclass
class Upload:
    """An unfinished resumable upload."""

    body: dict[str, Any]
    data: bytearray = field(default_factory=bytearray)
    done: str = ""


@dataclass
class Rule:
    """What happens at the `nth` call whose `METHOD path` matches;
    `times` calls in a row.
    """

    pattern: str
    nth: int
    act: Callable[[Handler], bool]
    times: int = 1
    seen: int = 0


class LoopbackDrive:
    """The server and what lies on it.
    `calls` lists `METHOD path?query Content-Range`.
    """

    def __init__(self, folder: Path, page_size: int = 1000) -> None:
        self.page_size, self.calls, self.rules = page_size, [], []
        self.files: dict[str, File] = {
            "ROOT-FOLDER": File("ROOT-FOLDER", "backups", "root", FOLDER)
        }
        self.uploads: dict[str, Upload] = {}
        self.tokens: set[str] = set()
        self.revoked = False
        self.guard, self._count = threading.RLock(), 0
        self.ca, self.tls = _certificates(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.drive = self  # type: ignore[attr-defined]
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            daemon=True,
        ).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What a client process needs to end up here."""
        proxy = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "HTTPLIB2_CA_CERTS": str(self.ca),
            "NO_PROXY": "127.0.0.1",
        }

    def new_id(self) -> str:
        """A fresh file id."""
        with self.guard:
            self._count += 1
            return f"id{self._count:06d}"

    def add(self, title: str, parent: str, mime: str, data: bytes = b"") -> File:
        """Put a file or folder there."""
        file = File(
            self.new_id(), title, parent, mime, data, md5=hashlib.md5(data).hexdigest()
        )
        self.files[file.id] = file
        return file

    def rule(
        self, pattern: str, act: Callable[[Handler], bool], nth: int = 1, times: int = 1
    ) -> None:
        """Interfere with a call; `act` returns True when it answered (or did away with)
        the request itself.
        """
        self.rules.append(Rule(pattern, nth, act, times))

    def alive(self, title: str = "") -> list[File]:
        """Files (no folders) that are not in the trash,
        those whose title holds `title`.
        """
        return [
            f
            for f in self.files.values()
            if not f.trashed and f.mime != FOLDER and title in f.title
        ]


class Handler(BaseHTTPRequestHandler):
    """One connection: CONNECT, TLS, then as many requests as the client likes."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    @property
    def drive(self) -> LoopbackDrive:
        return self.server.drive  # type: ignore[attr-defined, no-any-return]

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            self.connection = self.drive.tls.wrap_socket(
                self.connection, server_side=True
            )
        except OSError:
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True

    def body(self) -> bytes:
        if not hasattr(self, "_body") or self._body[0] != id(self.headers):
            self._body = (
                id(self.headers),
                self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
        return self._body[1]

    def answer(
        self, status: int, data: Any = None, headers: dict[str, str] | None = None
    ) -> bool:
        self.body()
        payload = (
            data
            if isinstance(data, bytes)
            else b""
            if data is None
            else json.dumps(data).encode()
        )
        self.send_response(status)
        for key, value in {
            "Content-Length": str(len(payload)),
            **(headers or {}),
        }.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(payload)
        return True

    def refuse(self, status: int, reason: str, message: str = "") -> bool:
        error = {
            "domain": "usageLimits",
            "reason": reason,
            "message": message or reason,
        }
        return self.answer(
            status,
            {
                "error": {
                    "code": status,
                    "message": message or reason,
                    "errors": [error],
                }
            },
        )

    def reset(self) -> bool:
        """Break the connection as a dying router does."""
        raw = self.connection
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
        self.close_connection = True
        return True

    def _serve(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        method = self.command
        if self.headers.get("X-HTTP-Method-Override") == "GET":
            method, self.query = (
                "GET",
                dict(urllib.parse.parse_qsl(self.body().decode())),
            )
        call = f"{method} {self.path} {self.headers.get('Content-Range', '')}".rstrip()
        self.drive.calls.append(call)
        for rule in self.drive.rules:
            if re.search(rule.pattern, call):
                rule.seen += 1
                if rule.nth <= rule.seen < rule.nth + rule.times and rule.act(self):
                    return
        with self.drive.guard:
            self._route(method, url.path)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _route(self, method: str, path: str) -> None:
        if path == "/token":
            self._token()
        elif (
            self.headers.get("Authorization", "").removeprefix("Bearer ")
            not in self.drive.tokens
        ):
            self.refuse(401, "authError", "Invalid Credentials")
        elif path == "/upload/drive/v2/files":
            self._begin() if method == "POST" else self._chunk()
        elif path == "/drive/v2/files":
            self._list() if method == "GET" else self._make()
        elif match := re.fullmatch(r"/drive/v2/files/([^/]+)(/trash)?", path):
            self._file(method, match[1], bool(match[2]))
        else:
            self.refuse(404, "notFound", f"no such call: {method} {path}")

    def _token(self) -> None:
        if self.drive.revoked:
            self.answer(
                400,
                {
                    "error": "invalid_grant",
                    "error_description": "Token has been expired or revoked.",
                },
            )
            return
        token = f"token-{len(self.drive.tokens)}-{time.monotonic_ns()}"
        self.drive.tokens.add(token)
        self.answer(
            200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        )

    def _list(self) -> None:
        query = self.query["q"]
        parents = set(re.findall(r"'([^']+)' in parents", query))
        title, mime = (
            re.search(r"title='((?:[^'\\]|\\.)*)'", query),
            re.search(r"mimeType='([^']*)'", query),
        )
        found = [
            file
            for file in self.drive.files.values()
            if file.parent in parents
            and not file.trashed
            and (not title or file.title.lower() == title[1].replace("\\", "").lower())
            and (not mime or file.mime == mime[1])
        ]
        start = int(self.query.get("pageToken", 0))
        stop = start + min(self.drive.page_size, int(self.query.get("maxResults", 100)))
        page: dict[str, Any] = {"items": [file.shown() for file in found[start:stop]]}
        self.answer(
            200, page | ({"nextPageToken": str(stop)} if stop < len(found) else {})
        )

    def _make(self) -> None:
        body = json.loads(self.body())
        self.answer(
            200,
            self.drive.add(
                body["title"], body["parents"][0]["id"], body["mimeType"]
            ).shown(),
        )

    def _begin(self) -> None:
        body = json.loads(self.body())
        if body["parents"][0]["id"] not in self.drive.files:
            self.refuse(404, "notFound", "File not found: " + body["parents"][0]["id"])
            return
        key = self.drive.new_id()
        self.drive.uploads[key] = Upload(body)
        place = (
            "https://www.googleapis.com/upload/drive/v2/files?uploadType=resumable&"
            f"upload_id={key}"
        )
        self.answer(200, headers={"Location": place})

    def _chunk(self) -> None:
        upload = self.drive.uploads.get(self.query["upload_id"])
        if upload is None:
            self.refuse(404, "notFound", "no such upload")
            return
        if upload.done:
            self.answer(200, self.drive.files[upload.done].shown())
            return
        data, stated = self.body(), self.headers.get("Content-Range", "")
        span = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", stated)
        if span:
            assert int(span[2]) - int(span[1]) + 1 == len(data)
            assert int(span[1]) <= len(upload.data), "a gap in the upload"
            upload.data[int(span[1]) :] = data
        total = (
            span[3]
            if span
            else stated.removeprefix("bytes */")
            if stated
            else str(len(data))
        )
        if total == str(len(upload.data)):
            made = self.drive.add(
                upload.body["title"],
                upload.body["parents"][0]["id"],
                "application/gzip",
                bytes(upload.data),
            )
            upload.done = made.id
            self.answer(200, made.shown())
        else:
            held = {"Range": f"bytes=0-{len(upload.data) - 1}"} if upload.data else {}
            self.answer(308, headers=held)

    def take_half(self) -> bool:
        """Keep half of an upload's chunk, then fail:
        what Drive does when a backend dies.
        """
        upload, data = self.drive.uploads[self.query["upload_id"]], self.body()
        span = re.fullmatch(
            r"bytes (\d+)-(\d+)/.*", self.headers.get("Content-Range", "")
        )
        if span:
            upload.data[int(span[1]) :] = data[: len(data) // 2]
        return self.refuse(503, "backendError")

    def _file(self, method: str, key: str, trash: bool) -> None:
        file = self.drive.files.get(key)
        if file is None:
            self.refuse(404, "notFound", f"File not found: {key}")
        elif method == "POST" and trash:
            file.trashed = True
            self.answer(200, file.shown())
        elif method == "DELETE":
            del self.drive.files[key]
            self.answer(204)
        elif method in ("PATCH", "PUT"):
            file.title = json.loads(self.body()).get("title", file.title)
            self.answer(200, file.shown())
        elif self.query.get("alt") == "media":
            self._media(file)
        else:
            self.answer(200, file.shown())

    def _media(self, file: File) -> None:
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not span:
            self.answer(200, file.data)
        elif int(span[1]) >= len(file.data):
            self.answer(416, headers={"Content-Range": f"bytes */{len(file.data)}"})
        else:
            data = file.data[int(span[1]) : int(span[2]) + 1]
            stated = f"bytes {span[1]}-{int(span[1]) + len(data) - 1}/{len(file.data)}"
            self.answer(206, data, {"Content-Range": stated})


def _certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A CA file for the clients, and a server context with a certificate
    for Google's hosts.
    """
    ca_key, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback CA")])
    now = datetime.datetime.now(datetime.UTC)

    def certificate(
        subject: x509.Name, public: Any, *extensions: tuple[x509.ExtensionType, bool]
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(public)
        )
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=2))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(ca_key, hashes.SHA256())

    ca = certificate(
        name, ca_key.public_key(), (x509.BasicConstraints(True, None), True)
    )
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    leaf = certificate(x509.Name([]), key.public_key(), (names, True))
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + leaf.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context


def service_account_key(path: Path) -> Path:
    """A service account's key file, as Google's console hands it out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    data = {
        "type": "service_account",
        "client_email": "backup@example.iam.gserviceaccount.com",
        "client_id": "1",
        "private_key_id": base64.b16encode(b"loopback").decode(),
        "private_key": pem,
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    path.write_text(json.dumps(data))
    return path


def stored_login(path: Path, client_id: str, client_secret: str) -> Path:
    """A person's stored login, as PyDrive2 saves it;
    the access token has already run out.
    """
    data = {
        "access_token": "stale",
        "client_id": client_id,
        "client_secret": client_secret,
        "refresh_token": "refresh",
        "token_expiry": "2026-01-01T00:00:00Z",
        "token_uri": "https://oauth2.googleapis.com/token",
        "user_agent": None,
        "revoke_uri": None,
        "id_token": None,
        "id_token_jwt": None,
        "token_response": None,
        "scopes": [
            "https://www.googleapis.com/auth/drive",
            "https://www.googleapis.com/auth/drive.appdata",
        ],
        "token_info_uri": None,
        "invalid": False,
        "_class": "OAuth2Credentials",
        "_module": "oauth2client.client",
    }
    path.write_text(json.dumps(data))
    return path
