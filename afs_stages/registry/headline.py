"""A version's few headline figures, which `dvc metrics` and
`dvc exp show` put in columns.
"""

from __future__ import annotations

from typing import Any

FORGETTING = ("acc", "bwt", "fwt", "f")
TASKS = {
    "recall": "exact",
    "lookup": "exact",
    "assembles": "rate",
    "tool_calls": "valid",
}


def headline(
    version: str, facts: dict[str, Any], measured: dict[str, Any]
) -> dict[str, Any]:
    """One figure each, without intervals: they stand in the evaluation's report.

    `facts` is the adapter's training.json, `measured` the evaluation's report. `loss`
    is nats per token on the version's own test set, `gain` what it is better than the
    base there, `general` the share of right items of general skills; `f` and its like
    are as in `forgetting.py`, in loss; `kept` is the share of what the version before
    knew that is still known. What was not measured is left out.
    """
    found = measured["forgetting"]
    own = measured["loss"][version][version]
    figures = {
        "version": version,
        "train_rows": facts["data"]["train"].get("rows"),
        "loss": own["estimate"],
        "gain": measured["gain_over_base"]["estimate"],
        "perplexity": measured["perplexity"]["estimate"],
    }
    figures |= {name: found[name]["estimate"] for name in FORGETTING if found.get(name)}
    # Of the version before; the report has all earlier ones.
    for kept in (measured.get("knowledge") or {}).get("kept", {}).values():
        figures["kept"] = kept.get("estimate")
    general = measured.get("general")
    if general:
        figures["general"] = general["share"][version]["all"]["estimate"]
    for task, rate in TASKS.items():
        if task in measured["tasks"]:
            figures[task] = measured["tasks"][task].get(rate)
    return {name: value for name, value in figures.items() if value is not None}
