"""The data card: what a training set is made of, as Markdown."""

from __future__ import annotations

from typing import Any

TABLES = [
    ("Domains", "domains", "domain"),
    ("Kinds", "kinds", "kind"),
    ("First trained in", "versions", "version"),
    ("Redactions over all rows", "redactions", "kind"),
]
"""(title, name of the fact, head of its first column) of the card's tables after
that of the sources.
"""


def datacard(
    model: str, version: str, facts: dict[str, Any], licences: dict[str, str]
) -> str:
    """The card of one version, from the facts that the gate collected."""
    parts = [
        f"# {model} {version}: data card",
        _counts(facts),
        _table("Sources of the training rows", facts["sources"], "source", licences),
    ]
    for title, name, head in TABLES:
        parts.append(_table(title, facts[name], head))
    lengths = {f"tokens, {part}": spread for part, spread in facts["tokens"].items()}
    parts.append(_spreads({"quality score": facts["quality"], **lengths}))
    return "\n\n".join(part for part in parts if part) + "\n"


def _counts(facts: dict[str, Any]) -> str:
    rows = facts["rows"]
    parts = (
        f"{rows['train']:,} training rows, {rows['val']:,} for validation, "
        f"{rows['test']:,} for the test."
    )
    repeats = (
        f"{facts['repeated']:,} training rows are repeats, {facts['conversations']:,} "
        "rows are conversations,"
    )
    extras = (
        f"{facts['with_tools']:,} carry tool schemas, {facts['with_thinking']:,} "
        "carry thinking."
    )
    return " ".join([parts, repeats, extras])


def _table(
    title: str,
    counts: dict[str, int],
    head: str,
    licences: dict[str, str] | None = None,
) -> str:
    if not counts:
        return ""
    total = sum(counts.values())
    extra = " licence |" if licences is not None else ""
    lines = [
        f"## {title}",
        "",
        f"| {head} | rows | share |{extra}",
        f"|---|---:|---:|{'---|' if extra else ''}",
    ]
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        licence = f" {licences.get(name, 'unstated')} |" if licences is not None else ""
        lines.append(f"| {name} | {count:,} | {count / total:.1%} |{licence}")
    return "\n".join(lines)


def _spreads(spreads: dict[str, dict[str, float]]) -> str:
    names = ("min", "q1", "median", "q3", "max")
    lines = [
        "## Scores and lengths",
        "",
        f"| | {' | '.join(names)} |",
        "|---|" + "---:|" * len(names),
    ]
    for title, spread in spreads.items():
        if spread:
            lines.append(
                f"| {title} | {' | '.join(f'{spread[name]:g}' for name in names)} |"
            )
    return "\n".join(lines)
