"""Training formats, to and from `TrainingSample`; further ones come by the entry point
`afs_stages.formats`.
"""

from afs_stages.dataset.formats.base import Format, Style
from afs_stages.dataset.formats.plugins import format_named, installed

__all__ = ["Format", "Style", "format_named", "installed"]
