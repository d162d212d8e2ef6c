"""A 65816 codebase with Markdown docs, read as a whole and turned into samples.

`tree` finds the files, `lexer` and `parser` read asar's language, `program` computes
addresses and resolves names, `routines` and `contract` say what code does, `markdown`
reads the docs; `docs`, `assembly`, `memory`, `quest` and `architecture` make one kind
of sample each; `generator` joins them.
"""

from afs_stages.sources.codebase.generator import OracleTrainingGenerator

__all__ = ["OracleTrainingGenerator"]
