"""Code samples judged at the source by other hands, as Markdown tables.

    python benchmarks/evidence/codebase/run.py [SET_FOLDER ...]
    python benchmarks/evidence/codebase/run.py --draw ROWS.jsonl --seed N --name NAME

The first prints the tables of every draw from the stored verdicts: `set.json` says
which commit exported the rows and by which seed they were drawn, `verdicts.jsonl` holds
for each judged row its number in the draw, the id of the sample (the hash of its
content), its kind, the verdict, and the kinds of what it states falsely. No text of a
codebase is kept.

The second draws again: it writes the drawn rows of an export as Markdown, for a judge
to read. The same export, seed and name give the same rows; their ids stand in
`verdicts.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

SETS = Path(__file__).parent / "sets"
VERDICTS = ("useful", "repairable", "useless")
Row = dict[str, Any]


def table(head: list[str], rows: Iterable[list[Any]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"
    yield ""


def interval(part: int, whole: int) -> str:
    """The 95% interval of a share, by Wilson."""
    if not whole:
        return "–"
    z = 1.96
    share = part / whole
    middle = share + z * z / (2 * whole)
    spread = z * math.sqrt(share * (1 - share) / whole + (z / (2 * whole)) ** 2)
    scale = 1 + z * z / whole
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return f"{low:.0%}–{high:.0%}"


def counted(name: str, rows: list[Row], *, pooled: bool = False) -> list[Any]:
    """One line of the table of verdicts."""
    judged = len(rows)
    useful, repairable, useless = (
        sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS
    )
    wrong = sum(bool(row["false"]) for row in rows)
    false: Any = f"**{wrong} ({wrong / judged:.1%})**" if pooled else wrong
    share = f"{useful} ({useful / judged:.0%}, {interval(useful, judged)})"
    return [name, judged, share, repairable, useless, false]


def by_codebase(names: dict[str, str], rows: list[Row]) -> Iterator[str]:
    """Verdicts by codebase, and of all rows together."""
    head = ["codebase", "judged", "useful (95%)", "repairable", "useless"]
    found = [
        counted(title, [row for row in rows if row["codebase"] == name])
        for name, title in names.items()
    ]
    found.append(counted("**all**", rows, pooled=True))
    yield from table([*head, "rows with a false statement"], found)


def by_kind(rows: list[Row]) -> Iterator[str]:
    """Verdicts by kind of sample, the commonest first."""
    kinds = Counter(row["kind"] for row in rows)
    head = ["kind of sample", "judged", "useful (95%)", "repairable", "useless"]
    order = sorted(kinds, key=lambda kind: (-kinds[kind], kind))
    found = [
        counted(f"`{kind}`", [row for row in rows if row["kind"] == kind])
        for kind in order
    ]
    yield from table([*head, "rows with a false statement"], found)


def by_fault(rows: list[Row]) -> Iterator[str]:
    """False statements by what is false about them."""
    faults = Counter(fault for row in rows for fault in row["false"])
    order = sorted(faults, key=lambda fault: (-faults[fault], fault))
    total = sum(faults.values())
    yield from table(
        [f"what the {total} false statements are", "statements"],
        [[fault, faults[fault]] for fault in order],
    )


def tables(folder: Path) -> Iterator[str]:
    """The tables of one draw."""
    about = json.loads((folder / "set.json").read_text("utf-8"))
    lines = (folder / "verdicts.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    names = {name: one["name"] for name, one in about["codebases"].items()}
    yield f"## {about['title']}"
    yield ""
    yield from by_codebase(names, rows)
    yield from by_kind(rows)
    yield from by_fault(rows)


def draw(path: Path, seed: int, name: str, count: int) -> Iterator[str]:
    """The drawn rows of an export, to be judged."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    drawn = random.Random(f"{seed}-{name}").sample(rows, min(count, len(rows)))
    for number, row in enumerate(drawn, 1):
        kind = row["_metadata"]["provenance"]["kind"]
        yield f"## {number}. {kind} {row['sample_id']}"
        yield f"\nQ: {row['instruction']}\n"
        if row.get("input"):
            yield f"{row['input']}\n"
        yield f"A: {row['output']}\n"


def main() -> None:
    """Print the tables, or the rows of a new draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", type=Path, help="folders; default: all")
    parser.add_argument("--draw", type=Path, help="an export to draw rows from")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--name", default="", help="name of the codebase")
    parser.add_argument("--count", type=int, default=50, help="rows to draw")
    arguments = parser.parse_args()
    if arguments.draw is not None:
        rows = draw(arguments.draw, arguments.seed, arguments.name, arguments.count)
        print("\n".join(rows))
        return
    folders = arguments.sets or sorted(path for path in SETS.iterdir() if path.is_dir())
    lines = [line for folder in folders for line in tables(folder)]
    print("\n".join(lines).rstrip())


if __name__ == "__main__":
    main()
