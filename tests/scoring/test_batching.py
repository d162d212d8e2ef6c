"""Judging in batches: the same scores as one by one, whatever stands beside, and
torch's threads left as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core.params.data import Discriminator
from afs_stages.scoring.discriminator import inference, network
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.electra import ElectraModel
from afs_stages.scoring.discriminator.inference import judge
from afs_stages.scoring.discriminator.pairs import make_pairs, real_blocks
from afs_stages.scoring.discriminator.tokens import tokenise

HACK = Path(__file__).parents[2] / "data/sample/hack"
BLOCKS = real_blocks(folder_samples(HACK))
SIZE = Discriminator(
    kind="electra", hidden_size=32, layers=2, pretrain_epochs=1, epochs=2, folds=2
)


@pytest.fixture(scope="module")
def trained() -> ElectraModel:
    import torch

    torch.set_num_threads(1)
    return ElectraModel.fit(list(make_pairs(BLOCKS[:24], 7)), SIZE, 7)


@pytest.fixture(scope="module")
def rows(trained: ElectraModel) -> list[list[int]]:
    units = [
        tokenise(pair.code)[: network.MAX_UNITS]
        for pair in make_pairs(BLOCKS[40:60], 7)
    ]
    return [[network.CLS, *trained.vocabulary.encode(one)] for one in units]


@pytest.fixture(scope="module")
def alone(trained: ElectraModel, rows: list[list[int]]) -> list[float]:
    """What the model's own forward pass says of each row by itself."""
    import torch

    trained.net.eval()
    with torch.no_grad():
        return [trained.net(*network.pad([row]))[1].item() for row in rows]


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def ranks(values: list[float]) -> list[int]:
    return sorted(range(len(values)), key=lambda i: (round(values[i], 4), i))


@pytest.mark.parametrize("budget", [1, 300, 1024, 10**6])
def test_batches_score_as_one_by_one_does(
    trained: ElectraModel,
    rows: list[list[int]],
    alone: list[float],
    threads: int,
    budget: int,
) -> None:
    import torch

    assert max(alone) - min(alone) > 0.1, (
        "a model that has learned nothing would show nothing"
    )
    found = judge(trained.net, rows, budget)
    assert found == pytest.approx(alone, abs=1e-4)
    assert ranks(found) == ranks(alone)
    assert found == judge(trained.net, rows, budget), (
        "the same batches give the same scores"
    )
    assert torch.get_num_threads() == threads


@given(st.data())
@settings(deadline=None, max_examples=20)
def test_a_score_does_not_depend_on_its_neighbours(
    trained: ElectraModel,
    rows: list[list[int]],
    alone: list[float],
    data: st.DataObject,
) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=24))
    budget = data.draw(st.integers(1, 4000))
    assert judge(trained.net, [rows[i] for i in chosen], budget) == pytest.approx(
        [alone[i] for i in chosen], abs=1e-4
    )


def test_bf16_stays_near_and_leaves_the_model_as_it_was(
    trained: ElectraModel, rows: list[list[int]], alone: list[float]
) -> None:
    rounded = judge(trained.net, rows, 1024, "bf16")
    assert rounded == pytest.approx(alone, abs=0.1)
    assert rounded != pytest.approx(alone, abs=1e-7)
    assert judge(trained.net, rows, 1024) == pytest.approx(alone, abs=1e-4)


@given(st.data())
@settings(deadline=None, max_examples=20)
def test_in_bf16_a_score_does_not_depend_on_its_neighbours_either(
    trained: ElectraModel, rows: list[list[int]], data: st.DataObject
) -> None:
    alone = [judge(trained.net, [row], 1, "bf16")[0] for row in rows]
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=24))
    found = judge(
        trained.net, [rows[i] for i in chosen], data.draw(st.integers(1, 4000)), "bf16"
    )
    assert found == pytest.approx([alone[i] for i in chosen], abs=1e-4)
    assert ranks(found) == ranks([alone[i] for i in chosen])


@pytest.mark.parametrize(("dtype", "near"), [("fp32", 1e-4), ("bf16", 0.1)])
def test_a_processor_without_the_fused_steps_judges_alike(
    trained: ElectraModel,
    rows: list[list[int]],
    alone: list[float],
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    near: float,
) -> None:
    """oneDNN reads bf16 on some processors only; what is asked before it is used is
    made to say no here.
    """
    monkeypatch.setattr(inference, "_onednn", lambda _: False)
    assert judge(trained.net, rows, 1024, dtype) == pytest.approx(alone, abs=near)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_the_longest_row_a_model_reads_is_judged(
    trained: ElectraModel, dtype: str
) -> None:
    row = [network.CLS, *[5] * network.MAX_UNITS]
    short = [network.CLS, 5, 7]
    assert judge(trained.net, [row, short], 1024, dtype)[1] == pytest.approx(
        judge(trained.net, [short], 1, dtype)[0]
    )


def test_threads_are_restored_after_an_error(
    trained: ElectraModel, rows: list[list[int]], threads: int
) -> None:
    import torch

    beyond: list[Any] = [*rows, [len(trained.vocabulary.tokens) + 5]]
    with pytest.raises(IndexError):
        judge(trained.net, beyond, 64)
    assert torch.get_num_threads() == threads


def test_callers_of_several_threads_take_turns(
    trained: ElectraModel, rows: list[list[int]], alone: list[float], threads: int
) -> None:
    import torch

    with ThreadPoolExecutor(3) as callers:
        found = list(callers.map(lambda _: judge(trained.net, rows, 300), range(6)))
    assert found == [found[0]] * 6
    assert found[0] == pytest.approx(alone, abs=1e-4)
    assert torch.get_num_threads() == threads


def test_a_checkpoint_of_another_make_and_nothing_to_judge(tmp_path: Path) -> None:
    import torch
    from transformers import ElectraConfig
    from transformers import ElectraModel as Encoder

    torch.manual_seed(0)
    config = ElectraConfig(
        vocab_size=50,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_act="relu",
    )
    Encoder(config).save_pretrained(tmp_path)
    net = network.build(50, 0, 0, str(tmp_path)).eval()
    rows = [[1, 5, 9], [1, 7, 7, 30, 12], [1]]
    with torch.no_grad():
        alone = [net(*network.pad([row]))[1].item() for row in rows]
    assert judge(net, rows, 512) == pytest.approx(alone, abs=1e-5)
    assert judge(net, [], 512) == []
