"""How many turns of agent sessions survive `fit`, and how fast it is.

    python benchmarks/dataset/sessions.py --turns 400
    python benchmarks/dataset/sessions.py --turns 400 --tokenizer models/base

Sessions are made up from what is at hand: the files of Python's standard library are
what tools read, search and edit, its docstrings what people and assistant say. They go
through the Claude Code exporter as logs. Without `--tokenizer`, a byte-level BPE of
32,768 tokens is trained on other files of the library: about as many characters a
token as the tokenizers of current models have on code.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import resource
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from afs_stages.core import layout
from afs_stages.core.jsonl import read_samples, refuse
from afs_stages.core.params.data import Fit
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.fit import fit_model, load_tokenizer
from afs_stages.dataset.formats import Style
from afs_stages.dataset.shorten import count_rows, read_only
from afs_stages.sources.export import run
from afs_stages.sources.plugins import parse_options, source_class
from afs_stages.training.lengths import RowTokens
from afs_stages.training.tiny import build_tokenizer

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
LIMITS = (1024, 2048, 4096, 8192)
MAX_CALLS = 8
OUTPUT_MEDIAN, OUTPUT_SPREAD = 3000, 1.0
"""Characters of a tool's output: a log-normal distribution, a tenth over 10,800."""
MAX_OUTPUT = 30_000
"""Characters: where agents themselves cut what a command prints."""


def library(odd: bool) -> list[str]:
    """Every other file of the standard library: one half is read in sessions, the other
    trains the tokenizer.
    """
    paths = sorted(LIBRARY.glob("*.py")) + sorted(LIBRARY.glob("[a-z]*/*.py"))
    own = [path for path in paths if "site-packages" not in path.parts]
    texts = [path.read_text("utf-8", "replace") for path in own[odd::2]]
    return [text for text in texts if len(text) > 4000]


def paragraphs(texts: list[str]) -> list[str]:
    """Docstrings of functions and classes: prose about code."""
    found = []
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.append(ast.get_docstring(node) or "")
    return [one for one in found if len(one) > 60]


