"""What a routine does step by step, read off its instructions: what it sets to what, tests, calls and repeats.

Registers are followed through straight code only: a label, a call or a macro forgets them, so a step says nothing
that could come out otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from afs_stages.sources.codebase.conditions import CONDITIONS
from afs_stages.sources.codebase.contract import operand
from afs_stages.sources.codebase.lexer import Line, Statement
from afs_stages.sources.codebase.questions import listing

Naming = Callable[[str], str]
"""How a variable is shown: from the operand's name or `$address` to text in backquotes."""

_SUBLABEL = re.compile(r"\.[A-Za-z]\w*")
_INDEX = re.compile(r",\s*([XYS])\s*$", re.I)
_LOADS = {"lda": "a", "ldx": "x", "ldy": "y"}
_STORES = {"sta": "a", "stx": "x", "sty": "y"}
_COMPARES = {"cmp": "a", "cpx": "x", "cpy": "y"}
_MOVES = {
    "tax": ("a", "x"),
    "tay": ("a", "y"),
    "txa": ("x", "a"),
    "tya": ("y", "a"),
    "txy": ("x", "y"),
    "tyx": ("y", "x"),
}
_COUNTS = {"dex": "x", "dey": "y", "inx": "x", "iny": "y"}
_KEEPS = frozenset(("rep", "sep", "pha", "phx", "phy", "phb", "phk", "plb", "php", "phd", "nop", "cld"))
_NAMES = re.compile(r"([A-Z]\w*[_.]\w+)((?: \w+)?)")
_BARE = re.compile(r"`\$[0-9A-Fa-f]{6}`")
_USES_A = frozenset(("sta", "cmp", "tax", "tay", "pha", "tsb", "trb", "bit", "lda", "pla", "txa", "tya", "asl", "lsr"))
"""After these, and after a branch or a call, A is no result that waits for its return."""

_BEHIND = "through the table behind it"


@dataclass(frozen=True)
class Value:
    """What a register holds: a constant (`#…`), a variable, or something computed (from a variable, if known)."""

    kind: str = "unknown"
    text: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Act:
    """One thing done: verb, what it is done to, and the rest of the sentence."""

    verb: str
    what: str
    tail: str = ""


@dataclass(frozen=True)
class Step:
    """The acts of one line; `label` where the line is the first under a label."""

    line: int
    label: str
    acts: tuple[Act, ...]


_UNKNOWN = Value()


@dataclass
class _State:
    naming: Naming
    registers: dict[str, Value] = field(default_factory=lambda: dict.fromkeys("axy", _UNKNOWN))
    test: tuple[str, str, str] = ("", "", "")
    """What the flags tell of: (kind, name, other), kinds as in `CONDITIONS`."""
    carry: str = ""
    seen: set[str] = field(default_factory=set)
    starts: dict[str, str] = field(default_factory=dict)
    """The constants X and Y were given that only a label follows: where a loop begins to count."""
    result: str = ""
    """What A was given last and nothing has used since: what the routine returns, if it returns now."""

    def enter(self, label: str) -> None:
        """Note a label; one that is not local begins new local ones."""
        if not label.startswith((".", "+", "-", "?")):
            self.seen.clear()
        self.seen.add(label)

    def taken(self) -> str:
        """The value A carries to the place a jump goes to, told once."""
        result, self.result = self.result, ""
        return f" with A = {result}" if result else ""

    def forget(self) -> None:
        self.registers = dict.fromkeys("axy", _UNKNOWN)
        self.test, self.carry, self.result = ("", "", ""), "", ""


def walk(lines: tuple[Line, ...], naming: Naming) -> Iterator[Step]:
    """The steps of a routine, one for each line that does something worth a word, in order."""
    state = _State(naming)
    label = ""
    for line in lines:
        acts: list[Act] = []
        for statement in line.statements:
            for name in statement.labels:
                if not name.startswith("#_"):
                    yield from _starting(line, state)
                    state.forget()
                    state.enter(name)
                    label = name
            acts += _acts(statement, state)
        if acts:
            yield Step(line.number, label, tuple(_called_by_name(act, line.comment) for act in acts))
            label = ""


