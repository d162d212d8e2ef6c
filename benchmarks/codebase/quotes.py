"""Code that answers quote and the source does not hold, letter for letter.

    python benchmarks/codebase/quotes.py samples.jsonl CHECKOUT

Counts the rows by kind, and prints the first such line of each. Blanks do not count.
What a bug or a change writes anew stands in no source: these kinds are not looked at.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from afs_stages.asm.isa import DATA, MNEMONICS
from afs_stages.codebase.read.tree import read_tree

FENCE = re.compile(r"```(\w*)\n(.*?)```", re.S)
QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
CODE = ("asm", "65816", "assembly")
CHANGED = ("asm_bug", "asm_change")


def without_blanks(text: str) -> str:
    return "".join(text.split())


def is_code(text: str) -> bool:
    """Whether a quotation is an instruction or a line of data with an operand."""
    word, _, operand = text.strip().lower().partition(" ")
    return bool(operand) and (word in DATA or word.split(".")[0] in MNEMONICS)


def quotations(text: str) -> Iterator[str]:
    """Every line of code that a text quotes."""
    for language, block in FENCE.findall(text):
        if language in CODE:
            yield from block.splitlines()
    yield from filter(is_code, QUOTED.findall(FENCE.sub("", text)))


def main(samples: Path, checkout: Path) -> None:
    tree = read_tree(checkout)
    files = [*tree.assembly, *tree.markdown]
    source = without_blanks("\n".join("\n".join(file.lines) for file in files))
    rows: Counter[str] = Counter()
    for line in samples.read_text().splitlines():
        row = json.loads(line)
        kind = row["_metadata"]["provenance"]["kind"]
        if kind in CHANGED:
            continue
        parts = "\n".join((row["instruction"], row["input"], row["output"]))
        lines = quotations(parts)
        missing = [q for q in lines if without_blanks(q) not in source]
        if missing:
            rows[kind] += 1
            if rows[kind] == 1:
                print(f"{kind}: {missing[0]}")
    print(dict(rows) or "every quotation stands in the source")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
