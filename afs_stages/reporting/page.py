"""The report page: one HTML file with everything inside, no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl, layout
from afs_stages.core.params import Params
from afs_stages.remote import inbox
from afs_stages.reporting import evaluation_text as evaluation
from afs_stages.reporting import figures
from afs_stages.reporting.run_reports import RunReports, read_reports

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#20303c;max-width:60rem;margin:2rem auto;\
padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}\
table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.25rem .7rem;text-align:left;border-bottom:1px solid #dde4e8}\
td.n{text-align:right;
font-variant-numeric:tabular-nums}svg{max-width:100%;height:auto}\
i{display:inline-block;height:.7rem;background:#e07a5f}.note{color:#8a4b2a}
"""
NOTHING_RUNS = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser is told to allow in the page: its own styles, no script, no network.
The texts are escaped; this is the second wall.
"""


def page(params: Params, root: Path = Path()) -> str:
    """The page as HTML; sections whose stages have not run are left out."""
    collected = read_reports(params, root)
    title = ", ".join(
        f"{name} {model.version}" for name, model in params.models.items()
    )
    body = "\n".join(
        section for make in SECTIONS for section in make(params, collected, root)
    )
    return _document(title, body)


def rented_page(model: str, params: Params, root: Path = Path()) -> str:
    """The page of a rented training as HTML: a few questions with the answers that
    base and versions gave on the machine.

    They come from a stranger, by the inbox; what it refuses is named and not shown.
    """
    path = root / layout.rented_generations(model)
    try:
        answered = inbox.answers(path) if path.is_file() else []
    except inbox.Refused as refused:
        body = f'<p class="note">This cannot be shown: {escape(str(refused))}</p>'
    else:
        body = _questions(answered) or "<p>No questions were asked on the machine.</p>"
    title = f"{model} {params.model(model).version}, trained on a rented GPU"
    return _document(title, _section("Questions and answers", body))


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{NOTHING_RUNS}">'
        f"<title>{escape(title)}</title>"
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>\n{body}</html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"


def _rows(params: Params, collected: RunReports, root: Path) -> Iterator[str]:
    head = "<tr><th>stage</th><th>of</th><th>rows in</th><th>rows out</th></tr>"
    body = "".join(_in_and_out(report) for report in collected.reports)
    yield _section("Rows, stage by stage", f"<table>{head}{body}</table>")


def _in_and_out(report: dict[str, Any]) -> str:
    name = f"<td>{escape(report['stage'])}</td><td>{escape(report['key'])}</td>"
    return (
        f'<tr>{name}<td class="n">{report["rows_in"]:,}</td><td class="n">'
        f"{report['rows_out']:,}</td></tr>"
    )


def _losses(params: Params, collected: RunReports, root: Path) -> Iterator[str]:
    cells = []
    for report in collected.reports:
        counts = {**report["dropped"], **report["rejected"]}
        name = layout.stage_name(report["stage"], report["key"])
        for reason, count in sorted(
            counts.items(), key=lambda item: (-item[1], item[0])
        ):
            bar = (
                "<i "
                f'style="width:{min(200 * count / max(report["rows_in"], 1), 200):.0f}'
                'px"></i>'
            )
            cells.append(
                f'<tr><td>{escape(name)}</td><td>{escape(reason)}</td><td class="n">'
                f"{count:,}</td><td>{bar}</td></tr>"
            )
            name = ""
    if cells:
        head = (
            "<tr><th>stage</th><th>reason</th><th>rows</th><th>share of the stage's "
            "rows</th></tr>"
        )
        yield _section("Left out, and why", f"<table>{head}{''.join(cells)}</table>")


def _scores(params: Params, collected: RunReports, root: Path) -> Iterator[str]:
    histograms = _reported(collected, "score", params.sources, "histogram")
    if histograms:
        yield _section(
            "Quality scores by source",
            figures.steps(histograms, 0.0, 1.0, "quality score"),
        )


def _mixes(params: Params, collected: RunReports, root: Path) -> Iterator[str]:
    counts = {}
    for name, groups in _reported(
        collected, "rebalance", params.models, "groups"
    ).items():
        counts[name] = {group: _count(value) for group, value in groups.items()}
    if counts:
        yield _section("What each model is trained on", figures.stacked(counts))


def _reported(
    collected: RunReports, stage: str, names: Iterable[str], key: str
) -> dict[str, Any]:
    """What the stage's reports say under a key, by name;
    those that say nothing are left out.
    """
    found = {}
    for name in names:
        report = collected.of(stage, name) or {}
        if report.get(key):
            found[name] = report[key]
    return found


def _count(value: Any) -> float:
    return float(value.get("rows", 0) if isinstance(value, dict) else value)


def _curves(params: Params, collected: RunReports, root: Path) -> Iterator[str]:
    curves = {}
    for name in params.models:
        path = root / layout.adapter(name) / "training.json"
        if path.is_file():
            points = jsonl.read_json(path).get("curve", [])
            curves[name] = _smooth(
                [(p["step"], p["loss"]) for p in points if p.get("loss") is not None]
            )
    curves = {name: points for name, points in curves.items() if points}
    if curves:
        yield _section(
            "Training loss",
            figures.lines(curves, "step", "loss per token, mean of 9 steps"),
        )


def _smooth(
    points: list[tuple[float, float]], window: int = 9
) -> list[tuple[float, float]]:
    """The running mean over a window of steps: single steps of small batches jump."""
    losses = [loss for _, loss in points]
    means = [losses[max(0, i - window + 1) : i + 1] for i in range(len(losses))]
    return [
        (step, sum(mean) / len(mean))
        for (step, _), mean in zip(points, means, strict=True)
    ]


def _models(params: Params, collected: RunReports, root: Path) -> Iterator[str]:
    for name, model in params.models.items():
        report = collected.of("evaluate", name)
        if report is None:
            continue
        drawn = root / layout.report(name, "forgetting").with_suffix(".svg")
        picture = (
            drawn.read_text(encoding="utf-8").partition("<svg")[2]
            if drawn.is_file()
            else ""
        )
        headline = evaluation.headline(report)
        text = escape("\n".join(evaluation.lines(report)))
        content = f"<p><b>{escape(headline)}</b></p>" if headline else ""
        content += f"<pre>{text}</pre>" + (f"<svg{picture}" if picture else "")
        content += _questions(_answered(root / layout.generations(name)))
        yield _section(f"{name} {model.version}: evaluation and forgetting", content)


SHOWN = 3
"""Questions shown on the page with their answers."""
ANSWER_CHARS = 300


def _answered(path: Path) -> list[dict[str, Any]]:
    """What base and versions answered at home; nothing before they are asked."""
    if not path.is_file():
        return []
    return [row for _, row in jsonl.read_objects(path, jsonl.refuse)]


def _questions(answered: list[dict[str, Any]]) -> str:
    """A few questions with the answers of base and versions."""
    return "".join(_question(row) for row in shown_questions(answered, SHOWN))


def shown_questions(
    answered: Iterable[dict[str, Any]], number: int
) -> list[dict[str, Any]]:
    """The first questions of what was answered: recall questions, from each recall
    set in turn and the newest version's first, then the tasks' rows.
    """
    by_set: dict[str, list[dict[str, Any]]] = {}
    for row in answered:
        by_set.setdefault(row.get("of", ""), []).append(row)
    tasks = by_set.pop("", [])
    turns = chain.from_iterable(zip_longest(*reversed(by_set.values())))
    return [row for row in (*turns, *tasks) if row is not None][:number]


def _question(row: dict[str, Any]) -> str:
    right = row.get("right", {})
    cells = _said("reference", row["reference"])
    for name, text in row["answers"].items():
        cells += _said(f"{name}{_mark(right.get(name))}", text)
    asked = escape(_short(row["question"]))
    return f"<p>{escape(row['task'])}: {asked}</p><table>{cells}</table>"


def _said(name: str, text: str) -> str:
    return f"<tr><td>{escape(name)}</td><td>{escape(_short(text))}</td></tr>"


def _mark(right: bool | None) -> str:
    """A tick or a cross where it is known whether an answer is right."""
    return {True: " ✓", False: " ✗", None: ""}[right]


def _short(text: str) -> str:
    return text if len(text) <= ANSWER_CHARS else f"{text[:ANSWER_CHARS]} …"


def _warnings(params: Params, collected: RunReports, root: Path) -> Iterator[str]:
    texts = [
        f"{r['stage']}@{r['key']}: {text}"
        for r in collected.reports
        for text in r["warnings"]
    ]
    if texts:
        items = "".join(f"<li>{escape(text)}</li>" for text in texts)
        yield _section("Warnings", f'<ul class="note">{items}</ul>')


SECTIONS = (_rows, _losses, _scores, _mixes, _curves, _models, _warnings)
