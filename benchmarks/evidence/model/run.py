"""What a model keeps over a chain of versions: the tables of the stored results.

    python benchmarks/evidence/model/run.py [RESULTS_FOLDER ...]

Results are made by `chain.py`; without a folder all of them are printed. Shares are
over the questions of all seeds. Intervals are 95% of a bootstrap over seeds and, within
each seed, over facts, for the seeds that have a condition up to a version. A share's is
Wilson's over facts where that is wider.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[3]
sys.path[:1] = [str(ROOT)]

from afs_stages.core.jsonl import read_json  # noqa: E402
from afs_stages.evaluation.intervals import wilson  # noqa: E402

RESULTS = Path(__file__).parent / "results"
TIMES = 2000
Array = np.ndarray[Any, Any]


@dataclass
class Study:
    """The results of one base: seed -> file name without suffix -> content."""

    name: str
    seeds: dict[int, dict[str, dict[str, Any]]]

    @property
    def versions(self) -> list[str]:
        """`v1`, `v2`, … in order."""
        first = next(iter(self.seeds.values()))
        return list(first["base"]["right"])

    def conditions(self) -> list[str]:
        """Those that a seed has to the last version."""
        last = f"-{self.versions[-1]}"
        found = {
            name.removesuffix(last)
            for cells in self.seeds.values()
            for name in cells
            if name.endswith(last)
        }
        return sorted(found, key=_order)

    def of(self, condition: str, version: str) -> Study:
        """The seeds that have a condition up to a version."""
        needed = {
            f"{condition}-{name}"
            for name in self.versions[1 : self.versions.index(version) + 1]
        }
        kept = {
            seed: cells for seed, cells in self.seeds.items() if needed <= cells.keys()
        }
        return Study(self.name, kept)

    def cell(self, seed: int, condition: str, version: str) -> dict[str, Any]:
        """The file of one version."""
        name = version if version in ("base", "v1") else f"{condition}-{version}"
        return self.seeds[seed][name]


def _order(condition: str) -> tuple[bool, float]:
    """From the version before first, then by ratio."""
    init, ratio = condition.rsplit("-", 1)
    return init != "previous", float(ratio)


@dataclass
class Share:
    """A share in every draw, and of how many facts it is."""

    values: Array
    facts: int

    def __str__(self) -> str:
        """In percent with the interval, which is Wilson's where that is wider: at 0 and
        at 100% every draw is the same.
        """
        if not self.facts:
            return "nothing known"
        low, high = np.nanquantile(self.values[1:], [0.025, 0.975])
        exact = wilson(float(self.values[0]), self.facts)
        low, high = min(low, exact["low"]), max(high, exact["high"])
        return f"{100 * self.values[0]:.0f}% [{100 * low:.0f}, {100 * high:.0f}]"


def load(folder: Path) -> Study:
    """Read a base's results; seeds without a base's file are left out."""
    seeds = {}
    for path in sorted(folder.glob("seed-*")):
        cells = {file.stem: read_json(file) for file in sorted(path.glob("*.json"))}
        if "base" in cells:
            seeds[int(path.name.removeprefix("seed-"))] = cells
    return Study(folder.name, seeds)


class Resamples:
    """Seeds and facts drawn again and again; the first draw is what was measured."""

    def __init__(self, study: Study) -> None:
        self.study = study
        rng = np.random.default_rng(1)
        seeds = list(study.seeds)
        self.seed_counts = self._with_itself(rng, len(seeds))
        self.facts: dict[tuple[int, str], tuple[list[str], Array]] = {}
        for seed in seeds:
            for version, rows in study.seeds[seed]["base"]["right"].items():
                names = sorted({name for name, _ in rows})
                counts = self._with_itself(rng, len(names))
                self.facts[seed, version] = (names, counts)

    @staticmethod
    def _with_itself(rng: np.random.Generator, count: int) -> Array:
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=TIMES)
        return np.concatenate([np.ones((1, count), dtype=drawn.dtype), drawn])

    def known(self, condition: str, version: str, asked: str) -> Share:
        """The share of a version's questions that another answers right, by draw."""
        return self._share(condition, version, asked, None)

    def kept(self, condition: str, version: str, asked: str) -> Share:
        """Of what a version knew of its own, the share that a later one still knows."""
        return self._share(condition, version, asked, asked)

    def _share(
        self, condition: str, version: str, asked: str, once: str | None
    ) -> Share:
        right = np.zeros(TIMES + 1)
        questions = np.zeros(TIMES + 1)
        facts = 0
        for at, seed in enumerate(self.study.seeds):
            names, counts = self.facts[seed, asked]
            now = self.study.cell(seed, condition, version)["right"][asked]
            then = (
                self.study.cell(seed, condition, once)["right"][asked] if once else now
            )
            hits = dict.fromkeys(names, 0)
            of = dict.fromkeys(names, 0)
            for (name, hit), (_, before) in zip(now, then, strict=True):
                counted = before if once else 1
                hits[name] += hit * counted
                of[name] += counted
            weight = self.seed_counts[:, at]
            right += weight * (counts @ np.array([hits[name] for name in names]))
            questions += weight * (counts @ np.array([of[name] for name in names]))
            facts += sum(count > 0 for count in of.values())
        values = np.divide(
            right, questions, out=np.full(TIMES + 1, np.nan), where=questions > 0
        )
        return Share(values, facts)


