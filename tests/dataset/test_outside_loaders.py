"""What other training programs read: chat templates of real models from rows that
`datasets` loaded, LLaMA-Factory's description, axolotl's configuration.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.chat_templates import with_template
from support.rows import write
from support.tool_rows import rows

from afs_stages.core import layout
from afs_stages.core.jsonl import read_json
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.convert import convert_file
from afs_stages.dataset.formats import Style, format_named
from afs_stages.dataset.loader_files import write_loader_files

TEMPLATES = ["qwen2_5", "llama3_1", "gemma4_v5", "glm4moe", "qwen3_instruct_2507"]


def loaded(folder: Path, name: str) -> Any:
    from datasets import load_dataset

    source = write(folder / "in.jsonl", rows())
    output = folder / f"{name}.jsonl"
    convert_file(source, output, format_named(name), Style(), StageReport("convert"))
    cache = str(folder / "cache")
    return load_dataset("json", data_files=str(output), cache_dir=cache, split="train")


@pytest.fixture(scope="module")
def model() -> Any:
    """A tokenizer alone: rendering needs no weights."""
    from afs_stages.training.tiny import build_tokenizer

    return build_tokenizer(["Where is the lamp?"], 400, 1024)


@pytest.mark.parametrize("name", TEMPLATES)
def test_loaded_rows_render_their_calls_once_encoded(
    tmp_path: Path, model: Any, name: str
) -> None:
    renderer = with_template(model, name)
    texts = []
    for row in loaded(tmp_path, "messages"):
        tools = json.loads(row["tools"]) if row["tools"] else None
        texts.append(
            renderer.apply_chat_template(row["messages"], tools=tools, tokenize=False)
        )
    named = zip(texts[:2], ("label", "upto"), ("upto", "label"), strict=True)
    for text, own, other in named:
        assert own in text
        assert other not in text, "a schema or a call got another's properties"
        assert "looks" in text
        assert '\\"' not in text
    assert "Keeper" in texts[0]


def test_openai_keeps_arguments_as_text_and_messages_as_mappings() -> None:
    one = rows()[0]
    kinds = {
        name: format_named(name).render(one, Style()) for name in ("openai", "messages")
    }
    calls = {
        name: row["messages"][1]["tool_calls"][0]["function"]["arguments"]
        for name, row in kinds.items()
    }
    assert calls == {"openai": '{"label":"Keeper"}', "messages": {"label": "Keeper"}}
    assert isinstance(kinds["openai"]["tools"], list)
    assert json.loads(kinds["messages"]["tools"]) == kinds["openai"]["tools"]


def test_trl_takes_the_rows_as_they_are(tmp_path: Path, base_folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = with_template(AutoTokenizer.from_pretrained(base_folder), "qwen2_5")
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(base_folder),
        SFTConfig(
            output_dir=str(tmp_path / "out"), report_to="none", bf16=False, use_cpu=True
        ),
        train_dataset=loaded(tmp_path, "messages"),
        processing_class=tokenizer,
    )
    text = tokenizer.decode(trainer.train_dataset[0]["input_ids"])
    assert '"arguments": {"label": "Keeper"}' in text
    assert '"name": "find"' in text


def test_every_format_is_described_for_llama_factory_and_axolotl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("in.jsonl"), rows())
    columns = {}
    for name in ("messages", "alpaca", "sharegpt", "openai"):
        for part in ("train", "val"):
            columns[name, part] = convert_file(
                Path("in.jsonl"),
                layout.converted("m", name, part),
                format_named(name),
                Style(),
                StageReport("convert"),
            )
    folder = Path("data/converted/m")
    write_loader_files(folder, "m", columns)
    info = read_json(folder / "dataset_info.json")
    assert "m_train_openai" not in info, "its readers write arguments as JSON twice"
    for entry in info.values():
        first = json.loads((folder / entry["file_name"]).read_text().splitlines()[0])
        whole = (folder / entry["file_name"]).read_text()
        for column in entry["columns"].values():
            assert f'"{column}":' in whole
        if "tags" in entry:
            turn = first[entry["columns"]["messages"]][0]
            assert turn[entry["tags"]["role_tag"]] == entry["tags"]["user_tag"]
            assert entry["tags"]["content_tag"] in turn
    assert info["m_train_sharegpt"]["columns"]["tools"] == "tools"
    assert "system" not in info["m_train_sharegpt"]["columns"], "no row has one"
    block = yaml.safe_load((folder / "axolotl.yaml").read_text())
    assert block["datasets"][0]["path"] == "data/converted/m/messages/train.jsonl"
    assert block["datasets"][0]["message_field_training"] == "train"
