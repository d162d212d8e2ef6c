"""What a routine does step by step, read off its instructions: what it sets to what,
tests, calls and repeats.

Registers are followed through straight code only: a label, a call or a macro forgets
them, so a step says nothing that could come out otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Set
from itertools import chain

from afs_stages.asm.effects import LEAVES, PULLS, PUSHES, registers
from afs_stages.asm.lexer import Line, Statement
from afs_stages.asm.operand import Operand, read_operand
from afs_stages.codebase.facts.actions import Action, LineActions
from afs_stages.codebase.facts.arithmetic import SHIFTS, arithmetic, shift, step
from afs_stages.codebase.facts.conditions import CONDITIONS
from afs_stages.codebase.facts.machine import (
    NOTHING,
    UNKNOWN,
    MachineState,
    Naming,
    Value,
    meeting_points,
)
from afs_stages.codebase.facts.operands import (
    constant,
    immediate,
    repeated,
    shown,
    told_with_operand,
)
from afs_stages.codebase.facts.questions import listing
from afs_stages.codebase.read.choices import CHOICES, Conditions

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
_KEEPS = frozenset(("rep", "sep", "nop", "cld", "{", "}"))
_PUSHES = {
    "pha": "a",
    "phx": "x",
    "phy": "y",
    **dict.fromkeys(("phb", "phk", "php"), "8"),
    "phd": "d",
    **dict.fromkeys(("pea", "per", "pei"), "16"),
}
_PULLS = {"pla": "a", "plx": "x", "ply": "y", "plb": "8", "plp": "8", "pld": "d"}
"""The register that is pushed or pulled, or how many bits the instruction moves."""
_PUSHED = {
    "phb": "the data bank",
    "phk": "the program bank",
    "php": "the status flags",
    "phd": "the direct page",
}
_PULLED = {"plb": "the data bank", "plp": "the status flags", "pld": "the direct page"}
_INTERRUPTS = {"sei": "disables", "cli": "enables"}
_NAMES = re.compile(r"([A-Z]\w*[_.]\w+)((?: \w+)?)")
_BARE = re.compile(r"`\$[0-9A-Fa-f]{6}`")
_USES_WORDS = {
    "a": "sta cmp tax tay pha tsb trb bit lda pla txa tya asl lsr",
    "x": "stx cpx txa txy phx plx ldx",
    "y": "sty cpy tya tyx phy ply ldy",
}
_USES = {register: frozenset(words.split()) for register, words in _USES_WORDS.items()}
"""After these, and after a branch or a call,
a register holds no result that waits for the return.
"""

_FLAGS_BY_HAND = 0xCE
"""The flags but for the carry and the widths of the registers."""
BEHIND = "through the table behind it"


def walk(
    lines: tuple[Line, ...],
    naming: Naming,
    name: str = "",
    entered: Set[str] = frozenset(),
    kept: Callable[[str], Set[str]] = lambda _: frozenset(),
    stack: bool = False,
) -> Iterator[LineActions]:
    """The steps of the routine `name`, one for each line that does something worth
    a word, in order; `kept` tells which indexes a routine gives back as it got them.
    With `stack` every push, pull and switch of the flags is told, too.
    """
    state = MachineState(naming, kept, tells_stack=stack)
    met = meeting_points(lines, name, entered)
    label = ""
    conditions = Conditions()
    for line in lines:
        acts: list[Action] = []
        version = conditions.told
        for statement in line.statements:
            if statement.word in CHOICES:
                conditions.read(statement.word, statement.rest)
            for found in statement.labels:
                if not found.startswith("#_"):
                    if acts:
                        # a label at the end of a line heads what stands below
                        done = tuple(_called_by_name(a, line.comment) for a in acts)
                        yield LineActions(line.number, label, done, version)
                        acts, label = [], ""
                    for passed in _passing(
                        line, state, found, (line.number, found) in met
                    ):
                        yield LineActions(passed.line, label, passed.acts, version)
                        label = ""
                    label = f"{label}` and `{found}" if label else found
            counts = _untold(state, statement.word.split(".", 1)[0])
            if counts and state.counted_at != line.number:
                # counted on a line above: a remark at this one is not about it
                yield LineActions(state.counted_at, label, tuple(counts), version)
                label = ""
            elif counts:
                acts += counts
            state.line = line.number
            acts += _acts(statement, state)
        if acts:
            called = tuple(_called_by_name(act, line.comment) for act in acts)
            yield LineActions(line.number, label, called, version)
            label = ""


def tricks(lines: tuple[Line, ...]) -> bool:
    """Whether code does more with the stack than to keep registers for a while: it
    pulls other registers than it pushes, pushes numbers, or sets flags by hand.
    """
    pushed: Counter[str] = Counter()
    for statement in chain.from_iterable(line.statements for line in lines):
        word, rest = statement.word.split(".", 1)[0], statement.rest
        if word in ("pea", "pei", "per"):
            return True
        if word in ("rep", "sep") and (immediate(rest) or 0) & _FLAGS_BY_HAND:
            return True
        if word in PUSHES:
            # the program bank is pushed only to become the data bank
            pushed[PUSHES[word].replace("k", "b")] += 1
        elif word in PULLS:
            pushed[PULLS[word]] -= 1
    return any(pushed.values())


def _passing(
    line: Line, state: MachineState, label: str, known: bool
) -> Iterator[LineActions]:
    """Go on below a label; what only this path has counted, set or given to the code
    below is said before.
    """
    acts, carry, held = state.counts(), state.carry, dict(state.registers)
    given = {
        **state.starts,
        **{register: said for register, said in state.results.items() if said},
    }
    ended = state.ended
    state.starts.clear()
    state.enter(label, known)
    lost = {
        register: said
        for register, said in sorted(given.items())
        if state.registers[register] != held[register]
    }
    acts += [
        Action("sets", register.upper(), f" to {said}")
        for register, said in lost.items()
    ]
    if carry and not state.carry:
        acts.append(Action("clears" if carry == "clear" else "sets", "the carry"))
    if acts and not ended:
        yield LineActions(line.number - 1, "", tuple(acts))


def _called_by_name(act: Action, comment: str) -> Action:
    """An act that goes to a bare address, with the name the comment behind it gives."""
    name = _NAMES.fullmatch(comment.strip("; \t"))
    if name and act.verb in ("calls", "goes to") and _BARE.fullmatch(act.what):
        return Action(
            act.verb, f"{act.what} (`{name.group(1)}`{name.group(2)})", act.tail
        )
    return act


def table(lines: tuple[Line, ...], naming: Naming) -> tuple[str, list[str]]:
    """(what chooses, the entries in order) of the jump table a routine ends in; ("",
    []) where it has none.
    """
    listed = chain.from_iterable(line.statements for line in lines)
    if not any(statement.word in ("dw", "dl") for statement in listed):
        return "", []
    statements = chain.from_iterable(line.statements for line in lines)
    state = MachineState(naming)
    jumps = (_jump(item, state) for item in statements)
    found = next((jump for jump in jumps if jump is not None), None)
    entries: list[str] = []
    # the table stands behind the jump: `statements` goes on there
    for statement in statements if found is not None else ():
        if statement.word in ("dw", "dl"):
            entries += [read_operand(part).place for part in statement.rest.split(",")]
        elif entries and statement.word:
            break
    if not entries or found is None:
        return "", []
    return found.value, entries


def _jump(statement: Statement, state: MachineState) -> Action | None:
    """The act by which a statement jumps through the table behind it, or None."""
    jumps = [act for act in _acts(statement, state) if act.place == BEHIND]
    return jumps[-1] if jumps else None


def _acts(statement: Statement, state: MachineState) -> Iterator[Action]:
    """What a statement does; the state afterwards knows it."""
    word, rest = statement.word.split(".", 1)[0], statement.rest.strip()
    if not word:
        return
    _use(state, word, rest)
    if "C" in registers(word.upper(), rest)[1] and word not in SHIFTS:
        state.held = NOTHING
    if word not in _LOADS and word not in _KEEPS and word not in _PUSHES:
        state.starts.clear()
    if word in CHOICES:
        # what the assembler decides: nothing is known behind it
        state.forget()
    elif word in _OWN:
        yield from _OWN[word](state, word, rest)
    else:
        yield from _control(statement, state, word, rest)
    state.ended = word in LEAVES or (state.ended and word in _KEEPS)


def _untold(state: MachineState, word: str) -> list[Action]:
    """How X and Y were counted, once something else follows."""
    goes_on = not word or word in _COUNTS or word in _KEEPS
    return [] if goes_on else state.counts()


def _use(state: MachineState, word: str, rest: str) -> None:
    """Whatever an instruction uses is no result that waits for the return."""
    if not state.results:
        return
    operand = read_operand(rest)
    for register, users in _USES.items():
        indexed = register.upper() in (operand.index, operand.inner)
        if word in users or indexed or _OWN.get(word) is _bits:
            state.results.pop(register, None)


def _control(
    statement: Statement, state: MachineState, word: str, rest: str
) -> Iterator[Action]:
    """Returns, jumps ahead, the carry, macros;
    whatever else changes a register forgets what they hold.
    """
    if word in ("rts", "rtl"):
        results = [
            f"{register.upper()} = {said}"
            for register, said in state.results.items()
            if said
        ]
        results += [f"the carry {state.carry}"] if state.carry else []
        yield Action("returns", f"with {listing(results)}" if results else "")
        state.forget()
    elif word in ("bra", "brl"):
        bytes_ahead = re.fullmatch(r"\$[0-9A-Fa-f]{2}", rest)
        state.leave(rest)
        yield (
            Action("skips", f"{rest} bytes")
            if bytes_ahead
            else Action("goes on", f"at `{rest}`", state.taken())
        )
    elif word in ("clc", "sec"):
        state.carry = "clear" if word == "clc" else "set"
    elif word in _INTERRUPTS:
        yield Action(_INTERRUPTS[word], "interrupts")
    elif statement.word.startswith("%"):
        state.forget()
        yield Action("runs", f"`{' '.join(f'{statement.word} {rest}'.split())}`")
    elif word == "xba":
        # of 8 bits A is what the other half was
        wide = state.widths["a"] == "16"
        value = state.registers["a"].swapped() if wide else UNKNOWN
        state.registers["a"] = value
        state.results["a"], state.test = state.registers["a"].said, NOTHING
    elif word not in _KEEPS:
        state.forget()
        if word in ("mvn", "mvp"):
            yield Action("moves", "a block of bytes", f" (`{word.upper()} {rest}`)")


def _load(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    register, fixed = _LOADS[word], constant(rest)
    place = "" if fixed else shown(state, rest)
    value = UNKNOWN
    if fixed or place:
        pointed = "" if read_operand(rest).mode == "direct" else "pointed"
        value = (
            Value("constant", fixed)
            if fixed
            else Value("variable", place, shape=pointed)
        )
    state.registers[register] = value
    state.test = value.asked
    state.results[register] = value.text
    state.reindexed(register)
    if register != "a" and fixed:
        state.starts[register] = fixed
    yield from _index_told(state, register)


def _move(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    source, target = _MOVES[word]
    value = state.registers[target] = state.registers[source]
    state.test = value.asked if value.said else ("value", source.upper(), "")
    copied = target == "a" and value == Value("register", source.upper())
    told = copied or value.kind not in ("register", "old")
    state.results[target] = value.said if told else ""
    state.reindexed(target)
    if target != "a" and not value.said:
        yield Action(
            "copies", source.upper(), f" to {target.upper()}", vague=True, nowhere=True
        )
    yield from _index_told(state, target)


def _index_told(state: MachineState, register: str) -> Iterator[Action]:
    """What an index is from here on, where operands do not repeat it behind them."""
    value = state.registers[register]
    known = value.said and value.kind not in ("returned", "register")
    if register != "a" and known and not told_with_operand(value):
        state.results.pop(register, None)
        yield Action("sets", register.upper(), f" to {value.said}")


def _widths(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    """REP and SEP: a register that is cut or widened is not what was put into it."""
    bits = immediate(rest)
    size = "16" if word == "rep" else "8"
    if state.tells_stack:
        yield Action("runs", f"`{word.upper()} {rest}`")
    if bits is None:
        state.forget()
        return
    if bits & 0x20:
        state.resized("a", size)
    if bits & 0x10:
        state.resized("x", size)
        state.resized("y", size)
    if bits & 0x01:
        state.carry, state.held = "clear" if word == "rep" else "set", NOTHING
    if bits & 0xC3:
        state.test = NOTHING


def _keep(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    """Push, or take back what was pushed: no result of the routine, but known again."""
    register = _PUSHES.get(word) or _PULLS[word]
    size = state.widths.get(register, register)
    if word in _PUSHES and state.tells_stack:
        yield Action("pushes", _pushed(state, word, rest))
    if word in _PUSHES:
        state.push(word, "" if register == "16" else register, size)
        return
    value = state.pull(size)
    if value is None or state.tells_stack:
        yield Action("pulls", _PULLED.get(word, register.upper()))
    if value is None:
        # pushed by other code or on other paths: all that is sure is the pull
        value = Value("returned", "the pulled A", "A") if register == "a" else UNKNOWN
    if word == "plp":
        state.flags_pulled(value)
    if register in state.registers:
        itself = Value("register", register.upper())
        state.reindexed(register)
        if register != "a" and value in (UNKNOWN, itself, itself.past(register)):
            value = itself
        state.registers[register] = value
        state.test = value.asked
        state.results.pop(register, None)


def _pushed(state: MachineState, word: str, rest: str) -> str:
    """What a push puts on the stack."""
    register = _PUSHES[word]
    if register in state.registers:
        return state.registers[register].said or register.upper()
    return _PUSHED.get(word) or f"`{rest}` (`{word.upper()}`)"


def _store(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    target = shown(state, rest)
    if not target:
        return
    register = _STORES.get(word, "")
    yield from (
        [Action("clears", target)]
        if word == "stz"
        else _stored(state.registers[register], target, read_operand(rest).place)
    )
    state.stored(target, read_operand(rest).base, register)


def _stored(value: Value, target: str, place: str) -> Iterator[Action]:
    """What a store of `value` does to `target`."""
    if value.kind == "constant":
        yield Action("sets", target, f" to {value.text}", place, value.text)
    elif value.kind == "change" and value.text == target:
        verb, rest_of_it = value.detail.split(" ", 1)
        yield Action(verb, f"{rest_of_it} {target}")
    elif (value.kind, value.text, value.detail) == ("old", f"the earlier {target}", ""):
        yield Action("restores", target)
    elif value.kind == "variable" and value.text == target:
        return  # what was read is put back
    elif value.kind == "variable":
        yield Action("copies", value.text, f" to {target}")
    elif value.said:
        held = value.kind in ("returned", "register")
        yield (
            Action("stores", value.said, f" in {target}")
            if held
            else Action("sets", target, f" to {value.said}")
        )
    else:
        yield Action("writes", target, vague=True)


def _compare(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    register = _COMPARES[word]
    value = state.registers[register]
    other = constant(rest) or shown(state, rest)
    name = value.said if register == "a" or value.kind != "returned" else ""
    asked = ("compare", name or register.upper(), other)
    state.test = state.held = asked if other else NOTHING
    carry, state.carry = state.carry, ""
    if carry:
        yield Action("clears" if carry == "clear" else "sets", "the carry")


def _count(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    times = repeated(rest)
    if times is not None:
        step(state, "plus" if word == "inc" else "minus", times)
        return
    target = shown(state, rest)
    if target:
        state.stored(target, read_operand(rest).base)
    # the flags tell of what it is now
    state.test = ("value", target, "") if target else NOTHING
    if target:
        yield Action("counts up" if word == "inc" else "counts down", target)


def _step(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    """X or Y is counted: the act is told once something else follows."""
    register, act = (
        _COUNTS[word],
        "counts up" if word.startswith("in") else "counts down",
    )
    value = state.registers[register]
    if state.results.pop(register, "") and value.kind != "register":
        # what it was is lost by counting, and nothing has told it
        yield Action("sets", register.upper(), f" to {value.said}")
    state.reindexed(register)
    state.registers[register] = Value("register", register.upper())
    state.counted_at = state.line
    state.counted += [Action(act, register.upper())] * (repeated(rest) or 1)
    state.test = ("count", register.upper(), word[:2])


def _bits(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    fixed, target, value = constant(rest), shown(state, rest), state.registers["a"]
    state.test = NOTHING
    if word == "bit" and fixed:
        state.test = ("bits", value.said or "A", fixed)
    elif word == "bit" and target:
        state.test = ("tested", target, value.said or "A")
    elif target and (value.said or word != "bit"):
        verb = "sets" if word == "tsb" else "clears"
        bits = (
            f"the bits {value.text} of"
            if value.kind == "constant"
            else f"the bits of {value.said or 'A'} in"
        )
        state.stored(target, read_operand(rest).base)
        yield Action(verb, f"{bits} {target}")


def _call(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    calling = word in ("jsr", "jsl")
    operand = read_operand(rest)
    if operand.local or re.fullmatch(r"\++|-+", rest):
        if operand.mode != "direct":
            yield Action("calls" if calling else "jumps", _led_by(operand, state))
        elif calling:
            yield Action("calls", f"`{rest}`", _given(state))
        else:
            state.leave(rest)
            yield Action("goes on", f"at `{rest}`", state.taken())
        state.called("")
        return
    name = operand.place or operand.base
    index, given = state.registers["a"], _given(state)
    direct = bool(name) and operand.mode == "direct"
    state.called(name if direct and calling else "")
    if direct and "jumptable" in name.lower():
        by = index.said if index.kind not in ("unknown", "constant") else ""
        yield Action("jumps", BEHIND, f" by {by}" if by else "", BEHIND, by)
    elif direct:
        yield Action("calls" if calling else "goes to", f"`{name}`", given)
        state.test = state.held = ("call", f"`{name}`", "")
    elif name:
        yield Action("calls" if calling else "jumps", _led_by(operand, state))


def _led_by(operand: Operand, state: MachineState) -> str:
    """What a jump through memory follows: a table where an index chooses in it, else
    the one pointer that is there.
    """
    name = (
        f"`{operand.base}`"
        if operand.local
        else state.naming(operand.place or operand.base)
    )
    return f"through the table {name}" if operand.indexed else f"to where {name} points"


def _given(state: MachineState) -> str:
    """What a routine is called with: constants,
    and what was put into a register for it.
    """
    given = []
    for register, value in state.registers.items():
        result = state.results.get(register, "")
        if value.kind == "constant" and (register != "a" or result):
            given.append(f"{register.upper()} = {value.text}")
        elif result and value.kind != "constant":
            given.append(f"{register.upper()} = {result}")
    given += [f"the carry {state.carry}"] if state.carry else []
    return f" with {listing(given)}" if given else ""


def _indexes_told(state: MachineState) -> Iterator[Action]:
    """What was put into X and Y and is told nowhere yet: the code a branch goes to may
    use it as well as the code below.
    """
    for register in "xy":
        if result := state.results.pop(register, ""):
            yield Action("sets", register.upper(), f" to {result}")


def _branch(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    by_carry = word in ("bcc", "bcs")
    kind, name, other = state.held if by_carry else state.test
    target = rest.split()[0] if rest.split() else ""
    condition = CONDITIONS.get((kind, word), "").format(name, other)
    if not target:
        return
    if kind == "bit" or (not by_carry and state.test == state.registers["a"].asked):
        state.results.pop("a", None)
    state.leave(target)
    yield from _indexes_told(state)
    given = f" with A = {state.results['a']}" if state.results.get("a") else ""
    vague = not condition or (kind == "count" and word == "bpl" and other != "de")
    if vague:
        condition = f"on {word.upper()}"
    if re.fullmatch(r"\$[0-9A-Fa-f]{2}", target):
        verb, where = "skips", f"{target} bytes"
    elif set(target) <= {"+"}:
        verb, where = "skips ahead", f"to `{target}`"
    elif set(target) <= {"-"} or target in state.seen:
        verb, where = "goes back", f"to `{target}`"
    else:
        verb, where = "goes to", f"`{target}`"
    nowhere = vague or "A" in (name, other)
    what = f"{where}{given} {condition}"
    yield Action(verb, what, vague=vague, nowhere=nowhere)


_OWN: dict[str, Callable[[MachineState, str, str], Iterator[Action]]] = {
    **dict.fromkeys(_LOADS, _load),
    **dict.fromkeys((*_STORES, "stz"), _store),
    **dict.fromkeys(_COMPARES, _compare),
    **dict.fromkeys(_MOVES, _move),
    **dict.fromkeys((*_PUSHES, *_PULLS), _keep),
    **dict.fromkeys(("inc", "dec"), _count),
    **dict.fromkeys(("rep", "sep"), _widths),
    **dict.fromkeys(SHIFTS, shift),
    **dict.fromkeys(_COUNTS, _step),
    **dict.fromkeys(("and", "ora", "eor", "adc", "sbc"), arithmetic),
    **dict.fromkeys(("bit", "tsb", "trb"), _bits),
    **dict.fromkeys(("jsr", "jsl", "jmp", "jml"), _call),
    **dict.fromkeys(("beq", "bne", "bcc", "bcs", "bmi", "bpl", "bvc", "bvs"), _branch),
}
"""Instructions with a function of their own; the others change the flow or a flag."""
