"""The data card: what a training set is made of, as Markdown."""

from __future__ import annotations

from typing import Any


def datacard(model: str, version: str, facts: dict[str, Any], licences: dict[str, str]) -> str:
    """The card of one version, from the facts that the gate collected."""
    rows = facts["rows"]
    parts = [
        f"# {model} {version}: data card",
        f"{rows['train']:,} training rows, {rows['val']:,} for validation, {rows['test']:,} for the test. "
        f"{facts['repeated']:,} training rows are repeats, {facts['conversations']:,} rows are conversations, "
        f"{facts['with_tools']:,} carry tool schemas, {facts['with_thinking']:,} carry thinking.",
        _table("Sources of the training rows", facts["sources"], "source", licences),
        _table("Domains", facts["domains"], "domain"),
        _table("Kinds", facts["kinds"], "kind"),
        _table("First trained in", facts["versions"], "version"),
        _table("Redactions over all rows", facts["redactions"], "kind"),
        _spreads({"quality score": facts["quality"], **{f"tokens, {p}": s for p, s in facts["tokens"].items()}}),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(title: str, counts: dict[str, int], head: str, licences: dict[str, str] | None = None) -> str:
    if not counts:
        return ""
    total = sum(counts.values())
    extra = " licence |" if licences is not None else ""
    lines = [f"## {title}", "", f"| {head} | rows | share |{extra}", f"|---|---:|---:|{'---|' if extra else ''}"]
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        licence = f" {licences.get(name, 'unstated')} |" if licences is not None else ""
        lines.append(f"| {name} | {count:,} | {count / total:.1%} |{licence}")
    return "\n".join(lines)


def _spreads(spreads: dict[str, dict[str, float]]) -> str:
    names = ("min", "q1", "median", "q3", "max")
    lines = ["## Scores and lengths", "", f"| | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for title, spread in spreads.items():
        if spread:
            lines.append(f"| {title} | {' | '.join(f'{spread[name]:g}' for name in names)} |")
    return "\n".join(lines)
