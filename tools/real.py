"""What a real model knows, forgets and keeps: `make real`.

Runs the pipeline three times in `real/`, a project of its own like `demo/`, by
tools/real.yaml: v1 of majora, which is released; v2 without rehearsal; v2 with it. The
second and third differ in one number of params.yaml. Then prints what base and versions
know, and what they answer to three questions, and writes it to `real/reports/real.md`.
Run again, it goes on where it stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from demo import ROOT, make, parameters

from afs_stages.core import layout
from afs_stages.core.jsonl import read_json, read_objects, refuse
from afs_stages.project.create import commit
from afs_stages.reporting.page import shown_questions

FOLDER = ROOT / "real"
MODEL = "majora"
REPORT = Path("reports/evaluate") / f"{MODEL}.json"
RATIO = 0.3
"""Share of v2's training rows that are v1's, as params.yaml has it for veran."""

SECOND_EPOCHS = 4
"""Of v2, which has fewer rows than v1."""

ASKED = 3
"""Questions whose answers are shown: the first, as the report page shows them."""
CELL_CHARS = 160


def main() -> int:
    """Run what has not run; the exit code of what failed."""
    first = parameters(ROOT / "tools/real.yaml")
    if not (FOLDER / ".dvc").is_dir():
        make(FOLDER, first)
    if not (FOLDER / f"data/releases/{MODEL}/v1").is_dir():
        build(first, "v1")
        afs("release", MODEL)
        commit(FOLDER, "v1, released")
    without = build(second(first, 0.0), "v2 without rehearsal")
    kept = build(second(first, RATIO), "v2 with rehearsal")
    table = told(without, kept) + asked(FOLDER / layout.generations(MODEL))
    (FOLDER / "reports/real.md").write_text(table, "utf-8")
    print(table)
    return 0


def second(first: str, ratio: float) -> str:
    """The params of v2, which learns from another source."""
    params = yaml.safe_load(first)
    model = params["models"][MODEL]
    model["version"] = "v2"
    model["weights"] = {"save": 1.0}
    model["rehearsal"]["ratio"] = ratio
    model["train"] = {"epochs": SECOND_EPOCHS}
    return yaml.safe_dump(params, sort_keys=False)


def build(params: str, name: str) -> dict[str, Any]:
    """Run the pipeline with these params; returns what `evaluate` measured."""
    print(f"\n== {name}\n", flush=True)
    (FOLDER / "params.yaml").write_text(params, "utf-8")
    run("-m", "dvc", "repro")
    commit(FOLDER, f"A run: {name}")
    report: dict[str, Any] = read_json(FOLDER / REPORT)
    return report


def afs(*words: str) -> None:
    """One of our own commands, in the project."""
    run("-m", "afs_stages.cli", *words)


def run(*words: str) -> None:
    """A Python module in the project; ends the program where that fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=FOLDER, env=environment, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)


def told(without: dict[str, Any], kept: dict[str, Any]) -> str:
    """What base and versions know, as Markdown: recall of trained facts in words that
    no row uses, general skills, and what is still known of what v1 knew.
    """
    plain, rehearsed = without["knowledge"], kept["knowledge"]
    rows = [
        ("base", rehearsed["recall"]["base"], kept["general"]["share"]["base"]),
        ("v1", rehearsed["recall"]["v1"], None),
        ("v2, nothing rehearsed", plain["recall"]["v2"], skills_of(without)),
        (f"v2, {RATIO:.0%} rehearsed", rehearsed["recall"]["v2"], skills_of(kept)),
    ]
    questions = rehearsed["questions"]
    lines = [
        f"| | v1's facts ({questions['v1']} asked) | v2's facts ({questions['v2']} "
        "asked) | general skills |",
        "|---|---:|---:|---:|",
    ]
    for name, recall, skills in rows:
        general = share(skills["all"]) if skills else ""
        cells = (name, share(recall["v1"]), share(recall["v2"]), general)
        lines.append(f"| {' | '.join(cells)} |")
    for name, knowledge in (("without", plain), ("with", rehearsed)):
        still = knowledge["kept"]["v1"]
        lines.append(
            f"\nOf {still['known']} facts that v1 knew, v2 {name} rehearsal still "
            f"knows {still['still']}."
        )
    return "\n".join(lines) + "\n"


def asked(path: Path) -> str:
    """What base and v2 answered to the first questions of the last run, as Markdown."""
    lines = ["", "| asked | base | v2, with rehearsal |", "|---|---|---|"]
    answered = [row for _, row in read_objects(path, refuse)]
    for row in shown_questions(answered, ASKED):
        answers = row["answers"]
        cells = (row["question"], answers["base"], answers["v2"])
        lines.append(f"| {' | '.join(map(in_a_cell, cells))} |")
    return "\n".join(lines) + "\n"


def in_a_cell(text: str) -> str:
    """A text on one line of a table, cut where it is long."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= CELL_CHARS else f"{line[:CELL_CHARS]} …"


def skills_of(report: dict[str, Any]) -> dict[str, Any]:
    """Shares of general skills of the version that was built."""
    found: dict[str, Any] = report["general"]["share"]["v2"]
    return found


def share(value: dict[str, float]) -> str:
    """`93% [89, 96]`."""
    low, high = round(100 * value["low"]), round(100 * value["high"])
    return f"{value['estimate']:.0%} [{low}, {high}]"


if __name__ == "__main__":
    sys.exit(main())
