"""Samples as `convert` renders them, for measuring on the very conversations that training saw."""

from __future__ import annotations

from collections.abc import Callable

from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats import Style
from afs_stages.dataset.formats.openai import OpenAI
from afs_stages.model.rows import Row, row_of


def styled(style: Style) -> Callable[[TrainingSample], Row]:
    """A reader of samples with the style's system prompts, and thinking where the style puts it."""
    return lambda sample: row_of(sample, OpenAI().render(sample, style)["messages"])
