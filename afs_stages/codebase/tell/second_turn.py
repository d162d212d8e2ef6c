"""Several turns about one routine: first what it does, then what a person asks next.

Every third question about a branch, a bug or a change is asked so, where the routine
can be explained; the explanation is what was said before, the answer to the question is
what is taught.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import choose
from afs_stages.codebase.tell.assembly import read_steps, skipped
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.explain import explain
from afs_stages.codebase.tell.name_lookup import NameLookup

ONE_IN = 3


def with_turns(
    project: Project, words: NameLookup, drafts: Iterable[Draft]
) -> Iterator[Draft]:
    """The drafts, some of them as the second turn of a dialogue about their routine."""
    for draft in drafts:
        chosen = choose([str(n) for n in range(ONE_IN)], draft.question) == "0"
        unit = _unit(project, draft) if chosen else None
        before = _explained(project, words, unit) if unit is not None else ("", "")
        yield replace(draft, before=before) if before[0] else draft


def _unit(project: Project, draft: Draft) -> Unit | None:
    unit = project.find(draft.group.rsplit(":", 1)[-1])
    return unit if unit is not None and unit.block.file == draft.file else None


def _explained(project: Project, words: NameLookup, unit: Unit) -> tuple[str, str]:
    """(question, answer) about what a routine does; empty where that cannot be told
    whole.
    """
    steps = read_steps(project, words, unit)
    if not steps.complete or skipped(project, words, unit, steps):
        return "", ""
    name = f"`{unit.block.name}`"
    phrasings = [
        f"I am looking at {name} (`{unit.block.file}`). What is it for?",
        f"What does {name} do, in short and step by step?",
        f"First tell me what {name} is about.",
    ]
    question = choose(phrasings, unit.block.text)
    return question, explain(project, words, unit, steps.rows)
