"""What folds by file leave open: folders held out, unlike routines, untrained kinds of
edits, another code base.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from measures import over, row

from afs_stages.asm.opcode_table import assemble
from afs_stages.core.params.data import Discriminator
from afs_stages.scoring.context import Context
from afs_stages.scoring.corruptions import KINDS
from afs_stages.scoring.discriminator.assembly_folder import routines
from afs_stages.scoring.discriminator.cross_fit import train_pairs
from afs_stages.scoring.discriminator.ngram import NgramModel
from afs_stages.scoring.discriminator.pairs import (
    AssemblyBlock,
    Pair,
    code_key,
    file_folds,
    make_pairs,
)
from afs_stages.scoring.discriminator.tokens import NEWLINE, tokenise

FOLDS = 5
RUN = 8
"""Units in a row by which a routine is known again."""
UNLIKE = 0.05
OTHERS = 300
"""Routines taken of another code base."""
_ADDRESS = re.compile(r"^#_[0-9A-Fa-f]+: ?", re.MULTILINE)


def measures(
    blocks: Sequence[AssemblyBlock], context: Context, seed: int, other: Path | None
) -> dict[str, object]:
    """The harder measures; the first fold by file is held out where one is enough."""
    pairs = list(make_pairs(blocks, seed))
    folds = file_folds(blocks, FOLDS, seed)
    train = [pair for pair in pairs if folds[pair.file]]
    test = [pair for pair in pairs if not folds[pair.file]]
    model = NgramModel.fit(train, context.calls, seed)
    values = model.score([pair.code for pair in test])
    like = _likeness(
        [pair for pair in train if pair.real], [pair for pair in test if pair.real]
    )
    unlike = [i for i, pair in enumerate(test) if like[pair.of] < UNLIKE]
    found: dict[str, object] = {
        "folders held out": _folders(pairs, context, seed),
        "first fold": row(test, values),
        f"first fold, routines under {UNLIKE:.0%} like any trained on": row(
            test, values, unlike
        ),
        "first fold, the kind not trained on": _untrained(train, test, context, seed),
    }
    if other:
        theirs = foreign(other)
        spread = theirs[:: max(1, len(theirs) // OTHERS)][:OTHERS]
        strange = list(make_pairs(spread, seed))
        found["another code base"] = row(
            strange, model.score([pair.code for pair in strange])
        )
    return found


def _folders(pairs: Sequence[Pair], context: Context, seed: int) -> dict[str, object]:
    """Folds by top folder."""
    moved = [replace(pair, file=pair.file.partition("/")[0]) for pair in pairs]
    bundle, _ = train_pairs(
        moved, context, Discriminator(kind="ngram", folds=FOLDS), seed
    )
    return row(
        pairs,
        bundle.score([pair.code for pair in moved], [pair.file for pair in moved]),
    )


def runs(code: str) -> set[tuple[str, ...]]:
    """The runs of `RUN` units of a text."""
    units = [unit for unit in tokenise(code) if unit != NEWLINE]
    return {tuple(units[at : at + RUN]) for at in range(len(units) - RUN + 1)}


def _likeness(train: Sequence[Pair], test: Sequence[Pair]) -> dict[str, float]:
    """Of each routine the share of its runs of units that stand in
    the training code.
    """
    known = set().union(*(runs(pair.code) for pair in train))
    shares = {}
    for pair in test:
        own = runs(pair.code)
        shares[pair.of] = len(own & known) / max(len(own), 1)
    return shares


def _untrained(
    train: list[Pair], test: list[Pair], context: Context, seed: int
) -> dict[str, float]:
    """AUC of each kind by a model that never met it."""
    found = {}
    for kind in KINDS:
        model = NgramModel.fit(
            [pair for pair in train if pair.kind != kind], context.calls, seed
        )
        chosen = [pair for pair in test if pair.real or pair.kind == kind]
        found[kind] = over(
            chosen, model.score([pair.code for pair in chosen]), range(len(chosen))
        )
    return found


def foreign(folder: Path) -> list[AssemblyBlock]:
    """The distinct routines of another code base; addresses before each line go."""
    found: dict[str, AssemblyBlock] = {}
    for path in sorted(folder.glob("*.asm")):
        for body in routines(
            _ADDRESS.sub("  ", path.read_text(encoding="utf-8", errors="replace"))
        ):
            lines = body.count("\n")
            if 8 <= lines < 400 and assemble(body).state != "error":
                found.setdefault(code_key(body), AssemblyBlock(body, path.name))
    return list(found.values())
