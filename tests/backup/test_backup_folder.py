"""Archives in a plain folder, which stands for a mounted Drive: faults,
retention, restore.
"""

import json
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.backup_project import afs, command, contents, noise, process_environment
from support.checkout import dvc, git

from afs_stages.backup import catalog
from afs_stages.backup.cleanup import cleanup, plan
from afs_stages.backup.folder import Folder
from afs_stages.backup.items import Item
from afs_stages.backup.push import push
from afs_stages.backup.state import LocalState
from afs_stages.core.errors import UserError

NOW = datetime(2026, 1, 14, 10, 30, 45, tzinfo=UTC)
ADAPTER = "models/majora/adapter"


def archives(place: Path, category: str = "models") -> list[Path]:
    return sorted((place / "AFS_Backups" / category).glob("[!.]*.tar.gz"))


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def to(place: Path) -> list[str]:
    return ["--target", f"{place}/"]


def test_setup_makes_dvc_push_go_there_and_the_drill_passes(
    project: Path, place: Path
) -> None:
    afs(project, "setup", "--folder", str(place))
    dvc(project, "push")
    assert list((place / "AFS_Backups/dvc/files/md5").iterdir())
    git(project, "commit", "-q", "-am", "folder")
    text = afs(project, "push", "--all")
    assert "0 failed" in text
    assert (place / "AFS_Backups/training_data").is_dir()
    assert "the drill passed" in afs(project, "drill")
    success = json.loads((project / ".afs/backup/last-success.json").read_text())
    assert success["target"] == str(place / "AFS_Backups")
    assert list((place / "AFS_Backups/logs").glob("backup_*.log"))


def test_the_drill_fails_when_something_does_not_come_back(
    project: Path, place: Path, tmp_path: Path
) -> None:
    registry = project / "models/registry/majora-v1.json"
    record = json.loads(registry.read_text())
    record["adapter"]["hash"] = "0" * 32
    registry.write_text(json.dumps(record))
    (project / "make.py").write_text(
        (project / "make.py").read_text() + "# changed, not run\n"
    )
    git(project, "commit", "-q", "-am", "stale")
    afs(project, "push", "--all", *to(place))
    text = afs(project, "drill", *to(place), "--to", str(tmp_path / "look"), code=3)
    assert "would run 2 stages: mix, train" in text
    assert "its hash is not the registry's" in text
    assert (tmp_path / "look/clone/dvc.yaml").is_file()


def test_dry_runs_write_nothing(project: Path, place: Path) -> None:
    assert "would save training_data/raw_oracle" in afs(
        project, "push", "--training-data", "--dry-run", *to(place)
    )
    assert list(place.rglob("*.gz")) == []
    afs(project, "push", "--model", "majora", *to(place))
    (project / ADAPTER / "more").write_text("x")
    afs(project, "push", "--model", "majora", *to(place))
    before = contents(place)
    assert "would remove" in afs(
        project, "cleanup", "--keep", "1", "--dry-run", *to(place)
    )
    assert contents(place) == before


def test_a_model_from_anywhere_restores_as_the_manual_says(
    project: Path, place: Path, tmp_path: Path
) -> None:
    for where in ("one", "two"):
        output = tmp_path / where / "majora-v1-lora"
        output.mkdir(parents=True)
        (output / "adapter.bin").write_text(where)
        afs(
            project,
            "push",
            "--model",
            "majora-v1-lora",
            "--path",
            str(output),
            *to(place),
        )
    assert len(archives(place)) == 2, "two folders of one name never collide"
    afs(project, "cleanup", "--keep", "1", *to(place))
    assert len(archives(place)) == 2, "and --keep counts them apart"
    afs(
        project,
        "restore",
        archives(place)[0].name,
        "--to",
        str(tmp_path / "out"),
        *to(place),
    )
    assert (tmp_path / "out/majora-v1-lora/adapter.bin").read_text() == "one"
    subprocess.run(
        ["tar", "-xzf", str(archives(place)[1]), "-C", str(tmp_path)], check=True
    )
    assert (tmp_path / "majora-v1-lora/adapter.bin").read_text() == "two"


