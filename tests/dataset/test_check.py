"""The gate: leaks planted by hand are found every time, clean data never fails."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.rows import read, sample, text, write

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params.data import NearDuplicates, Rebalance, Rehearsal
from afs_stages.core.params.model import Model
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.check import check_model
from afs_stages.dataset.datacard import datacard
from afs_stages.dataset.index import index
from afs_stages.dataset.leakage import find_leaks
from afs_stages.dataset.rebalance import describe_total, rebalance_model
from afs_stages.dataset.rehearse import rehearse_model
from afs_stages.dataset.second_look import secrets_in

MODEL = Model.model_validate(
    {"version": "v5", "weights": {"alpha": 1.0}, "rehearsal": {"ratio": 0.2}}
)
CODE = [
    f"  lda.w Health_{i}, x ; value {i}\n  cmp.b #$0{i % 10}\n  bne Loop_{i}\n"
    f"  jsl Draw_{i}"
    for i in range(30)
]


def near_copy(row: TrainingSample) -> TrainingSample:
    words = row.output.split()
    words[len(words) // 2] = "changed"
    return replace(row, output=" ".join(words), sample_id=f"near-{row.sample_id}")


def renamed(row: TrainingSample) -> TrainingSample:
    output = (
        row.output.replace("Health", "Energy")
        .replace("Loop", "Again")
        .replace("Draw", "Paint")
    )
    output = output.replace("; value", "; another word")
    return replace(row, output=output, sample_id=f"renamed-{row.sample_id}")


def code_row(seed: int) -> TrainingSample:
    random = Random(seed)
    body = "\n".join(
        random.choice(CODE) + f"\n  sta.b ${random.randrange(256):02X}"
        for _ in range(12)
    )
    return sample(
        f"code{seed}",
        instruction="explain this routine please",
        output=f"```asm\n{body}\n```",
    )


PLANTS: dict[str, Callable[[TrainingSample], TrainingSample]] = {
    "exact": lambda row: row,
    "near": near_copy,
    "renamed": renamed,
}


def prose(tag: str, count: int) -> list[TrainingSample]:
    return [
        sample(f"{tag}{i}", output=text(f"{tag}{i}", 60), quality_score=0.9)
        for i in range(count)
    ]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model's mix without any fault, and a release of an earlier version."""
    monkeypatch.chdir(tmp_path)
    for part, count in (("train", 40), ("val", 5), ("test", 5)):
        write(layout.fitted("m", part), prose(part, count))
        write(
            layout.RELEASES / "m" / "v4" / f"{part}.jsonl", prose(f"old-{part}", count)
        )
    (layout.RELEASES / "m" / "v4" / "manifest.json").write_text("{}")
    rehearse_model("m", MODEL, NearDuplicates(), 1)
    rebalance("m")
    return tmp_path


def rebalance(model: str) -> None:
    rebalance_model(model, MODEL, 1).write(layout.report("rebalance", model))


def count(row: TrainingSample) -> int:
    return len(row.output.split())


def check(max_tokens: int = 500) -> dict[str, int]:
    report, _, _ = check_model("m", MODEL, NearDuplicates(), count, max_tokens)
    return dict(report.values["problems"])


def plant(row: TrainingSample) -> None:
    write(layout.mixed("m", "train"), [*read(layout.mixed("m", "train")), row])


def test_clean_data_passes(project: Path) -> None:
    assert check() == {}
    report, findings, facts = check_model("m", MODEL, NearDuplicates(), count, 500)
    findings.raise_if_any("m")
    assert report.values["held_out_sets"] == 4
    assert facts["rows"] == {"train": 50, "val": 5, "test": 5}
    card = datacard("m", "v5", facts, {"alpha": "MIT"})
    assert "| alpha | 50 | 100.0% | MIT |" in card
    assert "| v4 | 10 |" in card


