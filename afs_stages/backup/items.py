"""What is backed up: one item per thing that is restored as one,
so that a change moves little.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from afs_stages.backup.manifest import Manifest, describe_file
from afs_stages.backup.member_paths import refused
from afs_stages.backup.naming import check_name
from afs_stages.backup.secrets import FileId, file_id, secret_files
from afs_stages.core import layout
from afs_stages.core.console import warn
from afs_stages.core.errors import UserError

SKIPPED = {"__pycache__", ".git", ".afs"}
PIPELINE = [
    "params.yaml",
    "dvc.yaml",
    "dvc.lock",
    "remote/dvc.yaml",
    "remote/dvc.lock",
    ".dvc/config",
]


@dataclass(frozen=True)
class Item:
    """Files and folders below `base` that make one archive,
    without the `secrets` (file -> why).
    """

    category: str
    name: str
    base: Path
    paths: tuple[PurePosixPath, ...]
    origin: str = "project"
    secrets: dict[FileId, str] = field(default_factory=dict, compare=False, repr=False)

    def files(self) -> list[PurePosixPath]:
        """Every file, relative to `base`, in one order on every machine."""
        found: set[PurePosixPath] = set()
        for path in self.paths:
            found.update(_walk(self.base, path))
        return [path for path in sorted(found, key=str) if not self._is_secret(path)]

    def _is_secret(self, path: PurePosixPath) -> bool:
        number = file_id(self.base / path)
        why = self.secrets.get(number) if number else None
        if why:
            warn(f"{path} is left out of {self.category}/{self.name}: {why}")
        return why is not None

    def describe(self) -> Manifest:
        """Hash every file. Raises `UserError` for a path that restore would refuse."""
        check_name(self.name)
        paths = self.files()
        if why := refused(str(path) for path in paths):
            raise UserError(
                f"{why}, and restore would refuse it; nothing of it was saved",
                where=f"{self.category}/{self.name}",
                fix="rename the file or folder, or move it away",
            )
        files = tuple(describe_file(self.base / path, path) for path in paths)
        return Manifest(self.category, self.name, self.origin, files)


def _walk(base: Path, path: PurePosixPath) -> list[PurePosixPath]:
    full = base / path
    if full.is_file():
        return [path]
    found = []
    for folder, folders, names in os.walk(full):
        folders[:] = [
            name
            for name in folders
            if name not in SKIPPED and not name.endswith(".checkpoints")
        ]
        for link in [name for name in folders if (Path(folder) / name).is_symlink()]:
            warn(f"{Path(folder) / link} is a link to a folder and is not followed")
        found += [Path(folder, name) for name in names if Path(folder, name).is_file()]
    return [
        PurePosixPath(file.relative_to(base).as_posix())
        for file in found
        if not _is_temporary(file.name)
    ]


def _is_temporary(name: str) -> bool:
    return (
        name.startswith(".") and name.endswith((".tmp", ".lock"))
    ) or name == ".lock"


def everything(root: Path) -> list[Item]:
    """Data, models, evaluations and the project's own files."""
    reports = [
        path
        for path in _children(root, "reports")
        if path != PurePosixPath("reports/run")
    ]
    evaluations = (
        [Item("evaluations", "reports", root, tuple(reports))] if reports else []
    )
    return [*training_data(root), *models(root), *_guarded(root, evaluations)]


def training_data(root: Path) -> list[Item]:
    """Raw snapshots, releases, rehearsal buffers with the current mix, splits,
    and what Git tracks.
    """
    items = [*_raw(root), *_releases(root), *_current(root)]
    if (root / layout.SPLITS).is_dir():
        items.append(
            Item("training_data", "splits", root, (PurePosixPath(layout.SPLITS),))
        )
    items.append(Item("training_data", "project", root, tuple(_tracked(root))))
    return _guarded(root, items)


def models(root: Path) -> list[Item]:
    """Adapters, base model, discriminator and registry:
    one item per folder in models/.
    """
    folders = [path for path in _children(root, "models") if (root / path).is_dir()]
    return _guarded(
        root, [Item("models", path.name, root, (path,)) for path in folders]
    )


def _guarded(root: Path, items: list[Item]) -> list[Item]:
    """The items, knowing which files hold the project's secrets."""
    secrets = secret_files(root)
    return [replace(item, secrets=secrets) for item in items]


