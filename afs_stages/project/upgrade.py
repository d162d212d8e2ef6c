"""What another version of the package would run again in a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from afs_stages.core import layout
from afs_stages.core.jsonl import read_json
from afs_stages.core.params.load import read_tree
from afs_stages.project.code import PER_SOURCE_TYPE, code_hashes
from afs_stages.project.create import pipeline_for
from afs_stages.project.templates import RENTING, template

RENTING_STAGES = "remote/"
CODE, DEFINITION, FOLLOWS = "its code changed", "dvc.yaml defines it anew", "follows"


def what_reruns(root: Path = Path()) -> dict[str, str]:
    """Stage -> why it would run again after `write_pipeline`, in the pipeline's order;
    empty where the project is this package's already.

    What rests on a stage that runs may run too: DVC looks at what came out. Stages that
    rent a machine run only when they are named, and are not told.
    """
    import networkx
    from dvc.repo import Repo

    changed = _changed_code(root) | _changed_stages(root)
    if not changed:
        return {}
    types = {
        name: str(block.get("type") or name)
        for name, block in read_tree(root / layout.PARAMS)["sources"].items()
    }
    with Repo(str(root)) as repo:
        graph = networkx.relabel_nodes(
            repo.index.graph, lambda stage: str(stage.addressing)
        )
    reasons: dict[str, str] = {}
    for name in reversed(list(networkx.topological_sort(graph))):
        stage, _, key = name.partition("@")
        code = f"{stage}.{types[key]}" if stage == PER_SOURCE_TYPE else stage
        own = changed.get(stage) or changed.get(code)
        follows = any(other in reasons for other in graph.successors(name))
        if own or follows:
            reasons[name] = own or FOLLOWS
    return {
        name: reason
        for name, reason in reasons.items()
        if not name.startswith(RENTING_STAGES)
    }


def _changed_code(root: Path) -> dict[str, str]:
    path = root / layout.CODE
    before = _flat(read_json(path) if path.is_file() else {})
    now = _flat(code_hashes())
    return {name: CODE for name in now if before.get(name) != now[name]}


def _changed_stages(root: Path) -> dict[str, str]:
    found = {}
    for name, text in (
        (layout.PIPELINE, pipeline_for(root)),
        (layout.RENTING, template(RENTING)),
    ):
        path = root / name
        before = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
        stages = before.get("stages", {})
        for stage, told in yaml.safe_load(text)["stages"].items():
            if stages.get(stage) != told:
                found[stage] = DEFINITION
    return found


def _flat(hashes: dict[str, Any]) -> dict[str, str]:
    """`export.claude` beside `split`."""
    flat: dict[str, str] = {}
    for name, value in hashes.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat
