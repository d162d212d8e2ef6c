"""Questions about branches, bugs, changes, reasons, variables across files, and what
nobody has written: each answer holds on every path, or the question is not asked.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from afs_stages.asm.opcode_table import assemble
from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.asar.assembler import AsarAssembler

HACK = Path(__file__).parents[2] / "data" / "sample" / "hack"
REAL = os.environ.get("ASAR", "")


def generate(root: Path) -> list[TrainingSample]:
    return list(OracleTrainingGenerator(oracle_path=root).generate())


def of_kind(samples: list[TrainingSample], kind: str) -> list[TrainingSample]:
    return [s for s in samples if s.provenance["kind"] == kind]


def told(folder: Path, kind: str, **files: str) -> list[TrainingSample]:
    """The samples of one kind of a codebase of these files."""
    for name, text in files.items():
        (folder / f"{name}.asm").write_text(text)
    return of_kind(generate(folder), kind)


def code_of(text: str) -> str:
    """The code in the last fence of a text."""
    return re.findall(r"```asm\n(.*?)\n```", text, re.S)[-1]


@pytest.fixture(scope="module")
def samples() -> list[TrainingSample]:
    return generate(HACK)


BRANCH = """\
Lamp_Burn:
  LDA.w Oil
  BEQ .out
  DEC.w Oil
  JSR Lamp_Glow
  STA.w Glow
.out
  JSR Lamp_Draw
  RTS
