"""The laws of the house: who may import whom, one name for one thing,
nothing too dense.
"""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "afs_stages"
FLOORS = [
    {"core", "asm"},
    {"sources", "codebase", "scoring"},
    {"dataset"},
    {"training"},
    {"evaluation"},
    {"registry"},
    {"remote", "backup", "use"},
    {"project"},
    {"reporting"},
    {"stages", "commands"},
]
"""Rooms from the ground up: a room imports its own floor and those below it."""
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
SAME_MEANING = {
    "backup": "settings, command and room of backups",
    "base": "base class of the room",
    "base_model": "stage and the model it makes",
    "chat": "command and its logic",
    "check": "stage and its logic",
    "code": "stage and its logic",
    "collect": "taking the user's files in",
    "convert": "stage and its logic",
    "discriminator": "command and its room",
    "evaluate": "stage and its logic",
    "export": "stage and its logic",
    "forgetting": "command and its logic",
    "fit": "stage and its logic",
    "generator": "what makes a source's samples",
    "merge": "command and its logic",
    "model": "`afs model` and the models' blocks of params.yaml",
    "project": "room of a folder with dvc.yaml; in codebase/facts/ the assembly",
    "params": "stage that checks, and package that reads, params.yaml",
    "plugins": "look-up by name, built in or by entry point",
    "publish": "command and its logic",
    "rebalance": "stage and its logic",
    "register": "stage and its logic",
    "registry": "the registry: room and commands",
    "rehearse": "stage and its logic",
    "remote": "settings and room",
    "restore": "command and its logic",
    "rollback": "command and its logic",
    "scoring": "command and room",
    "serve": "command and its logic",
    "status": "command and its logic",
    "summary": "command and its logic",
    "train": "stage and its logic, and the documented way to run it by hand",
    "upgrade": "command and its logic",
    "training": "the room; in commands/ the documented group `afs training`",
}
"""Module names that stand more than once, and the meaning they share."""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def modules() -> Iterator[tuple[str, Path]]:
    """Dotted path below the package, and file, of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def imports(path: Path) -> Iterator[str]:
    """Modules of this package that a file imports, anywhere in it."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def edges() -> Iterator[tuple[str, str]]:
    """(importing module, imported name), both below the package."""
    for name, path in modules():
        for imported in imports(path):
            if imported.startswith("afs_stages."):
                yield name, imported.removeprefix("afs_stages.")


def room_of(module: str) -> str:
    return module.split(".")[0]


def test_a_room_imports_downwards_only() -> None:
    upwards = [
        f"{one} imports {two}"
        for one, two in edges()
        if room_of(one) in FLOOR
        and room_of(two) in FLOOR
        and FLOOR[room_of(two)] > FLOOR[room_of(one)]
    ]
    assert upwards == []


def test_sources_and_the_codebase_know_nothing_of_scoring() -> None:
    crossing = [
        (one, two)
        for one, two in edges()
        if room_of(one) in ("sources", "codebase") and room_of(two) == "scoring"
    ]
    assert crossing == []


def test_a_front_door_opens_into_rooms() -> None:
    """One front door never imports another; a group of commands is one door."""
    wrong = []
    for one, two in edges():
        doors = ("stages", "commands")
        if (
            room_of(one) in doors
            and room_of(two) in doors
            and one.split(".")[:2] != two.split(".")[:2]
        ):
            wrong.append(f"{one} imports {two}")
    assert wrong == []


def test_nothing_imports_the_command_line() -> None:
    assert [one for one, two in edges() if room_of(two) == "cli"] == []


def test_a_module_shares_its_name_only_with_its_meaning() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, _ in modules():
        places[name.split(".")[-1]].append(name)
    shared = {name: where for name, where in places.items() if name and len(where) > 1}
    assert sorted(shared) == sorted(SAME_MEANING)


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    shared = {name: where for name, where in places.items() if len(where) > 1}
    assert not shared


def architecture():
    spec = importlib.util.spec_from_file_location(
        "architecture", ROOT / "tools/architecture.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["architecture"] = module
    spec.loader.exec_module(module)
    return module


def test_no_statement_says_more_than_thirty_things_at_once() -> None:
    tool = architecture()
    dense = [
        f"{path.relative_to(ROOT)}:{line}: {count} expressions"
        for _, path in modules()
        for line, count in tool.simple_statements(parsed(path))
        if count > 30
    ]
    assert dense == []


def test_no_function_has_more_than_twenty_branches() -> None:
    tool = architecture()
    complex_ones = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {tool.complexity(node)}"
        for _, path in modules()
        for node in tool.functions(parsed(path))
        if tool.complexity(node) > 20
    ]
    assert complex_ones == []


def test_the_sizes_are_told_as_they_are() -> None:
    command = [sys.executable, "tools/architecture.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
