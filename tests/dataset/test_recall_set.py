"""Recall sets: facts that are trained on, asked in words that are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.rows import read, sample, write

from afs_stages.core import layout
from afs_stages.core.params.data import NearDuplicates, Rebalance, Split
from afs_stages.core.params.model import Model
from afs_stages.core.sample import TrainingSample
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.answer_facts import facts_in, new_facts, recalls, wanted
from afs_stages.dataset.check import check_model
from afs_stages.dataset.rebalance import rebalance_model
from afs_stages.dataset.recall_set import made_from, question, shape
from afs_stages.dataset.splits import split_dataset

NEAR = NearDuplicates()
NAMES = ["Lamp", "Tide", "Bell", "Rope", "Sail", "Gate", "Fog", "Oar", "Net", "Mast"]
TOLD = [
    "Where is `{}` in memory, and what is it for?",
    "What address stores `{}`, and what does it hold?",
    "At which place do I find `{}`?",
]
KEPT = "Tell me in which byte `{}` lives."


def fact(name: str, wording: int | str, text: str, part: str = "") -> TrainingSample:
    """One wording of where a variable lies; the address follows from the name."""
    place = 0x7E0100 + NAMES.index(name)
    return sample(
        f"{name}{wording}",
        instruction=text.format(name),
        output=f"`{name}` is at ${place:06X} (WRAM), for the {name.lower()}.",
        source="alpha",
        domain="oracle_memory",
        quality_score=0.5,
        group=f"variable:{name}",
        fact=f"where-{name}",
        wording=str(wording),
    )


def facts(names: list[str] = NAMES) -> list[TrainingSample]:
    """Three wordings of every fact for training and one that is kept aside."""
    told = [
        fact(name, number, text)
        for name in names
        for number, text in enumerate(TOLD, 1)
    ]
    return told + [fact(name, "recall", KEPT) for name in names]


def split(folder: Path, rows: list[TrainingSample]) -> StageReport:
    source = write(folder / "in.jsonl", rows)
    return split_dataset(
        [source], folder / "out", Split(), releases=folder / "data/releases"
    )


def part(folder: Path, name: str) -> list[TrainingSample]:
    return read(folder / "out" / f"{name}.jsonl")


def test_a_marked_wording_is_asked_of_trained_facts_and_trained_nowhere(
    tmp_path: Path,
) -> None:
    report = split(tmp_path, facts())
    split_up = [row for name in layout.PARTS for row in part(tmp_path, name)]
    assert len(split_up) == 30, "wordings of one fact are no near-duplicates"
    assert all(row.metadata["wording"] != "recall" for row in split_up)
    trained = {row.fact for row in part(tmp_path, "train")}
    asked = part(tmp_path, "recall")
    assert {row.fact for row in asked} == trained
    assert 0 < len(trained) < 10
    assert all(row.instruction.startswith("Tell me in which byte") for row in asked)
    assert report.dropped == {"recall_fact_not_trained": 10 - len(trained)}
    assert report.rows_in == report.rows_out + sum(report.dropped.values())


def test_a_marked_wording_that_other_rows_are_trained_in_is_not_asked(
    tmp_path: Path,
) -> None:
    others = [
        sample(f"x{at}", instruction=KEPT.format(f"Other{at}")) for at in range(5)
    ]
    report = split(tmp_path, [*facts(), *others])
    trained = {row.sample_id for row in part(tmp_path, "train")}
    assert trained & {row.sample_id for row in others}
    assert report.dropped["recall_wording_trained"] > 0
    # A row that names its fact is not reworded in its place.
    assert report.values["recall"] == {"marked": 0, "reworded": 0}


@pytest.mark.parametrize(
    ("asked", "answer", "reworded", "fact"),
    [
        (
            "Where is `CameraY`?",
            "`CameraY` is at $32 (direct page), in `Core/ram.asm`. See $40.",
            "Name the address of `CameraY`.",
            "$32",
        ),
        (
            "I see $7E0032 in a trace. What lives there?",
            "$7E0032 (direct page) is `CameraY` (`Core/ram.asm`): edge of `Screen`.",
            "Name the variable at $7E0032.",
            "CameraY",
        ),
        (
            "What does `!HDMA_BEAM` mean?",
            "`!HDMA_BEAM` is $80 (“effects”, `hdma.asm`). Channel 7.",
            "Name the value of `!HDMA_BEAM`.",
            "$80",
        ),
        (
            "How do I return from a subroutine that JSL called?",
            "A routine that `JSL` has called ends in `RTL`. Nothing else pulls all.",
            "",
            "",
        ),
        (
            "How does a routine end that `JSL` calls?",
            "The one behind `JSL` must end in `RTL`. Nothing else pulls all.",
            "Fill the gap with the missing name: “The one behind `JSL` must end in …”",
            "RTL",
        ),
        ("How does it end?", "It must always come to an end with `RTL`.", "", ""),
        ("Which is right?", "The sources disagree about `Fog`. It is $12.", "", ""),
        ("Where do they lie?", "`A` is at $10 and `B` at $12.", "", ""),
    ],
)
def test_a_look_up_is_reworded_and_what_leans_or_tells_several_facts_is_not(
    tmp_path: Path, asked: str, answer: str, reworded: str, fact: str
) -> None:
    row = sample("x", instruction=asked, output=answer)
    made = made_from(write(tmp_path / "train.jsonl", [row]), NEAR)
    assert [one.instruction for one in made] == [reworded] * bool(reworded)
    for one in made:
        assert one.fact == row.sample_id
        assert one.metadata["wording"] == "recall"
        assert wanted(one.instruction, one.output) == (fact,)
        assert recalls(one.instruction, (fact,), one.output)


def test_the_rule_takes_a_wording_that_no_row_uses(tmp_path: Path) -> None:
    taken = sample("y", instruction="Name the address of `Foo`.", output="No.")
    row = sample("x", instruction="Where is `Lamp`?", output="`Lamp` is at $1234.")
    made = made_from(write(tmp_path / "train.jsonl", [row, taken]), NEAR)
    assert [one.instruction for one in made] == [
        "Give just the location that the source assigns to `Lamp`."
    ]


def test_a_question_with_two_answers_is_not_asked(tmp_path: Path) -> None:
    rows = [
        sample(f"x{at}", instruction=f"{at}: where is `Lamp`?", output=text)
        for at, text in enumerate(["`Lamp` is at $1234.", "`Lamp` is at $1236."])
    ]
    assert made_from(write(tmp_path / "train.jsonl", rows), NEAR) == []


def test_a_shape_is_a_question_without_what_it_asks_about() -> None:
    one = shape("Where is `Lamp` ($12)? See “Work RAM”.")
    assert one == shape("Where is `Gate` ($7E:1234)? See “Tides”.")
    assert one != shape("Where was `Lamp` ($12)? See “Work RAM”.")


def test_facts_are_names_addresses_and_registers_that_the_question_lacks() -> None:
    text = "`Lamp` at $7E0012 feeds INIDISP, see `!MODE` and `a/b.asm`; $12 again."
    assert facts_in(text) == ["Lamp", "$12", "INIDISP", "!MODE"]
    assert new_facts("What of Lamp and $0012 does MODE tell?", text) == ["INIDISP"]


def test_all_wanted_facts_come_first_whatever_else_is_told() -> None:
    wanted_ones = ("Lamp", "Gate")
    assert recalls("", wanted_ones, "`Gate` and `Lamp`, at $12, then `Bell`.")
    assert not recalls("", wanted_ones, "`Gate` and `Bell`, then `Lamp`.")
    assert recalls("", wanted_ones, "Gate, then Lamp")
    assert not recalls("", wanted_ones, "Gate alone")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Facts split and fitted, of which a mix draws some."""
    monkeypatch.chdir(tmp_path)
    split(tmp_path, facts())
    for name in (*layout.PARTS, layout.RECALL_SET):
        write(layout.fitted("m", name), part(tmp_path, name))
    write(layout.rehearsal("m"), [])
    return tmp_path


