"""Architecture samples from the code itself: what a file owns, what includes what, who calls whom, the hooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from afs_stages.sources.codebase import comments
from afs_stages.sources.codebase.draft import Draft
from afs_stages.sources.codebase.nodes import AsmFile
from afs_stages.sources.codebase.project import Project, Unit
from afs_stages.sources.codebase.questions import choose, listing

Calls = dict[tuple[str, str], list[tuple[str, str]]]


def drafts(project: Project) -> Iterator[Draft]:
    """Every architecture sample that can be read off the code."""
    units: dict[str, list[Unit]] = defaultdict(list)
    for unit in project.units:
        units[unit.block.file].append(unit)
    calls = _calls(project)
    outward: dict[str, list[str]] = defaultdict(list)
    for caller, callee in calls:
        outward[caller].append(callee)
    for path, file in project.program.files.items():
        yield from _file(project, file, units[path], outward[path])
        yield from _includes(project, file)
        yield from _hooks(path, units[path])
    for (caller, callee), pairs in sorted(calls.items()):
        if len(pairs) >= 2:
            yield _between(project, caller, callee, pairs)
    yield from _namespaces(project)


def _calls(project: Project) -> Calls:
    """(calling file, called file) -> (calling routine, called routine), for calls between files."""
    found: Calls = defaultdict(list)
    for unit in project.units:
        if unit.block.kind != "routine":
            continue
        for _, name in unit.contract.calls:
            target = project.find(name)
            if target is not None and target.block.file != unit.block.file:
                found[unit.block.file, target.block.file].append((unit.block.name, target.block.name))
    return found


def _file(project: Project, file: AsmFile, units: list[Unit], outward: list[str]) -> Iterator[Draft]:
    routines = [unit for unit in units if unit.block.kind == "routine"]
    tables = [f"`{unit.block.name}`" for unit in units if unit.block.kind == "data"]
    patches = sum(unit.block.kind == "patch" for unit in units)
    if file.title.lower().startswith("auto-generated"):
        return
    told = comments.words(file.title) >= 4 or sum(bool(unit.summary) for unit in routines) >= 2
    if len(routines) + len(tables) + patches + len(file.macros) < 3 or not told:
        return
    title = _opening(file.title)
    parts = [f"`{file.path}`: {title}" if comments.words(title) >= 4 else f"`{file.path}` holds this:"]
    if routines:
        rows = [f"- `{u.block.name}`" + (f": {u.summary}" if u.summary else "") for u in _telling(routines)[:12]]
        more = f" (the first {len(rows)})" if len(routines) > len(rows) else ""
        parts.append(f"{len(routines)} routine(s){more}:\n" + "\n".join(rows))
    parts.append(_inventory(project, file, tables, patches, outward))
    question = choose(
        [
            f"What is `{file.path}` responsible for?",
            f"Give me an overview of `{file.path}`: what does it own and how is it connected?",
            f"Which routines and tables live in `{file.path}`, and what uses the file?",
        ],
        file.path,
    )
    yield _draft("architecture_file", question, "\n\n".join(part for part in parts if part), file.path, len(file.lines))


def _opening(title: str) -> str:
    """A file's opening comment, whole lines of it up to 700 characters."""
    kept: list[str] = []
    for line in title.split("\n"):
        if sum(map(len, kept)) + len(line) > 700:
            break
        kept.append(line)
    return comments.sentence("\n".join(kept))


def _telling(routines: list[Unit]) -> list[Unit]:
    return sorted(routines, key=lambda unit: (not unit.summary, unit.block.first))


def _inventory(project: Project, file: AsmFile, tables: list[str], patches: int, outward: list[str]) -> str:
    said = []
    if tables:
        said.append(f"Data tables: {listing(tables, 8)}.")
    if file.macros:
        said.append(f"Macros: {listing([f'`%{macro.name}`' for macro in file.macros], 8)}.")
    if patches:
        said.append(f"It patches the original game in {patches} place(s).")
    parents = project.program.included_by.get(file.path, [])
    if parents:
        said.append(f"Included by {listing([f'`{path}`' for path in parents])}.")
    if outward:
        said.append(f"It calls into {listing([f'`{path}`' for path in outward], 6)}.")
    if file.namespaces:
        said.append(f"Namespace: {listing([f'`{name}`' for name in dict.fromkeys(file.namespaces)])}.")
    return " ".join(said)


