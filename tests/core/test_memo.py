"""What is remembered of texts stays bounded."""

from __future__ import annotations

from afs_stages.core.memo import ENTRIES, LONGEST, Memo


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
