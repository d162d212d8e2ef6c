"""AFS memory: `.jsonl`, `.json`, `.md` and `.txt` entries with whatever keys
a tool gave them.

An entry with a request and an answer is a sample. A note (content alone) becomes one
only where its tags allow it (`allow_raw` by default): its title, or a fixed question,
is then the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from afs_stages.core.jsonl import BadRow
from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator, Options
from afs_stages.sources.conversation import Conversation, clean
from afs_stages.sources.events import Attached, Event, Prompt, Said, Session, Thought
from afs_stages.sources.files import read_document, read_records, walk
from afs_stages.sources.unexpected import guarded

MAX_NOTE_BYTES = 2**20
_FRONT_MATTER = re.compile(r"\A---\n(.{0,4000}?)\n---\n", re.S)
_TAGS_LINE = re.compile(r"^(?:tags|labels|tag)\s*:\s*(.{0,500})$", re.M | re.I)
_HEADING = re.compile(r"^#{1,6}\s+(.{1,200})$", re.M)


class MemoryOptions(Options):
    """Options of a `memory` source block."""

    redact: bool = True
    allow_raw: bool = Field(
        default=False, description="every note becomes a sample, whatever its tags"
    )
    allow_raw_tags: tuple[str, ...] = ("allow_raw",)
    include_tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    default_instruction: str = "Recall what is noted about this."


class MemoryGenerator(BaseGenerator):
    """Samples from an AFS memory mount."""

    Options = MemoryOptions
    default_domain = "memory"
    home = "~/.context/memory"
    options: MemoryOptions

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per usable entry."""
        for name, path in walk(self.roots, (".jsonl", ".json", ".md", ".txt")):
            if path.name == "knowledge_graph.json":
                continue
            for line, entry in self._entries(name, path):
                sample = None
                with guarded(self.on_bad, name, line):
                    sample = self._sample(name, line, entry)
                if sample is not None:
                    yield sample

    def _entries(self, name: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        if path.suffix == ".jsonl":
            yield from read_records(name, path, self.on_bad)
            return
        if path.stat().st_size > MAX_NOTE_BYTES:
            self.on_bad(
                BadRow(
                    name,
                    1,
                    "note_too_long",
                    f"{path.stat().st_size} bytes, at most {MAX_NOTE_BYTES}",
                )
            )
            return
        if path.suffix == ".json":
            yield from self._json(name, path)
            return
        try:
            yield 1, _note(path.read_bytes().decode("utf-8"), path.suffix)
        except UnicodeDecodeError as error:
            self.on_bad(BadRow(name, 1, "encoding", f"not UTF-8 at byte {error.start}"))

    def _json(self, name: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        """The entries of a document; the number of an entry stands for its line."""
        inner = read_document(name, path, self.on_bad)
        if inner is None:
            return
        if isinstance(inner, dict):
            inner = next(
                (
                    inner[k]
                    for k in ("entries", "items", "memories")
                    if isinstance(inner.get(k), list)
                ),
                [inner],
            )
        for number, item in enumerate(inner if isinstance(inner, list) else [inner], 1):
            if isinstance(item, dict):
                yield number, item
            else:
                self.on_bad(
                    BadRow(
                        name,
                        number,
                        "not_an_object",
                        f"an entry is a JSON {type(item).__name__}",
                    )
                )

    def _sample(
        self, name: str, line: int, entry: dict[str, Any]
    ) -> TrainingSample | None:
        """The sample of an entry; whatever else becomes of it is counted."""
        tags, options = _tags(entry), self.options
        wanted = not options.include_tags or tags & set(options.include_tags)
        if tags & set(options.exclude_tags) or not wanted:
            self.tally.met("tag")
            return None
        request = _first(entry, "instruction", "prompt", "user")
        answer = _first(entry, "output", "response", "assistant")
        content = _first(entry, "content", "text")
        if not answer and content:
            if not (options.allow_raw or tags & set(options.allow_raw_tags)):
                self.tally.met("note_without_leave")
                return None
            request = request or _first(entry, "title") or options.default_instruction
            answer = content
        events: list[Event] = [
            Prompt([request] if request else [], line),
            Attached("", _first(entry, "input")),
            Thought(_first(entry, "thinking")),
            Said(answer),
        ]
        talk = Conversation(self, Session("", name, events, "memory"))
        sample = next(talk.samples(), None)
        tags = _tags(entry, talk.redact)
        talk.new_redactions()
        if sample and tags:
            sample.metadata["tags"] = sorted(tags)
        return sample


def _first(entry: dict[str, Any], *keys: str) -> str:
    """The first of the keys that holds text."""
    found = (clean(entry[key]) for key in keys if isinstance(entry.get(key), str))
    return next((text for text in found if text), "")


def _tags(entry: dict[str, Any], redact: Callable[[str], str] = clean) -> set[str]:
    """The tags of an entry; text is redacted before it is split, which would part a
    secret from its name.
    """
    for key in ("tags", "labels", "tag"):
        value = entry.get(key)
        if isinstance(value, str):
            return {
                part.strip(" []\"'")
                for part in re.split(r"[,\s]+", redact(value))
                if part.strip(" []\"'")
            }
        if isinstance(value, list):
            return {redact(clean(str(item))) for item in value}
    return set()


def _note(text: str, suffix: str) -> dict[str, Any]:
    """A text file as an entry: front matter or a `tags:` line,
    the first heading as its title.
    """
    entry: dict[str, Any] = {}
    front = _FRONT_MATTER.match(text)
    found = _TAGS_LINE.search(front[1] if front else text[:2000])
    if found:
        entry["tags"] = found[1]
    body = text[front.end() :] if front else text
    if not front and found:
        body = body.replace(found[0], "", 1)
    heading = _HEADING.search(body) if suffix == ".md" else None
    if heading:
        entry["title"] = (
            f"What do the notes say about {heading[1].strip().rstrip('.:')}?"
        )
        body = body.replace(heading[0], "", 1)
    entry["content"] = body.strip()
    return entry
