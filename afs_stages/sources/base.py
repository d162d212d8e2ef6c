"""What a source is: a generator of samples with a name,
a domain and options of its own.

A third-party package adds one by an entry point in the group `afs_stages.sources`:

    [project.entry-points."afs_stages.sources"]
    notes = "my_package.notes:NotesGenerator"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from afs_stages.core import jsonl
from afs_stages.core.jsonl import BadRow, OnBad
from afs_stages.core.params import Block
from afs_stages.core.sample import TrainingSample


class Options(Block):
    """Keys a source block may hold beside root, type, domain and licence; a source
    declares its own.
    """


Keep = Callable[[TrainingSample], str]
"""A gate: the reason why a sample is left out, or an empty string."""


@dataclass
class Tally:
    """What a generator met: turns (or sections, rows …) seen,
    and what was left out and why.
    """

    seen: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    redactions: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unknown_tags: dict[str, int] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)
    """What else a source measures of itself, for the report."""

    def met(self, reason: str = "") -> None:
        """Count something seen, and why it was left out if it was."""
        self.seen += 1
        if reason:
            self.drop(reason)

    def unknown_tag(self, tag: str) -> None:
        """Name the tag of a text that seems to be a tool's and is not known."""
        self.unknown_tags[tag] = self.unknown_tags.get(tag, 0) + 1

    def drop(self, reason: str, count: int = 1) -> None:
        """Count something left out."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    def redacted(self, counts: dict[str, int]) -> None:
        """Add redactions by kind."""
        for kind, count in counts.items():
            self.redactions[kind] = self.redactions.get(kind, 0) + count


class BaseGenerator:
    """A source of samples.
    Subclasses read from `self.roots` and yield samples in a stable order.

    `name` is the source's short name and becomes `sample.source`; `domain` is the
    default domain. What is unreadable goes to `self.on_bad`; what is left out by rule
    is counted in `self.tally`.
    """

    Options: ClassVar[type[Block]] = Options
    default_domain: ClassVar[str] = ""
    home: ClassVar[str] = ""
    """Where the tool keeps its files when no root is given; `~` is expanded."""

    def __init__(
        self,
        name: str,
        domain: str = "",
        roots: Iterable[Path] = (),
        options: Block | None = None,
    ) -> None:
        self.name = name
        self.domain = domain or self.default_domain or name
        self.roots = [Path(root) for root in roots]
        self.options = options if options is not None else self.Options()
        self.tally = Tally()
        self.on_bad: OnBad = self._ignore

    def generate(self) -> Iterator[TrainingSample]:
        """Yield every sample of the source."""
        raise TypeError(f"{type(self).__name__} must define generate()")

    def _ignore(self, bad: BadRow) -> None:
        self.tally.drop(bad.reason)

    @classmethod
    def default_roots(cls) -> list[Path]:
        """The folders this tool uses on this computer."""
        return [Path(cls.home).expanduser()] if cls.home else []


def export_to_jsonl(
    samples: Iterable[TrainingSample], output: Path, limit: int | None = None
) -> int:
    """Write samples to a JSONL file, at most `limit` of them;
    returns how many were written.
    """
    with jsonl.open_write(output) as writer:
        for sample in samples:
            if limit is not None and writer.count >= limit:
                break
            writer.write(sample)
    return writer.count
