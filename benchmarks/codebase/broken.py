"""Whether any input stops the exporter: files of pieces of real ones, whole, with their
lines shuffled, or with characters replaced and lost.

    python benchmarks/codebase/broken.py CHECKOUT ... --seed 1 --count 200

The first error ends it with its traceback; the file that met it stays where the first
line says.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from afs_stages.codebase import OracleTrainingGenerator

PIECES, LONGEST_PIECE = 6, 120
"""Pieces of a file, and lines of a piece."""
MARKS = '(),[]{}:;.+-!%#$\\|/<>=" \x00é'
SLIPS = 20
"""Characters that are replaced in a third of the files."""


def main() -> None:
    """Make the files one by one and export each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    files = [path for root in options.checkouts for path in sorted(root.rglob("*.asm"))]
    chance = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="broken-"))
    print(f"each in its turn is {folder}/broken.asm")
    for _ in range(options.count):
        text = "\n".join(broken(chance, list(pieces(chance, files))))
        (folder / "broken.asm").write_text(text, "utf-8")
        list(OracleTrainingGenerator(oracle_path=folder).generate())
    shutil.rmtree(folder)
    print(f"{options.count} files of pieces of {len(files)}: none ends in an error")


def pieces(chance: random.Random, files: list[Path]) -> Iterator[str]:
    """Lines of several files, taken where chance has it."""
    for _ in range(PIECES):
        lines = chance.choice(files).read_text("utf-8", "replace").splitlines() or [""]
        start = chance.randrange(len(lines))
        yield from lines[start : start + chance.randint(1, LONGEST_PIECE)]


def broken(chance: random.Random, lines: list[str]) -> list[str]:
    """The lines as they are, shuffled, or with slips of the pen: a third each."""
    way = chance.randrange(3)
    if way == 1:
        chance.shuffle(lines)
    for _ in range(SLIPS if way == 2 else 0):
        row = chance.randrange(len(lines))
        at = chance.randint(0, len(lines[row]))
        behind = lines[row][at + chance.randint(0, 1) :]
        lines[row] = lines[row][:at] + chance.choice(MARKS) + behind
    return lines


if __name__ == "__main__":
    main()
