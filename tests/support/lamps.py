"""A small codebase about lamps: files written for one test,
and what the generator makes of them.
"""

from __future__ import annotations

from pathlib import Path

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.generator import CodebaseOptions
from afs_stages.core.params.data import Source
from afs_stages.core.params.load import read_tree

EXAMPLE = Path(__file__).parents[2] / "docs/examples/oracle-of-secrets.yaml"

TOLD = (
    "The keeper of the lower lamp counts the boats that leave before the bell and "
    "writes them into a book of tides. "
)


def oracles_words() -> CodebaseOptions:
    """The options that the example gives for Oracle of Secrets, plans told too."""
    block = read_tree(EXAMPLE)["sources"]["oracle"]
    own = {key: block[key] for key in block if key not in Source.model_fields}
    return CodebaseOptions.model_validate({**own, "plans": True})


def made(root: Path, **files: str) -> tuple[list[str], dict[str, int]]:
    """(questions with answers, what was left out by reason) of files written below
    root; `__` in a name is `/`.
    """
    for name, text in files.items():
        stem, kind = name.rsplit("_", 1)
        path = root / f"{stem.replace('__', '/')}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    generator = OracleTrainingGenerator(oracle_path=root, options=oracles_words())
    samples = [
        f"{sample.instruction}\n{sample.output}" for sample in generator.generate()
    ]
    return samples, dict(generator.tally.dropped)


def told_of(samples: list[str], name: str) -> list[str]:
    return [sample for sample in samples if name in sample]


HEADER = "; Lights the lamp of the tower when the night begins\n"
BODY = (
    "  LDA.b #$01 : STA.w LampState\n  JSL Sound_Play\n"
    "  LDA.b #$02 : STA.w LampOil\n  RTL\n"
)
NAMES = (
    "LampState = $7E0D80 ; State of the lamp in the tower\nLampOil = $7E0D90 ; "
    "Oil that is left for the night\n"
)


SOUND = "\n; Plays the sound of the lamp\nSound_Play:\n{\n  STZ.w $2140\n  RTL\n}\n"
USER = "\nLamp_User:\n{\n  JSL Lamp_Out\n  RTL\n}\n"
