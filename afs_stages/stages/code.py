"""Stage `code`: what code each stage can run, as one hash each in code.json.

The first stage of every repro where a project holds the package itself. A change that
means nothing to a stage leaves its hash, so only this stage runs.
"""

from __future__ import annotations

from afs_stages.core import console, layout

app = console.stage_app("code", "Hash the code that each stage can run.")


@app.command()
def code() -> None:
    """Write code.json: stage -> hash of the code it can run."""
    from afs_stages.core.jsonl import write_json
    from afs_stages.project.code import code_hashes

    found = code_hashes()
    write_json(layout.CODE, found)
    console.say(f"{layout.CODE}: the code of {len(found)} stages")


if __name__ == "__main__":
    console.run(app)
