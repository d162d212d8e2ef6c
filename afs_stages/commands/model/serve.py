"""`afs model serve MODEL`: the version in use behind an OpenAI-compatible server."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from afs_stages.core import console

app = console.stage_app("serve", "Serve a version to programs that speak OpenAI's.")


@app.command()
def serve(
    model: Annotated[str, typer.Argument(help="model of params.yaml")],
    version: Annotated[
        str, typer.Option("--version", help="a version; else the one in use")
    ] = "",
    host: Annotated[
        str, typer.Option("--host", help="0.0.0.0 lets other machines ask")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    base: Annotated[
        str, typer.Option("--base", help="base model, where it is not models/base")
    ] = "",
) -> None:
    """Merge the version, then answer POST /v1/chat/completions (and /v1/completions,
    /v1/responses, GET /v1/models) until Ctrl-C.

    There is no key: whoever reaches the port may ask. It listens on this machine alone
    unless --host says otherwise.
    """
    from afs_stages.core.params import load
    from afs_stages.use import serve as server
    from afs_stages.use.chosen import choose
    from afs_stages.use.merge import merge

    server.require_packages()
    load().model(model)
    chosen = choose(model, version, base)
    folder, _ = merge(chosen)
    if host != server.LOOPBACK:
        console.warn(f"whoever reaches {host}:{port} may ask: there is no key")
    console.say(f"{chosen.name}: http://{host}:{port}/v1   (Ctrl-C ends)")
    line = server.command(folder, host, port)
    # The server takes this process's place, so that signals and exit code are its own.
    os.execve(line[0], line, server.environment(dict(os.environ)))


if __name__ == "__main__":
    console.run(app)
