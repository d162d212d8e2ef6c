"""A conversation through the command, with piped lines."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support.greedy_answer import expected

from afs_stages.use.chat import Dialogue, Manner, talk
from afs_stages.use.chosen import choose

QUESTION = "Which address opens the gate in case 51-3?"


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_piped_lines_are_answered_by_the_version_in_use(project: Path) -> None:
    command = [sys.executable, "-m", "afs_stages.cli", "model", "chat", "veran"]
    done = subprocess.run(
        [*command, "--max-new-tokens", "12"],
        input=f"{QUESTION}\n\n/new\n{QUESTION}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = expected("v5", [user(QUESTION)], 12)
    assert done.stdout.rstrip("\n") == f"{answer}\n{answer}", "/new forgets the first"


def talked(
    names: list[str], lines: str, capsys: pytest.CaptureFixture[str], how: Manner
) -> str:
    adapters = {name: choose("veran", name).adapter for name in names if name != "base"}
    base = choose("veran").base
    talk(Dialogue(base, adapters, names, how), io.StringIO(lines))
    return capsys.readouterr().out


def test_two_columns_hold_both_answers_and_keep_the_turns_apart(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    how = Manner(max_new_tokens=10)
    text = talked(["base", "v4", "v5"], f"{QUESTION}\nAnd then?\n", capsys, how)
    assert "base" in text
    for name in ("base", "v4", "v5"):
        first = expected(name, [user(QUESTION)], 10)
        turns = [user(QUESTION), {"role": "assistant", "content": first}]
        second = expected(name, [*turns, user("And then?")], 10)
        for answer in (first, second):
            for line in filter(str.strip, answer.split("\n")):
                assert line.strip() in text, (name, answer)


def test_a_temperature_draws_by_its_seed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def drawn(seed: int) -> str:
        how = Manner(max_new_tokens=12, temperature=2.0, seed=seed)
        return talked(["v5"], f"{QUESTION}\n", capsys, how)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_the_oldest_turns_leave_a_context_that_is_full(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    how = Manner(max_new_tokens=6, system="Be brief.")
    adapters = {"v5": choose("veran", "v5").adapter}
    conversation = Dialogue(choose("veran").base, adapters, ["v5"], how)
    talk(conversation, io.StringIO("\n".join([QUESTION] * 12)))
    messages = conversation.speakers[0].messages
    assert messages[0]["content"] == "Be brief."
    assert len(messages) < 25
    assert "the oldest turn left the context" in capsys.readouterr().err


def test_a_terminal_shows_both_columns_as_they_grow(project: Path) -> None:
    command = [sys.executable, "-m", "afs_stages.cli", "model", "chat", "veran"]
    answer = expected("v5", [user(QUESTION)], 8)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*command, "--compare", "base", "--max-new-tokens", "8"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )
    os.close(theirs)
    shown = b""
    try:
        # What is typed waits in the terminal; 4 is Ctrl-D on an empty line.
        os.write(ours, f"{QUESTION}\n".encode() + bytes([4]))
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed: the program left
                break
            if not part:
                break
            shown += part
        assert process.wait(30) == 0
    finally:
        process.kill()
        os.close(ours)
    text = shown.decode()
    assert "Ctrl-D ends" in text
    assert text.count("base") > 1, "the columns are drawn more than once"
    assert answer.split("\n")[0].strip() in text
