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


def refusals(
    found: dict[str, Any], versions: Sequence[str], params: Evaluate
) -> list[str]:
    """Why the version fails, each reason with its table; empty where it passes.

    With few test rows a gain over the base passes though its interval holds 0
    (`doubts` says so); no gain at all never does.
    """
    out = []
    gain = found["gain_over_base"]
    is_told = found["test_rows"][versions[-1]] >= FEW_ROWS
    is_worse = gain["estimate"] <= 0 or (is_told and gain["low"] <= 0)
    if params.must_beat_base and is_worse:
        reason = (
            f"{versions[-1]} does not beat the base model on its test set: "
            f"loss lower by {_gained(gain)}"
        )
        out.append(f"{reason}\n{domain_table(found, versions, -1)}")
    if params.max_regression is not None and len(versions) > 1:
        worse = regressions(found, versions, params.max_regression)
        if worse:
            much = (
                f"by more than {params.max_regression} nats per token on "
                f"{', '.join(worse)}"
            )
            reason = f"{versions[-1]} is worse than {versions[-2]} {much}"
            out.append(f"{reason}\n{domain_table(found, versions, -2)}")
    if params.recall.min_kept is not None:
        out += _lost(found, versions, params.recall.min_kept)
    out += lost_skills(found.get("general"), versions[-1], params.general)
    return out


def _lost(found: dict[str, Any], versions: Sequence[str], least: float) -> list[str]:
    """Of which earlier versions too little is still known.

    With few known facts only an interval that lies below as a whole refuses.
    """
    out = []
    for version, kept in _kept(found):
        is_told = kept["facts"] >= FEW_ROWS
        is_lost = kept["estimate"] < least if is_told else kept["high"] < least
        if is_lost:
            out.append(_kept_text(versions[-1], version, kept, least))
    return out


def _kept(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What is kept of earlier versions that knew something."""
    kept = (found.get("knowledge") or {}).get("kept", {})
    return [(version, one) for version, one in kept.items() if one["known"]]


def _kept_text(now: str, version: str, kept: dict[str, Any], least: float) -> str:
    return (
        f"{now} still knows {percent(kept)} of what {version} knew ({kept['still']} of "
        f"{kept['known']} questions), and evaluate.recall.min_kept is {least}"
    )


def doubts(
    found: dict[str, Any], versions: Sequence[str], params: Evaluate
) -> list[str]:
    """What passes, though the rows, facts or items are too few to tell."""
    out = _doubted_gain(found, versions, params)
    out += doubted_skills(found.get("general"), versions[-1], params.general)
    if params.recall.min_kept is not None and len(versions) > 1:
        out += _doubted_kept(found, versions, params.recall.min_kept)
    return out


def _doubted_kept(
    found: dict[str, Any], versions: Sequence[str], least: float
) -> list[str]:
    measured = _kept(found)
    if not measured:
        return [
            "evaluate.recall.min_kept cannot be told: earlier versions knew nothing of "
            "their recall sets, or have none"
        ]
    lost = _lost(found, versions, least)
    few = []
    for version, kept in measured:
        text = _kept_text(versions[-1], version, kept, least)
        is_few = kept["facts"] < FEW_ROWS
        if is_few and kept["low"] < least and text not in lost:
            few.append(f"cannot tell with {kept['facts']} known facts: {text}")
    return few


def _doubted_gain(
    found: dict[str, Any], versions: Sequence[str], params: Evaluate
) -> list[str]:
    rows, gain = found["test_rows"][versions[-1]], found["gain_over_base"]
    is_told = rows >= FEW_ROWS or (rows > 1 and gain["low"] > 0)
    if not params.must_beat_base or is_told or gain["estimate"] <= 0:
        return []
    return [
        f"cannot tell with {rows} test row{'s' if rows > 1 else ''} whether "
        f"{versions[-1]} beats the base model: loss lower by {_gained(gain)}; "
        f"from {FEW_ROWS} test rows on the interval decides",
    ]


def _gained(gain: dict[str, float]) -> str:
    return (
        f"{gain['estimate']:.4f} nats per token, 95% interval {gain['low']:.4f} to "
        f"{gain['high']:.4f}"
    )


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
    tests, models = versions[which], [BASE, *versions]
    domains = found["domains"][BASE][tests]
    width = max(20, *(len(name) + 2 for name in domains))
    lines = [
        f"on {tests}'s test set".ljust(width)
        + "rows".rjust(6)
        + "".join(f"{name:>10}" for name in models)
    ]
    for domain, facts in domains.items():
        cells = "".join(
            f"{found['domains'][name][tests][domain]['estimate']:>10.3f}"
            for name in models
        )
        lines.append(domain.ljust(width) + f"{facts['rows']:>6}" + cells)
    return "\n".join(lines)
