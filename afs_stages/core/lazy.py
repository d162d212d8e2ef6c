"""Command groups whose members are imported only when they are called
or asked for help.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer

from afs_stages.core.errors import nearest

CommandTable = dict[str, tuple[str, str]]
"""command name -> (module, or module:attribute, of a Typer application,
one line of help)
"""


def lazy_group(
    table: CommandTable, ready: Callable[[str, Any], None] = lambda name, command: None
) -> type[typer.core.TyperGroup]:
    """A group class that serves the commands of `table`; listing them imports none.

    `ready` is called with the name and the command that is about to be used.
    """

    class LazyGroup(typer.core.TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return list(table)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name not in table:
                return None
            command = _import(cmd_name, table)
            ready(cmd_name, command)
            return command

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl([(name, help) for name, (_, help) in table.items()])

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            name = args[0] if args else ""
            if name and not name.startswith("-") and name not in table:
                ctx.fail(f"no command '{name}' ({nearest(name, list(table))})")
            return super().resolve_command(ctx, args)

    return LazyGroup


def _import(name: str, table: CommandTable) -> Any:
    target, help = table[name]
    module, _, attribute = target.partition(":")
    app = getattr(import_module(module), attribute or "app")
    command: Any = typer.main.get_command(app)
    command.name, command.short_help = name, help
    return command
