"""The published tables of judged rows are those of the stored verdicts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "benchmarks/evidence/codebase/run.py"
PAGE = ROOT / "docs/quality/codebase-review.md"


def test_the_page_shows_what_the_verdicts_say():
    done = subprocess.run(
        [sys.executable, TOOL], capture_output=True, text=True, check=True
    )
    page = set(PAGE.read_text("utf-8").splitlines())
    printed = [line for line in done.stdout.splitlines() if line]
    assert len(printed) > 60
    assert [line for line in printed if line not in page] == []
