"""The text in Codex's response items, and which of it a person wrote."""

from __future__ import annotations

from typing import Any

from afs_stages.sources.toolcalls import arguments_of

_HARNESS = (
    "<environment_context>",
    "<user_instructions>",
    "# AGENTS.md instructions",
    "<skill>",
    "<user_shell_command>",
    "<turn_aborted>",
    "<subagent_notification>",
    "<recommended_plugins>",
    "<hook",
    "<permissions",
    "<INSTRUCTIONS>",
)
_IDE_REQUEST = "## My request for Codex:"
_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")


def request_of(text: str) -> str:
    """What the person asked; empty for text the harness wrote."""
    if _IDE_REQUEST in text:
        text = text.split(_IDE_REQUEST, 1)[1]
    text = text.strip()
    return "" if text.startswith(_HARNESS) else text


def text_of(content: Any) -> str:
    """The text parts of a message; parts of the harness are left out where a person's
    stand beside them.
    """
    parts = _parts(content)
    human = [part for part in parts if not part.lstrip().startswith(_HARNESS)]
    return "\n\n".join(human or parts).strip()


def reasoning(item: dict[str, Any]) -> list[str]:
    """The summaries of a reasoning item."""
    return _parts(item.get("summary"))


def output_text(output: Any) -> str:
    """What a tool gave back: text, a JSON text `{output, metadata}`,
    or a list of parts.
    """
    if isinstance(output, str):
        inner = arguments_of(output) if output.startswith("{") else output
        return (
            str(inner["output"])
            if isinstance(inner, dict) and isinstance(inner.get("output"), str)
            else output
        )
    if isinstance(output, list):
        return "\n".join(_parts(output))
    return (
        output_text(output["content"])
        if isinstance(output, dict) and "content" in output
        else ""
    )


def _parts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        return []
    return [
        part["text"]
        for part in content
        if isinstance(part, dict)
        and part.get("type") in _TEXTS
        and isinstance(part.get("text"), str)
    ]
