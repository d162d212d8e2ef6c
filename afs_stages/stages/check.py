"""Stage `check@<model>`: the gate before training, and the data card."""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout

app = console.stage_app("check", "The gate before training, and the data card.")


@app.command()
def check(
    model: Annotated[
        str, typer.Option("--model", help="Which block of `models` in params.yaml.")
    ],
) -> None:
    """Fail when a held-out row of any version is trained on, a share is missed, a row
    is too long or broken.
    """
    from afs_stages.core.atomic import write_text
    from afs_stages.core.jsonl import write_json
    from afs_stages.core.params import load
    from afs_stages.dataset.check import check_model
    from afs_stages.dataset.datacard import datacard
    from afs_stages.dataset.fit import load_tokenizer
    from afs_stages.dataset.formats import Style
    from afs_stages.dataset.shorten import count_rows
    from afs_stages.training.lengths import RowTokens

    # What an earlier run allowed does not stand while this one looks.
    layout.checked(model).unlink(missing_ok=True)
    params = load()
    block = params.model(model)
    style = Style(
        params.convert.cot_mode,
        params.convert.system_prompt,
        params.convert.system_prompts,
    )
    tokens = RowTokens(load_tokenizer(layout.BASE_MODEL), style)
    report, findings, facts = check_model(
        model,
        block,
        params.split.near_duplicates,
        lambda sample: count_rows(tokens, [sample])[0],
        params.fit.max_tokens,
        frozenset(params.check.allowed_secrets),
    )
    licences = {name: source.licence for name, source in params.sources.items()}
    write_text(layout.datacard(model), datacard(model, block.version, facts, licences))
    write_json(layout.datacard(model).with_suffix(".json"), facts)
    report.write(layout.report("check", model), layout.run_facts("check", model))
    findings.raise_if_any(model)
    write_text(layout.checked(model), "no leak, shares and lengths hold\n")


if __name__ == "__main__":
    console.run(app)
