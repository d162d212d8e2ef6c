"""`python -m afs_stages.train`, as documented: the stage script `stages.train`."""

from afs_stages.core import console
from afs_stages.stages.train import app

if __name__ == "__main__":
    console.run(app)