"""
RAM = "Oil = $7E0D90\nGlow = $7E0D91\n"


def test_a_branch_that_only_some_paths_meet_is_not_asked_about(tmp_path):
    early = BRANCH.replace(":\n", ":\n  LDA.w Rain\n  BNE .wet\n", 1)
    early += ".wet\n  RTS\n"
    questions = told(tmp_path, "asm_what_if", lamp=early, ram=RAM + "Rain = $7E0D92\n")
    assert not [s for s in questions if "`BEQ .out`" in s.output]


def test_a_value_that_is_counted_right_before_is_not_asked_about(tmp_path):
    ram = RAM + "Rain = $7E0D92\n"
    asked = BRANCH.replace("LDA.w Oil", "LDA.w Rain")
    assert told(tmp_path, "asm_what_if", lamp=asked, ram=ram)
    counted = BRANCH.replace("LDA.w Oil", "DEC.w Rain")
    assert told(tmp_path, "asm_what_if", lamp=counted, ram=ram) == []


def test_what_a_branch_leaves_out(tmp_path):
    (sample,) = told(tmp_path, "asm_what_if", lamp=BRANCH, ram=RAM)
    assert sample.output == (
        "`BEQ .out` (`lamp.asm`, line 3) is taken if `Oil` is zero and "
        "leads to `.out`. That skips the write to `Oil`, the call of `Lamp_Glow` and "
        "the write to `Glow`."
    )


@pytest.mark.parametrize("place", ["Glow", "$0D91", "$7E0D90+1"])
def test_a_branch_past_what_is_done_elsewhere_too_is_no_question(tmp_path, place):
    code = BRANCH.replace("  LDA.w Oil\n", f"  STZ {place}\n  LDA.w Oil\n")
    assert told(tmp_path, "asm_what_if", lamp=code, ram=RAM) == []


def test_a_loop_leaves_nothing_out(tmp_path):
    loop = "Lamp_All:\n-\n  STZ.w Glow,X\n  DEX\n  LDA.w Oil\n  BNE -\n  RTS\n"
    assert told(tmp_path, "asm_what_if", lamp=loop, ram=RAM) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # the way goes on in other code
        (".out\n  JSR Lamp_Draw\n  RTS\n", ".out\n  BRA Lamp_Draw\n"),
        # another test of the same value comes first
        ("  BEQ .out\n", "  BMI .out\n  CMP.b #$10\n  BNE .out\n"),
        ("  LDA.w Oil\n", "  LDA.w Oil\n  BMI .out\n  LDA.w Oil\n"),
        ("  LDA.w Oil\n", "  LDA.w $0D90\n  BMI .out\n  LDA.w Oil\n"),
    ],
)
def test_a_branch_that_would_be_told_wrong_is_left_out(tmp_path, old, new):
    code = BRANCH.replace(old, new)
    left = told(tmp_path, "asm_what_if", lamp=code, ram=RAM)
    assert not [s for s in left if "BMI" not in s.output]


def test_a_define_in_an_instruction_s_place_may_lead_anywhere(tmp_path):
    code = BRANCH.replace("  JSR Lamp_Glow\n", "  !BLT .out\n")
    assert told(tmp_path, "asm_what_if", lamp=code, ram=RAM) == []


def test_what_has_run_before_is_skipped_by_no_branch(tmp_path):
    code = (
        "Lamp_All:\n-\n  STZ.w Glow\n  LDA.w Oil\n  BNE .out\n  DEX\n  BPL -\n"
        ".out\n  RTS\n"
    )
    assert told(tmp_path, "asm_what_if", lamp=code, ram=RAM) == []


def test_a_bug_is_one_instruction_and_its_fix_the_codebase_s(samples):
    bugs = of_kind(samples, "asm_bug")
    assert len(bugs) > 10
    for sample in bugs:
        wrong, right = code_of(sample.input), code_of(sample.output)
        assert assemble(wrong).state != "error"
        before, after = wrong.split("\n"), right.split("\n")
        if len(before) == len(after):
            assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
        else:
            assert len(after) == len(before) + 1
            assert "is missing" in sample.output
        source = (HACK / sample.provenance["file"]).read_text().expandtabs(4)
        first, last = sample.provenance["lines"]
        rows = [line.strip() for line in source.split("\n")[first - 1 : last]]
        assert [line.strip() for line in after] == rows


def test_a_return_is_wrong_only_where_every_call_is_of_one_kind(tmp_path):
    lamp = "Lamp_Out:\n  STZ.w $0D90\n  STZ.w $0D91\n  STZ.w $0D92\n  RTS\n"
    # the jump forbids the change to RTL, beside which a bug is told now and then only
    day = "Day:\n  NOP\n  JSR Lamp_Out\n  RTL\n\nDusk:\n  NOP\n  JMP Lamp_Out\n"
    (sample,) = told(tmp_path, "asm_bug", lamp=lamp, day=day)
    assert "`RTL` has to be `RTS`." in sample.output
    night = "Night:\n  NOP\n  JSL Lamp_Out\n  RTL\n"
    assert told(tmp_path, "asm_bug", lamp=lamp, day=day, night=night) == []


def test_a_lost_pull_is_told_by_what_stays_on_the_stack(tmp_path):
    code = "Lamp_Out:\n  PHX\n  LDX.w $0D90\n  STX.w $0D91\n  PLX\n  RTL\n"
    (sample,) = told(tmp_path, "asm_bug", lamp=code)
    assert sample.output.startswith(
        "A `PLX` is missing. PHX leaves X on the stack, where RTL looks for "
        "the return address."
    )
    assert "PLX" not in sample.input


def test_another_value_where_nothing_else_takes_it(tmp_path):
    code = "Lamp_Fill:\n  LDA.b #$05\n  STA.w Oil\n  STZ.w Glow\n  LDA $10\n  RTL\n"

    def changed(text):
        return told(tmp_path, "asm_change", lamp=text, ram=RAM)

    (sample,) = changed(code)
    assert "`LDA.b #$05` becomes `LDA.b #$06`" in sample.output
    (sample,) = changed(code.replace("LDA.b", "Lda.B"))
    assert "`Lda.B #$05` becomes `Lda.B #$06`" in sample.output
    for use in ("  JSR Use\n  NOP\n", "  %use()\n", "  LDA #$07\n  STA.w Oil\n"):
        assert changed(code.replace("  LDA $10\n", use)) == []
    between = "  STZ.w Glow\n  STA.w $2115\n"
    between = code.replace("  STA.w Oil\n  STZ.w Glow\n", between)
    assert changed(between) == [], "another store stands between"
    unnamed = code.replace("Oil", "$0D90")
    assert changed(unnamed) == [], "a number may be a part of a pointer"
    assert changed(code.replace("Oil", "$2115")) == [], "a register's bits mean things"


def test_each_change_of_the_hack_assembles_and_differs(samples):
    changes = of_kind(samples, "asm_change")
    assert len(changes) > 5
    for sample in changes:
        new, old = code_of(sample.output), code_of(sample.input)
        assert new != old
        assert assemble(new).state in ("ok", "stubs")


@pytest.mark.skipif(not REAL, reason="needs the assembler named by ASAR")
def test_bugs_and_changes_assemble_by_asar(samples):
    chosen = [*of_kind(samples, "asm_bug"), *of_kind(samples, "asm_change")]
    codes = [code_of(sample.output) for sample in chosen]
    with AsarAssembler(REAL, timeout=5.0) as asar:
        faults = [r for r in asar.assemble(codes) if r.state == "error"]
    assert faults == []


def test_a_reason_is_the_comment_s(tmp_path):
    code = (
        "Lamp_Out:\n  STZ.w $0D90\n"
        "  NOP ; Wait a little so that the flame can die down\n"
        "  STZ.w $0D91 ; The wick of the lamp\n  STZ.w $0D92\n  RTL\n"
    )
    (sample,) = told(tmp_path, "asm_why", lamp=code)
    assert "`NOP`" in sample.instruction or "NOP" in sample.instruction
    assert sample.output == (
        "The comment at that line (`lamp.asm`, line 3) gives the reason: "
        "“Wait a little so that the flame can die down”."
    )
    cut = code.replace("; The wick", "; and the wick")
    assert told(tmp_path, "asm_why", lamp=cut) == []
    bracket = code.replace("; Wait", "; | Wait")
    assert told(tmp_path, "asm_why", lamp=bracket) == []


WRITES = "Lamp_Fill:\n  LDA.b #$05\n  STA.w Oil\n  NOP\n  RTL\n"
READS = "Lamp_Look:\n  LDA.w Oil\n  STA.b $10\n  NOP\n  RTL\n"


def test_a_variable_is_followed_over_files(tmp_path):
    (sample,) = told(tmp_path, "memory_trace", one=WRITES, two=READS, ram=RAM)
    assert "2 instructions in 2 files use it;" in sample.output
    assert "Written:\n- `STA.w Oil` in `Lamp_Fill` (`one.asm`, line 3)" in sample.output
    assert "Read:\n- `LDA.w Oil` in `Lamp_Look` (`two.asm`, line 2)" in sample.output


def test_a_use_by_address_counts_and_an_index_forbids_all(tmp_path):
    by_number = READS.replace("Oil", "$0D90")
    (sample,) = told(tmp_path, "memory_trace", one=WRITES, two=by_number, ram=RAM)
    assert "`LDA.w $0D90` in `Lamp_Look`" in sample.output
    for other in ("Oil,X", "Oil+1", "(Oil)"):
        again = READS.replace("LDA.w Oil", f"LDA.w Oil\n  STA.w {other}")
        assert told(tmp_path, "memory_trace", one=WRITES, two=again, ram=RAM) == []


def test_the_only_writer(tmp_path):
    code = f"{WRITES}\n{READS}"
    (sample,) = told(tmp_path, "memory_writer", one=code, ram=RAM)
    assert sample.output.startswith(
        "`Lamp_Fill`. `Oil` is at $7E0D90. No other code of these sources writes it by "
        "its name or its address; a loop over its neighbours, by an index, may.\n"
        "- `STA.w Oil`"
    )
    patched = f"{code}\norg $008000\n  JSL Lamp_Fill\n  NOP\n"
    (sample,) = told(tmp_path, "memory_writer", one=patched, ram=RAM)
    assert "The original game's code is not among these sources" in sample.output
    assert "Its value is taken by `Lamp_Look`." in sample.output
    second = WRITES.replace("Lamp_Fill", "Lamp_Refill")
    assert told(tmp_path, "memory_writer", one=code + second, ram=RAM) == []


def test_two_writers_are_compared(tmp_path):
    header = "; Puts the lamp out\n"
    other = f"{header}Lamp_Out:\n  STZ.w Oil\n  STZ.w Glow\n  JSR Smoke\n  RTS\n"
    (sample,) = told(tmp_path, "asm_compare", one=WRITES, two=other, ram=RAM)
    assert (
        "write `Oil` ($7E0D90); no other code of these sources writes it by its name."
        in sample.output
    )
    assert "- both write `Oil`" in sample.output
    assert "- only `Lamp_Out` writes `Glow`" in sample.output
    assert "- only `Lamp_Out` calls `Smoke`" in sample.output
    assert "- `Lamp_Fill` returns with RTL, `Lamp_Out` with RTS" in sample.output


def test_who_calls_both(tmp_path):
    flame = "Flame:\n  NOP\n  STZ $10\n  RTS\n\nSmoke:\n  NOP\n  STZ $11\n  RTS\n\n"
    both = "Lamp_Out:\n  JSR Flame\n  JSR Smoke\n  RTS\n\n"
    lone = "Lamp_X:\n  NOP\n  STZ $12\n  RTS\n\n"
    ones = (
        f"{lone}Lamp_A:\n  NOP\n  JSR Flame\n  RTS\n\n"
        f"{lone.replace('_X', '_Y')}Lamp_B:\n  NOP\n  JSR Smoke\n  RTS\n"
    )
    (sample,) = told(tmp_path, "asm_which", lamp=flame + both + ones)
    assert sample.output.startswith("`Lamp_Out` (`lamp.asm`, line 11) calls both")
    macro = "macro puff()\n  JSR Smoke\nendmacro\n"
    assert told(tmp_path, "asm_which", lamp=flame + both + ones, mac=macro) == []
    inner = "  Stairs:\n  {\n    JSR Smoke\n    RTS\n  }\n"
    outer = f"\nTower:\n{{\n  NOP\n  JSR Flame\n{inner}  RTS\n}}\n"
    (tmp_path / "mac.asm").unlink()
    assert told(tmp_path, "asm_which", lamp=flame + both + ones + outer) == []


def test_what_nobody_wrote_is_not_made_up(tmp_path):
    (sample,) = told(tmp_path, "memory_unsaid", one=WRITES, two=READS, ram=RAM)
    assert sample.output.startswith("The sources do not say. `")
    (tmp_path / "lamp.md").write_text("# Lamps\n\nOil is what a lamp burns.\n")
    left = told(tmp_path, "memory_unsaid", one=WRITES, two=READS, ram=RAM)
    assert not [s for s in left if "`Oil`" in s.instruction]


def test_nothing_is_called_a_quotation_that_the_source_has_not(tmp_path):
    ram = "CGADD = $002121\nOil = $7E0D90 ; What the lamp burns\n"
    facts = told(tmp_path, "memory_meaning_fact", ram=ram)
    quoted = [s.instruction for s in facts if "in the source" in s.instruction]
    assert not [q for q in quoted if "palette" in q]


def test_a_variable_that_is_come_to_is_named_as_the_code_has_it(tmp_path):
    by_number = "".join(
        f"Lamp_{n}:\n  LDA.w $0D9{n}\n  STA.b $10\n  NOP\n  RTL\n\n" for n in range(9)
    )
    names = "".join(f"Oil{n} = $7E0D9{n} ; How full lamp {n} is\n" for n in range(9))
    for sample in told(tmp_path, "memory_name", lamp=by_number, ram=names):
        assert not re.search(r"(come to|reads) `Oil", sample.instruction)


def test_a_second_turn_teaches_its_own_answer(samples):
    dialogues = [s for s in samples if s.messages]
    assert len(dialogues) > 3
    for sample in dialogues:
        first, answered, asked, said = sample.messages
        assert [m["role"] for m in (first, asked)] == ["user", "user"]
        assert answered["train"] is False
        assert said["content"] == sample.output
        assert sample.input in asked["content"]


def shape(question: str) -> str:
    """A question with names, addresses and numbers replaced by placeholders."""
    line = question.split("\n")[0]
    for pattern, mark in (
        (r"`[^`]*`", "N"),
        (r"“[^”]*”", "Q"),
        (r"\$[0-9A-Fa-f:]+", "A"),
        (r"\d+", "#"),
    ):
        line = re.sub(pattern, mark, line)
    return line


def test_no_ten_shapes_make_sixty_percent_of_a_kind(samples):
    for domain in ("oracle_asm", "oracle_memory"):
        trained = [
            s
            for s in samples
            if s.domain == domain and s.metadata.get("wording") != "recall"
        ]
        counts = Counter(shape(s.instruction) for s in trained)
        ten = sum(count for _, count in counts.most_common(10))
        assert ten <= 0.6 * len(trained)
