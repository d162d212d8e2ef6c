"""The sandbox around asar: with hostile stand-in workers everywhere, with the real one
where ASAR is set.
"""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from afs_stages import QualityScorer, ScoringConfig, TrainingSample
from afs_stages.core.errors import UserError
from afs_stages.scoring.asar.assembler import AsarAssembler
from afs_stages.scoring.asar.find import find, is_library, worker_command
from afs_stages.scoring.asar.stubs import Stubbed, only_outside
from afs_stages.scoring.context import Context
from afs_stages.scoring.entities import Known

FRAMES = """
import json, os, struct, sys, time
def answer(value):
    data = json.dumps(value).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(data)) + data); \
sys.stdout.buffer.flush()
while head := sys.stdin.buffer.read(4):
    code = sys.stdin.buffer.read(struct.unpack("<I", head)[0]).decode()
    if "HANG" in code: time.sleep(600)
    if "SPIN" in code:
        while True: pass
    if "DIE" in code: os._exit(139)
    if "FORK" in code:
        os.fork(); time.sleep(600)
    if "NOISE" in code: os.write(1, b"\\xff" * 100)
    if "FLOOD" in code: os.write(1, struct.pack("<I", 2**31)); time.sleep(600)
    if "LIE" in code: answer(["not", "an", "answer"])
    elif "BAD" in code: answer({"ok": False, "errors": ["Unknown command."], "bytes": \
""})
    elif "JSR Outside" in code and "Outside =" not in code:
        answer({"ok": False, "errors": ["Label 'Outside' wasn't found."], "bytes": ""})
    else: answer({"ok": True, "errors": [], "bytes": "ea000000"})
"""


def stand_in(folder: Path, body: str = FRAMES) -> list[str]:
    script = folder / "worker.py"
    script.write_text(textwrap.dedent(body))
    return [sys.executable, "-I", str(script)]


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[AsarAssembler]:
    with AsarAssembler(command=stand_in(tmp_path), timeout=1.0) as made:
        yield made


def test_three_states(pool: AsarAssembler) -> None:
    results = pool.assemble(["NOP", "JSR Outside", "BAD"])
    assert [result.state for result in results] == ["ok", "stubs", "error"]
    assert (results[1].stubs, results[2].errors) == (1, ("Unknown command.",))


@pytest.mark.parametrize(
    "attack", ["HANG", "SPIN", "DIE", "FORK", "NOISE", "FLOOD", "LIE"]
)
def test_an_attack_costs_its_own_snippet_only(pool: AsarAssembler, attack: str) -> None:
    started = time.monotonic()
    results = pool.assemble(["NOP", attack, "NOP"])
    assert [result.state for result in results] == ["ok", "lost", "ok"]
    assert time.monotonic() - started < 5


def test_attacks_among_many_cost_their_own_snippets_only(tmp_path: Path) -> None:
    codes = ["NOP"] * 150
    wrong = {3: "DIE", 4: "LIE", 77: "BAD"}
    for place, attack in wrong.items():
        codes[place] = attack
    with AsarAssembler(command=stand_in(tmp_path), timeout=1.0) as pool:
        states = [result.state for result in pool.assemble(codes)]
    assert states == [
        "ok" if i not in wrong else "error" if wrong[i] == "BAD" else "lost"
        for i in range(150)
    ]


def test_after_three_losses_the_rest_of_a_batch_is_not_tried(
    pool: AsarAssembler,
) -> None:
    results = pool.assemble(["DIE", "NOP", "LIE", "DIE", "NOP", "BAD"])
    states = [result.state for result in results]
    assert states == ["lost", "ok", "lost", "lost", "untried", "untried"]
    assert "3 workers were lost" in results[-1].errors[0]
    assert [result.state for result in pool.assemble(["NOP"])] == ["ok"]


def test_a_lost_worker_does_not_assemble_and_is_no_veto(
    tmp_path: Path, pool: AsarAssembler
) -> None:
    scorer = QualityScorer(ScoringConfig(assembler="asar", use_electra=False))
    scorer._asar = pool
    body = "```asm\n  LDA.b $12 ; {}\n  STA.b $13\n  RTS\n```"
    words = ["DIE", "DIE", "DIE", "fine"]
    samples = [
        TrainingSample(instruction="Copy it.", output=body.format(word))
        for word in words
    ]
    readings = scorer.read_batch(samples)
    told = [reading.components["assembler"] for reading in readings]
    assert told == [0.0, 0.0, 0.0, None]
    assert readings[3].reasons["assembler"] == "not_tried"
    assert all(reading.accident for reading in readings)
    assert not any("code" in reading.faults for reading in readings)


def test_an_answer_nobody_asked_for_is_not_taken_for_the_next(tmp_path: Path) -> None:
    twice = FRAMES.replace(
        "sys.stdout.buffer.write(",
        "sys.stdout.buffer.write((1 + ('TWICE' in code)) * (",
    )
    twice = twice.replace("+ data)", "+ data))")
    with AsarAssembler(command=stand_in(tmp_path, twice), timeout=1.0) as pool:
        assert [pool.assemble([code])[0].state for code in ("TWICE", "BAD", "NOP")] == [
            "ok",
            "error",
            "ok",
        ]


def test_no_worker_outlives_the_pool(tmp_path: Path) -> None:
    pool = AsarAssembler(command=stand_in(tmp_path), timeout=1.0)
    pool.assemble(["NOP"] * 8)
    ids = [pool.worker.process.pid] if pool.worker.process else []
    pool.close()
    assert ids
    for number in ids:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_what_only_bears_the_name_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "asar"
    archive.write_text("#!/bin/sh\necho electron archives\n")
    archive.chmod(0o755)
    with pytest.raises(UserError, match="not the assembler asar"):
        AsarAssembler(str(archive))
    with pytest.raises(UserError, match="not the assembler asar"):
        AsarAssembler(command=[sys.executable, "-c", "pass"])


