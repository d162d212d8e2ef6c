"""Which kind a section of the docs belongs to: quest,
architecture or plain documentation.
"""

from __future__ import annotations

from afs_stages.codebase.read.markdown import Document, Section
from afs_stages.codebase.read.vocabulary import OwnWords


def topic(document: Document, section: Section, words: OwnWords) -> str:
    """`quest`, `architecture` or `docs`."""
    own, path = section.path[-1], " / ".join(section.path)
    readme = document.path.lower().endswith("readme.md")
    built = readme or words.has("no_quest_headings", path)
    on_page = words.has("quest_pages", document.path) and not built
    if on_page or words.has("quest_headings", own):
        return "quest"
    if words.has("docs_pages", document.path):
        return "docs"
    name = document.path.rsplit("/", 1)[-1].replace("_", " ").replace("-", " ")
    if words.has("architecture_headings", own) or words.has("architecture_pages", name):
        return "architecture"
    return "docs"
