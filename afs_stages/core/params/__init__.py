"""`params.yaml` as typed values: every key known,
every error with its line and the nearest guess.
"""

from afs_stages.core.params.block import Block
from afs_stages.core.params.load import load, parse, place
from afs_stages.core.params.root import Params

__all__ = ["Block", "Params", "load", "parse", "place"]