@pytest.mark.parametrize("kind", ["exact", "near"])
@pytest.mark.parametrize("part", ["val", "test"])
@pytest.mark.parametrize("place", ["this version", "a release"])
def test_a_planted_row_is_found(
    project: Path, kind: str, part: str, place: str
) -> None:
    file = (
        layout.mixed("m", part)
        if place == "this version"
        else layout.RELEASES / "m" / "v4" / f"{part}.jsonl"
    )
    plant(PLANTS[kind](read(file)[2]))
    assert check() == {f"leak ({kind})": 1}


def test_another_models_release_counts_too(project: Path) -> None:
    held = prose("other", 3)
    write(layout.RELEASES / "other" / "v1" / "test.jsonl", held)
    (layout.RELEASES / "other" / "v1" / "manifest.json").write_text("{}")
    plant(held[1])
    assert check() == {"leak (exact)": 1}


def test_the_buffer_is_checked_too(project: Path) -> None:
    held = read(layout.mixed("m", "test"))[0]
    write(layout.rehearsal("m"), [*read(layout.rehearsal("m")), held])
    assert check() == {"leak (exact)": 1}


def leaks_between(
    folder: Path, trained: list[TrainingSample], held: list[TrainingSample]
) -> list[tuple[str, str]]:
    one, two = (
        index([write(folder / f"{i}.jsonl", rows)], jsonl.refuse)
        for i, rows in enumerate((trained, held))
    )
    leaks = find_leaks(one, np.arange(len(one)), two, NearDuplicates())
    return [(one.id_of(leak.trained), two.id_of(leak.held_out)) for leak in leaks]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(sorted(PLANTS)), st.integers(0, 300))
def test_a_leak_is_found_every_time_and_nothing_else(
    seed: int, kind: str, others: int
) -> None:
    import tempfile

    held = (
        [code_row(seed * 10 + i) for i in range(3)]
        if kind == "renamed"
        else prose(f"h{seed}", 3)
    )
    trained = [*prose(f"t{seed}", others % 20), PLANTS[kind](held[seed % 3])]
    with tempfile.TemporaryDirectory() as name:
        leaks = leaks_between(Path(name), trained, held)
        clean = leaks_between(Path(name), trained[:-1], held)
    assert leaks == [(trained[-1].sample_id, held[seed % 3].sample_id)]
    assert clean == []


def test_a_leak_hides_in_no_crowd(tmp_path: Path) -> None:
    """Five hundred trained rows from one template, and a held-out row that nearly
    copies the last.
    """
    base = text("template", 60).split()
    trained = []
    for i in range(500):
        words = [*base[:45], *text(f"own{i}", 15).split()]
        trained.append(sample(f"row{i}", instruction="q", output=" ".join(words)))
    held = replace(near_copy(trained[-1]), output=trained[-1].output + " end")
    assert (trained[-1].sample_id, held.sample_id) in leaks_between(
        tmp_path, trained, [held]
    )


def test_what_else_is_wrong_is_named(project: Path) -> None:
    with layout.mixed("m", "train").open("ab") as file:
        file.write(b'{"instruction": "no output"}\n')
    plant_long = sample("long", output="word " * 600)
    rows = [
        row for _, row in jsonl.read_objects(layout.mixed("m", "train"), jsonl.refuse)
    ]
    write(layout.mixed("m", "train"), [*rows, plant_long])
    assert check() == {"schema": 1, "too long": 1}


def of(source: str, count: int) -> list[TrainingSample]:
    return [replace(row, source=source) for row in prose(source, count)]


SMALL = {
    "6 and 20 rows": ({"claude": 6, "mine": 20}, 0, {"claude": 0.1, "mine": 0.9}),
    "weights of a large project": (
        {"claude": 6, "mine": 20},
        0,
        {"mine": 0.9, "claude": 0.015, "codex": 0.05},
    ),
    "one row": ({"mine": 1}, 0, {"mine": 1.0}),
    "a small buffer": ({"claude": 6, "mine": 20}, 1, {"claude": 0.5, "mine": 0.5}),
    "a large buffer": ({"claude": 6, "mine": 20}, 30, {"claude": 0.5, "mine": 0.5}),
    "a source without rows": ({"mine": 20}, 3, {"claude": 0.5, "mine": 0.5}),
}