class Sessions:
    """Made-up work of an agent on a code base."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.files = library(odd=False)
        self.prose = paragraphs(self.files)

    def said(self, least: int, most: int) -> str:
        """Prose of some hundred characters."""
        size = self.rng.randint(least, most)
        text = ""
        while len(text) < size:
            text += self.rng.choice(self.prose) + "\n\n"
        return text[:size]

    def code(self, size: int) -> str:
        """Lines of a file, from anywhere in it."""
        text = self.rng.choice(self.files)
        start = text.rfind("\n", 0, self.rng.randrange(len(text))) + 1
        return text[start : start + size] or text[:size]

    def output_size(self) -> int:
        """Characters of a tool's output."""
        drawn = OUTPUT_MEDIAN * self.rng.lognormvariate(0, OUTPUT_SPREAD)
        return min(int(drawn), MAX_OUTPUT)

    def step(self) -> tuple[str, dict[str, Any], str]:
        """A call's name and input, and what came out of it."""
        number = self.rng.randrange(100)
        path = f"/srv/project/src/module_{number}/part_{number % 7}.py"
        kind = self.rng.choices(
            ("Read", "Bash", "Grep", "Edit"), weights=(40, 25, 15, 20)
        )[0]
        size = self.output_size()
        if kind == "Edit":
            old = self.code(self.rng.randint(80, 500))
            new = self.code(self.rng.randint(80, 700))
            given = {"file_path": path, "old_string": old, "new_string": new}
            return kind, given, f"The file {path} has been updated.\n{new}"
        if kind == "Read":
            rows = self.code(size).splitlines()
            numbered = "\n".join(f"{at:6}\t{row}" for at, row in enumerate(rows, 1))
            return kind, {"file_path": path}, numbered[:size]
        if kind == "Grep":
            rows = self.code(size).splitlines()
            hits = [f"{path}:{at * 7}:{row}" for at, row in enumerate(rows, 1)]
            return (
                kind,
                {"pattern": "def .*open", "path": "src"},
                "\n".join(hits)[:size],
            )
        command = f"cd /srv/project && python -m pytest -q tests/test_{number}.py"
        rows = [
            f"tests/test_{at}.py::test_{self.rng.randrange(10**4)} PASSED [{at % 100}%]"
            for at in range(size // 50)
        ]
        return kind, {"command": command}, "\n".join([*rows, self.code(400)])[-size:]

    def records(self, session: int, turns: int) -> Iterator[dict[str, Any]]:
        """The log of a session."""
        parent: str | None = None
        number = 0

        def record(role: str, content: Any) -> dict[str, Any]:
            nonlocal parent, number
            number += 1
            uuid = f"{session}-{number}"
            found = {
                "type": role,
                "uuid": uuid,
                "parentUuid": parent,
                "sessionId": f"s{session}",
                "isSidechain": False,
                "message": {"role": role, "content": content},
            }
            parent = uuid
            return found

        for _ in range(turns):
            yield record("user", self.said(40, 500))
            for _ in range(self.rng.randint(1, MAX_CALLS)):
                name, given, output = self.step()
                id = f"toolu_{session}_{number}"
                use = {"type": "tool_use", "id": id, "name": name, "input": given}
                text = {"type": "text", "text": self.said(30, 160)}
                spoken = [text, use] if self.rng.random() < 0.5 else [use]
                yield record("assistant", spoken)
                result = {"type": "tool_result", "tool_use_id": id, "content": output}
                yield record("user", [result])
            answer = [{"type": "text", "text": self.said(200, 1400)}]
            yield record("assistant", answer)


def exported(turns: int, seed: int, chars: int, folder: Path) -> list[TrainingSample]:
    """Samples of about so many turns, in sessions of one to eight."""
    sessions = Sessions(seed)
    root = folder / "projects" / "p"
    root.mkdir(parents=True, exist_ok=True)
    made = 0
    while made < turns:
        count = min(sessions.rng.randint(1, 8), turns - made)
        path = root / f"s{made}.jsonl"
        lines = [json.dumps(row) for row in sessions.records(made, count)]
        path.write_text("\n".join(lines) + "\n")
        made += count
    cls = source_class("claude")
    options = {"max_tool_output_chars": chars}
    generator = cls("claude", "", [folder], parse_options(cls, options, "claude"))
    output = folder / "claude.jsonl"
    report = run(generator, output)
    print(f"{made} turns, {report.rows_out} samples, {chars:,} characters an output")
    return list(read_samples(output, refuse))


def survivors(
    samples: list[TrainingSample], tokens: RowTokens, limit: int
) -> dict[str, float]:
    """Shares of the samples that fit whole, and with their outputs cut; seconds."""
    for part in layout.PARTS:
        path = layout.split(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = samples if part == "train" else []
        path.write_text("".join(json.dumps(row.to_dict()) + "\n" for row in rows))
    started = time.process_time()  # the machine may be shared
    params = Fit(max_tokens=limit)
    report = fit_model("m", ["claude"], tokens, params)
    seconds = time.process_time() - started
    cut = report.values["shortened"]
    kept = list(read_samples(layout.fitted("m", "train"), refuse))
    assert all(count <= limit for count in count_rows(tokens, kept))
    sizes = sorted(
        tokens.counts([text])[0]
        for row in kept
        if "tokens_cut" in row.metadata
        for text in read_only(row)
        if "tokens cut]" in text
    )
    if limit == LIMITS[0]:
        print(by_calls(samples, {row.sample_id for row in kept}))
    return {
        "whole": (report.rows_out - cut["rows"]) / report.rows_in,
        "fit": report.rows_out / report.rows_in,
        "tokens": cut["tokens"] / max(cut["rows"], 1),
        "left": sizes[len(sizes) // 2] if sizes else 0,
        "seconds": seconds,
    }


def by_calls(samples: list[TrainingSample], kept: set[str]) -> str:
    """The share that survives of the turns with so many calls."""
    parts = []
    for number in range(1, MAX_CALLS + 1):
        own = [row.sample_id in kept for row in samples if calls_of(row) == number]
        parts.append(f"{number}: {sum(own) / max(len(own), 1):.0%}")
    return f"{LIMITS[0]:,} tokens, by calls: {', '.join(parts)}"


def calls_of(sample: TrainingSample) -> int:
    """Tool calls of a sample."""
    return sum(row["role"] == "tool" for row in sample.messages or [])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=400)
    parser.add_argument("--seed", type=int, default=25)
    parser.add_argument("--limits", type=int, nargs="*", default=LIMITS)
    parser.add_argument("--tokenizer", type=Path, help="a model's folder")
    arguments = parser.parse_args()
    if arguments.tokenizer:
        tokenizer = load_tokenizer(arguments.tokenizer)
    else:
        tokenizer = build_tokenizer(library(odd=True), 32_768, 8192)
    tokens = RowTokens(tokenizer, Style())
    sample_text = "\n".join(library(odd=False)[:20])
    print(
        f"{len(sample_text) / tokens.counts([sample_text])[0]:.2f} characters a token"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for chars in (2000, 20_000):
            samples = exported(
                arguments.turns, arguments.seed, chars, Path(folder, str(chars))
            )
            calls = sum(map(calls_of, samples)) / len(samples)
            size = sum(len(json.dumps(row.to_dict())) for row in samples)
            print(f"{calls:.1f} calls a sample; {size / 1e6:.1f} MB")
            print(
                "| limit | whole | with cuts | tokens cut a row | left of an output | "
                "MB/s |\n|---:|---:|---:|---:|---:|---:|"
            )
            for limit in arguments.limits:
                found = survivors(samples, tokens, limit)
                print(
                    f"| {limit:,} | {found['whole']:.0%} | {found['fit']:.0%} | "
                    f"{found['tokens']:,.0f} | {found['left']} | "
                    f"{size / 1e6 / found['seconds']:.1f} |",
                    flush=True,
                )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory {peak:.0f} MB, samples of the benchmark itself included")


if __name__ == "__main__":
    main()
