"""`OracleTrainingGenerator`: a codebase in, samples of five kinds (and of those a
subclass adds) out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from afs_stages.asm.places import canonical, region
from afs_stages.codebase.facts.accesses import VariableUse, variable_uses
from afs_stages.codebase.facts.mentions import Mentions
from afs_stages.codebase.facts.project import Project, read_project
from afs_stages.codebase.facts.sound import SoundRoutine, sound_routines
from afs_stages.codebase.facts.topics import topic
from afs_stages.codebase.judge.balance import CAPS, left_out
from afs_stages.codebase.judge.coverage import Coverage, coverage
from afs_stages.codebase.judge.disputed import disputed_rows
from afs_stages.codebase.judge.sample_filter import keep
from afs_stages.codebase.read.markdown import Document, Section
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.read.vocabulary import OwnWords
from afs_stages.codebase.tell import (
    across_files,
    architecture,
    assembly,
    change_code,
    complete,
    constants,
    crossref,
    docs,
    find_bug,
    quest,
    second_turn,
    structs,
    unsaid,
    what_if,
    why,
)
from afs_stages.codebase.tell import memory_map as memory
from afs_stages.codebase.tell.asking import Asker
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.name_lookup import NameLookup, vocabulary
from afs_stages.core.jsonl import BadRow
from afs_stages.core.params import Block
from afs_stages.core.sample import RECALL, TrainingSample
from afs_stages.sources.base import BaseGenerator

_ORDER = ("memory", "assembly", "quest", "architecture", "documentation")


class CodebaseOptions(Block):
    """What a source block of a codebase may say beside root, type, domain and
    licence.
    """

    vocabulary: OwnWords = Field(
        default=OwnWords(), description="words of this codebase"
    )
    files: list[str] = Field(
        default=["*"],
        description="globs of the files to tell of, `*` over folders, too; the whole "
        "codebase is read all the same, for the names it defines",
    )
    plans: bool = Field(
        default=False, description="tell what pages of plans propose, as proposals"
    )
    wordings: int = Field(
        default=2,
        ge=0,
        description="wordings of each fact of memory (an address, a meaning, a value), "
        "beside the one kept aside for recall; there are six or more",
    )


class OracleTrainingGenerator(BaseGenerator):
    """Samples from a 65816 codebase with Markdown docs.

    Each `generate_<kind>_samples` method yields one kind; override one to change it,
    add one to have it called too. Samples come in a fixed order that depends on the
    files' contents and relative paths only.
    """

    default_domain: ClassVar[str] = ""
    Options: ClassVar[type[Block]] = CodebaseOptions
    options: CodebaseOptions

    def __init__(
        self,
        name: str = "oracle",
        domain: str = "",
        roots: Iterable[Path] = (),
        options: Block | None = None,
        *,
        oracle_path: Path | str | None = None,
        limit: int | None = None,
    ) -> None:
        """Read from `oracle_path` (or the first of `roots`); at most `limit` samples,
        evenly over the kinds.
        """
        if oracle_path is not None:
            roots = [Path(oracle_path).expanduser()]
        super().__init__(name, domain, roots, options)
        self.limit = limit
        self._told: set[str] = set()
        self._reasons: dict[str, str] = {}

    @property
    def oracle_path(self) -> Path:
        """The root of the codebase."""
        return self.roots[0] if self.roots else Path()

    @cached_property
    def docs_path(self) -> Path:
        """The folder of the docs: `Docs` or `docs` under the root, else the root."""
        names = {
            path.name: path
            for path in sorted(self.oracle_path.iterdir())
            if path.is_dir()
        }
        return names.get("Docs") or names.get("docs") or self.oracle_path

    @cached_property
    def project(self) -> Project:
        """The codebase, read at first use; what could not be read goes to `on_bad`."""
        project = read_project(self.oracle_path, self.options.vocabulary)
        for problem in project.problems:
            self.on_bad(
                BadRow(problem.file, problem.line, problem.reason, problem.detail)
            )
        return project

    @cached_property
    def mentions(self) -> Mentions:
        """Which routine uses which name."""
        return self.words.mentions

    @cached_property
    def words(self) -> NameLookup:
        """What operands mean, and which routine stands in which jump table."""
        return vocabulary(self.project)

    @cached_property
    def sound(self) -> list[SoundRoutine]:
        """The routines that can be followed whole."""
        words = self.words
        return list(sound_routines(self.project, words.naming, words.entered))

    @cached_property
    def uses(self) -> dict[str, VariableUse]:
        """Where each variable of RAM is used."""
        kinds = {"WRAM", "SRAM"}
        if not self.project.moves_direct_page:
            kinds.add("direct page")

        def is_variable(symbol: Symbol) -> bool:
            return memory.is_memory(symbol) and region(symbol.value) in kinds

        return variable_uses(self.project, canonical, is_variable)

    @cached_property
    def written(self) -> unsaid.Written:
        """The words of pages and comments."""
        return unsaid.Written(self.project)

    @cached_property
    def asker(self) -> Asker:
        """What chooses a question by the facts."""
        return Asker(self.project, self.words, self.uses)

    @cached_property
    def conflicts(self) -> list[memory.Conflict]:
        """Where the docs contradict the code about an address."""
        return memory.conflicts(self.project)

    @cached_property
    def notes(self) -> memory.Notes:
        """What the docs say of variables, where they agree with the code."""
        return memory.documented(self.project)

    @cached_property
    def disputed(self) -> set[tuple[str, int]]:
        """The rows of the docs that say of an address what the code says of another."""
        return disputed_rows(self.project)

    def generate(self) -> Iterator[TrainingSample]:
        """Yield every sample that is worth training on; exact and near copies and
        second answers are dropped.
        """
        for conflict in self.conflicts:
            symbol = conflict.symbol
            page = f"{conflict.file}:{conflict.line}"
            code = f"{symbol.file}:{symbol.line} at ${symbol.value:06X}"
            self.tally.notes.append(
                f"{page} puts {symbol.name} at ${conflict.claimed:06X}, {code}"
            )
        kept = self._kept()
        if self.limit is None:
            chosen = list(chain.from_iterable(kept.values()))
        else:
            chosen = even(list(kept.values()), self.limit)
            total = sum(map(len, kept.values()))
            self.tally.drop("over_limit", total - len(chosen))
        self._told = {sample.group for sample in chosen}
        self.tally.measures["coverage"] = self.coverage.to_dict()
        yield from chosen

    def _kept(self) -> dict[str, list[TrainingSample]]:
        """Kind -> the samples that pass, of a form that is capped no more than its
        share.
        """
        found: dict[str, list[TrainingSample]] = {kind: [] for kind in self.kinds()}
        every = ((kind, sample) for kind in found for sample in self._kind(kind))
        kind_of: dict[str, str] = {}
        passed = keep(_noting(every, kind_of), self.tally, self._note_dropped)
        for sample in passed:
            found[kind_of[sample.sample_id]].append(sample)
        for kind, caps in CAPS.items():
            for reason, over in left_out(found.get(kind, []), caps).items():
                self.tally.drop(reason, len(over))
                kept = [s for s in found.get(kind, []) if s.sample_id not in over]
                found[kind] = kept
        return found

    def _note_dropped(self, sample: TrainingSample, reason: str) -> None:
        """Remember why a sample about a routine was left out."""
        if sample.provenance.get("kind") == _EXPLANATION:
            self._reasons.setdefault(sample.group, reason)

    @cached_property
    def coverage(self) -> Coverage:
        """Which routines have a sample, once `generate` has run."""
        own = f"{self.name}:"
        told = {group.removeprefix(own) for group in self._told}
        reasons = {
            group.removeprefix(own): reason for group, reason in self._reasons.items()
        }
        return coverage(self.project, self.words, told, reasons)

    def kinds(self) -> list[str]:
        """The kinds there is a `generate_<kind>_samples` method for,
        built-in ones first.
        """
        prefix, suffix = "generate_", "_samples"
        kinds = [
            name.removeprefix(prefix).removesuffix(suffix)
            for name in dir(type(self))
            if name.startswith(prefix) and name.endswith(suffix)
        ]
        others = sorted(kind for kind in kinds if kind not in _ORDER)
        return [kind for kind in _ORDER if kind in kinds] + others

    def _kind(self, kind: str) -> Iterator[TrainingSample]:
        for sample in getattr(self, f"generate_{kind}_samples")():
            sample.source = self.name
            sample.domain = sample.domain or self._domain(kind)
            yield sample

    def _domain(self, kind: str) -> str:
        return f"{self.domain}_{_SHORT.get(kind, kind)}"

    def generate_documentation_samples(self) -> Iterator[TrainingSample]:
        """Sections and table rows of the docs that are about neither quests
        nor architecture.
        """
        yield from self._samples("documentation", self._pages("docs", "documentation"))

    def generate_assembly_samples(self) -> Iterator[TrainingSample]:
        """Routines, data tables, patches and macros with their code; code to complete,
        branches, bugs, changes, reasons and comparisons.
        """
        project, words = self.project, self.words
        branches = list(what_if.drafts(words, self.sound))
        changes = list(change_code.drafts(project, self.sound))
        asked = {draft.group.rsplit(":", 1)[-1] for draft in (*branches, *changes)}
        bugs = find_bug.drafts(project, self.sound, asked)
        endings = complete.drafts(self.sound)
        about_code = chain(branches, bugs, changes)
        with_turns = second_turn.with_turns(project, words, about_code)
        several = across_files.comparisons(project, self.uses)
        callers = across_files.callers_of_two(project)
        told = assembly.drafts(project, words)
        reasons = why.drafts(project)
        every = chain(told, endings, with_turns, reasons, several, callers)
        yield from self._samples("assembly", every)

    def generate_memory_samples(self) -> Iterator[TrainingSample]:
        """Variables, addresses, constants and structs; contradictions of docs and code;
        where routines are.
        """
        project = self.project
        variables = memory.drafts(project, self.conflicts, self.notes)
        told = chain(variables, constants.drafts(project), structs.drafts(project))
        places = crossref.drafts(project, self.words)
        traces = across_files.drafts(project, self.uses)
        open_questions = unsaid.of_variables(self.written, self.uses)
        every = chain(told, self._wordings(), places, traces, open_questions)
        yield from self._samples("memory", every)

    def _wordings(self) -> Iterator[Draft]:
        """The wordings of each fact of memory that the options ask for."""
        most = self.options.wordings
        told = (
            memory.wordings(self.project, self.notes),
            constants.wordings(self.project),
        )
        for draft in chain.from_iterable(told):
            if draft.wording == RECALL or int(draft.wording) <= most:
                yield draft

    def generate_quest_samples(self) -> Iterator[TrainingSample]:
        """Quest sections of the docs and story flags in code."""
        told = quest.drafts(self.project, self.mentions)
        yield from self._samples("quest", chain(self._pages("quest", "quest"), told))

    def generate_architecture_samples(self) -> Iterator[TrainingSample]:
        """Architecture sections of the docs; files, includes, hooks, calls and
        namespaces of the code.
        """
        kind = "architecture"
        told = architecture.drafts(self.project, self.mentions)
        yield from self._samples(kind, chain(self._pages(kind, kind), told))

    def _pages(self, wanted: str, kind: str) -> Iterator[Draft]:
        spoiled = {
            (conflict.file, conflict.line) for conflict in self.conflicts
        } | self.disputed

        def is_wanted(document: Document, section: Section) -> bool:
            if document.planned and not self.options.plans:
                return False
            words = self.options.vocabulary
            return topic(document, section, words) == wanted

        return docs.drafts(self.project, is_wanted, kind, spoiled)

    def _samples(self, kind: str, drafts: Iterable[Draft]) -> Iterator[TrainingSample]:
        for draft in drafts:
            if not self._is_asked_for(draft.file):
                continue
            # names may stand in lists that are read and never assembled
            code = kind != "memory" or draft.kind == "memory_routine"
            unbuilt = code and draft.file in self.project.program.unbuilt
            fault = draft.fault or ("file_not_built" if unbuilt else "")
            if fault:
                self.tally.seen += 1
                self.tally.drop(fault)
                if draft.kind == _EXPLANATION:
                    group = f"{self.name}:{draft.group}"
                    self._reasons.setdefault(group, fault)
            else:
                yield self.sample(self.asker.ask(draft), self._domain(kind))

    def _is_asked_for(self, file: str) -> bool:
        return any(fnmatchcase(file, glob) for glob in self.options.files)

    def sample(self, draft: Draft, domain: str) -> TrainingSample:
        """A draft as a sample of this source."""
        provenance: dict[str, Any] = {
            "file": draft.file,
            "lines": [draft.first, draft.last],
            "kind": draft.kind,
        }
        if self.project.tree.commit:
            provenance["commit"] = self.project.tree.commit
        metadata: dict[str, Any] = {
            "provenance": provenance,
            "group": f"{self.name}:{draft.group}",
        }
        if draft.fact:
            metadata |= {"fact": draft.fact, "wording": draft.wording}
        return TrainingSample(
            instruction=draft.question,
            input=draft.input,
            output=draft.answer,
            messages=_turns(draft),
            domain=domain,
            source=self.name,
            metadata=metadata,
        )


def _turns(draft: Draft) -> list[dict[str, Any]] | None:
    """The dialogue a draft is the end of; None where it is no dialogue."""
    first, answered = draft.before
    if not first:
        return None
    asked = "\n\n".join(filter(None, (draft.question, draft.input)))
    said = (first, answered, asked, draft.answer)
    roles = ("user", "assistant", "user", "assistant")
    return [
        {"role": role, "content": text} for role, text in zip(roles, said, strict=True)
    ]


_EXPLANATION = "asm_explanation"
"""The kind whose drafts say why a routine is not told."""

_SHORT = {"documentation": "docs", "assembly": "asm"}


def _noting(
    every: Iterable[tuple[str, TrainingSample]], kind_of: dict[str, str]
) -> Iterator[TrainingSample]:
    for kind, sample in every:
        kind_of.setdefault(sample.sample_id, kind)
        yield sample


def even(groups: list[list[TrainingSample]], limit: int) -> list[TrainingSample]:
    """At most `limit` samples, as evenly over the groups as their sizes allow, spread
    over each group.
    """
    chosen: list[TrainingSample] = []
    left = max(0, limit)
    for done, group in enumerate(sorted(groups, key=len)):
        # the smallest first: what it leaves of its share is the others'
        share = min(len(group), left // (len(groups) - done))
        chosen += [group[position * len(group) // share] for position in range(share)]
        left -= share
    return chosen
