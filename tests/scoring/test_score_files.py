"""Scoring files: survivors, rejects with reasons, resumption,
and every unlucky input counted.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from afs_stages import ScoringConfig, TrainingSample, score_jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import open_write

GOOD = (
    "Tide_Update raises the water by a step every minute and stops at the mark, "
    "so that the cave can be left."
)


def write(path: Path, outputs: list[str]) -> Path:
    with open_write(path) as writer:
        for number, output in enumerate(outputs):
            writer.write(
                TrainingSample(
                    instruction=f"What does Tide_Update do? {number}", output=output
                )
            )
    return path


def rows(path: Path) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_survivors_and_rejects_with_reasons(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.jsonl",
        [GOOD, "$22 " * 120, "", GOOD + " It is called once a frame."],
    )
    done = score_jsonl(
        source, tmp_path / "out.jsonl", None, 0.5, rejected_path=tmp_path / "low.jsonl"
    )
    assert (done.rows_in, done.kept) == (4, 2)
    assert done.dropped == {"unfinished": 1, "empty": 1}
    assert all(row["quality_score"] >= 0.5 for row in rows(tmp_path / "out.jsonl"))
    low = rows(tmp_path / "low.jsonl")
    assert [row["_rejected"]["reason"] for row in low] == ["unfinished", "empty"]
    assert "repetitive" in low[0]["_rejected"]["because"]
    kept = rows(tmp_path / "out.jsonl")[0]["_metadata"]
    assert kept["quality_components"]["assembler"] is None
    assert kept["quality_reasons"]["assembler"] == "no_assembly"
    assert sum(done.histogram) == 4


def test_empty_broken_and_huge_rows(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    assert score_jsonl(empty, tmp_path / "o.jsonl").rows_in == 0
    source = write(tmp_path / "in.jsonl", ["x" * 5_000_000, GOOD])
    with source.open("ab") as file:
        file.write(b'{"broken\n{"instruction": "no output"}\n')
    done = score_jsonl(source, tmp_path / "out.jsonl")
    assert (done.kept, done.rejected) == (2, {"broken_json": 1, "schema": 1})
    assert [row["reason"] for row in rows(tmp_path / "out.rejects.jsonl")] == [
        "broken_json",
        "schema",
    ]


def test_a_resumed_run_scores_only_new_rows(tmp_path: Path) -> None:
    cache = tmp_path / "scores.sqlite"
    source = write(tmp_path / "in.jsonl", [GOOD])
    assert score_jsonl(source, tmp_path / "a.jsonl", cache_path=cache).cached == 0
    first = (tmp_path / "a.jsonl").read_bytes()
    write(source, [GOOD, GOOD + " More."])
    done = score_jsonl(source, tmp_path / "a.jsonl", cache_path=cache)
    assert (done.cached, done.rows_in) == (1, 2)
    assert (tmp_path / "a.jsonl").read_bytes().startswith(first)
    other = score_jsonl(
        source,
        tmp_path / "b.jsonl",
        ScoringConfig.from_profile("dialogue"),
        cache_path=cache,
    )
    assert other.cached == 0, "another configuration, another score"


def no_database(cache: Path) -> None:
    cache.write_bytes(b"no database" * 200)


def spoiled_pages(cache: Path) -> None:
    data = bytearray(cache.read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    cache.write_bytes(data)


def cut_short(cache: Path) -> None:
    cache.write_bytes(cache.read_bytes()[:5000])


def spoiled_score(cache: Path) -> None:
    with closing(sqlite3.connect(cache)) as db:
        db.execute("UPDATE scores SET score = x'7b22'")
        db.commit()


@pytest.mark.parametrize(
    "damage", [no_database, spoiled_pages, cut_short, spoiled_score]
)
def test_a_damaged_cache_is_set_aside_and_counted(
    tmp_path: Path, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    cache, out = tmp_path / "c.sqlite", tmp_path / "o.jsonl"
    source = write(tmp_path / "in.jsonl", [f"{GOOD} {number}" for number in range(300)])
    score_jsonl(source, out, cache_path=cache)
    sound = out.read_bytes()
    damage(cache)
    spoiled = cache.read_bytes()
    done = score_jsonl(source, out, cache_path=cache)
    assert (done.damaged_caches, done.cached, done.kept) == (1, 0, 300)
    assert "the score cache was damaged" in capsys.readouterr().err
    assert (tmp_path / "c.sqlite.damaged").read_bytes() == spoiled
    assert out.read_bytes() == sound
    again = score_jsonl(source, out, cache_path=cache)
    assert (again.damaged_caches, again.cached) == (0, 300)


def test_a_database_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    cache = tmp_path / "mail.sqlite"
    with closing(sqlite3.connect(cache)) as db:
        db.execute("CREATE TABLE maker (address TEXT)")
        db.commit()
    before = cache.read_bytes()
    with pytest.raises(UserError, match="cannot be used"):
        score_jsonl(
            write(tmp_path / "in.jsonl", [GOOD]), tmp_path / "o.jsonl", cache_path=cache
        )
    assert cache.read_bytes() == before


def test_wrong_arguments(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [GOOD])
    with pytest.raises(UserError, match="min_score"):
        score_jsonl(source, tmp_path / "o.jsonl", None, 2.0)
    with pytest.raises(UserError, match="output is the input"):
        score_jsonl(source, source)
    with pytest.raises(UserError, match="no such file"):
        score_jsonl(tmp_path / "none.jsonl", tmp_path / "o.jsonl")


def test_same_bytes_in_any_batch_size(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [GOOD + str(n) for n in range(40)])
    score_jsonl(source, tmp_path / "a.jsonl", batch_rows=7)
    score_jsonl(source, tmp_path / "b.jsonl", batch_rows=512)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_same_bytes_with_any_number_of_processes(tmp_path: Path) -> None:
    names = [f"Tide_{n}" for n in range(600)]
    source = tmp_path / "in.jsonl"
    with open_write(source) as writer:
        for name in names:
            told = GOOD.replace("Tide_Update", f"`{name}`")
            writer.write(
                TrainingSample(instruction=f"What does `{name}` do?", output=told)
            )
    for processes in (1, 2):
        config = ScoringConfig(workers=processes)
        score_jsonl(source, tmp_path / f"{processes}.jsonl", config)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


def test_torch_is_not_loaded_for_rows_without_assembly(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [GOOD])
    program = (
        "import sys; from pathlib import Path; from afs_stages.scoring.score_files "
        "import score_jsonl;"
        f"score_jsonl(Path({str(source)!r}), Path({str(tmp_path / 'o.jsonl')!r}));"
        "print([m for m in ('torch', 'numpy', 'sklearn', 'transformers') if m in "
        "sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def afs(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "afs_stages.cli", *args],
        capture_output=True,
        text=True,
        check=False,
    )


def test_by_hand_from_code_to_filtered_rows(tmp_path: Path) -> None:
    pairs, model, out = (
        tmp_path / "pairs.jsonl",
        tmp_path / "model",
        tmp_path / "out.jsonl",
    )
    hack = str(Path(__file__).parents[2] / "data/sample/hack")
    made = afs(
        "discriminator",
        "data",
        "-i",
        hack,
        "-o",
        str(pairs),
        "--kind",
        "op_swap",
        "--kind",
        "drop_pull",
    )
    assert made.returncode == 0, made.stderr
    assert {row["kind"] for row in rows(pairs)} == {"", "op_swap", "drop_pull"}
    trained = afs(
        "discriminator",
        "train",
        "--data",
        str(pairs),
        "-o",
        str(model),
        "--kind",
        "ngram",
    )
    assert trained.returncode == 0, trained.stderr
    source = write(
        tmp_path / "in.jsonl", [GOOD, "```asm\nMain:\n  LDQ #$12\n  RTS\n```"]
    )
    done = afs(
        "discriminator",
        "filter",
        "-m",
        str(model),
        "-i",
        str(source),
        "-o",
        str(out),
        "--min-score",
        "0.7",
    )
    assert done.returncode == 0, done.stderr
    assert len(rows(out)) == 1
    manifest = json.loads((model / "discriminator.json").read_text())
    written = json.loads((tmp_path / "pairs.context.json").read_text())
    assert manifest["context"] == written
    assert "TideLevel" in written["names"]
    assert len(rows(tmp_path / "out.rejected.jsonl")) == 1
    assert (
        afs(
            "discriminator", "data", "-i", hack, "-o", str(pairs), "--kind", "op_swop"
        ).returncode
        == 1
    )
    assert (
        "no such file"
        in afs("scoring", "score", "-i", str(tmp_path / "x"), "-o", str(out)).stderr
    )


def stage(project: Path) -> dict[str, float]:
    """Run `score@oracle` in a project; the facts of the run."""
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "afs_stages.stages.score", "--source", "oracle"]
    run = subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    facts: dict[str, float] = json.loads(
        (project / "reports/run/score@oracle.json").read_text()
    )
    return facts


def test_the_stage_scores_only_new_rows_and_its_outputs_do_not_show_it(
    tmp_path: Path,
) -> None:
    from afs_stages.core.params.data import Discriminator
    from afs_stages.scoring.discriminator.from_samples import train_on_samples

    shutil.copy(Path(__file__).parents[2] / "params.yaml", tmp_path)
    train_on_samples([], Discriminator(), 1, tmp_path / "models/electra")
    exported = tmp_path / "data/exported/oracle.jsonl"
    write(exported, [GOOD, "$22 " * 120])
    assert stage(tmp_path)["scored"] == 2
    write(exported, [GOOD, "$22 " * 120, GOOD + " More."])
    facts = stage(tmp_path)
    assert (facts["scored"], facts["known_before"]) == (1, 2)
    outputs = [
        tmp_path / name
        for name in (
            "data/scored/oracle.jsonl",
            "data/rejected/oracle.jsonl",
            "reports/score/oracle.json",
        )
    ]
    before = [path.read_bytes() for path in outputs]
    shutil.rmtree(tmp_path / "data/cache")
    assert stage(tmp_path)["scored"] == 3
    assert [path.read_bytes() for path in outputs] == before