def _starting(line: Line, state: _State) -> Iterator[Step]:
    """The counters that are set before a label, as a step that stands above it."""
    if state.starts:
        yield Step(line.number - 1, "", tuple(Act("sets", r.upper(), f" to {v}") for r, v in state.starts.items()))
        state.starts.clear()


def _called_by_name(act: Act, comment: str) -> Act:
    """An act that goes to a bare address, with the name the comment behind it gives."""
    name = _NAMES.fullmatch(comment.strip("; \t"))
    if name and act.verb in ("calls", "goes to") and _BARE.fullmatch(act.what):
        return Act(act.verb, f"{act.what} (`{name.group(1)}`{name.group(2)})", act.tail)
    return act


def table(lines: tuple[Line, ...], naming: Naming) -> tuple[str, list[str]]:
    """(what chooses, the entries in order) of the jump table a routine ends in; ("", []) where it has none."""
    index, at_table = "", False
    entries: list[str] = []
    state = _State(naming)
    for statement in (statement for line in lines for statement in line.statements):
        if at_table and statement.word in ("dw", "dl"):
            entries += [operand(part.strip()) for part in statement.rest.split(",")]
        elif at_table and entries and statement.word:
            break
        acts = list(_acts(statement, state)) if not at_table else []
        for act in acts:
            if act.verb == "jumps" and act.what.startswith(_BEHIND):
                at_table, index = True, act.what.removeprefix(_BEHIND).removeprefix(" by ")
    return (index, entries) if entries else ("", [])


def _acts(statement: Statement, state: _State) -> Iterator[Act]:
    word, rest = statement.word.split(".", 1)[0], statement.rest.strip()
    if word in _USES_A or _OTHERS.get(word) in (_bits, _branch):
        state.result = ""
    if word and word not in _LOADS and word not in _KEEPS:
        state.starts.clear()
    if word in _LOADS:
        _load(state, _LOADS[word], rest)
    elif word in _STORES or word == "stz":
        yield from _store(state, word, rest)
    elif word in _COMPARES:
        _compare(state, _COMPARES[word], rest)
    elif word in _MOVES:
        source, target = _MOVES[word]
        state.registers[target] = state.registers[source]
        state.test = _of(state.registers[source]) if state.registers[source].text else ("value", source.upper(), "")
    elif word in ("inc", "dec") and rest.upper() not in ("", "A"):
        yield from _count(state, word, rest)
    elif word in ("inc", "dec"):
        known = state.registers["a"]
        detail = "adds 1 to" if word == "inc" else "subtracts 1 from"
        state.registers["a"] = Value("sum", known.text, detail) if known.kind == "variable" else _UNKNOWN
        state.test, state.result = ("", "", ""), ""
    elif word == "lsr" and rest.upper() in ("", "A"):
        _halve(state)
    elif word in _COUNTS:
        state.registers[_COUNTS[word]] = _UNKNOWN
        state.test = ("count", _COUNTS[word].upper(), word[:2])
    elif word in _OTHERS:
        yield from _OTHERS[word](state, word, rest)
    else:
        yield from _control(statement, state, word, rest)


def _control(statement: Statement, state: _State, word: str, rest: str) -> Iterator[Act]:
    """Returns, jumps ahead, the carry, macros; whatever else changes a register forgets what they hold."""
    if word in ("rts", "rtl"):
        results = [f"with A = {state.result}"] if state.result else []
        results += [f"with the carry {state.carry}"] if state.carry else []
        yield Act("returns", " and ".join(results))
        state.forget()
    elif word in ("bra", "brl"):
        bytes_ahead = re.fullmatch(r"\$[0-9A-Fa-f]{2}", rest)
        yield Act("skips", f"{rest} bytes") if bytes_ahead else Act("goes on", f"at `{rest}`", state.taken())
    elif word in ("clc", "sec"):
        state.carry = "clear" if word == "clc" else "set"
    elif statement.word.startswith("%"):
        state.forget()
        yield Act("runs", f"`{statement.word} {rest}`".replace(" `", "`"))
    elif word not in _KEEPS:
        state.forget()
        if word in ("mvn", "mvp"):
            yield Act("moves", "a block of bytes", f" (`{word.upper()} {rest}`)")


