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
from afs_stages.core.hashes import file_hash
from afs_stages.core.jsonl import OnBad, open_write, read_json
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.params.model import Train
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.recall_set import made_from
from afs_stages.training.base_model import Base
from afs_stages.training.chat_rows import (
    ChatRow,
    data_files,
    from_sample,
    read_chat_rows,
)
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
        if (line.released(name) / "train.jsonl").is_file()
    ]
    start: Path | None = None
    for name in wanted:
        how = _gather_adapter(line, name, start, on_bad)
        _gather_tests(line, name)
        adapter = line.gathered(name) / "adapter"
        # What a script starts from is its own affair.
        if line.train.init_from == "previous" and not line.train.script:
            start = adapter
        yield name, how, read_json(adapter / "training.json")
    for folder in root.iterdir():
        if folder.name not in wanted:
            shutil.rmtree(folder)


def _gather_adapter(
    line: Lineage, version: str, start: Path | None, on_bad: OnBad
) -> str:
    from afs_stages.training.script import run_job
    from afs_stages.training.train import TrainingRun

    released, target = line.released(version), line.gathered(version) / "adapter"
    if base_hash_of(released / "adapter") == line.base.hash:
        with atomic_folder(target) as folder:
            shutil.copytree(released / "adapter", folder, dirs_exist_ok=True)
        return "released"
    with TemporaryDirectory() as rendered:
        # The rows as `convert` renders them today.
        for part in ("train", "val"):
            path = released / f"{part}.jsonl"
            # An adopted release may lack val rows.
            if not path.is_file():
                continue
            rows = read_chat_rows(path, on_bad, line.convert)
            with open_write(Path(rendered, path.name)) as writer:
                writer.write_many(row.to_dict() for row in rows)
        train_file, val_file = data_files(Path(rendered))
        job = TrainingRun(
            line.base,
            line.train,
            line.seed,
            train_file,
            val_file,
            target,
            start,
            model=line.model,
            version=version,
            texts=layout.BASE_TEXTS,
        )
        if _is_current(job):
            return "kept"
        say(
            f"train-releases: {line.model} {version} has no adapter on this base: "
            "training it from its released rows"
        )
        run_job(job, on_bad)
    return "trained"


def _gather_tests(line: Lineage, version: str) -> None:
    """The release's test rows, none where it has none (an adopted one may lack them);
    and its recall set, or what its training rows give by rule.
    """
    released, target = line.released(version), line.gathered(version)
    tests, recall = "test.jsonl", f"{layout.RECALL_SET}.jsonl"
    frozen = released / tests
    write_bytes(target / tests, frozen.read_bytes() if frozen.is_file() else b"")
    frozen = released / recall
    if frozen.is_file():
        write_bytes(target / recall, frozen.read_bytes())
        return
    with open_write(target / recall) as writer:
        writer.write_many(made_from(released / "train.jsonl", line.near))


def _is_current(job: TrainingRun) -> bool:
    """Whether an adapter trained here before comes from the same rows, base, start,
    script and parameters.
    """
    path = job.output / "training.json"
    if not path.is_file():
        return False
    had, asked, script = read_json(path), job.facts(), Path(job.train.script)
    if job.train.script and not script.is_file():
        return False
    if any(had.get(key) != asked[key] for key in ("start", "train", "seed")):
        return False
    if job.train.script and had["script"]["hash"] != file_hash(script):
        return False
    same_base = bool(had["base"]["hash"] == job.base.hash)
    return same_base and had["data"]["train"]["hash"] == file_hash(job.train_file)
