"""Draw rows for a blind review: ours by seed, twelve a kind,
shuffled among as many of another export.

    python benchmarks/codebase/review.py --ours oracle.jsonl --theirs other.jsonl \\
        --seed 1 --output folder

writes `blind.md` (numbered rows: question, input, answer, nothing that tells where they
come from) and `key.jsonl` (number, whose, id, kind). Judge `blind.md` first; open the
key afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from pathlib import Path

KINDS = ("docs", "asm", "memory", "quest", "architecture")
PER_KIND = 12


def rows(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def identity(row: dict) -> str:
    """The same for the same content, whatever id the exporter gave."""
    text = "\x1f".join((row["instruction"], row.get("input") or "", row["output"]))
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def draw(
    ours: list[dict], theirs: list[dict], seed: int
) -> list[tuple[str, str, dict]]:
    chance = random.Random(seed)
    drawn = []
    for kind in KINDS:
        pool = sorted(
            (row for row in ours if row["domain"].endswith(f"_{kind}")), key=identity
        )
        drawn += [("ours", kind, row) for row in chance.sample(pool, PER_KIND)]
    other = chance.sample(sorted(theirs, key=identity), len(KINDS) * PER_KIND)
    drawn += [("theirs", row.get("domain", ""), row) for row in other]
    chance.shuffle(drawn)
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--ours", "--theirs", "--output"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    drawn = draw(rows(options.ours), rows(options.theirs), options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    with (options.output / "blind.md").open("w", encoding="utf-8") as blind:
        for number, (_, _, row) in enumerate(drawn, 1):
            given = f"\nGIVEN:\n{row['input']}\n" if row.get("input") else ""
            blind.write(
                f"\n######## {number}\nQ: {row['instruction']}\n{given}\n"
                f"A: {row['output']}\n"
            )
    with (options.output / "key.jsonl").open("w", encoding="utf-8") as key:
        for number, (whose, kind, row) in enumerate(drawn, 1):
            entry = {
                "number": number,
                "whose": whose,
                "id": identity(row),
                "kind": kind,
            }
            key.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    main()
