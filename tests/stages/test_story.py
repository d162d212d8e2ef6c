"""The whole story: v4 is released, v5 is trained,
and the matrix says what v5 still knows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import folder_hash

PARAMS = """
sources: {oracle: {root: x}}
train: {epochs: 12, batch_size: 1, gradient_accumulation_steps: 1, max_length: 256, \
learning_rate: 0.005, r: 8}
evaluate: {bootstrap: 200, must_beat_base: true}
models:
  veran:
    version: v5
    weights: {oracle: 1}
    train: {init_from: INIT}
"""


@pytest.fixture
def project(
    tmp_path: Path,
    base_folder: Path,
    chat: Callable[..., Any],
    write_samples: Callable[..., Path],
    write_messages: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A project folder in which everything before training has run."""
    monkeypatch.chdir(tmp_path)
    layout.BASE_MODEL.parent.mkdir(parents=True)
    (tmp_path / layout.BASE_MODEL).symlink_to(base_folder)
    for part, seed in (("train", 11), ("val", 12), ("test", 13)):
        write_samples(
            layout.release("veran", "v4") / f"{part}.jsonl",
            chat(seed, "oracle_asm", 16),
        )
        write_messages(
            layout.converted("veran", "messages", part), chat(seed + 10, "claude", 16)
        )
        write_samples(layout.mixed("veran", part), chat(seed + 10, "claude", 16))
    return tmp_path


def run_stages() -> dict[str, Any]:
    from afs_stages.stages.evaluate import evaluate
    from afs_stages.stages.register import register
    from afs_stages.stages.train import train
    from afs_stages.stages.train_releases import train_releases

    train_releases(model="veran")
    train(model="veran")
    evaluate(model="veran")
    register(model="veran")
    report: dict[str, Any] = jsonl.read_json(layout.report("evaluate", "veran"))
    return report


@pytest.mark.parametrize("init", ["base", "previous"])
def test_v5_is_measured_against_v4_on_both_test_sets(project: Path, init: str) -> None:
    (project / "params.yaml").write_text(PARAMS.replace("INIT", init))
    report = run_stages()
    assert list(report["loss"]) == ["base", "v4", "v5"]
    assert set(report["loss"]["v5"]) == {"v4", "v5"}
    assert set(report["domains"]["v5"]["v4"]) == {"oracle_asm"}
    assert report["gain_over_base"]["low"] > 0
    headline = jsonl.read_json(layout.metrics("veran"))
    assert headline["loss"] == report["loss"]["v5"]["v5"]["estimate"]
    assert list(report["general"]["share"]) == ["base", "v4", "v5"]
    assert headline["general"] == report["general"]["share"]["v5"]["all"]["estimate"]
    assert jsonl.read_json(project / "models/registry/current/veran.json") == {
        "version": "v5",
        "withdrawn": [],
    }
    for name in ("f", "bwt", "fwt"):
        found = report["forgetting"][name]
        assert headline[name] == found["estimate"]
        assert found["low"] <= found["estimate"] <= found["high"]
    facts = jsonl.read_json(layout.adapter("veran") / "training.json")
    assert bool(facts["start"]) == (init == "previous")
    assert (project / "reports/veran/forgetting.svg").is_file()
    # The release froze no recall set: one was made from its training rows.
    assert set(report["knowledge"]["recall"]["v5"]) == {"v4"}
    assert layout.generations("veran").is_file()
    record = next((project / "models/registry").glob("*.json"))
    assert jsonl.read_json(record)["metrics"]["forgetting"] == report["forgetting"]


def test_one_test_row_is_measured_and_none_is_explained(
    project: Path, chat: Callable[..., Any], write_samples: Callable[..., Path]
) -> None:
    from afs_stages.stages.evaluate import evaluate

    (project / "params.yaml").write_text(PARAMS.replace("INIT", "base"))
    write_samples(layout.mixed("veran", "test"), chat(23, "claude", 1))
    long = replace(chat(13, "oracle_asm", 1)[0], output="flag " * 600)
    write_samples(layout.release("veran", "v4") / "test.jsonl", [long])
    report = run_stages()
    assert list(report["loss"]) == ["base", "v5"], "v4 has no row that can be measured"
    assert report["test_rows"] == {"v5": 1}
    assert report["refusals"] == []
    assert "cannot tell with 1 test row" in report["warnings"][0]
    assert report["adapter"] == folder_hash(layout.adapter("veran"))
    write_samples(layout.mixed("veran", "test"), [])
    with pytest.raises(UserError, match="no test rows to measure on: the file has"):
        evaluate(model="veran")


