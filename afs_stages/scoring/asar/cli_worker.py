"""A worker process around the asar program, for where there is no library: slower,
the same frames.

Each snippet is assembled in an empty folder by a child with its own limits: CPU
seconds, memory, file size. The program must open files to work, so a snippet that names
a file is refused unassembled.
"""

from __future__ import annotations

import json
import re
import resource
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CPU_SECONDS = 2
MEMORY = 768 * 2**20
_FILES = re.compile(
    rb'[!"<>%]|inc(?:bin|src|lude)|read|file|table|spcblock|arch', re.IGNORECASE
)
"""What may name a file or build such a name, defines, macros and strings too; refusing
costs a signal only.
"""
_ERROR = re.compile(r"error: (?:\([^)]*\): )?(.*?)(?: \[|$)", re.MULTILINE)


def limit() -> None:
    """Limits of the child."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * 2**20, 4 * 2**20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def assemble(program: str, code: bytes) -> dict[str, Any]:
    """Assemble one snippet with the program."""
    if _FILES.search(code):
        # a define can build the name of a directive, so the program gets none at all
        return {
            "ok": False,
            "errors": ["refused: the asar program could read files"],
            "bytes": "",
            "refused": True,
        }
    with tempfile.TemporaryDirectory() as name:
        source, image = Path(name) / "snippet.asm", Path(name) / "image.sfc"
        source.write_bytes(code)
        run = subprocess.run(
            [program, "--no-title-check", str(source), str(image)],
            cwd=name,
            env={},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            preexec_fn=limit,
            check=False,
        )
        text = (run.stdout + run.stderr).decode("utf-8", "replace")
        head = image.read_bytes()[:4].hex() if image.is_file() else ""
        return {
            "ok": run.returncode == 0,
            "errors": _ERROR.findall(text)[:12],
            "bytes": head,
        }


def serve(program: str) -> None:
    """Answer frames until stdin ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        code = source.read(struct.unpack("<I", head)[0])
        answer = json.dumps(assemble(program, code)).encode()
        target.write(struct.pack("<I", len(answer)) + answer)
        target.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
