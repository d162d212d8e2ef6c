"""One value of params.yaml is changed, and nothing else in the file."""

from __future__ import annotations

import difflib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core.errors import UserError
from afs_stages.core.params.edit import set_value

ROOT = ("sources", "claude", "root")


def changed(old: str, new: str) -> tuple[list[str], list[str]]:
    """The lines that went and those that came."""
    lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    return (
        [line[2:] for line in lines if line.startswith("- ")],
        [line[2:] for line in lines if line.startswith("+ ")],
    )


@pytest.mark.parametrize(
    ("old", "line"),
    [
        (
            "sources:\n  claude:\n    root: a   # my own\n    type: claude\n",
            "    root: data/raw/claude   # my own",
        ),
        (
            "sources:\n    claude:\n        root: 'a'\n    codex: {root: b}\n",
            "        root: data/raw/claude",
        ),
        (
            "sources: {claude: {root: a, type: claude}, codex: {root: b}}  # all\n",
            "sources: {claude: {root: data/raw/claude, type: claude}, codex: {root: b}}"
            "  # all",
        ),
        (
            'sources:\n  "claude": {"root": "a b"}\n',
            '  "claude": {"root": data/raw/claude}',
        ),
        (
            "x: &r a\nsources:\n  claude:\n    root: &mine a\nother: *mine\n",
            None,
        ),
    ],
)
def test_a_value_is_replaced_where_it_stands(old: str, line: str | None) -> None:
    if line is None:  # others follow this anchor
        with pytest.raises(UserError, match="by hand: root: data/raw/claude"):
            set_value(old, ROOT, "data/raw/claude")
        return
    gone, came = changed(old, set_value(old, ROOT, "data/raw/claude"))
    assert (len(gone), came) == (1, [line])


def test_a_block_is_added_after_the_others_as_they_are_indented() -> None:
    old = (
        "sources:   # mine\n"
        "    codex:\n"
        "        root: b   # last\n"
        "\n"
        "# the seed\n"
        "seed: 1\n"
    )
    new = set_value(old, ("sources", "claude"), {"type": "claude", "root": "a"})
    gone, came = changed(old, new)
    assert gone == []
    assert came == ["    claude:", "        type: claude", "        root: a"]
    assert new.index("# last") < new.index("claude:") < new.index("# the seed")


def test_an_empty_mapping_becomes_lines_and_its_comment_stays() -> None:
    old = "sources: {}   # none yet\nmodels:\n  m:\n    weights: {}\n"
    new = set_value(old, ("sources", "claude"), {"type": "claude", "root": "a"})
    new = set_value(new, ("models", "m", "weights", "claude"), 1.0)
    assert new == (
        "sources:   # none yet\n  claude:\n    type: claude\n    root: a\n"
        "models:\n  m:\n    weights:\n      claude: 1.0\n"
    )


def test_an_inline_mapping_gets_one_more_entry() -> None:
    old = "weights: {a: 1, b: 2}  # shares\n"
    assert set_value(old, ("weights", "c"), 1.0) == (
        "weights: {a: 1, b: 2, c: 1.0}  # shares\n"
    )


@pytest.mark.parametrize(
    "old",
    [
        "base: &base {root: a}\nsources:\n  claude: *base\n",
        "base: &base a\nsources:\n  claude:\n    root: *base\n",
    ],
)
def test_an_alias_is_not_written_through(old: str) -> None:
    with pytest.raises(UserError, match=r"write it by hand: root: data/raw/claude"):
        set_value(old, ROOT, "data/raw/claude")


def test_a_key_beside_a_merged_block_is_added() -> None:
    old = (
        "base: &base {licence: MIT}\nsources:\n  claude:\n    <<: *base\n    type: c\n"
    )
    new = set_value(old, ROOT, "a")
    assert yaml.safe_load(new)["sources"]["claude"] == {
        "licence": "MIT",
        "type": "c",
        "root": "a",
    }
    assert "<<: *base" in new


def test_windows_line_ends_stay() -> None:
    old = "sources:\r\n  codex:\r\n    root: b\r\nseed: 1\r\n"
    new = set_value(old, ("sources", "claude"), {"root": "a"})
    assert new.count("\r\n") == new.count("\n") == 6


def test_a_text_that_begins_with_a_colon_is_quoted_inside_of_braces() -> None:
    new = set_value("{a: {b: 1}}\n", ("a", "c"), ":a")
    assert yaml.safe_load(new) == {"a": {"b": 1, "c": ":a"}}


NAMES = st.text("abcdef", min_size=1, max_size=4)
SCALARS = st.one_of(
    st.integers(-9, 9), st.booleans(), st.none(), st.text("ab c:#'\"{}", max_size=6)
)
TREES = st.dictionaries(
    NAMES,
    st.one_of(SCALARS, st.dictionaries(NAMES, SCALARS, max_size=3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=500, deadline=None)
@given(TREES, st.booleans(), st.integers(2, 6), NAMES, NAMES, SCALARS)
def test_what_was_meant_is_what_stands_there(
    tree: dict[str, object], flow: bool, indent: int, one: str, two: str, value: object
) -> None:
    old = yaml.safe_dump(tree, default_flow_style=flow, indent=indent)
    new = set_value(old, (one, two), value)
    block = tree.get(one)
    wanted = {**(block if isinstance(block, dict) else {}), two: value}
    assert yaml.safe_load(new) == {**tree, one: wanted}
