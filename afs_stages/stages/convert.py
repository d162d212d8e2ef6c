"""Stage `convert@<model>`: the mix in the formats that training programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from afs_stages.core import console, layout
from afs_stages.core.stage_report import StageReport

app = console.stage_app(
    "convert", "The mix in the formats that training programs read."
)


@app.command()
def convert(
    model: Annotated[
        str, typer.Option("--model", help="Which block of `models` in params.yaml.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unreadable row.")
    ] = False,
) -> None:
    """Write a model's train, val and test rows in every format of `convert.formats`."""
    from afs_stages.core.params import load
    from afs_stages.dataset.convert import convert_file
    from afs_stages.dataset.formats import Style, format_named
    from afs_stages.dataset.loader_files import write_loader_files

    params = load()
    params.require_model(model)
    block = params.convert
    style = Style(block.cot_mode, block.system_prompt, block.system_prompts)
    report = StageReport("convert", model)
    columns: dict[tuple[str, str], set[str]] = {}
    for name in block.formats:
        format = format_named(name)
        for part in layout.PARTS:
            columns[name, part] = convert_file(
                layout.mixed(model, part),
                layout.converted(model, name, part),
                format,
                style,
                report,
                strict,
            )
    folder = layout.trained_on(model, "train").parents[1]
    write_loader_files(folder, model, columns)
    report.write(layout.report("convert", model), layout.run_facts("convert", model))


by_hand = console.stage_app("convert", "One file to or from a training format.")


@by_hand.command()
def convert_one(
    input: Annotated[Path, typer.Option("--input", "-i", help="A JSONL file.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Default: <input>_<format>.jsonl."),
    ] = None,
    format: Annotated[
        str,
        typer.Option(help="messages, alpaca, sharegpt, openai, chatml or your own."),
    ] = "alpaca",
    cot_mode: Annotated[
        Literal["separate", "embedded", "drop"],
        typer.Option(help="Where thinking goes."),
    ] = "separate",
    no_cot: Annotated[
        bool, typer.Option("--no-cot", help="The same as --cot-mode drop.")
    ] = False,
    system_prompt: Annotated[
        str, typer.Option(help="A system message for every row.")
    ] = "",
    back: Annotated[
        bool, typer.Option("--from", help="The input is in the format; write samples.")
    ] = False,
    source: Annotated[
        str, typer.Option(help="--from: the source of the samples.")
    ] = "",
    domain: Annotated[
        str, typer.Option(help="--from: the domain of the samples.")
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unreadable row.")
    ] = False,
) -> None:
    """Convert a JSONL file of samples to a training format,
    or with --from the other way.
    """
    from afs_stages.dataset.convert import convert_file, import_file
    from afs_stages.dataset.formats import Style, format_named

    chosen = format_named(format, "--format")
    report = StageReport("convert", format)
    stem = input.name.removesuffix(".zst").removesuffix(".gz").removesuffix(".jsonl")
    target = output or input.with_name(f"{stem}_{'samples' if back else format}.jsonl")
    if back:
        import_file(
            input, target, chosen, report, strict, source_name=source, domain=domain
        )
    else:
        convert_file(
            input,
            target,
            chosen,
            Style("drop" if no_cot else cot_mode, system_prompt),
            report,
            strict,
        )
    report.write(None)
    console.say(f"written: {target}")


if __name__ == "__main__":
    console.run(app)
