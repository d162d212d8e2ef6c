"""The base model: made here with the same bytes, or pointed to with a clear word where
it can't be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import folder_hash
from afs_stages.training.base_model import resolve

PARAMS = """
sources: {oracle: {root: x}}
models: {m: {version: v1, weights: {oracle: 1}}}
base_model: {hidden_size: 16, layers: 1, heads: 1, vocab_size: 300, context: 64, \
epochs: 1, batch_tokens: 512}
"""


def stage(folder: Path, *args: str, **extra: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **extra,
    }
    command = [sys.executable, "-m", "afs_stages.stages.base_model", *args]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_same_rows_in_any_order_give_the_same_model(
    tmp_path: Path, chat: Callable[..., Any], write_samples: Callable[..., Path]
) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    rows = chat(1)
    for name, seed, order in (("one", "1", rows), ("two", "2", rows[::-1])):
        write_samples(tmp_path / f"{name}.jsonl", order)
        done = stage(
            tmp_path, "--data", f"{name}.jsonl", "--output", name, PYTHONHASHSEED=seed
        )
        assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "chat_template.jinja",
        "base.json",
    } <= set(names)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (
            tmp_path / "two" / name
        ).read_bytes(), name
    assert resolve(tmp_path / "one").hash == resolve(tmp_path / "two").hash


def test_no_rows_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "empty.jsonl").write_text("")
    done = stage(tmp_path, "--data", "empty.jsonl", "--output", "base")
    assert done.returncode == 1
    assert "no train rows" in done.stderr
    assert not (tmp_path / "base").exists()


def test_missing_hub_access_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    done = stage(
        tmp_path, "--id", "somebody/model@0123abc", "--output", "base", **offline
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for hint in ("somebody/model", "HF_TOKEN", "HF_HOME"):
        assert hint in done.stderr


def test_a_hub_id_needs_a_revision_and_a_folder_a_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names no revision"):
        resolve("somebody/model")
    with pytest.raises(UserError, match=r"config\.json is missing"):
        resolve(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        resolve("./nowhere")


def test_a_pointer_to_a_folder_stands_for_that_model(
    base_folder: Path, tmp_path: Path
) -> None:
    from afs_stages.training.base_model import write_pointer

    target = tmp_path / "pointer"
    target.mkdir()
    write_pointer(str(base_folder), target)
    assert resolve(target).hash == resolve(base_folder).hash
    assert resolve(target).weights == str(base_folder)
    assert not list(target.glob("*.safetensors"))
    assert jsonl.read_json(target / "base.json")["kind"] == "folder"


def test_other_weights_in_the_folder_make_another_pointer(
    base_folder: Path, tmp_path: Path
) -> None:
    from afs_stages.training.base_model import write_pointer

    own = tmp_path / "own"
    shutil.copytree(base_folder, own)
    for name in ("first", "same", "other"):
        if name == "other":
            with (own / "model.safetensors").open("ab") as file:
                file.write(b"\0")
        (tmp_path / name).mkdir()
        write_pointer(str(own), tmp_path / name)
    first, same, other = (
        folder_hash(tmp_path / name) for name in ("first", "same", "other")
    )
    assert first == same
    assert first != other, "DVC sees no change, so it would train nothing again"
