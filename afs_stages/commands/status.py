"""`afs status`: where things stand and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afs_stages.core import console

if TYPE_CHECKING:
    from afs_stages.reporting.status import Status

app = console.stage_app("status", "Where things stand and what to do next.")

SHOWN = 12


@app.command()
def status() -> None:
    """Say which sources are there, which stages are stale, what is trained,
    released and backed up.
    """
    from afs_stages.core.params import load
    from afs_stages.reporting.status import status as look

    state = look(load())
    for title, rows in _sections(state).items():
        console.say(title)
        for name, text in rows.items():
            console.say(f"  {name:<12} {text}")
    console.say(f"next: {state.next}")


def _sections(state: Status) -> dict[str, dict[str, str]]:
    return {
        "sources": state.sources,
        "stages": _stages(state),
        "models": state.models,
        "releases": state.releases or {"none": "freeze one with `afs release MODEL`"},
        "backup": {"remote": state.remote, "last": state.last_backup or "none yet"},
    }


def _stages(state: Status) -> dict[str, str]:
    if state.running:
        return {"running": state.running}
    if state.stale is None:
        return {"unknown": state.problem}
    shown = dict(list(state.stale.items())[:SHOWN])
    if len(state.stale) > SHOWN:
        shown["…"] = f"and {len(state.stale) - SHOWN} more: dvc status"
    return shown or {"up to date": "nothing to run"}


if __name__ == "__main__":
    console.run(app)
