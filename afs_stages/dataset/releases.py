"""Releases: a version frozen, so that later ones can rehearse it and be measured
on its test set.

`data/releases/<model>/<version>/` holds the unique rows before oversampling (train,
val, test), the recall set of what was trained, the assignments, the adapter and the
hash of its base, and `manifest.json` with the sha256 of every file. A release is
immutable: writing one that exists, or reading one whose hash is wrong, is an error.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl, layout
from afs_stages.core.atomic import atomic_folder
from afs_stages.core.errors import UserError
from afs_stages.core.params import Params
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.frozen import versions

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Release:
    """A frozen version and what its manifest says."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """`veran v4`."""
        return f"{self.manifest['model']} {self.manifest['version']}"

    def verify(self) -> None:
        """Raise `UserError` naming the first file that is missing,
        changed or not in the manifest.
        """
        known: dict[str, str] = self.manifest["sha256"]
        there = {
            path.relative_to(self.folder).as_posix() for path in _files(self.folder)
        }
        for name in sorted(there ^ set(known)):
            state = "missing" if name in known else "not part of the release"
            raise UserError(
                f"{name} is {state}",
                where=str(self.folder),
                fix="restore the release: dvc checkout",
            )
        for name, digest in known.items():
            if sha256(self.folder / name) != digest:
                raise UserError(
                    "changed since the release",
                    where=str(self.folder / name),
                    fix="dvc checkout --force",
                )

    def rows(self, part: str) -> Iterator[TrainingSample]:
        """The frozen rows of one part."""
        path = self.folder / f"{part}.jsonl"
        return jsonl.read_samples(path, jsonl.refuse) if path.is_file() else iter(())

    @property
    def sources(self) -> list[str]:
        """The sources whose rows it holds."""
        told: list[str] | None = self.manifest.get("sources")
        return _sources(self.folder) if told is None else told


def open_release(folder: Path) -> Release:
    """A release by its folder. Raises `UserError` where there is none."""
    if not (folder / MANIFEST).is_file():
        raise UserError(
            "no release in this folder",
            where=str(folder),
            fix="afs release --list shows what there is",
        )
    return Release(folder, jsonl.read_json(folder / MANIFEST))


def all_releases(root: Path = layout.RELEASES) -> list[Release]:
    """Every release, by model and version."""
    return [open_release(folder) for folder in versions(root)]


def refuse_unfit(model: str, version: str, adapter: Path) -> None:
    """Raise `UserError` where a version is released already, is not built, or the
    adapter is of another version.

    Whether what is built is up to date only DVC can tell: `afs release` asks it.
    """
    _refuse_existing(layout.release(model, version))
    record = adapter / "training.json"
    for path in [
        *(layout.fitted(model, part) for part in layout.PARTS),
        layout.checked(model),
        record,
    ]:
        if not path.is_file():
            raise UserError("not built yet", where=str(path), fix="dvc repro")
    trained = jsonl.read_json(record)
    if trained.get("model") != model or trained.get("version") != version:
        raise UserError(
            f"the adapter is {trained.get('model')} {trained.get('version')}, "
            f"not {model} {version}",
            where=f"{record}: version",
            fix=f"train {version} first: dvc repro",
        )
    _refuse_released_adapter(f"{model} {version}", adapter)


def _refuse_released_adapter(name: str, adapter: Path) -> None:
    """Raise `UserError` where these very weights are released already."""
    weights = {sha256(path) for path in adapter.glob("*.safetensors")}
    for held in all_releases():
        if weights & set(held.manifest["sha256"].values()):
            raise UserError(
                f"the adapter of {name} is the one released as {held.name}, byte for "
                "byte: nothing new was learnt",
                where=str(adapter),
                fix="change rows or parameters of the new version, then dvc repro",
            )


def freeze(
    model: str, params: Params, params_text: bytes, adapter: Path | None = None
) -> Release:
    """Freeze the version that the pipeline built: its fitted rows, their assignments,
    its adapter.

    `adapter` is the folder of `train@<model>` unless another is given. Raises
    `UserError` as `refuse_unfit` does.
    """
    block = params.model(model)
    adapter = adapter or layout.adapter(model)
    refuse_unfit(model, block.version, adapter)
    target = layout.release(model, block.version)
    with atomic_folder(target) as folder:
        counts = {
            part: _copy_rows(layout.fitted(model, part), folder, part, block.version)
            for part in layout.PARTS
        }
        recall = layout.mixed(model, layout.RECALL_SET)
        if recall.is_file():
            counts[layout.RECALL_SET] = _copy_rows(
                recall, folder, layout.RECALL_SET, block.version
            )
        ids = {
            sample_id
            for part in layout.PARTS
            for sample_id in _ids(folder / f"{part}.jsonl")
        }
        with jsonl.open_write(folder / "assignments.jsonl") as writer:
            for _, row in jsonl.read_objects(
                layout.SPLITS / "assignments.jsonl", jsonl.refuse
            ):
                if row["sample_id"] in ids:
                    writer.write(row)
        shutil.copytree(adapter, folder / "adapter")
        (folder / "params.yaml").write_bytes(params_text)
        _write_manifest(folder, model, block.version, counts, "built here")
    return open_release(target)


def adopt(
    model: str, version: str, files: dict[str, Path], adapter: Path | None
) -> Release:
    """Adopt rows (part -> file) and an adapter that were made elsewhere as a release.

    Rows keep their ids; a row that stands in several parts is kept in the last of
    train, val, test.
    """
    target = layout.release(model, version)
    _refuse_existing(target)
    with atomic_folder(target) as folder:
        held_out: set[str] = set()
        counts: dict[str, int] = {}
        for part in ("test", "val", "train"):
            counts[part] = _adopt_rows(files.get(part), folder, part, version, held_out)
        if adapter is not None:
            if not (adapter / "adapter_config.json").is_file():
                raise UserError(
                    "no adapter in this folder",
                    where=str(adapter),
                    fix="give a folder that peft wrote",
                )
            shutil.copytree(adapter, folder / "adapter")
        _write_manifest(
            folder,
            model,
            version,
            {part: counts[part] for part in layout.PARTS},
            "adopted",
        )
    return open_release(target)


def diff(old: Release, new: Release) -> dict[str, dict[str, int]]:
    """Rows added, dropped, changed, kept, and moved between parts,
    by source and domain.

    A row is changed where the same request of the same source has another answer now.
    """
    before = {
        sample.sample_id: (part, sample)
        for part in layout.PARTS
        for sample in old.rows(part)
    }
    after = {
        sample.sample_id: (part, sample)
        for part in layout.PARTS
        for sample in new.rows(part)
    }
    counts: dict[str, Counter[str]] = {}
    gone = Counter(
        _request(before[sample_id][1]) for sample_id in before if sample_id not in after
    )
    changed = gone & Counter(
        _request(after[sample_id][1]) for sample_id in after if sample_id not in before
    )
    replaced = changed.copy()
    for sample_id in sorted({*before, *after}):
        part, sample = after.get(sample_id) or before[sample_id]
        if sample_id in before and sample_id in after:
            change = "kept" if before[sample_id][0] == part else "moved"
        elif sample_id in after:
            change = "changed" if _take(changed, _request(sample)) else "added"
        elif _take(replaced, _request(sample)):
            continue
        else:
            change = "dropped"
        counts.setdefault(f"{sample.source or '?'} {sample.domain or '?'}", Counter())[
            change
        ] += 1
    return {name: dict(changes) for name, changes in sorted(counts.items())}


def _request(sample: TrainingSample) -> tuple[str, str, str, str]:
    return sample.source, sample.domain, sample.instruction, sample.input


def _take(
    left: Counter[tuple[str, str, str, str]], key: tuple[str, str, str, str]
) -> bool:
    """Take one of a key away, if there is one."""
    left[key] -= 1
    return left[key] >= 0


def sha256(path: Path) -> str:
    """The file's SHA-256 as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_existing(target: Path) -> None:
    if (target / MANIFEST).is_file():
        raise UserError(
            "this version is released already, and a release never changes",
            where=str(target),
            fix="raise the version in params.yaml",
        )


