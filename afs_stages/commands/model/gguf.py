"""`afs model gguf MODEL`: the version in use for llama.cpp, LM Studio and Ollama."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError

app = console.stage_app("gguf", "Write a version as a GGUF file.")


class Matrices(StrEnum):
    """Types of the matrices."""

    f16 = "f16"
    q8_0 = "q8_0"


@app.command()
def gguf(
    model: Annotated[str, typer.Argument(help="model of params.yaml")],
    version: Annotated[
        str, typer.Option("--version", help="a version; else the one in use")
    ] = "",
    type: Annotated[
        Matrices, typer.Option("--type", help="f16, or 8 bits a weight")
    ] = Matrices.f16,
    lora: Annotated[
        bool, typer.Option("--lora", help="the adapter alone, for its base's GGUF")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="folder; else use/gguf/afs-stages/NAME"),
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="base model, where it is not models/base")
    ] = "",
    converter: Annotated[
        Path | None,
        typer.Option("--converter", help="a clone of llama.cpp that converts instead"),
    ] = None,
) -> None:
    """Write the merged model (--lora: the adapter alone) as GGUF, and a Modelfile
    for Ollama beside it.

    LM Studio reads `use/gguf` as its models folder; `llama-server -m FILE` and `ollama
    create NAME -f Modelfile` take the file as it is.
    """
    from afs_stages.core.atomic import write_text
    from afs_stages.core.params import load
    from afs_stages.training.base_model import load_tokenizer
    from afs_stages.use.chosen import choose
    from afs_stages.use.gguf_model import (
        convert,
        require_package,
        write_lora,
        write_model,
    )
    from afs_stages.use.merge import keep_out_of_git, merge
    from afs_stages.use.runners import modelfile

    load().model(model)
    chosen = choose(model, version, base)
    kind = "lora" if lora else type.value
    folder = output or layout.gguf_folder(chosen.name)
    target = folder / f"{chosen.name}-{kind}.gguf"
    if converter is None:
        require_package()
    if lora and chosen.base.revision and converter is not None:
        raise UserError(
            "the converter needs the base as a folder", fix="afs model gguf without it"
        )
    if lora:
        if converter is None:
            write_lora(chosen, chosen.name, target)
        else:
            weights = Path(chosen.base.weights)
            convert(converter, weights, chosen.adapter, kind, target)
    else:
        merged, _ = merge(chosen)
        if converter is None:
            write_model(merged, chosen.name, kind, target)
        else:
            convert(converter, merged, None, kind, target)
    keep_out_of_git(folder)
    named = f"{chosen.name}-base" if lora else ""
    text = modelfile(target.name, load_tokenizer(chosen.base), named)
    write_text(folder / "Modelfile", text)
    console.say(f"{target}")


if __name__ == "__main__":
    console.run(app)
