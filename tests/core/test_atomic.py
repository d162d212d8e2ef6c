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


KINDS: dict[str, Callable[[Path], None]] = {
    "pipe": lambda path: os.mkfifo(path),
    "folder": lambda path: path.mkdir(),
    "link to a device": lambda path: path.symlink_to("/dev/null"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_stays(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    KINDS[kind](path)
    before = path.lstat().st_ino
    with pytest.raises(UserError, match="would replace"):
        write_text(path, "text")
    assert path.lstat().st_ino == before


def test_a_link_gives_way_and_what_it_led_to_stays(tmp_path: Path) -> None:
    """So that a file that DVC linked into its cache leaves the cache as it is."""
    cached, path = tmp_path / "cached", tmp_path / "x"
    cached.write_text("kept")
    path.symlink_to(cached)
    write_text(path, "text")
    assert (path.read_text(), cached.read_text()) == ("text", "kept")
    assert not path.is_symlink()
