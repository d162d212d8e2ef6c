"""`afs collect`: the user's own files brought into data/raw, redacted on the way in,
kept by DVC.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError, nearest

app = console.stage_app(
    "collect", "Bring a source's files into data/raw, redacted, under DVC."
)


@app.command()
def collect(
    source: Annotated[
        str,
        typer.Argument(
            help="claude, codex, gemini, memory, history, toolbench, "
            "or a Git source's name"
        ),
    ] = "",
    root: Annotated[
        list[Path] | None,
        typer.Option("--root", help="folder to take from; repeatable"),
    ] = None,
    git: Annotated[
        str, typer.Option("--git", help="repository to import (dvc import)")
    ] = "",
    rev: Annotated[
        str, typer.Option("--rev", help="its commit or tag; needed with --git")
    ] = "",
    path: Annotated[
        str, typer.Option("--path", help="folder inside the repository")
    ] = ".",
    discover: Annotated[
        Path | None,
        typer.Option("--discover", help="look for sources below, take nothing"),
    ] = None,
    dvc: Annotated[
        bool, typer.Option("--dvc/--no-dvc", help="put the folder under DVC")
    ] = True,
) -> None:
    """Snapshot a tool's sessions into data/raw/<source> and point params.yaml at it."""
    if discover is not None:
        _print_discovered(discover.expanduser())
        return
    if not source:
        raise UserError(
            "name a source, or look for some",
            fix="afs collect claude; afs collect --discover ~",
        )
    from afs_stages.project.own import RAW
    from afs_stages.project.place import require_project

    require_project()
    target = RAW / source
    kind = _type_of(source)
    if git:
        _import(git, rev, path, target)
    else:
        _snapshot(kind, root, target)
        if dvc:
            _run("dvc", "add", target.as_posix())
    _point_params(source, kind, target)


def _type_of(source: str) -> str:
    """A source's type as params.yaml tells it; of a new one its name."""
    from afs_stages.core.params.load import read_tree

    blocks = read_tree(layout.PARAMS).get("sources") or {}
    block = blocks.get(source) or {}
    return str(block.get("type") or source)


def _snapshot(kind: str, given: list[Path] | None, target: Path) -> None:
    from afs_stages.sources.collect import TAKEN, files_of, snapshot
    from afs_stages.sources.plugins import source_class

    if kind not in TAKEN:
        raise UserError(
            f"cannot collect '{kind}' ({nearest(kind, list(TAKEN))})",
            fix=f"write a block for it: sources.{kind}.type",
        )
    roots = [
        folder.expanduser() for folder in given or source_class(kind).default_roots()
    ]
    if not files_of(kind, [folder for folder in roots if folder.is_dir()]):
        raise UserError(
            f"nothing of '{kind}' found under "
            f"{', '.join(map(str, roots)) or 'no folder'}",
            fix="give the folder with --root",
        )
    found = snapshot(kind, roots, target)
    console.say(f"{target}: {found.written} files written, {found.unchanged} unchanged")
    for title, counts in (("redacted", found.redactions), ("left out", found.bad)):
        if counts:
            console.say(
                f"  {title}: "
                + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))
            )


def _import(git: str, rev: str, path: str, target: Path) -> None:
    if not rev:
        raise UserError(
            "--git needs --rev, so that a rebuild is the same",
            fix="--rev <commit or tag>",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    _run(
        "dvc", "import", "--rev", rev, "--out", target.as_posix(), "--force", git, path
    )


def _run(module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise UserError(
            f"{module} {arguments[0]} failed: {last[0]}",
            fix=f"{module} {' '.join(arguments)}",
        )


def _point_params(source: str, kind: str, target: Path) -> None:
    from afs_stages.core.atomic import write_bytes
    from afs_stages.core.params import parse
    from afs_stages.core.params.edit import set_value
    from afs_stages.core.params.load import read_tree
    from afs_stages.project.own import add_source

    # Bytes, so that line ends stay as they are.
    text = layout.PARAMS.read_bytes().decode("utf-8")
    if source in (read_tree(layout.PARAMS).get("sources") or {}):
        text = set_value(text, ("sources", source, "root"), target.as_posix())
    else:
        text = add_source(text, source, kind)
    loaded = parse(text)
    write_bytes(layout.PARAMS, text.encode("utf-8"))
    console.say(f"params.yaml: sources.{source}.root is {target}; next: dvc repro")
    for name, model in loaded.models.items():
        if source not in model.weights:
            console.say(f"  {name} does not learn from it: models.{name}.weights")


def _print_discovered(top: Path) -> None:
    from afs_stages.sources.discover import discover

    if not top.is_dir():
        raise UserError("no such folder", where=str(top))
    found = list(discover(top))
    for item in found:
        how = f"afs collect {item.kind} --root {item.path}"
        if item.kind == "oracle":
            how = f"sources.{item.kind}.root: {item.path}"
        console.say(
            f"{item.kind}: {item.path} ({item.files} files, {item.size / 2**20:.1f} "
            f"MB)\n  {how}"
        )
    if not found:
        raise UserError(
            f"no sources found under {top}", fix="give a folder nearer to them"
        )
