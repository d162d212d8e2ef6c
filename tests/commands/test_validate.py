"""`afs validate`: faults are named, good rows are kept to the byte, nothing is lost."""

import subprocess
import sys
from pathlib import Path

GOOD = b'{"output": "o",   "instruction": "i"}'
BAD = b'{"instruction": "i", "outp'


def afs(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "afs_stages.cli", "validate", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_clean_file_passes(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(GOOD + b"\n")
    result = afs(path)
    assert (result.returncode, result.stdout) == (0, f"{path}: 1 good, 0 bad\n")


def test_faults_are_named_with_line_and_field_and_fail_the_command(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(
        b"\n".join(
            [GOOD, BAD, b'{"instruction": "i"}', b'{"a": "\0"}', b'{"a": "\xff"}']
        )
    )
    result = afs(path)
    assert result.returncode == 1
    for line in (
        "2: broken_json",
        "3: schema: output: field required",
        "4: nul_byte",
        "5: encoding",
    ):
        assert f"{path}:{line}" in result.stdout
    assert "1 good, 4 bad" in result.stdout


def test_fix_keeps_good_rows_to_the_byte_and_bad_ones_beside(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    content = GOOD + b"\n" + BAD + b"\n" + GOOD
    path.write_bytes(content)
    result = afs(path, "--fix")
    assert result.returncode == 0
    assert (tmp_path / "x.fixed.jsonl").read_bytes() == GOOD + b"\n" + GOOD + b"\n"
    assert (
        b'"line":2,"reason":"broken_json"'
        in (tmp_path / "x.fixed.rejects.jsonl").read_bytes()
    )
    assert path.read_bytes() == content


def test_any_accepts_rows_of_other_shapes(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"messages": []}\n')
    assert afs(path).returncode == 1
    assert afs(path, "--any").returncode == 0


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    result = afs(tmp_path / "none.jsonl")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {tmp_path}/none.jsonl: no such file")
    assert "Traceback" not in result.stderr
