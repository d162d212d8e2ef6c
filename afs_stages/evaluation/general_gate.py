"""When a version has lost too much of its general skills, and when that cannot be told.

A gate looks at the interval of the difference to the base: it refuses what is surely a
larger loss than allowed. What the items cannot resolve passes, and is said.
"""

from __future__ import annotations

from typing import Any

from afs_stages.core.params.model import General
from afs_stages.evaluation.general import CHANCE

ALL = "all"
"""All skills together, beside each of them."""
POINTS = 100
"""Shares are told in percent, differences in points."""


def lost_skills(
    found: dict[str, Any] | None, version: str, params: General
) -> list[str]:
    """Why a version fails; empty where it passes, or nothing was measured."""
    if not found or params.max_regression is None:
        return []
    change = found["change"][version]
    lost = [name for name in change if change[name]["high"] < -params.max_regression]
    if not lost:
        return []
    much = f"more than {POINTS * params.max_regression:g} points"
    reason = (
        f"{version} lost {much} of general skills against the base: {', '.join(lost)}"
    )
    return ["\n".join([reason, *skill_lines(found, version)])]


def doubted_skills(
    found: dict[str, Any] | None, version: str, params: General
) -> list[str]:
    """That a loss larger than allowed can neither be seen nor ruled out."""
    if not found or params.max_regression is None:
        return []
    change, allowed = found["change"][version][ALL], params.max_regression
    if change["high"] < -allowed or change["low"] >= -allowed:
        return []
    return [
        f"cannot tell whether {version} lost {POINTS * allowed:g} points of general "
        f"skills: {_points(change)} against the base; {resolution(found, version)}"
    ]


def resolution(found: dict[str, Any], version: str) -> str:
    """The smallest difference that the items can tell, from this version's interval."""
    change = found["change"][version][ALL]
    half = (change["high"] - change["low"]) / 2
    return (
        f"{found['items'][ALL]} items tell differences of {POINTS * half:.1f} points "
        "at the least here"
    )


def skill_lines(found: dict[str, Any], version: str) -> list[str]:
    """A table: base, version and the difference with its interval, skill by skill."""
    base, own, change = found["share"]["base"], found["share"][version], found["change"]
    lines = [f"{'skill':<14}{'items':>6}{'base':>8}{version:>8}  difference in points"]
    for name, items in found["items"].items():
        before, after = base[name]["estimate"], own[name]["estimate"]
        lines.append(
            f"{name:<14}{items:>6}{before:>8.0%}{after:>8.0%}"
            f"  {_points(change[version][name])}"
        )
    lines.append(f"chance is {CHANCE:.0%}; {resolution(found, version)}")
    return lines


def _points(change: dict[str, float]) -> str:
    estimate, low, high = (POINTS * change[key] for key in ("estimate", "low", "high"))
    return f"{estimate:+.1f} [{low:+.1f}, {high:+.1f}]"
