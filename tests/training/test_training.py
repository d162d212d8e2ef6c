"""Training with real peft models: the same bytes, resume after a kill,
and every way it can go wrong.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.training.curve import Curve

Make = Callable[..., Any]


def run(job: Any) -> dict[str, Any]:
    from afs_stages.training.script import run_job

    return run_job(job, jsonl.refuse)


def weights(folder: Path) -> bytes:
    return (folder / "adapter_model.safetensors").read_bytes()


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def test_the_adapter_learns_and_is_the_same_twice(job: Make, tmp_path: Path) -> None:
    facts = run(job("one", epochs=20))
    run(job("two", epochs=20))
    assert facts["loss"]["last"] < facts["loss"]["first"] - 0.1
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {
        "adapter_config.json",
        "training.json",
        "README.md",
        "tokenizer.json",
    } <= set(names)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (
            tmp_path / "two" / name
        ).read_bytes(), name
    assert not (tmp_path / "one.checkpoints").exists()


def test_peft_loads_the_adapter_by_its_own_means(
    job: Make, base_folder: Path, tmp_path: Path
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    run(job())
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base_folder), tmp_path / "adapter"
    )
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "adapter")
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Where?"}],
        return_tensors="pt",
        add_generation_prompt=True,
        return_dict=True,
    )
    assert (
        model.generate(**ids, max_new_tokens=3, do_sample=False).shape[1]
        > ids["input_ids"].shape[1]
    )


def command(job: Any, base_folder: Path, params: Path) -> list[str]:
    params.write_text(
        "sources: {oracle: {root: x}}\nmodels: {m: {version: v1, weights: {oracle: "
        "1}}}\n"
        "train: {batch_size: 1, gradient_accumulation_steps: 1, max_length: 256, r: 4, "
        "save_steps: 3, learning_rate: 0.005, epochs: 30}\n"
    )
    options = [
        "--data",
        str(job.train_file.parent),
        "--output",
        str(job.output),
        "--base",
        str(base_folder),
    ]
    return [
        sys.executable,
        "-m",
        "afs_stages.stages.train",
        *options,
        "--params",
        str(params),
    ]


def test_a_killed_training_resumes_and_ends_with_the_same_adapter(
    job: Make, base_folder: Path, tmp_path: Path
) -> None:
    whole, broken = job("whole"), job("broken")
    subprocess.run(
        command(whole, base_folder, tmp_path / "p.yaml"), check=True, env=environment()
    )
    facts = jsonl.read_json(tmp_path / "whole.run.json")
    assert facts["seconds"] > 0
    assert facts["cores"] == os.cpu_count()
    line = command(broken, base_folder, tmp_path / "p.yaml")
    process = subprocess.Popen(line, env=environment())
    checkpoints = tmp_path / "broken.checkpoints"
    deadline = time.monotonic() + 120
    while (
        len(list(checkpoints.glob("checkpoint-*"))) < 2
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not broken.output.exists(), "a killed training leaves no adapter"
    assert list(checkpoints.glob("checkpoint-*")), "killed before its first checkpoint"
    again = subprocess.run(
        [*line, "--resume"],
        check=True,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert "resumed at step" in again.stdout
    assert weights(broken.output) == weights(whole.output)
    assert (tmp_path / "broken.loss.tsv").read_bytes() == (
        tmp_path / "whole.loss.tsv"
    ).read_bytes()


class Stop(Exception):
    """Ends a training from within, as a kill would."""


def stopped_at(job: Any, step: int) -> None:
    """Train and break off after a step, checkpoints left behind."""
    from afs_stages.training.train import train

    class Breaking(Curve):
        def add(self, point: dict[str, float]) -> None:
            if point["step"] == step:
                raise Stop
            super().add(point)

    with pytest.raises(Stop):
        train(job, jsonl.refuse, Breaking)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    job: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(job("whole", epochs=8))
    stopped_at(job("broken", epochs=8), 7)
    newest = sorted((tmp_path / "broken.checkpoints").glob("checkpoint-*"))[-1]
    damaged = newest / "weights.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-5] + b"xxxxx")
    run(job("broken", epochs=8))
    captured = capsys.readouterr()
    assert "the checkpoint is damaged (weights.safetensors)" in captured.err
    assert "resumed at step 4" in captured.out
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")


def test_a_checkpoint_of_another_training_is_not_gone_on_from(
    job: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped_at(job(epochs=8), 5)
    with pytest.raises(UserError, match="nothing to resume"):
        run(job(epochs=9, resume=True))
    run(job(epochs=9))
    captured = capsys.readouterr()
    assert "belongs to another training" in captured.err
    assert "resumed" not in captured.out


def test_early_stopping_keeps_the_best_epoch(job: Make) -> None:
    facts = run(job(epochs=30, learning_rate=0.05, early_stopping_patience=2))
    vals = [point["val_loss"] for point in facts["curve"] if "val_loss" in point]
    assert facts["stopped_early"]
    assert facts["loss"]["val"] == min(vals)
    assert vals[-1] > min(vals)


def test_an_empty_val_set_warns_and_trains(
    job: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "val.jsonl"
    empty.write_text("")
    facts = run(job(val_file=empty))
    assert facts["loss"]["val"] is None
    assert "no val rows" in capsys.readouterr().err
    with pytest.raises(UserError, match="no val rows to stop by"):
        run(job(val_file=empty, early_stopping_patience=1))


def test_nothing_to_train_on_is_an_error(job: Make, tmp_path: Path) -> None:
    empty = tmp_path / "train.jsonl"
    empty.write_text("")
    with pytest.raises(UserError, match="no rows to train on"):
        run(job(train_file=empty))


def test_a_loss_that_is_no_number_stops_with_the_rows_named(job: Make) -> None:
    with pytest.raises(
        UserError,
        match=r"loss is (nan"
        r"|inf) at step \d+, in the micro-batch of rows train.jsonl:\d+",
    ):
        run(job(learning_rate=1e30, warmup_ratio=0.0))


def test_a_training_that_cannot_fit_is_refused_with_what_to_change(job: Make) -> None:
    with pytest.raises(UserError, match="can't fit") as refused:
        run(job(memory_limit_mb=0.5))
    assert "gradient_checkpointing" in str(refused.value)
    assert "vastai launch" in str(refused.value)


def test_an_unknown_target_module_is_explained(job: Make) -> None:
    with pytest.raises(UserError, match=r"train\.target_modules"):
        run(job(target_modules=["no_such_layer"]))


OUT_OF_MEMORY = """
import sys
from pathlib import Path
from afs_stages.core import jsonl
from afs_stages.core.params.model import Train
from afs_stages.training import batches, device_memory, lora, train
from afs_stages.training.base_model import load_tokenizer, resolve
from afs_stages.training.loop import Loop

