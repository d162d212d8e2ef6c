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
from afs_stages.scoring.answer import breaks_off
from afs_stages.scoring.config import PROFILES, VETOES
from afs_stages.scoring.context import Context
from afs_stages.scoring.entities import Known
from afs_stages.scoring.evidence import chance
from afs_stages.scoring.scorer import PRIOR, RowReading

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


def test_a_row_nothing_is_known_of_lies_at_the_prior() -> None:
    unknown = scorer(context=Context()).judge([sample()], [RowReading()])[0]
    assert unknown.overall == pytest.approx(chance(PRIOR), abs=1e-6)
    assert set(unknown.evidence.values()) == {None}


def test_weights_multiply_the_evidence() -> None:
    bad = sample(code=CODE.replace("  PLX\n", "  PHX : CLC : SEC : PHA : PLA\n"))
    plain, heavy = scorer(), scorer()
    weights = ScoringWeights(static=0.8)
    heavy.config = replace(
        heavy.config, profile=replace(PROFILES["generic"], weights=weights)
    )
    assert plain.score(bad).evidence["static"] < 0
    assert heavy.score(bad).overall < plain.score(bad).overall
    assert weights.factor("static") == pytest.approx(0.8 * 5 / 1.6)


@pytest.mark.parametrize(
    ("made", "signal", "reason", "keys"),
    [
        (sample(), "discriminator", "no_model", {}),
        (sample(), "discriminator", "off", {"use_electra": False}),
        (sample(), "assembler", "off", {"assembler": "off"}),
        (sample(code=""), "assembler", "no_assembly", {}),
        (sample(code=""), "static", "no_assembly", {}),
        (sample(code=""), "discriminator", "no_assembly", {}),
        (
            sample("It waits for a while and then it goes on.", ""),
            "names",
            "no_names",
            {},
        ),
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
    assert (score.entity_coverage, score.reasons["names"]) == (
        None,
        "no_symbols_known",
    )


def test_good_code_and_prose_score_high() -> None:
    score = scorer("asm").score(sample())
    assert score.overall > 0.8, score
    assert score.asar_valid
    assert score.judges == {"discriminator": "", "assembler": "table"}


GERMAN = (
    "Dieser Code liest den Zähler des Gegners und zeichnet danach den Wächter auf den "
    "Bildschirm, wenn er abgelaufen ist, sonst wartet er noch ein wenig."
)
JAPANESE = "このコードは敵のカウンタを読み、終わったら番人を描きます。"


@pytest.mark.parametrize(
    ("veto", "bad"),
    [
        ("repetitive", sample("$22 " * 120, "")),
        ("repetitive", sample("lol " * 200, "")),
        ("repetitive", sample(f"{PROSE} {PROSE}", "")),
        ("empty", sample("", "")),
        ("empty", sample(" ...", "")),
        (
            "refusal",
            sample("I'm sorry, but I cannot explain `Keeper_Main`.", ""),
        ),
        (
            "refusal",
            sample("I don't have access to it. Could you share it?", ""),
        ),
        ("code", sample("```asm\n" + CODE.replace("LDA.w", "LDQ.w") + "\n```")),
        ("code", sample("```text\n" + CODE.replace("PHX", "PHX #$12") + "\n```")),
        ("unfinished", sample(PROSE[:101], "")),
        ("unfinished", sample("```asm\n" + CODE)),
        ("language", sample(GERMAN, "")),
        ("language", sample(JAPANESE, "")),
        (
            "language",
            sample(
                "La variable está definida para el guardián y se lee siempre después.",
                "",
            ),
        ),
        ("residue", sample("The keeper&nbsp;draws.<br>It waits.", "")),
        ("residue", sample("The keeperâ€™s timer runs out.", "")),
        ("residue", sample("The timer \ufffd runs out.", "")),
        ("residue", sample("It waits.<|im_end|>", "")),
        ("residue", sample("It waits.\n\nUser: And then?", "")),
        ("residue", sample("The keeper is at {address}.", "")),
        ("code", sample("```asm\nMain:PHX LDA.w SprTimer,XJSL Draw\n```")),
        ("code", sample("```asm\n  LDA.b $12 : STA #!timer\n  RTS\n```")),
    ],
)
def test_a_certain_fault_is_a_veto_that_can_be_turned_off(
    veto: str, bad: TrainingSample
) -> None:
    score = scorer().score(bad)
    assert (score.overall, veto in score.vetoes) == (0.0, True), score
    others = tuple(name for name in VETOES if name != veto)
    assert veto not in scorer(vetoes=others).score(bad).vetoes


@pytest.mark.parametrize(
    "good",
    [
        "I cannot send mail. For the download set the token in the environment, as "
        "`TOKEN=... ./fetch.sh`, rather than in a prompt, and replace this one.",
        "Yes.",
        "Il naïve café: £5 – “quoted”, Übergröße and 日本 are letters.",
        "Write `<br>`, `{name}` or `<|im_end|>` there.",
        "Subtract with `SEC : SBC`, and compare with `CMP : BMI`.",
        "Good names:\n```asm\n; so\nSprite_Booki_Main\nMenu_InitGraphics\n```",
        "- Name: Toadstool Woods\n- Size: Small\n- Features: Mushroom House, Log Cave",
        "```asm\n  LDA.b $12\n  BNE .elsewhere\n  STA.b $13\n```",
    ],
)
def test_what_only_looks_like_a_fault_is_none(good: str) -> None:
    assert scorer().score(sample(good, "")).vetoes == ()


def test_code_a_person_asks_about_is_no_veto_and_given_code_is() -> None:
    bad = CODE.replace("LDA.w", "LDQ.w")
    asked = sample(code="", instruction=f"Why is this refused?\n```asm\n{bad}\n```")
    assert scorer().score(asked).vetoes == ()
    assert scorer().score(sample(code=bad)).vetoes == ("code",)


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
    assert breaks_off(answer) != whole


def test_prose_is_not_judged_as_assembly() -> None:
    score = scorer("asm").score(sample(code=""))
    assert score.asar_valid is None
    assert score.overall > 0.8


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
    assert "repetitive" in score.vetoes


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