def test_absent_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"quality\.assembler: table"):
        find(str(tmp_path / "nowhere"))


def test_a_broken_library_is_refused(tmp_path: Path) -> None:
    library = tmp_path / "libasar.so"
    library.write_bytes(b"not a library")
    assert worker_command(library)[2].endswith("library_worker.py")
    with pytest.raises(UserError, match="not the assembler asar"):
        AsarAssembler(str(library))


def test_local_labels_are_never_stubbed() -> None:
    snippet = Stubbed("Main:\n BRA .gone\n JSR Out\n LDA State.Hours")
    assert not snippet.learn(["Label 'Main_gone' wasn't found."])
    assert snippet.learn(
        ["Label 'Out' wasn't found.", "Label 'State.Hours' wasn't found."]
    )
    assert snippet.count == 2
    assert only_outside(["Relative branch out of bounds. (Distance is 4000)."])
    assert not only_outside([])


def test_foreseen_stubs_are_what_nothing_in_the_snippet_defines() -> None:
    snippet = Stubbed.foreseen(
        "Own:\n!MINE = $12\n JSR Own : JSR Out : LDA #!MINE : LDA #!YOURS\n"
        " STA State.Hours\n BRA .gone"
    )
    assert set(snippet.stubs) == {"label Out", "define YOURS"}
    assert set(snippet.fields) == {"State.Hours"}
    assert snippet.outside(frozenset()) == 3
    assert snippet.outside(frozenset(("Out", "State"))) == 1


REAL = os.environ.get("ASAR", "")
needs_asar = pytest.mark.skipif(not REAL, reason="ASAR is not set")


@pytest.fixture(scope="module")
def asar() -> Iterator[AsarAssembler]:
    with AsarAssembler(REAL, timeout=2.0) as made:
        yield made


@needs_asar
@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("LDA.b $12 : RTS", "ok"),
        ("JSL Sprite_Draw\nLDA.w SprTimer,X\nRTS", "stubs"),
        ("LDQ #$12", "error"),
        ("Main:\n BNE .gone\n RTS", "error"),
        ("LDA TimeState.Hours", "stubs"),
    ],
)
def test_real_states(asar: AsarAssembler, code: str, state: str) -> None:
    result = asar.assemble([code])[0]
    assert result.state == state, result


@needs_asar
def test_real_macros_and_defines(asar: AsarAssembler) -> None:
    """The program would read files, so what could name one is left undecided there."""
    result = asar.assemble(["%PlayAnimation(1, 2)\nLDA #!SOUND\nRTS"])[0]
    assert result.state == ("stubs" if is_library(Path(REAL)) else "untried")


@needs_asar
@pytest.mark.parametrize(
    "code",
    [
        'incbin "/etc/passwd"',
        'incsrc "/etc/passwd"',
        'table "/etc/passwd"',
        'db readfile1("/etc/passwd", 0)',
        '!a = "inc"\n!{a}bin "/etc/passwd"',
        "macro a()\n%a()\nendmacro\n%a()",
        "LDA " + "(" * 200_000,
    ],
)
def test_real_attacks_are_plain_errors(asar: AsarAssembler, code: str) -> None:
    result = asar.assemble([code])[0]
    assert result.state == "error" or (
        result.state == "untried" and not is_library(Path(REAL))
    )
    assert "root:" not in " ".join(result.errors)


@needs_asar
@pytest.mark.parametrize(
    "code", ["while 1\n!x = 1\nendwhile", "rep 100000000 : !x = 1", "fill 2000000000"]
)
def test_real_hangs_are_ended(asar: AsarAssembler, code: str) -> None:
    started = time.monotonic()
    hanging, plain = asar.assemble([code, "NOP"])
    # a text that loops is refused where asar is no library that can be ended
    ended = {"lost"} if is_library(Path(REAL)) else {"lost", "untried"}
    assert hanging.state in ended
    assert plain.state == "ok"
    assert time.monotonic() - started < 8


@needs_asar
@pytest.mark.parametrize(
    ("code", "known", "state", "stubs"),
    [
        (
            "JSL Sprite_Draw\nLDA.w SprTimer,X\nRTS",
            {"Sprite_Draw", "SprTimer"},
            "ok",
            0,
        ),
        ("JSL Sprite_Draw\nLDA.w SprTimer,X\nRTS", {"SprTimer"}, "stubs", 1),
        ("LDA State.Hours\nRTS", {"State"}, "ok", 0),
        ("Main:\n BNE .gone\n RTS", {"Main_gone", "gone"}, "error", 0),
        ("LDQ Known", {"Known", "LDQ"}, "error", 0),
    ],
)
def test_real_names_of_the_code_base_are_no_outside_names(
    asar: AsarAssembler, code: str, known: set[str], state: str, stubs: int
) -> None:
    result = asar.assemble([code], frozenset(known))[0]
    assert (result.state, result.stubs) == (state, stubs), result


@needs_asar
def test_real_scores_rise_with_what_the_code_base_knows() -> None:
    sample = TrainingSample(
        instruction="Show the draw call.",
        output="```asm\nMain:\n  JSL Sprite_Draw\n  RTS\n```",
    )
    config = ScoringConfig(assembler="asar", asar=REAL, use_electra=False)
    scores = []
    for names in (frozenset[str](), frozenset(("Sprite_Draw",))):
        scorer = QualityScorer(config, Context(Known(names)))
        scores.append(scorer.score(sample).components["assembler"])
        scorer.close()
    assert scores == [0.95, 1.0]
