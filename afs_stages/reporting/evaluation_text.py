"""What a version knows, what it learnt and what it forgot, as lines of text."""

from __future__ import annotations

from typing import Any

from afs_stages.evaluation import knowledge
from afs_stages.evaluation.evaluate import versions_of
from afs_stages.reporting.table import table

WORDS = {
    "acc": ("ACC", "mean score over all test sets, minus nats per token"),
    "bwt": (
        "BWT",
        "change on earlier test sets since they were learnt; negative is forgetting",
    ),
    "fwt": ("FWT", "gain on a test set before it was learnt"),
    "f": ("F", "best past score minus today's; 0 is nothing forgotten"),
}


RECALL_WORDS = {
    "acc": ("ACC", "mean recall over all recall sets"),
    "bwt": ("BWT", "change of recall since it was learnt; negative is forgetting"),
    "fwt": ("FWT", "recall before it was learnt, over the base's"),
    "f": ("F", "best past recall minus today's; 0 is nothing forgotten"),
}
TASKS = {
    "recall": "recall (trained facts, other words)",
    "lookup": "lookup (held-out facts, never trained)",
    "facts": "facts (addresses, names and registers told)",
}
"""What a task is called where its name does not say it."""


def lines(report: dict[str, Any]) -> list[str]:
    """Recall of base and versions on every recall set, their loss on every frozen test
    set, the gain over the base, forgetting, tasks.
    """
    text = [
        *known(report),
        "completion loss, nats per token, lower is better (95% interval)",
        *_losses(report["loss"]),
    ]
    gain = report["gain_over_base"]
    text.append(f"gain over the base {_interval(gain)}: {_verdict(gain)}")
    measured = {
        name: value for name, value in report["forgetting"].items() if value is not None
    }
    if len(measured) > 1:
        text.append("forgetting over all versions, in loss")
        text += [
            f"  {WORDS[name][0]:<4} {_interval(value)}  {WORDS[name][1]}"
            for name, value in measured.items()
        ]
    else:
        text.append("forgetting: nothing to forget yet, this is the first version")
    text += _skills(report.get("general"))
    for name, task in (report.get("tasks") or {}).items():
        if isinstance(task, dict) and task.get("rows"):
            text.append(f"{TASKS.get(name, name)}: {_task(task)}")
    return text


def headline(report: dict[str, Any]) -> str:
    """What the version still knows of the one before, or what it knows where there is
    none; empty where nothing was asked.
    """
    sentences = knowledge.headlines(report.get("knowledge") or {}, versions_of(report))
    return sentences[0] if sentences else ""


def known(report: dict[str, Any]) -> list[str]:
    """What is known and kept, with the matrix of recall."""
    facts = report.get("knowledge") or {}
    if not facts:
        return []
    text = knowledge.headlines(facts, versions_of(report))
    text += ["recall of trained facts in words that were not trained (95% interval)"]
    text += ["  " + line for line in knowledge.matrix_text(facts).splitlines()]
    measured = {
        name: value for name, value in facts["forgetting"].items() if value is not None
    }
    if len(measured) > 1:
        text.append("forgetting of facts, as shares of the recall sets")
        text += [
            f"  {RECALL_WORDS[name][0]:<4} {_interval(value)}  {RECALL_WORDS[name][1]}"
            for name, value in measured.items()
        ]
    return text


def _skills(general: dict[str, Any] | None) -> list[str]:
    """Right items of general skills by model, and the last one's difference to the
    base.
    """
    if not general:
        return []
    shares = {name: row["all"]["estimate"] for name, row in general["share"].items()}
    told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    last = general["change"][list(shares)[-1]]["all"]
    return [
        f"general skills ({general['items']['all']} items, by chance a third): {told}; "
        f"against the base {_interval(last)}"
    ]


def _losses(loss: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    sets = list(next(iter(loss.values())))
    rows = [
        [name, *(_interval(row[tests]) for tests in sets)] for name, row in loss.items()
    ]
    return [
        "  " + line
        for line in table(["", *(f"{name} test" for name in sets)], rows).split("\n")
    ]


def _interval(value: dict[str, float]) -> str:
    return f"{value['estimate']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _verdict(gain: dict[str, float]) -> str:
    return (
        "beaten beyond the interval"
        if gain["low"] > 0
        else "not beaten beyond the interval"
    )


def _task(task: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in task.items()
    )