@pytest.mark.parametrize("ratio", [0.0, 0.2])
@pytest.mark.parametrize("oversample", [1, 4])
@pytest.mark.parametrize("case", SMALL)
def test_any_amount_of_data_passes_without_a_stated_total(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    oversample: int,
    ratio: float,
) -> None:
    monkeypatch.chdir(tmp_path)
    sizes, old, weights = SMALL[case]
    write(layout.fitted("m", "train"), [r for n, c in sizes.items() for r in of(n, c)])
    for part in ("val", "test"):
        write(layout.fitted("m", part), prose(part, 1))
        write(layout.RELEASES / "m" / "v1" / f"{part}.jsonl", [])
    write(layout.RELEASES / "m" / "v1" / "train.jsonl", prose("old", old))
    (layout.RELEASES / "m" / "v1" / "manifest.json").write_text("{}")
    block = Model.model_validate(
        {
            "version": "v2",
            "weights": weights,
            "rehearsal": {"ratio": ratio},
            "rebalance": {"oversample": oversample},
        }
    )
    rehearse_model("m", block, NearDuplicates(), 1)
    report = rebalance_model("m", block, 1)
    report.write(layout.report("rebalance", "m"))
    _, findings, facts = check_model("m", block, NearDuplicates(), count, 500)
    findings.raise_if_any("m")
    assert facts["rows"]["train"] == report.values["total"]["largest"] > 0
    assert "models.m.rebalance.max_total is not set" in describe_total(
        "m", block, report
    )
    short = [text for text in report.warnings if "models.m.rehearsal.ratio" in text]
    assert bool(short) == (ratio > 0 and 0 < old < 5)


def test_a_stated_total_that_cannot_be_met_names_key_number_and_line(
    project: Path,
) -> None:
    params = "models:\n    m:\n        rebalance: {oversample: 2, max_total: 720}\n"
    layout.PARAMS.write_text(params)
    rebalanced = {"oversample": 2, "max_total": 720}
    block = MODEL.model_copy(update={"rebalance": Rebalance.model_validate(rebalanced)})
    with pytest.raises(UserError) as refused:
        rebalance_model("m", block, 1)
    text = str(refused.value)
    assert text.startswith("params.yaml:3: models.m.rebalance.max_total: 720 cannot")
    assert "set models.m.rebalance.max_total to 100, or remove the line" in text
    for total, is_met in ((100, True), (101, False)):
        rebalanced["max_total"] = total
        block = MODEL.model_copy(
            update={"rebalance": Rebalance.model_validate(rebalanced)}
        )
        if not is_met:
            with pytest.raises(UserError, match="100 would do"):
                rebalance_model("m", block, 1)
            continue
        report = rebalance_model("m", block, 1)
        assert report.rows_out == total
        assert describe_total("m", block, report) == ""


def test_every_finding_says_what_mends_it(project: Path) -> None:
    plant(read(layout.mixed("m", "test"))[0])
    plant(near_copy(read(layout.mixed("m", "test"))[1]))
    plant(sample("long", output="word " * 600))
    with layout.mixed("m", "train").open("ab") as file:
        file.write(b'{"instruction": "no output"}\n')
    path = layout.report("rebalance", "m")
    jsonl.write_json(path, {**jsonl.read_json(path), "wanted": {"alpha": 0.5}})
    block = MODEL.model_copy(update={"rebalance": Rebalance(tolerance=0.01)})

    def fussy(row: TrainingSample) -> int:
        if row.sample_id == read(layout.mixed("m", "val"))[0].sample_id:
            raise ValueError("roles must alternate")
        return count(row)

    _, findings, _ = check_model("m", block, NearDuplicates(), fussy, 500)
    assert set(findings.problems) == set(findings.fixes)
    assert set(findings.problems) == {
        "leak (exact)",
        "leak (near)",
        "too long",
        "schema",
        "share",
        "chat template",
    }
    with pytest.raises(UserError) as refused:
        findings.raise_if_any("m")
    fix = str(refused.value).partition("fix: ")[2]
    for words in (
        "share: set models.m.rebalance.max_total to 50 or remove the line, or raise",
        "too long: set fit.max_tokens to 600 or more",
        "leak (exact): `dvc repro split`",
        "leak (near): `dvc repro split`",
        "schema: `dvc repro --force --single-item rebalance@m`",
        "chat template: take the row out",
        "then: dvc repro check@m",
    ):
        assert words in fix


