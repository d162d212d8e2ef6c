"""A real, very small base model and rows to train on,
made once for all tests of the model.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afs_stages.core import jsonl
from afs_stages.core.params.model import BaseModelBlock
from afs_stages.core.sample import TrainingSample

ROOMS = [
    "cellar",
    "lantern room",
    "boat house",
    "gate",
    "kitchen",
    "stair",
    "archive",
    "harbour",
]
VERBS = ["opens", "guards", "drains", "lights", "feeds", "turns"]

Chat = Callable[..., list[TrainingSample]]
Write = Callable[[Path, list[TrainingSample]], Path]


def make_chat(
    seed: int, domain: str = "oracle_docs", rows: int = 40
) -> list[TrainingSample]:
    """Question and answer pairs with addresses, different for each seed."""
    rng = random.Random(seed)
    out = []
    for at in range(rows):
        room, verb, address = (
            rng.choice(ROOMS),
            rng.choice(VERBS),
            f"${rng.randrange(0x7E0000, 0x7EFFFF):06X}",
        )
        question = f"Which address {verb} the {room} in case {seed}-{at}?"
        answer = f"The flag at {address} {verb} the {room}; clear it when you leave."
        out.append(
            TrainingSample(
                instruction=question, output=answer, domain=domain, source="oracle"
            )
        )
    return out


@pytest.fixture(scope="session")
def chat() -> Chat:
    return make_chat


@pytest.fixture(scope="session")
def write_messages() -> Write:
    """Writes samples as OpenAI messages rows."""
    from afs_stages.training.chat_rows import from_sample

    def write(path: Path, samples: list[TrainingSample]) -> Path:
        with jsonl.open_write(path) as writer:
            for sample in samples:
                writer.write({"messages": from_sample(sample).messages})
        return path

    return write


@pytest.fixture(scope="session")
def write_samples() -> Write:
    """Writes samples as a stage does."""

    def write(path: Path, samples: list[TrainingSample]) -> Path:
        with jsonl.open_write(path) as writer:
            for sample in samples:
                writer.write(sample)
        return path

    return write


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model of some ten thousand weights that has read rows as plain text."""
    from afs_stages.training.base_model import POINTER
    from afs_stages.training.tiny import pretrain

    folder = tmp_path_factory.mktemp("base")
    block = BaseModelBlock(
        hidden_size=32,
        layers=2,
        heads=2,
        vocab_size=400,
        context=256,
        epochs=2,
        batch_tokens=512,
    )
    pretrain(make_chat(1) + make_chat(2), block, 7, folder)
    jsonl.write_json(folder / POINTER, {"kind": "tiny", "id": None, "revision": None})
    return folder


@pytest.fixture(scope="session")
def base(base_folder: Path) -> Any:
    from afs_stages.training.base_model import resolve

    return resolve(base_folder)


@pytest.fixture(scope="session")
def tokenizer(base: Any) -> Any:
    from afs_stages.training.base_model import load_tokenizer

    return load_tokenizer(base)


@pytest.fixture
def data(tmp_path: Path, write_messages: Write) -> Path:
    """A folder as `convert` leaves it."""
    write_messages(tmp_path / "data/train.jsonl", make_chat(1))
    write_messages(tmp_path / "data/val.jsonl", make_chat(2, rows=6))
    return tmp_path / "data"


@pytest.fixture
def job(base: Any, data: Path, tmp_path: Path) -> Callable[..., Any]:
    """Makes a training job on the tiny base; keys of the `train` block as arguments."""
    from afs_stages.core.params.model import Train
    from afs_stages.training.train import TrainingRun

    def make(output: str = "adapter", **changes: Any) -> TrainingRun:
        where = {
            key: changes.pop(key)
            for key in ("train_file", "val_file", "start", "resume")
            if key in changes
        }
        settings = {
            "epochs": 2,
            "batch_size": 1,
            "gradient_accumulation_steps": 2,
            "max_length": 256,
        }
        block = Train.model_validate(
            {**settings, "learning_rate": 5e-3, "save_steps": 2, "r": 4, **changes}
        )
        files = {
            "train_file": data / "train.jsonl",
            "val_file": data / "val.jsonl",
            **where,
        }
        return TrainingRun(
            base,
            block,
            3,
            output=tmp_path / output,
            curve=tmp_path / f"{output}.tsv",
            **files,
        )

    return make
