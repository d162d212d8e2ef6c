"""The page of a rented training: what came from a stranger is shown, and only shown."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from afs_stages.core import layout
from afs_stages.core.params import load
from afs_stages.reporting.page import SHOWN
from afs_stages.reporting.summary import summary
from afs_stages.stages.remote_report import remote_report

OF_THE_PAGE = {"html", "meta", "title", "style", "h1", "h2", "p", "table", "tr", "td"}
"""Every tag that the page has of its own."""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree = {
        "sources": {"s": {"root": "."}},
        "models": {"m": {"version": "v2", "weights": {"s": 1}}},
    }
    Path("params.yaml").write_text(yaml.safe_dump(tree))


def asked(**other: Any) -> dict[str, Any]:
    """A recall question as `evaluate` keeps it, or what a host makes of it."""
    row = {
        "task": "recall",
        "question": "Where is the lantern?",
        "reference": "At $7E0032.",
        "of": "v2",
        "answers": {"base": "In the cellar.", "v2": "At $7E0032, I think."},
        "right": {"base": False, "v2": True},
    }
    return {**row, **other}


def shown(*lines: dict[str, Any] | str) -> str:
    """The page where these lines came home."""
    path = layout.rented_generations("m")
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts))
    return made()


def made() -> str:
    remote_report("m")
    return layout.rented_page("m").read_text("utf-8")


class Tags(HTMLParser):
    """The tags of a page and the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def harmless(text: str) -> bool:
    """Nothing but the page's own tags; no control character but the line's end."""
    seen = Tags(text)
    own = {"lang", "charset", "http-equiv", "content", "class"}
    printable = all(letter.isprintable() or letter == "\n" for letter in text)
    return seen.tags <= OF_THE_PAGE and seen.attributes <= own and printable


def test_a_rented_run_shows_questions_and_what_base_and_version_said() -> None:
    page = shown(*[asked(question=f"Where is lantern {n}?") for n in range(SHOWN + 1)])
    assert "m v2" in page
    assert page.count("Where is lantern") == SHOWN
    for text in ("At $7E0032.", "base ✗", "In the cellar.", "v2 ✓", "I think."):
        assert text in page, text
    assert harmless(page)


def test_nothing_that_was_asked_or_no_file_is_no_error() -> None:
    nothing = "No questions were asked"
    assert nothing in made(), "a missing file"
    assert nothing in shown(), "an own script answers none"


EVIL = (
    "</td></table><script>alert(1)</script><img src=x onerror=alert(1)>&\x1b[2J\u202e"
)


def test_what_a_host_writes_is_text_wherever_it_stands() -> None:
    row = asked(
        task=EVIL,
        question=EVIL,
        reference=EVIL,
        of=EVIL,
        answers={EVIL: EVIL, "v2": EVIL},
        right={EVIL: True},
    )
    page = shown(row)
    assert "&lt;script&gt;alert(1)" in page
    assert harmless(page)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        "[" * 100_000,
        '{"answers": ["x"]}',
        json.dumps(asked(answers=7)),
        json.dumps(asked(right="yes")),
        json.dumps(asked(question="x" * 10 * 2**20)),
        "9" * 10_000,
    ],
    ids=lambda line: line[:20],
)
def test_a_file_that_our_code_never_writes_is_named_and_not_shown(line: str) -> None:
    page = shown(asked(), line)
    assert "cannot be shown" in page
    assert "lantern" not in page
    assert harmless(page)
    assert len(page) < 10_000


@pytest.mark.parametrize(
    "row",
    [
        {"answers": {}},
        {"answers": {"base": None, "v2": ["x"]}, "right": {"v2": "sure"}},
        asked(task=1, question=None, reference={}, of=["v1"]),
        asked(question="\ud800 lone", answers={"\ud800": "\udfff"}),
    ],
    ids=["no keys", "answers of other types", "keys of other types", "half letters"],
)
def test_rows_with_missing_or_other_values_are_shown_without_them(
    row: dict[str, Any],
) -> None:
    page = shown(row, asked())
    assert "Where is the lantern?" in page
    assert harmless(page)


def test_a_row_of_a_long_context_comes_home_whole() -> None:
    """A question may be as long as the model's context."""
    page = shown(asked(question="Where is the lantern? " * 10_000))
    assert "Where is the lantern?" in page
    assert len(page) < 10_000


def test_the_summary_names_the_page_of_a_rented_run() -> None:
    place = str(layout.rented_page("m"))
    assert place not in summary(load())
    shown(asked())
    assert place in summary(load())
