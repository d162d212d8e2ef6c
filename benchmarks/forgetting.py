"""Does rehearsal keep old knowledge? v1 learns one half of the domains, v2 the other half, at several ratios.

    PYTHONPATH=. python benchmarks/forgetting.py data/scored/oracle.jsonl --output reports/benchmarks/forgetting

Base, v1 and every v2 are trained from the same rows with the project's own training. F and the new
domains' loss are in nats per token; F is the loss of v2 minus that of v1 on v1's frozen test rows.
Runs that are done stand in `runs.jsonl` and are not run again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.params.model import BaseModelBlock, Train
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import policies
from afs_stages.dataset.policies import hashed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, nargs="+", help="samples of at least two domains, scored for other policies")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--ratios", type=float, nargs="+", default=[0, 0.01, 0.05, 0.1, 0.25, 0.3])
    parser.add_argument("--policies", nargs="+", default=["random", "top_quality", "quality_diversity"])
    parser.add_argument("--init", nargs="+", default=["base", "previous"], choices=["base", "previous"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rows-per-half", type=int, default=400)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--epochs", type=float, default=3)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        one_seed(options, seed)
    print(table(read_runs(options.output)))


def halves(paths: list[Path], count: int, seed: int) -> dict[str, dict[str, list[TrainingSample]]]:
    """half -> part -> rows; domains alternate between the halves, groups never straddle train and test."""
    samples = [sample for path in paths for sample in jsonl.read_samples(path, jsonl.refuse)]
    domains = sorted({sample.domain for sample in samples})
    out = {}
    for half, names in (("old", set(domains[::2])), ("new", set(domains[1::2]))):
        rows = sorted((s for s in samples if s.domain in names), key=lambda s: hashed(s.sample_id, seed))[:count]
        test = [s for s in rows if int(hashed(s.group, seed), 16) % 5 == 0]
        ids = {s.sample_id for s in test}
        out[half] = {"train": [s for s in rows if s.sample_id not in ids], "test": test}
    return out


def one_seed(options: argparse.Namespace, seed: int) -> None:
    from afs_stages.model.base import POINTER, resolve
    from afs_stages.model.tiny import pretrain

    data = halves(options.rows, options.rows_per_half, seed)
    folder = options.output / f"seed-{seed}"
    base = folder / "base"
    if not (base / POINTER).is_file():
        base.mkdir(parents=True, exist_ok=True)
        block = BaseModelBlock(epochs=3, learning_rate=0.003, batch_tokens=2048)
        pretrain(data["old"]["train"] + data["new"]["train"], block, seed, base)
        jsonl.write_json(base / POINTER, {"kind": "tiny", "id": None, "revision": None})
    found = resolve(base)
    v1 = folder / "v1"
    if not v1.is_dir():
        train(options, found, data["old"]["train"], v1, seed, None)
    old = losses(options, found, v1, data)
    for init in options.init:
        for ratio in options.ratios:
            for policy in options.policies if ratio else ["none"]:
                run = {"seed": seed, "init": init, "ratio": ratio, "policy": policy}
                if any(run.items() <= done.items() for done in read_runs(options.output)):
                    continue
                rows = rehearsed(data, ratio, policy, seed)
                target = folder / f"v2-{init}-{ratio}-{policy}"
                train(options, found, rows, target, seed, v1 if init == "previous" else None)
                new = losses(options, found, target, data)
                facts = {"f": new["old"] - old["old"], "new_loss": new["new"], "old_loss": new["old"], "v1": old}
                with (options.output / "runs.jsonl").open("a") as file:
                    file.write(json.dumps({**run, "rows": len(rows), **facts}) + "\n")


def rehearsed(data: dict[str, Any], ratio: float, policy: str, seed: int) -> list[TrainingSample]:
    """The new rows with old ones, as many as make `ratio` of the whole."""
    new, old = data["new"]["train"], data["old"]["train"]
    count = min(len(old), round(ratio / (1 - ratio) * len(new)))
    chosen = getattr(policies, policy)(old, count, seed, 0.5) if count else []
    return [*new, *chosen]


def train(
    options: argparse.Namespace, base: Any, rows: list[TrainingSample], output: Path, seed: int, start: Path | None
) -> None:
    from afs_stages.model.train import Job
    from afs_stages.model.train import train as run

    path = output.with_suffix(".jsonl")
    with jsonl.open_write(path) as writer:
        for row in rows:
            writer.write(row)
    settings = Train(
        epochs=options.epochs,
        batch_size=1,
        gradient_accumulation_steps=1,
        learning_rate=0.005,
        alpha=32,
        max_length=options.max_length,
        save_steps=10_000,
    )
    run(Job(base, settings, seed, path, None, output, start), jsonl.refuse)


def losses(options: argparse.Namespace, base: Any, adapter: Path, data: dict[str, Any]) -> dict[str, float]:
    """Loss per token on the test rows of both halves."""
    from afs_stages.model import lora
    from afs_stages.model.base import load_tokenizer
    from afs_stages.model.evaluate import make_test_set, measure
    from afs_stages.model.rows import from_sample

    tokenizer = load_tokenizer(base)
    model, packed = lora.load_with_adapters(base, {"it": adapter})
    sets = [
        make_test_set(half, [from_sample(s) for s in parts["test"]], tokenizer, options.max_length)
        for half, parts in data.items()
    ]
    measure(model, packed, sets, "it", 4096)
    return {tests.version: sum(tests.losses["it"]) / sum(tests.tokens) for tests in sets}


def read_runs(output: Path) -> list[dict[str, Any]]:
    path = output / "runs.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def table(runs: list[dict[str, Any]]) -> str:
    """A Markdown table: means over seeds with the lowest and highest seed."""
    lines = ["| init | ratio | policy | seeds | F | loss on new domains |", "|---|---|---|---|---|---|"]
    keys = sorted({(run["init"], run["ratio"], run["policy"]) for run in runs})
    for key in keys:
        mine = [run for run in runs if (run["init"], run["ratio"], run["policy"]) == key]
        cells = [spread([run[name] for run in mine]) for name in ("f", "new_loss")]
        lines.append(f"| {key[0]} | {key[1]} | {key[2]} | {len(mine)} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    return f"{sum(values) / len(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
