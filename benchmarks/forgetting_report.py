"""Tables and figure of `forgetting.py`: what was forgotten, and what rehearsal cost,
with intervals.

    PYTHONPATH=. python benchmarks/forgetting_report.py out/forgetting \\
        --figure docs/rehearsal.svg

Intervals are 95% of a bootstrap over seeds and, within each seed, over test rows; all
cells of a seed are resampled together, so that cells compare like with like. A seed
counts once its cells are complete.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afs_stages.core.jsonl import read_json
from afs_stages.evaluation import intervals

TIMES = 2000
Values = np.ndarray[Any, Any]
Key = tuple[str, float, str]
"""(init, ratio, policy); ratio 0 has the policy `none`."""


@dataclass
class Found:
    """One combination over all seeds: resampled values, the estimate first."""

    seeds: int
    rows: float
    f: Values
    left: Values
    new: Values
    change: Values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="output of forgetting.py")
    parser.add_argument("--figure", type=Path, help=".svg or .png to draw")
    options = parser.parse_args()
    seeds = complete(
        [
            read_seed(path.parent)
            for path in sorted(options.folder.glob("seed-*/v1.json"))
        ]
    )
    found = {key: combine(seeds, key) for key in sorted(seeds[0]["cells"])}
    print(
        f"{len(seeds)} seeds; what v1 learnt on the old domains: {cell(learnt(seeds))}"
    )
    for part in (by_ratio(found), by_policy(found), beside(seeds, found)):
        print("", *part, sep="\n")
    if options.figure:
        draw(found, options.figure)


def read_seed(folder: Path) -> dict[str, Any]:
    """Everything measured with one seed: `base`, `v1`, and the cells by key."""
    plain = {name: read_json(folder / f"{name}.json") for name in ("base", "v1")}
    found = [read_json(path) for path in sorted(folder.glob("*-*-*.json"))]
    return {
        **plain,
        "cells": {(one["init"], one["ratio"], one["policy"]): one for one in found},
    }


def complete(seeds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The seeds that have every cell that any has."""
    every = {key for seed in seeds for key in seed["cells"]}
    return [seed for seed in seeds if set(seed["cells"]) == every]


def resampled(seed: dict[str, Any], one: dict[str, Any], half: str) -> Values:
    """Loss per token of a measured adapter on a half's test rows,
    shape (TIMES + 1,).
    """
    rows = one[half]
    counts = intervals.resamples(len(rows["tokens"]), TIMES, seed["v1"]["seed"])
    return intervals.per_token(counts, rows["losses"], rows["tokens"])


def over_seeds(values: list[Values]) -> Values:
    """The mean over seeds, which are drawn again in every resample."""
    weights = intervals.resamples(len(values), TIMES, 0)
    mean: Values = (weights * np.stack(values, axis=1)).sum(axis=1) / len(values)
    return mean


def learnt(seeds: list[dict[str, Any]]) -> Values:
    """How much lower v1's loss on the old domains is than the base's."""
    return over_seeds(
        [resampled(s, s["base"], "old") - resampled(s, s["v1"], "old") for s in seeds]
    )


def forgotten(seeds: list[dict[str, Any]], key: Key) -> Values:
    """F: the loss of v2 on the old domains minus that of v1."""
    return over_seeds(
        [
            resampled(s, s["cells"][key], "old") - resampled(s, s["v1"], "old")
            for s in seeds
        ]
    )


def combine(seeds: list[dict[str, Any]], key: Key) -> Found:
    """One combination beside no rehearsal with the same start."""
    without = (key[0], 0, "none")
    f = forgotten(seeds, key)
    new = [resampled(s, s["cells"][key], "new") for s in seeds]
    zero = [resampled(s, s["cells"][without], "new") for s in seeds]
    change = over_seeds([a / b - 1 for a, b in zip(new, zero, strict=True)])
    fewest = [s["cells"][key]["rows"] - s["cells"][without]["rows"] for s in seeds]
    share = sum(fewest) / sum(s["v1"]["old_rows"] for s in seeds)
    return Found(
        len(seeds), share, f, f / forgotten(seeds, without), over_seeds(new), change
    )


def by_ratio(found: dict[Key, Found]) -> Iterator[str]:
    """What random rehearsal does, a line a ratio."""
    yield (
        "| init_from | ratio | old rows seen | F | share of F left | loss on new "
        "domains | its change |"
    )
    yield "|---|---|---|---|---|---|---|"
    for (init, ratio, policy), one in found.items():
        if policy in {"none", "random"}:
            cells = [
                cell(one.f),
                cell(one.left, 2),
                cell(one.new),
                cell(100 * one.change, 1, "%"),
            ]
            yield f"| {init} | {ratio:g} | {one.rows:.0%} | {' | '.join(cells)} |"


