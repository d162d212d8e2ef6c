"""`afs init`: a project of one's own, from the sources that are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.core import console
from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from afs_stages.sources.discover import DiscoveredSource

app = console.stage_app("init", "Make a project of your own.")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="a new or empty folder")],
    discover: Annotated[
        Path | None,
        typer.Option("--discover", help="look for sources below, such as ~"),
    ] = None,
) -> None:
    """Make a project: pipeline, parameters, Git and DVC; nothing is overwritten.

    With --discover its sources are those found: tool homes, context roots, codebases.
    Nothing of them is read or taken before `afs collect`.
    """
    from afs_stages.project.create import commit, create
    from afs_stages.project.own import model_name, own_files

    found = named(look_below(discover.expanduser())) if discover else {}
    types = {name: source.kind for name, source in found.items()}
    create(folder, own_files(folder, types), linked=False)
    commit(folder, "afs init")
    console.say(f"{folder}: a project for the model {model_name(folder)}")
    for name, source in found.items():
        size = f"{source.files} files, {source.size / 2**20:.1f} MB"
        console.say(f"  {name:<12} {source.path} ({size})")
    console.say("next:")
    console.say(f"  cd {folder}")
    for name, source in found.items():
        console.say(f"  afs collect {name} --root {source.path}")
    if not found:
        console.say("  afs collect --discover ~   (then `afs collect NAME`)")
    console.say("  dvc repro")


def look_below(top: Path) -> list[DiscoveredSource]:
    """The sources found. Raises `UserError` where there is no such folder."""
    from afs_stages.sources.discover import discover

    if not top.is_dir():
        raise UserError("no such folder", where=str(top), fix="--discover ~")
    return list(discover(top))


def named(found: Iterable[DiscoveredSource]) -> dict[str, DiscoveredSource]:
    """A name for each: its type, with a number from the second of a type on."""
    names: dict[str, DiscoveredSource] = {}
    for source in found:
        same = sum(other.kind == source.kind for other in names.values())
        names[f"{source.kind}{same + 1}" if same else source.kind] = source
    return names


if __name__ == "__main__":
    console.run(app)
