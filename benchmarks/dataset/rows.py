"""The benchmark's file: rows both sides read, made from a seed,
about 1,080 bytes each.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

SOURCES = ("oracle", "memory", "claude", "toolbench")
DOMAINS = tuple(f"domain_{i}" for i in range(8))
NEAR_COPIES = 50
"""One row in so many is the row before with one word changed."""


def write_rows(path: Path, count: int, seed: int = 1, prefix: str = "row") -> None:
    """Write `count` samples in the layout that the predecessor reads too;
    ids start with `prefix`.
    """
    rng = random.Random(seed)
    words = [_word(rng) for _ in range(3000)]
    output: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        for i in range(count):
            if i % NEAR_COPIES == NEAR_COPIES - 1:
                output = [*output[:-1], rng.choice(words)]
            else:
                output = rng.choices(words, k=rng.randint(60, 160))
            file.write(json.dumps(_row(f"{prefix}-{i:08d}", rng, words, output)) + "\n")


def _word(rng: random.Random) -> str:
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9)))


def _row(
    name: str, rng: random.Random, words: list[str], output: list[str]
) -> dict[str, object]:
    return {
        "instruction": " ".join(rng.choices(words, k=12)),
        "output": " ".join(output),
        "input": "",
        "thinking": None,
        "domain": rng.choice(DOMAINS),
        "source": rng.choice(SOURCES),
        "sample_id": name,
        "quality_score": round(rng.random(), 6),
        "_metadata": {"group": f"{name}:group"},
    }
