"""`afs release`: freeze a version, adopt one made elsewhere, list and compare them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from afs_stages.core.params import Params
    from afs_stages.dataset.releases import Release

SHOWN = 5
"""Stale stages that a refusal names."""
app = console.stage_app(
    "release", "Freeze a version, adopt one, list and compare them."
)


@app.command()
def release(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL | import MODEL VERSION")
    ] = None,
    show: Annotated[
        bool, typer.Option("--list", help="List the releases and verify their hashes.")
    ] = False,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", help="Two versions of MODEL to compare: v4 v5."),
    ] = None,
    train: Annotated[
        Path | None, typer.Option(help="import: the rows it was trained on.")
    ] = None,
    val: Annotated[
        Path | None, typer.Option(help="import: its validation rows.")
    ] = None,
    test: Annotated[Path | None, typer.Option(help="import: its test rows.")] = None,
    adapter: Annotated[
        Path | None, typer.Option(help="import: its adapter's folder.")
    ] = None,
    track: Annotated[
        bool, typer.Option("--dvc/--no-dvc", help="Put the release under DVC.")
    ] = True,
) -> None:
    """Freeze a model's built version, so that later ones rehearse it and are measured
    on its test set.

    It must be trained and evaluated, and DVC must hold all its stages to be up to date.

    `afs release veran` freezes what the last `dvc repro` built. `afs release import
    veran v4 --train F [--test F] [--adapter D]` adopts a version trained elsewhere.
    `afs release veran --diff v4 v5` compares two.
    """
    from afs_stages.dataset import releases

    words = what or []
    if show:
        _list(releases.all_releases())
    elif diff and len(words) == 1:
        _diff(words[0], *diff)
    elif len(words) == 3 and words[0] == "import":
        if train is None:
            raise UserError(
                "nothing to adopt",
                where="--train",
                fix="--train old_train.jsonl [--test old_test.jsonl]",
            )
        files = {
            part: path
            for part, path in (("train", train), ("val", val), ("test", test))
            if path
        }
        _done(releases.adopt(words[1], _version(words[2]), files, adapter), track)
    elif len(words) == 1:
        _done(_freeze(words[0]), track)
    else:
        raise UserError(
            "give a model, `import MODEL VERSION`, or --list",
            where="afs release",
            fix="afs release --help",
        )


def _version(text: str) -> str:
    if not text.startswith("v") or not text[1:].isdigit():
        raise UserError(f"'{text}' is no version", fix="versions are called v1, v2, …")
    return text


def _freeze(model: str) -> Release:
    """Freeze what the pipeline built at home or, where nothing was trained at home,
    on a rented GPU.
    """
    from afs_stages.core.params import load
    from afs_stages.dataset import releases
    from afs_stages.dataset.idle_weights import refuse_idle_weights
    from afs_stages.project.code import require_current
    from afs_stages.remote.job import remote_folder

    require_current()
    params = load()
    version = params.model(model).version
    refuse_idle_weights(model, params)
    adapter, last_stage = layout.adapter(model), f"register@{model}"
    rented = remote_folder(model) / "adapter"
    if rented.is_dir() and not adapter.is_dir():
        adapter, last_stage = rented, f"remote/dvc.yaml:remote-register@{model}"
    releases.refuse_unfit(model, version, adapter)
    _refuse_stale(f"{model} {version}", last_stage)
    _refuse_failed_gates(model, version, params, rented=adapter == rented)
    return releases.freeze(model, params, layout.PARAMS.read_bytes(), adapter)


def _refuse_stale(name: str, last_stage: str) -> None:
    """Raise `UserError` where a stage that `last_stage` rests on would run again,
    or has never run.
    """
    from afs_stages.reporting.status import stale_stages

    stale = stale_stages(Path(), last_stage)
    if not stale:
        return
    lines = [f"  {stage}: {reason}" for stage, reason in list(stale.items())[:SHOWN]]
    if len(stale) > SHOWN:
        lines.append(f"  … and {len(stale) - SHOWN} more: dvc status")
    what = "\n".join(
        [
            (
                f"{name} is not up to date, so its rows, adapter and figures may not "
                "belong together:"
            ),
            *lines,
        ]
    )
    raise UserError(what, where="dvc.yaml", fix=f"dvc repro {last_stage}")


def _refuse_failed_gates(
    model: str, version: str, params: Params, *, rented: bool
) -> None:
    """Raise `UserError` where the gate before training, or the one after it, did not
    let the version pass.
    """
    from afs_stages.core.jsonl import read_json
    from afs_stages.evaluation.evaluate import versions_of
    from afs_stages.evaluation.gates import judge

    checked = read_json(layout.report("check", model))
    if checked.get("problems"):
        kinds = ", ".join(f"{n} {kind}" for kind, n in checked["problems"].items())
        raise UserError(
            f"{model} {version} did not pass check: {kinds}",
            where=str(layout.report("check", model)),
            fix=f"dvc repro check@{model}   (it names the rows)",
        )
    place = layout.report("remote-evaluate" if rented else "evaluate", model)
    measured = read_json(place)
    stage = f"remote/dvc.yaml:remote-train@{model}" if rented else f"evaluate@{model}"
    if "gain_over_base" not in measured:
        raise UserError(
            f"{model} {version} was not measured",
            where=str(place),
            fix=f"dvc repro {stage}",
        )
    failed, _ = judge(measured, versions_of(measured), params.evaluate)
    if failed:
        raise UserError(
            "\n".join([f"{model} {version} did not pass evaluate:", *failed]),
            where=str(place),
            fix=f"evaluate.* in params.yaml, or train better; then dvc repro {stage}",
        )


def _done(release: Release, track: bool) -> None:
    release.verify()
    rows = ", ".join(
        f"{count:,} {part}" for part, count in release.manifest["rows"].items()
    )
    console.say(f"released {release.name}: {rows} rows in {release.folder}")
    if track:
        command = [sys.executable, "-m", "dvc", "add", "--quiet", str(release.folder)]
        if subprocess.run(command, check=False).returncode:
            raise UserError(
                "DVC could not add it",
                where=str(release.folder),
                fix=f"dvc add {release.folder}",
            )
        console.say(
            f"next: git add {release.folder.parent}; git commit; "
            f"git tag {release.name.replace(' ', '-')}; dvc push"
        )


def _list(found: list[Release]) -> None:
    from afs_stages.reporting.table import table

    rows = []
    for item in found:
        item.verify()
        counts = item.manifest["rows"]
        parts = [f"{counts[part]:,}" for part in layout.PARTS]
        rows.append(
            [
                item.name,
                *parts,
                item.manifest["origin"],
                "yes" if (item.folder / "adapter").is_dir() else "no",
            ]
        )
    console.say(
        table(
            ["release", "train", "val", "test", "origin", "adapter"],
            rows,
            right="train,val,test",
        )
    )


def _diff(model: str, old: str, new: str) -> None:
    from afs_stages.dataset.releases import diff, open_release
    from afs_stages.reporting.table import table

    counts = diff(
        open_release(layout.release(model, old)),
        open_release(layout.release(model, new)),
    )
    kinds = ("added", "dropped", "changed", "kept", "moved")
    rows = [
        [name, *(f"{changes.get(kind, 0):,}" for kind in kinds)]
        for name, changes in counts.items()
    ]
    console.say(table(["source and domain", *kinds], rows, right=",".join(kinds)))


if __name__ == "__main__":
    console.run(app)