def _shown(state: _State, rest: str) -> str:
    """An operand as text; `` for what no name says (stack, indirect)."""
    if rest.startswith(("(", "[")):
        inner = operand(rest)
        return f"what {state.naming(inner)} points to" if inner else ""
    index = _INDEX.search(rest)
    name = match.group() if (match := _SUBLABEL.match(rest)) else operand(rest)
    if not name or (index and index.group(1).upper() == "S"):
        return ""
    tail = rest[len(name) :].split(",")[0].strip()
    return state.naming(name) if not tail else f"`{rest.split(',')[0].strip()}`"


def _constant(rest: str) -> str:
    if not rest.startswith("#") or len(rest) > 40:
        return ""
    return f"`{rest}`" if rest[1:2].isalpha() else rest[1:].strip()


def _load(state: _State, register: str, rest: str) -> None:
    constant, shown = _constant(rest), ""
    if not constant:
        shown = _shown(state, rest)
    index = match.group(1).upper() if (match := _INDEX.search(rest)) else ""
    value = Value("constant", constant) if constant else Value("variable", shown, index) if shown else _UNKNOWN
    state.registers[register] = value
    state.test = _of(value)
    if register == "a":
        state.result = f"{value.text} indexed by {index}" if index and value.text else value.text
    elif constant:
        state.starts[register] = constant


def _of(value: Value) -> tuple[str, str, str]:
    if value.kind == "variable":
        return ("value", value.text, "")
    return ("bits", value.text, value.detail) if value.kind == "bits" else ("", "", "")


def _store(state: _State, word: str, rest: str) -> Iterator[Act]:
    target = _shown(state, rest)
    if not target:
        return
    if word == "stz":
        yield Act("clears", target)
        return
    value = state.registers[_STORES[word]]
    if value.kind == "constant":
        yield Act("sets", target, f" to {value.text}")
    elif value.kind == "variable":
        match = _INDEX.search(rest)
        if value.text != target:
            yield Act("copies", value.text, f" to {target}")
        elif match and value.detail and match.group(1).upper() != value.detail:
            yield Act("copies", target, f" from index {value.detail} to index {match.group(1).upper()}")
    elif value.kind == "sum" and value.text == target:
        yield Act(value.detail.split(" ")[0], f"{value.detail.split(' ', 1)[1]} {target}")
    elif value.text and value.text != target:
        yield Act("computes", target, f" from {value.text}")
    else:
        yield Act("changes" if value.text else "writes", target)


def _compare(state: _State, register: str, rest: str) -> None:
    value = state.registers[register]
    other = _constant(rest) or _shown(state, rest)
    known = {
        "variable": value.text,
        "sum": "",
        "bits": f"{value.text} AND {value.detail}",
        "masked": f"A AND {value.detail}",
    }.get(value.kind, "")
    state.test = ("compare", known or register.upper(), other) if other else ("", "", "")
    state.carry = ""


def _count(state: _State, word: str, rest: str) -> Iterator[Act]:
    target = _shown(state, rest)
    state.test = ("value", target, "") if target else ("", "", "")
    if target:
        yield Act("counts up" if word == "inc" else "counts down", target)


def _arithmetic(state: _State, word: str, rest: str) -> Iterator[Act]:
    value, by = state.registers["a"], _constant(rest)
    source = value.text if value.kind in ("variable", "bits", "computed", "sum") else ""
    known = value.kind == "variable" and by
    if known and word == "and" and by in ("$FF", "$00FF"):
        pass  # the byte of a variable, read with a wide A
    elif known and word == "and":
        state.registers["a"] = Value("bits", value.text, by)
    elif known and word == "ora":
        state.registers["a"] = Value("sum", value.text, f"sets the bits {by} of")
    elif known and word == "adc" and state.carry == "clear":
        state.registers["a"] = Value("sum", value.text, f"adds {by} to")
    elif known and word == "sbc" and state.carry == "set":
        state.registers["a"] = Value("sum", value.text, f"subtracts {by} from")
    else:
        state.registers["a"] = Value("computed", source)
    state.result = f"{value.text} AND {by}" if known and word == "and" and state.result else ""
    masked = word == "and" and by and not known
    if masked and not source:
        state.registers["a"] = Value("masked", "", by)
    state.test = ("bits", "A", by) if masked else _of(state.registers["a"])
    state.carry = ""
    return iter(())


