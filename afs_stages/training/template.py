"""Chat formats written here: that of the tiny base model, and ChatML with tools for
models whose own template has no room for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from afs_stages.core.errors import UnusableRow
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import pieces, render

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PAD, END, TURN, TURN_END = "<|pad|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL_TOKENS = [PAD, END, TURN, TURN_END]
"""Ids 0 to 3, in this order."""

CHAT_TEMPLATE = """\
{%- if tools %}
{{- '<|im_start|>tools\\n' }}
{%- for tool in tools %}
{{- (tool.function if tool.function is defined else tool) | tojson }}{{ '\\n' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}
{{- '\\n' if message.content or not loop.first }}
{{- '<tool_call>{"name": ' + (call.function.name | tojson) + ', "arguments": ' }}
{{- call.function.arguments if call.function.arguments is string else \
call.function.arguments | tojson }}
{{- '}</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""

_WITH_TOOLS = """\
{%- if messages[0].role == 'system' %}
{%- set system = messages[0].content %}
{%- set rest = messages[1:] %}
{%- else %}
{%- set system = DEFAULT %}
{%- set rest = messages %}
{%- endif %}
{%- if system or tools %}
{{- '<|im_start|>system\\n' + system }}
{%- if tools %}
{{- '\\n\\n' if system }}
{{- '# Tools\\n\\nYou may call one or more functions. Their signatures:\\n<tools>' }}
{%- for tool in tools %}{{ '\\n' }}{{ tool | tojson }}{% endfor %}
{{- '\\n</tools>\\n\\nA call is a JSON object within tool_call tags:\\n' }}
{{- '<tool_call>\\n{"name": NAME, "arguments": OBJECT}\\n</tool_call>' }}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in rest %}
{%- if message.role == 'tool' %}
{%- if loop.first or rest[loop.index0 - 1].role != 'tool' %}
{{- '<|im_start|>user' }}
{%- endif %}
{{- '\\n<tool_response>\\n' + (message.content or '') + '\\n</tool_response>' }}
{%- if loop.last or rest[loop.index0 + 1].role != 'tool' %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- else %}
{{- '<|im_start|>' + message.role + '\\n' + (message.content or '') }}
{%- for call in message.tool_calls or [] %}
{{- '\\n' if message.content or not loop.first }}
{{- '<tool_call>\\n{"name": ' + (call.function.name | tojson) + ', "arguments": ' }}
{{- call.function.arguments if call.function.arguments is string else \
call.function.arguments | tojson }}
{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
"""ChatML with tools in the form that Qwen 2.5 and Hermes use, which inference programs
read back as calls; DEFAULT is the system line of a conversation without one."""

_QUESTION = {"role": "user", "content": "afs-probe-question"}
_CALL = {"name": "probe_tool", "arguments": {"at": 31337}}
_TOOL = {"name": "probe_tool", "description": "a probe", "parameters": {}}
_CALLING = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "call_1", "type": "function", "function": _CALL}],
}
_PROBE = ChatRow([_QUESTION, _CALLING], [{"type": "function", "function": _TOOL}])


def chatml_with_tools(system: str) -> str:
    """The template of ChatML with tools; `system` is said where a conversation has no
    system message of its own.
    """
    literal = system.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return _WITH_TOOLS.replace("DEFAULT", f"'{literal}'")


def renders_tools(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the chat template shows the model the tools and the calls of a
    conversation, as rows that are trained on need it.
    """
    try:
        shown = pieces(tokenizer, _PROBE)
    except UnusableRow:
        return False
    return any(is_learnt and "31337" in text for text, is_learnt in shown)


def default_system(tokenizer: PreTrainedTokenizerBase) -> str:
    """The system line that a ChatML template says of its own accord; empty where it
    says none.
    """
    try:
        text = render(tokenizer, ChatRow([_QUESTION]))
    except UnusableRow:
        return ""
    before = text.partition(f"{TURN}user")[0]
    return before.partition(f"{TURN}system\n")[2].partition(TURN_END)[0].strip()
