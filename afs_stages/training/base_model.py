"""The model adapters are trained on: a tiny one made here,
or a pointer to a hub id or a folder.

`base.json` in the folder says which. A pointer folder holds the tokenizer beside it, so
that counting tokens needs no weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core.errors import UserError
from afs_stages.core.hashes import folder_hash, value_hash
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.core.known_bases import folder_of, known_at
from afs_stages.training.fetch_base import fetch

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

POINTER = "base.json"
"""File of a base folder: `{"kind": "tiny" | "hub" | "folder", "id": ...,
"revision": ...}`; of a folder with the `hash` of its files, so that other weights make
another pointer and what rests on it runs again.
"""


@dataclass(frozen=True)
class Base:
    """Where the weights and the tokenizer come from, and the hash that adapters
    remember them by.
    """

    weights: str
    tokenizer: str
    revision: str | None
    hash: str

    @property
    def name(self) -> str:
        """`id@revision` of a hub model, else the folder."""
        return f"{self.weights}@{self.revision}" if self.revision else self.weights


def resolve(base: str | Path) -> Base:
    """The base a folder or a hub `id@revision` stands for.

    Raises `UserError` where a folder holds no model, or a hub id names no revision.
    """
    place = folder_of(str(base))
    folder = Path(place)
    if not folder.is_dir():
        return _hub(place)
    pointer = read_json(folder / POINTER) if (folder / POINTER).is_file() else {}
    if pointer.get("kind") in ("hub", "folder"):
        revision = pointer["revision"]
        name = f"{pointer['id']}@{revision}" if revision else pointer["id"]
        target = resolve(name)
        return replace(target, tokenizer=str(folder))
    if not (folder / "config.json").is_file():
        raise UserError(
            "no model in this folder (config.json is missing)",
            where=str(folder),
            fix="dvc repro base-model",
        )
    return Base(str(folder), str(folder), None, folder_hash(folder))


def _hub(name: str) -> Base:
    model, _, revision = name.partition("@")
    known = known_at(name)
    if known:
        raise UserError(
            "this base model is not here yet",
            where=name,
            fix=f"afs base fetch {known.name}",
        )
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UserError(
            "no such folder",
            where=name,
            fix="check base_model.id in params.yaml, or --base",
        )
    if not revision:
        raise UserError(
            f"'{name}' is no folder, and as a hub id it names no revision",
            fix=f"pin it: {name}@<commit>, so that the same training can be had again",
        )
    return Base(model, model, revision, value_hash([model, revision]))


def load_tokenizer(base: Base) -> PreTrainedTokenizerBase:
    """The tokenizer of a base; a `UserError` where the hub can't be reached or there is
    no chat template.
    """
    from transformers import AutoTokenizer

    local = Path(base.tokenizer).is_dir()
    tokenizer = _from_hub(
        AutoTokenizer, base.tokenizer, None if local else base.revision
    )
    if not tokenizer.chat_template:
        raise UserError(
            "the base model has no chat template",
            where=base.name,
            fix="choose an instruct model, or add chat_template.jinja to a local copy",
        )
    return tokenizer


def load_model(base: Base, **options: Any) -> PreTrainedModel:
    """The causal language model of a base; `options` go to `from_pretrained`."""
    from transformers import AutoModelForCausalLM

    return _from_hub(AutoModelForCausalLM, base.weights, base.revision, **options)


def _from_hub(kind: Any, name: str, revision: str | None, **options: Any) -> Any:
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        return kind.from_pretrained(name, revision=revision or "main", **options)
    except OSError as error:
        raise UserError(
            f"cannot load the base model: {str(error).splitlines()[0]}",
            where=name,
            fix="check the id and the network; a gated model needs HF_TOKEN, "
            "a mirror HF_ENDPOINT, a model fetched before HF_HOME; "
            "or leave base_model.id empty for the tiny model made here",
        ) from None


def write_pointer(name: str, folder: Path) -> Base:
    """Fill an empty folder with a pointer to a hub id or a model folder,
    and its tokenizer. A base that is known by name is fetched if it is not there yet.
    """
    known = known_at(folder_of(name))
    if known and not known.folder.is_dir():
        fetch(known, known.folder)
    base = resolve(name)
    load_tokenizer(base).save_pretrained(folder)
    pointer = {"kind": "hub", "id": base.weights, "revision": base.revision}
    if not base.revision:
        pointer |= {"kind": "folder", "hash": base.hash}
    write_json(folder / POINTER, pointer)
    return base
