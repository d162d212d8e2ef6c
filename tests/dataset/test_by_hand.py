"""The documented commands, with the flags the documentation shows,
through the real command line.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.rows import objects, read, sample, write

ROOT = Path(__file__).parents[2]


def afs(folder: Path, command: str, fails: bool = False) -> str:
    """Run `afs …` in a folder; returns what it printed.
    A traceback is a failure in any case.
    """
    words = shlex.split(command.replace("\\\n", " "))
    assert words[0] == "afs"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = [word.replace("~", str(folder)) for word in words]
    result = subprocess.run(
        [sys.executable, "-m", "afs_stages.cli", *words[1:]],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    text = result.stdout + result.stderr
    assert "Traceback" not in text, text
    assert (result.returncode != 0) == fails, text
    return text


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Scored rows of four sources, and what an old version was trained on."""
    for source in ("oracle", "memory", "toolbench"):
        rows = [
            sample(
                f"{source}{i}",
                source=source,
                domain=f"{source}_d",
                quality_score=i / 60,
            )
            for i in range(60)
        ]
        write(tmp_path / "training_data" / f"{source}_scored.jsonl", rows)
    old = [
        {
            "instruction": f"old {i}",
            "output": f"answer {i}",
            "domain": f"d{i % 2}",
            "source": "oracle",
        }
        | {"quality_score": i / 50, "teacher_model": "big", "kg_entities": []}
        for i in range(50)
    ]
    # `afs release` is a project's.
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    write(tmp_path / "models" / "majora_v1_training.jsonl", old)
    write(
        tmp_path / "models" / "majora_v2_new.jsonl",
        [sample(f"new{i}") for i in range(35)],
    )
    return tmp_path


BUILD = """afs training rehearsal-build \\
  --input models/majora_v1_training.jsonl \\
  --version v1 \\
  --output ~/.context/training/rehearsal/majora_v1.jsonl \\
  --top-ratio 0.3"""
REBALANCE = """afs training rebalance \\
  --input training_data/oracle_scored.jsonl \\
  --input training_data/memory_scored.jsonl \\
  --input training_data/toolbench_scored.jsonl \\
  --input ~/.context/training/rehearsal/majora_v1.jsonl \\
  --output training_data/majora_v2_mixed.jsonl \\
  --weight oracle=0.35 \\
  --weight memory=0.20 \\
  --weight toolbench=0.25 \\
  --weight rehearsal=0.20 \\
  --min-quality-score 0.5"""
PREPARE = """afs training prepare \\
  --input training_data/majora_v2_mixed.jsonl \\
  --output training_data/majora_v2_splits \\
  --train-ratio 0.8 \\
  --val-ratio 0.1 \\
  --stratify-by domain \\
  --seed 42"""


def test_a_retraining_from_buffer_to_formats(data: Path) -> None:
    assert "written: " in afs(data, BUILD)
    buffer = read(data / ".context/training/rehearsal/majora_v1.jsonl")
    assert len(buffer) == 15
    assert {row.metadata["origin_version"] for row in buffer} == {"v1"}
    assert {row.metadata["teacher_model"] for row in buffer} == {"big"}
    assert min(row.quality_score or 0 for row in buffer) >= 0.7

    assert "oracle" in afs(data, REBALANCE)
    mixed = read(data / "training_data/majora_v2_mixed.jsonl")
    old = [row for row in mixed if row.metadata.get("origin_version")]
    counts = Counter(row.source for row in mixed if row not in old) | {
        "rehearsal": len(old)
    }
    shares = {"oracle": 0.35, "memory": 0.20, "toolbench": 0.25, "rehearsal": 0.20}
    assert all(
        abs(counts[name] - share * len(mixed)) < 1 for name, share in shares.items()
    )
    assert min(row.quality_score or 0 for row in mixed) >= 0.5

    assert "train" in afs(data, PREPARE)
    splits = data / "training_data/majora_v2_splits"
    parts = {part: read(splits / f"{part}.jsonl") for part in ("train", "val", "test")}
    assert sum(map(len, parts.values())) == len(mixed)
    assert all(parts.values())
    for name in ("alpaca", "sharegpt", "openai", "chatml"):
        output = f"training_data/majora_v2_splits/train_{name}.jsonl"
        source = "training_data/majora_v2_splits/train.jsonl"
        afs(
            data,
            f"afs training convert --input {source} --output {output} --format {name}",
        )
        assert len(objects(data / output)) == len(parts["train"])
        back = (
            f"afs training convert --input {output} --output back.jsonl --format "
            f"{name} --from --source web"
        )
        afs(data, back)
        assert sorted(row.output for row in read(data / "back.jsonl")) == sorted(
            row.output for row in parts["train"]
        )
    afs(
        data,
        "afs training convert --input training_data/majora_v2_splits/val.jsonl "
        "--no-cot",
    )
    assert (data / "training_data/majora_v2_splits/val_alpaca.jsonl").is_file()


