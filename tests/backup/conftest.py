import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.backup_project import afs, make_project
from support.checkout import git
from support.loopback_drive import LoopbackDrive, service_account_key


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project, made once."""
    return make_project(tmp_path_factory.mktemp("pattern") / "project")


@pytest.fixture
def project(pattern: Path, tmp_path: Path) -> Path:
    """A copy of it with its data, in a folder of its own."""
    return Path(shutil.copytree(pattern, tmp_path / "project", symlinks=True))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A mounted folder."""
    (tmp_path / "mounted").mkdir()
    return tmp_path / "mounted"


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[LoopbackDrive]:
    """An empty Drive."""
    (tmp_path / "drive").mkdir()
    server = LoopbackDrive(tmp_path / "drive")
    yield server
    server.close()


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service account."""
    return service_account_key(tmp_path_factory.mktemp("key") / "key.json")


@pytest.fixture(scope="session")
def drive_pattern(
    pattern: Path, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The project set up to push to a Drive, made once."""
    place = tmp_path_factory.mktemp("drive-pattern")
    project = Path(shutil.copytree(pattern, place / "project", symlinks=True))
    server = LoopbackDrive(place)
    afs(
        project,
        "setup",
        "--folder-id",
        "ROOT-FOLDER",
        "--service-account",
        str(key),
        env=server.environment,
    )
    server.close()
    git(project, "commit", "-q", "-am", "Drive")
    return project


@pytest.fixture
def on_drive(drive_pattern: Path, tmp_path: Path) -> Path:
    """A copy of it, in a folder of its own."""
    return Path(shutil.copytree(drive_pattern, tmp_path / "project", symlinks=True))
