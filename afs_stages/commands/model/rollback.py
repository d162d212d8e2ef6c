"""`afs model rollback MODEL`: the last release back into use."""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console

app = console.stage_app("rollback", "Put an earlier version back into use.")


@app.command()
def rollback(
    model: Annotated[str, typer.Argument(help="model of params.yaml")],
    to: Annotated[
        str, typer.Option("--to", help="a version; else the newest release before")
    ] = "",
) -> None:
    """Move the registry's `current` back to the newest release before the version in
    use, or to any version there is.

    chat, serve, merge, gguf and publish take it from then on. No output of a stage
    changes, so nothing is trained again.
    """
    from afs_stages.core.params import load
    from afs_stages.registry.current import current_file
    from afs_stages.use.rollback import roll_back

    load().model(model)
    before, now = roll_back(model, to)
    console.say(f"{model}: {now} is in use, {before} was ({current_file(model)})")


if __name__ == "__main__":
    console.run(app)
