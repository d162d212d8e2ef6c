"""`afs summary`: what the last run of the pipeline did."""

from __future__ import annotations

from afs_stages.core import console

app = console.stage_app("summary", "What the last run of the pipeline did.")


@app.command()
def summary() -> None:
    """Print rows per stage, what was dropped and why, evaluation and forgetting,
    where things lie.
    """
    from afs_stages.core.params import load
    from afs_stages.reporting import summary as room

    console.say(room.summary(load()))


if __name__ == "__main__":
    console.run(app)
