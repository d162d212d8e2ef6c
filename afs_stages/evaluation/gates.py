"""When a version may not pass: no better than its base, worse than the last release on
a domain, ignorant of what an earlier version knew, or poorer in general skills.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from afs_stages.core.params.model import Evaluate
from afs_stages.evaluation.general_gate import doubted_skills, lost_skills
from afs_stages.evaluation.knowledge import percent
from afs_stages.evaluation.losses import BASE

FEW_ROWS = 20
"""Test rows below which an interval over the base that holds 0 refuses nothing: so few
rows hold 0 for almost any gain.
"""


def judge(
    found: dict[str, Any], versions: Sequence[str], params: Evaluate
) -> tuple[list[str], list[str]]:
    """(why the version fails, each reason with its table; what passes though the rows,
    facts or items are too few to tell).
    """
    now, general = versions[-1], found.get("general")
    refused: list[str] = []
    doubted: list[str] = []
    if params.must_beat_base:
        _judge_gain(found, versions, refused, doubted)
    if params.max_regression is not None and len(versions) > 1:
        worse = regressions(found, versions, params.max_regression)
        if worse:
            refused.append(
                f"{now} is worse than {versions[-2]} by more than "
                f"{params.max_regression} nats per token on {', '.join(worse)}\n"
                f"{domain_table(found, versions, -2)}"
            )
    if params.recall.min_kept is not None and len(versions) > 1:
        _judge_kept(found, now, params.recall.min_kept, refused, doubted)
    refused += lost_skills(general, now, params.general)
    doubted += doubted_skills(general, now, params.general)
    return refused, doubted


def _judge_gain(
    found: dict[str, Any],
    versions: Sequence[str],
    refused: list[str],
    doubted: list[str],
) -> None:
    """With few test rows a gain over the base passes though its interval holds 0; no
    gain at all never does.
    """
    now, gain = versions[-1], found["gain_over_base"]
    rows = found["test_rows"][now]
    told = (
        f"{gain['estimate']:.4f} nats per token, 95% interval {gain['low']:.4f} to "
        f"{gain['high']:.4f}"
    )
    if gain["estimate"] <= 0 or (rows >= FEW_ROWS and gain["low"] <= 0):
        refused.append(
            f"{now} does not beat the base model on its test set: loss lower by {told}"
            f"\n{domain_table(found, versions, -1)}"
        )
    elif rows == 1 or gain["low"] <= 0:
        doubted.append(
            f"cannot tell with {rows} test row{'s' if rows > 1 else ''} whether {now} "
            f"beats the base model: loss lower by {told}; from {FEW_ROWS} test rows on "
            "the interval decides"
        )


def _judge_kept(
    found: dict[str, Any],
    now: str,
    least: float,
    refused: list[str],
    doubted: list[str],
) -> None:
    """Too little still known of an earlier version refuses. With few known facts only
    an interval that lies below as a whole does.
    """
    kept = (found.get("knowledge") or {}).get("kept", {})
    # What knew nothing has nothing to keep.
    measured = {version: one for version, one in kept.items() if one["known"]}
    if not measured:
        doubted.append(
            "evaluate.recall.min_kept cannot be told: earlier versions knew nothing of "
            "their recall sets, or have none"
        )
    for version, one in measured.items():
        told = (
            f"{now} still knows {percent(one)} of what {version} knew ({one['still']} "
            f"of {one['known']} questions), and evaluate.recall.min_kept is {least}"
        )
        are_few = one["facts"] < FEW_ROWS
        if one["high" if are_few else "estimate"] < least:
            refused.append(told)
        elif are_few and one["low"] < least:
            doubted.append(f"cannot tell with {one['facts']} known facts: {told}")


def regressions(
    found: dict[str, Any], versions: Sequence[str], allowed: float
) -> list[str]:
    """Domains of the last release's frozen test set on which the loss rose by
    more than allowed.
    """
    last, now = versions[-2], versions[-1]
    before, after = found["domains"][last][last], found["domains"][now][last]
    return [
        name
        for name in before
        if after[name]["estimate"] - before[name]["estimate"] > allowed
    ]


def domain_table(found: dict[str, Any], versions: Sequence[str], which: int) -> str:
    """Loss per token by domain on one version's test set,
    a column for base and each version.
    """
    tests = versions[which]
    rows = {name: found["domains"][name][tests] for name in (BASE, *versions)}
    title = f"on {tests}'s test set"
    width = max(20, *(len(domain) + 2 for domain in rows[BASE]))
    head = "".join(f"{name:>10}" for name in rows)
    lines = [f"{title:<{width}}{'rows':>6}{head}"]
    for domain, facts in rows[BASE].items():
        losses = [row[domain]["estimate"] for row in rows.values()]
        cells = "".join(f"{loss:>10.3f}" for loss in losses)
        lines.append(f"{domain:<{width}}{facts['rows']:>6}{cells}")
    return "\n".join(lines)
