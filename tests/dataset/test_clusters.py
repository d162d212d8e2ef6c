"""Clusters: the same sets as naming every item after all it is linked with."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.dataset.clusters import Clusters

SETTINGS = settings(deadline=None, max_examples=50)
ITEMS = st.integers(0, 19)


def sets_by_hand(values: list[int], links: list[tuple[int, int]]) -> list[list[int]]:
    names = list(values)
    for one, two in links:
        names = [names[one] if name == names[two] else name for name in names]
    sets = [
        [i for i, own in enumerate(names) if own == name]
        for name in dict.fromkeys(names)
    ]
    return [members for members in sets if len(members) > 1]


@SETTINGS
@given(
    st.lists(st.integers(-3, 12), min_size=20, max_size=20),
    st.lists(st.tuples(ITEMS, ITEMS), max_size=15),
)
def test_equal_values_and_links_make_the_sets(
    values: list[int], links: list[tuple[int, int]]
) -> None:
    clusters = Clusters.of_equal(np.array(values), 2)
    assert all(clusters.join(one, two, always=True) for one, two in links)
    sets = sets_by_hand(values, links)
    assert list(clusters.sets()) == sets
    firsts = {i: members[0] for members in sets for i in members}
    assert clusters.firsts().tolist() == [firsts.get(i, i) for i in range(20)]
    assert [clusters.size(i) for i in range(20)] == [
        next((len(members) for members in sets if i in members), 1) for i in range(20)
    ]


@SETTINGS
@given(st.lists(st.tuples(ITEMS, ITEMS), max_size=40), st.integers(1, 6))
def test_a_set_never_grows_beyond_its_limit(
    links: list[tuple[int, int]], limit: int
) -> None:
    clusters = Clusters(20, limit)
    for one, two in links:
        joined = clusters.join(one, two)
        assert joined == (clusters.find(one) == clusters.find(two))
    assert all(len(members) <= max(limit, 1) for members in clusters.sets())


def test_nothing_makes_no_set() -> None:
    assert list(Clusters(0, 5).sets()) == []
    assert list(Clusters.of_equal(np.zeros(0, np.int64), 5).sets()) == []
    assert list(Clusters(4, 5).sets()) == []