def test_a_corrupted_archive_is_found_named_and_never_restored(
    project: Path, place: Path
) -> None:
    afs(project, "push", "--model", "majora", *to(place))
    good = contents(project, ADAPTER)
    (project / ADAPTER / "more").write_text("newer")
    afs(project, "push", "--model", "majora", *to(place))
    newest = archives(place)[-1]
    damage(newest)
    assert f"DAMAGED models/{newest.name}" in afs(project, "verify", *to(place), code=3)
    (project / ADAPTER / "more").write_text("mine")
    now = contents(project, ADAPTER)
    assert "damaged" in afs(
        project, "restore", newest.name, "--force", *to(place), code=1
    )
    assert contents(project, ADAPTER) == now, "nothing was restored over good data"
    shutil.rmtree(project / ADAPTER)
    assert "passed over" in afs(project, "restore", "majora", *to(place))
    assert contents(project, ADAPTER) == good
    afs(project, "cleanup", "--keep", "1", *to(place))
    assert len(archives(place)) == 2, (
        "the sound one is the last good copy, the damaged one is not ours to judge"
    )
    afs(project, "cleanup", "--keep", "1", "--delete-damaged", *to(place))
    assert newest not in archives(place)
    assert "1 sound, 0 damaged" in afs(project, "verify", "--deep", *to(place))


def test_a_damaged_latest_archive_is_pushed_again(project: Path, place: Path) -> None:
    afs(project, "push", "--model", "majora", *to(place))
    with archives(place)[0].open("r+b") as file:
        file.truncate(100)
    assert "1 saved" in afs(project, "push", "--model", "majora", *to(place))
    assert "1 sound, 1 damaged" in afs(project, "verify", *to(place), code=3)


def test_restore_overwrites_only_with_force(project: Path, place: Path) -> None:
    afs(project, "push", "--model", "majora", *to(place))
    training = project / ADAPTER / "training.json"
    before = training.read_text()
    training.unlink()
    training.write_text("mine")
    text = afs(project, "restore", "majora", *to(place), code=1)
    assert "training.json" in text
    assert "--force" in text
    assert training.read_text() == "mine"
    afs(project, "restore", "majora", "--force", *to(place))
    assert training.read_text() == before
    assert "0 files written" in afs(project, "restore", "majora", *to(place))


def test_one_item_that_cannot_be_restored_does_not_keep_the_others_away(
    project: Path, place: Path
) -> None:
    afs(project, "push", "--all", "--no-dvc", *to(place))
    damage(next(path for path in archives(place) if path.name.startswith("registry")))
    shutil.rmtree(project / "models")
    (project / "make.py").write_text("mine")
    text = afs(project, "restore", "--all", *to(place), code=1)
    assert "no sound archive" in text
    assert "models/registry" in text
    assert "'make.py'" in text
    assert (project / ADAPTER / "training.json").is_file()
    assert (project / "make.py").read_text() == "mine"


def test_restore_does_not_follow_links_out(
    project: Path, place: Path, tmp_path: Path
) -> None:
    afs(project, "push", "--model", "majora", *to(place))
    (tmp_path / "there").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "there/models").symlink_to(tmp_path / "elsewhere")
    assert "outside" in afs(
        project,
        "restore",
        "majora",
        "--to",
        str(tmp_path / "there"),
        *to(place),
        code=1,
    )
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_archives_of_the_predecessor_are_listed_restored_and_kept(
    project: Path, place: Path, tmp_path: Path
) -> None:
    old = place / "AFS_Backups/models/majora-v1-lora_20260114.tar.gz"
    old.parent.mkdir(parents=True)
    (tmp_path / "majora-v1-lora").mkdir()
    (tmp_path / "majora-v1-lora/adapter.bin").write_text("old")
    with tarfile.open(old, "w:gz") as tar:
        tar.add(tmp_path / "majora-v1-lora", "majora-v1-lora")
    assert "no manifest" in afs(project, "list", *to(place))
    assert "no manifest" in afs(
        project, "restore", old.name, "--to", str(tmp_path / "out"), *to(place)
    )
    assert (tmp_path / "out/majora-v1-lora/adapter.bin").read_text() == "old"
    afs(project, "cleanup", "--keep", "1", "--delete-damaged", *to(place))
    assert old.is_file()


@pytest.mark.parametrize("step", [".partial-*", "[!.]*.tar.gz.json", "[!.]*.tar.gz"])
def test_kill_9_in_a_push(project: Path, place: Path, step: str) -> None:
    (project / ADAPTER / "big.bin").write_bytes(noise(24 * 2**20, 6))
    kill_when(
        project,
        lambda: any((place / "AFS_Backups/models").glob(step)),
        "push",
        "--model",
        "majora",
        *to(place),
    )
    for path in archives(place):
        assert path.with_name(path.name + ".json").is_file()
    afs(project, "push", "--model", "majora", *to(place))
    assert "0 damaged" in afs(project, "verify", "--deep", *to(place))
    assert len(archives(place)) == 1
    assert not list((place / "AFS_Backups/models").glob(".partial-*"))