base = resolve(sys.argv[1])
settings = Train(batch_size=400, gradient_accumulation_steps=1, max_length=256, \
epochs=1, learning_rate=0.001)
data = train.read_part(Path(sys.argv[2]), load_tokenizer(base), settings, jsonl.refuse)
plan = batches.plan_for(data.items, settings, 1)

def steps(limit):
    model, packed = lora.load_for_training(base, settings, 1)
    loop = Loop(model, data.items, plan, settings, packed)
    with device_memory.capped(model, limit):
        list(loop.steps())
    return loop.state

tight, free = steps(float(sys.argv[3])), steps(None)
assert tight.parts > 1 and free.parts == 1, (tight.parts, free.parts)
assert abs(tight.curve[-1]["loss"] - free.curve[-1]["loss"]) < 1e-4
"""


def test_out_of_memory_halves_the_micro_batch_and_goes_on(
    base_folder: Path, tmp_path: Path, chat: Make, write_messages: Make
) -> None:
    rows = write_messages(tmp_path / "train.jsonl", chat(1, rows=1200))
    result = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY, str(base_folder), str(rows), "260"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "out of memory at step 1: micro-batches are cut into 2" in result.stderr


SCRIPT = """
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("--data", "--output", "--epochs"):
    parser.add_argument(name)
