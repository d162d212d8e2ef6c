"""Faults made from good rows, to calibrate the scorer's evidence.

They are our own: figures on them say how well the calibration fits, not how well the
scorer works. `GROUPS` says which kinds are alike; the calibration leaves a whole group
out when it measures itself.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Sequence

from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.blocks import sample_assembly
from afs_stages.scoring.corruptions import SEMANTIC, SYNTACTIC, corrupt

Rows = Sequence[TrainingSample]
Maker = Callable[[TrainingSample, random.Random, Rows], "TrainingSample | None"]

OTHER_LANGUAGES = (
    "Diese Routine lädt zuerst den Wert aus dem Speicher und prüft danach, ob der "
    "Zähler schon abgelaufen ist. Ist er es nicht, so kehrt sie sofort zurück.",
    "Cette routine lit d'abord la valeur en mémoire puis vérifie si le compteur est "
    "arrivé à son terme. Sinon elle revient aussitôt.",
    "Esta rutina lee primero el valor de la memoria y después comprueba si el "
    "contador ha llegado a cero. Si no, vuelve enseguida.",
    "Tämä aliohjelma lukee ensin arvon muistista ja tarkistaa sen jälkeen, onko "
    "laskuri jo ehtinyt loppuun asti. Muuten se palaa heti.",
    "この処理はまずメモリから値を読み込み、カウンタが終わったかどうかを確認します。",
)
VAGUE = (
    "This is an important part of the system and plays a role in how things work.",
    "It handles the relevant data and makes sure that everything is in order.",
    "Depending on the situation, different steps may be taken to reach the result.",
    "The values are updated as needed, and the process continues from there.",
    "In general, it is used in several places and should be treated with care.",
    "Various factors can influence the outcome, so testing is recommended.",
    "It begins at the beginning, carries on through the middle, and comes to an end.",
    "There are many ways to look at it and each of them has its merits.",
)
REFUSALS = (
    "I'm sorry, but I can't help with that request.",
    "I do not have access to the file {name}, so I am unable to say what it does.",
    "Unfortunately I cannot answer this without seeing more of the code. Could you "
    "share the surrounding files?",
    "As an AI language model I have no way of looking into your project.",
    "I won't be able to explain {name}. Please consult the original documentation.",
    "I don't know enough about {name} to give you a reliable answer.",
)
FILLER = (
    "Great question!",
    "I'd be happy to help with that.",
    "Let me know if you need anything else.",
    "I hope this helps!",
    "Feel free to ask further questions about this topic.",
    "Thanks for reaching out.",
)
CHATTER = (
    "The garden was quiet after the rain, and the cat slept under the old bench.",
    "She bought two loaves of bread and walked home along the canal.",
    "Our train left the station ten minutes late because of the snow.",
    "The soup needs another hour and a little more salt.",
    "He repaired the roof in spring, before the swallows came back.",
    "Nobody in the office had seen the new printer working.",
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?](?:\s+|$)|[^\n]+(?:\n|$)")
_NAME = re.compile(r"`([A-Za-z_][\w.]{2,})`")
_ADDRESS = re.compile(r"(?<!#)\$([0-9A-Fa-f]{4,6})\b")
_FENCE = re.compile(r"```[\w+-]*\n(.*?)```", re.DOTALL)


def sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.findall(text) if part.strip()]


def filled(parts: Sequence[str], length: int, rng: random.Random) -> str:
    """Parts in changing order, to about a length."""
    order = list(parts)
    out: list[str] = []
    while sum(map(len, out)) < max(length, 60):
        rng.shuffle(order)
        out += order
    text = ""
    for part in out:
        text += part + " "
        if len(text) >= max(length, 60):
            break
    return text.strip()


def answered(sample: TrainingSample, text: str | None) -> TrainingSample | None:
    """The sample with another answer, also in its messages."""
    if not text or text.strip() == sample.output.strip():
        return None
    made = copy.deepcopy(sample)
    made.output = text
    if made.messages:
        made.messages[-1]["content"] = text
    return made


def _subject(sample: TrainingSample) -> str:
    names = _NAME.findall(sample.instruction)
    return f"`{names[0]}`" if names else "this"


def of_text(change: Callable[[str, random.Random], str | None]) -> Maker:
    return lambda sample, rng, rows: answered(sample, change(sample.output, rng))


def _donor(sample: TrainingSample, rng: random.Random, rows: Rows, same: str) -> str:
    """The answer of another row of about the same length."""
    mine = sample.provenance.get("file")
    others = [
        row
        for row in rng.sample(list(rows), min(len(rows), 400))
        if row.output != sample.output
        and row.domain == sample.domain
        and (same == "any" or (row.provenance.get("file") == mine) == (same == "file"))
    ]
    if same == "file":
        others = [
            row
            for row in rows
            if row.provenance.get("file") == mine and row.output != sample.output
        ]
    if not others:
        return ""
    near = min(others, key=lambda row: abs(len(row.output) - len(sample.output)))
    return near.output


def cut_words(text: str, rng: random.Random) -> str | None:
    words = text.split(" ")
    if len(words) < 12:
        return None
    return " ".join(words[: int(len(words) * rng.uniform(0.4, 0.8))]).rstrip(".!?:;")


def cut_sentence(text: str, rng: random.Random) -> str | None:
    parts = sentences(text)
    return parts[0] if len(parts) > 3 else None


def loop_sentence(text: str, rng: random.Random) -> str | None:
    parts = sentences(text)
    if not parts:
        return None
    return filled([rng.choice(parts)], len(text), rng)


def doubled(text: str, rng: random.Random) -> str | None:
    return f"{text}\n\n{text}" if len(text) > 80 else None


def loop_end(text: str, rng: random.Random) -> str | None:
    words = text.split()
    if len(words) < 20:
        return None
    tail = " ".join(words[-rng.randrange(3, 8) :])
    return " ".join([*words[: len(words) // 2], *[tail] * 8])


def shuffled_words(text: str, rng: random.Random) -> str | None:
    words = text.split()
    if len(words) < 8:
        return None
    rng.shuffle(words)
    return " ".join(words)


def shuffled_letters(text: str, rng: random.Random) -> str | None:
    def mixed(match: re.Match[str]) -> str:
        letters = list(match[0])
        rng.shuffle(letters)
        return "".join(letters)

    return re.sub(r"[A-Za-z]{4,}", mixed, text)


def _invented(rng: random.Random) -> str:
    parts = ("Gor", "bel", "Tam", "rix", "Vex", "lor", "Pul", "nak", "Zed", "mor")
    return "".join(rng.sample(parts, 3)).title() + rng.choice(("", "_Init", "Flag"))


def invented_names(text: str, rng: random.Random) -> str | None:
    made = {name: _invented(rng) for name in sorted(set(_NAME.findall(text)))}
    if not made:
        return None
    return _NAME.sub(lambda found: f"`{made[found[1]]}`", text)


def wrong_addresses(text: str, rng: random.Random) -> str | None:
    made = _ADDRESS.sub(lambda found: f"$7E{rng.randrange(0x1400, 0x1F00):04X}", text)
    return made if made != text else None


def near_addresses(text: str, rng: random.Random) -> str | None:
    def moved(found: re.Match[str]) -> str:
        value = int(found[1], 16) + rng.choice((-3, -1, 1, 2, 5))
        return f"${value:0{len(found[1])}X}"

    made = _ADDRESS.sub(moved, text)
    return made if made != text else None


def echo(sample: TrainingSample, rng: random.Random, rows: Rows) -> str:
    question = sample.instruction.strip().rstrip("?.")
    ways = (
        f"The question is about this: {question}. That is what it is about.",
        f"{question}: yes, {question}.",
        f"You asked: {question}. {question} is the thing in question.",
    )
    return rng.choice(ways)


def prose_for_code(
    sample: TrainingSample, rng: random.Random, rows: Rows
) -> TrainingSample | None:
    """Where code was asked for, words about it."""
    code = _FENCE.search(sample.output)
    if not code or sample.domain != "oracle_asm":
        return None
    talk = (
        "First save the registers that the caller needs.",
        "Then load the value, compare it and branch if it is zero.",
        "After that call the helper and restore what was saved.",
        "Finally return to the caller with the carry as it was.",
    )
    words = filled(talk, len(code[1]), rng)
    return answered(sample, _FENCE.sub(lambda _: words, sample.output, count=1))


def other_machine(
    sample: TrainingSample, rng: random.Random, rows: Rows
) -> TrainingSample | None:
    if not _FENCE.search(sample.output) or sample.domain != "oracle_asm":
        return None
    lines = (
        "    mov eax, [ebx+4]",
        "    add eax, 1",
        "    cmp eax, 10",
        "    jne again",
        "    push ebp",
        "    call update",
        "    ret",
    )
    code = "\n".join(rng.choices(lines, k=8))
    return answered(
        sample, _FENCE.sub(lambda _: f"```asm\n{code}\n```", sample.output, count=1)
    )


def code_lines_shuffled(text: str, rng: random.Random) -> str | None:
    found = _FENCE.search(text)
    if not found or found[1].count("\n") < 6:
        return None
    lines = found[1].splitlines()
    rng.shuffle(lines)
    return text.replace(found[1], "\n".join(lines) + "\n")


def code_cut(text: str, rng: random.Random) -> str | None:
    found = _FENCE.search(text)
    if not found or found[1].count("\n") < 6:
        return None
    lines = found[1].splitlines()
    kept = "\n".join(lines[: len(lines) // 2]) + "\n"
    return text[: found.start(1)] + kept + "```"


def negated(text: str, rng: random.Random) -> str | None:
    made = re.sub(r"\b(is|are|does|can|will)\b(?! not)", r"\1 not", text, count=2)
    return made if made != text else None


def off_by_one(text: str, rng: random.Random) -> str | None:
    made = re.sub(
        r"#\$([0-9A-Fa-f]{2})\b", lambda m: f"#${(int(m[1], 16) + 1) & 255:02X}", text
    )
    return made if made != text else None


def spoilt_code(kind: str) -> Maker:
    def make(
        sample: TrainingSample, rng: random.Random, rows: Rows
    ) -> TrainingSample | None:
        for code in sample_assembly(sample):
            bad = corrupt(code, kind, sample.sample_id)
            if bad is not None:
                made = copy.deepcopy(sample)
                made.input = made.input.replace(code, bad)
                changed = answered(made, made.output.replace(code, bad))
                return changed or made
        return None

    return make


def of_dialogue(change: Callable[[TrainingSample, random.Random], bool]) -> Maker:
    def make(
        sample: TrainingSample, rng: random.Random, rows: Rows
    ) -> TrainingSample | None:
        if not any(row.get("tool_calls") for row in sample.messages or ()):
            return None
        made = copy.deepcopy(sample)
        return made if change(made, rng) else None

    return make


def _calls(sample: TrainingSample) -> list[dict]:  # type: ignore[type-arg]
    rows = sample.messages or []
    return [call for row in rows for call in row.get("tool_calls", ())]


def _results(sample: TrainingSample) -> list[dict]:  # type: ignore[type-arg]
    return [row for row in sample.messages or [] if row["role"] == "tool"]


def unknown_tool(sample: TrainingSample, rng: random.Random) -> bool:
    rng.choice(_calls(sample))["function"]["name"] = "lookup_everything"
    return bool(sample.tools)


def unknown_argument(sample: TrainingSample, rng: random.Random) -> bool:
    function = rng.choice(_calls(sample))["function"]
    given = json.loads(function["arguments"])
    if not given or not sample.tools:
        return False
    name = min(given)
    given[f"zz_{name}"] = given.pop(name)
    function["arguments"] = json.dumps(given)
    return True


def torn_arguments(sample: TrainingSample, rng: random.Random) -> bool:
    function = rng.choice(_calls(sample))["function"]
    function["arguments"] = function["arguments"][:-2]
    return True


def lost_result(sample: TrainingSample, rng: random.Random) -> bool:
    gone = rng.choice(_results(sample))
    sample.messages = [row for row in sample.messages or [] if row is not gone]
    return True


def failed_results(sample: TrainingSample, rng: random.Random) -> bool:
    for row in _results(sample):
        row["content"] = '{"error": "timeout", "response": ""}'
    return True


def other_results(sample: TrainingSample, rng: random.Random) -> bool:
    for row in _results(sample):
        row["content"] = filled(CHATTER, len(row.get("content", "")), rng)
    return True


KINDS: dict[str, Maker] = {
    "cut_words": of_text(cut_words),
    "cut_sentence": of_text(cut_sentence),
    "code_cut": of_text(code_cut),
    "loop_sentence": of_text(loop_sentence),
    "doubled": of_text(doubled),
    "loop_end": of_text(loop_end),
    "shuffled_words": of_text(shuffled_words),
    "shuffled_letters": of_text(shuffled_letters),
    "invented_names": of_text(invented_names),
    "wrong_addresses": of_text(wrong_addresses),
    "near_addresses": of_text(near_addresses),
    "negated": of_text(negated),
    "off_by_one": of_text(off_by_one),
    "code_lines_shuffled": of_text(code_lines_shuffled),
    "prose_for_code": prose_for_code,
    "other_machine": other_machine,
    "empty": lambda s, r, rows: answered(s, " ") or answered(s, "\n"),
    "other_language": lambda s, r, rows: answered(
        s, filled([r.choice(OTHER_LANGUAGES)], min(len(s.output), 200), r)
    ),
    "vague": lambda s, r, rows: answered(s, filled(VAGUE, len(s.output), r)),
    "vague_named": lambda s, r, rows: answered(
        s, f"{_subject(s)}: {filled(VAGUE, len(s.output), r)}"
    ),
    "chatter": lambda s, r, rows: answered(s, filled(CHATTER, len(s.output), r)),
    "filler": lambda s, r, rows: answered(s, filled(FILLER, len(s.output), r)),
    "refusal": lambda s, r, rows: answered(
        s, r.choice(REFUSALS).replace("{name}", _subject(s))
    ),
    "echo": lambda s, r, rows: answered(s, echo(s, r, rows)),
    "answer_of_domain": lambda s, r, rows: answered(s, _donor(s, r, rows, "other")),
    "answer_of_file": lambda s, r, rows: answered(s, _donor(s, r, rows, "file")),
    **{f"code:{kind}": spoilt_code(kind) for kind in (*SYNTACTIC, *SEMANTIC)},
    "unknown_tool": of_dialogue(unknown_tool),
    "unknown_argument": of_dialogue(unknown_argument),
    "torn_arguments": of_dialogue(torn_arguments),
    "lost_result": of_dialogue(lost_result),
    "failed_results": of_dialogue(failed_results),
    "other_results": of_dialogue(other_results),
}
GROUPS = (
    ("cut_words", "cut_sentence", "code_cut"),
    ("loop_sentence", "doubled", "loop_end"),
    ("shuffled_words", "shuffled_letters", "code_lines_shuffled"),
    ("negated", "off_by_one"),
    ("prose_for_code", "other_machine"),
    ("empty",),
    ("other_language",),
    ("vague", "vague_named", "filler"),
    ("chatter",),
    ("refusal",),
    ("echo",),
    ("answer_of_domain", "answer_of_file"),
    *(
        (kind,)
        for kind in (
            "invented_names",
            "wrong_addresses",
            "near_addresses",
            *(f"code:{kind}" for kind in (*SYNTACTIC, *SEMANTIC)),
        )
    ),
    (
        "unknown_tool",
        "unknown_argument",
        "torn_arguments",
        "lost_result",
        "failed_results",
        "other_results",
    ),
)
"""Kinds that are alike: none of a group is seen by the score that judges it."""
NOT_TOLD = ("negated", "off_by_one", "near_addresses")
"""Kinds that no reader of the row alone could tell."""


def planted(good: Rows, every: Rows, seed: int) -> dict[str, list[TrainingSample]]:
    """Bad rows by kind; answers of other rows come from `every`."""
    made: dict[str, list[TrainingSample]] = {kind: [] for kind in KINDS}
    for sample in good:
        for kind, maker in KINDS.items():
            rng = random.Random(f"{seed}:{kind}:{sample.sample_id}")
            bad = maker(sample, rng, every)
            if bad is not None:
                made[kind].append(bad)
    return {kind: rows for kind, rows in made.items() if rows}
