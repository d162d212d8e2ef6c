"""`afs model chat MODEL`: ask a version in the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from afs_stages.core import console

app = console.stage_app("chat", "Talk to a version in the terminal.")


@app.command()
def chat(
    model: Annotated[str, typer.Argument(help="model of params.yaml")],
    version: Annotated[
        str, typer.Option("--version", help="a version; else the one in use")
    ] = "",
    compare: Annotated[
        str, typer.Option("--compare", help="beside it: base, or another version")
    ] = "",
    system: Annotated[
        str, typer.Option("--system", help="system text; else the template's own")
    ] = "",
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", min=1, help="the longest answer")
    ] = 512,
    temperature: Annotated[
        float, typer.Option("--temperature", min=0, help="0: the likeliest token each")
    ] = 0.0,
    seed: Annotated[
        int, typer.Option("--seed", help="behind the draws of a temperature above 0")
    ] = 0,
    base: Annotated[
        str, typer.Option("--base", help="base model, where it is not models/base")
    ] = "",
) -> None:
    """Answer every line that is typed or piped in; /new begins anew, Ctrl-D ends.

    With --compare two columns: this version, and base or another version.
    """
    from afs_stages.core.params import load
    from afs_stages.evaluation.losses import BASE
    from afs_stages.use.chat import Dialogue, Manner, talk
    from afs_stages.use.chosen import choose

    load().model(model)
    chosen = choose(model, version, base)
    adapters, names = {chosen.version: chosen.adapter}, [chosen.version]
    if compare:
        names.insert(0, compare)
    if compare not in ("", BASE):
        adapters[compare] = choose(model, compare, base).adapter
    how = Manner(max_new_tokens, temperature, seed, system)
    talk(Dialogue(chosen.base, adapters, names, how), sys.stdin)


if __name__ == "__main__":
    console.run(app)
