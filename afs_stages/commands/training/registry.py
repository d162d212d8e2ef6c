"""`afs training registry-…`: experiments made, listed, shown and compared by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from afs_stages.registry.records import ModelRegistry

Root = Annotated[Path, typer.Option("--registry", help="folder of the registry")]

create = console.stage_app("registry-create", "Record an experiment.")
list_ = console.stage_app("registry-list", "List experiments.")
show = console.stage_app("registry-show", "Show one experiment.")
compare = console.stage_app("registry-compare", "Compare experiments side by side.")


@create.command()
def registry_create(
    name: Annotated[str, typer.Option("--name", help="name of the run")],
    model: Annotated[str, typer.Option("--model", help="base model: hub id or folder")],
    framework: Annotated[
        str, typer.Option("--framework", help="peft, unsloth, mlx, …")
    ] = "peft",
    dataset: Annotated[
        Path | None,
        typer.Option("--dataset", help="training file; recorded with its hash"),
    ] = None,
    status: Annotated[
        str, typer.Option("--status", help="pending, running, completed or failed")
    ] = "pending",
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="name=number, repeatable")
    ] = None,
    ab_group: Annotated[
        str | None, typer.Option("--ab-group", help="group of an A/B comparison")
    ] = None,
    ab_variant: Annotated[
        str | None, typer.Option("--ab-variant", help="this run's variant in it")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="a tag, repeatable")
    ] = None,
    notes: Annotated[str, typer.Option("--notes", help="free text")] = "",
    registry: Root = layout.REGISTRY,
) -> None:
    """Record an experiment and print its id."""
    from afs_stages.registry.register import revision

    data = _dataset(dataset) if dataset else None
    metrics = dict(map(_metric, metric or []))
    experiment = _open(registry).create_experiment(
        name,
        model,
        framework,
        dataset=data,
        status=status,
        metrics=metrics,
        revision=revision(),
        ab_group=ab_group,
        ab_variant=ab_variant,
        tags=tag or [],
        notes=notes,
    )
    console.say(experiment.experiment_id)


@list_.command()
def registry_list(
    status: Annotated[str | None, typer.Option("--status", help="only these")] = None,
    ab_group: Annotated[
        str | None, typer.Option("--ab-group", help="only this group")
    ] = None,
    framework: Annotated[
        str | None, typer.Option("--framework", help="only this framework")
    ] = None,
    registry: Root = layout.REGISTRY,
) -> None:
    """List experiments, one a line."""
    from afs_stages.reporting.table import table

    found = _open(registry).list(status, ab_group, framework)
    rows = [
        [
            e.experiment_id,
            e.run_name,
            e.framework,
            e.status,
            e.ab_group or "",
            (e.revision or {}).get("date", "")[:10],
        ]
        for e in found
    ]
    if not rows:
        console.say("no experiments")
        return
    console.say(
        table(["id", "run", "framework", "status", "a/b group", "commit of"], rows)
    )


@show.command()
def registry_show(
    experiment: Annotated[str, typer.Argument(help="id or run name")],
    registry: Root = layout.REGISTRY,
) -> None:
    """Show one experiment, every field."""
    from afs_stages.registry.records import flatten

    found = _open(registry).get(experiment).model_dump()
    leaves = [
        (key, value)
        for name, part in found.items()
        for key, value in flatten(part, name)
    ]
    width = max(len(key) for key, _ in leaves) + 2
    for key, value in leaves:
        if value not in (None, "", []):
            console.say(f"{key.ljust(width)}{_cell(value)}")


@compare.command()
def registry_compare(
    experiments: Annotated[
        list[str], typer.Argument(help="two or more ids or run names")
    ],
    registry: Root = layout.REGISTRY,
) -> None:
    """Compare experiments: their facts, and the params and metrics in
    which they differ.
    """
    from afs_stages.reporting.table import table

    if len(experiments) < 2:
        raise UserError(
            "name two experiments at least",
            fix="afs training registry-list shows what there is",
        )
    rows = _open(registry).compare(experiments)
    console.say(
        table(
            ["field", *experiments],
            [[key, *(_cell(value) for value in row)] for key, row in rows.items()],
        )
    )


def _open(folder: Path) -> ModelRegistry:
    """The registry in a folder; by default the project's own."""
    from afs_stages.project.place import require_project
    from afs_stages.registry.records import ModelRegistry

    if folder == layout.REGISTRY:
        require_project()
    return ModelRegistry(folder)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _metric(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise UserError(
            f"--metric {text}: name=number is needed", fix="--metric val_loss=0.83"
        ) from None


def _dataset(path: Path) -> Any:
    from afs_stages.core.hashes import file_hash
    from afs_stages.core.jsonl import read_lines, refuse
    from afs_stages.registry.records import DatasetRef

    if not path.is_file():
        raise UserError("no such data set", where=str(path), fix="check --dataset")
    return DatasetRef(
        path=str(path),
        hash=file_hash(path),
        rows=sum(1 for _ in read_lines(path, refuse)),
    )