@pytest.mark.parametrize("stage", ["fetching", "placing"])
def test_kill_9_in_a_restore(
    project: Path, place: Path, tmp_path: Path, stage: str
) -> None:
    """Every file is the old one or the new one, whole;
    the next restore ends the work.
    """
    for number in range(400):
        (project / ADAPTER / f"shard{number:03}").write_bytes(noise(20_000, number))
    afs(project, "push", "--model", "majora", *to(place))
    wanted = contents(project, "models/majora")
    for path in (project / ADAPTER).glob("shard*"):
        path.unlink()
        path.write_bytes(b"old")

    def begun() -> bool:
        if stage == "fetching":
            return any(project.glob(".afs-restore-*/**/shard010"))
        return (project / ADAPTER / "shard000").stat().st_size > 3

    kill_when(project, begun, "restore", "majora", "--force", *to(place))
    for path, data in contents(project, "models/majora").items():
        assert data in (wanted[path], b"old")
    afs(project, "restore", "majora", "--force", *to(place))
    assert contents(project, "models/majora") == wanted
    assert list(project.glob(".afs-restore-*")) == []


def kill_when(folder: Path, condition: object, *args: str) -> None:
    """Run `afs backup …` and kill it with signal 9 as soon as the condition holds."""
    process = subprocess.Popen(
        command("backup", *args),
        cwd=folder,
        env=process_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if condition():  # type: ignore[operator]
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.0005)
    process.wait()


def full_disk(limit: int) -> object:
    """No file of the process may grow over `limit` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def test_a_full_disk_on_either_side_loses_nothing(project: Path, place: Path) -> None:
    afs(project, "push", "--model", "majora", *to(place))
    (project / ADAPTER / "big.bin").write_bytes(noise(4 * 2**20, 7))
    before = contents(place, "AFS_Backups/models")
    text = on_a_full_disk(project, "push", "--model", "majora", *to(place))
    assert "the disk is full" in text
    left = contents(place, "AFS_Backups/models")
    assert {
        path: data for path, data in left.items() if "/.partial-" not in path
    } == before
    afs(project, "push", "--model", "majora", *to(place))
    assert "2 sound, 0 damaged" in afs(project, "verify", "--deep", *to(place))

    wanted = contents(project, "models/majora")
    (project / ADAPTER / "big.bin").write_bytes(b"old")
    on_a_full_disk(project, "restore", "majora", "--force", *to(place))
    assert (project / ADAPTER / "big.bin").read_bytes() == b"old"
    afs(project, "restore", "majora", "--force", *to(place))
    assert contents(project, "models/majora") == wanted


def on_a_full_disk(folder: Path, *args: str) -> str:
    done = subprocess.run(
        command("backup", *args),
        cwd=folder,
        env=process_environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=full_disk(2 * 2**20),  # type: ignore[arg-type]
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_two_pushes_at_once(project: Path, place: Path, tmp_path: Path) -> None:
    """A second command of one clone leaves at once; another clone pushes beside the
    first without colliding.
    """
    with LocalState(project).lock():
        for args in (["push", "--model", "majora"], ["cleanup"], ["restore", "majora"]):
            assert "another backup is running" in afs(
                project, *args, *to(place), code=75
            )
    (project / ADAPTER / "big.jsonl").write_bytes(noise(16 * 2**20, 8))
    other = Path(
        shutil.copytree(
            project, tmp_path / "other", ignore=shutil.ignore_patterns(".afs")
        )
    )
    env, push_model = (
        process_environment(),
        command("backup", "push", "--model", "majora", *to(place)),
    )
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    first = subprocess.Popen(push_model, cwd=project, env=env, **quiet)  # type: ignore[call-overload]
    second = subprocess.Popen(push_model, cwd=other, env=env, **quiet)  # type: ignore[call-overload]
    assert (first.wait(), second.wait()) == (0, 0)
    assert "0 damaged" in afs(project, "verify", "--deep", *to(place))


def test_two_clones_that_write_one_name_while_a_third_looks(place: Path) -> None:
    """Neither writer trips over the other's temporary file,
    nor a reader over a name that goes away.
    """
    writers = [Folder(place, "one"), Folder(place, "other")]

    def write(store: Folder) -> None:
        for size in range(300):
            store.put("logs", "same.log", b"x" * size)

    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(write, store) for store in writers]
        while not all(one.done() for one in busy):
            assert all(entry.size < 300 for entry in writers[0].entries("logs"))
        for one in busy:
            one.result()
    assert [entry.name for entry in writers[0].entries("logs")] == ["same.log"]


def test_one_item_that_fails_does_not_keep_the_others_from_being_saved(
    project: Path, place: Path
) -> None:
    (project / "models/bad name").mkdir()
    (project / "models/bad name/x").write_text("x")
    text = afs(project, "push", "--all", "--no-dvc", *to(place), code=1)
    assert "1 failed" in text
    assert len(archives(place)) == 2
    assert not (project / ".afs/backup/last-success.json").exists()


def test_a_target_that_is_not_mounted_is_an_error(
    project: Path, tmp_path: Path
) -> None:
    text = afs(
        project, "push", "--all", "--target", str(tmp_path / "nothing/there"), code=1
    )
    assert "no such folder" in text


def test_a_broken_params_file_does_not_stop_a_restore(
    project: Path, place: Path
) -> None:
    afs(project, "push", "--training-data", *to(place))
    wanted = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text("sources: [")
    assert "--target" in afs(project, "restore", "project", "--force", code=1)
    afs(project, "restore", "project", "--force", *to(place))
    assert (project / "params.yaml").read_text() == wanted


def test_large_folders_stream(project: Path, place: Path) -> None:
    with (project / ADAPTER / "huge.bin").open("wb") as file:
        file.truncate(600 * 2**20)
    for args in (["push", "--model", "majora"], ["verify", "--deep"]):
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *command("backup", *args, *to(place))],
            cwd=project,
            env=process_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout) < 200 * 1024, (
            f"{int(done.stdout) // 1024} MB for {args[0]}"
        )


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Peak memory in KB of a command, started from a small process:
a child inherits its parent's peak.
"""


