"""What the discriminator learns from: real blocks with their files,
and corruptions of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from afs_stages.asm.lexer import parse
from afs_stages.asm.opcode_table import assemble
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.blocks import is_assembly, sample_assembly
from afs_stages.scoring.corruptions import KINDS, corruptions

MIN_OPS = 5
"""Shorter blocks say too little to be learnt from."""


@dataclass(frozen=True)
class AssemblyBlock:
    """A real block and the file it is from."""

    code: str
    file: str

    @property
    def key(self) -> str:
        """Hash of the code as an assembler reads it."""
        return code_key(self.code)


@dataclass(frozen=True)
class Pair:
    """One text to judge: real (`kind` empty) or a corruption of the real block `of`."""

    code: str
    file: str
    kind: str
    of: str

    @property
    def real(self) -> bool:
        """Whether the code is genuine."""
        return not self.kind

    def to_dict(self) -> dict[str, str]:
        """The pair as a JSONL row."""
        return {"code": self.code, "file": self.file, "kind": self.kind, "of": self.of}


def code_key(code: str) -> str:
    """16 hex digits of a block's statements: comments, blanks and case do not count."""
    statements = [statement.parts for statement in parse(code)]
    return hashlib.blake2b(
        repr(statements).lower().encode("utf-8", "surrogatepass"), digest_size=8
    ).hexdigest()


def real_blocks(samples: Iterable[TrainingSample]) -> list[AssemblyBlock]:
    """Distinct blocks of real assembly with at least `MIN_OPS` instructions,
    ordered by file and code.

    Blocks that the table check refuses are left out:
    they are pseudo-code or quotations of mistakes.
    """
    found: dict[tuple[str, str], AssemblyBlock] = {}
    for sample in samples:
        file = str(sample.provenance.get("file") or sample.group)
        for code in sample_assembly(sample):
            if (
                _length(code) >= MIN_OPS
                and is_assembly(code, 0.1)
                and assemble(code).state != "error"
            ):
                block = AssemblyBlock(code, file)
                found.setdefault((file, block.key), block)
    return sorted(found.values(), key=lambda block: (block.file, block.code))


def _length(code: str) -> int:
    return sum(statement.kind == "op" for statement in parse(code))


def make_pairs(
    blocks: Iterable[AssemblyBlock], seed: int, kinds: tuple[str, ...] = KINDS
) -> Iterator[Pair]:
    """Each block, then one corruption of each kind it has a place for."""
    for block in blocks:
        key = block.key
        yield Pair(block.code, block.file, "", key)
        for kind, code in corruptions(block.code, f"{seed}:{key}", kinds):
            yield Pair(code, block.file, kind, key)


def file_folds(
    blocks: Iterable[AssemblyBlock], folds: int, seed: int
) -> dict[str, int]:
    """file -> fold; files that share a block share the fold,
    folds hold about equally many blocks.
    """
    parent: dict[str, str] = {}

    def root(file: str) -> str:
        while parent.setdefault(file, file) != file:
            file = parent[file]
        return file

    owner: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for block in blocks:
        first = owner.setdefault(block.key, block.file)
        parent[root(block.file)] = root(first)
        sizes[block.file] = sizes.get(block.file, 0) + 1
    clusters: dict[str, list[str]] = {}
    for file in sorted(sizes):
        clusters.setdefault(root(file), []).append(file)
    load, result = [0] * folds, {}
    for files in sorted(
        clusters.values(),
        key=lambda fs: (-sum(sizes[f] for f in fs), _draw(fs[0], seed)),
    ):
        fold = load.index(min(load))
        load[fold] += sum(sizes[file] for file in files)
        result.update(dict.fromkeys(files, fold))
    return result


def _draw(name: str, seed: int) -> str:
    return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).hexdigest()
