"""Resumable uploads of streams to Drive: constant memory,
and a cut costs only the last chunk.

The session's address is kept in a file of this clone, so that even a killed push goes
on where Drive says it stopped: the archive is made again from the start (it is
deterministic) and what Drive has is not sent twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest, MediaUpload
from httplib2 import HttpLib2Error

from afs_stages.core.atomic import write_text
from afs_stages.core.console import log

CHUNK = 8 * 2**20
RETRIES = 6
GONE = (404, 410)
"""Drive forgets an upload session after a week."""


class SessionLost(Exception):
    """The upload must begin again: Drive no longer knows the session,
    or lost bytes it had confirmed.
    """


class StreamMedia(MediaUpload):  # type: ignore[misc]
    """A stream of unknown length as googleapiclient wants it:
    keeps what Drive has not confirmed yet.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._held, self._start, self._ended = (
            blocks,
            bytearray(),
            0,
            False,
        )

    def chunksize(self) -> int:
        """Bytes per request; a multiple of 256 KiB."""
        return CHUNK

    def mimetype(self) -> str:
        """Type Drive shows."""
        return "application/gzip"

    def resumable(self) -> bool:
        """Always."""
        return True

    def has_stream(self) -> bool:
        """No seekable stream: `getbytes` is asked."""
        return False

    def size(self) -> int | None:
        """The length once the end is near enough to be known;
        asked before each chunk.
        """
        self._fill(2 * CHUNK + 1)
        return self._start + len(self._held) if self._ended else None

    def getbytes(self, begin: int, length: int) -> bytes:
        """`length` bytes from `begin` (fewer at the end); earlier ones are let go."""
        if begin < self._start:
            raise SessionLost(
                f"Drive asks again for byte {begin:,}, confirmed long ago"
            )
        while begin > self._start and (self._held or not self._ended):
            self._fill(CHUNK)
            step = min(begin - self._start, len(self._held))
            del self._held[:step]
            self._start += step
        self._fill(length)
        return bytes(self._held[:length])

    def _fill(self, length: int) -> None:
        while len(self._held) < length and not self._ended:
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
            else:
                self._held += block

    def finish(self) -> None:
        """Read what is left of the stream, so that its checksums are of the whole."""
        self._held.clear()
        for _ in self._blocks:
            pass


class Sessions:
    """Addresses of unfinished uploads, in a JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _all(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def get(self, name: str) -> str:
        """The address, empty if none is known."""
        return self._all().get(name, "")

    def keep(self, name: str, address: str) -> None:
        """Remember an address; an empty one forgets it."""
        known = {**self._all(), name: address}
        write_text(
            self._path,
            json.dumps({key: value for key, value in known.items() if value}, indent=1),
        )


def upload(
    request: HttpRequest, media: StreamMedia, name: str, sessions: Sessions
) -> dict[str, Any]:
    """Send the whole stream; returns Drive's description of the file.

    Raises `SessionLost` when it must begin again, `HttpError` when Drive refuses.
    """
    done = _resume(request, sessions.get(name))
    body: dict[str, Any] | None = done
    while body is None:
        body = _next_chunk(request)
        sessions.keep(name, request.resumable_uri)
    media.finish()
    sessions.keep(name, "")
    return body


def _resume(request: HttpRequest, address: str) -> dict[str, Any] | None:
    """Ask Drive how far an earlier run came;
    its description if that one got to the end.
    """
    if not address:
        return None
    headers = {"Content-Range": "bytes */*", "Content-Length": "0"}
    response, content = request.http.request(address, "PUT", headers=headers)
    if response.status in (200, 201):
        found: dict[str, Any] = json.loads(content)
        return found
    if response.status == 308:
        request.resumable_uri = address
        request.resumable_progress = (
            int(response["range"].split("-")[1]) + 1 if "range" in response else 0
        )
        log.info("going on at byte %s", f"{request.resumable_progress:,}")
    return None


def _next_chunk(request: HttpRequest) -> dict[str, Any] | None:
    """One chunk, tried again after a broken connection (5xx and rate limits are
    retried below us).
    """
    for attempt in range(RETRIES):
        try:
            body: dict[str, Any] | None = request.next_chunk(num_retries=RETRIES)[1]
            return body
        except HttpError as error:
            if error.resp.status in GONE:
                raise SessionLost(str(error)) from None
            raise
        except (OSError, HTTPException, HttpLib2Error) as error:
            if attempt == RETRIES - 1:
                raise
            log.info("the connection broke (%s), trying again", error)
            time.sleep(0.5 * 2**attempt)
    return None
