"""Corruptions: one edit, the rest byte for byte, wrong where an assembler can tell, the
same for the same seed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from afs_stages.asm.opcode_table import assemble
from afs_stages.scoring.corruptions import (
    KINDS,
    SEMANTIC,
    SYNTACTIC,
    corrupt,
    corruptions,
)
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.pairs import (
    Pair,
    code_key,
    file_folds,
    make_pairs,
    real_blocks,
)

HACK = Path(__file__).parents[2] / "data/sample/hack"
BLOCKS = real_blocks(folder_samples(HACK))


def test_eleven_kinds_are_all_met() -> None:
    assert len(KINDS) == 11
    assert {pair.kind for pair in make_pairs(BLOCKS, 1)} == {"", *KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_one_edit_and_the_rest_untouched(kind: str) -> None:
    made = [
        (block.code, other)
        for block in BLOCKS[:60]
        if (other := corrupt(block.code, kind, "s"))
    ]
    assert made
    for code, other in made:
        old, new = code.split("\n"), other.split("\n")
        changed = [pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]]
        assert code != other
        if len(old) == len(new):
            assert len(changed) <= (2 if kind == "reorder" else 1)
        else:
            assert kind in ("drop_pull", "reorder")
            assert len(old) - len(new) == 1


@pytest.mark.parametrize("kind", SYNTACTIC)
def test_an_assembler_sees_these(kind: str) -> None:
    made = [other for block in BLOCKS[:60] if (other := corrupt(block.code, kind, "s"))]
    assert all(assemble(code).state == "error" for code in made)


@pytest.mark.parametrize("kind", sorted(set(SEMANTIC) - {"drop_pull"}))
def test_an_assembler_does_not_see_those(kind: str) -> None:
    made = [other for block in BLOCKS[:60] if (other := corrupt(block.code, kind, "s"))]
    assert all(assemble(code).state != "error" for code in made)


def test_seeded() -> None:
    code = BLOCKS[0].code
    assert list(corruptions(code, "a")) == list(corruptions(code, "a"))
    assert any(
        list(corruptions(b.code, "a")) != list(corruptions(b.code, "b"))
        for b in BLOCKS[:5]
    )


def test_pairs_stand_by_file_and_folds_keep_files_whole() -> None:
    pairs = list(make_pairs(BLOCKS, 1))
    folds = file_folds(BLOCKS, 3, 1)
    assert set(folds.values()) == {0, 1, 2}
    by_key: dict[str, set[int]] = {}
    for pair in pairs:
        by_key.setdefault(pair.of, set()).add(folds[pair.file])
    assert all(len(where) == 1 for where in by_key.values()), (
        "a block and its corruptions, or its copies, straddle folds"
    )


def test_key_ignores_comments_and_case() -> None:
    assert code_key("LDA #$1F ; x\n") == code_key("  lda  #$1f")
    assert Pair("a", "f", "", "k").real
