"""The real dvc-gdrive and PyDrive2, and `afs backup` on top of them,
against a Drive on the loopback.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.backup_project import (
    PARAMS,
    afs,
    command,
    contents,
    noise,
    process_environment,
)
from support.checkout import ROOT, git
from support.loopback_drive import Handler, LoopbackDrive, stored_login

DATA = ("data/raw", "data/releases", "data/mixed", "models")
UPLOAD = r"PUT /upload/"


def dvc(folder: Path, drive: LoopbackDrive, *args: str) -> str:
    done = subprocess.run(
        ["python", "-m", "dvc", *args],
        cwd=folder,
        env=process_environment(drive.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_full_circle(on_drive: Path, drive: LoopbackDrive, tmp_path: Path) -> None:
    """Push, lose the clone and its cache, clone again, restore: everything is back,
    byte for byte.
    """
    env, before = drive.environment, contents(on_drive, *DATA)
    drive.page_size = 2
    assert "0 failed" in afs(on_drive, "push", "--all", env=env)
    titles = [file.title for file in drive.alive("project_")]
    assert len(titles) == 2, "an archive and the manifest beside it"
    bare = tmp_path / "origin.git"
    git(tmp_path, "clone", "-q", "--bare", str(on_drive), str(bare))
    secrets = (on_drive / ".dvc/config.local").read_bytes()
    shutil.rmtree(on_drive)

    new = tmp_path / "new"
    git(tmp_path, "clone", "-q", str(bare), str(new))
    (new / ".dvc/config.local").write_bytes(secrets)
    afs(new, "restore", "--all", env=env)
    dvc(new, drive, "pull")
    assert "up to date" in dvc(new, drive, "status")
    assert contents(new, *DATA) == before
    assert "the drill passed" in afs(new, "drill", env=env)


def test_plain_dvc_push_and_pull_go_to_drive(
    on_drive: Path, drive: LoopbackDrive, tmp_path: Path
) -> None:
    dvc(on_drive, drive, "push")
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(on_drive), str(other))
    shutil.copy(on_drive / ".dvc/config.local", other / ".dvc/config.local")
    dvc(other, drive, "fetch", "-r", "gdrive", "mix")
    dvc(other, drive, "pull", "train")
    assert contents(other, "models/majora") == contents(on_drive, "models/majora")
    assert "in sync" in dvc(on_drive, drive, "status", "-c")


def test_secrets_stay_out_of_git(on_drive: Path, key: Path) -> None:
    assert str(key) in (on_drive / ".dvc/config.local").read_text()
    assert "config.local" not in git(on_drive, "ls-files")
    assert str(key) not in (on_drive / ".dvc/config").read_text()
    assert "gdrive_trash_only = true" in (on_drive / ".dvc/config").read_text().lower()


def test_unchanged_content_moves_nothing(on_drive: Path, drive: LoopbackDrive) -> None:
    afs(on_drive, "push", "--training-data", env=drive.environment)
    before = {file.id for file in drive.alive()}
    drive.calls.clear()
    assert "0 saved" in afs(on_drive, "push", "--training-data", env=drive.environment)
    assert [
        call for call in drive.calls if call.startswith(("PUT", "POST /upload"))
    ] == []
    assert {file.id for file in drive.alive()} == before


def test_own_client_with_a_token_that_runs_out_in_the_middle(
    project: Path, drive: LoopbackDrive, tmp_path: Path
) -> None:
    login = stored_login(tmp_path / "login.json", "own-client", "own-secret")
    account = [
        "--client-id",
        "own-client",
        "--client-secret",
        "own-secret",
        "--credentials",
        str(login),
    ]
    afs(
        project,
        "setup",
        "--folder-id",
        "https://drive.google.com/drive/folders/ROOT-FOLDER",
        *account,
        env=drive.environment,
    )
    (project / "models/majora/adapter/big.bin").write_bytes(noise(20 * 2**20, 1))

    def expire(handler: Handler) -> bool:
        handler.drive.tokens.clear()
        return False

    drive.rule(UPLOAD, expire, nth=2)
    afs(project, "push", "--model", "majora", env=drive.environment)
    assert "1 sound, 0 damaged" in afs(
        project, "verify", "--deep", env=drive.environment
    )


@pytest.mark.parametrize(
    "fault",
    [
        lambda handler: handler.refuse(403, "rateLimitExceeded"),
        lambda handler: handler.refuse(500, "backendError"),
        lambda handler: handler.reset(),
        lambda handler: handler.take_half(),
        lambda handler: bool(time.sleep(2)),
    ],
    ids=["rate limit", "5xx", "reset", "half a chunk", "slow"],
)
def test_uploads_survive(on_drive: Path, drive: LoopbackDrive, fault: object) -> None:
    (on_drive / "models/majora/adapter/big.bin").write_bytes(noise(20 * 2**20, 2))
    drive.rule(UPLOAD, fault, nth=2)  # type: ignore[arg-type]
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    assert "1 sound, 0 damaged" in afs(
        on_drive, "verify", "--deep", env=drive.environment
    )
    assert len(drive.alive(".tar.gz")) == 2


def test_a_session_that_drive_forgot_begins_again(
    on_drive: Path, drive: LoopbackDrive
) -> None:
    (on_drive / "models/majora/adapter/big.bin").write_bytes(noise(20 * 2**20, 3))

    def forget(handler: Handler) -> bool:
        handler.drive.uploads.clear()
        return False

    drive.rule(UPLOAD, forget, nth=2)
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    assert "1 sound, 0 damaged" in afs(
        on_drive, "verify", "--deep", env=drive.environment
    )


def test_a_drive_that_is_full_in_the_middle(
    on_drive: Path, drive: LoopbackDrive
) -> None:
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    (on_drive / "models/majora/adapter/big.bin").write_bytes(noise(20 * 2**20, 10))
    drive.rule(
        UPLOAD,
        lambda handler: handler.refuse(403, "storageQuotaExceeded"),
        nth=2,
        times=2,
    )
    assert "the Drive is full" in afs(
        on_drive, "push", "--model", "majora", code=1, env=drive.environment
    )
    assert "1 sound, 0 damaged" in afs(
        on_drive, "verify", "--deep", env=drive.environment
    )
    drive.rules.clear()
    drive.calls.clear()
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    assert not [call for call in drive.calls if "bytes 0-8388607" in call], (
        "what Drive has is not sent again"
    )
    assert "2 sound, 0 damaged" in afs(
        on_drive, "verify", "--deep", env=drive.environment
    )


def test_downloads_survive(
    on_drive: Path, drive: LoopbackDrive, tmp_path: Path
) -> None:
    (on_drive / "models/majora/adapter/big.bin").write_bytes(noise(20 * 2**20, 4))
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    drive.rule("alt=media", lambda handler: handler.refuse(502, "backendError"), nth=3)
    drive.rule("alt=media", lambda handler: handler.reset(), nth=4)
    afs(
        on_drive,
        "restore",
        "majora",
        "--to",
        str(tmp_path / "there"),
        env=drive.environment,
    )
    assert contents(tmp_path / "there", "models") == contents(on_drive, "models/majora")


REFUSALS = {
    "quota": (r"POST /upload/", 403, "storageQuotaExceeded", "", "the Drive is full"),
    "service account": (
        r"POST /upload/",
        403,
        "storageQuotaExceeded",
        "Service Accounts do not have storage quota.",
        "has no storage of its own",
    ),
    "no folder": (
        r"GET /drive/v2/files/ROOT",
        404,
        "notFound",
        "File not found: .",
        "or is not shared",
    ),
    "permission": (
        r"POST /upload/",
        403,
        "insufficientFilePermissions",
        "",
        "may not write here",
    ),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_known_refusals_are_explained(
    project: Path, drive: LoopbackDrive, key: Path, case: tuple[str, int, str, str, str]
) -> None:
    pattern, status, reason, message, told = case
    drive.rule(
        pattern, lambda handler: handler.refuse(status, reason, message), times=99
    )
    account = ["--folder-id", "ROOT-FOLDER", "--service-account", str(key)]
    text = afs(project, "setup", *account, code=1, env=drive.environment)
    assert told in text
    assert "fix:" in text
    assert git(project, "status", "--porcelain") == "", (
        "a target that refuses does not become the default"
    )


def test_a_login_that_ran_out_is_explained(
    project: Path, drive: LoopbackDrive, tmp_path: Path
) -> None:
    login = stored_login(tmp_path / "login.json", "own-client", "own-secret")
    drive.revoked = True
    text = afs(
        project,
        "setup",
        "--folder-id",
        "ROOT-FOLDER",
        "--client-id",
        "own-client",
        "--client-secret",
        "own-secret",
        "--credentials",
        str(login),
        code=1,
        env=drive.environment,
    )
    assert "7 days" in text
    assert "Publish app" in text


def test_without_a_stored_login_no_browser_is_waited_for(
    project: Path, drive: LoopbackDrive
) -> None:
    text = afs(
        project,
        "setup",
        "--folder-id",
        "ROOT-FOLDER",
        "--client-id",
        "i",
        "--client-secret",
        "s",
        code=1,
        env=drive.environment,
    )
    assert "no stored login" in text


def test_the_configuration_as_shipped_says_what_to_do(project: Path) -> None:
    shutil.copy(ROOT / ".dvc/config", project / ".dvc/config")
    assert "afs backup setup" in afs(project, "list", "--target", "gdrive", code=1)


def test_two_files_of_one_name_are_two_archives(
    on_drive: Path, drive: LoopbackDrive
) -> None:
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    archive = next(
        file for file in drive.alive("majora_") if file.title.endswith(".tar.gz")
    )
    drive.add(
        archive.title, archive.parent, archive.mime, b"somebody's copy, cut short"
    )
    text = afs(on_drive, "verify", code=3, env=drive.environment)
    assert "1 sound, 1 damaged" in text
    afs(on_drive, "cleanup", "--keep", "1", env=drive.environment)
    assert archive.id in {file.id for file in drive.alive()}
    assert len(drive.alive(archive.title)) == 3


def test_the_manifest_that_two_archives_share_stays_with_the_one_that_stays(
    on_drive: Path, drive: LoopbackDrive
) -> None:
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    archive = next(
        file for file in drive.alive("majora_") if file.title.endswith(".tar.gz")
    )
    drive.add(archive.title, archive.parent, archive.mime, archive.data)
    drive.add(archive.title, archive.parent, archive.mime, archive.data[:-9])
    afs(on_drive, "cleanup", "--keep", "1", "--delete-damaged", env=drive.environment)
    assert "1 sound, 0 damaged" in afs(on_drive, "verify", env=drive.environment)


def test_cleanup_goes_to_the_trash(on_drive: Path, drive: LoopbackDrive) -> None:
    for text in ("one", "two", "three"):
        (on_drive / "models/majora/adapter/notes.txt").write_text(text)
        afs(on_drive, "push", "--model", "majora", env=drive.environment)
    afs(on_drive, "cleanup", "--keep", "2", env=drive.environment)
    archives = [
        file for file in drive.files.values() if file.title.startswith("majora_")
    ]
    assert sorted(file.trashed for file in archives) == [False] * 4 + [True] * 2


STEPS = {
    "first look": "GET /drive/v2/files",
    "folder": "POST /drive/v2/files",
    "begin": "POST /upload/",
    "chunk 1": (UPLOAD, 1),
    "chunk 2": (UPLOAD, 2),
    "last chunk": (UPLOAD, 3),
    "checksum": r"GET /drive/v2/files/id\d+\?.*md5",
    "manifest": ("POST /upload/", 2),
    "rename": "PATCH",
    "log": ("POST /upload/", 3),
}


@pytest.mark.parametrize(
    ("step", "before"),
    [(step, False) for step in STEPS]
    + [(step, True) for step in ("chunk 2", "manifest", "rename")],
)
def test_kill_9_at_every_step_of_a_push(
    on_drive: Path, drive: LoopbackDrive, step: str, before: bool
) -> None:
    """Killed when Drive sees a call, before or after it is carried out;
    the next push repairs it.
    """
    target = STEPS[step]
    pattern, nth = target if isinstance(target, tuple) else (target, 1)
    (on_drive / "models/majora/adapter/big.bin").write_bytes(noise(20 * 2**20, 5))
    kill_at(on_drive, drive, pattern, nth, before, "push", "--model", "majora")
    whole = [file for file in drive.alive("majora_") if file.title.endswith(".tar.gz")]
    sealed = {
        file.title.removesuffix(".json")
        for file in drive.alive("majora_")
        if file.title.endswith(".json")
    }
    assert {file.title for file in whole} <= sealed, (
        "an archive under its name is whole and has its manifest"
    )
    drive.calls.clear()
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    if step in ("chunk 2", "last chunk"):
        assert not [call for call in drive.calls if "bytes 0-8388607" in call], (
            "what Drive has is not sent again"
        )
    assert "1 sound, 0 damaged" in afs(
        on_drive, "verify", "--deep", env=drive.environment
    )


def kill_at(
    folder: Path, drive: LoopbackDrive, pattern: str, nth: int, before: bool, *args: str
) -> None:
    """Run `afs backup …` and kill it with signal 9 at the n-th call of a kind."""
    process: list[subprocess.Popen[bytes]] = []

    def kill(handler: Handler) -> bool:
        if before:
            handler.reset()
            os.kill(process[0].pid, signal.SIGKILL)
            return True
        handler.answer = lambda *_, **__: (
            os.kill(process[0].pid, signal.SIGKILL) or True
        )  # type: ignore[method-assign]
        return False

    drive.rule(pattern, kill, nth=nth)
    process.append(
        subprocess.Popen(
            command("backup", *args),
            cwd=folder,
            env=process_environment(drive.environment),
            stderr=subprocess.DEVNULL,
        )
    )
    assert process[0].wait() == -signal.SIGKILL, (
        "the command came through before the step was met"
    )
    drive.rules.clear()


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_kill_9_in_a_cleanup(on_drive: Path, drive: LoopbackDrive, nth: int) -> None:
    for text in ("one", "two", "three"):
        (on_drive / "models/majora/adapter/notes.txt").write_text(text)
        afs(on_drive, "push", "--model", "majora", env=drive.environment)
    kill_at(on_drive, drive, "/trash", nth, False, "cleanup", "--keep", "1")
    afs(on_drive, "verify", env=drive.environment)
    afs(on_drive, "cleanup", "--keep", "1", env=drive.environment)
    assert "1 sound, 0 damaged" in afs(
        on_drive, "verify", "--deep", env=drive.environment
    )


def test_an_object_that_rots_on_drive_is_found(
    on_drive: Path, drive: LoopbackDrive
) -> None:
    afs(on_drive, "push", "--model", "majora", env=drive.environment)
    archive = next(
        file for file in drive.alive("majora_") if file.title.endswith(".tar.gz")
    )
    archive.data = archive.data[:-9] + b"?" + archive.data[-8:]
    assert "1 sound" in afs(on_drive, "verify", env=drive.environment), (
        "Drive still vouches for it"
    )
    assert f"DAMAGED models/{archive.title}" in afs(
        on_drive, "verify", "--deep", code=3, env=drive.environment
    )
    (on_drive / "models/majora/adapter/training.json").unlink()
    before = contents(on_drive, "models")
    assert "damaged" in afs(
        on_drive, "restore", "majora", code=1, env=drive.environment
    )
    assert contents(on_drive, "models") == before


def test_setup_keeps_what_people_wrote(project: Path, place: Path) -> None:
    shutil.copy(ROOT / ".dvc/config", project / ".dvc/config")
    afs(project, "setup", "--folder", str(place))
    comments = [
        line
        for line in (ROOT / ".dvc/config").read_text().splitlines()
        if line.startswith("#")
    ]
    text = (project / ".dvc/config").read_text()
    assert [line for line in text.splitlines() if line.startswith("#")] == comments
    assert (project / "params.yaml").read_text() == PARAMS
