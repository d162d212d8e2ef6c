"""What a codebase calls its things: the words that differ from one to the next.

The package knows what most codebases share (`GENERAL`); a source block adds what one of
them has of its own (`sources.<name>.vocabulary`). Every entry is a regular expression,
searched without regard to case.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import Field, field_validator

from afs_stages.core.params import Block
from afs_stages.core.params.mistake import Misfit, Mistake

Patterns = tuple[str, ...]

GENERAL: dict[str, Patterns] = {
    "skip_pages": (
        r"(^|/)(archive[sd]?|templates?|\.github|changelogs?|node_modules)(/|$)",
        r"(^|/)(index|changelog|changes|history|news|release[-_ ]?notes|license|"
        r"contributing|toc|credits|agents|claude|gemini)\.(md|markdown)$",
        r"(template|roadmap|changelog|checklist)[^/]*\.md$",
    ),
    "plan_pages": (r"/plans?/", r"(plan|proposal|improvements|ideas)\.(md|markdown)$"),
    "plan_status": (
        r"^[>\s*_-]*status[*_]*:[\s*_]*(.{0,20}\b)?"
        r"(proposed|proposals?|drafts?|design(ed)?|planned|planning|in progress|"
        r"active development|wip|prototype|brainstorm\w*|decisions finalized)\b",
    ),
    "skip_headings": (
        r"^(table of contents|contents|toc|index|references?|see also|related( \w+)*|"
        r"links?|change ?log|(revision |version |document )?history|credits|"
        r"licen[sc]e|next steps|open questions.*|dependencies|further reading|"
        r"sources?|last updated.*|navigation|acknowledge?ments|thanks)$",
        r"^(.*\btodo\b.*|.*\b(known issues(?! &)|recommendations?|what works|"
        r"what'?s (next|new|incomplete|missing))\b.*|release notes.*)$",
        r"^(acceptance( criteria)?|test(ing)?( plan| notes| matrix)?|effort.*|risks?.*|"
        r"(implementation )?(phases?|order|tasks?|plan)|conclusions?|legend|"
        r"future (enhancements?|development)|(.*\b)?(status|verification|checklist))$",
        r"^\[?(v(er(sion)?)?\.? ?)?\d+\.\d+[\w.-]*\]?([ (:–—-].*)?$",
    ),
    "quest_pages": (r"quest|walkthrough|progression|story",),
    "quest_headings": (
        r"\b(quests?|side ?quests?|walkthrough|story(line)?|rewards?|progression|"
        r"objectives?)\b",
    ),
    "architecture_pages": (r"architecture|hooks?\b|bank",),
    "architecture_headings": (
        r"\b(architecture|structure|systems?|pipeline|(data|control) flow|hooks?|"
        r"hooking|banks?|namespaces?|include order|includes|engine|modules?|"
        r"entry points?|dispatch|state machine|life ?cycle|(memory|rom|file) map|"
        r"organi[sz]ation|call graph|(frame|main) loop|dependencies|ownership)\b",
    ),
    "flag_names": (r"quest|story|progress|flag",),
    "flag_places": (r"quest|story|progress|dungeon|collect",),
    "work": (r"\bassigned to\b", r"\*\*(current )?status \(?20\d\d"),
    "vague": (
        r"\b(various|self-explanatory|something with|or something|weird|stuff|"
        r"sort of|honestly|in some way|misc|seems to)\b",
        r"^(more|also|same as|note:|must (be|use|have)|returns (carry|with))\b",
    ),
    "examples": (
        r"my|some|custom|new|example|original|your|template|handler|stuff|function",
    ),
    "jump_tables": (r"jumptable",),
}
"""What most codebases call so, by the field of `OwnWords` that adds to it."""


class NameRole(Block):
    """What the name of a routine tells of it, where its calls agree."""

    name: str = Field(description="regular expression of the whole name, with a group")
    says: str = Field(description="what such a routine is; `{0}` is the group")
    calls: Patterns = Field(
        default=(), description="last parts of the names of routines it must call"
    )
    writes: bool = Field(default=False, description="whether it must change a variable")


class OwnWords(Block):
    """Words of one codebase, beside those that most share."""

    skip_pages: Patterns = Field(default=(), description="pages that document nothing")
    keep_pages: Patterns = Field(
        default=(), description="pages that document the code although they look idle"
    )
    plan_pages: Patterns = Field(default=(), description="pages of what is to be built")
    plan_status: Patterns = Field(
        default=(), description="first lines by which a page says that it is a plan"
    )
    skip_headings: Patterns = Field(
        default=(), description="headings above links, history or a list of work"
    )
    quest_pages: Patterns = Field(default=(), description="pages about quests")
    quest_headings: Patterns = Field(default=(), description="headings about quests")
    no_quest_headings: Patterns = Field(
        default=(), description="headings of such pages that tell of no quest"
    )
    docs_pages: Patterns = Field(
        default=(), description="pages that are plain documentation"
    )
    architecture_pages: Patterns = Field(
        default=(), description="pages about the architecture"
    )
    architecture_headings: Patterns = Field(
        default=(), description="headings about the architecture"
    )
    flag_names: Patterns = Field(default=(), description="names of story flags")
    flag_places: Patterns = Field(
        default=(), description="sections and files that hold story flags"
    )
    flag_addresses: Patterns = Field(
        default=(), description="places outside of SRAM that hold what is saved"
    )
    work: Patterns = Field(
        default=(), description="words by which a text tells of the work on the code"
    )
    vague: Patterns = Field(
        default=(), description="words of a meaning that means nothing"
    )
    examples: Patterns = Field(
        default=(), description="parts of names that stand for any name"
    )
    jump_tables: Patterns = Field(
        default=(), description="names of routines that jump by the table behind them"
    )
    skip_constants: Patterns = Field(
        default=(), description="`file:!name` of constants that are not told"
    )
    roles: tuple[NameRole, ...] = Field(
        default=(), description="what names of routines tell"
    )

    @field_validator("*")
    @classmethod
    def _compiles(cls, value: object) -> object:
        for pattern in value if isinstance(value, tuple) else ():
            text = pattern.name if isinstance(pattern, NameRole) else str(pattern)
            try:
                re.compile(text)
            except re.error as error:
                said = f"no regular expression ({error}), got {text!r}"
                raise Misfit(
                    Mistake((), said, "escape what is meant as it is")
                ) from None
        return value

    def has(self, field: str, text: str) -> bool:
        """Whether a text has one of the words that a field names."""
        patterns = (*GENERAL.get(field, ()), *getattr(self, field))
        return bool(patterns) and bool(_joined(patterns).search(text))


@lru_cache(maxsize=256)
def _joined(patterns: Patterns) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns), re.IGNORECASE)
