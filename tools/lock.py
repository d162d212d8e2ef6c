"""Write requirements.lock from pyproject.toml,
or with --check say whether it still answers it.

The whole tree is pinned by version and hash for every platform; torch by version alone
(see the Makefile). Pins that still fit are kept, so that a check does not fail because
something new came out.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path("requirements.lock")
COMMAND = (
    "uv pip compile pyproject.toml --group dev --universal --python-version 3.11 "
    "--generate-hashes --quiet"
)
FLAGS = "--no-header --no-annotate --no-emit-package torch --no-emit-index-url"


def resolve(output: Path) -> None:
    """Resolve into `output`, which holds the pins to keep."""
    subprocess.run(
        [*COMMAND.split(), *FLAGS.split(), "--output-file", str(output)], check=True
    )


def main() -> int:
    """Resolve, or compare with a fresh resolution;
    exit code 1 when the lock is out of date.
    """
    if "--check" not in sys.argv:
        resolve(LOCK)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / LOCK.name
        shutil.copy(LOCK, fresh)
        resolve(fresh)
        if fresh.read_bytes() == LOCK.read_bytes():
            return 0
    print(
        "requirements.lock does not answer pyproject.toml; run: make lock",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
