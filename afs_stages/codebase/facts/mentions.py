"""Who uses a name: routines by the variables, constants and macros they mention,
found in one pass.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from afs_stages.codebase.facts.project import Project, Unit

_NAME = re.compile(r"![\w]+|[A-Za-z_][\w]*(?:\.\w+)?")


@dataclass
class Mentions:
    """Name -> (unit, line number, code of the line) of each use, in order of files."""

    uses: dict[str, list[tuple[Unit, int, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def users(self, name: str) -> list[str]:
        """The routines that mention a name, each once."""
        return list(
            dict.fromkeys(
                u.block.name
                for u, _, _ in self.uses.get(name, ())
                if u.block.kind == "routine"
            )
        )


def mentions(project: Project) -> Mentions:
    """Read every use of a known symbol inside a routine or patch."""
    found = Mentions()
    known = project.program.symbols
    for unit in project.units:
        for line in (
            unit.block.lines[1:] if unit.block.kind != "patch" else unit.block.lines
        ):
            for name in dict.fromkeys(_NAME.findall(line.code)):
                if name in known:
                    found.uses[name].append((unit, line.number, line.code.strip()))
    return found
