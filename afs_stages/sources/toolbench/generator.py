"""ToolBench: `toolllama_G123_dfs_{train,eval}.json`, the `answer/` trees,
`instruction/` queries, parquet.

One sample per query, from its longest answered trajectory (the released file holds
growing prefixes of each). Two passes: the first chooses, the second builds what was
chosen, so that files of gigabytes need little memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator, Options
from afs_stages.sources.conversation import Conversation, clean
from afs_stages.sources.events import Session
from afs_stages.sources.files import walk
from afs_stages.sources.toolbench.row_files import RowLocation, chosen_rows, rows
from afs_stages.sources.toolbench.trajectory import Trajectory, outline, trajectory
from afs_stages.sources.unexpected import guarded

_SUFFIXES = (".json", ".parquet")


class ToolBenchOptions(Options):
    """Options of a `toolbench` source block."""

    redact: bool = True
    split: Literal["train", "validation", "all"] = "all"


class ToolBenchGenerator(BaseGenerator):
    """Samples from a ToolBench data folder."""

    Options = ToolBenchOptions
    default_domain = "toolbench_api"
    home = "~/data/toolbench"
    options: ToolBenchOptions

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per query whose longest trajectory ends in an answer."""
        files = [
            (name, path)
            for name, path in walk(self.roots, _SUFFIXES)
            if self._wanted(name)
        ]
        chosen = self._choose(files)
        for position, (name, path) in enumerate(files):
            for number, row in chosen_rows(
                name, path, chosen.get(position, []), self.on_bad
            ):
                sample = None
                with guarded(self.on_bad, name, number):
                    sample = self._sample(name, number, trajectory(row))
                if sample is not None:
                    yield sample

    def _wanted(self, name: str) -> bool:
        held_out = "eval" in Path(name).name or "validation" in Path(name).name
        return self.options.split == "all" or held_out == (
            self.options.split == "validation"
        )

    def _choose(self, files: list[tuple[str, Path]]) -> dict[int, list[RowLocation]]:
        """File -> where the best trajectory of each query is: one that gives a sample
        before one that does not, longer before shorter.
        """
        best: dict[bytes, tuple[tuple[bool, int], int, RowLocation]] = {}
        for position, (name, path) in enumerate(files):
            for place, row in rows(name, path, self.on_bad):
                with guarded(self.on_bad, name, place.number):
                    query, answered, length = outline(row)
                    # Rows without a query are no trajectories of one query.
                    named = clean(query) or f"{name}\0{place.number}"
                    key = hashlib.blake2b(named.encode(), digest_size=12).digest()
                    rank = (answered, length)
                    if key not in best or rank > best[key][0]:
                        best[key] = (rank, position, place)
        chosen: dict[int, list[RowLocation]] = {}
        for _, position, place in best.values():
            chosen.setdefault(position, []).append(place)
        return chosen

    def _sample(
        self, name: str, number: int, found: Trajectory | str
    ) -> TrainingSample | None:
        if isinstance(found, str):
            self.tally.met(found)
            return None
        session = Session("", name, found.events, "trajectory", tools=found.tools)
        sample = next(Conversation(self, session).samples(), None)
        if sample is None:
            return None
        sample.provenance["line"] = number
        query = sample.instruction.encode()
        digest = hashlib.blake2b(query, digest_size=8).hexdigest()
        sample.metadata["group"] = f"{self.name}:query:{digest}"
        return sample
