"""General skills: the frozen set, its scores, and the gate on their interval."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

from afs_stages.core.params.model import Evaluate, General
from afs_stages.evaluation import gates
from afs_stages.evaluation.general import (
    SkillTest,
    chosen_items,
    encode_item,
    likelihoods,
    skill_items,
)
from afs_stages.evaluation.general_gate import doubted_skills, lost_skills


def refusals(*judged: Any) -> list[str]:
    return gates.judge(*judged)[0]


ITEMS = skill_items()


def test_the_set_has_what_it_promises() -> None:
    skills = Counter(item.skill for item in ITEMS)
    assert len(ITEMS) >= 240
    assert len(skills) == 8
    assert min(skills.values()) >= 30
    languages = Counter(item.language for item in ITEMS)
    assert set(languages) == {"en", "de", "es"}
    assert languages["de"] >= 8
    assert languages["es"] >= 8
    assert len({item.prompt for item in ITEMS}) == len(ITEMS)
    for item in ITEMS:
        assert len(set(item.answers)) == 3, item.prompt
        assert all(answer == answer.strip() != "" for answer in item.answers)


def test_length_does_not_tell_the_right_answer() -> None:
    sizes = [[len(answer.encode()) for answer in item.answers] for item in ITEMS]
    longest = sum(own > max(others) for own, *others in sizes)
    shortest = sum(own < min(others) for own, *others in sizes)
    assert longest < len(ITEMS) / 4
    assert shortest < len(ITEMS) / 4
    own = sum(size[0] for size in sizes)
    others = sum(sum(size[1:]) / 2 for size in sizes)
    assert own == pytest.approx(others, rel=0.1)


def sums() -> dict[str, tuple[str, ...]]:
    return {item.prompt: item.answers for item in ITEMS if item.skill == "arithmetic"}


@pytest.mark.parametrize("sign", ["+", "-"])
def test_sums_written_as_such_are_right_and_the_others_wrong(sign: str) -> None:
    import re

    met = 0
    for answers in sums().values():
        found = [re.fullmatch(r"(\d+) ([-+]) (\d+) = (\d+)", one) for one in answers]
        if found[0] is None or found[0][2] != sign:
            continue
        met += 1
        truths = []
        for one in found:
            assert one is not None
            left, right = int(one[1]), int(one[3])
            truths.append(
                (left + right if sign == "+" else left - right) == int(one[4])
            )
        assert truths == [True, False, False]
    assert met >= 3


def test_python_answers_are_what_python_writes() -> None:
    import contextlib
    import io
    import re

    met = 0
    for item in ITEMS:
        code = re.fullmatch(r"What does (print\(.*\)) write in Python\?", item.prompt)
        if code is None:
            continue
        met += 1
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code[1])
        assert item.right == f"It writes {out.getvalue().strip()}"
    assert met >= 10


def tiny(kind: str, tokenizer: Any) -> Any:
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=1024,
    )
    torch.manual_seed(1)
    name = f"{kind.removesuffix('Text')}ForCausalLM"
    model = getattr(transformers, name)(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0.0, 0.3)
    return model.eval()


@pytest.mark.parametrize("kind", ["Llama", "Qwen2", "Qwen3", "Gemma3Text"])
def test_answers_side_by_side_score_as_each_alone(tokenizer: Any, kind: str) -> None:
    model = tiny(kind, tokenizer)
    branches = [encode_item(tokenizer, item) for item in chosen_items(1)]
    found = likelihoods(model, branches)
    for one, scores in zip(branches, found, strict=True):
        for answer, size, score in zip(one.answers, one.sizes, scores, strict=True):
            ids = torch.tensor([one.prompt + answer])
            with torch.inference_mode():
                chances = model(input_ids=ids).logits[0].log_softmax(-1)
            own = chances[len(one.prompt) - 1 : -1]
            told = own.gather(1, ids[0, len(one.prompt) :, None]).sum()
            assert score == pytest.approx(float(told) / size, abs=1e-4)


def test_the_same_model_scores_the_same_twice(tokenizer: Any, base: Any) -> None:
    from afs_stages.training.base_model import load_model

    model = load_model(base).eval()
    tests = [SkillTest(tokenizer, 4) for _ in range(2)]
    for one in tests:
        one.measure(model, "base")
        one.right["v1"] = one.right["base"]
    assert tests[0].right == tests[1].right
    found = tests[0].results(["v1"], 200, 1)
    assert found == tests[1].results(["v1"], 200, 1)
    assert found is not None
    assert found["items"] == {"all": 32, **dict.fromkeys(set(skills()), 4)}
    assert found["change"]["v1"]["all"] == {"estimate": 0, "low": 0, "high": 0}
    assert SkillTest(tokenizer, 0).results(["v1"], 200, 1) is None


def skills() -> list[str]:
    return [item.skill for item in ITEMS]


def measured(tokenizer: Any, lost: dict[str, int]) -> dict[str, Any]:
    """What is found where the base has all items right, and v1 lost the first so many
    of each skill.
    """
    test = SkillTest(tokenizer, 32)
    left = dict(lost)
    test.right["base"] = [True] * len(test.items)
    test.right["v1"] = []
    for item in test.items:
        left[item.skill] = left.get(item.skill, 0) - 1
        test.right["v1"].append(left[item.skill] < 0)
    found = test.results(["v1"], 500, 1)
    assert found is not None
    return found


def test_a_lost_skill_is_refused_by_name_and_a_small_loss_is_not(
    tokenizer: Any,
) -> None:
    params = General(max_regression=0.1)
    found = measured(tokenizer, {"python": 20})
    (reason,) = lost_skills(found, "v1", params)
    assert "more than 10 points of general skills against the base: python\n" in reason
    assert lost_skills(found, "v1", General(max_regression=None)) == []
    small = measured(tokenizer, {"python": 2, "c": 2})
    assert lost_skills(small, "v1", params) == []
    assert doubted_skills(small, "v1", params) == []


def test_what_the_items_cannot_resolve_is_said(tokenizer: Any) -> None:
    found = measured(tokenizer, {"c": 2, "python": 2})
    params = General(max_regression=0.01)
    assert lost_skills(found, "v1", params) == []
    (doubt,) = doubted_skills(found, "v1", params)
    assert "cannot tell whether v1 lost 1 points" in doubt
    assert f"{len(ITEMS)} items tell differences of" in doubt


def test_the_gate_of_evaluate_looks_at_general_skills(tokenizer: Any) -> None:
    gain = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    found = {"gain_over_base": gain, "test_rows": {"v1": 40}, "domains": {}}
    whole = {**found, "general": measured(tokenizer, {"python": 31, "c": 31})}
    (reason,) = refusals(whole, ["v1"], Evaluate())
    assert "of general skills against the base: all, python, c" in reason
    assert refusals({**found, "general": None}, ["v1"], Evaluate()) == []
    assert refusals(found, ["v1"], Evaluate()) == [], "an older report"
