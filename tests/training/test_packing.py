"""Samples laid end to end score exactly as each would alone,
and as transformers itself computes it.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core.params.model import Train
from afs_stages.training.batches import (
    halves,
    learning_rate,
    longest_first,
    make_plan,
)
from afs_stages.training.encode import IGNORE, Encoded


@pytest.fixture(scope="module")
def model(base: Any) -> Any:
    from afs_stages.training import attention
    from afs_stages.training.base_model import load_model

    model = load_model(base)
    assert attention.install(model)
    return model.eval()


def sample(ids: list[int]) -> Encoded:
    return Encoded(ids, [IGNORE, *ids[1:]])


samples = st.lists(
    st.lists(st.integers(0, 399), min_size=2, max_size=40).map(sample),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=25)
@given(items=samples)
def test_no_sample_sees_another(model: Any, items: list[Encoded]) -> None:
    import torch

    from afs_stages.training.token_losses import token_losses

    with torch.inference_mode():
        together = token_losses(model, items)
        alone = torch.cat([token_losses(model, [item]) for item in items])
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=1e-5)


def test_the_loss_is_that_of_transformers(base: Any, model: Any) -> None:
    import torch

    from afs_stages.training.base_model import load_model
    from afs_stages.training.token_losses import token_losses

    item = Encoded([5, 9, 30, 77, 12, 40], [IGNORE, IGNORE, IGNORE, 77, 12, 40])
    plain = load_model(base, attn_implementation="eager").eval()
    with torch.inference_mode():
        ours = token_losses(model, [item]).mean()
        theirs = plain(
            input_ids=torch.tensor([item.ids]), labels=torch.tensor([item.labels])
        ).loss
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_a_sliding_window_is_respected_inside_a_segment() -> None:
    import torch

    from afs_stages.training.attention import segment_attention

    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, 12, 8) for _ in range(3))
    borders = torch.tensor([0, 4, 12], dtype=torch.int32)
    out, _ = segment_attention(
        None, query, key, value, cu_seq_lens_q=borders, sliding_window=3
    )
    changed = value.clone()
    changed[:, :, 4] += 100  # the first token of the second segment
    moved, _ = segment_attention(
        None, query, key, changed, cu_seq_lens_q=borders, sliding_window=3
    )
    differs = (out - moved).abs().amax(dim=(0, 2, 3)) > 1e-6
    assert differs.tolist() == [False] * 4 + [True] * 3 + [False] * 5


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=60),
    st.sampled_from([0.5, 1, 2, 2.5]),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
)
def test_an_epoch_has_every_sample_once(
    lengths: list[int], epochs: float, batch: int, accumulation: int, packing: bool
) -> None:
    plan = make_plan(
        lengths,
        epochs=epochs,
        batch_size=batch,
        accumulation=accumulation,
        max_length=100,
        packing=packing,
        seed=1,
    )
    seen = [index for step in plan.steps for micro in step for index in micro]
    first = seen[: len(lengths)]
    assert len(first) == len(set(first))
    if epochs >= 1:
        assert sorted(first) == list(range(len(lengths)))
    assert all(len(step) == accumulation for step in plan.steps[:-1])
    for step in plan.steps:
        for micro in step:
            assert (
                len(micro) == 1
                or not packing
                or sum(lengths[i] for i in micro) <= batch * 100
            )
            assert [i for part in halves(micro, 4) for i in part] == micro
    sorted_out = [lengths[i] for part in longest_first(lengths, 120) for i in part]
    assert sorted_out == sorted(lengths, reverse=True)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_the_rate_warms_up_to_its_peak_and_never_leaves_its_range(
    schedule: str,
) -> None:
    settings = Train(learning_rate=0.01, schedule=schedule, warmup_ratio=0.1)
    rates = [learning_rate(step, 100, settings) for step in range(100)]
    assert max(rates) == pytest.approx(0.01)
    assert rates[0] == pytest.approx(0.001)
    assert all(0 <= rate <= 0.01 + 1e-12 for rate in rates)
