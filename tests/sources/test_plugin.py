"""A source from another package: found by its entry point,
exported by hand and in the pipeline.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def code_of(page: Path, name: str) -> str:
    """The code block of a page that starts with a comment naming the file."""
    blocks = re.findall(r"```\w+\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    return next(block for block in blocks if block.startswith(f"# {name}\n"))


def install(folder: Path) -> dict[str, str]:
    """Lay the documented package out as an installer would,
    and give the environment that sees it.
    """
    page = ROOT / "docs" / "sources.md"
    (folder / "my_notes.py").write_text(code_of(page, "my_notes.py"))
    info = folder / "my_notes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-notes\nVersion: 1.0\n"
    )
    found = re.search(
        r'entry-points\."(afs_stages\.sources)"\]\n(\w+) = "([^"]+)"',
        code_of(page, "pyproject.toml"),
    )
    assert found
    (info / "entry_points.txt").write_text(f"[{found[1]}]\n{found[2]} = {found[3]}\n")
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def afs(*args: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *args],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_documented_package_works(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    env = install(tmp_path / "site")
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.note").write_text(
        "Where is the oil kept?\nIn the cellar of the lighthouse, second shelf.\n"
    )
    (notes / "b.note").write_text("only a title\n")
    listed = afs("afs_stages.cli", "training", "--help", cwd=tmp_path, env=env)
    assert "notes-export" in listed.stdout
    by_hand = (
        "afs_stages.cli",
        "training",
        "notes-export",
        "--root",
        str(notes),
        "--output",
        "out.jsonl",
    )
    done = afs(*by_hand, "--min-lines", "2", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    (row,) = [
        json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()
    ]
    assert (row["instruction"], row["source"]) == ("Where is the oil kept?", "notes")
    assert "1 too_short" in done.stdout
    params = (ROOT / "params.yaml").read_text()
    block = f"sources:\n  notes:\n    root: {notes}\n    min_lines: 2\n"
    (tmp_path / "params.yaml").write_text(
        re.sub(r"(?m)^sources:.*$", block.rstrip(), params, count=1)
    )
    stage = afs("afs_stages.stages.export", "--source", "notes", cwd=tmp_path, env=env)
    assert stage.returncode == 0, stage.stderr
    assert (tmp_path / "data" / "exported" / "notes.jsonl").read_bytes() == (
        tmp_path / "out.jsonl"
    ).read_bytes()
    (tmp_path / "params.yaml").write_text(
        (tmp_path / "params.yaml").read_text().replace("min_lines", "min_line")
    )
    wrong = afs("afs_stages.stages.export", "--source", "notes", cwd=tmp_path, env=env)
    assert wrong.returncode == 1
    assert (
        "sources.notes.min_line: unknown key 'min_line' (did you mean 'min_lines'?"
        in wrong.stderr
    )
