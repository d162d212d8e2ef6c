"""The archive format: deterministic, verified as it is read, closed to escapes."""

import gzip
import io
import os
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from afs_stages.backup.archive import checked_members, pack
from afs_stages.backup.items import Item, everything
from afs_stages.backup.manifest import Manifest, from_bytes
from afs_stages.backup.naming import check_name, parse, stamp_after
from afs_stages.core.errors import UserError

NAMES = st.from_regex(
    r"[a-zA-Z0-9_é -]{1,12}(/[a-z0-9.]{1,120}x|\.safetensors|\.gz)?", fullmatch=True
)


def item(base: Path, *paths: str) -> Item:
    return Item(
        "models", "thing", base, tuple(PurePosixPath(path) for path in paths or ("in",))
    )


def packed(thing: Item) -> bytes:
    return b"".join(pack(thing.describe(), thing.base))


def unpacked(data: bytes, beside: Manifest | None = None) -> dict[str, bytes]:
    blocks = iter([data[i : i + 1000] for i in range(0, len(data), 1000)])
    return {
        file.path: b"".join(content)
        for file, content in checked_members(blocks, beside, "here")
    }


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=3000), min_size=1, max_size=6))
def test_what_goes_in_comes_out(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base, wanted = Path(folder), {}
        for number, (name, data) in enumerate(files.items()):
            path = base / "in" / str(number) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
            wanted[path.relative_to(base).as_posix()] = data
        thing = item(base)
        assert unpacked(packed(thing), thing.describe()) == wanted
        with tarfile.open(fileobj=io.BytesIO(packed(thing))) as tar:
            assert set(wanted) <= set(tar.getnames()), "a plain tar reads it too"


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for place, order in (("one", "abc"), ("two", "cba")):
        (tmp_path / place / "in").mkdir(parents=True)
        for name in order:
            (tmp_path / place / "in" / name).write_text(name * 100)
            os.utime(tmp_path / place / "in" / name, (len(place) * ord(name), 5))
    assert packed(item(tmp_path / "one")) == packed(item(tmp_path / "two"))


def test_a_file_that_changes_meanwhile_stops_the_push(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("before")
    manifest = item(tmp_path).describe()
    for text in ("after!", "longer than before", ""):
        (tmp_path / "in").write_text(text)
        with pytest.raises(UserError, match="changed while it was being backed up"):
            list(pack(manifest, tmp_path))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_damage_goes_unnoticed(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("in/a.json", "in/b.safetensors", "in/c.json"):
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_bytes(bytes(range(256)) * 8)
        thing = item(Path(folder))
        whole, manifest = packed(thing), thing.describe()
    if data.draw(st.booleans()):
        broken = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        at = data.draw(st.integers(10, len(whole) - 1))
        broken = (
            whole[:at]
            + bytes([whole[at] ^ data.draw(st.integers(1, 255))])
            + whole[at + 1 :]
        )
    # Bits that fill up gzip's last byte say nothing: changing them is no damage.
    assume(not same_content(broken, whole))
    with pytest.raises(UserError):
        unpacked(broken, manifest)


def same_content(broken: bytes, whole: bytes) -> bool:
    try:
        return gzip.decompress(broken) == gzip.decompress(whole)
    except (EOFError, OSError, zlib.error):
        return False


def evil(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = 4 if kind == tarfile.REGTYPE else 0
        tar.addfile(info, io.BytesIO(b"evil") if info.size else None)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        evil("../outside"),
        evil("a/../../outside"),
        evil("/etc/outside"),
        evil("a\\..\\outside"),
        evil("link", tarfile.SYMTYPE, "/etc/passwd"),
        evil("hard", tarfile.LNKTYPE, "../../other"),
        evil("pipe", tarfile.FIFOTYPE),
    ],
    ids=[
        "dots",
        "inner dots",
        "absolute",
        "backslashes",
        "symlink",
        "hard link",
        "pipe",
    ],
)
def test_escapes_are_refused(data: bytes) -> None:
    with pytest.raises(UserError, match="nothing was restored"):
        unpacked(data)


def test_links_to_files_are_followed_and_links_to_folders_are_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/object").write_text("data")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/file").symlink_to(tmp_path / "cache/object")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    assert unpacked(packed(item(tmp_path))) == {"in/file": b"data"}


def test_items_cover_the_project_and_share_no_name(project: Path) -> None:
    items = everything(project)
    names = [(thing.category, thing.name) for thing in items]
    assert len(names) == len(set(names))
    saved = {str(path) for thing in items for path in thing.files()}
    assert {
        "data/raw/oracle/tide.asm",
        "data/releases/majora/v1/train.jsonl",
        "data/mixed/majora/train.jsonl",
        "models/majora/adapter/adapter_model.safetensors",
        "models/registry/majora-v1.json",
        "dvc.lock",
        "params.yaml",
        "reports/evaluate.json",
    } <= saved
    assert not [
        path for path in saved if path.startswith((".dvc/cache", ".afs", "reports/run"))
    ]


def test_names() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 1, 14, 10, 30, 45, tzinfo=UTC)
    assert stamp_after(now, []) == "20260114T103045Z"
    assert stamp_after(now, ["20300101T000000Z"]) == "20300101T000001Z", (
        "a clock set back does not reorder"
    )
    found = parse("majora_v1_20260114T103045Z-0123456789ab.tar.gz")
    assert found is not None
    assert (found.name, found.file) == (
        "majora_v1",
        "majora_v1_20260114T103045Z-0123456789ab.tar.gz",
    )
    assert parse("majora_v1_20260114.tar.gz") is None
    for bad in ("../x", "a/b", "", ".hidden", "x" * 101):
        with pytest.raises(UserError):
            check_name(bad)


def test_a_damaged_manifest_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("x")
    data = item(tmp_path).describe().to_bytes()
    for broken in (data[:-20], data.replace(b'"size": 1', b'"size": 2'), b"[]", b"{}"):
        with pytest.raises(UserError, match="manifest is damaged"):
            from_bytes(broken, "here")