def test_a_mix_without_rows_says_where_rows_come_from(project: Path) -> None:
    write(layout.mixed("m", "train"), [])
    _, findings, _ = check_model("m", MODEL, NearDuplicates(), count, 500)
    assert "lower quality.min_score" in findings.fixes["empty"]
    path = layout.report("rebalance", "m")
    jsonl.write_json(path, {**jsonl.read_json(path), "ratio": 1.0})
    _, findings, _ = check_model("m", MODEL, NearDuplicates(), count, 500)
    assert "models.m.rehearsal.ratio: 1 trains" in findings.problems["empty"][0]


def test_no_test_row_is_told_before_the_training(project: Path) -> None:
    write(layout.mixed("m", "test"), [])
    report, findings, _ = check_model("m", MODEL, NearDuplicates(), count, 500)
    findings.raise_if_any("m")
    assert "evaluate@m will refuse" in report.warnings[0]


def test_a_missed_share_fails(project: Path) -> None:
    report = jsonl.read_json(layout.report("rebalance", "m"))
    jsonl.write_json(
        layout.report("rebalance", "m"),
        {**report, "wanted": {"alpha": 0.5, "beta": 0.5}},
    )
    assert check() == {"share": 2}


def test_a_template_that_cannot_render_a_row_is_named(project: Path) -> None:
    def fussy(row: TrainingSample) -> int:
        if row.sample_id == read(layout.mixed("m", "val"))[0].sample_id:
            raise ValueError("roles must alternate")
        return 1

    _, findings, _ = check_model("m", MODEL, NearDuplicates(), fussy, 500)
    with pytest.raises(UserError, match=r"chat template: 1\n.*roles must alternate"):
        findings.raise_if_any("m")


def test_an_empty_training_set_fails(project: Path) -> None:
    write(layout.mixed("m", "train"), [])
    assert "empty" in check()


@settings(deadline=None, max_examples=20)
@given(
    st.integers(0, 1000),
    st.sampled_from(["random", "each_fact", "top_quality", "quality_diversity"]),
)
def test_the_buffer_never_meets_a_held_out_row(seed: int, policy: str) -> None:
    import contextlib
    import tempfile

    random = Random(seed)
    block = MODEL.model_copy(
        update={"rehearsal": Rehearsal.model_validate({"ratio": 0.5, "policy": policy})}
    )
    held = prose(f"held{seed}", 6)
    old = [*prose(f"old{seed}", 20), *(near_copy(row) for row in held[:3]), held[4]]
    old = [replace(row, quality_score=0.9) for row in random.sample(old, len(old))]
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        for part, rows in (
            ("train", prose(f"new{seed}", 20)),
            ("val", held[:2]),
            ("test", []),
        ):
            write(layout.fitted("m", part), rows)
        for part, rows in (("train", old), ("val", []), ("test", held[2:])):
            write(layout.RELEASES / "m" / "v4" / f"{part}.jsonl", rows)
        (layout.RELEASES / "m" / "v4" / "manifest.json").write_text("{}")
        report = rehearse_model("m", block, NearDuplicates(), seed)
        buffer = read(layout.rehearsal("m"))
        assert report.dropped["near_held_out"] == 4
        assert len(buffer) == 20
        again = rehearse_model("m", block, NearDuplicates(), seed)
        assert (read(layout.rehearsal("m")), again.to_dict()) == (
            buffer,
            report.to_dict(),
        )


