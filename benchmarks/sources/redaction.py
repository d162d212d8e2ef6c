"""Redaction measured: planted secrets found whole,
false hits per MB of clean code, MB/s.

    python benchmarks/sources/redaction.py [--python PATH]

`--python` names an interpreter that has detect-secrets, which is measured beside it on
the same texts. Clean code is the standard library of the running Python; its e-mail
addresses are real and not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.secrets import planted  # noqa: E402

from afs_stages.sources.redaction import Redactor  # noqa: E402

OTHER = """
import json, sys, time
from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings
found, started = {}, time.process_time()
with default_settings():
    for name in sys.argv[1:]:
        secrets = SecretsCollection()
        secrets.scan_file(name)
        found[name] = [(s.line_number, s.secret_value) for _, s in secrets]
print(json.dumps([found, time.process_time() - started]))
"""


def clean_texts(megabytes: float) -> list[str]:
    """Files of the standard library, in order of name."""
    texts: list[str] = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        texts.append(path.read_text(encoding="utf-8", errors="replace"))
        if sum(map(len, texts)) > megabytes * 1e6:
            break
    return texts


def ours(clean: list[str], rows: list[tuple[str, str, str]]) -> str:
    """A row of the table for this project's module."""
    started, false = time.process_time(), 0
    for text in clean:
        redact = Redactor()
        redact(text)
        false += sum(count for kind, count in redact.counts.items() if kind != "email")
    seconds, size = time.process_time() - started, sum(map(len, clean)) / 1e6
    found = sum(secret not in Redactor()(text) for _, text, secret in rows)
    return (
        f"| this project | {found}/{len(rows)} | {false / size:.1f} | "
        f"{size / seconds:.1f} |"
    )


def other(python: str, clean: list[str], rows: list[tuple[str, str, str]]) -> str:
    """The same for detect-secrets: a secret counts as found when its whole
    text is reported.
    """
    with tempfile.TemporaryDirectory() as folder:
        planted_file = Path(folder) / "planted.py"
        planted_file.write_text(
            "\n".join(text.replace("\n", "\\n") for _, text, _ in rows)
        )
        files = [Path(folder) / f"clean{n}.py" for n in range(len(clean))]
        for path, text in zip(files, clean, strict=True):
            path.write_text(text)
        reported, _ = _scan(python, [planted_file])
        values = {value for _, value in reported[str(planted_file)]}
        found = sum(secret in values for _, _, secret in rows)
        hits, seconds = _scan(python, files)
        size = sum(map(len, clean)) / 1e6
        false = sum(map(len, hits.values()))
        return (
            f"| detect-secrets | {found}/{len(rows)} | {false / size:.1f} | "
            f"{size / seconds:.2f} |"
        )


def _scan(
    python: str, files: list[Path]
) -> tuple[dict[str, list[tuple[int, str]]], float]:
    done = subprocess.run(
        [python, "-c", OTHER, *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
    )
    found, seconds = json.loads(done.stdout)
    return found, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--python", default="", help="interpreter that has detect-secrets"
    )
    arguments = parser.parse_args()
    rows = [row for number in range(25) for row in planted(number)]
    print("| tool | found whole | false hits per MB | MB/s |\n|---|---|---|---|")
    print(ours(clean_texts(6), rows))
    if arguments.python:
        print(other(arguments.python, clean_texts(1), rows))


if __name__ == "__main__":
    main()
