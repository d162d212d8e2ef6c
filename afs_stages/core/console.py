"""How every command talks: results on stdout, everything else on stderr,
never a traceback.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

import typer

from afs_stages.core.errors import UserError

log = logging.getLogger("afs")


def say(text: str = "") -> None:
    """Print one line of a command's result on stdout."""
    typer.echo(text)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    typer.secho(f"warning: {text}", fg="yellow", err=True)


def fail(error: UserError) -> NoReturn:
    """Print the error on stderr and leave with exit code 1."""
    typer.secho(f"error: {error}", fg="red", err=True)
    raise SystemExit(1)


def stage_app(name: str, help: str) -> typer.Typer:
    """A Typer application in the house style,
    for one stage or one group of commands.
    """
    return typer.Typer(
        name=name,
        help=help,
        no_args_is_help=False,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def run(app: typer.Typer) -> None:
    """Run an application: a `UserError` becomes one message and exit code 1.

    A missing or unreadable file and a full disk are the user's to mend too and are said
    in one line. Anything else is a bug and keeps its traceback.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except UserError as error:
        fail(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        where = str(error.filename) if error.filename else None
        fail(UserError(error.strerror or str(error), where=where))
