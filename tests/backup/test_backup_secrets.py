"""No archive holds a credential: not the project's, not a model's,
tracked by Git or not.
"""

import os
import tarfile
from pathlib import Path

import pytest
from support.backup_project import afs
from support.checkout import git

from afs_stages.backup import items

MARK = "wor" + "d-that-must-not-leave"
INLINE = [
    "gdrive_client_secret",
    "password",
    "passphrase",
    "token",
    "secret_access_key",
    "session_token",
    "sas_token",
    "account_key",
    "connection_string",
    "oss_key_secret",
    "sse_customer_key",
]
NAMING = [
    "gdrive_service_account_json_file_path",
    "gdrive_user_credentials_file",
    "credentialpath",
    "configpath",
    "keyfile",
    "key_path",
    "cert_path",
    "kerb_ticket",
    "token_file",
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own: rclone's and DVC's configuration of the
    machine lie there.
    """
    for name in ("RCLONE_CONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def saved(root: Path) -> set[str]:
    return {str(path) for thing in items.everything(root) for path in thing.files()}


def add_remote(config: Path, *lines: str) -> None:
    """A remote with these settings in a file in DVC's format."""
    before = config.read_text() if config.is_file() else ""
    settings = "".join(f"    {line}\n" for line in lines)
    config.write_text(
        f"{before}['remote \"other\"']\n    url = ssh://host/path\n{settings}"
    )


def test_no_archive_holds_a_credential(
    project: Path, place: Path, tmp_path: Path
) -> None:
    (project / ".gitignore").write_text(
        (project / ".gitignore").read_text() + "/id_ignored\n"
    )
    adapter, raw = project / "models/majora/adapter", project / "data/raw/oracle"
    named = {
        "key.json": project / "key.json",
        "deep/login.json": project / "deep/login.json",
        "application.json": project / "application.json",
        "rclone.conf": project / "rclone.conf",
        "drive.json": project / "drive.json",
        "id_raw": raw / "id_raw",
        "id_model": adapter / "id_model",
        ".dvc/config.local": project / ".dvc/config.local",
    }
    for path in [*named.values(), project / ".env"]:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{MARK} {path.name}")
    add_remote(
        project / ".dvc/config", "gdrive_user_credentials_file = ../deep/login.json"
    )
    add_remote(
        project / ".dvc/config.local",
        "gdrive_service_account_json_file_path = ../key.json",
        f"keyfile = '{raw}/id_raw'",
        "credentialpath = ../models/majora/adapter/id_model   # the model's",
        f"password = {MARK}",
    )
    (project / "rclone.conf").write_text(
        f"[d]\ntype = drive\nservice_account_file = {project}/drive.json\n"
        f"pass = {MARK}\n"
    )
    (adapter / "link.json").symlink_to(project / "key.json")
    os.link(project / "key.json", raw / "hard.json")
    git(project, "add", "-A")
    git(project, "add", "-f", *[str(path) for path in named.values()])
    git(project, "rm", "-q", "--cached", ".env")
    env = {
        "GOOGLE_APPLICATION_CREDENTIALS": "application.json",
        "RCLONE_CONFIG": str(project / "rclone.conf"),
    }
    text = afs(project, "push", "--all", "--no-dvc", "--target", f"{place}/", env=env)
    for name in [*named, "link.json", "hard.json"]:
        assert f"{name} is left out of" in text
    assert ".env" in text, "what Git does not track is said"
    assert MARK not in text
    archives = list((place / "AFS_Backups").rglob("*.tar.gz"))
    assert len(archives) > 4
    for archive in archives:
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member)
                assert content is not None
                assert MARK.encode() not in content.read(), (
                    f"{member.name} in {archive.name}"
                )


def test_only_what_git_tracks_is_the_projects(project: Path) -> None:
    (project / "notes.md").write_text("untracked")
    (project / "make.py").unlink()
    odd = os.fsdecode(b"caf\xe9.md")
    (project / odd).write_text("tracked, under a name that is no UTF-8")
    git(project, "add", "--", odd)
    found = saved(project)
    assert {"params.yaml", "dvc.yaml", "dvc.lock", ".dvc/config", odd} <= found
    assert not {"notes.md", "make.py"} & found


@pytest.mark.parametrize("key", NAMING)
@pytest.mark.parametrize("config", [".dvc/config", ".dvc/config.local"])
def test_every_setting_that_names_a_credential_counts(
    tmp_path: Path, key: str, config: str
) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "models/majora").mkdir(parents=True)
    for name in ("credential", "weights"):
        (tmp_path / "models/majora" / name).write_text(name)
    add_remote(tmp_path / config, f"{key} = ../models/majora/credential")
    thing = items.model(tmp_path, "majora", None)
    assert [str(path) for path in thing.files()] == ["models/majora/weights"]


@pytest.mark.parametrize(
    "line",
    [f"{key} = {MARK}" for key in INLINE] + [f"proxy = https://me:{MARK}@host/x"],
)
@pytest.mark.parametrize("with_git", [True, False])
def test_a_configuration_with_a_secret_in_it_stays_here(
    tmp_path: Path, line: str, with_git: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "params.yaml").write_text("sources: {}\n")
    add_remote(tmp_path / ".dvc/config", line)
    if with_git:
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "-A")
    assert saved(tmp_path) == {"params.yaml"}
    told = capsys.readouterr().err
    assert ".dvc/config is left out of training_data/project: it holds a secret" in told
    assert line.split()[0] in told
    assert MARK not in told


def test_a_configuration_without_a_secret_is_saved(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    add_remote(
        tmp_path / ".dvc/config",
        "ask_password = true",
        "gdrive_client_secret =",
        "keyfile = ~/.ssh/id_of_nobody",
        "exclude_environment_credential = true",
        "gdrive_use_service_account = true",
        "# password = commented",
    )
    assert saved(tmp_path) == {".dvc/config"}


def test_the_machines_own_configuration_counts(project: Path, home: Path) -> None:
    """rclone's in the home folder, and what it names; the key for rented machines;
    a stored login.
    """
    adapter = project / "models/majora/adapter"
    places = [
        adapter / "key.json",
        project / ".afs/remote/ssh/id_ed25519",
        project / ".dvc/tmp/gdrive-credentials.json",
    ]
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MARK)
    conf = home / ".config/rclone/rclone.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f"[d]\nservice_account_file = {adapter}/key.json\n")
    (adapter / "rclone.conf").symlink_to(conf)
    for folder in (project, project / ".afs/remote", project / ".dvc"):
        thing = items.model(project, "majora", folder)
        contents = [
            (thing.base / path).read_text(errors="replace") for path in thing.files()
        ]
        assert not [
            text for text in contents if MARK in text or "service_account" in text
        ]
