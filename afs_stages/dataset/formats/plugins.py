"""Finding a format by its name: built in, or from another package."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from afs_stages.core.errors import UserError, nearest
from afs_stages.dataset.formats.base import Format

BUILT_IN = {
    "messages": "afs_stages.dataset.formats.chat_messages:Messages",
    "alpaca": "afs_stages.dataset.formats.alpaca:Alpaca",
    "sharegpt": "afs_stages.dataset.formats.sharegpt:ShareGPT",
    "openai": "afs_stages.dataset.formats.openai:OpenAI",
    "chatml": "afs_stages.dataset.formats.chatml:ChatML",
}


def installed() -> dict[str, str]:
    """Name -> `module:class` of every format there is."""
    found = {
        entry.name: entry.value for entry in entry_points(group="afs_stages.formats")
    }
    return {**found, **BUILT_IN}


def format_named(name: str, where: str = "params.yaml: convert.formats") -> Format:
    """A format by name. Raises `UserError` for one that is not installed."""
    known = installed()
    if name not in known:
        raise UserError(
            f"no format '{name}' ({nearest(name, list(known))})", where=where
        )
    module, _, attribute = known[name].partition(":")
    found: Format = getattr(import_module(module), attribute)()
    return found
