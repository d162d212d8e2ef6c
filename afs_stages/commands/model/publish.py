"""`afs model publish MODEL`: the adapter in use as a folder to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console

app = console.stage_app("publish", "Copy an adapter so that it loads from anywhere.")


@app.command()
def publish(
    model: Annotated[str, typer.Argument(help="model of params.yaml")],
    version: Annotated[
        str, typer.Option("--version", help="a version; else the one in use")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", help="folder; else use/adapter/NAME")
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="base model, where it is not models/base")
    ] = "",
) -> None:
    """Copy adapter, tokenizer and card into a folder that
    `peft.AutoPeftModelForCausalLM` loads from anywhere on this machine.

    The base is named by its hub id and revision, or by its full path. Nothing is
    uploaded.
    """
    from afs_stages.core.params import load
    from afs_stages.use.chosen import choose
    from afs_stages.use.publish import publish

    load().model(model)
    console.say(f"{publish(choose(model, version, base), output)}")


if __name__ == "__main__":
    console.run(app)
