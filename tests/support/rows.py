"""Samples and files of samples for the data set's tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.sample import TrainingSample

WORDS = [
    f"{one}{two}"
    for one in "bcdfghjklmnpqrstvwz"
    for two in ("ab", "ek", "il", "om", "ut")
]


def text(seed: str, words: int = 30) -> str:
    """Words that share no long run with those of another seed."""
    random = Random(seed)
    return " ".join(random.choice(WORDS) for _ in range(words))


def sample(name: str, **fields: Any) -> TrainingSample:
    """A sample whose texts only its name decides;
    `group` and further metadata by keyword.
    """
    metadata = {
        key: fields.pop(key)
        for key in ("group", "origin_version", "provenance", "fact", "wording")
        if key in fields
    }
    fields = {
        "instruction": f"what is {name}",
        "output": text(name),
        "source": "alpha",
        "domain": "one",
    } | fields
    return TrainingSample(**fields, metadata=metadata | fields.pop("_metadata", {}))


def write(path: Path, rows: Iterable[TrainingSample | dict[str, Any]]) -> Path:
    """Write rows to a file; returns its path."""
    with jsonl.open_write(path) as writer:
        for row in rows:
            writer.write(row)
    return path


def read(path: Path) -> list[TrainingSample]:
    """The samples of a file."""
    return list(jsonl.read_samples(path, jsonl.refuse))


def objects(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file."""
    return [row for _, row in jsonl.read_objects(path, jsonl.refuse)]
