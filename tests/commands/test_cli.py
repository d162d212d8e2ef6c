"""`afs`: every command answers for itself, fast, and never with a traceback."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from afs_stages.cli import COMMANDS, app

HEAVY = (
    "torch",
    "transformers",
    "peft",
    "dvc",
    "vastai",
    "sklearn",
    "numpy",
    "matplotlib",
    "pyarrow",
    "datasets",
)


def commands() -> Iterator[list[str]]:
    """Every command and subcommand, as typed."""

    def walk(
        command: typer.core.TyperCommand | typer.core.TyperGroup, path: list[str]
    ) -> Iterator[list[str]]:
        yield path
        names = (
            command.list_commands(None)
            if isinstance(command, typer.core.TyperGroup)
            else []
        )
        for name in names:
            yield from walk(command.get_command(None, name), [*path, name])

    yield from walk(typer.main.get_command(app), [])


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_explains_itself_without_heavy_imports(path: list[str]) -> None:
    code = (
        "import sys; from afs_stages import cli\n"
        f"sys.argv = ['afs', *{path!r}, '--help']\n"
        "try: cli.entry()\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) > 5
    assert "Usage:" in result.stdout


def test_a_misspelt_command_gets_a_guess() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "afs_stages.cli", "validat"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "did you mean 'validate'?" in result.stderr


def test_every_documented_name_is_in_the_table() -> None:
    assert {"status", "validate", "training"} <= set(COMMANDS)


STAGES = {
    "--source": ("export", "score"),
    "--model": (
        "fit",
        "rehearse",
        "rebalance",
        "check",
        "convert",
        "train_releases",
        "train",
        "evaluate",
        "register",
    ),
}


@pytest.mark.parametrize(
    ("flag", "stage"),
    [(flag, stage) for flag, names in STAGES.items() for stage in names],
)
def test_a_stage_of_an_unknown_name_says_which_names_there_are(
    flag: str, stage: str
) -> None:
    command = [sys.executable, "-m", f"afs_stages.stages.{stage}", flag, "nosuch"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "nosuch" in result.stderr
    assert ("oracle" if flag == "--source" else "veran") in result.stderr
    assert "Traceback" not in result.stderr
