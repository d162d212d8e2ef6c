"""Fit the curves of `afs_stages/scoring/data/evidence.json`.

    python benchmarks/scorer/calibrate.py --set ROWS[:MODEL] ... [--good 400] [--write]

Each set is a file of exported rows that are taken to be good, with the discriminator
trained on them. Faults of `faults.py` are planted in some rows of each. A measure's
curve is fitted on the kinds it can speak of: code's on spoilt code, names' on wrong
names, the answer's on all others. What is printed is honest to that degree: every kind
is judged by curves that saw neither it nor its like (`GROUPS`), good rows by curves
that saw only the other half of them.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from faults import GROUPS, NOT_TOLD, planted

from afs_stages.core.jsonl import read_samples, refuse, write_json
from afs_stages.core.params import load
from afs_stages.scoring import evidence
from afs_stages.scoring.config import ScoringConfig
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.calibration import auc
from afs_stages.scoring.evidence import MEASURES, SIGNALS, EvidenceCurve
from afs_stages.scoring.peers import PeerSample
from afs_stages.scoring.scorer import PRIOR, QualityScorer

OUTPUT = Path(evidence.__file__).parent / "data/evidence.json"
CODE_KINDS = ("other_machine", "code_lines_shuffled", "code_cut", "off_by_one")
NAME_KINDS = ("invented_names", "wrong_addresses", "near_addresses")
FEW = 5
"""Bad rows of a kind in a set that are too few for a figure."""
SMALL_CELL = 10
"""A kind of a set with fewer rows counts for less than one with many."""


@dataclass
class Row:
    """A row's measures, what is wrong with it, and where it is from."""

    kind: str
    group: int
    name: str
    half: bool
    measures: dict[str, float | None]
    vetoed: bool


def speaks_of(signal: str, kind: str) -> bool:
    """Whether a signal can speak of a kind of fault."""
    is_code = kind.startswith("code:") or kind in CODE_KINDS
    if signal in ("discriminator", "assembler", "static"):
        return is_code
    if signal == "names":
        return kind in NAME_KINDS
    return not is_code and kind not in NOT_TOLD


def rows_of(place: str, count: int, seed: int) -> Iterable[Row]:
    path, _, model = place.partition(":")
    every = list(read_samples(Path(path), refuse))
    good = random.Random(seed).sample(every, min(count, len(every)))
    bad = planted(good, every, seed)
    gathered = PeerSample()
    for sample in every:
        gathered.add(sample)
    config = ScoringConfig.from_params(load().quality, Path(model) if model else None)
    scorer = QualityScorer(config, Context.of(every))
    peers = gathered.peers()
    assert peers
    groups = {kind: at for at, kinds in enumerate(GROUPS) for kind in kinds}
    for kind, samples in [("", good), *bad.items()]:
        readings = scorer.read_batch(samples)
        beside = peers.look(samples)
        for at, (reading, other) in enumerate(zip(readings, beside, strict=True)):
            measures = {**reading.measures, **other}
            vetoed = bool(set(reading.faults) & set(config.vetoes))
            group = groups.get(kind, -1)
            yield Row(kind, group, Path(path).name, at % 2 == 0, measures, vetoed)


def held(row: Row) -> bool:
    """Whether a row is a good one that the honest curves do not see."""
    return not row.kind and row.half


def share_passing(values: list[float]) -> float:
    """Share of log-odds that the gate lets through."""
    least = load().quality.min_score
    return sum(evidence.chance(value) >= least for value in values) / len(values)


def fitted(rows: list[Row]) -> dict[str, EvidenceCurve]:
    curves = {}
    for signal in SIGNALS:
        for name in MEASURES[signal]:
            told = [
                row
                for row in rows
                if row.measures.get(name) is not None
                and (not row.kind or speaks_of(signal, row.kind))
            ]
            cells = Counter((row.kind, row.name) for row in told)
            weights = [1 / (cells[row.kind, row.name] + SMALL_CELL) for row in told]
            good = sum(w for w, row in zip(weights, told, strict=True) if not row.kind)
            bad = sum(weights) - good
            if not good or not bad:
                continue
            values = [row.measures[name] for row in told]
            shares = [
                w / (bad if row.kind else good)
                for w, row in zip(weights, told, strict=True)
            ]
            curves[name] = evidence.fit_curve(
                values,  # type: ignore[arg-type]
                [not row.kind for row in told],
                shares,
                overlap=len(MEASURES[signal]) > 1,
            )
    return curves


def odds(row: Row, curves: dict[str, EvidenceCurve], veto: bool) -> float:
    if veto and row.vetoed:
        return -99.0
    evidence.curves = lambda: curves  # type: ignore[assignment]
    found = [evidence.evidence(signal, row.measures) for signal in SIGNALS]
    return PRIOR + sum(value or 0.0 for value in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", nargs="+", required=True, dest="sets")
    parser.add_argument("--good", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    rows = [
        row for place in given.sets for row in rows_of(place, given.good, given.seed)
    ]
    places = list(dict.fromkeys(row.name for row in rows))
    table: dict[str, dict[str, str]] = {}
    means: dict[str, list[float]] = {}
    for at, kinds in enumerate(GROUPS):
        curves = fitted([row for row in rows if row.group != at and not held(row)])
        for place in places:
            good = [row for row in rows if held(row) and row.name == place]
            for kind in kinds:
                bad = [row for row in rows if row.kind == kind and row.name == place]
                if len(bad) < FEW:
                    continue
                real = [True] * len(good) + [False] * len(bad)
                plain = [odds(row, curves, False) for row in [*good, *bad]]
                vetoed = [odds(row, curves, True) for row in [*good, *bad]]
                area = auc(vetoed, real) or 0.0
                passed = share_passing(vetoed[len(good) :])
                table.setdefault(kind, {})[place] = (
                    f"{auc(plain, real):.2f} {area:.2f} {passed:4.0%}"
                )
                if kind not in NOT_TOLD:
                    means.setdefault(place, []).append(area)
    print(f"{'':22}", *[f"{place[:18]:20}" for place in places])
    for kind, cells in table.items():
        print(f"{kind:22}", *[f"{cells.get(place, ''):20}" for place in places])
    for place, values in means.items():
        good = [row for row in rows if held(row) and row.name == place]
        passed = share_passing([odds(row, curves, True) for row in good])
        mean = sum(values) / len(values)
        print(place, f"mean {mean:.3f}, good that pass {passed:.3f}")
    curves = fitted(rows)
    if given.write:
        import msgspec

        write_json(OUTPUT, msgspec.to_builtins(curves))


if __name__ == "__main__":
    main()
