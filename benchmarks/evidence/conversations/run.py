"""Conversations and redaction on inputs by another hand, as Markdown tables.

    python benchmarks/evidence/conversations/run.py [SET_FOLDER ...]
        [--part situations|secrets|harmless|speed] [--only held-in|held-out|all]
        [--json FILE]

Every situation goes through the exporters with their default options, every secret and
every harmless string through `afs training claude-export`. Without a folder, all sets
are measured. No table and no file holds a secret's value.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path[:1] = [str(ROOT)]

import afs_stages  # noqa: E402
from benchmarks.evidence.conversations import redaction, situations  # noqa: E402
from benchmarks.evidence.conversations.inputs import (  # noqa: E402
    HELD,
    SETS,
    InputSet,
    of_share,
)

PARTS = ("situations", "secrets", "harmless", "speed")
GROUPS = ("named", "not named, labelled", "not named, bare")
Item = dict[str, Any]


def measure(inputs: InputSet, parts: Iterable[str], share: str) -> dict[str, Any]:
    """Everything found about one set, item by item."""
    found: dict[str, Any] = {}
    # A set may be of secrets and harmless strings alone.
    if "situations" in parts and inputs.has_situations:
        with tempfile.TemporaryDirectory() as folder:
            made = of_share(inputs.situations(Path(folder) / "situations"), share)
            output = Path(folder) / "out.jsonl"
            found["situations"] = [
                situations.judge(one, output).to_dict() for one in made
            ]
    if "secrets" in parts:
        planted = of_share(inputs.secrets(), share)
        found["secrets"] = redaction.check_secrets(planted)
    if "harmless" in parts:
        texts = of_share(inputs.harmless(), share)
        found["harmless"] = redaction.check_harmless(texts)
    return found


def table(head: list[str], rows: Iterable[list[Any]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"
    yield ""


def situation_tables(verdicts: list[Item]) -> Iterator[str]:
    """Situations by tool, and the samples in them."""
    kinds = situations.VERDICTS
    head = ["tool", "situations", *kinds, "samples expected", *kinds]

    def row(name: str, some: list[Item]) -> list[Any]:
        counts = Counter(one["verdict"] for one in some)
        samples = [sum(one[kind] for one in some) for kind in ("expected", *kinds)]
        return [name, len(some), *(counts[kind] for kind in kinds), *samples]

    tools = dict.fromkeys(one["tool"] for one in verdicts)
    rows = [row(tool, [v for v in verdicts if v["tool"] == tool]) for tool in tools]
    yield "### Situations"
    yield ""
    yield from table(head, [*rows, row("**all**", verdicts)])
    right = [one for one in verdicts if one["verdict"] == "right"]
    yield f"Right: {_share(right, verdicts)}; {_held(right, verdicts)}."
    yield ""


def secret_tables(verdicts: list[Item]) -> Iterator[str]:
    """Secrets by group, and the misses by kind."""
    counted = [one for one in verdicts if not one["debatable"]]
    groups = {g: [v for v in counted if v["group"] == g] for g in GROUPS}
    groups["debatable, apart"] = [one for one in verdicts if one["debatable"]]
    yield "### Planted secrets"
    yield ""
    head = ["secrets", "planted", "caught", "share", "held in", "held out"]
    rows = []
    for name, some in groups.items():
        caught = [one for one in some if not one["leaks"]]
        share = _percent(len(caught), len(some))
        rows.append([name, len(some), len(caught), share, *_held_counts(caught, some)])
    yield from table(head, rows)
    places = Counter(place for one in verdicts for place in one["leaks"])
    told = ", ".join(f"{place} {n}" for place, n in sorted(places.items()))
    yield f"Where a miss was to be read: {told or 'nowhere'}."
    yield ""
    for name, some in groups.items():
        planted = Counter(one["kind"] for one in some)
        missed = Counter(one["kind"] for one in some if one["leaks"])
        kinds = ", ".join(f"{k} {n}/{planted[k]}" for k, n in sorted(missed.items()))
        yield f"- Missed, {name}: {kinds or 'none'}"
    yield ""


def harmless_tables(verdicts: list[Item]) -> Iterator[str]:
    """Harmless strings that were changed."""
    changed = [one for one in verdicts if one["changed"]]
    yield "### Harmless strings"
    yield ""
    yield f"Changed: {_share(changed, verdicts)}; {_held(changed, verdicts)}."
    yield ""
    for one in changed:
        first = one["text"].splitlines()[0][:70]
        yield f"- {one['index']} as {', '.join(one['as']) or 'no mark'}: `{first}`"
    yield ""


def speed_tables(found: Item) -> Iterator[str]:
    """How fast redaction is."""
    slowest = sorted(found["hostile"].items(), key=lambda pair: -pair[1])
    over = sum(seconds > 1 for _, seconds in slowest)
    yield "## Speed of redaction, one core"
    yield ""
    head = ["text", "figure"]
    rows = [
        ["standard library, file by file", f"{found['files']} MB/s"],
        ["the same, 2,000 characters at a time", f"{found['pieces']} MB/s"],
        [f"hostile inputs of 1 MB over a second, of {len(slowest)}", over],
    ]
    rows += [[f"1 MB of {name}", f"{s:.2f} s"] for name, s in slowest[:5]]
    yield from table(head, rows)


def _held_counts(some: list[Item], of: list[Item]) -> list[str]:
    counts = []
    for held_out in (False, True):
        part = [one for one in some if one["held_out"] is held_out]
        whole = [one for one in of if one["held_out"] is held_out]
        counts.append(f"{len(part)} of {len(whole)}")
    return counts


def _held(some: list[Item], of: list[Item]) -> str:
    held_in, held_out = _held_counts(some, of)
    return f"held in {held_in}, held out {held_out}"


def _share(some: list[Item], of: list[Item]) -> str:
    return f"{len(some)} of {len(of)} ({_percent(len(some), len(of))})"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def commit() -> str:
    """The commit this checkout stands at, and whether its code is changed."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    )
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", "afs_stages", "benchmarks/evidence"],
        capture_output=True,
        text=True,
    )
    name = head.stdout.strip() or "no commit"
    return f"{name} with changes" if changed.stdout.strip() else name


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", type=Path, help="folders; default: all")
    parser.add_argument("--part", choices=PARTS, help="one part; default: all")
    parser.add_argument("--only", choices=HELD, default="all", help="share of a set")
    parser.add_argument("--json", type=Path, help="results item by item")
    arguments = parser.parse_args()
    if not Path(afs_stages.__file__).is_relative_to(ROOT):
        raise SystemExit(f"error: afs_stages is not of this checkout: {ROOT}")
    parts = [arguments.part] if arguments.part else PARTS
    results: dict[str, Any] = {"commit": commit(), "only": arguments.only, "sets": {}}
    place = Path(__file__).relative_to(ROOT).as_posix()
    command = shlex.join(["python", place, *sys.argv[1:]])
    lines = [f"`{command}` at commit {results['commit']}", ""]
    tables = {
        "situations": situation_tables,
        "secrets": secret_tables,
        "harmless": harmless_tables,
    }
    for folder in arguments.sets or sorted(p for p in SETS.iterdir() if p.is_dir()):
        inputs = InputSet(folder)
        found = measure(inputs, parts, arguments.only)
        results["sets"][inputs.name] = found
        lines += [f"## Set {inputs.name}, {arguments.only}", ""] if found else []
        for part, verdicts in found.items():
            lines += tables[part](verdicts)
    if "speed" in parts:
        results["speed"] = redaction.speed()
        lines += speed_tables(results["speed"])
    print("\n".join(lines).rstrip())
    if arguments.json:
        text = json.dumps(results, ensure_ascii=False, indent=1)
        arguments.json.write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main()
