"""A 65816 codebase with Markdown docs, read as a whole and turned into samples.

`read` finds the files and turns them into a program, `facts` says what the code does,
`tell` makes requests and answers of it, `judge` decides which of them are kept;
`generator` joins them.
"""

from afs_stages.codebase.generator import OracleTrainingGenerator

__all__ = ["OracleTrainingGenerator"]
