"""`afs scoring score` by hand: what a code base knows, read from its folder."""

from pathlib import Path

from support.checkout import ROOT
from support.rows import sample, write
from typer.testing import CliRunner

from afs_stages.commands.scoring import app
from afs_stages.core import jsonl

HACK = ROOT / "data/sample/hack"


def entity(tmp_path: Path, *options: str) -> list[object]:
    """The entity signal of two answers: one names what the hack has,
    the other what it has not.
    """
    rows = [
        sample(
            "known",
            output="`TideLevel` at $7E0F00 is read by `Tide_Update` once a frame, "
            "and by nobody else.",
        ),
        sample(
            "unknown",
            output="`LavaLevel` at $7E0ABC is read by `Lava_Update` once a frame, "
            "and by nobody else.",
        ),
    ]
    write(tmp_path / "in.jsonl", rows)
    command = [
        "score",
        "-i",
        str(tmp_path / "in.jsonl"),
        "-o",
        str(tmp_path / "out.jsonl"),
        "--no-electra",
        *options,
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    scored = list(jsonl.read_samples(tmp_path / "out.jsonl", jsonl.refuse))
    return [row.metadata["quality_components"]["names"] for row in scored]


def test_a_codebase_tells_known_names_from_others(tmp_path: Path) -> None:
    assert entity(tmp_path) == [None, None], (
        "without it nothing is known, and nothing is judged"
    )
    assert entity(tmp_path, "--codebase", str(HACK)) == [1.0, 0.0]
