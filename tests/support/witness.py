"""What the stages of a real run loaded and read, told by their own processes."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from support.checkout import ROOT

from afs_stages.core.block_code import Blocks
from afs_stages.core.closure import SourceCode
from afs_stages.core.params import load
from afs_stages.sources import plugins

Seen = dict[str, dict[str, set[str]]]


def environment(project: Path) -> dict[str, str]:
    """What makes every Python of a run tell what it did."""
    return {
        "PYTHONPATH": str(Path(__file__).parent / "witnessed"),
        "AFS_WITNESS": str(folder(project)),
    }


def folder(project: Path) -> Path:
    """Where they tell it: beside the clone."""
    return project.parent.parent / "witness"


def read(project: Path) -> Seen:
    """Stage -> modules of the package that were loaded, blocks that were read."""
    found: Seen = defaultdict(lambda: {"modules": set(), "blocks": set()})
    for path in sorted(folder(project).glob("*.json")):
        told = json.loads(path.read_text())
        stage = told["stage"].rpartition(":")[2]
        found[stage]["modules"] |= set(told["modules"])
        found[stage]["blocks"] |= set(told["blocks"])
    return dict(found)


def unseen_code(seen: Seen) -> list[str]:
    """`stage: module` of what was loaded and is in no hash of the stage."""
    blocks = Blocks(SourceCode())
    sources = load(ROOT / "params.yaml").sources
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    wrong = []
    for name, told in seen.items():
        stage, _, key = name.partition("@")
        if stage == "code":
            continue
        body = stages[stage].get("do", stages[stage])
        modules = re.findall(r"-m (\S+)", body["cmd"])
        if stage == "export":
            modules.append(plugins.BUILT_IN[sources[key].type].partition(":")[0])
        table = [ROOT / "afs_stages/sources/plugins.py"] if stage == "export" else []
        known = {*blocks.stage_files(modules, table), *blocks.files}
        for module in sorted(told["modules"]):
            path = ROOT / module.replace(".", "/")
            files = {path / "__init__.py", path.with_suffix(".py")}
            if not files & known:
                wrong.append(f"{name}: {module}")
    return wrong


def unseen_parameters(seen: Seen, pipeline: Path) -> list[str]:
    """`stage: block` of what was read and stands not in the stage's `params:`."""
    stages: dict[str, Any] = yaml.safe_load(pipeline.read_text())["stages"]
    wrong = []
    for name, told in seen.items():
        stage = stages[name.partition("@")[0]]
        body = stage.get("do", stage)
        if "params.yaml" in body["deps"]:
            continue
        keys = [key for key in body.get("params", ()) if isinstance(key, str)]
        known = {key.partition(".")[0] for key in keys}
        wrong += [f"{name}: {block}" for block in sorted(told["blocks"] - known)]
    return wrong
