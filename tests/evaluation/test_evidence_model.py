"""The chain of versions behind docs/rehearsal.md: its facts, tables, one real run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afs_stages.core import jsonl
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.recall_set import question, shape
from benchmarks.evidence.model import chain, facts, run

NAMES = ["Lamp", "Tide", "Bell", "Rope"]


def looked_up(folder: Path) -> Path:
    """Look-ups as a codebase's exporter writes them, without marks."""
    path = folder / "rows.jsonl"
    with jsonl.open_write(path) as writer:
        for number, name in enumerate(NAMES):
            answer = f"`{name}` is at $7E0F{number:02X} (WRAM), in `ram.asm`. It burns."
            asked = f"Where is `{name}` in memory, and what is it for?"
            writer.write(TrainingSample(instruction=asked, output=answer))
        other = TrainingSample(instruction="Why?", output="It follows from the rest.")
        writer.write(other)
    return path


def marked(folder: Path) -> Path:
    """Rows that name their fact, in three wordings and one that is kept aside."""
    path = folder / "rows.jsonl"
    with jsonl.open_write(path) as writer:
        for name in NAMES:
            for wording in ("10", "2", "1", "recall"):
                row = TrainingSample(
                    instruction=f"{wording}: who calls `{name}`?",
                    output=f"`{name}_Caller` does.",
                    metadata={"fact": name, "wording": wording},
                )
                writer.write(row)
    return path


def test_look_ups_are_asked_in_both_directions_and_in_words_never_trained(
    tmp_path: Path,
) -> None:
    found = facts.read_facts([looked_up(tmp_path)], 2)
    assert [fact.name for fact in found] == sorted(NAMES)
    trained = {shape(question(row)) for fact in found for row in fact.trained}
    asked = {shape(question(row)) for fact in found for row in fact.asked}
    assert len(trained) == 4
    assert len(asked) == 2
    assert not trained & asked
    assert found[0].trained[0].output == "`Bell` is at $F02."


def test_marked_wordings_are_taken_in_their_order(tmp_path: Path) -> None:
    found = facts.read_facts([marked(tmp_path)], 2)
    assert [row.metadata["wording"] for row in found[0].trained] == ["1", "2"]
    assert [row.metadata["wording"] for row in found[0].asked] == ["recall"]


def test_versions_share_no_fact_and_too_few_facts_are_said(tmp_path: Path) -> None:
    found = facts.read_facts([looked_up(tmp_path)], 1)
    sets = facts.divided(found, 2, 2, 1)
    names = [fact.name for version in sets for fact in version]
    assert sorted(names) == sorted(NAMES)
    assert sets == facts.divided(found[::-1], 2, 2, 1)
    with pytest.raises(SystemExit, match="4 facts, and 3 versions of 2"):
        facts.divided(found, 3, 2, 1)


def stored(folder: Path) -> Path:
    """Two versions of four facts by two seeds: v2 keeps half of what v1 knew without
    rehearsal, and all of it with.
    """
    about = {"facts": 4, "wordings": 1, "rank": 8, "learning_rate": 0.001}
    about |= {"token_budget": 1000, "inputs": ["abc"]}
    rights = {
        "base": ([0, 0, 0, 0], [0, 0, 0, 0]),
        "v1": ([1, 1, 0, 1], [0, 0, 0, 0]),
        "base-0-v2": ([0, 0, 0, 0], [1, 1, 1, 1]),
        "previous-0-v2": ([0, 1, 0, 0], [1, 1, 1, 1]),
        "previous-0.3-v2": ([1, 1, 1, 1], [1, 1, 1, 0]),
    }
    for seed in (1, 2):
        for name, sets in rights.items():
            right: dict[str, Any] = {
                f"v{number}": [[f"f{at}", hit] for at, hit in enumerate(hits)]
                for number, hits in enumerate(sets, 1)
            }
            cell = {**about, "seed": seed, "tokens": 1010, "right": right}
            jsonl.write_json(folder / "toy" / f"seed-{seed}" / f"{name}.json", cell)
    return folder / "toy"


def test_the_tables_say_what_is_kept_and_what_it_cost(tmp_path: Path) -> None:
    study = run.load(stored(tmp_path))
    lines = run.tables(study)
    kept = {tuple(line.split(" | ")[:2]): line for line in lines if "points" in line}
    assert len(kept) == 3
    without = next(
        line for line in kept.values() if line.startswith("| previous | 0 |")
    )
    assert without.startswith("| previous | 0 | 33% [")
    assert "| -50 points [" in without
    assert "| 50 points [" in without
    rehearsed = next(line for line in kept.values() if "| 0.3 |" in line)
    assert "| previous | 0.3 | 100% [61, 100] | 25 points [" in rehearsed
    assert "| 75% [" in rehearsed
    v1 = next(line for line in lines if line.startswith("|  |  | v1 | 75% ["))
    assert v1.endswith("| 1,010 |")


def test_a_chain_is_trained_measured_and_not_trained_again(
    base_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(looked_up(tmp_path)), "--base", str(base_folder), "--name", "toy"]
    words += ["--output", str(tmp_path / "results"), "--work", str(tmp_path / "work")]
    words += ["--seeds", "1", "--ratios", "0.3", "--init", "previous", "--facts", "2"]
    words += ["--versions", "2", "--wordings", "2", "--tokens", "300", "--rank", "2"]
    chain.main(words)
    cells = run.load(tmp_path / "results/toy").seeds[1]
    assert sorted(cells) == ["base", "previous-0.3-v2", "v1"]
    assert cells["v1"]["rows"] == 8
    assert cells["previous-0.3-v2"]["rows"] == 8 + 3
    assert [len(rows) for rows in cells["v1"]["right"].values()] == [4, 4]
    ratio = cells["previous-0.3-v2"]["tokens"] / cells["v1"]["tokens"]
    assert 0.7 < ratio < 1.4, "as many tokens with rehearsal as without"
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    capsys.readouterr()
    chain.main(words)
    assert "train:" not in capsys.readouterr().out
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before
    assert not any(name in str(cells) for name in NAMES), "no text of the codebase"
