"""LLaMA-Factory's own converter reads what is written for it.

Runs where `LLAMA_FACTORY` names a folder that holds it:

    pip install --no-deps --target FOLDER llamafactory

It takes what else it needs from this environment; torchaudio, which only decodes sound,
is an empty module here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.rows import write
from support.tool_rows import rows, tool

from afs_stages.core import layout
from afs_stages.core.sample import TrainingSample
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.convert import convert_file
from afs_stages.dataset.formats import Style, format_named
from afs_stages.dataset.loader_files import write_loader_files

FOLDER = os.environ.get("LLAMA_FACTORY", "")
pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.long,
    pytest.mark.skipif(not FOLDER, reason="LLAMA_FACTORY names no folder"),
]
READ = """
import json, sys, types
import transformers  # looks itself whether there is a torchaudio
sys.modules["torchaudio"] = types.ModuleType("torchaudio")
from datasets import load_dataset
from llamafactory.data.converter import get_dataset_converter
from llamafactory.data.parser import get_dataset_list
found = {}
for name in sys.argv[2:]:
    [attributes] = get_dataset_list([name], sys.argv[1])
    reader = get_dataset_converter(attributes.formatting, attributes, None)
    path = f"{sys.argv[1]}/{attributes.dataset_name}"
    lines = load_dataset("json", data_files=path, split="train", cache_dir="cache")
    found[name] = [reader(line) for line in lines]
print(json.dumps(found))
"""
FORMATS = ("alpaca", "sharegpt", "messages")


def later_turn() -> TrainingSample:
    """A second turn with two calls at once, under a system prompt."""
    function = {"name": "find", "arguments": '{"label":"Keeper"}'}
    calls = [{"id": id, "type": "function", "function": function} for id in "ab"]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "q1"},
        {"role": "assistant", "content": "a1"},
        {"role": "user", "content": "q2"},
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": "seen"},
        {"role": "tool", "tool_call_id": "b", "content": "not there"},
        {"role": "assistant", "content": "a2"},
    ]
    schema = tool("find", label="string")
    return TrainingSample(
        instruction="q2", output="a2", messages=messages, tools=[schema]
    )


def converted(
    folder: Path, samples: list[TrainingSample]
) -> dict[str, list[dict[str, Any]]]:
    """What LLaMA-Factory makes of the rows, by format."""
    write(Path("in.jsonl"), samples)
    columns = {}
    for name in FORMATS:
        output = layout.converted("m", name, "train")
        report = StageReport("convert")
        columns[name, "train"] = convert_file(
            Path("in.jsonl"), output, format_named(name), Style(), report
        )
    write_loader_files(folder, "m", columns)
    names = [f"m_train_{name}" for name in FORMATS]
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder), *names],
        env={**os.environ, "PYTHONPATH": FOLDER},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return {name.removeprefix("m_train_"): lines for name, lines in read.items()}


def calls_of(row: dict[str, Any]) -> list[Any]:
    """The calls of the turn before the last result: it writes several as a list."""
    told = json.loads(row["_prompt"][-2]["content"])
    return told if isinstance(told, list) else [told]


def test_its_converter_reads_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read = converted(Path("data/converted/m"), rows())
    for name in ("sharegpt", "messages"):
        find, count, plain = read[name]
        roles = [turn["role"] for turn in find["_prompt"]]
        assert roles == ["user", "function", "observation"]
        assert calls_of(find) == [{"name": "find", "arguments": {"label": "Keeper"}}]
        assert calls_of(count) == [{"name": "count", "arguments": {"upto": 7}}]
        assert find["_response"] == [{"role": "assistant", "content": "done"}]
        [tool] = json.loads(find["_tools"])
        assert tool["function"]["name"] == "find"
        assert not plain["_tools"]
    for name in FORMATS:
        plain = read[name][-1]
        assert plain["_prompt"][-1]["content"] == rows()[-1].instruction
        assert plain["_response"][0]["content"] == rows()[-1].output


def test_its_converter_reads_a_later_turn_with_two_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read = converted(Path("data/converted/m"), [*rows(), later_turn()])
    call = {"name": "find", "arguments": {"label": "Keeper"}}
    for name in ("sharegpt", "messages"):
        row = read[name][-1]
        roles = [turn["role"] for turn in row["_prompt"]]
        assert roles == ["user", "assistant", "user", "function", "observation"]
        assert calls_of(row) == [call, call]
        for result in ("seen", "not there"):
            assert result in row["_prompt"][-1]["content"]
    for name in FORMATS:
        row = read[name][-1]
        assert row["_prompt"][:2] == [
            {"role": "user", "content": "q1"},
            {"role": "assistant", "content": "a1"},
        ]
        assert row["_system"].strip() == "be brief"
        assert row["_response"][0]["content"] == "a2"
