"""Routines of a folder of assembly files as samples,
for who has code and no exported rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from afs_stages.asm.lexer import parse
from afs_stages.core.sample import TrainingSample

SUFFIXES = (".asm", ".s", ".inc")
_GLOBAL = re.compile(r"^(?=[A-Za-z_]\w*:)", re.MULTILINE)
_LEAVES_ROUTINE = re.compile(
    r"^\s*(?:pushpc|pullpc|org|macro|namespace|incsrc|struct|warnpc|if|endif|else)\b",
    re.MULTILINE,
)


def folder_samples(folder: Path) -> Iterator[TrainingSample]:
    """One sample for each routine (global label to the next) with instructions,
    in order of path.
    """
    for path in sorted(
        p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()
    ):
        name = path.relative_to(folder).as_posix()
        for body in routines(path.read_text(encoding="utf-8", errors="replace")):
            label = body.partition(":")[0]
            where = {
                "provenance": {"file": name, "kind": "routine"},
                "group": f"routine:{name}:{label}",
            }
            answer = f"```asm\n{body}\n```"
            yield TrainingSample.from_dict(
                {"instruction": label, "output": answer, "_metadata": where}
            )


def routines(text: str) -> list[str]:
    """The routines of a file: from a global label to the next,
    or to where other code begins.
    """
    bodies = [
        _LEAVES_ROUTINE.split(part)[0].rstrip() for part in _GLOBAL.split(text)[1:]
    ]
    return [
        body
        for body in bodies
        if any(statement.kind == "op" for statement in parse(body))
    ]
