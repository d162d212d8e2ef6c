"""`code.json`: one hash for each stage over the code that it can run.

DVC compares these hashes from run to run like any other parameter, so a stage runs
again when its code means something else, and only then.
"""

from __future__ import annotations

import hashlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from afs_stages.core import layout
from afs_stages.core.block_code import Blocks
from afs_stages.core.closure import ROOT, SourceCode
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json
from afs_stages.project.templates import PIPELINE, RENTING, template
from afs_stages.remote import bundle
from afs_stages.sources import plugins

TRAVELS = {"remote-train": bundle.MODULES}
"""Stages whose result is made elsewhere, by the code that travels there. The code that
rents decides nothing of the result, and must not rent again because of a change.
"""
PACKAGE = "afs_stages"
PER_SOURCE_TYPE = "export"
SOURCE_TABLE = "afs_stages/sources/plugins.py"
_MODULE = re.compile(r"-m (\S+)")


def code_hashes(root: Path = ROOT) -> dict[str, Any]:
    """Stage -> hash; for `export`, source type -> hash. `root` holds the package."""
    found: dict[str, Any] = {}
    blocks = Blocks(SourceCode(root))
    for name, stage in _stages().items():
        modules = TRAVELS.get(name) or _MODULE.findall(stage["cmd"])
        keys = [key for key in stage.get("params", ()) if isinstance(key, str)]
        if name == PER_SOURCE_TYPE:
            found[name] = {
                kind: _hash(blocks, [*modules, module], keys, one_type=True)
                for kind, module in sorted(_source_modules().items())
            }
        elif name != "code":
            found[name] = _hash(blocks, modules, keys)
    return found


def require_current(root: Path = Path()) -> None:
    """Raise `UserError` where the package that runs is not the one that `code.json`
    speaks of.

    A project that holds the package itself asks DVC, by its stage `code`.
    """
    pipeline = root / layout.PIPELINE
    if not pipeline.is_file() or "code" in _read(pipeline.read_text("utf-8")):
        return
    path = root / layout.CODE
    if not path.is_file() or read_json(path) != code_hashes():
        from afs_stages import __version__

        raise UserError(
            f"this package (afs-stages {__version__}) is not the one that built this "
            "project, and DVC does not know it yet",
            where=str(layout.CODE),
            fix="afs upgrade   (it shows what will run again, and changes nothing "
            "before you say so)",
        )


def _stages() -> dict[str, dict[str, Any]]:
    """Every stage of both pipelines by name, without `foreach`."""
    return {**_read(template(PIPELINE)), **_read(template(RENTING))}


def _read(text: str) -> dict[str, dict[str, Any]]:
    stages = yaml.safe_load(text)["stages"]
    return {name: stage.get("do", stage) for name, stage in stages.items()}


def _source_modules() -> dict[str, str]:
    """Source type -> the module of its exporter."""
    return {kind: name.partition(":")[0] for kind, name in plugins.installed().items()}


def _hash(
    blocks: Blocks, modules: list[str], keys: list[str], one_type: bool = False
) -> str:
    own = [name for name in modules if name.split(".")[0] == PACKAGE]
    # An exporter finds its source by name; the other names in the table are not run.
    tables = [blocks.code.root / SOURCE_TABLE] if one_type else []
    files = blocks.stage_files(own, tables)
    digest = hashlib.sha256(blocks.code.hash(files).encode())
    digest.update(blocks.meaning(keys))
    for name in sorted(set(modules) - set(own)):
        digest.update(_foreign(name).encode())
    return digest.hexdigest()[:16]


def _foreign(module: str) -> str:
    """The code of an exporter from another package."""
    top = find_spec(module.split(".")[0])
    if top is None or top.origin is None:
        raise UserError(f"no package for the source type's module '{module}'")
    origin = Path(top.origin).resolve()
    root = origin.parent.parent if top.submodule_search_locations else origin.parent
    code = SourceCode(root)
    return code.hash(code.closure([module]))
