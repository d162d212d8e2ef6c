"""Structs: how a record is laid out."""

from __future__ import annotations

from collections.abc import Iterator

from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import address, choose
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.read.nodes import Struct
from afs_stages.codebase.tell.draft import Draft

MOST_FIELDS = 60
"""Fields of a struct that are listed; a longer one is no answer to learn."""


def drafts(project: Project) -> Iterator[Draft]:
    """The layout of every struct that is not too long."""
    for path, file in project.program.files.items():
        for struct in file.structs:
            yield from _struct(project, path, struct)


def _struct(project: Project, path: str, struct: Struct) -> Iterator[Draft]:
    """The layout of a struct, where the size of every field is known."""
    every = struct.laid_out(project.program.value)
    laid_out = [(entry, offset) for entry, offset in every if offset is not None]
    if not 2 <= len(laid_out) <= MOST_FIELDS:
        return
    rows = []
    for entry, offset in laid_out:
        said = f": {entry.comment}" if comments.words(entry.comment) else ""
        rows.append(f"- `.{entry.name}` at +{offset}{said}")
    base = evaluate(struct.base, project.program.value)
    first = project.best_symbol.get(f"{struct.name}.{laid_out[0][0].name}")
    placed = base and first is not None and first.kind == "field"
    where = f" It overlays memory from {address(base)}." if placed and base else ""
    head = f" {comments.sentence(struct.header)}" if struct.header else ""
    lead = f"`struct {struct.name}` (`{path}`) has {len(every)} fields.{where}{head}"
    if len(every) > len(rows):
        rows.append(f"- {len(every) - len(rows)} more behind a gap not computed here.")
    question = choose(
        [
            f"What is the layout of the struct `{struct.name}`?",
            f"Which fields has the struct `{struct.name}`, at which offsets?",
        ],
        struct.name,
    )
    place = (path, struct.first, struct.last, f"struct:{path}:{struct.name}")
    yield Draft("memory_struct", question, "\n".join([lead, *rows]), *place)
