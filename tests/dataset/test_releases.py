"""Releases: frozen once, verified by hash, compared, adopted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.rows import objects, read, sample, write

from afs_stages.core import layout
from afs_stages.core.errors import UserError
from afs_stages.core.params import load
from afs_stages.dataset.releases import adopt, all_releases, diff, freeze, open_release

ROOT = Path(__file__).parents[2]
PARTS = {"train": 6, "val": 2, "test": 2}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a finished pipeline leaves for one model of the sample's params."""
    params = (ROOT / "params.yaml").read_bytes()
    monkeypatch.chdir(tmp_path)
    layout.PARAMS.write_bytes(params)
    assigned = [{"sample_id": sample("elsewhere").sample_id, "split": "train"}]
    for part, count in PARTS.items():
        rows = [sample(f"{part}{i}", quality_score=0.5) for i in range(count)]
        write(layout.fitted("veran", part), rows)
        assigned += [{"sample_id": row.sample_id, "split": part} for row in rows]
    write(layout.SPLITS / "assignments.jsonl", assigned)
    layout.checked("veran").parent.mkdir(parents=True)
    layout.checked("veran").write_text("fine")
    layout.adapter("veran").mkdir(parents=True)
    (layout.adapter("veran") / "adapter_config.json").write_text("{}")
    facts = {
        "model": "veran",
        "version": "v5",
        "base": {"name": "tiny", "hash": "b" * 64},
    }
    (layout.adapter("veran") / "training.json").write_text(json.dumps(facts))
    return tmp_path


def test_a_version_is_frozen_once(project: Path) -> None:
    release = freeze("veran", load(), layout.PARAMS.read_bytes())
    release.verify()
    assert release.manifest["rows"] == PARTS
    assert len(objects(release.folder / "assignments.jsonl")) == 10, (
        "this model's rows alone"
    )
    assert {row.metadata["origin_version"] for row in release.rows("train")} == {"v5"}
    assert (release.folder / "adapter" / "adapter_config.json").is_file()
    assert release.manifest["base_hash"] == "b" * 64
    before = {
        path: path.read_bytes() for path in release.folder.rglob("*") if path.is_file()
    }
    with pytest.raises(
        UserError, match="released already, and a release never changes"
    ):
        freeze("veran", load(), b"")
    assert {
        path: path.read_bytes() for path in release.folder.rglob("*") if path.is_file()
    } == before
    assert [found.name for found in all_releases()] == ["veran v5"]


def test_an_adapter_of_the_version_before_is_not_released_as_the_next(
    project: Path,
) -> None:
    raised = layout.PARAMS.read_text().replace("version: v5", "version: v6")
    layout.PARAMS.write_text(raised)
    with pytest.raises(UserError, match="the adapter is veran v5, not veran v6"):
        freeze("veran", load(), raised.encode())
    assert not layout.release("veran", "v6").exists()


def test_the_same_weights_are_not_released_twice(project: Path) -> None:
    weights = layout.adapter("veran") / "adapter_model.safetensors"
    weights.write_bytes(b"learnt")
    freeze("veran", load(), layout.PARAMS.read_bytes())
    raised = layout.PARAMS.read_text().replace("version: v5", "version: v6")
    layout.PARAMS.write_text(raised)
    record = layout.adapter("veran") / "training.json"
    record.write_text(record.read_text().replace("v5", "v6"))
    with pytest.raises(UserError, match=r"veran v6 is the one released as veran v5"):
        freeze("veran", load(), raised.encode())
    assert not layout.release("veran", "v6").exists()
    weights.write_bytes(b"learnt more")
    assert freeze("veran", load(), raised.encode()).name == "veran v6"


def test_a_release_knows_its_sources_and_status_names_those_that_are_gone(
    project: Path,
) -> None:
    from afs_stages.reporting.status import status

    release = freeze("veran", load(), layout.PARAMS.read_bytes())
    assert release.sources == ["alpha"]
    told = status(load()).releases["veran v5"]
    assert told == "holds rows of alpha, no longer in params.yaml"
    text = layout.PARAMS.read_text().replace("  oracle:\n", "  alpha:\n", 1)
    layout.PARAMS.write_text(text)
    assert status(load()).releases == {"veran v5": ""}


