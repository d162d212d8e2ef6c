"""Stage `params`: params.yaml is read as a whole, and everything it names is looked
for: source folders and types, formats, models, revisions.

Runs whenever params.yaml changes and before any other stage, so that a mistake is said
with its line at once. Its output never changes, so nothing downstream runs because of
it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.atomic import write_text
from afs_stages.core.params.load import read, validate
from afs_stages.core.params.tracked import untracked

app = console.stage_app(
    "params", "Check params.yaml as a whole: keys, types, ranges, source folders."
)


@app.command()
def params(
    path: Annotated[Path, typer.Argument(help="the file to check")] = layout.PARAMS,
) -> None:
    """Check params.yaml as a whole: keys, types, ranges, source folders."""
    from afs_stages.project.code import require_current
    from afs_stages.project.mistakes import mistakes, warnings

    require_current()
    file = read(path)
    loaded = validate(file)
    found = [*untracked(file.data), *mistakes(loaded)]
    if found:
        raise file.refusal(found)
    for doubt in warnings(loaded):
        console.warn(f"{file.where(doubt.key)}: {doubt}\n  fix: {doubt.fix}")
    write_text(layout.PARAMS_OK, "params.yaml reads well\n")
    console.say(
        f"{path}: {len(loaded.sources)} sources, {len(loaded.models)} models, "
        "all keys known"
    )


if __name__ == "__main__":
    console.run(app)
