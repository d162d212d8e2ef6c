"""Mistakes in params.yaml: each is told at once, with its line, its key and a way to
mend this very one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params import load
from afs_stages.dataset.idle_weights import refuse_idle_weights
from afs_stages.stages.params import params as check

SOUND = """\
seed: 42
sources:
  claude:
    type: claude
    root: logs
  zelda:
    type: oracle
    root: code
discriminator:
  kind: ngram
  source: zelda
quality:
  min_score: 0.4
  profile: generic
  assembler: table
split:
  train: 0.8
  val: 0.1
  near_duplicates: {threshold: 0.8}
fit:
  max_tokens: 512
convert:
  formats: [alpaca, messages]
base_model:
  id: ""
  hidden_size: 128
train:
  max_length: 512
  learning_rate: 2e-4
evaluate:
  must_beat_base: true
models:
  majora:
    version: v1
    weights: {zelda: 0.9, claude: 0.1}
    rehearsal:
      ratio: 0.0
    rebalance:
      oversample: 4
    train: {}
remote:
  gpus:
    budget: {gpu_name: RTX 3090, vram_gb: 24, max_price: 0.3}
  jobs:
    majora: {gpu_config: budget}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two sources of `SOUND`."""
    monkeypatch.chdir(tmp_path)
    for name in ("logs", "code"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", "/home/me")
    return tmp_path


def told(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    layout.PARAMS.write_bytes(data)
    with pytest.raises(UserError) as caught:
        check(layout.PARAMS)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert SOUND.count(old) == 1, f"{old!r} stands {SOUND.count(old)} times"
    return SOUND.replace(old, new)


class Row(NamedTuple):
    """A change to `SOUND`, and what must be told of it."""

    old: str
    new: str
    line: int
    text: str
    fix: str


MISTAKES = {
    # Keys.
    "typo of a block": Row(
        "quality:", "qualty:", 12, "qualty: unknown key 'qualty'", "write 'quality'"
    ),
    "typo of a key": Row(
        "min_score", "min_scor", 13, "quality.min_scor: unknown key", "'min_score'"
    ),
    "typo in an inner block": Row(
        "threshold",
        "treshold",
        19,
        "split.near_duplicates.treshold: unknown key",
        "write 'threshold'",
    ),
    "typo in a model's block": Row(
        "oversample",
        "over_sample",
        39,
        "models.majora.rebalance.over_sample: unknown key",
        "write 'oversample'",
    ),
    "typo in a model's own training": Row(
        "    train: {}",
        "    train: {learning_rat: 1}",
        40,
        "models.majora.train.learning_rat: unknown key",
        "write 'learning_rate'",
    ),
    "typo in a source's options": Row(
        "root: logs",
        "root: logs\n    include_subagent: true",
        6,
        "sources.claude.include_subagent: unknown key",
        "write 'include_subagents'",
    ),
    "option of another type": Row(
        "root: code",
        "root: code\n    include_subagents: true",
        9,
        "sources.zelda.include_subagents: unknown key",
        "remove the line",
    ),
    "key in the wrong block": Row(
        "seed: 42",
        "max_tokens: 5",
        1,
        "max_tokens: unknown key 'max_tokens'",
        "move it to where it belongs: fit.max_tokens",
    ),
    "key of nothing": Row(
        "seed: 42", "colour: red", 1, "colour: unknown key", "remove the line"
    ),
    "key set twice": Row(
        "seed: 42",
        "seed: 42\nseed: 43",
        2,
        "seed: key 'seed' stands twice, first in line 1",
        "keep line 1 or line 2",
    ),
    "no sources": Row(
        SOUND[SOUND.index("sources:") : SOUND.index("discriminator:")],
        "",
        1,
        "sources: missing key 'sources'",
        "add `sources: {claude: {type: claude, root: data/raw/claude}}`",
    ),
    "no version": Row(
        "    version: v1\n",
        "",
        33,
        "models.majora.version: missing key",
        "add `version: v1` to models.majora",
    ),
    "no root": Row(
        "    root: logs\n",
        "",
        3,
        "sources.claude.root: missing key",
        "add `root: data/raw/claude`",
    ),
    # Types and ranges.
    "word for a number": Row(
        "seed: 42",
        "seed: lucky",
        1,
        "seed: must be a whole number, got 'lucky'",
        "write a whole number; the default is 42",
    ),
    "fraction of a whole number": Row(
        "oversample: 4",
        "oversample: 1.5",
        39,
        "models.majora.rebalance.oversample: must be a whole number, got 1.5",
        "the default is 1",
    ),
    "word for a rate": Row(
        "2e-4",
        "fast",
        29,
        "train.learning_rate: must be a number, got 'fast'",
        "the default is 0.0002",
    ),
    "word for yes or no": Row(
        "must_beat_base: true",
        "must_beat_base: maybe",
        31,
        "evaluate.must_beat_base: must be true or false, got 'maybe'",
        "write true or false",
    ),
    "number for a text": Row(
        "root: logs",
        "root: 7",
        5,
        "sources.claude.root: must be a text, got 7",
        'write it in quotes: "7"',
    ),
    "text for a list": Row(
        "[alpaca, messages]",
        "openai",
        23,
        "convert.formats: must be a list, got 'openai'",
        "write a list: [openai]",
    ),
    "text for a block": Row(
        "\n  max_tokens: 512",
        " 512",
        20,
        "fit: must be a block of keys, got 512",
        "write its keys below it",
    ),
    "number for modules": Row(
        "max_length: 512",
        "max_length: 512\n  target_modules: 5",
        29,
        "train.target_modules: must be a text or a list of texts, got 5",
        "the default is all-linear",
    ),
    "nothing behind a key": Row(
        "min_score: 0.4",
        "min_score:",
        13,
        "quality.min_score: nothing stands here",
        "the default is 0.5",
    ),
    "nothing in a model": Row(
        SOUND[SOUND.index("\n    version") : SOUND.index("\nremote")],
        "",
        33,
        "models.majora: nothing stands here, got null",
        "write a value, or remove the line",
    ),
    "share above 1": Row(
        "min_score: 0.4",
        "min_score: 40",
        13,
        "quality.min_score: must be at most 1, got 40",
        "write 1 or less",
    ),
    "too few tokens": Row(
        "max_tokens: 512",
        "max_tokens: 4",
        21,
        "fit.max_tokens: must be at least 16, got 4",
        "write 16 or more",
    ),
    "rate of nothing": Row(
        "2e-4",
        "0",
        29,
        "train.learning_rate: must be above 0, got 0",
        "write a number above 0",
    ),
    "rate without end": Row(
        "2e-4",
        ".inf",
        29,
        "train.learning_rate: must have an end, got inf",
        "write a finite number",
    ),
    "part of all": Row(
        "train: 0.8",
        "train: 1",
        17,
        "split.train: must be below 1, got 1",
        "write a number below 1",
    ),
    "choice that is none": Row(
        "assembler: table",
        "assembler: tabel",
        15,
        "quality.assembler: must be table or asar or off, got 'tabel'",
        "write table",
    ),
    "choice far from all": Row(
        "kind: ngram",
        "kind: magic",
        10,
        "discriminator.kind: must be electra or ngram or both, got 'magic'",
        "write one of them; the default is ngram",
    ),
    "profile that is none": Row(
        "profile: generic",
        "profiles: {claude: dialog}",
        14,
        "quality.profiles.claude: must be generic or dialogue",
        "write dialogue",
    ),
    "version without v": Row(
        "version: v1",
        "version: 2",
        34,
        "models.majora.version: must be v and a number, got 2",
        "write v2",
    ),
    "version in words": Row(
        "version: v1",
        "version: version-2",
        34,
        "models.majora.version: must be v and a number, got 'version-2'",
        "write v2",
    ),
    "name that is a number": Row(
        "  claude:\n",
        "  7:\n",
        3,
        "sources.7: a name must be a text, got 7",
        'write it in quotes: "7"',
    ),
    # Values that do not go together.
    "no room for test": Row(
        "val: 0.1",
        "val: 0.3",
        18,
        "split.val: train + val must stay below 1, got 0.8 + 0.3",
        "write `val: 0.1`",
    ),
    "no room for test, by train": Row(
        "train: 0.8\n  val: 0.1",
        "train: 0.95",
        17,
        "split.train: train + val must stay below 1, got 0.95 + 0.1",
        "write `train: 0.81`",
    ),
    "signals of no weight": Row(
        "profile: generic",
        "weights: {asm: {electra: 0, asar: 0, static: 0, entity: 0, length: 0}}",
        14,
        "quality.weights.asm: every signal has weight 0",
        "give one signal",
    ),
    "weights of a profile that is none": Row(
        "profile: generic",
        "weights: {asmm: {electra: 1}}",
        14,
        "quality.weights.asmm: must be generic or dialogue or fact or asm, got 'asmm'",
        "write asm",
    ),
    "weight below 0": Row(
        "claude: 0.1",
        "claude: -0.1",
        35,
        "models.majora.weights.claude: must be at least 0, got -0.1",
        "write 0 or more",
    ),
    "weights of nothing": Row(
        "{zelda: 0.9, claude: 0.1}",
        "{zelda: 0, claude: 0}",
        35,
        "models.majora.weights: every weight is 0",
        "give one of zelda, claude a weight above 0",
    ),
    "no weights": Row(
        "{zelda: 0.9, claude: 0.1}",
        "{}",
        35,
        "models.majora.weights: must not be empty, got {}",
        "write at least one entry below it: `claude: 1.0`",
    ),
    "rehearsal twice": Row(
        "claude: 0.1}\n    rehearsal:\n      ratio: 0.0",
        "claude: 0.1, rehearsal: 0.2}\n    rehearsal:\n      ratio: 0.3",
        35,
        "models.majora.weights.rehearsal: set rehearsal.ratio or a weight",
        "remove `rehearsal: 0.2`",
    ),
    "rehearsal alone": Row(
        "{zelda: 0.9, claude: 0.1}",
        "{rehearsal: 1}",
        35,
        "models.majora.weights: no source has a weight above 0",
        "weigh at least one of claude, zelda",
    ),
    "name of a folder of ours": Row(
        "models:\n  majora:",
        "models:\n  electra:",
        33,
        "models.electra: a model cannot be called electra: models/electra is taken",
        "give the model another name",
    ),
    "name that no stage can have": Row(
        "  claude:\n",
        "  my logs.1:\n",
        3,
        "sources.my logs.1: only letters, digits, - and _ make a name",
        "call it my-logs-1",
    ),
    "source called rehearsal": Row(
        "  claude:\n",
        "  rehearsal:\n",
        3,
        "sources.rehearsal: the name 'rehearsal' is taken",
        "give the source another name",
    ),
    "longer rows than are trained on": Row(
        "max_tokens: 512",
        "max_tokens: 2048",
        21,
        "fit.max_tokens: rows must not be longer than training takes, got "
        "fit.max_tokens 2048 and train.max_length 512",
        "set fit.max_tokens: 512, or train.max_length: 2048",
    ),
    "longer rows than one model takes": Row(
        "    train: {}",
        "    train:\n      max_length: 256",
        41,
        "models.majora.train.max_length: rows must not be longer",
        "set fit.max_tokens: 256, or models.majora.train.max_length: 512",
    ),
    "longer rows, by default": Row(
        "\n  max_tokens: 512",
        " {}",
        27,
        "train.max_length: rows must not be longer than training takes, got "
        "fit.max_tokens 1024",
        "set fit.max_tokens: 512, or train.max_length: 1024",
    ),
    "heads that share unevenly": Row(
        "hidden_size: 128",
        "hidden_size: 130",
        26,
        "base_model.hidden_size: 4 heads cannot share a width of 130",
        "write `hidden_size: 128`",
    ),
    "heads of the discriminator": Row(
        "kind: ngram",
        "kind: both\n  hidden_size: 100",
        11,
        "discriminator.hidden_size: 3 heads cannot share a width of 100",
        "write a multiple of 32: 96",
    ),
    "stopping early by no rows": Row(
        SOUND[SOUND.index("  val:") : SOUND.index("  learning_rate")],
        SOUND[SOUND.index("  val:") : SOUND.index("  learning_rate")].replace(
            "val: 0.1", "val: 0"
        )
        + "  early_stopping_patience: 2\n",
        29,
        "train.early_stopping_patience: stopping early needs val rows",
        "set split.val: 0.1",
    ),
    # What is named and is not there.
    "source of no type": Row(
        "    type: claude\n",
        "",
        3,
        "sources.claude.type: missing key 'type'",
        "add `type: claude` below sources.claude",
    ),
    "source of no type, another name": Row(
        "    type: oracle\n",
        "",
        6,
        "sources.zelda.type: missing key 'type'",
        "add `type:` with one of alttp, claude",
    ),
    "source of an unknown type": Row(
        "type: oracle",
        "type: orakle",
        7,
        "sources.zelda.type: no source type 'orakle' (did you mean 'oracle'?",
        "write oracle",
    ),
    "folder that is not there": Row(
        "root: logs",
        "root: data/raw/nowhere",
        5,
        "sources.claude.root: no such folder 'data/raw/nowhere'",
        "bring it in with `afs collect claude`",
    ),
    "folder of a codebase that is not there": Row(
        "root: code",
        "root: data/raw/nowhere",
        8,
        "sources.zelda.root: no such folder 'data/raw/nowhere'",
        "`afs collect zelda --git URL --rev COMMIT`",
    ),
    "folder at home": Row(
        "root: logs",
        "root: ~/.claude",
        5,
        "sources.claude.root: DVC cannot expand ~, got '~/.claude'",
        "write `root: /home/me/.claude`",
    ),
    "no folder": Row(
        "root: logs",
        'root: ""',
        5,
        "sources.claude.root: names no folder, got ''",
        "such as data/raw/claude",
    ),
    "the project itself": Row(
        "root: code",
        "root: .",
        8,
        "sources.zelda.root: this project lies in it",
        "move the source's files to data/raw/zelda",
    ),
    "discriminator of no source": Row(
        "source: zelda",
        "source: zleda",
        11,
        "discriminator.source: no source 'zleda' (did you mean 'zelda'?",
        "write `source: zelda` below discriminator",
    ),
    "discriminator of the default source": Row(
        "  source: zelda\n",
        "",
        9,
        "discriminator.source: no source 'oracle'",
        "write `source: zelda` below discriminator",
    ),
    "unknown format": Row(
        "[alpaca, messages]",
        "\n    - alpca\n    - openai",
        24,
        "convert.formats.0: no format 'alpca' (did you mean 'alpaca'?",
        "write alpaca",
    ),
    "format that training reads": Row(
        "[alpaca, messages]",
        "[alpaca]",
        23,
        "convert.formats: messages is missing, which train reads",
        "write [alpaca, messages]",
    ),
    "placeholder of a commit": Row(
        'id: ""',
        "id: Qwen/Qwen2.5-Coder-7B-Instruct@<commit>",
        25,
        "base_model.id: a placeholder still stands here, got 'Qwen/",
        "git ls-remote https://huggingface.co/Qwen/Qwen2.5-Coder-7B-Instruct HEAD",
    ),
    "placeholder of a model": Row(
        'id: ""',
        "id: <your model>",
        25,
        "base_model.id: a placeholder still stands here, got '<your model>'",
        "write OWNER/MODEL@COMMIT",
    ),
    "hub id without a revision": Row(
        'id: ""',
        "id: Qwen/Qwen2.5-0.5B",
        25,
        "base_model.id: no folder, and as a hub id it names no revision",
        "write Qwen/Qwen2.5-0.5B@COMMIT",
    ),
    "base that is no folder": Row(
        'id: ""',
        "id: models/bases/mine",
        25,
        "base_model.id: no such folder 'models/bases/mine'",
        "put the model there",
    ),
    "base at home": Row(
        'id: ""',
        "id: ~/qwen",
        25,
        "base_model.id: ~ is not expanded here, got '~/qwen'",
        "write /home/me/qwen",
    ),
    "base outside of models/bases": Row(
        'id: ""',
        "id: logs",
        25,
        "base_model.id: 'logs' lies outside of models/bases",
        "ln -s ",
    ),
    "base of the discriminator": Row(
        "kind: ngram",
        "kind: electra\n  base: google/electra-small-discriminator",
        11,
        "discriminator.base: no folder, and as a hub id it names no revision",
        "write google/electra-small-discriminator@COMMIT",
    ),
    "asar that is not there": Row(
        "assembler: table",
        "assembler: asar\n  asar: tools/asar",
        16,
        "quality.asar: no such file 'tools/asar'",
        "leave it empty for the one on PATH",
    ),
    "script that is not there": Row(
        "max_length: 512",
        "max_length: 512\n  script: own.py",
        29,
        "train.script: no such file 'own.py'",
        "name your script",
    ),
    "weight of a misspelt source": Row(
        "{zelda: 0.9, claude: 0.1}",
        "{zelda: 0.9, cluade: 0.1}",
        35,
        "models.majora.weights.cluade: no source 'cluade' (did you mean 'claude'?",
        "write 'claude' in place of 'cluade'",
    ),
    "weight of a source that is gone": Row(
        "{zelda: 0.9, claude: 0.1}",
        "\n      zelda: 0.9\n      claude: 0.1\n      gemini: 0.2",
        38,
        "models.majora.weights.gemini: no source 'gemini' (known: claude, zelda)",
        "remove `gemini: 0.2`, or add the block sources.gemini",
    ),
    "job of an unknown model": Row(
        "    majora: {gpu",
        "    majorra: {gpu",
        45,
        "remote.jobs.majorra: no model 'majorra' (did you mean 'majora'?",
        "write 'majora'",
    ),
    "job on an unknown class": Row(
        "{gpu_config: budget}",
        "{gpu_config: bugdet}",
        45,
        "remote.jobs.majora.gpu_config: no class 'bugdet' in remote.gpus",
        "write budget, or add remote.gpus.bugdet",
    ),
    "job of a script that is not there": Row(
        "{gpu_config: budget}",
        "{gpu_config: budget, training_script: own.py}",
        45,
        "remote.jobs.majora.training_script: no such file or folder 'own.py'",
        "leave it empty",
    ),
    "class without a price": Row(
        ", max_price: 0.3",
        "",
        43,
        "remote.gpus.budget.max_price: missing key",
        "add `max_price: 0.50` to remote.gpus.budget",
    ),
    # YAML.
    "tab": Row("  train: 0.8", "\ttrain: 0.8", 17, "not valid YAML", "not with a tab"),
    "open bracket": Row(
        "[alpaca, messages]",
        "[alpaca, messages",
        24,
        "not valid YAML",
        "close the bracket that line 23 opens",
    ),
    "open brace": Row(
        "claude: 0.1}",
        "claude: 0.1",
        36,
        "not valid YAML",
        "close the bracket that line 35 opens",
    ),
    "open quote": Row(
        'id: ""',
        'id: "qwen',
        25,
        "not valid YAML",
        "close the quote that line 25 opens",
    ),
    "colon in a value": Row(
        "root: logs",
        "root: logs: mine",
        5,
        "not valid YAML",
        "write a value that holds ': ' in quotes",
    ),
    "no colon": Row(
        "seed: 42", "seed: 42\nhello", 3, "not valid YAML", "with a colon and a blank"
    ),
    "line too far left": Row(
        "  val: 0.1",
        " val: 0.1",
        18,
        "not valid YAML",
        "as the other keys",
    ),
    "sign that begins no value": Row(
        "root: logs", "root: @logs", 5, "not valid YAML", "'@logs' is written in quotes"
    ),
    "unknown mark": Row(
        "root: logs",
        "root: *logs",
        5,
        "not valid YAML",
        "write the value in place of '*logs'",
    ),
    "tag": Row(
        "root: logs", "root: !folder logs", 5, "not valid YAML", "remove the tag"
    ),
    "two documents": Row(
        "quality:", "---\nquality:", 12, "not valid YAML", "remove the line `---`"
    ),
    "invisible character": Row(
        "root: logs", "root: lo\x07gs", 5, "not valid YAML", "delete it"
    ),
}


def test_the_file_that_the_mistakes_are_made_in_is_sound(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout.PARAMS.write_text(SOUND)
    check(layout.PARAMS)
    assert "2 sources, 1 models" in capsys.readouterr().out
    assert layout.PARAMS_OK.is_file()


@pytest.mark.parametrize("row", MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_told_with_its_line_and_how_to_mend_it(
    project: Path, row: Row
) -> None:
    text = told(changed(row.old, row.new))
    places = re.findall(r"(?m)^params\.yaml:(\d+): ", text)
    assert f"params.yaml:{row.line}: {row.text}" in text, text
    # As many ways to mend as mistakes.
    assert text.count("\n  fix: ") == len(places)
    _, _, after = text.partition(f"params.yaml:{row.line}: {row.text}")
    fix = re.search(r"\n  fix: (.*)", after)
    assert fix is not None
    assert row.fix in fix[1]
    assert max(map(len, text.splitlines())) < 500


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(
    project: Path,
) -> None:
    text = changed("type: oracle", "type: orakle").replace("zelda: 0.9", "zleda: 0.9")
    text = text.replace("[alpaca, messages]", "[messages, alpca]")
    found = re.findall(r"(?m)^params\.yaml:(\d+): ([\w.]+): .*\n  fix: ", told(text))
    assert found == [
        ("7", "sources.zelda.type"),
        ("23", "convert.formats.1"),
        ("35", "models.majora.weights.zleda"),
    ]
    text = changed("min_score: 0.4", "min_scor: 0.4").replace("val: 0.1", "val: 0.9")
    found = re.findall(r"(?m)^params\.yaml:(\d+): ([\w.]+): .*\n  fix: ", told(text))
    assert found == [("13", "quality.min_scor"), ("18", "split.val")]


@pytest.mark.parametrize(
    ("data", "line", "fix"),
    [
        (SOUND.replace("logs", "käse").encode("latin-1"), ":5", "iconv -f LATIN1"),
        (SOUND.encode("utf-16"), ":1", "iconv -f UTF-16"),
        (b"seed: 42\n\x00\x01\x02", ":2", "git checkout params.yaml"),
        (b"", ":1", "git checkout params.yaml"),
        (b"- 1\n", ":1", "git checkout params.yaml"),
        (b"a:\n  seed: 2020-13-45\n", ":2", "write the value in quotes"),
    ],
    ids=["latin-1", "utf-16", "binary", "empty", "list", "no date"],
)
def test_a_file_that_is_no_text_or_no_mapping_is_told(
    project: Path, data: bytes, line: str, fix: str
) -> None:
    text = told(data)
    assert text.startswith(f"params.yaml{line}: ")
    assert fix in text.partition("fix: ")[2]


def test_a_mark_at_the_begin_of_the_file_is_no_mistake(project: Path) -> None:
    layout.PARAMS.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    check(layout.PARAMS)


def test_a_folder_and_a_file_that_cannot_be_read_are_told(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.PARAMS.mkdir()
    with pytest.raises(UserError, match=r"params.yaml: a folder(?s:.*)fix: move it"):
        check(layout.PARAMS)
    layout.PARAMS.rmdir()
    with pytest.raises(UserError, match=r"no such file(?s:.*)fix: "):
        check(layout.PARAMS)
    layout.PARAMS.write_text(SOUND)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UserError, match=r"Permission denied(?s:.*)fix: chmod u\+r"):
        check(layout.PARAMS)


def test_a_block_that_holds_itself_is_told(project: Path) -> None:
    assert "params.yaml:1: " in told("models: &all {majora: *all}\n")


def test_no_source_of_code_needs_no_discriminator(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    block = "  zelda:\n    type: oracle\n    root: code\n"
    layout.PARAMS.write_text(changed(block, "").replace("zelda: 0.9, ", ""))
    check(layout.PARAMS)
    warned = capsys.readouterr().err
    assert "params.yaml:8: discriminator.source: no source 'zelda'" in warned


def test_a_branch_for_a_revision_is_only_warned_of(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout.PARAMS.write_text(changed('id: ""', "id: Qwen/Qwen2.5-0.5B@main"))
    check(layout.PARAMS)
    assert "params.yaml:25: base_model.id: 'main' moves" in capsys.readouterr().err


def test_weights_of_a_released_version_are_warned_of_and_refused_by_a_release(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = changed("claude: 0.1}", "claude: 0.1, gemini: 0.2}")
    key = "params.yaml:35: models.majora.weights.gemini: no source 'gemini'"
    assert key in told(text)
    jsonl.write_json(layout.release("majora", "v1") / "manifest.json", {})
    check(layout.PARAMS)
    assert key in capsys.readouterr().err
    with pytest.raises(UserError, match="no source 'gemini'") as refused:
        refuse_idle_weights("majora", load())
    assert str(refused.value).startswith(key)
    # The next version is not released yet.
    assert key in told(text.replace("version: v1", "version: v2"))
    # What has nothing at all to learn from is refused, released or not.
    text = changed("{zelda: 0.9, claude: 0.1}", "{zleda: 1}")
    assert "models.majora.weights.zleda: no source 'zleda'" in told(text)