MEASURED = {
    "loss": {"base": {}, "v5": {}},
    "test_rows": {"v5": 40},
    "gain_over_base": {"estimate": 0.2, "low": 0.1, "high": 0.3},
    "domains": {
        name: {"v5": {"oracle_asm": {"rows": 40, "estimate": 2.0}}}
        for name in ("base", "v5")
    },
}


@pytest.mark.parametrize(
    ("checked", "measured", "told", "fix"),
    [
        ({}, {"loss": {}}, "veran v5 was not measured", "dvc repro evaluate@veran"),
        (
            {},
            {"gain_over_base": {"estimate": -0.1, "low": -0.2, "high": 0.1}},
            "did not pass evaluate",
            "dvc repro evaluate@veran",
        ),
        (
            {"problems": {"leak (exact)": 2}},
            {},
            "did not pass check: 2 leak (exact)",
            "dvc repro check@veran",
        ),
    ],
)
def test_a_version_that_failed_a_gate_is_not_released(
    project: Path, checked: dict, measured: dict, told: str, fix: str
) -> None:
    from afs_stages.commands.release import _refuse_failed_gates
    from afs_stages.core.jsonl import write_json

    whole = {**MEASURED, **measured} if measured != {"loss": {}} else measured
    write_json(layout.report("check", "veran"), {"problems": {}, **checked})
    write_json(layout.report("evaluate", "veran"), whole)
    with pytest.raises(UserError) as refused:
        _refuse_failed_gates("veran", "v5", load(), rented=False)
    assert told in str(refused.value)
    assert fix in str(refused.value)
    write_json(layout.report("check", "veran"), {"problems": {}})
    write_json(layout.report("evaluate", "veran"), MEASURED)
    _refuse_failed_gates("veran", "v5", load(), rented=False)


def adopted(
    version: str, train: list, test: list | None = None, adapter: Path | None = None
):
    files = {"train": write(Path("in") / "train.jsonl", train)}
    if test is not None:
        files["test"] = write(Path("in") / "test.jsonl", test)
    return adopt("veran", version, files, adapter)


def test_what_was_trained_elsewhere_is_adopted(project: Path) -> None:
    old = [
        {
            "instruction": f"q{i}",
            "output": "a",
            "sample_id": f"uuid-{i}",
            "rehearsal_version": "v2",
        }
        for i in (1, 2)
    ]
    fresh = {
        "instruction": "q3",
        "output": "a",
        "sample_id": "uuid-3",
        "teacher_model": "big",
    }
    release = adopted("v3", [*old, fresh], [old[0]], layout.adapter("veran"))
    release.verify()
    assert [row.sample_id for row in release.rows("train")] == ["uuid-2", "uuid-3"], (
        "a test row is no train row"
    )
    versions = {
        row.sample_id: row.metadata["origin_version"] for row in release.rows("train")
    }
    assert versions == {"uuid-2": "v2", "uuid-3": "v3"}
    assert release.manifest["origin"] == "adopted"


@pytest.mark.parametrize("change", ["edit", "remove", "add"])
def test_a_changed_release_is_noticed(project: Path, change: str) -> None:
    release = adopted("v3", [sample("a"), sample("b")])
    path = release.folder / "train.jsonl"
    if change == "edit":
        path.write_bytes(path.read_bytes().replace(b"what", b"When"))
    elif change == "remove":
        path.unlink()
    else:
        (release.folder / "more.jsonl").write_text("")
    with pytest.raises(
        UserError, match=r"changed since the release|is missing|not part of the release"
    ):
        open_release(release.folder).verify()


def test_two_versions_are_compared(project: Path) -> None:
    kept, moved, gone, new = (sample(name) for name in ("kept", "moved", "gone", "new"))
    before, after = sample("x", output="old answer"), sample("x", output="new answer")
    old = adopted("v1", [kept, moved, gone, before])
    young = adopted("v2", [kept, new, after], [moved])
    assert diff(old, young) == {
        "alpha one": {"kept": 1, "moved": 1, "dropped": 1, "added": 1, "changed": 1}
    }


def test_an_adapter_must_be_one(project: Path) -> None:
    with pytest.raises(UserError, match="no adapter in this folder"):
        adopted("v3", [sample("a")], adapter=project)
    assert not layout.release("veran", "v3").exists(), "nothing half done is left"


def test_the_sample_release_is_whole() -> None:
    for folder in sorted((ROOT / layout.RELEASES).glob("*/v*")):
        if (folder / "manifest.json").is_file():
            open_release(folder).verify()
            assert read(folder / "train.jsonl")
