"""`afs oracle generate`: samples from a 65816 codebase, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console

READ = (".asm", ".inc", ".s", ".md")
"""What a codebase is known by."""
app = console.stage_app("oracle", "Make samples from a 65816 codebase.")


@app.callback()
def oracle() -> None:
    """Make samples from a 65816 codebase."""


@app.command()
def generate(
    oracle_path: Annotated[
        Path,
        typer.Option("--oracle-path", help="Root of the codebase: assembly and docs."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", help="The JSONL file to write (.gz, .zst by suffix)."),
    ],
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="At most so many, evenly over kinds."),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="Short name of the source: oracle, alttp …")
    ] = "oracle",
    params: Annotated[
        Path | None,
        typer.Option(
            "--params",
            help="YAML whose `sources.<source>` holds the codebase's options.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Stop at the first line that cannot be read."),
    ] = False,
) -> None:
    """Read a codebase and write documentation, assembly, memory,
    quest and architecture samples.
    """
    from afs_stages.codebase import OracleTrainingGenerator
    from afs_stages.core.errors import UserError
    from afs_stages.core.params.data import Source
    from afs_stages.core.params.load import read_tree
    from afs_stages.sources.export import run
    from afs_stages.sources.plugins import parse_options

    there = oracle_path.rglob("*")
    if oracle_path.is_dir() and not any(p.suffix.lower() in READ for p in there):
        raise UserError(
            f"no assembly and no documentation here ({', '.join(READ)})",
            where=str(oracle_path),
            fix="--oracle-path the root of the codebase",
        )
    options = None
    if params is not None:
        sources = read_tree(params).get("sources") or {}
        block = sources.get(source) or {}
        own = {key: block[key] for key in block if key not in Source.model_fields}
        where = f"sources.{source}"
        options = parse_options(OracleTrainingGenerator, own, where, str(params))
    generator = OracleTrainingGenerator(
        source, oracle_path=oracle_path, limit=limit, options=options
    )
    run(generator, output, strict=strict).write(None)
    typer.echo(generator.coverage.line(), err=True)
