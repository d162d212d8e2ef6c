"""Documentation questions: a section answers a question that names its subject; a table
row answers one too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from afs_stages.codebase.facts.outdated import Quotations
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import choose
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.markdown import (
    Document,
    Section,
    Table,
    balanced,
    plain,
    words,
)
from afs_stages.codebase.read.paths import Paths
from afs_stages.codebase.read.vocabulary import OwnWords
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.faults import (
    leans_on_its_page,
    leaves_open,
    speech_missing,
    unfinished,
)
from afs_stages.codebase.tell.memory_map import row_variable

MIN_CELLS = 4
"""Words the cells of a row must hold, without the names of their columns."""

MIN_WORDS, SMALL, LONG = 15, 60, 280
"""Words: shorter sections are left out, smaller ones keep their children,
longer ones are divided.
"""

_FENCE = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)\s*$)", re.M | re.S)
_ASM_FENCE = re.compile(r"(?m)^```(asm|65816|assembly)\b")
_DRAWN = re.compile(r"(?s)^```(?:text)?\n.*?(?:\+-{4,}|[┌└├]─).*?^```", re.M)
"""A drawing of boxes: alone, without sentences, it explains nothing."""

_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_CRITIQUE = re.compile(
    r"(?im)^[-*] +.*\b(would improve|could be (improved|refactored)"
    r"|hard-?coded values?:|should be replaced)\b.*\n?"
)
_GUESS = re.compile(
    r"(?i) *\([^()\n]*(?<!least )\b(?:likely|probably|presumably|possibly|apparently"
    r"|perhaps|seems? to|might)\b"
    r"[^()\n]*\)"
    r"|, likely (?:a|an|the) [^,;.()|\n]{3,60}(?=\)|\.$)| *\([^()\n]*[^()?\n]\?\)",
    re.M,
)
"""What a page only guesses or asks itself, in brackets."""

_BLANK = re.compile(r"\$(?:[xX]{2,4}|[yY]{2,4})\b")
"""A number that a plan leaves open."""

_ZERO = re.compile(r"(?m)^[-*+] +\**`?(!\w+)`?\**:\** *`?\$?0+`?[ \t]*$\n?")
_ZEROS = 5
"""So many properties that are zero are told in one line."""

_HTML = re.compile(r"<!--.{0,400}?-->", re.S)
_STAMP = re.compile(
    r"(?im)^[>\s]*[*_]*(last (updated|verified|reviewed)|date|author|status|version|"
    r"owner|generated|scope|confidence|primary sources)\b[*_]*:.*\n?"
)
_NUMBERING = re.compile(r"^(?:\d+(?:\.\d+)*[.):]?|[A-Z][.)]|[^\w`$!%.(#\"]+)\s+")
_GENERIC = re.compile(
    r"(?i)^(overview|summary|notes?|introduction|purpose|description|details?|background|usage|examples?|general|"
    r"features?|key points|implementation( details| notes)?|behaviou?r|state|"
    r"properties|variables?|constants?|logic|initialization|main logic|design|files?|"
    r"location|structure|scope|goals?|problem|solution|root cause|symptoms?)$"
)
_OVERVIEW = re.compile(r"(?i)^(overview|summary|introduction|description)$")
_UPKEEP = re.compile(
    r"(?i)\b(last|verified|status|updated|owner|date|pr|commit|assignee|priority|done|checked|effort|complexity|"
    r"feasibility)\b|^(#|hooks|files|lines)$"
)
"""Columns that tell of the work, or count what the next change makes one more of."""

_UPRIGHT = re.compile(
    r"(?i)^(#|metric|propert(y|ies)|field|attribute|key|aspect|parameter|step|item|question|)$"
)
_WORK = re.compile(r"\b(TODO|FIXME)\b|\?\?\?")
_TABLE_HEAD = re.compile(r"(?m)^\|.*\n\|[-:| ]+\|?$")
_ANNOUNCE = re.compile(
    r"(?i)[*_]*(this|the following) (document|page|guide|file|section|folder)\b"
    r"|master index\b"
    r"|[*_]*(purpose|goal|objective)s?:?[*_]*:? *(document|provide|track|list|collect"
    r"|summari)"
)
_OPEN = re.compile(
    r"\b(TODO|TBD|FIXME)\b|\?\?\?|^(0x\w+ ){2}|(?i:^unknown$|\buntested\b|"
    r"\bunverified\b|^various\b|\bproven asset\b|\bworks? well\b|\bMVP\b|"
    r"\bneeds? work\b)"
)
_NAMELIKE = re.compile(r"^[`$!%]|[_(]|\b[A-Z]\w+[A-Z]")

Wanted = Callable[[Document, Section], bool]


def drafts(
    project: Project, wanted: Wanted, kind: str, spoiled: set[tuple[str, int]]
) -> Iterator[Draft]:
    """Samples of the sections that are wanted; lines in `spoiled` contradict the code
    and are never taught.
    """
    quotations, paths = Quotations(project), Paths(project.tree.paths)
    for document in project.documents:
        merged: set[int] = set()
        for section in document.sections:
            if (
                section.line in merged
                or not wanted(document, section)
                or _idle(section, project.vocabulary)
            ):
                continue
            if document.planned and len(section.path) == 1:
                # what stands first in a plan tells of the work, not of the game
                continue
            for draft in _section(project, document, section, kind, spoiled, merged):
                yield _checked(document, draft, quotations, paths)
            for table in section.tables:
                own = Table(
                    table.header,
                    tuple(
                        row
                        for row in table.rows
                        if row_variable(project, row[1]) is None
                    ),
                )
                for draft in _rows(document, section, own, kind, spoiled):
                    yield _checked(document, draft, quotations, paths)


def _checked(
    document: Document, draft: Draft, quotations: Quotations, paths: Paths
) -> Draft:
    """The draft, as the claim of its page where it tells of code, and why it is not to
    be taught.
    """
    answer = draft.answer
    fault = draft.fault or quotations.fault(answer)
    if document.planned:
        # what a plan names may be still to come; a number it leaves open is not
        fault = fault or ("unfinished_page" if _BLANK.search(answer) else "")
    elif not fault:
        fault = "code_of_unknown_names" if quotations.unknown(answer) else ""
        if not fault and quotations.beside_its_file(document.path, answer):
            fault = "names_of_another_file"
        fault = fault or ("file_missing" if paths.missing(answer) else "")
    if document.planned or quotations.names_code(answer):
        # what a page says of code is its claim, however old it is
        says = "proposes" if document.planned else "says"
        answer = f"`{document.path}` {says}:\n\n{answer}"
    return replace(draft, answer=answer, fault=fault)


def _idle(section: Section, words: OwnWords) -> bool:
    return any(words.has("skip_headings", _heading(part)) for part in section.path)


def _heading(text: str) -> str:
    return _NUMBERING.sub("", text).strip(" :#*")


def _section(
    project: Project,
    document: Document,
    section: Section,
    kind: str,
    spoiled: set[tuple[str, int]],
    merged: set[int],
) -> Iterator[Draft]:
    vocabulary = project.vocabulary
    group = f"section:{document.path}:{' > '.join(section.path)}"
    pieces = [(first, last) for first, last, _ in section.blocks]
    if section.children and words(document.block(section.line, section.last)) <= SMALL:
        idle = [
            child.line
            for child in _below(section)
            if vocabulary.has("skip_headings", _heading(child.path[-1]))
        ]
        end = min(idle, default=section.last + 1) - 1
        merged.update(child.line for child in _below(section) if child.line <= end)
        pieces = [(section.line + 1, end)]
    parts = _divide(document, pieces)
    for number, (first, last) in enumerate(parts, 1):
        text = clean(document.block(first, last))
        if (
            _usable(text)
            and not _introduces(section, text)
            and not _spoiled(document, first, last, spoiled)
        ):
            about = _about(text) if len(parts) > 1 else ""
            question = ask(document, section, text, about, (number, len(parts)))
            place = (document.path, first, last, group)
            yield Draft(
                kind,
                question,
                _answer(section, text),
                *place,
                fault=_fault(text, vocabulary),
            )


def _fault(text: str, words: OwnWords) -> str:
    """Why a reader of this piece alone would stumble, or ""."""
    if unfinished(text):
        return "unfinished_page"
    if words.has("work", text):
        return "tells_of_work"
    if speech_missing(text):
        return "speech_missing"
    return "leans_on_its_page" if leans_on_its_page(text) else ""


def _below(section: Section) -> Iterator[Section]:
    for child in section.children:
        yield child
        yield from _below(child)


def _introduces(section: Section, text: str) -> bool:
    """One short sentence or a quotation above sub-sections says that they follow,
    and nothing more.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    quoted = len(lines) <= 4 and any(line.startswith(">") for line in lines)
    return bool(section.children) and (
        ("\n" not in text and words(text) < 25) or (quoted and words(text) < 60)
    )


