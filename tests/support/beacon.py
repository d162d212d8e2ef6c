"""A person's own small things, for a project that begins with nothing: six answers of a
session, and a codebase of three files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.source_files import claude, write_lines

SUBJECTS = {
    "wick": "trim it when the flame flickers, every forty frames at most",
    "mirror": "turn it by one step of the table and wrap after thirty-two",
    "oil": "subtract one unit each time the counter passes sixteen",
    "bell": "ring it through the sound queue, never by writing the port",
    "shutter": "close it while the screen is dark, so that nobody sees it",
    "log book": "write the entry first and raise the counter after it",
}
NAMES = ("Wick", "Mirror", "Oil", "Bell", "Shutter", "Chain", "Lens", "Stair")


def write_session(home: Path) -> Path:
    """A Claude Code home with one session of six turns."""
    records: list[dict[str, Any]] = []
    parent = None
    for number, (subject, advice) in enumerate(SUBJECTS.items()):
        ask, say = f"ask-{number}", f"say-{number}"
        request = f"How should the code of the beacon look after its {subject}?"
        answer = f"For the {subject} of the beacon: {advice}. Then mark the row done."
        records.append(claude(ask, parent, "user", request))
        records.append(
            claude(say, ask, "assistant", [{"type": "text", "text": answer}])
        )
        parent = say
    write_lines(home / "projects/-src-beacon/session.jsonl", records)
    return home


def write_codebase(root: Path, names: Sequence[str] = NAMES) -> Path:
    """Three files: names in memory, routines, and the file that includes both."""
    root.mkdir(parents=True, exist_ok=True)
    memory = [
        f"Beacon{name} = $7E0D{16 * number:02X} ; How far the {name.lower()} of the "
        "beacon has come this night"
        for number, name in enumerate(names)
    ]
    routines = []
    for number, name in enumerate(names):
        routines += [
            f"; Looks after the {name.lower()} of the beacon once in every frame",
            f"Beacon_{name}:",
            "{",
            f"  LDA.w Beacon{name} : CLC : ADC.b #${number + 2:02X}",
            f"  STA.w Beacon{name}",
            f"  CMP.b #${16 + number:02X} : BCC .done",
            f"  STZ.w Beacon{name}",
            "  .done",
            "  RTL",
            "}",
            "",
        ]
    calls = [f"  JSL Beacon_{name}" for name in names]
    main = [
        'incsrc "memory.asm"',
        'incsrc "beacon.asm"',
        "; Runs the whole beacon, part by part, while the night lasts",
        "Beacon_Main:",
        "{",
        *calls,
        "  RTL",
        "}",
    ]
    for name, lines in (("memory", memory), ("beacon", routines), ("main", main)):
        (root / f"{name}.asm").write_text("\n".join(lines) + "\n")
    return root
