"""`afs validate`: JSONL checked row by row, each fault with its line and field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, jsonl
from afs_stages.core.errors import UserError

app = console.stage_app("validate", "Check JSONL files row by row.")

FIXED = ".fixed"


@app.command()
def validate(
    files: Annotated[
        list[Path],
        typer.Argument(help="JSONL files (.gz and .zst too)", metavar="FILE..."),
    ],
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Write x.fixed.jsonl and x.fixed.rejects.jsonl."),
    ] = False,
    any_object: Annotated[
        bool,
        typer.Option("--any", help="Rows may be any JSON object, not only samples."),
    ] = False,
    show: Annotated[
        int, typer.Option(min=0, help="How many faults of a file to print.")
    ] = 20,
) -> None:
    """Check JSONL files row by row: broken JSON, NUL bytes, encoding, schema;
    name line and field.

    With --fix the good rows go, unchanged, to `x.fixed.jsonl` and every bad one, with
    line and reason, to `x.fixed.rejects.jsonl`; the file itself stays as it is. Exit
    code 1 when a row is bad and --fix was not given.
    """
    faults = 0
    for path in files:
        good, bad = _check(path, any_object, fix)
        faults += len(bad)
        for row in bad[:show]:
            console.say(f"{path}:{row.line}: {row.reason}: {row.detail}")
        if len(bad) > show:
            console.say(f"{path}: and {len(bad) - show:,} more")
        console.say(
            f"{path}: {good:,} good, {len(bad):,} bad"
            + (f"; good rows in {fixed_path(path)}" if fix else "")
        )
    if faults and not fix:
        raise typer.Exit(1)


def fixed_path(path: Path) -> Path:
    """Where --fix writes the good rows: `x.jsonl.gz` -> `x.fixed.jsonl.gz`."""
    name, dot, suffixes = path.name.partition(".jsonl")
    return path.with_name(
        f"{name}{FIXED}{dot}{suffixes}" if dot else f"{path.stem}{FIXED}{path.suffix}"
    )


def _check(path: Path, any_object: bool, fix: bool) -> tuple[int, list[jsonl.BadRow]]:
    """(number of good rows, bad rows); memory grows with the bad rows only."""
    bad: list[jsonl.BadRow] = []
    if not fix:
        return sum(1 for _ in _good_lines(path, any_object, bad.append)), bad
    if path.stem.endswith(FIXED):
        raise UserError(
            "the file is the output of an earlier --fix",
            where=str(path),
            fix="give the original file",
        )
    output = fixed_path(path)
    with jsonl.open_rejects(output) as rejects, jsonl.open_write(output) as writer:

        def keep(row: jsonl.BadRow) -> None:
            bad.append(row)
            rejects(row)

        for line in _good_lines(path, any_object, keep):
            writer.write_line(line)
    return writer.count, bad


def _good_lines(path: Path, any_object: bool, on_bad: jsonl.OnBad) -> Iterator[bytes]:
    for number, line in jsonl.read_lines(path, on_bad):
        fault = jsonl.fault(path.name, number, line, any_object)
        if fault is None:
            yield line
        else:
            on_bad(fault)


if __name__ == "__main__":
    console.run(app)
