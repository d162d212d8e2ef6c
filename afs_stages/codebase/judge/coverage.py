"""Which routines of a codebase have a sample, and why each of the others has none.

Counted are the routines a person would ask about: with a header of eight words or more,
or reached by a caller, a patch or a table and told completely by their steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from afs_stages.asm.isa import MNEMONICS
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.nodes import AsmFile, Label
from afs_stages.codebase.tell.assembly import read_steps
from afs_stages.codebase.tell.name_lookup import NameLookup

TELLING_HEADER = 8
"""Words of a header that make a routine worth asking about."""

TOO_LONG = "routine_too_long"
NOT_ASKED = "no_question_fits"


@dataclass
class Coverage:
    """How many routines there are, how many are worth a sample, and which have none."""

    routines: int = 0
    worth_telling: int = 0
    told: int = 0
    untold: dict[str, list[str]] = field(default_factory=dict)
    """reason -> the routines left out for it, as `file:line name`"""

    @property
    def share(self) -> float:
        """Told routines, of those worth telling; 1 where there are none."""
        return self.told / self.worth_telling if self.worth_telling else 1.0

    def to_dict(self) -> dict[str, Any]:
        """The coverage as a part of the run's report."""
        return {
            "routines": self.routines,
            "worth_telling": self.worth_telling,
            "told": self.told,
            "share": round(self.share, 4),
            "untold": {
                reason: sorted(self.untold[reason]) for reason in sorted(self.untold)
            },
        }

    def line(self) -> str:
        """The coverage in one line."""
        counts = ", ".join(
            f"{len(names):,} {reason}" for reason, names in sorted(self.untold.items())
        )
        said = (
            f"routines with a sample: {self.told:,} of {self.worth_telling:,} worth "
            f"telling ({self.share:.0%}; {self.routines:,} in all)"
        )
        return f"{said}; the others: {counts}" if counts else said


def group_of(file: str, name: str) -> str:
    """What samples about a routine have in common."""
    return f"routine:{file}:{name}"


def coverage(
    project: Project,
    words: NameLookup,
    told: Set[str],
    reasons: Mapping[str, str],
) -> Coverage:
    """Count the routines: `told` are the groups that have a sample, `reasons` says of a
    group why a draft about it was left out.
    """
    found = Coverage()
    met: set[str] = set()
    for unit in project.units:
        block = unit.block
        group = group_of(block.file, block.name)
        if block.kind != "routine" or group in met:
            continue
        met.add(group)
        found.routines += 1
        header = comments.words(block.header) >= TELLING_HEADER
        reached = _reached(project, block.name)
        worth = header or (reached and read_steps(project, words, unit).complete)
        if not worth:
            continue
        found.worth_telling += 1
        if group in told:
            found.told += 1
            continue
        place = f"{block.file}:{block.first} {block.name}"
        found.untold.setdefault(reasons.get(group, NOT_ASKED), []).append(place)
    for file, label in _too_long(project):
        found.routines += 1
        if comments.words(label.header) >= TELLING_HEADER:
            found.worth_telling += 1
            place = f"{file.path}:{label.line} {label.name}"
            found.untold.setdefault(TOO_LONG, []).append(place)
    return found


def _reached(project: Project, name: str) -> bool:
    """Whether code, a table or a patch leads to a routine."""
    others = [other for other in project.callers.get(name, ()) if other != name]
    return bool(others or project.hooks.get(name))


def _too_long(project: Project) -> Iterator[tuple[AsmFile, Label]]:
    """The labels of code that no unit holds: routines too long to be one."""
    spans: dict[str, set[int]] = {}
    for unit in project.units:
        if unit.block.kind != "patch":
            lines = range(unit.block.first, unit.block.last + 1)
            spans.setdefault(unit.block.file, set()).update(lines)
    for file in project.program.files.values():
        covered = spans.get(file.path, set())
        for label in file.labels:
            outside = label.line not in covered and label.line not in file.foreign
            if outside and _is_code(file, label.line):
                yield file, label


def _is_code(file: AsmFile, first: int) -> bool:
    """Whether the first statement at a label is an instruction."""
    for line in file.lines[first - 1 : first + 9]:
        for statement in line.statements:
            if statement.word.strip("{"):
                return statement.word.split(".", 1)[0] in MNEMONICS
    return False
