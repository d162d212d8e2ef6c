"""The scorer: weights over what applies, a reason for what does not,
garbage below good answers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages import QualityScorer, ScoringConfig, ScoringWeights
from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.config import SIGNALS
from afs_stages.scoring.context import Context
from afs_stages.scoring.entities import Known
from afs_stages.scoring.information import InformationRange, finished, read
from afs_stages.scoring.scorer import overall

CODE = (
    "Keeper_Main:\n  PHX\n  LDA.w SprTimer,X : BNE .wait\n  JSL Keeper_Draw\n.wait\n"
    "  PLX\n  RTS"
)
PROSE = (
    "`Keeper_Main` saves X, looks at the timer of the sprite in `SprTimer` and, "
    "once it has run out, draws the keeper with `Keeper_Draw`. Until then it only "
    "waits, so the keeper blinks while his timer counts down to zero."
)
CONTEXT = Context(
    Known(frozenset({"SprTimer", "Keeper_Draw", "Keeper_Main"}), frozenset()), {}
)


def sample(output: str = PROSE, code: str = CODE, **keys: object) -> TrainingSample:
    data = {
        "instruction": "Explain Keeper_Main.",
        "input": f"```asm\n{code}\n```" if code else "",
        "output": output,
    }
    return TrainingSample.from_dict({**data, **keys})


def scorer(
    profile: str = "generic", context: Context | None = CONTEXT, **keys: object
) -> QualityScorer:
    return QualityScorer(replace(ScoringConfig.from_profile(profile), **keys), context)


def test_overall_is_the_weighted_mean_of_what_applies() -> None:
    weights = ScoringWeights(electra=0.2, asar=0.2, static=0.2, entity=0.2, length=0.2)
    parts = {"electra": None, "asar": 1.0, "static": None, "entity": 0.5, "length": 0.0}
    assert overall(parts, weights, "asar") == pytest.approx(0.5)
    assert overall(dict.fromkeys(SIGNALS), weights, "asar") == 0.0
    assert overall(parts, weights, "table") < overall(parts, weights, "asar")


@pytest.mark.parametrize(
    ("made", "signal", "reason", "keys"),
    [
        (sample(), "electra", "no_model", {}),
        (sample(), "electra", "off", {"use_electra": False}),
        (sample(), "asar", "off", {"assembler": "off"}),
        (sample(code=""), "asar", "no_assembly", {}),
        (sample(code=""), "static", "no_assembly", {}),
        (sample(code=""), "electra", "no_assembly", {}),
        (
            sample("It waits for a while and then it goes on.", ""),
            "entity",
            "no_entities",
            {},
        ),
        (sample("$22 " * 120, ""), "entity", "repetitive", {}),
        (sample("$22 " * 120), "asar", "repetitive", {}),
    ],
)
def test_what_does_not_apply_is_null_with_its_reason(
    made, signal, reason, keys
) -> None:  # type: ignore[no-untyped-def]
    score = scorer(**keys).score(made)
    assert score.components[signal] is None
    assert score.reasons[signal] == reason


def test_no_symbols_known_is_null_not_zero() -> None:
    score = scorer(context=Context()).score(sample())
    assert (score.entity_coverage, score.reasons["entity"]) == (
        None,
        "no_symbols_known",
    )


def test_good_code_and_prose_score_high() -> None:
    score = scorer("asm").score(sample())
    assert score.overall > 0.9, score
    assert score.asar_valid


@pytest.mark.parametrize(
    "bad",
    [
        sample("$22 " * 120, ""),
        sample("lol " * 200, ""),
        sample("", ""),
        sample("Yes.", ""),
        sample(
            "I'd be happy to help! As an AI language model I cannot access this. "
            "Let me know if you need more.",
            "",
        ),
        sample(code=CODE.replace("LDA.w", "LDQ.w")),
        sample(code=CODE.replace("  PLX\n", "")),
        sample(code=CODE.replace(".wait\n", ".later\n", 1)),
        sample(PROSE[:101], ""),
        sample(
            "Dieser Code liest den Zähler des Gegners und zeichnet danach den Wächter "
            "auf den Bildschirm, wenn er abgelaufen ist, sonst wartet er "
            "noch ein wenig.",
            "",
        ),
    ],
)
def test_garbage_scores_below_good(bad: TrainingSample) -> None:
    judge = scorer()
    good = judge.score(sample() if bad.input else sample(code="")).overall
    assert judge.score(bad).overall < good - 0.1


LIST = "`Keeper_Main` does this:\n- It saves X.\n- It reads `SprTimer`.\n"
NUMBERED = "Do it so:\n1. Read the timer of the sprite\n2. Draw the keeper\n"


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (LIST + "- It draws.", True),
        (LIST + "- It draws", False),
        (LIST + "- It draws `SprTimer`", False),
        (LIST + "- It", False),
        (LIST + "-", False),
        (LIST + "- It draws (once)", True),
        (LIST + "\nData:", False),
        (NUMBERED + "3. Leave the routine by the way it came", True),
        (NUMBERED + "3. Leave (RTL)", True),
        ("It waits.\nIt draws.\nThen", False),
        ("It waits.\n\nRed, green", True),
        ("a = 1\nTide =", False),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", True),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |", False),
        ("It says:\n```asm\nRTS\n```", True),
        ("It says:\n```asm\nRTS", False),
        ("It waits.\n\n---", True),
    ],
)
def test_an_answer_that_breaks_off_is_told(answer: str, whole: bool) -> None:
    assert (finished(answer) == 1.0) == whole


def test_a_long_routine_asks_for_more_than_a_sentence() -> None:
    code = "\n".join(f"  LDA.w Table_{n},X : STA.w Place_{n},Y" for n in range(30))
    short, shape = (
        "It copies the rows of one table to the places that the other table names.",
        InformationRange(20, 60, 6000),
    )
    assert read("What does it do?", short, shape).faults == ()
    assert read("What does it do?", short, shape, code).faults == ("short",)


def test_names_and_values_line_by_line_are_in_no_language() -> None:
    listing = (
        "0x18 (Named Locations):\n- Name: Toadstool Woods\n- Size: Small\n"
        "- Features: Mushroom House, Log Cave"
    )
    german = (
        "Diese Routine liest zuerst den Zähler des Wächters aus und zeichnet ihn "
        "danach auf den Bildschirm."
    )
    shape = InformationRange(20, 60, 6000)
    assert "language" not in read("What is listed for 0x18?", listing, shape).faults
    assert "language" in read("What does the routine do?", german, shape).faults
    assert (
        "language"
        in read(
            "What does the routine do?", "\n".join([f"- {german}"] * 2), shape
        ).faults
    )


def test_prose_is_not_judged_as_assembly() -> None:
    score = scorer("asm").score(sample(code=""))
    assert score.asar_valid is None
    assert score.overall > 0.9


def test_a_batch_scores_as_one_by_one() -> None:
    rows = [
        sample(),
        sample(code=""),
        sample("", ""),
        sample(code=CODE.replace("PHX", "PHQ")),
    ]
    judge = scorer()
    assert judge.score_batch(rows) == [judge.score(row) for row in rows]


def test_five_megabytes_are_counted_not_choked_on() -> None:
    score = scorer().score(sample("The keeper waits for the tide. " * 170_000, ""))
    assert 0 <= score.overall < 0.3
    assert "long" in score.faults


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_scores_in_range(question: str, answer: str) -> None:
    score = scorer().score(TrainingSample(instruction=question, output=answer))
    assert 0.0 <= score.overall <= 1.0


def test_profiles_and_weights_refuse_nonsense() -> None:
    with pytest.raises(UserError, match="no score profile 'asn'"):
        ScoringConfig.from_profile("asn")
    with pytest.raises(UserError, match="no signal"):
        ScoringWeights.from_dict({"electr": 1.0})
    with pytest.raises(UserError, match="not all 0"):
        ScoringWeights(0, 0, 0, 0, 0)
    assert sum(ScoringWeights().normalize().to_dict().values()) == pytest.approx(1)


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no discriminator here"):
        scorer(electra_model_path=tmp_path / "none")