@pytest.mark.parametrize(
    ("ratio", "version", "rows"),
    [(0.0, "v5", 0), (1.0, "v5", 40), (0.2, "v5", 10), (0.2, "v4", 0)],
)
def test_rehearsal_takes_strictly_older_versions(
    project: Path, ratio: float, version: str, rows: int
) -> None:
    block = Model.model_validate(
        {"version": version, "weights": {"alpha": 1}, "rehearsal": {"ratio": ratio}}
    )
    report = rehearse_model("m", block, NearDuplicates(), 1)
    assert len(read(layout.rehearsal("m"))) == rows
    if version == "v4":
        assert "there are 0" in report.warnings[0]
    else:
        assert report.warnings == []
    if ratio == 0.2 and version == "v5":
        assert report.dropped == {"not_selected": 30}, "more than the ratio asks for"


def test_a_ratio_of_one_trains_on_the_past_alone(project: Path) -> None:
    block = Model.model_validate(
        {"version": "v5", "weights": {"alpha": 1}, "rehearsal": {"ratio": 1.0}}
    )
    rehearse_model("m", block, NearDuplicates(), 1)
    report = rebalance_model("m", block, 1)
    assert report.values["groups"] == {"rehearsal": 40}


@pytest.mark.parametrize(("oversample", "short"), [(1, 20), (2, 0)])
def test_a_small_buffer_may_be_repeated_in_the_mix(
    project: Path, oversample: int, short: int
) -> None:
    """40 new rows and a ratio of 0.6 ask for 60 old ones; there are 40, which may stand
    in the mix twice.
    """
    block = Model.model_validate(
        {
            "version": "v5",
            "weights": {"alpha": 1},
            "rehearsal": {"ratio": 0.6},
            "rebalance": {"oversample": oversample, "max_total": 100},
        }
    )
    report = rehearse_model("m", block, NearDuplicates(), 1)
    assert (report.values["wanted"], report.values["short"], len(report.warnings)) == (
        60,
        short,
        bool(short),
    )


def test_old_rows_with_ids_of_their_own_are_known_by_content(project: Path) -> None:
    new = read(layout.fitted("m", "train"))
    old = [
        replace(row, sample_id=f"uuid-{i}", quality_score=0.9)
        for i, row in enumerate(new[:3])
    ]
    write(layout.RELEASES / "m" / "v4" / "train.jsonl", [*old, *prose("only old", 10)])
    block = Model.model_validate(
        {"version": "v5", "weights": {"alpha": 1}, "rehearsal": {"ratio": 0.5}}
    )
    assert rehearse_model("m", block, NearDuplicates(), 1).dropped["in_new_data"] == 3


KEY = "ghp_" + "A1b2" * 9


def told(secret: str) -> TrainingSample:
    [row] = prose("planted", 1)
    return replace(row, output=f"{row.output} the token is {secret} today")


def test_a_key_of_a_vendor_is_told_without_its_value(project: Path) -> None:
    plant(told(KEY))
    _, findings, _ = check_model("m", MODEL, NearDuplicates(), count, 500)
    assert len(findings.problems["secret"]) == 1
    said = findings.problems["secret"][0] + findings.fixes["secret"]
    assert KEY not in said
    assert "check.allowed_secrets" in said


def test_an_allowed_value_passes(project: Path) -> None:
    plant(told(KEY))
    allowed = [hashlib.sha256(KEY.encode()).hexdigest()]
    _, findings, _ = check_model(
        "m", MODEL, NearDuplicates(), count, 500, allowed_secrets=allowed
    )
    assert "secret" not in findings.problems


def test_a_key_in_the_place_of_a_name_and_deep_below_is_found() -> None:
    deep: object = KEY
    for _ in range(300):
        deep = [deep]
    [row] = prose("planted", 1)
    for metadata in ({KEY: 1}, {"a": {KEY: {}}}, {"a": deep}):
        assert [kind for kind, _ in secrets_in(replace(row, metadata=metadata))]
