"""Samples as `convert` renders them, so that every version is trained and measured on
the same conversations.
"""

from __future__ import annotations

from collections.abc import Callable

from afs_stages.core.params.data import Convert
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats import Style
from afs_stages.dataset.formats.chat_messages import Messages
from afs_stages.training.chat_rows import ChatRow, row_of


def as_converted(block: Convert) -> Callable[[TrainingSample], ChatRow]:
    """A reader of samples by the `convert` block of params.yaml."""
    return styled(Style(block.cot_mode, block.system_prompt, block.system_prompts))


def styled(style: Style) -> Callable[[TrainingSample], ChatRow]:
    """A reader of samples with the style's system prompts,
    and thinking where the style puts it.
    """
    return lambda sample: row_of(sample, Messages().render(sample, style)["messages"])
