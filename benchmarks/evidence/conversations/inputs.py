"""A set of inputs by another hand: its situations, secrets and harmless strings.

A set is a folder with `make.py` (writes the situations), `secrets.py` and `README.md`,
in which the hashes of what the two make must stand.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import zstandard

SETS = Path(__file__).parent / "sets"
HELD = ("all", "held-in", "held-out")


@dataclass(frozen=True)
class Situation:
    """One situation: the folder an exporter is pointed at, and what must come out."""

    home: Path
    expected: dict[str, Any]

    @property
    def held_out(self) -> bool:
        """Whether it must not be used in tests."""
        return bool(self.expected["held_out"])


@dataclass(frozen=True)
class InputSet:
    """A set's folder, and what is made from it."""

    folder: Path

    @property
    def name(self) -> str:
        """The set's number."""
        return self.folder.resolve().name

    @property
    def has_situations(self) -> bool:
        """Whether the set holds sessions, and not secrets alone."""
        return (self.folder / "make.py").is_file()

    def situations(self, target: Path) -> list[Situation]:
        """Make the situations below `target`; stops where they are not those that the
        README names.
        """
        command = [sys.executable, "-B", str(self.folder / "make.py"), str(target)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self._check("situations", tree_digest(target))
        return [
            Situation(
                folder / "home",
                json.loads((folder / "expected.json").read_text("utf-8")),
            )
            for folder in sorted(target.iterdir())
        ]

    def secrets(self) -> list[dict[str, Any]]:
        """The planted secrets, each with its kind and the text around it."""
        module = self._module()
        planted: list[dict[str, Any]] = module.secrets(module.SEED)
        self._check("secrets", _digest(planted))
        return planted

    def harmless(self) -> list[dict[str, Any]]:
        """The strings that must come through unchanged."""
        module = self._module()
        texts = module.harmless(module.SEED)
        self._check("harmless strings", _digest(texts))
        return [
            {"index": i, "text": text, "held_out": module.harmless_held_out(i)}
            for i, text in enumerate(texts)
        ]

    def _module(self) -> ModuleType:
        """The set's secrets.py under another name: its own would hide Python's."""
        path = self.folder / "secrets.py"
        spec = importlib.util.spec_from_file_location(f"planted_{self.name}", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def _check(self, what: str, digest: str) -> None:
        if digest not in (self.folder / "README.md").read_text("utf-8"):
            raise SystemExit(
                f"error: set {self.name}: the {what} made are not those of the README "
                f"(sha256 {digest})"
            )


def tree_digest(folder: Path) -> str:
    """sha256 over the sorted relative paths and bytes of a folder's files.

    A packed file counts as what is in it: its bytes depend on the packer's version.
    """
    files: dict[str, bytes] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            name, data = path.relative_to(folder).as_posix(), path.read_bytes()
            if path.suffix == ".zst":
                reader = zstandard.ZstdDecompressor().stream_reader(data)
                name, data = name.removesuffix(".zst"), reader.read()
            files[name] = data
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(name.encode() + b"\0" + files[name] + b"\0")
    return total.hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def of_share(items: list[Any], share: str) -> list[Any]:
    """The items of one share: `held-in`, `held-out` or `all`."""
    if share == "all":
        return items
    wanted = share == "held-out"
    return [item for item in items if _held_out(item) == wanted]


def _held_out(item: Any) -> bool:
    return bool(item["held_out"] if isinstance(item, dict) else item.held_out)
