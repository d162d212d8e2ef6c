"""One step of one side in a process of its own; prints its cost as JSON.

    python job.py SIDE STEP FOLDER [PREDECESSOR]

Imports come before the clock starts, so that a process's start is in no number.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

Step = Callable[[], object]
WEIGHTS = {"oracle": 0.4, "memory": 0.3, "claude": 0.2, "toolbench": 0.1}


def floor(folder: Path) -> dict[str, Step]:
    """What no program can beat by much: the bytes copied, the lines parsed."""
    import msgspec

    def parse() -> None:
        decode = msgspec.json.decode
        with (folder / "rows.jsonl").open("rb") as file:
            for line in file:
                decode(line)

    return {
        "copy": lambda: shutil.copyfile(folder / "rows.jsonl", folder / "floor.jsonl"),
        "parse": parse,
    }


def predecessor(folder: Path) -> dict[str, Step]:
    """The steps as the predecessor's own functions do them."""
    from afs.generators.base import read_jsonl, write_jsonl
    from afs.training.converters import get_converter
    from afs.training.rebalance import rebalance_dataset
    from afs.training.rehearsal import RehearsalBuffer
    from afs.training.splitter import split_dataset

    rows, out = folder / "rows.jsonl", folder / "old"

    def build() -> None:
        buffer = RehearsalBuffer()
        buffer.load_from_jsonl(rows, version="v4")
        buffer.select_top_samples(ratio=0.3)
        buffer.save(out / "buffer.jsonl")

    def mix() -> None:
        buffer = RehearsalBuffer()
        buffer.load_from_jsonl(folder / "buffer.jsonl", version="v4")
        write_jsonl(
            buffer.merge_with_new_data(read_jsonl(rows), 0.2, seed=42),
            out / "mix.jsonl",
        )

    return {
        "prepare": lambda: split_dataset(rows, out / "splits"),
        "rehearsal-build": build,
        "rehearsal-mix": mix,
        "rebalance": lambda: rebalance_dataset(
            [rows], out / "mixed.jsonl", weights=WEIGHTS
        ),
        "convert": lambda: get_converter("alpaca").convert_file(
            rows, out / "alpaca.jsonl"
        ),
    }


def ours(folder: Path) -> dict[str, Step]:
    """The steps as the stages and commands do them."""
    import numpy as np
    import rensa

    from afs_stages.core import jsonl
    from afs_stages.core.params.data import NearDuplicates, Rebalance, Split
    from afs_stages.core.stage_report import StageReport
    from afs_stages.dataset import near
    from afs_stages.dataset.buffer import RehearsalBufferConfig
    from afs_stages.dataset.convert import convert_file
    from afs_stages.dataset.formats import Style, format_named
    from afs_stages.dataset.index import index
    from afs_stages.dataset.rebalance import mix_buffer_files, rebalance_files
    from afs_stages.dataset.rehearse import rehearse_files
    from afs_stages.dataset.splits import split_dataset

    rows, out = folder / "rows.jsonl", folder / "new"

    assert rensa

    def find_near(part: int) -> None:
        found = index([rows], jsonl.refuse)
        for _ in near.pairs(
            near.RowTexts([(found, np.arange(len(found) // part))]), NearDuplicates()
        ):
            pass

    def build() -> None:
        rehearse_files(
            [rows],
            "v4",
            out / "buffer.jsonl",
            RehearsalBufferConfig(),
            NearDuplicates(),
            42,
        )

    def prepare(find_near: bool) -> None:
        split_dataset([rows], out / "splits", Split(), 42, find_near=find_near)

    def convert() -> None:
        target, report = out / "alpaca.jsonl", StageReport("convert")
        convert_file(
            rows, target, format_named("alpaca"), Style("separate", ""), report
        )

    return {
        "prepare": lambda: prepare(False),
        "prepare-near": lambda: prepare(True),
        "near": lambda: find_near(1),
        "near/2": lambda: find_near(2),
        "near/4": lambda: find_near(4),
        "rehearsal-build": build,
        "rehearsal-mix": lambda: mix_buffer_files(
            folder / "buffer.jsonl", [rows], out / "mix.jsonl", 0.2, True, 42
        ),
        "rebalance": lambda: rebalance_files(
            [rows], out / "mixed.jsonl", WEIGHTS, Rebalance(), 42
        ),
        "convert": convert,
    }


def main() -> None:
    """Run the step and print wall and CPU seconds and the process's
    peak memory in MB.
    """
    side, step, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if side == "predecessor":
        sys.path.insert(0, str(Path(sys.argv[4]) / "src"))
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sides = {"floor": floor, "predecessor": predecessor, "ours": ours}
    run = sides[side](folder)[step]
    for name in ("old", "new"):
        (folder / name).mkdir(exist_ok=True)
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    status = (
        Path("/proc/self/status").read_text().splitlines()
    )  # ru_maxrss would include the parent's
    peak = (
        next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    )
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
