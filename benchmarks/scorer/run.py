"""Does the score rank?
Good rows against planted bad ones, per kind and domain; AUC of `overall`.

    python benchmarks/scorer/run.py --rows data/exported/oracle.jsonl \\
        --model models/electra --output docs/quality/scorer.json \\
        [--predecessor PATH_OF_ITS_CHECKOUT]

Every bad row is made from a good one of the same domain and brought to about its
length. Kinds that are also a rule of the scorer have a variant (`…_other`) that the
rule was not written for.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from predecessor import predecessor

from afs_stages.core.jsonl import read_samples, refuse, write_json
from afs_stages.core.params import load
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.blocks import sample_assembly
from afs_stages.scoring.config import ScoringConfig
from afs_stages.scoring.corruptions import SEMANTIC, SYNTACTIC, corrupt
from afs_stages.scoring.discriminator.calibration import auc
from afs_stages.scoring.scorer import QualityScorer

Maker = Callable[[TrainingSample, random.Random], "str | None"]

GERMAN = (
    "Diese Routine lädt zuerst den Wert aus dem Speicher und prüft danach ob der "
    "Zähler schon abgelaufen ist."
)
FINNISH = (
    "Tämä aliohjelma lukee ensin arvon muistista ja tarkistaa sen jälkeen onko laskuri "
    "jo ehtinyt loppuun asti."
)
POLITE = (
    "I'd be happy to help with that! As an AI language model I can offer a general "
    "overview. I hope this helps."
)
STOCK = (
    "Thanks for reaching out about this topic. There are many ways to look at it and "
    "each of them has its merits."
)
EMPTY = (
    "This code performs the operations shown. Each instruction is executed in order "
    "and the values are set."
)
EMPTY_OTHER = (
    "It begins at the beginning, carries on through the middle part, "
    "and at last it comes to an end."
)


def fill(text: str, length: int) -> str:
    """Sentences of `text` in changing order, to about a length."""
    parts = re.findall(r"[^.!?]+[.!?]", text)
    out = ""
    turn = 0
    while len(out) < max(length, 40):
        out += parts[turn % len(parts)].strip() + " "
        turn += 1
    return out.strip()


def swap_addresses(sample: TrainingSample, rng: random.Random) -> str | None:
    made, count = re.subn(
        r"(?<!#)\$([0-9A-Fa-f]{4,6})\b",
        lambda m: f"$7E{rng.randrange(0x1400, 0x1F00):04X}",
        sample.output,
    )
    return made if count else None


def swap_names(sample: TrainingSample, rng: random.Random) -> str | None:
    made, count = re.subn(
        r"`([A-Z]\w+)`", lambda m: f"`{m[1][::-1].capitalize()}_Qx`", sample.output
    )
    return made if count else None


def cut(sample: TrainingSample, rng: random.Random) -> str | None:
    words = sample.output.split(" ")
    return (
        " ".join(words[: max(3, int(len(words) * rng.uniform(0.3, 0.7)))])
        if len(words) > 12
        else None
    )


def cut_at_sentence(sample: TrainingSample, rng: random.Random) -> str | None:
    parts = re.split(r"(?<=[.!?])\s+", sample.output)
    return parts[0] if len(parts) > 3 else None


def listed(text: str, length: int, width: int = 6) -> str:
    """The words of `text` as a list of short items."""
    words = fill(text, length).split()
    return "\n".join(
        "- " + " ".join(words[at : at + width]) for at in range(0, len(words), width)
    )


KINDS: dict[str, Maker] = {
    "wrong_addresses": swap_addresses,
    "wrong_addresses_other": swap_names,
    "truncated": cut,
    "truncated_other": cut_at_sentence,
    "boilerplate": lambda s, r: fill(POLITE, len(s.output)),
    "boilerplate_other": lambda s, r: fill(STOCK, len(s.output)),
    "repetition": lambda s, r: "$22 " * max(20, len(s.output) // 4),
    "repetition_other": lambda s, r: fill(
        s.output.split("\n")[0][:60].strip() + ".", len(s.output)
    ),
    "language": lambda s, r: fill(GERMAN, len(s.output)),
    "language_other": lambda s, r: fill(FINNISH, len(s.output)),
    "language_list": lambda s, r: listed(GERMAN, len(s.output)),
    "empty": lambda s, r: fill(EMPTY, len(s.output)),
    "empty_other": lambda s, r: fill(EMPTY_OTHER, len(s.output)),
}


def spoil_code(sample: TrainingSample, kind: str) -> TrainingSample | None:
    for code in sample_assembly(sample):
        bad = corrupt(code, kind, sample.sample_id)
        if bad is not None:
            changes = {
                name: getattr(sample, name).replace(code, bad)
                for name in ("input", "output")
            }
            return sample.model_copy(update=changes)
    return None


def planted(good: list[TrainingSample], seed: int) -> dict[str, list[TrainingSample]]:
    made: dict[str, list[TrainingSample]] = {}
    for sample in good:
        rng = random.Random(f"{seed}:{sample.sample_id}")
        for kind, maker in KINDS.items():
            text = maker(sample, rng)
            if text and text != sample.output:
                made.setdefault(kind, []).append(
                    sample.model_copy(update={"output": text})
                )
        for kind in (*SYNTACTIC, *SEMANTIC):
            bad = spoil_code(sample, kind)
            if bad is not None:
                made.setdefault(f"code:{kind}", []).append(bad)
    return made


def table(
    good: list[TrainingSample],
    bad: dict[str, list[TrainingSample]],
    score: Callable[[list[TrainingSample]], list[float]],
) -> dict[str, object]:
    of_good = score(good)
    of_bad = {kind: score(rows) for kind, rows in bad.items()}
    areas = sorted({sample.domain for sample in good})
    everything = [value for values in of_bad.values() for value in values]
    domains: dict[str, list[tuple[float, bool]]] = {}
    for sample, value in zip(good, of_good, strict=True):
        domains.setdefault(sample.domain, []).append((value, True))
    for kind, rows in bad.items():
        for sample, value in zip(rows, of_bad[kind], strict=True):
            domains[sample.domain].append((value, False))

    def over(values: list[float]) -> float:
        return round(
            auc([*of_good, *values], [True] * len(of_good) + [False] * len(values))
            or 0.0,
            3,
        )

    balanced = [
        v
        for values in of_bad.values()
        for v in random.Random(0).sample(values, min(len(values), 60))
    ]
    return {
        "all": over(everything),
        "all, kinds alike": over(balanced),
        "kinds": {kind: over(values) for kind, values in sorted(of_bad.items())},
        "domains": {
            name: round(auc(*map(list, zip(*domains[name], strict=True))) or 0.0, 3)
            for name in areas
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--predecessor", type=Path)
    parser.add_argument("--limit", type=int, default=400, help="good rows")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rows = [sample for path in given.rows for sample in read_samples(path, refuse)]
    random.Random(given.seed).shuffle(rows)
    good = rows[: given.limit]
    bad = planted(good, given.seed)
    config = ScoringConfig.from_params(load().quality, given.model)
    with_model, without = (
        QualityScorer(config),
        QualityScorer(replace(config, use_electra=False)),
    )
    counts = {"good": len(good), "bad": sum(map(len, bad.values()))}
    result: dict[str, object] = {"rows": counts}
    result["ours"] = table(
        good,
        bad,
        lambda part: [score.overall for score in with_model.score_batch(part)],
    )
    started = time.process_time()
    result["ours, without the discriminator"] = table(
        good, bad, lambda part: [score.overall for score in without.score_batch(part)]
    )
    ours = sum(counts.values()) / (time.process_time() - started)
    if given.predecessor:
        score = predecessor(given.predecessor)
        started = time.process_time()
        result["predecessor"] = table(
            good, bad, lambda part: [score(sample) for sample in part]
        )
        theirs = sum(counts.values()) / (time.process_time() - started)
        print(
            f"rows per CPU second without the discriminator: ours {ours:,.0f}, "
            f"predecessor {theirs:,.0f}"
        )
        result["rows_per_cpu_second"] = {
            "ours": round(ours),
            "predecessor": round(theirs),
        }
    write_json(given.output, result)
    for name, values in result.items():
        if name not in ("rows", "rows_per_cpu_second"):
            print(name, values)


if __name__ == "__main__":
    main()