def _includes(project: Project, file: AsmFile) -> Iterator[Draft]:
    if len(file.includes) < 2:
        return
    rows = []
    for include in file.includes[:40]:
        comment = comments.strip(file.lines[include.line - 1].comment)
        said = f": {comment}" if comments.words(comment) >= 2 else ""
        rows.append(f"- `{include.path}`" + (f" (only if {include.condition})" if include.condition else "") + said)
    question = choose(
        [f"What does `{file.path}` include, and in which order?", f"Which files are assembled through `{file.path}`?"],
        file.path,
    )
    answer = f"`{file.path}` includes {len(file.includes)} file(s), in this order:\n" + "\n".join(rows)
    yield _draft("architecture_include", question, answer, file.path, len(file.lines))


def _hooks(path: str, units: list[Unit]) -> Iterator[Draft]:
    patches = [unit for unit in units if unit.block.kind == "patch"]
    rows = []
    for unit in patches[:40]:
        how, name = next(iter(unit.contract.calls), ("", ""))
        said = comments.sentence(" ".join(unit.block.header.split())) if comments.words(unit.block.header) >= 2 else ""
        if name or said:
            rows.append(
                f"- {unit.block.name}"
                + (f" → `{name}` ({how.upper()})" if name else "")
                + (f": {said}" if said else "")
            )
    if len(rows) >= 2:
        question = choose(
            [f"Where does `{path}` hook into the original game?", f"List the patches of the original ROM in `{path}`."],
            path,
        )
        told = "" if len(rows) == len(patches) else f"; {len(rows)} of them say what they do"
        answer = f"`{path}` patches {len(patches)} place(s) of the original game{told}:\n" + "\n".join(rows)
        yield _draft("architecture_hooks", question, answer, path, patches[-1].block.last)


def _between(project: Project, caller: str, callee: str, pairs: list[tuple[str, str]]) -> Draft:
    by_target: dict[str, list[str]] = defaultdict(list)
    for source, target in dict.fromkeys(pairs):
        by_target[target].append(f"`{source}`")
    rows = []
    for target, sources in list(by_target.items())[:12]:
        unit = project.find(target)
        said = f" {unit.summary}" if unit and unit.summary else ""
        rows.append(f"- `{target}`, called from {listing(sources, 4)}.{said}")
    question = choose(
        [f"How does `{caller}` depend on `{callee}`?", f"Which routines of `{callee}` does `{caller}` call?"],
        caller + callee,
    )
    answer = f"`{caller}` calls {len(by_target)} routine(s) of `{callee}`:\n" + "\n".join(rows)
    told = any(unit.summary for target in by_target if (unit := project.find(target)))
    last = len(project.program.files[caller].lines)
    return _draft("architecture_calls", question, answer, caller, last, "" if told else "calls_without_purpose")


def _namespaces(project: Project) -> Iterator[Draft]:
    for name in project.program.namespaces:
        files = [path for path, file in project.program.files.items() if name in file.namespaces]
        labels = [label.name for path in files for label in project.program.files[path].labels]
        inside = [f"`{label}`" for label in labels if label.startswith(f"{name}_")]
        if inside:
            answer = f"The namespace `{name}` is opened in {listing([f'`{path}`' for path in files])}. "
            answer += f"From outside, its labels carry the prefix `{name}_`: {listing(inside, 8)}."
            question = f"What belongs to the namespace `{name}`, and how do other files refer to it?"
            yield _draft("architecture_namespace", question, answer, files[0], 1)


def _draft(kind: str, question: str, answer: str, path: str, last: int, fault: str = "") -> Draft:
    return Draft(kind, question, answer, path, 1, last, f"file:{path}", fault=fault)
