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
RAW = Path("data/raw")


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
    target = RAW / source
    if git:
        _import(git, rev, path, target)
    else:
        _snapshot(source, root, target)
        if dvc:
            _run("dvc", "add", target.as_posix())
    _point_params(source, target)


def _snapshot(source: str, given: list[Path] | None, target: Path) -> None:
    from afs_stages.sources.collect import TAKEN, files_of, snapshot
    from afs_stages.sources.plugins import source_class

    if source not in TAKEN:
        fix = "for a codebase: --git URL --rev REV"
        raise UserError(
            f"cannot collect '{source}' ({nearest(source, list(TAKEN))})", fix=fix
        )
    roots = [
        folder.expanduser() for folder in given or source_class(source).default_roots()
    ]
    if not files_of(source, [folder for folder in roots if folder.is_dir()]):
        raise UserError(
            f"no sessions found under {', '.join(map(str, roots))}",
            fix="give the folder with --root",
        )
    found = snapshot(source, roots, target)
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


def _point_params(source: str, target: Path) -> None:
    from afs_stages.core.atomic import write_text
    from afs_stages.core.params import parse
    from afs_stages.core.params.edit import set_root

    if not layout.PARAMS.is_file():
        raise UserError(
            "no such file", where=str(layout.PARAMS), fix="run from the repository root"
        )
    text = set_root(
        layout.PARAMS.read_text(encoding="utf-8"), source, target.as_posix()
    )
    parse(text)
    write_text(layout.PARAMS, text)
    console.say(f"params.yaml: sources.{source}.root is {target}; next: dvc repro")


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