def mix(wordings: int | None = None, total: int | None = None) -> StageReport:
    report = rebalance_model("m", model(wordings, total), 1)
    report.write(layout.report("rebalance", "m"))
    return report


def model(wordings: int | None = None, total: int | None = None) -> Model:
    return Model(
        version="v2",
        weights={"alpha": 1.0},
        wordings=wordings,
        rebalance=Rebalance(within="random", max_total=total),
    )


def problems() -> dict[str, int]:
    report, _, _ = check_model("m", model(), NEAR, lambda row: 1, 10)
    return dict(report.values["problems"])


def test_of_a_fact_the_first_wordings_enter_the_mix(project: Path) -> None:
    report = mix(wordings=2)
    mixed = read(layout.mixed("m", "train"))
    trained = len({row.fact for row in mixed})
    assert {row.metadata["wording"] for row in mixed} == {"1", "2"}
    assert len(mixed) == 2 * trained
    assert report.dropped["further_wording"] == trained
    assert report.rows_in == report.rows_out + sum(report.dropped.values())
    assert len(read(layout.mixed("m", "recall"))) == trained


def test_the_recall_set_asks_for_what_is_drawn_alone(project: Path) -> None:
    mix(total=4)
    drawn = {row.fact for row in read(layout.mixed("m", "train"))}
    assert {row.fact for row in read(layout.mixed("m", "recall"))} == drawn
    assert problems() == {}


def test_check_finds_a_recall_question_that_is_trained_and_a_fact_that_is_not(
    project: Path,
) -> None:
    mix()
    rows, asked = read(layout.mixed("m", "train")), read(layout.mixed("m", "recall"))
    assert problems() == {}
    planted = sample("plant", instruction=question(asked[0]) + " Please.", output="No")
    write(layout.mixed("m", "train"), [*rows, planted])
    assert set(problems()) == {"recall (wording trained)"}
    gone = asked[0].fact
    left = [row for row in rows if row.fact != gone]
    write(layout.mixed("m", "train"), left)
    assert problems() == {"recall (fact not trained)": 1}


def test_what_a_release_asks_is_trained_by_no_later_version(tmp_path: Path) -> None:
    folder = tmp_path / "data/releases/m/v1"
    asked = [row for row in facts() if row.metadata["wording"] == "recall"]
    write(folder / "recall.jsonl", asked)
    (folder / "manifest.json").write_text("{}")
    # The next version's source trains the wording that was kept aside before.
    rows = [row for row in facts() if row.metadata["wording"] != "recall"]
    again = [fact(name, 4, KEPT) for name in NAMES]
    report = split(tmp_path, [*rows, *again])
    trained = part(tmp_path, "train")
    assert not any(row.instruction.startswith("Tell me in") for row in trained)
    dropped = report.dropped["released_recall_question"]
    assert dropped == len({row.fact for row in trained})


def test_check_finds_what_an_earlier_release_asks(project: Path) -> None:
    mix()
    rows = read(layout.mixed("m", "train"))
    folder = layout.release("m", "v1")
    write(folder / "recall.jsonl", [rows[0]])
    (folder / "manifest.json").write_text("{}")
    assert problems() == {"recall (of a release)": 1}
