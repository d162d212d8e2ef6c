"""Snippets per second by table and by asar, and what share of real routines each accepts.

python benchmarks/assembler/run.py --code PATH_OF_A_CHECKOUT [--asar LIBRARY] [--workers 2]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from afs_stages.quality.asar.pool import AsarPool
from afs_stages.quality.discriminator.folder import folder_samples
from afs_stages.quality.discriminator.pairs import MIN_OPS
from afs_stages.quality.syntax import parse, parse_line
from afs_stages.quality.table import AssemblyResult, assemble


def measure(name: str, codes: list[str], run: Callable[[Sequence[str]], list[AssemblyResult]]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    results = run(codes)
    rate, of_cpu = len(codes) / (time.perf_counter() - wall), len(codes) / (time.process_time() - cpu)
    states = {state: sum(result.state == state for result in results) for state in ("ok", "stubs", "error", "lost")}
    print(f"{name:24} {rate:10,.0f} per second, {of_cpu:10,.0f} per CPU second of this process  {states}")


def by_table(codes: Sequence[str]) -> list[AssemblyResult]:
    return [assemble(code) for code in codes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--asar", default="")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    bodies = [sample.output.removeprefix("```asm\n").removesuffix("\n```") for sample in folder_samples(given.code)]
    routines = [body for body in bodies if sum(statement.kind == "op" for statement in parse(body)) >= MIN_OPS]
    short = ["\n".join(body.split("\n")[1:9]) for body in routines] * 10
    parse_line.cache_clear()
    measure("table, routines, cold", routines, by_table)
    measure("table, routines, warm", routines, by_table)
    measure("table, 8 lines, warm", short, by_table)
    if given.asar:
        with AsarPool(given.asar, given.workers) as pool:
            measure("asar, routines", routines, pool.assemble)
            measure("asar, 8 lines", short[: len(short) // 5], pool.assemble)


if __name__ == "__main__":
    main()
