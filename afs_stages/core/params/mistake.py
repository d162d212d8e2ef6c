"""A mistake in params.yaml: the key it stands at, what is wrong, how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from afs_stages.core.errors import UserError

Key = tuple[str | int, ...]
"""A key of params.yaml by its parts: `("models", "majora", "weights")`."""
LONGEST = 60
"""Characters shown of a value met."""


@dataclass(frozen=True)
class Mistake:
    """What is wrong at one key; `what` tells the value met, `fix` mends this one."""

    key: Key
    what: str
    fix: str

    def below(self, *block: str | int) -> Mistake:
        """The same mistake, its key counted from further above."""
        return replace(self, key=(*block, *self.key))

    def __str__(self) -> str:
        name = dotted(self.key)
        return f"{name}: {self.what}" if name else self.what


class Misfit(ValueError):
    """Raised by a block's own checks: values that do not go together.

    The keys of its mistakes count from the block that raises it.
    """

    def __init__(self, *mistakes: Mistake) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(mistake.what for mistake in mistakes))


def refusal(found: Sequence[tuple[str, Mistake]]) -> UserError:
    """One error for some (place, mistake), each with a `fix:` of its own."""
    texts = [f"{where}: {one}\n  fix: {one.fix}" for where, one in found]
    # `UserError` itself sets the first place before, and the last fix behind.
    where, fix = found[0][0], found[-1][1].fix
    whole = "\n".join(texts).removeprefix(f"{where}: ")
    return UserError(whole.removesuffix(f"\n  fix: {fix}"), where=where, fix=fix)


def dotted(key: Key) -> str:
    """`models.majora.weights`."""
    return ".".join(map(str, key))


def met(value: Any) -> str:
    """A value as an error shows it: short, and never a whole block."""
    if isinstance(value, BaseModel) or (isinstance(value, dict) and value):
        return "a block of keys"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def written(block: BaseModel, *names: str) -> str:
    """The first of some keys that the file itself sets: the line to name."""
    return next((name for name in names if name in block.model_fields_set), names[0])
