"""What push accepts restore gives back; what restore would refuse push refuses, and
cleanup does not count.
"""

import io
import os
import shutil
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.backup_project import afs, contents

from afs_stages.backup import catalog, items
from afs_stages.backup.archive import checked_members, pack
from afs_stages.backup.cleanup import PARTIAL_AGE, cleanup, plan
from afs_stages.backup.folder import Folder
from afs_stages.backup.items import Item
from afs_stages.backup.manifest import File, Manifest, describe_file
from afs_stages.backup.member_paths import refused, why_refused
from afs_stages.backup.naming import ArchiveName
from afs_stages.backup.push import Outcome, push
from afs_stages.backup.restore import restore
from afs_stages.core.errors import UserError

NOW = datetime(2026, 1, 14, 10, 30, 45, tzinfo=UTC)
NEVER = "0123456789ab"

PIECES = st.text("ab.\\\n\t é\udcff\udc80:*'\"", min_size=1, max_size=12)
NAMES = PIECES.filter(lambda name: name not in (".", ".."))
LONG = st.integers(200, 255).map(lambda size: "n" * size)


def save(top: Path, *things: Item) -> tuple[Folder, Outcome]:
    store = Folder(top, "one")
    return store, push(store, list(things), NOW, "clone")


def restored(store: Folder, name: str, to: Path) -> dict[str, bytes]:
    restore(store, catalog.find(store, name), to)
    return contents(to, ".")


def file(path: str) -> File:
    return File(path, 4, 0o644, "0" * 64)