options = parser.parse_args()
rows = pathlib.Path(options.data, "train.jsonl").read_text().splitlines()
pathlib.Path(options.output, "weights.json").write_text(json.dumps({"rows": len(rows), \
"epochs": options.epochs}))
"""


def test_a_models_own_training_script_is_run_by_its_contract(
    job: Make, tmp_path: Path
) -> None:
    script = tmp_path / "own.py"
    script.write_text(SCRIPT)
    facts = run(job(script=str(script), epochs=2))
    assert (
        tmp_path / "adapter/weights.json"
    ).read_text() == '{"rows": 40, "epochs": "2"}'
    assert facts["script"]["hash"]
    script.write_text("raise SystemExit(3)")
    with pytest.raises(UserError, match="left with code 3"):
        run(job("other", script=str(script)))
    assert not (tmp_path / "other").exists()
    script.write_text("")
    with pytest.raises(UserError, match="wrote nothing"):
        run(job("other", script=str(script)))


def test_a_second_version_goes_on_from_the_first(job: Make, tmp_path: Path) -> None:
    first = run(job("first", epochs=20))
    second = run(job("second", epochs=1, start=tmp_path / "first"))
    assert second["loss"]["first"] < first["loss"]["first"] - 0.1
    assert second["start"]["hash"]


def test_two_processes_train_as_one_would(
    job: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alone = run(job("alone", epochs=6))
    together = run(job("together", epochs=6, processes=2))
    assert together["loss"]["last"] < together["loss"]["first"] - 0.1
    for one, two in zip(alone["curve"], together["curve"], strict=True):
        assert one == pytest.approx(two, rel=1e-3)
    assert together["tokens_seen"] == alone["tokens_seen"]
    assert "adapter_model.safetensors" in {
        path.name for path in (tmp_path / "together").iterdir()
    }
    assert (tmp_path / "together.tsv").read_text().count("\n") == together["steps"] + 1
    assert capfd.readouterr().out.count("trained weights") == 2, (
        "said once for each training"
    )


def test_what_one_of_two_processes_refuses_is_said_once(
    job: Make, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"loss is (nan|inf)"):
        run(job(processes=2, learning_rate=1e30, warmup_ratio=0.0))
    assert not (tmp_path / "adapter").exists()


def test_the_processes_end_with_the_one_that_started_them(
    job: Make, base_folder: Path, tmp_path: Path
) -> None:
    line = [
        *command(job("orphan"), base_folder, tmp_path / "p.yaml"),
        "--processes",
        "2",
    ]
    parent = subprocess.Popen(line, env=environment())
    workers: list[psutil.Process] = []
    deadline = time.monotonic() + 120
    while len(workers) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        children = psutil.Process(parent.pid).children()
        workers = [
            child for child in children if "--multiprocessing-fork" in child.cmdline()
        ]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=60)
    for process in alive:
        process.kill()
    assert not alive


def test_bf16_trains_on_the_cpu_too(job: Make) -> None:
    facts = run(job(epochs=8, dtype="bf16"))
    assert facts["loss"]["last"] < facts["loss"]["first"] - 0.1


def test_4_bit_without_a_gpu_is_refused_with_what_to_do(job: Make) -> None:
    with pytest.raises(
        UserError, match="needs an NVIDIA GPU and the package bitsandbytes"
    ) as refused:
        run(job(load_in_4bit=True))
    assert "afs vastai launch" in str(refused.value)


def test_the_documented_script_of_ones_own_trains_what_peft_loads(
    job: Make, base_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    monkeypatch.setenv("BASE", str(base_folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    script = Path(__file__).parents[2] / "docs/examples/train_script.py"
    facts = run(job(script=str(script), epochs=1))
    assert (facts["steps"], facts["framework"]) == (10, "transformers")
    PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base_folder), tmp_path / "adapter"
    )
