"""The score on good and bad rows by another hand, kind by kind, as Markdown.

    python benchmarks/evidence/scoring/run.py [SET_FOLDER ...] [--model FOLDER]
        [--rows FILE] [--mixed] [--json FILE]

A set is a folder of JSONL files of samples, whoever made it. Files whose name begins
with `good`, or that lie in a folder `good`, hold good rows; every other file holds bad
rows of the kind it is called after. `kinds.json`, where there is one, says what their
maker marked before the run, as `{"KIND": {"told": false, "veto": true}}`: whether row
and sources tell the fault at all, and whether it is a certain one. `--rows` are the
code base's exported rows, which a discriminator with its names is trained on where no
`--model` is given; a set's own `rows.jsonl` serves, too.

A row is judged beside the set it stands in. By default that are the good rows and
`--rows`: a bad row is one among many good ones. With `--mixed` it is a file that holds
the good rows and all of this kind's bad ones, so that a fault may be half of the set.
Without a folder, all sets below `sets` are measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path[:1] = [str(ROOT)]

import numpy as np  # noqa: E402

from afs_stages.core.jsonl import (  # noqa: E402
    read_json,
    read_samples,
    refuse,
    write_json,
)
from afs_stages.core.params import load  # noqa: E402
from afs_stages.core.params.data import Discriminator  # noqa: E402
from afs_stages.core.sample import TrainingSample  # noqa: E402
from afs_stages.scoring.config import ScoringConfig  # noqa: E402
from afs_stages.scoring.discriminator.from_samples import (  # noqa: E402
    train_on_samples,
)
from afs_stages.scoring.peers import PeerSample, question_of  # noqa: E402
from afs_stages.scoring.scorer import QualityScorer  # noqa: E402

Rows = list[TrainingSample]
SETS = Path(__file__).parent / "sets"
DRAWS = 400
"""Resamples of an interval."""
RIVAL_MARGIN = 0.05
"""By so much better a rival is named."""
RIVALS = ("length", "compression", "TF-IDF")


@dataclass
class FaultSet:
    """Good rows, bad rows by kind, and what their maker marked."""

    folder: Path
    good: Rows = field(default_factory=list)
    bad: dict[str, Rows] = field(default_factory=dict)
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> FaultSet:
        """The set of a folder; stops where it has no good rows or no bad ones."""
        made = cls(folder)
        for path in sorted(folder.rglob("*.jsonl*")):
            if path.name.startswith("rows.") or ".rejects." in path.name:
                continue
            rows = list(read_samples(path, refuse))
            if path.name.startswith("good") or path.parent.name == "good":
                made.good += rows
            else:
                kind = path.name.partition(".jsonl")[0]
                made.bad.setdefault(kind, []).extend(rows)
        if not made.good or not made.bad:
            sys.exit(f"{folder}: a set needs good*.jsonl and one file for each kind")
        if (folder / "kinds.json").is_file():
            made.marks = read_json(folder / "kinds.json")
        return made

    def told(self, kind: str) -> bool:
        """Whether the maker says that the row and the sources tell the fault."""
        return bool(self.marks.get(kind, {}).get("told", True))

    def certain(self, kind: str) -> bool:
        """Whether the maker says that the fault is a certain one."""
        return bool(self.marks.get(kind, {}).get("veto", False))


def area(good: Sequence[float], bad: Sequence[float]) -> float:
    """AUC: how often a good row has the higher value; a tie is half."""
    low = np.searchsorted(np.sort(bad), good, side="left")
    high = np.searchsorted(np.sort(bad), good, side="right")
    return float((low + high).mean() / 2 / len(bad))


def interval(good: Sequence[float], bad: Sequence[float]) -> tuple[float, float]:
    """95 % of the AUC over resamples of good and of bad rows."""
    rng = np.random.default_rng(1)
    ours, theirs = np.asarray(good), np.asarray(bad)
    drawn = [
        area(rng.choice(ours, len(ours)), rng.choice(theirs, len(theirs)))
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def rival_values(name: str, fitted_on: Rows) -> Callable[[Rows], list[float]]:
    """A simple way of ranking rows."""
    if name == "length":
        return lambda rows: [float(len(row.output)) for row in rows]
    if name == "compression":
        return lambda rows: [_compression(row.output) for row in rows]
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer(sublinear_tf=True)
    model.fit([f"{question_of(row)} {row.output}" for row in fitted_on])

    def closeness(rows: Rows) -> list[float]:
        asked = model.transform(map(question_of, rows))
        told = model.transform(row.output for row in rows)
        return np.asarray(asked.multiply(told).sum(axis=1)).ravel().tolist()

    return closeness


def _compression(text: str) -> float:
    data = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(data)) / max(len(data), 1)


def scores_beside(scorer: QualityScorer, rows: Rows, usual: Rows) -> list[float]:
    """Scores of rows as of a file that holds the usual ones."""
    gathered = PeerSample()
    for row in usual:
        gathered.add(row)
    scorer.peers = gathered.peers()
    return [one.overall for one in scorer.score_batch(rows)]


def measure(
    made: FaultSet, scorer: QualityScorer, beside: Rows, mixed: bool
) -> dict[str, Any]:
    """Everything found about a set."""
    least = load(ROOT / "params.yaml").quality.min_score
    rivals = {name: rival_values(name, made.good) for name in RIVALS}
    of_good = {name: value(made.good) for name, value in rivals.items()}
    usual = [*beside, *made.good]
    alone = scores_beside(scorer, made.good, usual)
    kinds: dict[str, Any] = {}
    pooled: dict[str, list[float]] = {name: [] for name in ("score", *RIVALS)}
    for kind, rows in sorted(made.bad.items()):
        good = alone
        if mixed:
            good = scores_beside(scorer, made.good, [*made.good, *rows])
            usual = [*made.good, *rows]
        bad = scores_beside(scorer, rows, usual)
        found = {name: value(rows) for name, value in rivals.items()}
        kinds[kind] = {
            "rows": len(rows),
            "told": made.told(kind),
            "veto": made.certain(kind),
            "auc": area(good, bad),
            "interval": interval(good, bad),
            "pass": float(np.mean(np.asarray(bad) >= least)),
            "rivals": {name: area(of_good[name], found[name]) for name in RIVALS},
        }
        if made.told(kind):
            pooled["score"] += bad
            for name in RIVALS:
                pooled[name] += found[name]
    everything = {
        "good": len(made.good),
        "good_pass": float(np.mean(np.asarray(alone) >= least)),
        "auc": area(alone, pooled["score"]),
        "interval": interval(alone, pooled["score"]),
        "pass": float(np.mean(np.asarray(pooled["score"]) >= least)),
        "rivals": {name: area(of_good[name], pooled[name]) for name in RIVALS},
    }
    return {"kinds": kinds, "all": everything}


def tables(name: str, found: dict[str, Any]) -> Iterator[str]:
    """What was found, as Markdown."""
    total, kinds = found["all"], found["kinds"]
    yield f"## Set {name}"
    yield ""
    rows = sum(one["rows"] for one in kinds.values())
    passing = f"{total['good_pass']:.1%} pass the gate"
    yield (
        f"{total['good']:,} good rows, of which {passing}; {rows:,} bad ones of "
        f"{len(kinds)} kinds. AUC of good against bad, 95 % over resamples of rows; "
        "*not told*: the maker says that row and sources do not show it; *certain*: a "
        "veto is due."
    )
    yield ""
    yield f"| kind | rows | AUC | interval | {' | '.join(RIVALS)} | bad that pass |"
    yield "|---|---|---|---|" + "---|" * (len(RIVALS) + 1)
    yield _line("**all that can be told**", "", total)
    for kind, one in sorted(kinds.items(), key=lambda item: -item[1]["auc"]):
        mark = "" if one["told"] else ", *not told*"
        mark += ", *certain*" if one["veto"] else ""
        yield _line(f"{kind}{mark}", f"{one['rows']:,}", one)
    yield ""
    told = [one for one in kinds.values() if one["told"]]
    mean = sum(one["auc"] for one in told) / max(len(told), 1)
    yield f"Mean over the {len(told)} kinds that can be told: {mean:.3f}."
    yield ""
    for kind, one in sorted(kinds.items()):
        for rival, value in one["rivals"].items():
            if one["told"] and value > one["auc"] + RIVAL_MARGIN:
                yield f"- {kind}: {rival} is better, {value:.2f} to {one['auc']:.2f}"
    yield ""


def _line(name: str, rows: str, one: dict[str, Any]) -> str:
    low, high = one["interval"]
    rivals = " | ".join(f"{one['rivals'][rival]:.2f}" for rival in RIVALS)
    return (
        f"| {name} | {rows} | {one['auc']:.3f} | {low:.3f}-{high:.3f} | {rivals} "
        f"| {one['pass']:.0%} |"
    )


def scorer_for(rows: Rows, model: Path | None, place: Path) -> QualityScorer:
    """A scorer with the model given, or one trained on the code base's rows."""
    quality = load(ROOT / "params.yaml").quality
    if model is None and rows:
        model = place / "model"
        train_on_samples(rows, Discriminator(source=rows[0].source), 42, model)
    return QualityScorer(ScoringConfig.from_params(quality, model))


def main() -> None:
    """Measure sets and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--model", type=Path, help="discriminator folder")
    parser.add_argument("--rows", type=Path, help="the code base's exported rows")
    parser.add_argument("--mixed", action="store_true", help="faults are half the set")
    parser.add_argument("--json", type=Path, help="write what was found here, too")
    given = parser.parse_args()
    folders = given.folders or sorted(one for one in SETS.glob("*") if one.is_dir())
    if not folders:
        sys.exit(f"no set below {SETS}: give the folder of one")
    found = {}
    for folder in folders:
        made = FaultSet.read(folder)
        path = given.rows or next(iter(sorted(folder.glob("rows.jsonl*"))), None)
        rows = list(read_samples(path, refuse)) if path else []
        with tempfile.TemporaryDirectory() as place:
            scorer = scorer_for(rows, given.model, Path(place))
            found[folder.resolve().name] = measure(made, scorer, rows, given.mixed)
            scorer.close()
        print("\n".join(tables(folder.resolve().name, found[folder.resolve().name])))
    if given.json:
        write_json(given.json, found)


if __name__ == "__main__":
    main()