def test_mixing_a_buffer_in(data: Path) -> None:
    afs(data, BUILD)
    command = """afs training rehearsal-mix \\
      --buffer ~/.context/training/rehearsal/majora_v1.jsonl \\
      --new-data models/majora_v2_new.jsonl \\
      --rehearsal-ratio 0.3 \\
      --output models/majora_v2_training.jsonl"""
    assert "share of rehearsal: 0.300" in afs(data, command)
    assert len(read(data / "models/majora_v2_training.jsonl")) == 50
    assert "the buffer has 15" in afs(data, command.replace("0.3", "0.5"))
    assert "the buffer has 15" in afs(
        data, command.replace("0.3", "0.5") + " --strict", fails=True
    )
    packed = BUILD.replace(
        "majora_v1.jsonl \\\n  --top", "packed.jsonl --compress \\\n  --top"
    )
    assert "packed.jsonl.zst" in afs(data, packed)
    afs(
        data, command.replace("rehearsal/majora_v1.jsonl", "rehearsal/packed.jsonl.zst")
    )


def test_releases_by_hand(data: Path) -> None:
    one = "afs release import veran v4 --train models/majora_v1_training.jsonl --no-dvc"
    assert "released veran v4: 50 train, 0 val, 0 test" in afs(data, one)
    assert "never changes" in afs(data, one, fails=True)
    afs(data, "afs release import veran v5 --train models/majora_v2_new.jsonl --no-dvc")
    assert "veran v4" in afs(data, "afs release --list")
    assert "added" in afs(data, "afs release veran --diff v4 v5")
    with (data / "data/releases/veran/v4/train.jsonl").open("a") as file:
        file.write("\n")
    assert "changed since the release" in afs(data, "afs release --list", fails=True)


def test_no_held_out_row_of_a_release_enters_a_buffer(data: Path) -> None:
    held = read(data / "models/majora_v1_training.jsonl")[-5:]
    write(data / "held.jsonl", held)
    afs(
        data,
        "afs release import veran v1 --train models/majora_v2_new.jsonl --test "
        "held.jsonl --no-dvc",
    )
    assert "near_held_out" in afs(data, BUILD)
    buffer = {
        row.sample_id
        for row in read(data / ".context/training/rehearsal/majora_v1.jsonl")
    }
    assert not buffer & {row.sample_id for row in held}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (REBALANCE.replace("oracle=0.35", "orakle=0.35"), "did you mean 'oracle'?"),
        (REBALANCE.replace("oracle=0.35", "oracle"), "--weight oracle=0.35"),
        (PREPARE.replace("0.8", "0.95"), "train + val must stay below 1"),
        (PREPARE.replace("majora_v2_mixed", "missing"), "no such file"),
        (BUILD.replace("majora_v1_training", "majora_v2_new"), "afs scoring score"),
        (BUILD.replace("0.3", "0"), "top_ratio"),
        (
            "afs training convert --input models/majora_v2_new.jsonl --format alpacca",
            "did you mean 'alpaca'?",
        ),
        (
            "afs release import veran four --train models/majora_v2_new.jsonl",
            "versions are called v1",
        ),
        ("afs release --diff v1 v2 veran", "no release in this folder"),
    ],
)
def test_mistakes_are_explained(data: Path, command: str, says: str) -> None:
    if command.startswith("afs training rebalance"):
        afs(data, BUILD)
    assert says in " ".join(afs(data, command, fails=True).split())
