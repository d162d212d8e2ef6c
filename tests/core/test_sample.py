"""The record: one written form, identity by content, nothing of an old record lost."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core import jsonl
from afs_stages.core.sample import (
    TrainingSample,
    decode_own,
    is_learnt,
    normalise,
)

OLD = {
    "instruction": "What is $7E0F00?",
    "output": "The timer.",
    "sample_id": "5e7f0c1e-7a3b-4a51-9a53-3f9a1c0c8a11",
    "input": None,
    "quality_score": 0.7,
    "teacher_model": "gpt",
    "kg_entities": ["timer"],
    "_metadata": {"rehearsal_version": "v3"},
}


def test_an_old_record_keeps_its_id_and_every_unknown_key() -> None:
    sample = TrainingSample.from_dict(OLD)
    assert sample.sample_id == OLD["sample_id"]
    assert sample.metadata == {
        "teacher_model": "gpt",
        "kg_entities": ["timer"],
        "rehearsal_version": "v3",
    }
    assert TrainingSample.from_dict(sample.to_dict()) == sample


def test_metadata_that_is_no_mapping_is_kept_not_fatal() -> None:
    sample = TrainingSample.from_dict(
        {"instruction": "i", "output": "o", "_metadata": "note", "x": 1}
    )
    assert sample.metadata == {"x": 1, "metadata": "note"}


def test_identity_is_content_alone() -> None:
    one = TrainingSample(
        instruction="a ",
        output="b\r\nc  \nd",
        domain="x",
        source="y",
        quality_score=0.1,
    )
    two = TrainingSample(instruction="a", output="b\nc\nd")
    assert one.sample_id == two.sample_id
    assert one.sample_id != TrainingSample(instruction="a", output="b").sample_id
    assert len(one.sample_id) == 32


def test_numbers_of_redaction_marks_do_not_change_identity_but_kinds_do() -> None:
    def of(mark: str) -> str:
        return TrainingSample(instruction="i", output=f"key {mark}").sample_id

    assert of("<REDACTED:github-token-1>") == of("<REDACTED:github-token-22>")
    assert of("<REDACTED:github-token-1>") != of("<REDACTED:email-1>")


def test_messages_and_tools_are_part_of_identity_and_survive() -> None:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }
    messages = [
        {"role": "user", "content": "i"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    sample = TrainingSample.from_dict(
        {"instruction": "i", "output": "o", "messages": messages}
    )
    assert sample.sample_id != TrainingSample(instruction="i", output="o").sample_id
    assert sample.to_dict()["messages"][1] == {
        "role": "assistant",
        "tool_calls": [call],
    }


def said(role: str, content: str, **others: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **others}


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
EARLIER = [said("user", "first"), said("assistant", "one")]
RUNNING = [
    said("user", "second"),
    said("assistant", "looking", tool_calls=[CALL]),
    said("tool", "seen", tool_call_id="c"),
    said("assistant", "two"),
]


def talk(*messages: dict[str, Any]) -> TrainingSample:
    return TrainingSample(instruction="i", output="o", messages=list(messages))


def learnt(sample: TrainingSample) -> list[str]:
    return [row["content"] for row in sample.messages or [] if is_learnt(row)]


def test_all_answers_of_the_last_turn_are_learnt_and_none_before_it() -> None:
    sample = talk(said("system", "be brief"), *EARLIER, *RUNNING)
    assert learnt(sample) == ["looking", "two"]
    assert [row.get("train") for row in sample.messages or []] == [
        None,
        None,
        False,
        None,
        None,
        None,
        None,
    ]


def test_a_request_typed_while_the_model_works_opens_no_turn() -> None:
    steer = said("user", "and the other one")
    sample = talk(*EARLIER, *RUNNING[:-1], steer, RUNNING[-1])
    assert learnt(sample) == ["looking", "two"]


def test_a_mark_that_a_message_came_with_is_honoured() -> None:
    kept = said("assistant", "one", train=True)
    dropped = said("assistant", "looking", tool_calls=[CALL], train=False)
    sample = talk(EARLIER[0], kept, RUNNING[0], dropped, *RUNNING[2:])
    assert learnt(sample) == ["one", "two"]


def test_marks_that_repeat_the_rule_change_nothing_and_no_mark_changes_identity() -> (
    None
):
    plain = talk(*EARLIER, *RUNNING)
    repeated = talk(
        said("user", "first", train=False),
        said("assistant", "one", train=False),
        *RUNNING[:-1],
        said("assistant", "two", train=True),
    )
    assert repeated == plain
    other = talk(EARLIER[0], said("assistant", "one", train=True), *RUNNING)
    assert other != plain
    assert other.sample_id == plain.sample_id


def test_a_mark_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"messages\[0\].train: bool is needed, not str"
    ):
        talk(said("assistant", "one", train="no"))


def test_the_messages_that_a_sample_is_made_of_are_not_touched() -> None:
    rows = [dict(row) for row in (*EARLIER, *RUNNING)]
    talk(*rows)
    assert rows == [*EARLIER, *RUNNING]


roles = st.sampled_from(
    [
        said("user", "q"),
        said("assistant", "a"),
        said("assistant", "c", tool_calls=[CALL]),
        said("tool", "r"),
        said("system", "s"),
    ]
)


@given(st.lists(st.tuples(roles, st.none() | st.booleans()), max_size=8))
def test_what_is_learnt_is_said_by_the_mark_or_else_by_the_last_turn(
    pairs: list[tuple[dict[str, Any], bool | None]],
) -> None:
    given_rows = [
        row if mark is None else {**row, "train": mark} for row, mark in pairs
    ]
    sample = talk(*given_rows)
    rows = sample.messages or []
    answers = [at for at, row in enumerate(rows) if row["role"] == "assistant"]
    for at, ((_, mark), row) in enumerate(zip(pairs, rows, strict=True)):
        if at not in answers:
            assert not is_learnt(row)
        elif mark is not None:
            assert is_learnt(row) == mark
        elif at == answers[-1]:
            assert is_learnt(row)
    again = TrainingSample.from_dict(sample.to_dict())
    assert again == sample


def test_the_group_falls_back_to_the_sample_itself() -> None:
    assert (
        TrainingSample(instruction="i", output="o", metadata={"group": "g"}).group
        == "g"
    )
    alone = TrainingSample(instruction="i", output="o")
    assert alone.group == alone.sample_id


def test_normalise_is_idempotent() -> None:
    text = "e\u0301 \r\n\tx  \n<REDACTED:email-3>"
    assert normalise(normalise(text)) == normalise(text)


WHOLE: dict[str, Any] = {
    "sample_id": "a1",
    "instruction": "What?",
    "input": "",
    "output": "Tide é \u2028 <b>",
    "domain": "d",
    "source": "s",
    "quality_score": None,
    "_metadata": {
        "group": "g",
        "provenance": {"file": "a.asm", "lines": [1, 2]},
        "n": 1.0,
    },
}
CHANGES: list[dict[str, Any]] = [
    {},
    {"sample_id": ""},
    {"sample_id": None},
    {"thinking": None},
    {"thinking": "so"},
    {"quality_score": 1},
    {"quality_score": "0.5"},
    {"quality_score": True},
    {"quality_score": 1.5},
    {"domain": 3},
    {"input": None},
    {"messages": None},
    {"messages": [{"role": "user", "content": "a", "name": None}]},
    {"tools": [{"a": None}]},
    {"_metadata": None},
    {"_metadata": 3},
    {"_metadata": {"group": 7, "provenance": "x"}},
    {"teacher_model": "x"},
    {"metadata": {"a": 1}},
    {"output": "a\0b"},
]
LINES = [
    b"",
    b"  ",
    b"[1]",
    b"{",
    b"\xff",
    b'{"instruction": "a\\ud800", "output": ""}',
    b'{"a": 1, "a": 2}',
    json.dumps(WHOLE).encode() + b"x",
    json.dumps(WHOLE).replace("Tide", "\x01").encode(),
    json.dumps(WHOLE).replace("Tide", "\0").encode(),
    json.dumps(WHOLE).replace("null", "NaN").encode(),
]


def read(row: Any, tmp_path_factory: Any) -> list[Any]:
    """What a file with this one row gives: the sample's line,
    or what is wrong with it.
    """
    path = tmp_path_factory.mktemp("rows") / "in.jsonl"
    path.write_bytes(row if isinstance(row, bytes) else json.dumps(row).encode())
    given: list[Any] = []
    given += [
        msgspec.json.encode(sample.to_dict())
        for sample in jsonl.read_samples(path, given.append)
    ]
    return given


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(CHANGES), max_size=3),
    st.sets(st.sampled_from(sorted(WHOLE)), max_size=2),
    st.data(),
)
def test_the_quick_way_in_gives_what_the_slow_one_does(
    changes: list[dict[str, Any]], missing: set[str], data: st.DataObject
) -> None:
    row = {key: value for key, value in WHOLE.items() if key not in missing}
    for change in changes:
        row |= change
    line = json.dumps(dict(data.draw(st.permutations(list(row.items()))))).encode()
    try:
        quick = decode_own(line)
    except msgspec.ValidationError:
        return
    assert quick.to_dict() == TrainingSample.from_dict(json.loads(line)).to_dict()


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_no_sample_gives_one_reason_or_nothing(
    line: bytes, tmp_path_factory: Any
) -> None:
    given = read(line, tmp_path_factory)
    assert [type(one) for one in given] == ([] if not line.strip() else [jsonl.BadRow])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"output": 5}, "output: expected str, got int"),
        ({"quality_score": 1.5}, "quality_score: expected float <= 1.0"),
        (
            {"messages": [{"role": "robot"}]},
            "messages[0].role: one of system, user, assistant, tool is needed",
        ),
        (
            {"messages": [{"role": "tool", "content": 3}]},
            "messages[0].content: str is needed, not int",
        ),
        ({"tools": [1]}, "tools[0]: expected object, got int"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_by_field_and_without_its_value(
    change: dict[str, Any], said: str, tmp_path_factory: Any
) -> None:
    (bad,) = read({**WHOLE, **change}, tmp_path_factory)
    assert (bad.reason, bad.detail) == ("schema", said)


def test_a_row_of_this_project_takes_the_quick_way() -> None:
    assert decode_own(json.dumps(WHOLE).encode()).provenance["file"] == "a.asm"