def points(values: Array) -> str:
    """A difference of shares with its interval, in points."""
    low, high = 100 * np.quantile(values[1:], [0.025, 0.975])
    return f"{100 * values[0]:.0f} points [{low:.0f}, {high:.0f}]"


def tables(study: Study) -> list[str]:
    """The tables of one base as Markdown."""
    facts = next(iter(study.seeds.values()))["base"]
    # seeds may have been run with the samples of different exports
    inputs = [
        f"{cells['base']['inputs'][0]} (seed {seed})"
        for seed, cells in study.seeds.items()
    ]
    return [
        f"### {study.name}",
        "",
        f"{len(study.versions)} versions of {facts['facts']} facts in at most "
        f"{facts['wordings']} wordings (a direction), about "
        f"{facts['token_budget']:,} tokens a training, rank {facts['rank']}, learning "
        f"rate {facts['learning_rate']:g}; inputs {', '.join(inputs)}.",
        "",
        *_matrix(study),
        "",
        *_forgetting(study),
    ]


def _matrix(study: Study) -> list[str]:
    """K: a line a version, a column a recall set."""
    versions = study.versions
    head = ["start", "ratio", "version", *(f"facts of {name}" for name in versions)]
    lines = [_row([*head, "seeds", "tokens"]), _row(["---"] * (len(head) + 2))]
    for name in ("base", "v1"):
        lines.append(_known(study, Resamples(study), "", name))
    for condition in study.conditions():
        for name in versions[1:]:
            own = study.of(condition, name)
            lines.append(_known(own, Resamples(own), condition, name))
    return lines


def _known(study: Study, drawn: Resamples, condition: str, version: str) -> str:
    """A line of the matrix: what a version knows of every version's facts."""
    init, ratio = condition.rsplit("-", 1) if condition else ("", "")
    shares = [str(drawn.known(condition, version, name)) for name in study.versions]
    seeds = ", ".join(map(str, study.seeds))
    tokens = _tokens(study, condition, version)
    return _row([init, ratio, version, *shares, seeds, tokens])


def _tokens(study: Study, condition: str, version: str) -> str:
    if version == "base":
        return ""
    told = [study.cell(seed, condition, version)["tokens"] for seed in study.seeds]
    return f"{sum(told) / len(told):,.0f}"


def _forgetting(study: Study) -> list[str]:
    """What the last version keeps of each earlier one, BWT, F and what it learnt."""
    *earlier, last = study.versions
    head = [f"still known of what {name} knew" for name in earlier]
    titles = ["start", "ratio", *head, "BWT", "F", f"new: facts of {last}"]
    lines = [_row(titles), _row(["---"] * len(titles))]
    for condition in study.conditions():
        drawn = Resamples(study.of(condition, last))
        init, ratio = condition.rsplit("-", 1)
        kept = [str(drawn.kept(condition, last, name)) for name in earlier]
        back, lost = [], []
        for name in earlier:
            now = drawn.known(condition, last, name).values
            back.append(now - drawn.known(condition, name, name).values)
            lost.append(_best(study.versions, drawn, condition, name) - now)
        figures = [points(np.mean(values, axis=0)) for values in (back, lost)]
        new = str(drawn.known(condition, last, last))
        lines.append(_row([init, ratio, *kept, *figures, new]))
    return lines


def _best(
    versions: Sequence[str], drawn: Resamples, condition: str, asked: str
) -> Array:
    """The most that any version before the last knew of a version's facts."""
    earlier = versions[:-1]
    each = [drawn.known(condition, name, asked).values for name in earlier]
    best: Array = np.max(np.stack(each), axis=0)
    return best


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print every study there is."""
    folders = [Path(name) for name in sys.argv[1:]] or sorted(RESULTS.glob("*"))
    studies = [load(folder) for folder in folders if folder.is_dir()]
    for study in studies:
        if study.seeds:
            print("\n".join(tables(study)) + "\n")
    if not any(study.seeds for study in studies):
        print(
            "no results yet: benchmarks/evidence/model/chain.py makes them "
            f"(looked in {', '.join(map(str, folders)) or RESULTS})"
        )


if __name__ == "__main__":
    main()
