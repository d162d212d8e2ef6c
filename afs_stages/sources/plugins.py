"""Finding a source by its type: the built-in ones, then those of other packages."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from pydantic import ValidationError

from afs_stages.core.errors import UserError, nearest
from afs_stages.core.params import Block
from afs_stages.core.params.data import Source
from afs_stages.core.params.mistake import refusal
from afs_stages.core.params.validation import mistakes_of
from afs_stages.sources.base import BaseGenerator

GROUP = "afs_stages.sources"

BUILT_IN = {
    "memory": "afs_stages.sources.memory.generator:MemoryGenerator",
    "history": "afs_stages.sources.history.generator:HistoryGenerator",
    "claude": "afs_stages.sources.claude.generator:ClaudeGenerator",
    "codex": "afs_stages.sources.codex.generator:CodexGenerator",
    "gemini": "afs_stages.sources.gemini.generator:GeminiGenerator",
    "toolbench": "afs_stages.sources.toolbench.generator:ToolBenchGenerator",
    "oracle": "afs_stages.codebase:OracleTrainingGenerator",
    "alttp": "afs_stages.codebase:OracleTrainingGenerator",
}


def installed() -> dict[str, str]:
    """Type -> `module:class` of every source there is;
    a built-in name cannot be taken over.
    """
    found = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    return {**found, **BUILT_IN}


def source_class(kind: str, where: str = "params.yaml") -> type[BaseGenerator]:
    """The generator class of a source type.
    Raises `UserError` for a type that is not installed.
    """
    known = installed()
    if kind not in known:
        raise UserError(
            f"no source type '{kind}' ({nearest(kind, list(known))})", where=where
        )
    module, _, name = known[kind].partition(":")
    found: type[BaseGenerator] = getattr(import_module(module), name)
    return found


def parse_options(
    cls: type[BaseGenerator],
    values: dict[str, object],
    where: str,
    file: str = "params.yaml",
) -> Block:
    """The source's own options, checked; an unknown key is said with the
    nearest known one.

    `where` is the block's name and `file` what holds it, for the `UserError`.
    """
    try:
        return cls.Options.model_validate(values)
    except ValidationError as error:
        found = mistakes_of(error, cls.Options, *Source.model_fields)
        raise refusal([(file, one.below(*where.split("."))) for one in found]) from None
