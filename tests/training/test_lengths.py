"""A sample is as long as what training makes of it: `fit`, `check` and the trainer
count the same tokens.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sessions import lines, tool_turn

from afs_stages.core.errors import UnusableRow
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats import Style
from afs_stages.dataset.shorten import count_rows, read_only, shorten
from afs_stages.training.encode import encode_row
from afs_stages.training.lengths import RowTokens
from afs_stages.training.style import styled

STYLE = Style(cot_mode="embedded", system_prompt="be brief")
TOOLS = [
    {"type": "function", "function": {"name": "Read", "parameters": {"at": "integer"}}}
]
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40
)


def trained(tokenizer: Any, sample: TrainingSample) -> int:
    return len(encode_row(tokenizer, styled(STYLE)(sample)).ids)


@settings(deadline=None, max_examples=40)
@given(st.lists(texts, max_size=3), texts, st.none() | texts, st.booleans())
def test_a_sample_has_the_tokens_that_it_is_trained_on(
    tokenizer: Any,
    found: list[str],
    answer: str,
    thinking: str | None,
    with_schemas: bool,
) -> None:
    turn = tool_turn("x", found, tools=TOOLS if with_schemas else None)
    samples = [
        turn,
        TrainingSample(instruction="q", output=answer, thinking=thinking),
    ]
    tokens = RowTokens(tokenizer, STYLE)
    assert count_rows(tokens, samples) == [trained(tokenizer, row) for row in samples]


def test_a_cut_row_has_no_more_tokens_in_training_than_allowed(tokenizer: Any) -> None:
    tokens = RowTokens(tokenizer, STYLE)
    samples = [
        tool_turn(f"n{n}", [lines(f"{n}-{i}", 60 + 40 * i) for i in range(n)])
        for n in range(1, 7)
    ]
    samples.append(tool_turn("é", ["é… ünï " * 400, "\n" * 300 + "🏮" * 200]))
    for limit in (600, 900):
        counts = count_rows(tokens, samples)
        over = [at for at, count in enumerate(counts) if count > limit]
        rows = shorten(
            tokens, [samples[at] for at in over], [counts[at] for at in over], limit
        )
        kept = [row for row in rows if row is not None]
        assert kept
        assert all(trained(tokenizer, row) <= limit for row in kept)
        assert all("tokens cut]" in "".join(read_only(row)) for row in kept)


def test_what_the_template_refuses_is_a_plain_error(tokenizer: Any) -> None:
    class Refusing:
        is_fast = True

        def apply_chat_template(self, *args: Any, **options: Any) -> str:
            from jinja2 import TemplateError

            raise TemplateError("System role not supported")

    tokens = RowTokens(Refusing(), STYLE)  # type: ignore[arg-type]
    sample = TrainingSample(instruction="q", output="a")
    with pytest.raises(UnusableRow, match="System role not supported"):
        tokens.pieces(sample)
