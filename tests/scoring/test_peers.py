"""What the set a row stands in says of it."""

from __future__ import annotations

import random

from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.peers import FEWEST_ROWS, Peers, PeerSample, terms_of

NAMES = [f"{a}{b}" for a in ("Tide", "Gull", "Moth", "Bell") for b in range(10, 30)]


def row(name: str, answer: str | None = None) -> TrainingSample:
    told = f"`{name}` reads the counter of the {name} page and draws the lamp once."
    return TrainingSample(instruction=f"What does `{name}` do?", output=answer or told)


def peers(rows: list[TrainingSample]) -> Peers | None:
    gathered = PeerSample()
    for one in rows:
        gathered.add(one)
    return gathered.peers()


SET = [row(name) for name in NAMES]


def test_another_rows_answer_and_an_answer_from_elsewhere_are_told() -> None:
    known = peers(SET)
    assert known
    own, other, chatter = known.look(
        [
            SET[3],
            row(NAMES[3], SET[40].output),
            row(NAMES[3], "She bought two loaves and walked home along the canal."),
        ]
    )
    assert other["own"] < own["own"] - 1
    assert other["taken"] < own["taken"]
    assert chatter["pairs"] < own["pairs"] - 1
    assert chatter["usual_rarity"] < own["usual_rarity"]


def test_neither_order_nor_batch_matter() -> None:
    mixed = random.Random(1).sample(SET, len(SET))
    first, second = peers(SET), peers(mixed)
    assert first
    assert second
    assert first.look(SET) == second.look(SET)
    assert first.look(SET)[7] == first.look([SET[7]])[0]


def test_a_few_rows_are_no_set() -> None:
    assert peers(SET[: FEWEST_ROWS - 1]) is None


def test_terms_have_one_form() -> None:
    assert terms_of("$22 $7E0022") == ["$7E0022", "$7E0022"]
    assert terms_of("Drawing draws TideLevel") == [
        "drawin",
        "draws",
        "tidelevel",
        "tide",
        "level",
    ]
