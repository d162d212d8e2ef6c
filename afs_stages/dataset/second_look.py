"""A second look for secrets, at the rows that are about to be trained on.

Exporters redact what they read; rows also come from releases, from a plugin or by hand.
Keys of vendors and private keys are looked for once more at this door.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from typing import Any

from afs_stages.core.sample import TrainingSample
from afs_stages.sources.redaction import private_keys, vendor_keys
from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import merged


def secrets_in(
    sample: TrainingSample, allowed: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """(kind, SHA-256 in hex) of each secret in a row's texts that is not allowed.

    The value itself is never given: the hash is what `check.allowed_secrets` takes.
    """
    text = "\n".join(_texts(sample.to_dict()))
    reading = Reading(text)
    spans = merged([*vendor_keys.find(reading), *private_keys.find(reading)])
    for start, end, kind in spans:
        secret = text[start:end].encode("utf-8", "replace")
        found = hashlib.sha256(secret).hexdigest()
        if found not in allowed:
            yield kind, found


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys too, however deep it stands."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            left += [part for pair in item.items() for part in pair][::-1]
        elif isinstance(item, list):
            left += item[::-1]
