"""An output replaces a regular file or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from afs_stages.core.atomic import write_text
from afs_stages.core.errors import UserError


def test_a_file_is_new_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.txt"
    for text in ("one", "two"):
        write_text(path, text)
        assert path.read_text() == text
    assert [other.name for other in path.parent.iterdir()] == ["x.txt"]


def link(path: Path) -> None:
    path.with_name("target").write_text("kept")
    path.symlink_to(path.with_name("target"))


def broken_link(path: Path) -> None:
    path.symlink_to(path.with_name("gone"))


KINDS: dict[str, Callable[[Path], None]] = {
    "pipe": lambda path: os.mkfifo(path),
    "folder": lambda path: path.mkdir(),
    "link": link,
    "broken link": broken_link,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_stays(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    KINDS[kind](path)
    before = path.lstat().st_ino
    with pytest.raises(UserError, match="would replace"):
        write_text(path, "text")
    assert path.lstat().st_ino == before
    assert all(target.read_text() == "kept" for target in tmp_path.glob("target"))


def test_a_device_stays() -> None:
    with pytest.raises(UserError, match="no regular file"):
        write_text(Path("/dev/null"), "text")
    assert not Path("/dev/null").is_file()