def _usable(text: str) -> bool:
    bare = _FENCE.sub("", text)
    listed = [line for line in bare.splitlines() if line.strip()]
    boxes = sum(
        bool(re.match(r"\s*[-*] (\[[ xX]\]|[✅❌⚠🔲])", line)) for line in listed
    )
    announcing = _ANNOUNCE.match(text) and words(text) < 80
    if (
        announcing
        or _WORK.search(text)
        or boxes * 2 > len(listed)
        or not balanced(text)
    ):
        return False
    if _DRAWN.search(text) and words(bare) < 25:
        return False
    example = _ASM_FENCE.search(text) and text.count("\n") >= 5
    return words(_TABLE_HEAD.sub("", text)) >= MIN_WORDS and (
        words(bare) >= 5 or bool(example)
    )


def _spoiled(
    document: Document, first: int, last: int, spoiled: set[tuple[str, int]]
) -> bool:
    return any((document.path, line) in spoiled for line in range(first, last + 1))


def _divide(document: Document, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring blocks joined to parts of at most LONG words,
    broken only between blocks.
    """
    parts: list[tuple[int, int]] = []
    size = 0
    for first, last in pieces:
        count = words(document.block(first, last))
        above = document.block(*parts[-1]) if parts else ""
        told = document.block(first, last).startswith(
            ("```", "~~~")
        ) and not above.rstrip().endswith(("```", "~~~"))
        if parts and (size + count <= LONG or above.rstrip().endswith(":") or told):
            parts[-1] = (parts[-1][0], last)
            size += count
        else:
            parts.append((first, last))
            size = count
    if len(parts) > 1 and words(document.block(*parts[-1])) < MIN_WORDS:
        parts[-2:] = [(parts[-2][0], parts[-1][1])]
    return parts


def clean(text: str) -> str:
    """Section text as an answer: links as their text, no HTML comments, no upkeep
    stamps; fences untouched.
    """
    pieces = _FENCE.split(text)
    for index in range(0, len(pieces), 2):
        piece = _CRITIQUE.sub("", _STAMP.sub("", _HTML.sub("", pieces[index])))
        pieces[index] = _zeros(_LINK.sub(r"\1", _GUESS.sub("", piece)))
    return (
        re.sub(r"\n{3,}", "\n\n", "".join(pieces)).strip().removesuffix("---").strip()
    )


def _zeros(text: str) -> str:
    """A list of properties with those that are zero told in one line at its end."""
    names = _ZERO.findall(text)
    if len(names) < _ZEROS:
        return text
    last = list(_ZERO.finditer(text))[-1].end()
    above = _ZERO.sub("", text[:last]).rstrip()
    zero = ", ".join(f"`{name}`" for name in names)
    return f"{above}\n*   Zero: {zero}\n{text[last:]}"


def _about(text: str) -> str:
    """What a part of a long section begins with: its first bold term or the words
    before its first colon.
    """
    first = text.split("\n", 1)[0]
    bold = re.search(r"\*\*([^*]{3,60})\*\*", text[:400])
    if bold:
        return plain(bold.group(1)).strip(" :.")
    lead = plain(first).lstrip("-*0123456789. |#>").split(":")[0]
    return _cut(lead) if comments.words(lead) >= 2 else ""


def _cut(lead: str) -> str:
    """At most eight words, ended at a comma where they would end in the
    middle of a clause.
    """
    words = lead.split()[:8]
    clause = next(
        (at for at in range(len(words), 2, -1) if words[at - 1].endswith((",", ";"))), 0
    )
    if len(lead.split()) > 8 and clause:
        words = words[:clause]
    while words and comments.is_join(words[-1]):
        words.pop()
    return " ".join(words).strip(" ,.;|")


def ask(
    document: Document,
    section: Section,
    text: str,
    about: str = "",
    part: tuple[int, int] = (1, 1),
) -> str:
    """A question that names the section's subject: the page, the headings above,
    the heading itself.
    """
    path = [_heading(heading) for heading in section.path]
    subject, page = path[-1], path[0]
    where = " / ".join(dict.fromkeys(path[:-1])) if len(path) > 1 else ""
    if _GENERIC.match(subject) and len(path) > 1:
        subject, where = (
            f"{path[-2]}: {subject.lower()}",
            " / ".join(dict.fromkeys(path[:-2])),
        )
    if len(path) == 2 and _OVERVIEW.match(path[1]):
        question = _overview(page, document)
    else:
        where = where or (document.path if subject == page else page)
        question = _phrase(subject.rstrip("."), where, text, section, document.planned)
    if about and part[1] > 1:
        return f"{question} Concentrate on: {about}."
    return f"{question} (part {part[0]} of {part[1]})" if part[1] > 1 else question


def _overview(page: str, document: Document) -> str:
    what, path = (
        f"the plan “{page}”" if document.planned else f"“{page}”",
        document.path,
    )
    return choose(
        [
            f"Give me an overview of {what} (`{path}`).",
            f"What is {what} about (`{path}`)?",
        ],
        path,
    )


def _phrase(subject: str, where: str, text: str, section: Section, plan: bool) -> str:
    key = "\x1f".join((*section.path, text))
    place = f"In {where}" if "." not in where else f"In `{where}`"
    if plan:
        place, where = f"In the plan {where}", f"plan: {where}"
    if subject.endswith("?"):
        return f"{place}: {subject}"
    if re.match(r"(?i)how to\b", subject):
        return choose(
            [
                f"{place}, how do I {subject[7:]}?",
                f"{place}, explain how to {subject[7:]}.",
            ],
            key,
        )
    if re.match(r"(?m)^\s*1[.)] ", text) and not re.search(r"(?m)^\|", text):
        return choose(
            [
                f"{place}, what are the steps of “{subject}”?",
                f"{place}, walk me through “{subject}”.",
            ],
            key,
        )
    if _NAMELIKE.search(subject):
        return choose(
            [
                f"{place}, what is `{subject.strip('`')}` about?",
                f"{place}, explain {subject}.",
            ],
            key,
        )
    quoted = f"“{subject}”"
    describe = f"Describe {quoted} ({where})."
    phrasings = [
        f"{place}, explain {quoted}.",
        f"{place}, what should I know about {quoted}?",
        f"{place}, what does the documentation say about {quoted}?",
        describe,
    ]
    return choose(phrasings, key)


def _answer(section: Section, text: str) -> str:
    """The text; a list, table or fence that begins without a sentence gets a line that
    says what it is.
    """
    if re.match(r"\s*([-*|>+]|\d+[.)]|```|~~~)\s?", text) and not text.startswith("**"):
        above = " / ".join(dict.fromkeys(_heading(part) for part in section.path[-2:]))
        return f"{above}:\n\n{text}"
    return text


def _rows(
    document: Document,
    section: Section,
    table: Table,
    kind: str,
    spoiled: set[tuple[str, int]],
) -> Iterator[Draft]:
    """A sample for each row of a table that tells enough of what it names."""
    header = table.header
    if not 2 <= len(header) <= 9 or _UPRIGHT.match(header[0]):
        return
    group = f"section:{document.path}:{' > '.join(section.path)}"
    path = list(dict.fromkeys(_heading(heading) for heading in section.path))
    caption, what = " / ".join(path[-2:]), header[0].lower() or "row"
    titled = document.title and document.title not in path[-2:]
    where = f"{document.title}, {caption}" if titled else caption
    where = f"the plan {where}" if document.planned else where
    keys = Counter(cells[0] for _, cells in table.rows if cells)
    for line, cells in table.rows:
        if (document.path, line) in spoiled or not _teaches(header, cells):
            continue
        if keys[cells[0]] > 1:
            continue  # one of several rows is no answer
        facts = _facts(header, cells)
        values = " ".join(fact.split(": ", 1)[1] for fact in facts)
        if comments.words(" ".join(facts)) < 7 or comments.words(values) < MIN_CELLS:
            continue
        question = _capital(_row_question(cells[0], what, where))
        listed = "\n".join(f"- {fact}" for fact in facts)
        answer = f"{cells[0]} ({caption}):\n{listed}"
        place = (document.path, line, line, group)
        yield Draft(f"{kind}_row", question, answer, *place)


def _teaches(header: tuple[str, ...], cells: tuple[str, ...]) -> bool:
    """Whether a row is whole, known and understood without the other rows."""
    text = " ".join(cells)
    if len(cells) != len(header) or not _tells(cells):
        return False
    if any(map(_OPEN.search, (text, *cells))) or leaves_open(text):
        return False
    if any(cell.lower().startswith("same") for cell in cells[1:]):
        return False
    # what was moved from one place to another tells of the work
    return header[0].lower() != "from" or "->" not in cells[0]


def _facts(header: tuple[str, ...], cells: tuple[str, ...]) -> list[str]:
    """The cells of a row, each with its column, that tell something of the first."""
    facts = []
    for name, cell in zip(header[1:], cells[1:], strict=True):
        value = _GUESS.sub("", cell)
        empty = value.strip(" -—–✅❌⏳🔲?[]x") in ("", "N/A")
        if not (empty or _UPKEEP.search(name) or _again(cells[0], value)):
            facts.append(f"{_column(name, cells[0], value)}: {value}")
    return facts


def _column(name: str, key: str, value: str) -> str:
    """The name of a column; a range that begins with the row's own bank is no place in
    the file, whatever it says.
    """
    return (
        name.replace(" (PC)", "")
        if value.startswith(f"{key}8000")
        else name or "Description"
    )


def _again(key: str, value: str) -> bool:
    """Whether a cell only repeats the number or name its row is looked up by, or is a
    link without its target.
    """
    return value.lower() == key.lower().removeprefix("0x").lstrip("$") or value in (
        "Map",
        "Link",
        "Doc",
        "Docs",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tells(cells: tuple[str, ...]) -> bool:
    named = re.search(r"[A-Za-z]\w|\$\w", cells[0]) and not re.fullmatch(
        r"\(.*\)", cells[0]
    )
    return bool(named) and len(cells[0]) <= 80 and not cells[0].startswith("~~")


def _row_question(name: str, what: str, where: str) -> str:
    row = f"{what} {name}"
    phrasings = [
        f"In {where}: what is listed for {row}?",
        f"{where}: what do I need to know about {row}?",
        f"Look up {name} ({what}) in {where}.",
    ]
    return choose(phrasings, f"{where}\x1f{name}")