def by_hand(path: str) -> bytes:
    """An archive of one file as another program would write it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo(path)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"data"))
    return out.getvalue()


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES | LONG, st.binary(max_size=50), min_size=1, max_size=4))
def test_push_accepts_what_restore_gives_back_and_nothing_else(
    files: dict[str, bytes],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for number, (name, data) in enumerate(files.items()):
            (base / f"in/{number}" / name).mkdir(parents=True)
            (base / f"in/{number}" / name / name).write_bytes(data)
        thing = Item("models", "thing", base, (PurePosixPath("in"),))
        store, outcome = save(base / "AFS", thing)
        if outcome.failed:
            assert refused(str(path) for path in thing.files())
            assert not list((base / "AFS").rglob("*")), "nothing lies on the target"
        else:
            assert restored(store, "thing", base / "out") == contents(base, "in")


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES | st.just(""), min_size=1, max_size=4).map("/".join))
def test_restore_and_push_judge_a_path_alike(path: str) -> None:
    # tarfile drops a slash at the end, and the member's path is read as any path is.
    plain = str(PurePosixPath(path.rstrip("/")))
    try:
        found = [
            file.path
            for file, content in checked_members(iter([by_hand(path)]), None, "here")
            if list(content)
        ]
    except UserError:
        assert refused([plain])
    else:
        assert found == [plain]
        assert not refused([plain])


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "a/../../outside",
        "/etc/outside",
        "//etc/outside",
        "a\\..\\outside",
        "a\\b",
        "",
        ".",
        "a/",
        "./a",
        "a//b",
        "a\0b",
        "\ud800",
        "n" * 256,
        "/".join(["folder"] * 600),
        ".afs",
        ".afs/manifest",
        ".afs/manifest/models-thing.json",
    ],
)
def test_paths_that_no_archive_may_hold(path: str) -> None:
    assert refused([path])


def test_files_that_cannot_lie_side_by_side() -> None:
    assert refused(["a", "a"]) == "'a' is there twice"
    assert refused(["a/b", "a"]) == "'a' is a file and a folder"
    assert refused(["a/b", "ab", "A/b", ".afs/note", "a.b/c d", "é\udcff\n"]) == ""


def test_a_backslash_is_refused_before_anything_is_sent(
    project: Path, place: Path
) -> None:
    (project / "models/majora/adapter/back\\slash").mkdir()
    (project / "models/majora/adapter/back\\slash/file").write_text("x")
    for code, dry in ((0, ["--dry-run"]), (1, [])):
        text = afs(
            project,
            "push",
            "--model",
            "majora",
            "--target",
            f"{place}/",
            *dry,
            code=code,
        )
        assert "backslash" in text
        assert "0 saved, 0 unchanged, 1 failed" in text
    assert not (place / "AFS_Backups/models").exists()


def test_the_manifests_own_place_is_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    (tmp_path / ".afs/manifest").mkdir(parents=True)
    (tmp_path / ".afs/manifest/models-thing.json").write_text("{}")
    _, outcome = save(
        tmp_path / "AFS",
        Item("models", "thing", tmp_path, (PurePosixPath(".afs/manifest"),)),
    )
    assert "manifest goes" in outcome.failed["models/thing"]
    assert not (tmp_path / "AFS").exists()


def test_a_path_too_long_for_the_staging_folder_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / "in"
    for _ in range(15):
        deep /= "n" * 253
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    _, outcome = save(
        tmp_path / "AFS", Item("models", "thing", tmp_path, (PurePosixPath("in"),))
    )
    assert "is too long" in outcome.failed["models/thing"]
    assert not (tmp_path / "AFS").exists()


def test_a_manifest_that_names_what_no_archive_may_hold_restores_nothing(
    tmp_path: Path,
) -> None:
    """Also where every file of it is there already,
    so that nothing would have to be fetched.
    """
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a\\b").write_text("x")
    store = Folder(tmp_path / "AFS", "one")
    put_unchecked(store, tmp_path, "in/a\\b")
    archive = catalog.listing(store, "models").archives[0]
    for where in (tmp_path, tmp_path / "out"):
        with pytest.raises(UserError, match="nothing was restored"):
            restore(store, archive, where)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def elsewhere(project: Path, tmp_path: Path) -> Path:
    """A model outside of the project, and links to it from inside."""
    folder = tmp_path / "elsewhere/majora"
    folder.mkdir(parents=True)
    (folder / "adapter.bin").write_bytes(b"weights")
    (project / "link").symlink_to(tmp_path / "elsewhere")
    (project / "latest").symlink_to(folder)
    return folder


ROUTES = [
    "../elsewhere/majora",
    "../project/../elsewhere/./majora/",
    "link/majora",
    "latest",
    "models/../latest",
]


def test_a_model_beside_the_project_comes_back(
    project: Path, place: Path, elsewhere: Path
) -> None:
    to = ["--target", f"{place}/"]
    assert "1 saved" in afs(
        project, "push", "--model", "majora", "--path", ROUTES[0], *to
    )
    for route in (ROUTES[2], str(elsewhere)):
        text = afs(project, "push", "--model", "majora", "--path", route, *to)
        assert "1 unchanged" in text, f"{route} is the same folder"
    assert "1 sound, 0 damaged" in afs(project, "verify", "--deep", *to)
    afs(project, "restore", "majora", *to)
    assert contents(project, "majora") == {"majora/adapter.bin": b"weights"}
    shutil.rmtree(project / "models/majora")
    assert contents(elsewhere.parent, "majora") == {"majora/adapter.bin": b"weights"}


@pytest.mark.parametrize("route", ROUTES)
def test_every_way_to_a_folder_outside_round_trips(
    project: Path,
    elsewhere: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    route: str,
) -> None:
    monkeypatch.chdir(project)
    store, outcome = save(tmp_path / "AFS", items.model(Path(), "majora", Path(route)))
    assert not outcome.failed
    assert restored(store, "majora", tmp_path / "out") == {
        "majora/adapter.bin": b"weights"
    }


def test_every_way_to_a_folder_inside_keeps_its_place(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    (project / "current").symlink_to("models/majora")
    plain = items.model(Path(), "majora", None)
    for route in (
        "models/majora",
        "data/../models/majora",
        str(project / "models/majora"),
        "current",
    ):
        assert items.model(Path(), "majora", Path(route)) == plain


def test_a_file_that_is_a_link_keeps_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project/models").mkdir(parents=True)
    (tmp_path / "project/cache").write_bytes(b"weights")
    (tmp_path / "project/models/adapter.bin").symlink_to(tmp_path / "project/cache")
    monkeypatch.chdir(tmp_path / "project")
    thing = items.model(Path(), "majora", Path("models/adapter.bin"))
    assert [str(path) for path in thing.files()] == ["models/adapter.bin"]


def put_unchecked(
    store: Folder, base: Path, path: str, stamp: str = "20290101T000000Z"
) -> Path:
    """An archive as a push without any check of its paths would have made it."""
    found = describe_file(base / path, PurePosixPath(path))
    manifest = Manifest("models", "thing", "project", (found,))
    name = ArchiveName("thing", stamp, manifest.content[:12]).file
    _, sealed = store.upload("models", name, lambda: pack(manifest, base))
    store.put("models", f"{name}.json", manifest.seal(sealed).to_bytes())
    return store.top / "models" / name


@pytest.mark.parametrize("path", ["../elsewhere/file", "a\\b", ".afs/manifest/x"])
@pytest.mark.parametrize("told", [False, True])
def test_what_cannot_be_restored_is_no_reason_to_delete(
    tmp_path: Path, path: str, told: bool
) -> None:
    base = tmp_path / "project"
    for name in (path, "file"):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(name)
    thing = Item("models", "thing", base, (PurePosixPath("file"),))
    store, _ = save(tmp_path / "AFS", thing)
    bad = put_unchecked(store, base, path)
    chosen = plan(store, 1, NOW, delete_damaged=told)
    assert chosen.remove == [], "neither the sound one, nor one whose bytes are whole"
    assert "cannot be restored" in chosen.left[f"models/{bad.name}"]
    cleanup(store, chosen)
    assert restored(store, "thing", tmp_path / "out") == {"file": b"file"}
    bad.write_bytes(bad.read_bytes()[:-5])
    assert bool(plan(store, 1, NOW, delete_damaged=told).remove) == told, (
        "damage is damage"
    )


def test_push_does_not_rest_on_an_archive_that_cannot_be_restored(
    tmp_path: Path,
) -> None:
    (tmp_path / "a\\b").write_text("x")
    store = Folder(tmp_path / "AFS", "one")
    put_unchecked(store, tmp_path, "a\\b")
    outcome = push(
        store,
        [Item("models", "thing", tmp_path, (PurePosixPath("a\\b"),))],
        NOW,
        "clone",
    )
    assert list(outcome.failed) == ["models/thing"], "not 'unchanged'"


def test_cleanup_removes_only_what_this_program_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    store, _ = save(
        tmp_path / "AFS", Item("models", "thing", tmp_path, (PurePosixPath("file"),))
    )
    models, logs = tmp_path / "AFS/models", tmp_path / "AFS/logs"
    logs.mkdir()
    sound = next(models.glob("*.tar.gz"))
    whole, manifest = sound.read_bytes(), (models / f"{sound.name}.json").read_bytes()
    foreign = {
        f"thing_20200101T000000Z-{NEVER}.tar.gz": by_hand("holiday.jpg"),
        f"thing_20200102T000000Z-{NEVER}.tar.gz": b"no archive at all",
        f"thing_20200102T000000Z-{NEVER}.tar.gz.json": b'{"mine": 1}',
        f"thing_20200103T000000Z-{NEVER}.tar.gz": b"",
        f"other_20200101T000000Z-{NEVER}.tar.gz.json": b'{"mine": 1}',
        "holiday.tar.gz.json": manifest,
        "holiday.tar.gz": whole,
        f".partial-thing-{NEVER}-0a1b2c3d.tar.gz": by_hand("holiday.jpg"),
        f".partial-other-{NEVER}-0a1b2c3d.tar.gz": b"",
        ".partial-holiday.tar.gz": whole,
        ".partial-notes.txt": b"mine",
    }
    ours = {
        f".partial-thing-{sound.name[-19:-7]}-0a1b2c3d.tar.gz": whole[:-9],
        sound.name.replace("2026", "2025") + ".json": manifest,
        sound.name.replace("2026", "2027"): whole[:-9],
        sound.name.replace("2026", "2027") + ".json": manifest,
        sound.name.replace("2026", "2028"): whole[:-9],
    }
    for name, data in (foreign | ours).items():
        (models / name).write_bytes(data)
        os.utime(models / name, (0, NOW.timestamp() - 2 * PARTIAL_AGE))
    (models / f"folder_20200101T000000Z-{NEVER}.tar.gz").mkdir()
    (models / f"folder_20200101T000000Z-{NEVER}.tar.gz/diary").write_text("mine")
    for number in range(120):
        (
            logs / f"backup_20260114T10{number // 60:02}{number % 60:02}Z-0a1b2c3d.log"
        ).write_text("a push")
    (logs / "a diary.txt").write_text("mine")
    before = contents(tmp_path, "AFS")
    cleanup(store, plan(store, 1, NOW, delete_damaged=True))
    gone = set(before) - set(contents(tmp_path, "AFS"))
    assert {path for path in gone if "models/" in path} == {
        f"AFS/models/{name}" for name in ours
    }
    assert len([path for path in gone if "logs/backup_" in path]) == 20
    assert "AFS/logs/a diary.txt" not in gone
    assert restored(store, "thing", tmp_path / "out") == {"file": b"x"}


def test_one_function_judges_everywhere() -> None:
    """A path at fault in an archive made by hand is said in the words that
    push says it in.
    """
    with pytest.raises(UserError) as caught:
        list(checked_members(iter([by_hand("../up")]), None, "here"))
    assert why_refused("../up") in caught.value.what
