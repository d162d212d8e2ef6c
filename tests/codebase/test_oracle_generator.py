"""What the generator makes of the sample hack,
and what it makes of input that means harm.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from support.lamps import oracles_words

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.facts.questions import normalised
from afs_stages.codebase.facts.symbols import bodies, collect
from afs_stages.codebase.judge.sample_filter import NearDuplicateFilter
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.comments import is_code, prose
from afs_stages.core.sample import TrainingSample

HACK = Path(__file__).parents[2] / "data" / "sample" / "hack"
KINDS = ("docs", "asm", "memory", "quest", "architecture")


def generate(root: Path, **options) -> list[TrainingSample]:
    options.setdefault("options", oracles_words())
    return list(OracleTrainingGenerator(oracle_path=root, **options).generate())


def answers(samples: list[TrainingSample], kind: str, words: str) -> list[str]:
    return [
        s.output
        for s in samples
        if s.provenance["kind"] == kind and words in s.instruction
    ]


@pytest.fixture(scope="module")
def samples() -> list[TrainingSample]:
    return generate(HACK)


def test_every_kind_is_there(samples):
    counts = Counter(sample.domain for sample in samples)
    assert set(counts) == {f"oracle_{kind}" for kind in KINDS}
    assert min(counts.values()) >= 20


def test_a_variable_forward_and_back(samples):
    (where,) = answers(samples, "memory_name", "`TidePhase`")
    assert where.startswith(
        "`TidePhase` is at $7E0F01 (WRAM), defined in `Core/ram.asm`."
    )
    assert "0 rising, 1 slack high, 2 falling, 3 slack low" in where
    (what,) = answers(samples, "memory_address", "$7E0F01")
    assert what.startswith("$7E0F01 (WRAM) is `TidePhase` (`Core/ram.asm`): 0 rising")


def test_a_routine_is_explained_with_its_code(samples):
    (sample,) = [
        s
        for s in samples
        if s.provenance["kind"] == "asm_explanation"
        and "`Tide_StartSlack`" in s.output[:40]
    ]
    assert "Enters the slack phase that follows the current one." in sample.output
    assert "- writes `TidePhase` ($7E0F01): 0 rising" in sample.output
    assert "It returns with RTS." in sample.output
    assert "`Tide_Rise` and `Tide_Fall` call it." in sample.output
    assert sample.input.startswith("```asm\nStartSlack:\n    INC.w TidePhase\n")
    assert sample.group == "oracle:routine:Core/tide.asm:Tide_StartSlack"
    assert sample.provenance["file"] == "Core/tide.asm"


def test_a_namespace_is_part_of_a_name(samples):
    assert any("`Tide_IsAbove` (`Core/tide.asm`" in sample.output for sample in samples)


def test_a_struct_and_a_macro(samples):
    (oam,) = answers(samples, "memory_struct", "`Oam`")
    assert "It overlays memory from $7E0200." in oam
    assert "- `.Y` at +1: y; $F0 hides the entry" in oam
    (macro,) = answers(samples, "asm_macro", "`%set_flag(address, mask)`")
    assert "Set bits of a byte anywhere in memory. Needs 8-bit A." in macro


def test_a_contradiction_is_said_and_not_taught(samples):
    (answer,) = answers(samples, "memory_conflict", "`FogDensity`")
    assert "$7E0F0B" in answer
    assert "use $7E0F0B" in answer
    others = [s for s in samples if s.provenance["kind"] != "memory_conflict"]
    assert not any("7E0F1D" in sample.output for sample in others)
    generator = OracleTrainingGenerator(oracle_path=HACK)
    list(generator.generate())
    assert [note for note in generator.tally.notes if "FogDensity" in note]


def test_archives_templates_and_index_pages_give_nothing(samples):
    files = {sample.provenance["file"] for sample in samples}
    assert not {
        file
        for file in files
        if "archive" in file or "template" in file or file.endswith("index.md")
    }


def test_a_hash_inside_a_fence_is_no_heading(samples):
    headings = {
        re.sub(r"^#+\s*", "", line)
        for line in (HACK / "docs/guides/build.md").read_text().splitlines()
    }
    sections = {
        s.group for s in samples if s.provenance["file"] == "docs/guides/build.md"
    }
    assert sections
    assert all(
        group.rsplit(" > ", 1)[-1].split(":")[-1] in headings for group in sections
    )


def test_quest_steps_and_flags(samples):
    assert any(
        "Reward:" in sample.output
        for sample in samples
        if sample.domain == "oracle_quest"
    )
    assert any(sample.provenance["kind"] == "quest_flag" for sample in samples)


def test_no_two_answers_to_one_question_and_no_bare_answer(samples):
    seen: dict[tuple[str, str], str] = {}
    for sample in samples:
        key = (normalised(sample.instruction), sample.input)
        assert seen.setdefault(key, sample.output) == sample.output
        assert len(re.findall(r"[A-Za-z]{2,}", sample.output)) >= 4
        assert sample.output.count("```") % 2 == 0
    assert len({sample.sample_id for sample in samples}) == len(samples)


def test_near_copies_are_known_and_others_are_not():
    near = NearDuplicateFilter()
    text = " ".join(f"word{number}" for number in range(80))
    assert not near.seen(text)
    assert near.seen(text + " and one more")
    assert not near.seen(" ".join(f"other{number}" for number in range(80)))


def test_addresses_by_another_way(samples):
    """A third of the memory facts, recomputed by a search in the source text."""
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(HACK.rglob("*.asm"))
    )
    facts = [
        re.match(r"`([A-Za-z]\w*)` is at (\$[0-9A-F]+)", s.output) for s in samples
    ]
    facts = sorted({(m.group(1), m.group(2)) for m in facts if m})
    checked = 0
    for name, place in random.Random(4).sample(facts, len(facts) // 3):
        plain = re.findall(rf"(?m)^{name}\s*=\s*\$([0-9A-Fa-f]+)\s*(?:;|$)", source)
        if plain:
            assert int(plain[0], 16) == int(place[1:], 16)
            checked += 1
    assert checked >= 20


def placed(main: Path, root: Path, folder: Path) -> dict[str, int]:
    """The labels of a patch, as the assembler named by ASAR places them."""
    symbols, rom = folder / "out.sym", folder / "rom.sfc"
    rom.write_bytes(b"\0" * 2**21)
    options = [
        "--no-title-check",
        "--symbols=wla",
        f"--symbols-path={symbols}",
        f"-I{root}",
    ]
    subprocess.run(
        [os.environ["ASAR"], *options, main, rom],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    found = re.findall(
        r"(?m)^([0-9a-fA-F]{2}:[0-9a-fA-F]{4}) (\S+)$", symbols.read_text()
    )
    return {name: int(place.replace(":", ""), 16) for place, name in found}


@pytest.mark.skipif(
    "ASAR" not in os.environ, reason="needs the assembler named by ASAR"
)
def test_addresses_by_asar(tmp_path):
    """Every label the program places is where asar puts it."""
    shutil.copytree(HACK, tmp_path / "hack")
    truth = placed(tmp_path / "hack" / "main.asm", tmp_path / "hack", tmp_path)
    ours = collect(HACK).addresses
    both = [name for name in ours if name in truth]
    assert len(both) >= 50
    assert [name for name in both if ours[name] != truth[name]] == []


@pytest.mark.skipif(
    not {"ASAR", "ORACLE_OF_SECRETS"} <= set(os.environ),
    reason="needs ASAR and ORACLE_OF_SECRETS",
)
def test_facts_on_oracle_of_secrets_by_asar(tmp_path):
    """Five hundred drawn memory facts of the real codebase,
    as asar places their names (file by file).
    """
    root = Path(os.environ["ORACLE_OF_SECRETS"])
    core = (
        "Util/macros",
        "Config/module_flags",
        "Config/feature_flags",
        "Core/structs",
        "Core/link",
        "Core/sram",
    )
    truth: dict[str, set[int]] = {}
    for files in (("Core/ram",), (*core, "Core/symbols")):
        main = tmp_path / "main.asm"
        main.write_text("lorom\n" + "".join(f'incsrc "{name}.asm"\n' for name in files))
        for name, place in placed(main, root, tmp_path).items():
            truth.setdefault(name, set()).add(place)
    matches = [
        re.match(r"`([\w.]+)` is at \$([0-9A-F]+) ", sample.output)
        for sample in generate(root)
    ]
    facts = sorted(
        {
            (m.group(1), int(m.group(2), 16))
            for m in matches
            if m and m.group(1) in truth
        }
    )
    drawn = random.Random(4).sample(facts, 500)
    assert [fact for fact in drawn if fact[1] not in truth[fact[0]]] == []


def test_ids_depend_neither_on_the_path_nor_on_the_order_of_files(tmp_path, samples):
    copy = tmp_path / "elsewhere" / "x"
    for path in sorted(HACK.rglob("*"), reverse=True):
        if path.is_file():
            target = copy / path.relative_to(HACK)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    assert [s.to_dict() for s in generate(copy)] == [s.to_dict() for s in samples]


def test_limit_samples_evenly_over_kinds():
    counts = Counter(sample.domain for sample in generate(HACK, limit=50))
    assert counts == {f"oracle_{kind}": 10 for kind in KINDS}
    assert len(generate(HACK, limit=7)) == 7


def test_an_added_method_is_called_and_an_overridden_one_replaces():
    class Custom(OracleTrainingGenerator):
        def generate_sprite_samples(self):
            for page in sorted(self.docs_path.rglob("sprite-guide.md")):
                answer = (
                    "Copy a creature you like, give it a type, "
                    f"then follow {page.name} line by line."
                )
                yield TrainingSample(
                    instruction="How do I create a new sprite?", output=answer
                )

        def generate_quest_samples(self):
            yield from ()

    made = list(Custom(oracle_path=HACK).generate())
    counts = Counter(sample.domain for sample in made)
    assert counts["oracle_sprite"] == 1
    assert "oracle_quest" not in counts
    assert {sample.source for sample in made} == {"oracle"}


def test_symbols_and_bodies():
    symbols = collect(HACK)
    assert symbols.addresses["TideLevel"] == 0x7E0F00
    assert "Tide_Update" in symbols.labels
    assert "set_flag" in symbols.macros
    for body in bodies(HACK):
        lines = (HACK / body.file).read_text(encoding="utf-8").split("\n")
        assert body.text == "\n".join(
            line.rstrip() for line in lines[body.first - 1 : body.last]
        )


def test_hostile_files_stop_nothing(tmp_path):
    (tmp_path / "binary.asm").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "latin.asm").write_bytes(b"Caf\xe9 = $7E0100 ; the coffee in the cup\n")
    (tmp_path / "long.asm").write_bytes(b"db " + b"1," * 5_000_000 + b"\n")
    (tmp_path / "self.asm").write_text('incsrc "other.asm"\n')
    (tmp_path / "other.asm").write_text('incsrc "self.asm"\n')
    (tmp_path / "deep.asm").write_text(
        "X = " + "(" * 3000 + "\n" + "{\n" * 5000 + "if 1\n" * 5000
    )
    (tmp_path / "long.md").write_text(
        "# Title\n\n" + "[" * 3000 + "\n\n" + "> " * 900 + "x\n"
    )
    outside = tmp_path.parent / "outside.asm"
    outside.write_text("Secret = $7E0200 ; the secret of the outside world\n")
    (tmp_path / "link.asm").symlink_to(outside)
    bad: Counter[str] = Counter()
    generator = OracleTrainingGenerator(oracle_path=tmp_path)
    generator.on_bad = lambda row: bad.update([row.reason])
    started = time.perf_counter()
    made = list(generator.generate())
    assert time.perf_counter() - started < 20
    assert not any("Secret" in sample.output for sample in made)
    wanted = {
        "binary",
        "invalid_utf8",
        "line_too_long",
        "circular_include",
        "link_out_of_root",
        "unclosed_brace",
    }
    assert wanted <= set(bad)


def test_by_hand(tmp_path):
    output = tmp_path / "out.jsonl"
    command = [
        sys.executable,
        "-m",
        "afs_stages.cli",
        "oracle",
        "generate",
        "--oracle-path",
        str(HACK),
    ]
    subprocess.run(
        [*command, "--output", str(output), "--limit", "15"],
        check=True,
        capture_output=True,
    )
    rows = [
        json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()
    ]
    assert len(rows) == 15
    failed = subprocess.run(
        [*command[:-1], str(tmp_path / "none"), "--output", str(output)],
        capture_output=True,
        text=True,
    )
    assert failed.returncode == 1
    assert "no such folder" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_plan_is_called_a_plan_and_an_announcement_is_not_taught(tmp_path):
    page = tmp_path / "docs" / "plans" / "mask_origin.md"
    page.parent.mkdir(parents=True)
    told = (
        "The mask belonged to a keeper who held the sluice of the drowned bell until "
        "the tide took her in a storm. "
    )
    told += (
        "Her daughter hid it below the lamp room, and whoever wears it hears the water "
        "rise a day before it comes. "
    )
    told += (
        "The gulls know her voice, the ferryman does not, and the wraith asks for her "
        "by a name nobody else uses."
    )
    page.write_text(
        "# Mask Origin\n\nThree parts of the story follow here.\n\n"
        f"## The Keeper\n\n{told}\n"
    )
    (tmp_path / "docs" / "plans" / "handoff_spec.md").write_text(
        f"# Handoff\n\n{told}\n"
    )
    (sample,) = generate(tmp_path)
    assert "plan" in sample.instruction.lower()
    assert sample.output == f"`docs/plans/mask_origin.md` proposes:\n\n{told}"


def test_lines_of_a_comment_are_sentences_and_quoted_code_is_none():
    assert (
        prose(["; Cooldown after dashing", "; Is set on hits"])
        == "Cooldown after dashing. Is set on hits"
    )
    assert (
        prose(["; the height of", "; Water in the room"])
        == "the height of Water in the room"
    )
    assert prose(["; Vanilla code:", ";   LDA.b $B4 : CMP.w #$2000"]) == ""
    assert is_code("JSR Sprite_Draw ; call the draw code")


def test_headings_of_a_contract_stay_and_notes_to_oneself_go():
    assert (
        comments.prose(["; Entry:", ";   A = slot", "; Exit:", ";   Y = slot"])
        == "Entry:\n  A = slot\nExit:\n  Y = slot"
    )
    assert not comments.says_something("Will need to adjust")
    assert not comments.says_something("do the spawning code")
    assert comments.capital("hmwo oooo") == "hmwo oooo"
    assert comments.capital("high byte") == "High byte"
    assert (
        comments.joined(["handled by this function", "$09 = speed"])
        == "handled by this function: $09 = speed"
    )


def test_drawings_and_pages_still_to_be_written_are_not_taught(tmp_path):
    box = "```text\n+--------+\n| editor |\n+--------+\n| linker |\n+--------+\n```"
    words = (
        "This lamp burns for one night and asks the keeper of the tower for oil "
        "in the morning. " * 4
    )
    (tmp_path / "Tools.md").write_text(
        f"# Tools\n\n## The lamp\n\n{words}\n\n## The chain\n\n"
        f"How they meet.\n\n{box}\n"
    )
    (tmp_path / "Hall.md").write_text(
        f"# Hall\n\n## The door\n\n{words}\nBoss: TBD. Reward: TBD.\n"
    )
    outputs = [sample.output for sample in generate(tmp_path)]
    assert any("burns for one night" in output for output in outputs)
    assert not any("+----" in output or "TBD" in output for output in outputs)


def test_what_a_sentence_of_a_group_or_a_doubt_says_is_no_meaning(tmp_path):
    ram = "\n".join(
        f"LAMP{n} = $7E0{n}00 ; Cached value of the lamp in the tower"
        for n in range(1, 7)
    )
    ram += (
        "\nOIL = $7E0900 ; Oil that is left for the night\nWICK = $7E0A00 ; "
        "Flags the previous wick index?\n"
    )
    (tmp_path / "ram.asm").write_text(ram)
    questions = [sample.instruction for sample in generate(tmp_path)]
    assert any("OIL" in question for question in questions)
    assert not any("LAMP" in question or "WICK" in question for question in questions)


def test_a_legend_of_bits_is_no_purpose_and_a_sprite_routine_has_its_part(tmp_path):
    legend = (
        "; Bitfield of the lamp keys\n;   a - north\n;   b - south\n;   c - east\n"
        ";   d - west\n"
    )
    code = (
        "Sprite_Lamp_Prep:\n{\n  LDA.b #$01 : STA.w LampState\n  STZ.w LampOil\n"
        "  STZ.w LampFrame\n  RTL\n}\n"
    )
    names = (
        "LampState = $7E0D80 ; State of the lamp\nLampOil = $7E0D90 ; Oil left\n"
        "LampFrame = $7E0DA0\n"
    )
    (tmp_path / "lamp.asm").write_text(
        names + "\norg $308000\n" + legend + code + "\nNext:\n  RTS\n"
    )
    told = [s.output for s in generate(tmp_path) if "Sprite_Lamp_Prep" in s.output]
    assert any(
        "prepares the sprite Lamp when it is spawned" in output for output in told
    )
    assert not any("north" in output for output in told)
