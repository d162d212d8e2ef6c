"""Google Drive as target, through PyDrive2 with the account that DVC's remote is
configured with.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from afs_stages.backup.manifest import ArchiveChecksums
from afs_stages.backup.refusals import explain
from afs_stages.backup.store import Digest, Entry, Source, mismatch, seal_of
from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from pydrive2.fs import GDriveFileSystem

    from afs_stages.backup.drive_upload import Sessions

FOLDER = "application/vnd.google-apps.folder"
FIELDS = "id,title,fileSize,md5Checksum,modifiedDate"
RETRIES = 6
DOWNLOAD = 8 * 2**20
STARTS = 3
"""Times an upload may begin again from the first byte."""


@contextmanager
def refusals(where: str) -> Iterator[None]:
    """Turn what Google's clients raise into a `UserError` that says what to do."""
    from googleapiclient.errors import Error as ApiError
    from httplib2 import HttpLib2Error
    from oauth2client.client import Error as LoginError
    from pydrive2.auth import AuthError
    from pydrive2.fs.spec import GDriveAuthError

    try:
        yield
    except GDriveAuthError as error:
        raise explain(f"{error}: {error.__cause__}", where) from None
    except (
        ApiError,
        HttpLib2Error,
        LoginError,
        AuthError,
        HTTPException,
        OSError,
    ) as error:
        raise explain(str(error) or type(error).__name__, where) from None