def model(root: Path, name: str, path: Path | None) -> Item:
    """One model, from models/NAME or any folder or file; restored as
    `<folder's name>/…` if it lies outside.
    """
    return _guarded(root, [_model(root, name, path)])[0]


def _model(root: Path, name: str, path: Path | None) -> Item:
    folder = _real(path) if path else root.absolute() / "models" / name
    if not folder.exists():
        known = ", ".join(item.name for item in models(root)) or "(none)"
        raise UserError(
            f"no model in {folder}",
            fix=f"give its folder with --path; in models/: {known}",
        )
    if path is None:
        return Item("models", name, root, (PurePosixPath("models", name),))
    if folder.is_relative_to(root.resolve()):
        return Item(
            "models",
            name,
            root,
            (PurePosixPath(folder.relative_to(root.resolve()).as_posix()),),
        )
    return Item(
        "models", name, folder.parent, (PurePosixPath(folder.name),), folder.as_posix()
    )


def _real(path: Path) -> Path:
    """Where a path leads, without `..` and links.

    A file keeps its own name, which a link into a cache would take from it.
    """
    return path.parent.resolve() / path.name if path.is_file() else path.resolve()


def _children(root: Path, folder: str) -> list[PurePosixPath]:
    paths = sorted((root / folder).iterdir()) if (root / folder).is_dir() else []
    return [
        PurePosixPath(folder, path.name)
        for path in paths
        if not path.name.startswith(".")
    ]


def _raw(root: Path) -> list[Item]:
    """data/raw by source; imports are in there too,
    since `dvc push` leaves them to their origin.
    """
    paths = {
        f"raw_{path.name}": path
        for path in _children(root, "data/raw")
        if not path.name.endswith(".dvc")
    }
    for key, folder in _source_roots(root).items():
        if not folder.is_relative_to("data/raw") and not folder.is_relative_to(
            "data/sample"
        ):
            paths.setdefault(f"raw_{key}", folder)
    return [
        Item("training_data", name, root, (path,))
        for name, path in sorted(paths.items())
    ]


def _source_roots(root: Path) -> dict[str, PurePosixPath]:
    """Source folders inside the project, by key;
    a broken params.yaml must not stop a backup.
    """
    from afs_stages.core.params import load

    try:
        sources = load(root / layout.PARAMS).sources
    except UserError as error:
        warn(f"sources outside data/raw are not looked for: {error}")
        return {}
    roots = {}
    for key, source in sources.items():
        folder = root / source.root
        if folder.exists() and folder.resolve().is_relative_to(root.resolve()):
            roots[key] = PurePosixPath(
                folder.resolve().relative_to(root.resolve()).as_posix()
            )
        elif folder.exists():
            warn(
                f"sources.{key}.root lies outside the project and is not backed up: "
                f"{source.root}"
            )
    return roots


def _releases(root: Path) -> list[Item]:
    folders = [
        path
        for model in _children(root, str(layout.RELEASES))
        for path in _children(root, str(model))
    ]
    return [
        Item("training_data", f"{path.parent.name}_{path.name}", root, (path,))
        for path in folders
        if (root / path).is_dir()
    ]


def _current(root: Path) -> list[Item]:
    buffers = {path.name.split(".")[0] for path in _children(root, "data/rehearsal")}
    names = sorted(buffers | {path.name for path in _children(root, "data/mixed")})
    found = []
    for name in names:
        paths = [layout.rehearsal(name), Path("data/mixed") / name]
        present = tuple(PurePosixPath(path) for path in paths if (root / path).exists())
        found.append(Item("training_data", f"{name}_current", root, present))
    return found


def _tracked(root: Path) -> list[PurePosixPath]:
    """What Git tracks (parameters, locks, code);
    without Git the files that make the pipeline.

    What Git does not track is nobody's word that it may be copied:
    `.env` and keys lie about so.
    """
    tracked = _git_files(root, "--cached")
    untracked = _git_files(root, "--others", "--exclude-standard") if tracked else []
    if untracked:
        first = f"first {untracked[0]!r}"
        warn(
            "files that Git does not track are not among the project's: "
            f"{len(untracked)}, {first}"
        )
    return [
        PurePosixPath(name) for name in tracked or PIPELINE if (root / name).is_file()
    ]


def _git_files(root: Path, *which: str) -> list[str]:
    """Git's list of files, empty without Git."""
    command = ["git", "ls-files", "-z", *which]
    listing = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if listing.returncode != 0:
        return []
    # Names are bytes, not always text.
    return [os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]
