"""Stage `params`: params.yaml is read as a whole and every source folder is looked for.

Runs whenever params.yaml changes and before any other stage, so that a typo or a
missing folder is said with its line at once. Its output never changes, so nothing
downstream runs because of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.atomic import write_text
from afs_stages.core.errors import UserError
from afs_stages.core.params import Params, load, place
from afs_stages.core.params.tracked import require_tracked

app = console.stage_app(
    "params", "Check params.yaml as a whole: keys, types, ranges, source folders."
)


def missing_sources(params: Params) -> list[str]:
    """Names of the source blocks whose `root` does not exist."""
    return [
        name
        for name, source in params.sources.items()
        if not Path(source.root).exists()
    ]


def refuse_unseen_base(path: Path, params: Params) -> None:
    """Raise `UserError` where the base model is a folder that no stage depends on."""
    name = params.base_model.id
    seen = Path(name).parent == layout.OWN_BASES
    if name and Path(name).is_dir() and not seen:
        target = layout.OWN_BASES / Path(name).name
        raise UserError(
            f"base_model.id: '{name}' lies outside of {layout.OWN_BASES}, so nothing "
            "would be trained again when its weights change",
            where=place(path, "base_model.id"),
            fix=f"ln -s {Path(name).resolve()} {target}, and set base_model.id: "
            f"{target}",
        )


@app.command()
def params(
    path: Annotated[Path, typer.Argument(help="the file to check")] = layout.PARAMS,
) -> None:
    """Check params.yaml as a whole: keys, types, ranges, source folders."""
    from afs_stages.project.code import require_current

    require_current()
    loaded = load(path)
    require_tracked(path)
    refuse_unseen_base(path, loaded)
    for name in missing_sources(loaded):
        raise UserError(
            f"sources.{name}.root: no such folder '{loaded.sources[name].root}'",
            where=str(path),
            fix=f"set sources.{name}.root to your folder, bring it in with `afs "
            f"collect {name}`, or remove the block",
        )
    for key in loaded.weights_without_source():
        console.warn(f"{key} counts for nothing: there is no such source")
    write_text(layout.PARAMS_OK, "params.yaml reads well\n")
    console.say(
        f"{path}: {len(loaded.sources)} sources, {len(loaded.models)} models, "
        "all keys known"
    )


if __name__ == "__main__":
    console.run(app)
