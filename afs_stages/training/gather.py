"""Earlier versions of a model, gathered for comparison: an adapter on today's base, and
the frozen test rows.

Versions are compared on the same base only. A release whose adapter was trained on
another base (or that has none) is trained again from its released rows, rendered as
`convert` renders rows today. What later stages need of a release lies in
`models/<model>/releases/<version>/{adapter/, test.jsonl, recall.jsonl}`, which a newer
release does not change. For a release that froze no recall set one is made by rule.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from afs_stages.core import layout
from afs_stages.core.atomic import atomic_folder, write_bytes
from afs_stages.core.console import say
from afs_stages.core.hashes import file_hash, folder_hash, value_hash
from afs_stages.core.jsonl import OnBad, open_write, read_json
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.params.model import Train
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.recall_set import made_from
from afs_stages.training.base_model import Base
from afs_stages.training.chat_rows import ChatRow, from_sample, read_chat_rows
from afs_stages.training.lineage import older
from afs_stages.training.lora import base_hash_of

if TYPE_CHECKING:
    from afs_stages.training.train import TrainingRun


@dataclass(frozen=True)
class Lineage:
    """One model's history: its name, the version being built, the base, how rows are
    rendered and adapters trained.
    """

    model: str
    version: str
    base: Base
    train: Train
    seed: int
    convert: Callable[[TrainingSample], ChatRow] = from_sample
    near: NearDuplicates = field(default_factory=NearDuplicates)

    def released(self, version: str) -> Path:
        """The frozen folder of a release."""
        return layout.release(self.model, version)

    def gathered(self, version: str) -> Path:
        """What later stages read of a release."""
        return layout.release_adapters(self.model) / version


def gather(line: Lineage, on_bad: OnBad) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Gather every earlier release; yields (version, `released` | `kept` | `trained`,
    its training.json).

    What was trained from the same rows, base and parameters before is kept; folders of
    versions that are no longer wanted are removed.
    """
    root = layout.release_adapters(line.model)
    root.mkdir(parents=True, exist_ok=True)
    wanted = [
        name
        for name in older(layout.RELEASES / line.model, line.version)
        if _has_rows(line, name)
    ]
    start: Path | None = None
    for name in wanted:
        how = _gather_adapter(line, name, start, on_bad)
        write_bytes(
            line.gathered(name) / "test.jsonl",
            _bytes(line.released(name) / "test.jsonl"),
        )
        _gather_recall(line, name)
        start = (
            line.gathered(name) / "adapter"
            if line.train.init_from == "previous"
            else None
        )
        yield name, how, read_json(line.gathered(name) / "adapter" / "training.json")
    for folder in root.iterdir():
        if folder.name not in wanted:
            shutil.rmtree(folder)


def _gather_adapter(
    line: Lineage, version: str, start: Path | None, on_bad: OnBad
) -> str:
    from afs_stages.training.script import run_job

    own, target = line.released(version) / "adapter", line.gathered(version) / "adapter"
    if base_hash_of(own) == line.base.hash:
        with atomic_folder(target) as folder:
            shutil.copytree(own, folder, dirs_exist_ok=True)
        return "released"
    with TemporaryDirectory() as rendered:
        job = _job(line, version, start, Path(rendered), on_bad)
        if _is_current(job):
            return "kept"
        say(
            f"train-releases: {line.model} {version} has no adapter on this base: "
            "training it from its released rows"
        )
        run_job(job, on_bad)
    return "trained"


def _gather_recall(line: Lineage, version: str) -> None:
    """The release's recall set; one that froze none gets what its training rows
    give by rule.
    """
    name = f"{layout.RECALL_SET}.jsonl"
    frozen = line.released(version) / name
    target = line.gathered(version) / name
    if frozen.is_file():
        write_bytes(target, frozen.read_bytes())
        return
    with open_write(target) as writer:
        writer.write_many(made_from(line.released(version) / "train.jsonl", line.near))


def _has_rows(line: Lineage, version: str) -> bool:
    return (line.released(version) / "train.jsonl").is_file()


def _bytes(path: Path) -> bytes:
    """A file's bytes; none where a release has no such file (an adopted one may
    lack test rows).
    """
    return path.read_bytes() if path.is_file() else b""


def _job(
    line: Lineage, version: str, start: Path | None, folder: Path, on_bad: OnBad
) -> TrainingRun:
    """The training of a release, on its rows as `convert` renders them; they lie in
    `folder` meanwhile.
    """
    from afs_stages.training.train import TrainingRun

    released = line.released(version)
    train = _render(released / "train.jsonl", folder, line.convert, on_bad)
    val = released / "val.jsonl"
    val_file = _render(val, folder, line.convert, on_bad) if val.is_file() else None
    output, start = (
        line.gathered(version) / "adapter",
        None if line.train.script else start,
    )
    return TrainingRun(
        line.base,
        line.train,
        line.seed,
        train,
        val_file,
        output,
        start,
        None,
        line.model,
        version,
        texts=layout.BASE_TEXTS,
    )


def _render(
    rows: Path,
    folder: Path,
    convert: Callable[[TrainingSample], ChatRow],
    on_bad: OnBad,
) -> Path:
    """Write released rows as a file of messages rows."""
    with open_write(folder / rows.name) as writer:
        for row in read_chat_rows(rows, on_bad, convert):
            writer.write(row.to_dict())
    return folder / rows.name


def _is_current(job: TrainingRun) -> bool:
    """Whether an adapter trained here before comes from the same rows, base, start,
    script and parameters.
    """
    path = job.output / "training.json"
    if not path.is_file():
        return False
    facts, script = read_json(path), Path(job.train.script)
    had = [
        facts["base"]["hash"],
        facts["data"]["train"]["hash"],
        facts["train"],
        facts.get("seed"),
        facts.get("start"),
    ]
    begun = {"hash": folder_hash(job.start)} if job.start else None
    wanted = [
        job.base.hash,
        file_hash(job.train_file),
        job.train.model_dump(),
        job.seed,
        begun,
    ]
    ran = file_hash(script) if script.is_file() else None
    return value_hash([*had, facts.get("script", {}).get("hash")]) == value_hash(
        [*wanted, ran]
    )
