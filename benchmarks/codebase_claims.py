"""Count claims of code samples that another look at the code does not bear out.

    python benchmarks/codebase_claims.py oracle.jsonl z3randomizer.jsonl

It shares no code with the exporter and is cruder: a claim it counts is to be read, not
wrong for that. `width_behind_branch` counts first widths with a branch before them
(both ways may switch alike, or a macro does), `saves_fewer_pulls` saved registers with
fewer pulls than returns (the others may stand where nothing was pushed).
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

_INDEXED = re.compile(
    r"(?im)^[^;\n]*?\b(?:ld[axy]|st[axyz]|cmp|adc|sbc|and|ora|eor|inc|dec|asl|lsr|rol"
    r"|ror|bit)(?:\.[bwl])?\s+([^;:\n#]*?),\s*([xy])\b"
)
_SAVES = re.compile(r"saves and restores (.*?)(?: and (?:returns|has exits)|\.)")
_WIDTH = re.compile(r"It (?:first )?switches [^.]* to (?:8|16) bits")
_BRANCH = re.compile(r"(?i)\b(bcc|bcs|beq|bne|bmi|bpl|bvc|bvs|bra|jmp)\b")
_LETTERS = {"the data bank": "b", "the status flags": "p", "the direct page": "d"}


def explained(code: str, answer: str) -> Counter[str]:
    """What an explanation claims of its code."""
    found: Counter[str] = Counter()
    code = re.sub(r"(?m);.*$", "", code)
    for index in {match[2].upper() for match in _INDEXED.finditer(code)}:
        found["indexes"] += 1
        found["index_not_told"] += not re.search(rf"\b{index}\b", answer)
    if _WIDTH.search(answer):
        before = re.split(r"(?i)\b(?:rep|sep)\b", code)[0]
        found["first_widths"] += 1
        found["width_behind_branch"] += bool(_BRANCH.search(before))
    said = _SAVES.search(answer)
    for register in re.split(r", | and ", said[1]) if said else ():
        letter = _LETTERS.get(register, register.lower())
        pulls = len(re.findall(rf"(?i)\bpl{letter}\b", code))
        returns = len(re.findall(r"(?i)\brt[sl]\b", code))
        found["saved"] += 1
        found["saves_fewer_pulls"] += pulls < returns
        found["saved_without_push"] += not re.search(rf"(?i)\bph{letter}\b", code)
    return found


def main() -> None:
    for name in sys.argv[1:]:
        found: Counter[str] = Counter()
        for line in Path(name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            kind = row["_metadata"]["provenance"]["kind"]
            found["samples"] += 1
            found["short wordings"] += kind.endswith("_fact")
            if kind == "asm_explanation":
                found["explanations"] += 1
                found += explained(row["input"], row["output"])
        print(Path(name).stem, dict(found))


if __name__ == "__main__":
    main()
