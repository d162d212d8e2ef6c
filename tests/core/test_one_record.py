"""A field of the record is added in one place, and every step then reads,
keeps and writes it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.rows import sample, write

PACKAGE = Path(__file__).parents[2] / "afs_stages"
FIELD = '    source: str = ""\n'
STEPS = [
    "scoring score --input rows.jsonl --output scored.jsonl --no-electra",
    "training prepare --input scored.jsonl --output splits",
    (
        "training rehearsal-build --input scored.jsonl --version v1 --output "
        "buffer.jsonl --quality-threshold 0"
    ),
    (
        "training rebalance --input splits/train.jsonl --output mixed.jsonl "
        "--weight alpha=1"
    ),
    (
        "training rehearsal-mix --buffer buffer.jsonl --new-data mixed.jsonl "
        "--output final.jsonl"
    ),
]
OUTPUTS = [
    "scored.jsonl",
    "splits/train.jsonl",
    "splits/test.jsonl",
    "buffer.jsonl",
    "mixed.jsonl",
    "final.jsonl",
]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package with one more field in the record, and nothing else changed."""
    copy = tmp_path / "site" / "afs_stages"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    record = copy / "core" / "sample.py"
    text = record.read_text(encoding="utf-8")
    assert text.count(FIELD) == 1
    record.write_text(
        text.replace(FIELD, f'{FIELD}    licence: str = ""\n'), encoding="utf-8"
    )
    return copy.parent


def afs(package: Path, folder: Path, line: str) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "afs_stages.cli", *line.split()]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_field_is_added_in_one_place(package: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    rows = [
        {**sample(str(number)).to_dict(), "licence": f"L{number}"}
        for number in range(40)
    ]
    write(work / "rows.jsonl", rows)
    licences = {row["sample_id"]: row["licence"] for row in rows}
    for step in STEPS:
        afs(package, work, step)
    for name in OUTPUTS:
        found = [json.loads(line) for line in (work / name).read_bytes().splitlines()]
        assert found, name
        for row in found:
            assert row["licence"] == licences[row["sample_id"]], name
            assert "licence" not in row["_metadata"], name
            assert list(row).index("licence") == list(row).index("source") + 1, (
                "written where the record has it"
            )
