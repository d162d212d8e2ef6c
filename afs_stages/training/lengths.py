"""How long a sample is for a model: the very tokens that it is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats import Style
from afs_stages.training.encode import pieces
from afs_stages.training.style import styled

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class RowTokens:
    """Counts what `encode_row` makes of a sample, many samples at a time."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, style: Style) -> None:
        self._tokenizer = tokenizer
        self._row_of = styled(style)

    def pieces(self, sample: TrainingSample) -> list[str]:
        """The texts that training tokenises one by one.

        Raises `UnusableRow` where the chat template does not take the sample.
        """
        return [text for text, _ in pieces(self._tokenizer, self._row_of(sample))]

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        if not texts:
            return []
        encoded = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            return_attention_mask=False,
            verbose=False,
        )
        return [len(ids) for ids in encoded["input_ids"]]

    def ends(self, texts: Sequence[str]) -> list[list[int]] | None:
        """Where each token of each text ends, in characters; None for a tokenizer that
        does not know.
        """
        if not self._tokenizer.is_fast:
            return None
        if not texts:
            return []
        encoded = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            return_attention_mask=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        return [[end for _, end in spans] for spans in encoded["offset_mapping"]]
