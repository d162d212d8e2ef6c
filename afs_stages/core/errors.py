"""The one error a user ever reads: what went wrong, where, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class UserError(Exception):
    """Bad input, missing file or wrong setting; printed without a traceback,
    exit code 1.

    `what` says what is wrong and the value met, `where` is `file:line:field` as far as
    known, `fix` is the next thing to do.
    """

    def __init__(
        self, what: str, *, where: str | None = None, fix: str | None = None
    ) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  fix: {self.fix}" if self.fix else text


class UnusableRow(ValueError):
    """A row that cannot be used: `reason` is what reports count, `detail` what is
    wrong with this one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


def closest(name: str, known: list[str]) -> str:
    """The known name that is close to one; empty where none is."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, known, n=1)), "")


def nearest(name: str, known: list[str]) -> str:
    """`did you mean 'x'?
    ` when one of the known names is close, then the list of them all.
    """
    guess = closest(name, known)
    hint = f"did you mean '{guess}'? " if guess else ""
    return f"{hint}known: {', '.join(sorted(known)) or '(none)'}"


def first_problem(error: ValidationError) -> str:
    """The first problem of a validation error as `field: message`; never the value,
    which may be secret.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}"
