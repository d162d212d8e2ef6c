"""What can go wrong with a scoring run, by its command: one clear line or a count,
never a traceback or half a file.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from afs_stages import TrainingSample, score_jsonl
from afs_stages.core.atomic import atomic_folder
from afs_stages.core.jsonl import open_write
from afs_stages.core.params.data import Discriminator
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.cross_fit import train_bundle
from afs_stages.scoring.discriminator.fold_models import MANIFEST, save
from afs_stages.scoring.discriminator.pairs import real_blocks

HACK = Path(__file__).parents[2] / "data/sample/hack"
CODE = "```asm\nMain:\n  LDA.w #$1234\n  STA.w $0022\n  RTS\n```"
FIVE_MEGABYTES = 5_000_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small discriminator in its folder."""
    samples = list(folder_samples(HACK))
    bundle, _ = train_bundle(
        real_blocks(samples)[:60],
        Context.of(samples),
        Discriminator(kind="ngram", folds=2),
        7,
    )
    place = tmp_path_factory.mktemp("model") / "m"
    with atomic_folder(place) as folder:
        save(bundle, folder)
    return place


def write(path: Path, outputs: list[str]) -> Path:
    with open_write(path) as writer:
        for output in outputs:
            writer.write(
                TrainingSample(instruction="What does Main do?", output=output)
            )
    return path


def score(rows: Path, output: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "afs_stages.cli",
        "scoring",
        "score",
        "-i",
        str(rows),
        "-o",
        str(output),
        *args,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def torn_models(folder: Path) -> None:
    for file in folder.glob("fold0/**/*"):
        if file.is_file():
            file.write_bytes(b"torn")


def lost_models(folder: Path) -> None:
    for file in folder.glob("fold1/**/*"):
        if file.is_file():
            file.unlink()


def torn_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:100])


def other_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"format": 99}')


def wrong_names(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(
        json.dumps({**manifest, "context": {"names": [1, 2]}})
    )


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (no_folder, "no discriminator here"),
        (torn_models, "the discriminator is damaged"),
        (lost_models, "the discriminator is damaged"),
        (torn_manifest, "not valid JSON"),
        (other_manifest, "format 99, this version reads 4"),
        (wrong_names, "names are damaged"),
    ],
)
def test_a_missing_or_damaged_model(
    model: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    rows, output = write(tmp_path / "in.jsonl", [CODE]), tmp_path / "out.jsonl"
    damage(folder)
    run = score(rows, output, "--model", str(folder))
    assert (run.returncode, run.stdout) == (1, "")
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert not output.exists()


def test_a_sound_model_scores(model: Path, tmp_path: Path) -> None:
    run = score(
        write(tmp_path / "in.jsonl", [CODE]),
        tmp_path / "out.jsonl",
        "--model",
        str(model),
    )
    assert run.returncode == 0, run.stderr
    assert "1 of 1 rows kept" in run.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no asar here"), ("#!/bin/sh\necho archives\n", "not the assembler")],
)
def test_a_missing_or_fake_asar(tmp_path: Path, content: str | None, said: str) -> None:
    asar, output = tmp_path / "asar", tmp_path / "out.jsonl"
    if content is not None:
        asar.write_text(content)
        asar.chmod(0o755)
    run = score(
        write(tmp_path / "in.jsonl", [CODE]),
        output,
        "--assembler",
        "asar",
        "--asar",
        str(asar),
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert not output.exists()


def test_an_empty_file_is_counted(tmp_path: Path) -> None:
    run = score(write(tmp_path / "in.jsonl", []), tmp_path / "out.jsonl", "--histogram")
    assert run.returncode == 0, run.stderr
    assert "0 of 0 rows kept" in run.stdout
    assert (tmp_path / "out.jsonl").read_bytes() == b""


HUGE = {
    "words": "The keeper waits for the tide. ",
    "one word": "x",
    "ticks": "`",
    "fences": "```asm\nMain:\n  LDA.w #$1234\n  RTS\n```\n",
    "an open fence": "```asm\n  LDA #$12 : STA $22\n",
    "brackets": "(",
    "blanks": " ",
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_a_sample_of_five_megabytes_is_counted_and_soon_done(
    tmp_path: Path, text: str
) -> None:
    output = text * (FIVE_MEGABYTES // len(text) + 1)
    source = write(tmp_path / "in.jsonl", [output, CODE])
    started = time.process_time()
    done = score_jsonl(
        source, tmp_path / "out.jsonl", None, 0.5, rejected_path=tmp_path / "low.jsonl"
    )
    assert time.process_time() - started < 2
    assert (done.rows_in, sum(done.dropped.values())) == (2, 1)
    says_nothing = not any(map(str.isalnum, output))
    assert ("empty" in done.vetoes) == says_nothing
    low = json.loads((tmp_path / "low.jsonl").read_text())
    assert low["output"] == output
    assert low["_rejected"]["reason"] in done.dropped