def _copy_rows(source: Path, folder: Path, part: str, version: str) -> int:
    with jsonl.open_write(folder / f"{part}.jsonl") as writer:
        for sample in jsonl.read_samples(source, jsonl.refuse):
            sample.metadata.setdefault("origin_version", version)
            writer.write(sample)
    return writer.count


def _adopt_rows(
    source: Path | None, folder: Path, part: str, version: str, taken: set[str]
) -> int:
    with jsonl.open_write(folder / f"{part}.jsonl") as writer:
        for sample in jsonl.read_samples(source, jsonl.refuse) if source else ():
            if sample.sample_id in taken:
                continue
            taken.add(sample.sample_id)
            sample.metadata["origin_version"] = str(
                sample.metadata.get("rehearsal_version") or version
            )
            writer.write(sample)
    return writer.count


def _ids(path: Path) -> Iterator[str]:
    return (sample.sample_id for sample in jsonl.read_samples(path, jsonl.refuse))


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST
    )


def _sources(folder: Path) -> list[str]:
    """The sources of the rows in a release's folder."""
    found = {
        sample.source
        for part in layout.PARTS
        if (folder / f"{part}.jsonl").is_file()
        for sample in jsonl.read_samples(folder / f"{part}.jsonl", jsonl.refuse)
    }
    return sorted(found - {""})


def _write_manifest(
    folder: Path, model: str, version: str, counts: dict[str, int], origin: str
) -> None:
    training = folder / "adapter" / "training.json"
    facts = jsonl.read_json(training) if training.is_file() else {}
    base = facts.get("base", {}).get("hash")
    hashes = {
        path.relative_to(folder).as_posix(): sha256(path) for path in _files(folder)
    }
    manifest = {
        "model": model,
        "version": version,
        "origin": origin,
        "rows": counts,
        "sources": _sources(folder),
        "base_hash": base,
    }
    jsonl.write_json(folder / MANIFEST, {**manifest, "sha256": hashes})
