"""The quick ways of scoring give what the slow ones do: lines of prose,
what is remembered.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core.memo import ENTRIES, LONGEST, Memo
from afs_stages.scoring import blocks, information

WORDS = [
    *[
        "The",
        "LDA",
        "org",
        "note",
        ":",
        "a:",
        "=",
        ";",
        "`x`",
        "*",
        "#",
        "|",
        "(",
        "0",
        "$12",
        "{",
        "}",
        ",",
        ".",
    ],
    " ",
    ": ",
    " :",
    "# ",
    "\t",
    "\v",
]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(WORDS), max_size=6).map("".join)
    | st.text("LDArtsThe.:;=`*|(0 \t\v#$!%{}@org", max_size=24)
)
def test_a_line_of_words_is_no_assembly(line: str) -> None:
    if blocks._is_words(line):
        kinds = [(s.kind, s.name) for s in blocks.parse_line(line)]
        assert len(kinds) == 1
        assert kinds[0][0] == "unknown" or (
            kinds[0][0] == "op" and kinds[0][1] not in blocks.matrix()
        )


def test_a_memo_is_bounded() -> None:
    asked: list[str] = []
    memo = Memo(lambda text: asked.append(text) or len(text))
    long = "x" * (LONGEST + 1)
    assert [memo["ab"], memo["ab"], memo[long], memo[long]] == [
        2,
        2,
        LONGEST + 1,
        LONGEST + 1,
    ]
    assert asked == ["ab", long, long]
    for number in range(2 * ENTRIES):
        assert memo[str(number)] == len(str(number))
        assert len(memo) <= ENTRIES


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.sampled_from(
            [
                "`Tide_Update`",
                "`LDA $22`",
                "`",
                "``",
                "a",
                "Two,",
                "$7E0022",
                "x.asm",
                "\n",
                "é",
                "9",
            ]
        )
    )
)
def test_a_text_counts_as_its_pieces(parts: list[str]) -> None:
    text = " ".join(parts)
    prose = information._Prose.of(text)
    bare, quoted = information._QUOTED.subn(" ", text)
    names = information._NAMES.sub(" ", bare)
    assert prose.words == [word.lower() for word in information._WORD.findall(text)]
    assert prose.marks == quoted + len(information._MARKS.findall(bare))
    assert prose.plain == len(information._WORD.findall(names))


PHRASES = [
    "As an AI",
    "language model",
    "I would be glad to",
    "i can't assist",
    "Happy to help",
    "it is important to note",
]


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(PHRASES),
    st.sampled_from(["", "(", "“", "x"]),
    st.sampled_from(["", "s", ".", "ſ", "İ"]),
)
def test_stock_phrases_are_met_in_any_dress(
    phrase: str, before: str, after: str
) -> None:
    prose = information._Prose.of(f"The tide {before}{phrase}{after} rises.")
    assert bool(prose.stock) >= bool(information._STOCK.search(prose.text))
    assert information._own_words(prose) < 1
