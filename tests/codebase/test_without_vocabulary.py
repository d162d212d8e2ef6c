"""Oracle of Secrets without the words that its own configuration gives: fewer samples,
and nothing that the source or the other samples contradict.

`ORACLE_OF_SECRETS` names a checkout; nothing is fetched.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path

import pytest
from support.lamps import oracles_words

from afs_stages.asm.opcode_table import assemble
from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.core.sample import TrainingSample

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        "ORACLE_OF_SECRETS" not in os.environ,
        reason="ORACLE_OF_SECRETS names no checkout",
    ),
]
_PLACED = re.compile(r"`([A-Za-z_]\w*)` is at \$([0-9A-F]+)[ .(]")
_EQUATE = re.compile(r"(?m)^\s*([A-Za-z_]\w*)\s*=\s*\$([0-9A-Fa-f]{2,6})\s*(?:;|$)")
_QUOTED_LINE = re.compile(r"`([^`]+)` \(`([^`]+)`, line (\d+)\) is taken")
_CODE = re.compile(r"```asm\n(.*?)\n```", re.S)


@pytest.fixture(scope="module")
def root() -> Path:
    return Path(os.environ["ORACLE_OF_SECRETS"])


@pytest.fixture(scope="module")
def samples(root: Path) -> list[TrainingSample]:
    return list(OracleTrainingGenerator(oracle_path=root).generate())


def test_every_kind_is_there_and_few_samples_are_lost(root, samples):
    generator = OracleTrainingGenerator(oracle_path=root, options=oracles_words())
    with_words = list(generator.generate())
    domains = {sample.domain for sample in with_words}
    assert {sample.domain for sample in samples} == domains
    assert len(samples) > 0.8 * len(with_words)


def test_addresses_are_those_of_a_search_in_the_source(root, samples):
    source = "\n".join(
        path.read_text("utf-8", "replace") for path in sorted(root.rglob("*.asm"))
    )
    written: dict[str, set[int]] = defaultdict(set)
    for name, place in _EQUATE.findall(source):
        written[name].add(int(place, 16))
    told = {
        (match[1], int(match[2], 16))
        for sample in samples
        for match in _PLACED.finditer(sample.output)
    }
    known = [(name, place) for name, place in told if len(written[name]) == 1]
    assert len(known) > 300
    low = 0x2000  # the first 8 KiB of bank 0 are those of bank $7E
    wrong = [
        (name, place)
        for name, place in known
        if place not in written[name]
        and not (place & 0xFFFF in written[name] and place & 0xFFFF < low)
    ]
    assert wrong == []


def test_no_question_has_two_answers_and_no_fact_two_addresses(samples):
    answers: dict[tuple[str, str], set[str]] = defaultdict(set)
    places: dict[str, set[int]] = defaultdict(set)
    for sample in samples:
        answers[sample.instruction, sample.input].add(sample.output)
        if sample.provenance["kind"] == "memory_conflict":
            continue
        for name, place in _PLACED.findall(sample.output):
            value = int(place, 16)
            places[name].add(value | 0x7E0000 if value < 0x2000 else value)
    assert [question for question, said in answers.items() if len(said) > 1] == []
    assert {name: at for name, at in places.items() if len(at) > 1} == {}


def test_branches_stand_where_they_are_told(root, samples):
    checked = 0
    for sample in samples:
        for code, file, number in _QUOTED_LINE.findall(sample.output):
            line = (
                (root / file).read_text("utf-8", "replace").split("\n")[int(number) - 1]
            )
            assert code.split()[0].lower() in line.lower()
            checked += 1
    assert checked > 50


def test_code_that_is_asked_for_assembles(samples):
    kinds = ("asm_request", "asm_change", "asm_bug")
    for sample in samples:
        if sample.provenance["kind"] in kinds:
            code = _CODE.findall(sample.output)[-1]
            assert assemble(code).state != "error", sample.instruction