class Drive:
    """Archives below a Drive folder.
    Files are told apart by id: Drive allows one name many times.
    """

    def __init__(
        self,
        files: GDriveFileSystem,
        top: str,
        sessions: Sessions,
        *,
        trash: bool = True,
    ) -> None:
        self.where = f"gdrive://{files.path}/{top}"
        self._sessions, self._trash, self._top = sessions, trash, top
        with refusals(self.where):
            auth = files.client.auth
            if auth.service is None:
                auth.Authorize()
            self._service, self._http = auth.service, auth.http
            self._scope = self._drive_scope(files.root)
            self._parents = [files.root]
            for part in filter(None, files.base.split("/")):
                self._parents = self._subfolders(self._parents, part)
                if not self._parents:
                    raise UserError(
                        f"no folder '{part}' there",
                        where=self.where,
                        fix="make it, or correct the id",
                    )

    def _drive_scope(self, root: str) -> dict[str, str]:
        """Search the Shared Drive the folder is on, if it is on one."""
        if root in ("root", "appDataFolder"):
            return {"corpora": "default"}
        call = self._service.files().get(
            fileId=root, supportsAllDrives=True, fields="driveId"
        )
        drive = call.execute(num_retries=RETRIES).get("driveId")
        return (
            {"corpora": "drive", "driveId": drive} if drive else {"corpora": "default"}
        )

    def _list(self, query: str) -> Iterator[dict[str, Any]]:
        arguments: dict[str, Any] = {
            "q": f"trashed=false and {query}",
            "maxResults": 1000,
            **self._scope,
        }
        while True:
            call = self._service.files().list(
                **arguments, supportsAllDrives=True, includeItemsFromAllDrives=True
            )
            page = call.execute(num_retries=RETRIES)
            yield from page["items"]
            if not page.get("nextPageToken"):
                return
            arguments["pageToken"] = page["nextPageToken"]

    def _subfolders(self, parents: list[str], title: str) -> list[str]:
        quoted = title.replace("\\", "\\\\").replace("'", "\\'")
        query = f"({_in(parents)}) and title='{quoted}' and mimeType='{FOLDER}'"
        return sorted(
            item["id"] for item in self._list(query) if item["title"] == title
        )

    def _folders(self, folder: str) -> list[str]:
        """Ids of every folder of that name under the top (there can be two); none if it
        is not made yet.
        """
        tops = self._subfolders(self._parents, self._top)
        return self._subfolders(tops, folder) if tops else []

    def _folder(self, folder: str) -> str:
        """One such folder, made if there is none."""
        found = self._folders(folder)
        if found:
            return found[0]
        tops = self._subfolders(self._parents, self._top) or [
            self._make(self._parents[0], self._top)
        ]
        return self._make(tops[0], folder)

    def _make(self, parent: str, title: str) -> str:
        body = {"title": title, "parents": [{"id": parent}], "mimeType": FOLDER}
        made = (
            self._service.files()
            .insert(body=body, supportsAllDrives=True)
            .execute(num_retries=RETRIES)
        )
        return str(made["id"])

    def entries(self, folder: str) -> list[Entry]:
        """Files of a folder; none when the folder does not exist."""
        with refusals(f"{self.where}/{folder}"):
            parents = self._folders(folder)
            items = (
                [item for item in self._list(f"({_in(parents)})") if "fileSize" in item]
                if parents
                else []
            )
        return sorted(
            (_entry(folder, item) for item in items),
            key=lambda entry: (entry.name, entry.ident),
        )

    def upload(
        self, folder: str, name: str, source: Source
    ) -> tuple[Entry, ArchiveChecksums]:
        """Stream a large file, going on where an earlier run stopped;
        a finished one is kept.
        """
        from afs_stages.backup.drive_upload import SessionLost

        if not self._sessions.get(f"{folder}/{name}"):
            for entry in self.entries(folder):
                if entry.name == name:
                    sealed = seal_of(source)
                    if not mismatch(self, entry, sealed):
                        return entry, sealed
                    self.delete(entry)
        for _ in range(STARTS):
            try:
                return self._send(folder, name, source)
            except SessionLost:
                self._sessions.keep(f"{folder}/{name}", "")
        raise UserError(
            f"Drive dropped the upload {STARTS} times",
            where=f"{self.where}/{folder}/{name}",
        )

    def _send(
        self, folder: str, name: str, source: Source
    ) -> tuple[Entry, ArchiveChecksums]:
        from afs_stages.backup.drive_upload import StreamMedia, upload

        with refusals(f"{self.where}/{folder}/{name}"):
            digest = Digest()
            media = StreamMedia(digest.through(source()))
            body = {"title": name, "parents": [{"id": self._folder(folder)}]}
            request = self._service.files().insert(
                body=body, media_body=media, supportsAllDrives=True
            )
            item = upload(request, media, f"{folder}/{name}", self._sessions)
        return _entry(folder, item), digest.seal()

    def put(self, folder: str, name: str, data: bytes) -> Entry:
        """Write a small file, then remove older ones of that name."""
        old = [entry for entry in self.entries(folder) if entry.name == name]
        self._sessions.keep(f"{folder}/{name}", "")
        entry, _ = self._send(folder, name, lambda: iter([data]))
        for other in old:
            self.delete(other)
        return entry

    def rename(self, entry: Entry, name: str) -> Entry:
        """Give a file another name, in one call."""
        with refusals(f"{self.where}/{entry.path}"):
            call = self._service.files().patch(
                fileId=entry.ident, body={"title": name}, supportsAllDrives=True
            )
            return _entry(entry.folder, call.execute(num_retries=RETRIES))

    def delete(self, entry: Entry) -> None:
        """Move a file to the trash (or delete it, where `gdrive_trash_only` is off)."""
        files = self._service.files()
        verb = files.trash if self._trash else files.delete
        with refusals(f"{self.where}/{entry.path}"):
            verb(fileId=entry.ident, supportsAllDrives=True).execute(
                num_retries=RETRIES
            )

    def read(self, entry: Entry) -> Iterator[bytes]:
        """A file's bytes, range by range; a cut costs only the range it hit."""
        uri = (
            self._service.files()
            .get_media(fileId=entry.ident, supportsAllDrives=True)
            .uri
        )
        for begin in range(0, entry.size, DOWNLOAD):
            with refusals(f"{self.where}/{entry.path}"):
                block = self._range(uri, begin, min(begin + DOWNLOAD, entry.size) - 1)
            yield block

    def _range(self, uri: str, first: int, last: int) -> bytes:
        from googleapiclient.errors import HttpError

        for attempt in range(RETRIES):
            try:
                response, content = self._http.request(
                    uri, headers={"Range": f"bytes={first}-{last}"}
                )
                if response.status < 500 and response.status != 429:
                    break
            except (ConnectionError, TimeoutError, HTTPException):
                if attempt == RETRIES - 1:
                    raise
            time.sleep(0.5 * 2**attempt)
        if response.status not in (200, 206):
            raise HttpError(response, content, uri=uri)
        if len(content) != last - first + 1:
            raise OSError(
                f"Drive sent {len(content):,} bytes instead of {last - first + 1:,}"
            )
        return bytes(content)

    def checksum(self, entry: Entry) -> tuple[str, str]:
        """The MD5 that Drive computed of what it stores."""
        with refusals(f"{self.where}/{entry.path}"):
            call = self._service.files().get(
                fileId=entry.ident, supportsAllDrives=True, fields=FIELDS
            )
            return "md5", str(call.execute(num_retries=RETRIES).get("md5Checksum", ""))


def _in(parents: list[str]) -> str:
    return " or ".join(f"'{parent}' in parents" for parent in parents)


def _entry(folder: str, item: dict[str, Any]) -> Entry:
    modified = datetime.fromisoformat(item["modifiedDate"]).timestamp()
    return Entry(
        folder,
        item["title"],
        int(item["fileSize"]),
        modified,
        item["id"],
        item.get("md5Checksum", ""),
    )
