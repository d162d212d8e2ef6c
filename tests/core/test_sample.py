"""The record: one written form, identity by content, nothing of an old record lost."""

from afs_stages.core.sample import TrainingSample, normalise

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
    assert sample.metadata == {"teacher_model": "gpt", "kg_entities": ["timer"], "rehearsal_version": "v3"}
    assert TrainingSample.from_dict(sample.to_dict()) == sample


def test_metadata_that_is_no_mapping_is_kept_not_fatal() -> None:
    sample = TrainingSample.from_dict({"instruction": "i", "output": "o", "_metadata": "note", "x": 1})
    assert sample.metadata == {"x": 1, "metadata": "note"}


def test_identity_is_content_alone() -> None:
    one = TrainingSample(instruction="a ", output="b\r\nc  \nd", domain="x", source="y", quality_score=0.1)
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
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "user", "content": "i"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    sample = TrainingSample.from_dict({"instruction": "i", "output": "o", "messages": messages})
    assert sample.sample_id != TrainingSample(instruction="i", output="o").sample_id
    assert sample.to_dict()["messages"][1] == {"role": "assistant", "tool_calls": [call]}


def test_the_group_falls_back_to_the_sample_itself() -> None:
    assert TrainingSample(instruction="i", output="o", _metadata={"group": "g"}).group == "g"
    alone = TrainingSample(instruction="i", output="o")
    assert alone.group == alone.sample_id


def test_normalise_is_idempotent() -> None:
    text = "e\u0301 \r\n\tx  \n<REDACTED:email-3>"
    assert normalise(normalise(text)) == normalise(text)
