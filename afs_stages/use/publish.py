"""An adapter as it is handed on: it names a base that loads from any folder.

The adapter that `train` leaves has the same bytes wherever the project lies, so it
names a base of the project as the project does, `models/base`. The copy made here names
it by its full path, or by its hub id and revision.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from afs_stages.core import layout
from afs_stages.core.atomic import atomic_folder, write_text
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.use.chosen import Chosen
from afs_stages.use.merge import keep_out_of_git

CONFIG = "adapter_config.json"


def publish(chosen: Chosen, folder: Path | None = None) -> Path:
    """Copy a version's adapter, tokenizer and card; returns the folder."""
    folder = folder or layout.handed_on(chosen.name)
    base = loadable_base(chosen)
    with atomic_folder(folder) as part:
        shutil.copytree(chosen.adapter, part, dirs_exist_ok=True)
        config = read_json(part / CONFIG)
        config["base_model_name_or_path"] = base
        config["revision"] = chosen.base.revision
        write_json(part / CONFIG, dict(sorted(config.items())))
        card = part / "README.md"
        if card.is_file():
            named = chosen.base.name
            full = f"{base}@{chosen.base.revision}" if chosen.base.revision else base
            write_text(card, card.read_text(encoding="utf-8").replace(named, full))
    keep_out_of_git(folder)
    return folder


def loadable_base(chosen: Chosen) -> str:
    """The base as `from_pretrained` takes it in any folder."""
    if chosen.base.revision:
        return chosen.base.weights
    return str(Path(chosen.base.weights).resolve())