def _halve(state: _State) -> None:
    """A shift to the right: the carry is the next bit of what A was loaded from."""
    value = state.registers["a"]
    bit = int(value.detail) + 1 if value.kind == "halved" else 0
    known = value.kind in ("variable", "halved") and bit < 8
    state.registers["a"] = Value("halved", value.text, str(bit)) if known else _UNKNOWN
    state.test = ("bit", value.text, str(bit)) if known else ("", "", "")
    state.carry = ""


def _bits(state: _State, word: str, rest: str) -> Iterator[Act]:
    target, value = _shown(state, rest), state.registers["a"]
    state.test = ("", "", "")
    if word != "bit" and target and value.kind == "variable":
        yield Act("sets" if word == "tsb" else "clears", f"the bits of {value.text} in {target}")
    if word != "bit" and target and value.kind == "constant":
        verb = "sets" if word == "tsb" else "clears"
        yield Act(verb, f"the bits {value.text} of {target}")


def _call(state: _State, word: str, rest: str) -> Iterator[Act]:
    if _SUBLABEL.match(rest.lstrip("(")) or re.fullmatch(r"\++|-+", rest):
        taken = state.taken()
        state.forget()
        through = f"through the table `{rest.strip('()').split(',')[0]}`"
        if rest.startswith("("):
            yield Act("calls" if word in ("jsr", "jsl") else "jumps", through)
        else:
            yield Act("calls", f"`{rest}`") if word in ("jsr", "jsl") else Act("goes on", f"at `{rest}`", taken)
        return
    name = operand(rest)
    index, given = state.registers["a"], _given(state)
    direct = name and not rest.startswith(("(", "["))
    state.forget()
    if direct and "jumptable" in name.lower():
        by = f" by {index.text}" if index.kind == "variable" else ""
        yield Act("jumps", f"{_BEHIND}{by}")
    elif direct:
        yield Act("calls" if word in ("jsr", "jsl") else "goes to", f"`{name}`", given)
        state.test = ("call", f"`{name}`", "")
    elif name:
        yield Act("calls" if word in ("jsr", "jsl") else "jumps", f"through the table {state.naming(name)}")


def _given(state: _State) -> str:
    """The constants a routine is called with; what A held for a store before was not loaded for the call."""
    held = [(name, value) for name, value in state.registers.items() if name != "a" or state.result]
    known = [f"{register.upper()} = {v.text}" for register, v in held if v.kind == "constant"]
    return f" with {listing(known)}" if known else ""


def _branch(state: _State, word: str, rest: str) -> Iterator[Act]:
    kind, name, other = state.test
    target = rest.split()[0] if rest.split() else ""
    condition = CONDITIONS.get((kind, word), "").format(name, other)
    if not target:
        return
    if not condition or (kind == "count" and word == "bpl" and other != "de"):
        condition = f"on {word.upper()}"
    if re.fullmatch(r"\$[0-9A-Fa-f]{2}", target):
        yield Act("skips", f"{target} bytes {condition}")
    elif set(target) <= {"+"}:
        yield Act("skips ahead", f"to `{target}` {condition}")
    elif set(target) <= {"-"} or target in state.seen:
        yield Act("goes back", f"to `{target}` {condition}")
    else:
        yield Act("goes to", f"`{target}` {condition}")


_OTHERS: dict[str, Callable[[_State, str, str], Iterator[Act]]] = {
    **dict.fromkeys(("and", "ora", "eor", "adc", "sbc"), _arithmetic),
    **dict.fromkeys(("bit", "tsb", "trb"), _bits),
    **dict.fromkeys(("jsr", "jsl", "jmp", "jml"), _call),
    **dict.fromkeys(("beq", "bne", "bcc", "bcs", "bmi", "bpl", "bvc", "bvs"), _branch),
}