def test_a_clock_that_jumps_does_not_reorder(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    store, thing = (
        Folder(tmp_path / "target/AFS", "one"),
        Item("models", "thing", tmp_path, (PurePosixPath("file"),)),
    )
    for text, now in (
        ("a", NOW),
        ("b", NOW + timedelta(days=9999)),
        ("c", NOW - timedelta(days=9999)),
    ):
        (tmp_path / "file").write_text(text)
        assert not push(store, [thing], now, "clone").failed
    cleanup(store, plan(store, 1, NOW))
    kept = catalog.find(store, "thing")
    assert kept.id is not None
    assert kept.id.content == thing.describe().content[:12], (
        "the last one pushed is the one that is kept"
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("xy"), st.integers(0, 3), st.booleans()),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 3),
    st.booleans(),
)
def test_cleanup_keeps_what_it_must(
    history: list[tuple[str, int, bool]], keep: int, told: bool
) -> None:
    """Whatever was pushed and damaged: of each item the newest `keep` sound archives
    stay, and the damaged ones.
    """
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        store = Folder(base / "AFS", "one")
        for name, content, broken in history:
            (base / name).write_bytes(bytes([content]) * 100)
            push(
                store,
                [Item("models", name, base, (PurePosixPath(name),))],
                NOW,
                "clone",
            )
            newest = catalog.listing(store, "models").archives
            mine = [one for one in newest if one.name == name][-1]
            if broken:
                damage(base / "AFS" / mine.entry.path)
        before = state(store)
        cleanup(store, plan(store, keep, NOW, delete_damaged=told))
        after = state(store)
        for name, files in before.items():
            sound = [file for file, good in files if good]
            assert [file for file, good in after.get(name, []) if good] == sound[-keep:]
            damaged = [file for file, good in files if not good]
            if not told or not sound:
                assert [
                    file for file, good in after.get(name, []) if not good
                ] == damaged


def state(store: Folder) -> dict[str, list[tuple[str, bool]]]:
    found: dict[str, list[tuple[str, bool]]] = {}
    for archive in catalog.listing(store, "models").archives:
        found.setdefault(archive.name, []).append(
            (archive.entry.name, not catalog.problem(store, archive))
        )
    return found


def test_the_same_name_in_two_categories_must_be_told_apart(tmp_path: Path) -> None:
    store = Folder(tmp_path / "AFS", "one")
    (tmp_path / "file").write_text("x")
    for category in ("models", "training_data"):
        push(
            store,
            [Item(category, "thing", tmp_path, (PurePosixPath("file"),))],
            NOW,
            "clone",
        )
    with pytest.raises(UserError, match="training_data and models"):
        catalog.find(store, "thing")
    assert catalog.find(store, "models/thing").entry.folder == "models"
    with pytest.raises(UserError, match="did you mean 'thing'"):
        catalog.find(store, "thin")
