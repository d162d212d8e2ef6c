"""What a project of one's own begins with: params.yaml with the sources that were
found and one model over them, and a README.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from afs_stages.core import layout
from afs_stages.core.params.edit import set_value
from afs_stages.project.templates import README, SAMPLE_PARAMS, template

RAW = Path("data/raw")
"""Where a project's sources lie, a folder each."""
CODEBASES = ("oracle", "alttp")
_SOURCES = """\
sources: {}                   # one block per source: `export@<name>` reads its root, as its type says
"""
_MODELS = """\
models:
  {name}:
    version: v1               # raise it after `afs release {name}`
    weights: {{}}               # shares of the sources in the mix; they need not sum to 1
    wordings: null            # of one fact, the first so many; null: all there are
    rehearsal:
      ratio: 0.3              # share of older versions' rows, once there are some: docs/rehearsal.md
      policy: random          # random | top_quality | quality_diversity
    rebalance:
      within: random          # random | quality | quality_diversity
      max_total: null         # null: the largest that keeps the weights
      oversample: 4           # times a row of a small source may stand in the set
      tolerance: 0.02         # how far a share may lie from its weight
    train: {{}}                 # keys of `train` that differ for this model
"""


def own_files(folder: Path, sources: Mapping[str, str]) -> dict[Path, str]:
    """The files of a project of one's own; `sources` maps a name to its type."""
    model = model_name(folder)
    return {
        layout.PARAMS: own_params(model, sources),
        Path("README.md"): template(README).format(model=model),
    }


def own_params(model: str, sources: Mapping[str, str]) -> str:
    """params.yaml as the package documents it, with these sources, a model over them
    in equal shares, and nothing of the sample.
    """
    text = template(SAMPLE_PARAMS)
    text = _with_block(text, "sources", _SOURCES)
    text = _with_block(text, "models", _MODELS.format(name=model))
    text = text.replace("# majora:", f"# {model}:")
    for name, kind in sources.items():
        text = add_source(text, name, kind)
    judged = [name for name, kind in sources.items() if kind in CODEBASES]
    if judged:
        text = set_value(text, ("discriminator", "source"), judged[0])
    return text


def add_source(text: str, name: str, kind: str) -> str:
    """The text of params.yaml with one more source; models whose sources have equal
    shares learn from it too, at the same share.
    """
    block = {"type": kind, "root": (RAW / name).as_posix()}
    text = set_value(text, ("sources", name), block)
    for model, told in yaml.safe_load(text)["models"].items():
        weights = told.get("weights") or {}
        if name not in weights and set(weights.values()) <= {1}:
            text = set_value(text, ("models", model, "weights", name), 1)
    return text


def model_name(folder: Path) -> str:
    """A model's name made from a folder's."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    taken = {"", "electra", "base", "bases", "registry"}
    return f"{name or 'my'}-model" if name in taken else name


def _with_block(text: str, key: str, block: str) -> str:
    """The text with another block under a key of the top level."""
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(tree, yaml.MappingNode)
    begins = [name.start_mark.index for name, _ in tree.value]
    at = [name.value for name, _ in tree.value].index(key)
    end = begins[at + 1] if at + 1 < len(begins) else len(text)
    return text[: begins[at]] + block + "\n" + text[end:]
