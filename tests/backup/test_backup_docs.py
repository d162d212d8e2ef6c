"""Every `afs backup` line of the documents is one that the program takes."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from support.checkout import ROOT

from afs_stages.commands.backup import app

PAGES = [ROOT / "docs/backups.md", *sorted((ROOT / "docs/examples").glob("*backup*"))]
FILES = (
    ROOT / "docs/examples/afs-backup.service",
    ROOT / "docs/examples/afs-backup.timer",
)


def lines() -> list[str]:
    """The commands, without comments and what follows them in a shell."""
    text = "\n".join(path.read_text() for path in PAGES)
    found = re.findall(r"afs (backup [a-z]+(?: [^\n`|#&]*)?)", text)
    return sorted({line.replace("…", "").strip() for line in found})


@pytest.mark.parametrize("line", lines())
def test_documented_commands_parse(line: str) -> None:
    _, name, *args = shlex.split(line)
    command = typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    assert command is not None, name
    known = {
        option
        for parameter in command.params
        for option in parameter.opts + parameter.secondary_opts
    }
    assert {arg for arg in args if arg.startswith("--")} <= known


def test_every_command_is_documented() -> None:
    named = {line.split()[1] for line in lines()}
    assert set(typer.main.get_command(app).list_commands(None)) <= named  # type: ignore[attr-defined]


def test_the_units_are_well_formed() -> None:
    from configparser import ConfigParser

    for path in FILES:
        parser = ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read(path)
        assert "Unit" in parser, Path(path).name