def test_an_adapter_trained_here_is_kept_and_an_unwanted_one_removed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from afs_stages.stages.train_releases import train_releases

    (project / "params.yaml").write_text(PARAMS.replace("INIT", "base"))
    train_releases(model="veran")
    assert "training it from its released rows" in capsys.readouterr().out
    train_releases(model="veran")
    assert "training it" not in capsys.readouterr().out
    (project / "params.yaml").write_text(
        PARAMS.replace("INIT", "base").replace("v5", "v4")
    )
    train_releases(model="veran")
    assert list(layout.release_adapters("veran").iterdir()) == []


def test_an_adapter_of_another_base_is_never_compared(project: Path) -> None:
    from afs_stages.stages.evaluate import evaluate

    (project / "params.yaml").write_text(PARAMS.replace("INIT", "base"))
    run_stages()
    facts = layout.adapter("veran") / "training.json"
    facts.write_text(facts.read_text().replace('"hash": "', '"hash": "other', 1))
    with pytest.raises(UserError, match="trained on another base"):
        evaluate(model="veran")


SCRIPT = """
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("--data", "--output", "--epochs"):
    parser.add_argument(name)
options = parser.parse_args()
text = pathlib.Path(options.data, "train.jsonl").read_text()
pathlib.Path(options.output, "seen.jsonl").write_text(text)
"""


def test_released_rows_are_trained_on_as_convert_renders_rows_today(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from afs_stages.stages.train_releases import train_releases

    (project / "own.py").write_text(SCRIPT)
    params = PARAMS.replace("init_from: INIT", "script: own.py")
    (project / "params.yaml").write_text(
        params + "convert: {system_prompt: You know the tides.}\n"
    )
    train_releases(model="veran")
    seen = layout.release_adapters("veran") / "v4/adapter/seen.jsonl"
    rows = [row for _, row in jsonl.read_objects(seen, jsonl.refuse)]
    assert len(rows) == 16
    assert all(
        row["messages"][0] == {"role": "system", "content": "You know the tides."}
        for row in rows
    )
    assert "training it" in capsys.readouterr().out
    train_releases(model="veran")
    assert "training it" not in capsys.readouterr().out, "the same rendering is kept"
    (project / "params.yaml").write_text(params)
    train_releases(model="veran")
    assert "training it" in capsys.readouterr().out, (
        "another rendering is another training"
    )
    assert "You know the tides." not in seen.read_text()


def test_every_test_set_is_measured_as_convert_renders_rows(project: Path) -> None:
    (project / "params.yaml").write_text(PARAMS.replace("INIT", "base"))
    plain = run_stages()["loss"]["base"]["v4"]["estimate"]
    styled = (
        PARAMS.replace("INIT", "base")
        + "convert: {system_prompt: You know the tides.}\n"
    )
    (project / "params.yaml").write_text(
        styled.replace("must_beat_base: true", "must_beat_base: false")
    )
    assert run_stages()["loss"]["base"]["v4"]["estimate"] != plain


def test_a_version_that_lost_too_much_fails_its_stage_with_the_table(
    project: Path, chat: Callable[..., Any], write_messages: Callable[..., Path]
) -> None:
    other = [
        replace(sample, output=sample.output[::-1]) for sample in chat(21, "claude", 16)
    ]
    write_messages(layout.converted("veran", "messages", "train"), other)
    params = PARAMS.replace("INIT", "base").replace(
        "must_beat_base: true", "must_beat_base: false, max_regression: 0"
    )
    (project / "params.yaml").write_text(params)
    with pytest.raises(UserError, match="v5 is worse than v4") as failed:
        run_stages()
    assert "on v4's test set" in str(failed.value)
    assert "oracle_asm" in str(failed.value)
    assert layout.report("evaluate", "veran").is_file(), "what was measured is kept"
    assert not (project / "models/registry").exists(), (
        "a version that failed is not registered"
    )
