"""Snippets per second by table and by asar,
and what share of real routines each accepts.

python benchmarks/assembler/run.py --code PATH_OF_A_CHECKOUT [--asar
LIBRARY]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from afs_stages.asm import opcode_table as table
from afs_stages.asm.lexer import parse, statements
from afs_stages.asm.opcode_table import AssemblyResult, assemble
from afs_stages.scoring.asar.assembler import AsarAssembler
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.pairs import MIN_OPS


def cpu_seconds() -> float:
    """Of this process and of the workers that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(
    name: str, codes: list[str], run: Callable[[Sequence[str]], list[AssemblyResult]]
) -> None:
    wall, cpu = time.perf_counter(), cpu_seconds()
    results = run(codes)
    rate, of_cpu = (
        len(codes) / (time.perf_counter() - wall),
        len(codes) / (cpu_seconds() - cpu),
    )
    states = {
        state: sum(result.state == state for result in results)
        for state in ("ok", "stubs", "error", "lost")
    }
    print(
        f"{name:30} {rate:9,.0f} per second, {of_cpu:9,.0f} per CPU second with its "
        f"workers  {states}"
    )


def by_table(codes: Sequence[str]) -> list[AssemblyResult]:
    return [assemble(code) for code in codes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--asar", default="")
    given = parser.parse_args()
    bodies = [
        sample.output.removeprefix("```asm\n").removesuffix("\n```")
        for sample in folder_samples(given.code)
    ]
    routines = [
        body
        for body in bodies
        if sum(statement.kind == "op" for statement in parse(body)) >= MIN_OPS
    ]
    short = ["\n".join(body.split("\n")[1:9]) for body in routines] * 10
    lines = sum(body.count("\n") + 1 for body in routines)
    print(
        f"{len(routines):,} routines, {lines / len(routines):.0f} lines on average; "
        f"8-line pieces {len(short):,}"
    )
    forget()
    measure("table, routines, lines new", routines, by_table)
    for _ in range(2):
        measure("table, routines, lines known", routines, by_table)
    forget()
    measure("table, 8 lines, lines new", short[: len(routines)], by_table)
    measure("table, 8 lines, lines known", short, by_table)
    if given.asar:
        known = Context.of(folder_samples(given.code)).known.names

        def by_asar(
            codes: Sequence[str], names: frozenset[str] = frozenset()
        ) -> list[AssemblyResult]:
            with AsarAssembler(given.asar) as asar:
                return asar.assemble(codes, names)

        measure("asar, routines", routines * 4, by_asar)
        measure(
            "asar, routines, code base known",
            routines * 4,
            lambda codes: by_asar(codes, known),
        )
        measure("asar, 8 lines", short, by_asar)
        measure(
            "asar, 8 lines that assemble",
            [code for code in short if by_table([code])[0].state != "error"],
            by_asar,
        )


def forget() -> None:
    """Drop what the table check remembers of lines it has met."""
    for memo in (parse, statements, table.assemble, table.fault):
        memo.cache_clear()
    table.references.__self__.clear()


if __name__ == "__main__":
    main()
