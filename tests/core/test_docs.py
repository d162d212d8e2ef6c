"""What the documents say is what the code does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_parameter_page_is_up_to_date() -> None:
    result = subprocess.run(
        [sys.executable, "tools/params_doc.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
