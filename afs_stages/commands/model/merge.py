"""`afs model merge MODEL`: the version in use as one folder of weights."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console

app = console.stage_app("merge", "Merge a version into its base.")


class Weights(StrEnum):
    """Types of the merged weights."""

    base = "base"
    fp32 = "fp32"
    fp16 = "fp16"
    bf16 = "bf16"


@app.command()
def merge(
    model: Annotated[str, typer.Argument(help="model of params.yaml")],
    version: Annotated[
        str, typer.Option("--version", help="a version; else the one in use")
    ] = "",
    dtype: Annotated[
        Weights, typer.Option("--dtype", help="type of the weights; base: as stored")
    ] = Weights.base,
    output: Annotated[
        Path | None, typer.Option("--output", help="folder; else use/merged/NAME")
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="base model, where it is not models/base")
    ] = "",
) -> None:
    """Add the adapter to the weights of its base and save the whole model.

    transformers, vLLM and `afs model serve` load the folder as it is.
    """
    from afs_stages.core.params import load
    from afs_stages.use.chosen import choose
    from afs_stages.use.merge import merge

    load().model(model)
    folder, is_new = merge(choose(model, version, base), dtype.value, output)
    console.say(f"{folder}" if is_new else f"{folder} (as it was)")


if __name__ == "__main__":
    console.run(app)