def by_policy(found: dict[Key, Found]) -> Iterator[str]:
    """The share of F that each policy leaves, a line a ratio."""
    policies = policies_of(found)
    yield f"| init_from | ratio | {' | '.join(policies)} |"
    yield "|---|---|" + "---|" * len(policies)
    for init, ratio in sorted({(init, ratio) for init, ratio, _ in found if ratio}):
        cells = [cell(found[init, ratio, policy].left, 2) for policy in policies]
        yield f"| {init} | {ratio:g} | {' | '.join(cells)} |"


def beside(seeds: list[dict[str, Any]], found: dict[Key, Found]) -> Iterator[str]:
    """How much more a policy forgets than each random one,
    on average over the ratios from 0.05 on.
    """
    ratios = sorted({ratio for _, ratio, _ in found if ratio >= 0.05})
    policies = policies_of(found)
    randoms = [policy for policy in policies if policy.startswith("random")]
    yield (
        "| init_from | policy | "
        f"{' | '.join(f'F minus that of {name}' for name in randoms)} |"
    )
    yield "|---|---|" + "---|" * len(randoms)
    for init in sorted({init for init, _, _ in found}):
        for policy in sorted(set(policies) - set(randoms)):
            cells = []
            for other in randoms:
                each = [
                    forgotten(seeds, (init, r, policy))
                    - forgotten(seeds, (init, r, other))
                    for r in ratios
                ]
                cells.append(cell(np.mean(each, axis=0), 4))
            yield f"| {init} | {policy} | {' | '.join(cells)} |"


def policies_of(found: dict[Key, Found]) -> list[str]:
    """The policies that were measured, random ones first."""
    names = {policy for _, _, policy in found} - {"none"}
    return sorted(names, key=lambda name: (not name.startswith("random"), name))


def cell(values: Values, digits: int = 3, unit: str = "") -> str:
    """Estimate and interval."""
    one = intervals.summary(values)
    return (
        f"{one['estimate']:.{digits}f}{unit} [{one['low']:.{digits}f}, "
        f"{one['high']:.{digits}f}]"
    )


def draw(found: dict[Key, Found], path: Path) -> None:
    """Share of F left, and the change of the new domains' loss, against the ratio;
    a line a policy.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    with mpl.rc_context(
        {
            "svg.hashsalt": "afs",
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.size": 9,
        }
    ):
        figure, grid = pyplot.subplots(
            2, 2, figsize=(9, 6.4), sharex=True, sharey="col", dpi=110
        )
        for row, init in enumerate(("base", "previous")):
            lines(grid[row][0], found, init, "left", 1.0)
            lines(grid[row][1], found, init, "change", 100.0)
            grid[row][0].set_ylabel(f"init_from: {init}\nshare of F left")
            grid[row][1].set_ylabel("change of the new domains' loss, %")
            grid[row][0].axhline(0.25, color="black", linestyle=":", linewidth=1)
            grid[row][1].axhline(2, color="black", linestyle=":", linewidth=1)
        for axes in grid[1]:
            axes.set_xlabel("rehearsal ratio")
        grid[0][0].set_title("forgetting (aim: at most 1/4)", fontsize=10)
        grid[0][1].set_title("cost on the new (aim: at most 2%)", fontsize=10)
        grid[0][0].legend(frameon=False)
        figure.tight_layout()
        kind = path.suffix.removeprefix(".")
        figure.savefig(
            path,
            metadata={"Date": None, "Creator": None}
            if kind == "svg"
            else {"Software": None},
        )
        pyplot.close(figure)


def lines(
    axes: Any, found: dict[Key, Found], init: str, name: str, scale: float
) -> None:
    """One panel: estimates with their intervals,
    policies side by side at each ratio.
    """
    ratios = sorted({ratio for _, ratio, _ in found})
    policies = policies_of(found)
    for at, policy in enumerate(policies):
        keys = [(init, ratio, policy if ratio else "none") for ratio in ratios]
        values = [intervals.summary(scale * getattr(found[key], name)) for key in keys]
        middle = np.array([one["estimate"] for one in values])
        span = np.array(
            [
                [one["estimate"] - one["low"] for one in values],
                [one["high"] - one["estimate"] for one in values],
            ]
        )
        places = np.arange(len(ratios)) + 0.12 * (at - (len(policies) - 1) / 2)
        axes.errorbar(
            places,
            middle,
            yerr=np.maximum(span, 0),
            label=policy,
            marker="o",
            markersize=3,
            capsize=2,
        )
    axes.set_xticks(range(len(ratios)), [f"{ratio:g}" for ratio in ratios])
    axes.grid(axis="y", alpha=0.3)


if __name__ == "__main__":
    main()
