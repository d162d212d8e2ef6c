"""`afs model gate MODEL`: the gates of `evaluate` as an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError

FAILED = 2
"""Exit code where a gate fails; 1 is an error, as everywhere."""
app = console.stage_app("gate", "Say whether a version passes its gates.")


@app.command()
def gate(
    model: Annotated[str, typer.Argument(help="model of params.yaml")],
    remote: Annotated[
        bool,
        typer.Option("--remote", help="the adapter that came from a rented machine"),
    ] = False,
) -> None:
    """Judge what `evaluate@MODEL` measured by today's gates in params.yaml.

    Exits 0 where all pass, 2 where one fails.

    Nothing is measured again; the report must be of the adapter that is there. With
    --remote it is what the rented machine measured before it went.
    """
    from afs_stages.core.hashes import folder_hash
    from afs_stages.core.jsonl import read_json
    from afs_stages.core.params import load
    from afs_stages.evaluation.evaluate import versions_of
    from afs_stages.evaluation.gates import judge

    params = load()
    version = params.model(model).version
    report, adapter, again = _measured(model, remote)
    found = read_json(report) if report.is_file() else {}
    if "loss" not in found:
        raise UserError("not evaluated yet", where=str(report), fix=again)
    versions = versions_of(found)
    is_same = found["adapter"] == folder_hash(adapter)
    if versions[-1] != version or not is_same:
        raise UserError(
            f"measured on another adapter than {model} {version}'s",
            where=f"{report}: adapter",
            fix=again,
        )
    failed, doubted = judge(found, versions, params.evaluate)
    for doubt in doubted:
        console.warn(doubt)
    if failed:
        console.say("\n".join([f"{model} {version} fails", *failed]))
        raise typer.Exit(FAILED)
    console.say(f"{model} {version} passes")


def _measured(model: str, remote: bool) -> tuple[Path, Path, str]:
    """(report, adapter it is of, command that measures it again)."""
    from afs_stages.remote.job import remote_folder

    if not remote:
        report = layout.report("evaluate", model)
        return report, layout.adapter(model), f"dvc repro evaluate@{model}"
    report = layout.report("remote-evaluate", model)
    again = f"dvc repro {layout.RENTING}:remote-train@{model}"
    return report, remote_folder(model) / "adapter", again


if __name__ == "__main__":
    console.run(app)
