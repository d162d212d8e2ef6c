"""Which kind a section of the docs belongs to: quest,
architecture or plain documentation.
"""

from __future__ import annotations

import re

from afs_stages.codebase.read.markdown import Document, Section

_QUEST_PATH = re.compile(
    r"(?i)(quest|walkthrough|progression|story|storyline|/guides?/[^/]*(quest|game|play)|dungeons?/|shrines?/|"
    r"/side)"
)
_QUEST_HEADING = re.compile(
    r"(?i)\b(quests?|side ?quests?|rewards?|progression|walkthrough|"
    r"story|storyline|heart pieces?|objectives?|unlock\w*|main path|endgame|trading)\b"
)
_DUNGEON = re.compile(r"(?i)(^|/)(dungeons?|shrines?)/")
_BUILT = re.compile(
    r"(?i)\b(tiles?|tracks?|collision|objects?|data|sprites?|camera|rooms? (ids?|data|"
    r"header|0x\w+)|room-by-room|palettes?|code)\b"
)
"""What dungeons are built of: headings of a dungeon's page that tell
nothing of a quest.
"""

_ARCHITECTURE = re.compile(
    r"(?i)\b(architecture|structure|system|systems|pipeline|data flow|control flow|"
    r"hooks?|hooking|banks?|namespaces?|include order|includes|engine|modules?|"
    r"entry points?|dispatch|state machine|life ?cycle|memory map|rom map|"
    r"organi[sz]ation|file map|call graph|frame loop|main loop|dependencies|"
    r"ownership)\b"
)
_SPRITE_PAGE = re.compile(r"(?i)(^|/)sprites/(npcs|enemies|bosses|objects)/")


def topic(document: Document, section: Section) -> str:
    """`quest`, `architecture` or `docs`."""
    own = section.path[-1]
    told = re.search(r"(?i)narrative|story", own)
    readme = document.path.lower().endswith("readme.md")
    built = readme or (
        _DUNGEON.search(document.path) and _BUILT.search(" / ".join(section.path))
    )
    if (_QUEST_PATH.search(document.path) and not built) or _QUEST_HEADING.search(own):
        return "quest"
    if _SPRITE_PAGE.search(document.path):
        return "docs"
    name = document.path.rsplit("/", 1)[-1].replace("_", " ").replace("-", " ")
    if (_ARCHITECTURE.search(own) and not told) or re.search(
        r"(?i)architecture|hooks?\b|bank", name
    ):
        return "architecture"
    return "docs"
