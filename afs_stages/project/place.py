"""Finding the project from any folder inside it, as Git does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

from afs_stages.core import layout
from afs_stages.core.errors import UserError


def find_project(start: Path) -> Path | None:
    """The nearest folder from `start` upwards that holds dvc.yaml and params.yaml."""
    for folder in (start, *start.parents):
        if (folder / layout.PIPELINE).is_file() and (folder / layout.PARAMS).is_file():
            return folder
    return None


def require_project() -> None:
    """Raise `UserError` where no project is here or above."""
    if find_project(Path.cwd()) is None:
        _refuse(Path.cwd())


def run_in_project(command: Any, *, needed: bool) -> None:
    """Let a command run in the folder of the project around the current one, with the
    paths that were given to it still meant from here.

    Outside of a project a command that needs one refuses; its help is printed
    everywhere.
    """
    if hasattr(command, "get_command"):
        find = command.get_command

        def get_command(ctx: Any, name: str) -> Any:
            inner = find(ctx, name)
            if inner is not None:
                run_in_project(inner, needed=needed)
            return inner

        command.get_command = get_command
        return
    run = command.invoke

    def invoke(ctx: Any) -> Any:
        start = Path.cwd()
        folder = find_project(start)
        if folder is None and needed:
            _refuse(start)
        if folder not in (None, start):
            os.chdir(str(folder))
            _anchor(ctx, start)
        return run(ctx)

    command.invoke = invoke


def _anchor(ctx: Any, start: Path) -> None:
    """Paths that were typed are meant from where they were typed; defaults are meant
    from the project.
    """
    for name, value in ctx.params.items():
        if ctx.get_parameter_source(name).name == "COMMANDLINE":
            ctx.params[name] = _from(start, value)


def _from(start: Path, value: Any) -> Any:
    if isinstance(value, Path):
        return start / value.expanduser()
    if isinstance(value, list | tuple):
        return type(value)(_from(start, part) for part in value)
    return value


def _refuse(start: Path) -> NoReturn:
    raise UserError(
        f"no project here or above: no {layout.PIPELINE} beside a {layout.PARAMS}",
        where=str(start),
        fix="go into your project's folder, or make one: afs init FOLDER",
    )
