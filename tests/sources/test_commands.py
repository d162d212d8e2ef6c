"""`afs training …-export` and `afs collect`, as a person runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.checkout import dvc, git
from support.every_format import every_format, write
from support.secrets import planted
from support.source_files import ANSWER, claude_turns, write_lines

ROOT = Path(__file__).parents[2]


def afs(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "afs_stages.cli", *args]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "kind", ["memory", "history", "claude", "codex", "gemini", "toolbench"]
)
def test_every_source_by_hand_and_twice_the_same(kind: str, tmp_path: Path) -> None:
    sample = ROOT / "data" / "sample" / kind
    for name in ("a", "b"):
        done = afs(
            "training",
            f"{kind}-export",
            "--root",
            str(sample),
            "-o",
            f"{name}.jsonl",
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
    assert (
        (tmp_path / "a.jsonl").read_bytes()
        == (tmp_path / "b.jsonl").read_bytes()
        != b""
    )
    assert (tmp_path / "a.rejects.jsonl").exists()


def test_no_sessions_is_said_and_writes_nothing(tmp_path: Path) -> None:
    for root in (tmp_path / "none", tmp_path):
        missing = afs(
            "training",
            "claude-export",
            "--root",
            str(root),
            "-o",
            "c.jsonl",
            cwd=tmp_path,
        )
        assert missing.returncode == 1
        assert "no sessions found under" in missing.stderr


def test_limit_counts_good_samples_and_home_is_honoured(tmp_path: Path) -> None:
    write_lines(tmp_path / "home" / "projects" / "-src" / "s.jsonl", claude_turns(4))
    args = (
        "training",
        "claude-export",
        "-o",
        "o.jsonl",
        "--limit",
        "2",
        "--domain",
        "mine",
    )
    done = afs(*args, cwd=tmp_path, CLAUDE_CONFIG_DIR=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.jsonl").read_text().count('"domain":"mine"') == 2


def test_strict_stops_without_a_traceback(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "h" / "projects" / "-src" / "s.jsonl", [*claude_turns(1), "{broken"]
    )
    done = afs(
        "training",
        "claude-export",
        "--root",
        "h",
        "-o",
        "o.jsonl",
        "--strict",
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "s.jsonl:3: broken_json" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o.jsonl").exists()


def test_no_redact_keeps_text_and_the_default_does_not(tmp_path: Path) -> None:
    _, _, secret = planted(5)[0]
    write_lines(
        tmp_path / "h" / "entries.jsonl",
        [{"prompt": f"use {secret}?", "response": ANSWER}],
    )
    afs(
        "training", "memory-export", "--memory-root", "h", "-o", "a.jsonl", cwd=tmp_path
    )
    afs(
        "training",
        "memory-export",
        "--memory-root",
        "h",
        "-o",
        "b.jsonl",
        "--no-redact",
        cwd=tmp_path,
    )
    assert secret not in (tmp_path / "a.jsonl").read_text()
    assert secret in (tmp_path / "b.jsonl").read_text()


def test_collect_is_redacted_incremental_and_exports_the_same(tmp_path: Path) -> None:
    _, _, secret = planted(6)[0]
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    home = tmp_path / "home" / "projects" / "-home-marlow-x"
    write_lines(
        home / f"{secret}.jsonl",
        [*claude_turns(2), {**claude_turns(1)[0], "cwd": secret}, f'{{"x": "{secret}'],
    )
    write_lines(home / "two.jsonl", claude_turns(1, "s2", "other "))
    args = ("collect", "claude", "--root", "home", "--no-dvc")
    first = afs(*args, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    raw = tmp_path / "data" / "raw" / "claude"
    everything = "".join(
        str(p) + p.read_text() for p in sorted(raw.rglob("*")) if p.is_file()
    )
    assert secret not in everything + first.stdout + first.stderr
    assert "marlow" not in everything
    assert "    root: data/raw/claude\n" in (tmp_path / "params.yaml").read_text()
    assert "0 files written, 2 unchanged" in afs(*args, cwd=tmp_path).stdout
    write_lines(home / "two.jsonl", claude_turns(2, "s2", "other "))
    assert "1 files written, 1 unchanged" in afs(*args, cwd=tmp_path).stdout
    afs("training", "claude-export", "--root", str(raw), "-o", "o.jsonl", cwd=tmp_path)
    assert (tmp_path / "o.jsonl").read_text().count("sample_id") == 4


def test_a_document_that_broke_keeps_its_last_good_copy_and_is_not_called_written(
    tmp_path: Path,
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    document = tmp_path / "home" / "note.json"
    document.parent.mkdir()
    document.write_text('{"name": "a", "content": "the pond"}')
    args = ("collect", "memory", "--root", "home", "--no-dvc")
    assert "1 files written, 0 unchanged" in afs(*args, cwd=tmp_path).stdout
    document.write_text('{"name": "a", "conte')
    for _ in range(2):
        assert "0 files written, 0 unchanged" in afs(*args, cwd=tmp_path).stdout
    assert (
        "the pond" in (tmp_path / "data" / "raw" / "memory" / "note.json").read_text()
    )


def test_collected_history_keeps_its_payloads_readable(tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    sample = ROOT / "data" / "sample" / "history"
    afs("collect", "history", "--root", str(sample), "--no-dvc", cwd=tmp_path)
    counts = []
    for root in (sample, tmp_path / "data" / "raw" / "history"):
        done = afs(
            "training",
            "history-export",
            "--root",
            str(root),
            "-o",
            "o.jsonl",
            cwd=tmp_path,
        )
        counts.append(done.stdout.split(" out")[0])
    assert counts[0] == counts[1]


def test_discover_says_what_it_would_take(tmp_path: Path) -> None:
    done = afs("collect", "--discover", str(ROOT / "data" / "sample"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {line.split(":")[0] for line in done.stdout.splitlines()[::2]} >= {
        "claude",
        "codex",
        "gemini",
        "oracle",
    }
    assert not list(tmp_path.iterdir())
    assert afs("collect", "--discover", str(tmp_path), cwd=tmp_path).returncode == 1


def test_collect_puts_sessions_and_git_sources_under_dvc(tmp_path: Path) -> None:
    hack = tmp_path / "hack"
    write_lines(hack / "main.asm", ["Main:", "  RTL"])
    git(tmp_path, "init", "-q", str(hack))
    git(hack, "add", ".")
    git(hack, "commit", "-qm", "one routine")
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(ROOT / "params.yaml", project)
    shutil.copy(ROOT / "dvc.yaml", project)
    git(tmp_path, "init", "-q", str(project))
    dvc(project, "init", "-q")
    sample = ROOT / "data" / "sample" / "memory"
    assert afs("collect", "memory", "--root", str(sample), cwd=project).returncode == 0
    assert (project / "data" / "raw" / "memory.dvc").is_file()
    assert "/memory" in (project / "data" / "raw" / ".gitignore").read_text()
    imported = afs(
        "collect", "oracle", "--git", str(hack), "--rev", "HEAD", cwd=project
    )
    assert imported.returncode == 0, imported.stderr
    assert (project / "data" / "raw" / "oracle" / "main.asm").is_file()
    assert "rev_lock" in (project / "data" / "raw" / "oracle.dvc").read_text()
    unpinned = afs("collect", "oracle", "--git", str(hack), cwd=project)
    assert unpinned.returncode == 1
    assert "--rev" in unpinned.stderr


def test_collect_takes_every_edition_of_toolbench(tmp_path: Path) -> None:
    _, text, secret = planted(8)[4]
    folders = [
        folder for kind, folder in every_format().values() if kind == "toolbench"
    ]
    merged = json.loads(
        json.dumps(
            {name: content for folder in folders for name, content in folder.items()}
        )
    )
    merged["toolllama_G123_dfs_train.json"][0]["conversations"][3]["value"] = (
        f"\n{text}"
    )
    merged["data/train-0.parquet"][0]["conversations"]["value"][3] = json.dumps(
        {"x": f"\n{text}"}
    )
    write(merged, tmp_path / "home")
    (tmp_path / "home" / "notes.json").write_text(json.dumps({"answer": secret}))
    project = tmp_path / "project"
    git(tmp_path, "init", "-q", str(project))
    shutil.copy(ROOT / "params.yaml", project)
    shutil.copy(ROOT / "dvc.yaml", project)
    dvc(project, "init", "-q")
    first = afs("collect", "toolbench", "--root", str(tmp_path / "home"), cwd=project)
    assert first.returncode == 0, first.stderr
    assert "4 files written, 0 unchanged" in first.stdout
    assert (
        "0 files written, 4 unchanged"
        in afs("collect", "toolbench", "--root", "../home", cwd=project).stdout
    )
    assert (project / "data" / "raw" / "toolbench.dvc").is_file()
    assert "    root: data/raw/toolbench\n" in (project / "params.yaml").read_text()
    kept = b"".join(path.read_bytes() for path in project.rglob("*") if path.is_file())
    assert secret.encode() not in kept
    for root in (tmp_path / "home", project / "data" / "raw" / "toolbench"):
        done = afs(
            "training",
            "toolbench-export",
            "--root",
            str(root),
            "-o",
            f"{root.name}.jsonl",
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
    rows = [
        (tmp_path / name).read_text().splitlines()
        for name in ("home.jsonl", "toolbench.jsonl")
    ]
    before, after = ([json.loads(line) for line in lines] for lines in rows)
    assert any(row["_metadata"].pop("redactions", None) for row in before)
    assert before == after != []


SIX = {
    "memory": "memory",
    "history": "history",
    "claude": "claude",
    "codex": "codex-envelope",
    "gemini": "gemini-jsonl",
    "toolbench": "toolbench-json",
}


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("kind", SIX)
def test_the_flags_of_every_exporter(kind: str, tmp_path: Path) -> None:
    def export(
        output: str, *flags: str, root: str = "in"
    ) -> subprocess.CompletedProcess[str]:
        done = afs(
            "training",
            f"{kind}-export",
            "--root",
            root,
            "-o",
            output,
            *flags,
            cwd=tmp_path,
        )
        assert "Traceback" not in done.stderr
        return done

    secret = planted(9)[4][2]
    folder = json.loads(
        json.dumps(every_format()[SIX[kind]][1]).replace(ANSWER, f"{ANSWER} {secret}")
    )
    if kind == "toolbench":
        folder["toolllama_G2_dfs_eval.json"] = "[{"
    write(folder, tmp_path / "in")
    shutil.copytree(ROOT / "data" / "sample" / kind, tmp_path / "sample")

    assert export("all.jsonl", "--no-redact").returncode == 0
    assert secret in (tmp_path / "all.jsonl").read_text()
    assert export("clean.jsonl").returncode == 0
    assert secret not in (tmp_path / "clean.jsonl").read_text()
    strict = export("strict.jsonl", "--strict")
    assert strict.returncode == 1
    assert not (tmp_path / "strict.jsonl").exists()

    export("scored.jsonl", "--min-quality-score", "0", root="sample")
    scored = rows_of(tmp_path / "scored.jsonl")
    minimum = max(row["quality_score"] for row in scored)
    export(
        "best.jsonl", "--min-quality-score", str(minimum), "--limit", "1", root="sample"
    )
    assert (
        rows_of(tmp_path / "best.jsonl")
        == [row for row in scored if row["quality_score"] >= minimum][:1]
    )
    refused = export("none.jsonl", "--min-quality-score", "1.01", root="sample")
    assert (refused.returncode, "no sample passed under" in refused.stderr) == (1, True)

    (tmp_path / "empty").mkdir()
    for root in ("empty", "missing"):
        nothing = export("nothing.jsonl", root=root)
        assert (nothing.returncode, "no sessions found under" in nothing.stderr) == (
            1,
            True,
        )
