"""`afs training <source>-export`: any source, built in or from another package,
exported by hand.

A command's options are those every export has and, from the source's own `Options`, one
flag for each key: what params.yaml can say, the command line can.
"""

import inspect
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from afs_stages.core import console
from afs_stages.core.errors import UserError
from afs_stages.core.lazy import CommandTable

GROUP = "afs_stages.sources"
BUILT_IN = {
    "memory": "Export AFS memory entries.",
    "history": "Export AFS history events.",
    "claude": "Export Claude Code sessions.",
    "codex": "Export Codex CLI sessions.",
    "gemini": "Export Gemini CLI chats.",
    "toolbench": "Export ToolBench trajectories.",
}
ROOT_FLAGS = {
    "memory": "--memory-root",
    "history": "--history-root",
    "toolbench": "--dataset-dir",
}
MEANINGS = {
    "redact": "replace secrets and personal names",
    "context_tokens": "budget of earlier turns kept before a follow-up turn",
    "max_tool_output_chars": "longer tool results are cut, and say so",
}
SHARED = ("root", "output", "domain", "limit", "strict", "min_quality_score")


def table() -> CommandTable:
    """The rows of `afs training`: one export a source."""
    others = {
        entry.name: f"Export {entry.name} (from {entry.value.partition(':')[0]})."
        for entry in _others()
    }
    return {
        f"{kind}-export": (f"{__name__}:{kind}", help)
        for kind, help in {**others, **BUILT_IN}.items()
    }


def _others() -> list[Any]:
    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def __getattr__(kind: str) -> typer.Typer:
    """The application of a source type, made when it is asked for."""
    if kind.startswith("__") or f"{kind}-export" not in table():
        raise AttributeError(kind)
    app = console.stage_app(f"{kind}-export", BUILT_IN.get(kind, f"Export {kind}."))
    app.command()(_command(kind))
    return app


def _command(kind: str) -> Any:
    from afs_stages.sources.plugins import source_class

    cls = source_class(kind)

    def export(**given: Any) -> None:
        shared = {key: given.pop(key) for key in SHARED}
        _export(
            kind,
            options={key: value for key, value in given.items() if value is not None},
            **shared,
        )

    export.__doc__ = (
        f"{inspect.getdoc(cls)} Written as JSONL; what was left out, "
        "and why, is printed."
    )
    parameters = [
        *_shared(kind, cls),
        *(_own(key, field) for key, field in cls.Options.model_fields.items()),
    ]
    export.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    export.__annotations__ = {
        parameter.name: parameter.annotation for parameter in parameters
    }
    return export


def _shared(kind: str, cls: Any) -> Iterator[inspect.Parameter]:
    """The options every export has."""
    places = ", ".join(_short(root) for root in cls.default_roots()) or "none"
    flags = ["--root"]
    if kind in ROOT_FLAGS:
        flags.append(ROOT_FLAGS[kind])
    yield _parameter(
        "output",
        Path,
        ...,
        "JSONL file to write (.gz, .zst by suffix)",
        "--output",
        "-o",
    )
    yield _parameter(
        "root",
        list[Path] | None,
        None,
        f"folder to read, repeatable; default: {places}",
        *flags,
    )
    yield _parameter(
        "domain",
        str,
        "",
        f"domain of the samples; default: {cls.default_domain or kind}",
        "--domain",
    )
    yield _parameter(
        "limit", int | None, None, "at most this many samples, counted last", "--limit"
    )
    yield _parameter(
        "strict", bool, False, "stop at the first unreadable row", "--strict"
    )
    yield _parameter(
        "min_quality_score",
        float | None,
        None,
        "leave out lower scores (0 to 1)",
        "--min-quality-score",
    )


def _short(path: Path) -> str:
    home = Path.home()
    return (
        f"~/{path.relative_to(home).as_posix()}"
        if path.is_relative_to(home)
        else str(path)
    )


def _own(key: str, field: Any) -> inspect.Parameter:
    """One key of the source's options: a switch, a repeatable flag for a tuple,
    else a value.
    """
    flag = "--" + key.replace("_", "-")
    help = field.description or MEANINGS.get(key, key.replace("_", " "))
    if field.annotation is bool:
        return _parameter(
            key,
            bool | None,
            None,
            f"{help}; default: {field.default}",
            f"{flag}/--no-{flag[2:]}",
        )
    if get_origin(field.annotation) in (tuple, list):
        return _parameter(
            key, list[str] | None, None, f"{help}; repeatable", flag.removesuffix("s")
        )
    choices = get_args(field.annotation)
    words = (
        f" ({', '.join(map(str, choices))})"
        if choices and all(isinstance(c, str) for c in choices)
        else ""
    )
    return _parameter(
        key, str | None, None, f"{help}{words}; default: {field.default}", flag
    )


def _parameter(
    name: str, kind: Any, default: Any, help: str, *flags: str
) -> inspect.Parameter:
    annotation = Annotated[kind, typer.Option(*flags, help=help, show_default=False)]
    empty = inspect.Parameter.empty
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=empty if default is ... else default,
        annotation=annotation,
    )


def _export(
    kind: str,
    *,
    root: list[Path] | None,
    output: Path,
    domain: str,
    limit: int | None,
    strict: bool,
    min_quality_score: float | None,
    options: dict[str, Any],
) -> None:
    from afs_stages.sources.export import run
    from afs_stages.sources.plugins import parse_options, source_class

    cls = source_class(kind)
    roots = [path.expanduser() for path in root or cls.default_roots()]
    there = [path for path in roots if path.exists()]
    named = ", ".join(map(_short, roots)) or "(no folder given)"
    if not there:
        raise UserError(
            f"no sessions found under {named}", fix="give the folder with --root"
        )
    generator = cls(
        kind, domain, there, parse_options(cls, options, kind, "command line")
    )
    keep = _gate(min_quality_score) if min_quality_score is not None else None
    report = run(generator, output, limit=limit, strict=strict, keep=keep)
    if report.rows_in == 0:
        report.warnings.clear()
    report.write(None)
    if not report.rows_out:
        what = "no sessions found" if report.rows_in == 0 else "no sample passed"
        raise UserError(
            f"{what} under {named}",
            fix="check --root; the counts above say what was left out",
        )


def _gate(minimum: float) -> Any:
    """Leaves out samples that score lower; scored as the `dialogue` profile does,
    without a discriminator.
    """
    from afs_stages.scoring.config import ScoringConfig
    from afs_stages.scoring.scorer import QualityScorer

    scorer = QualityScorer(ScoringConfig.from_profile("dialogue"))

    def keep(sample: Any) -> str:
        sample.quality_score = round(scorer.score(sample).overall, 6)
        return "" if sample.quality_score >= minimum else "below_min_score"

    return keep
