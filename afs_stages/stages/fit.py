"""Stage `fit@<model>`: the rows of a model's sources that its context takes."""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout

app = console.stage_app("fit", "The rows of a model's sources that its context takes.")


@app.command()
def fit(
    model: Annotated[
        str, typer.Option("--model", help="Which block of `models` in params.yaml.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unreadable row.")
    ] = False,
) -> None:
    """Cut the tool output of rows over the token limit, drop (or shorten) those that
    are still over it; counted as they are trained on.
    """
    from afs_stages.core.params import load
    from afs_stages.dataset.fit import fit_model, load_tokenizer
    from afs_stages.dataset.formats import Style
    from afs_stages.training.lengths import RowTokens

    params = load()
    sources = params.sources_of(model)
    style = Style(
        params.convert.cot_mode,
        params.convert.system_prompt,
        params.convert.system_prompts,
    )
    tokens = RowTokens(load_tokenizer(layout.BASE_MODEL), style)
    report = fit_model(model, sources, tokens, params.fit, strict)
    report.write(layout.report("fit", model), layout.run_facts("fit", model))


if __name__ == "__main__":
    console.run(app)
