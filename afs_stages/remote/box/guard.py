"""Guard: first thing run on a rented machine.
Destroys it when it must go; starts the job when it is READY.

Standard library only. argv: folder, JSON {url, seconds, tail, heartbeat, grace,
teardown, tick}.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

D = dict[str, Any]


def verdict(c: D, s: D, now: float, beat: float, done: float, detached: float) -> str:
    """Why the machine must go now, or ''."""
    if s["ran"] >= c["seconds"] or now >= s["deadline"]:
        return "deadline"
    if done:
        return "uncollected" if now - done >= c["grace"] else ""
    return "" if detached or now - beat < c["heartbeat"] else "heartbeat"


def ask(c: D, id: str, key: str, method: str, body: D) -> None:
    """One call about this very machine, with its own key."""
    r = urllib.request.Request(
        f"{c['url']}/api/v0/instances/{id}/", json.dumps(body).encode(), method=method
    )
    r.add_header("Authorization", "Bearer " + key)
    r.add_header("Content-Type", "application/json")
    urllib.request.urlopen(r, timeout=30).read()


def leave(c: D, id: str, key: str, spent: float) -> None:
    """One try to destroy this machine; when the teardown allowance is spent,
    to stop it as well.
    """
    try:
        ask(c, id, key, "DELETE", {})
    except (OSError, ValueError):
        # A stopped machine has no guard and its disk bills on: the last resort.
        if spent >= c["teardown"]:
            try:
                ask(c, id, key, "PUT", {"state": "stopped"})
            except (OSError, ValueError):
                return


def mtime(path: str) -> float:
    """Time of change, 0 for no file."""
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0


def steady() -> float:
    """Seconds that no one can set."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def save(root: str, s: D) -> None:
    """Keep the state over a restart; a full disk must not stop the guard."""
    try:
        part = Path(root, "guard.tmp")
        part.write_text(json.dumps(s))
        part.replace(root + "/guard.state")
    except OSError:
        return


def load(root: str, c: D, now: float) -> D:
    """The state before a restart: the deadline is absolute,
    a restart does not move it.
    """
    try:
        s = json.loads(Path(root, "guard.state").read_text())
    except (OSError, ValueError):
        s = {"ran": 0, "deadline": now + c["seconds"], "why": ""}
    return {**s, "born": now}


def tick(root: str, c: D, s: D, then: float, now: float, up: float) -> str:
    """Count the time and say why to go; a jump of the clock moves the
    deadline with it.
    """
    s["ran"] += up
    jump = now - then - up
    if abs(jump) > 60:
        s["deadline"] += jump
        s["born"] += jump
    beat = max(mtime(root + "/heartbeat"), s["born"])
    s["why"] = s["why"] or verdict(
        c, s, now, beat, mtime(root + "/EXIT"), mtime(root + "/detached")
    )
    return str(s["why"])


def main() -> None:
    """Watch for ever."""
    root, c = sys.argv[1], json.loads(sys.argv[2])
    id, key = os.environ.pop("CONTAINER_ID"), os.environ.pop("CONTAINER_API_KEY")
    Path(root).mkdir(parents=True, exist_ok=True)
    then, up, due, n = time.time(), steady(), 0.0, 0
    s = load(root, c, then)
    job = None
    while True:
        now, here = time.time(), steady()
        if tick(root, c, s, then, now, here - up) and here >= due:
            leave(c, id, key, s["ran"] - s.setdefault("left", s["ran"]))
            due = steady() + min(60, c["tick"] * 2 ** min(n, 9))
            n += 1
        then, up = now, here
        save(root, s)
        if (
            mtime(root + "/READY")
            and not mtime(root + "/EXIT")
            and (job is None or job.poll() is not None)
        ):
            left = str(c["seconds"] - s["ran"] - c["tail"])
            job = subprocess.Popen(
                [sys.executable, root + "/bundle/run.py", root, left]
            )
        time.sleep(c["tick"])


if __name__ == "__main__":
    main()
