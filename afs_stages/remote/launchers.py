"""Processes that rent for a command: started at once, waited for, and ended properly
when it is stopped.

A launcher that is told to stop gives its machine back first, which takes a while. So
whoever started it passes the request on, once, and waits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping

from afs_stages.core.console import warn
from afs_stages.remote.journal import Journal

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK = 0.1
"""Seconds between two looks at the workers."""


def run(
    commands: Mapping[str, list[str]],
    models: list[str],
    env: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Run commands at once to their end, each in a process group of its own;
    name -> exit code.

    Ctrl-C, TERM or HUP to this process goes to every group as TERM. Then the commands
    are waited for, and so are the launchers of `models` that a command which died at
    once has left behind: the kernel tells by the lock on their job. Raises `SystemExit`
    with 128 + the signal's number after that.
    """
    processes: dict[str, subprocess.Popen[bytes]] = {}
    with _stop_asked() as asked:
        for name, command in commands.items():
            # A group of its own can't read the terminal:
            # a child that tried would stand still.
            processes[name] = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, process_group=0
            )
        told = False
        while any(process.poll() is None for process in processes.values()):
            if asked and not told:
                told = True
                _tell(
                    [
                        process.pid
                        for process in processes.values()
                        if process.poll() is None
                    ]
                )
            time.sleep(TICK)
        groups = {process.pid for process in processes.values()}
        while asked and any(_at_work(model, groups) for model in models):
            time.sleep(TICK)
    if asked:
        raise SystemExit(128 + asked[0])
    return {name: process.returncode for name, process in processes.items()}


@contextlib.contextmanager
def _stop_asked() -> Iterator[list[int]]:
    """A list that gets the number of every signal that asks for an end; one ignored
    from the start stays so.
    """
    asked: list[int] = []
    heeded = [
        number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {
        number: signal.signal(number, lambda got, _: asked.append(got))
        for number in heeded
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(groups: list[int]) -> None:
    warn("stopping: the machines are given back first")
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)


def _at_work(model: str, groups: set[int]) -> bool:
    """A launcher that belongs to one of the groups still holds the job of a model."""
    owner = Journal(model).owner()
    if not owner:
        return False
    try:
        return os.getpgid(owner) in groups
    except ProcessLookupError:
        return False
