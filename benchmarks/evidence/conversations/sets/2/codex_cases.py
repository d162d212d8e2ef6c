"""Situations of Codex CLI."""

import json

import zstandard
from cases import S, sit

CTX = "openai/codex codex-rs/core/src/context"
MODELS = "openai/codex codex-rs/protocol/src/models.rs"
POLICY = "openai/codex codex-rs/rollout/src/policy.rs"
PUBLIC = "public readers of these logs"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"


@sit(
    "codex",
    "document-of-2025",
    "One JSON document of session and items, two turns with shell calls.",
    "format notes (to mid-2025)",
    "Two turns.",
)
def _(w):
    items, ts = [], w.ts(2)
    for t in ts:
        cid = "call_" + w.ids.b58(24)
        items += [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": t.q}],
            },
            {
                "id": "rs_" + w.ids.hexn(20),
                "type": "reasoning",
                "summary": [],
                "duration_ms": 1200,
            },
            {
                "id": "fc_" + w.ids.hexn(20),
                "type": "function_call",
                "status": "completed",
                "arguments": json.dumps({"command": ["bash", "-lc", t.cmd]}),
                "call_id": cid,
                "name": "shell",
            },
            {
                "type": "function_call_output",
                "call_id": cid,
                "output": json.dumps(
                    {
                        "output": t.out,
                        "metadata": {"exit_code": 0, "duration_seconds": 0.1},
                    }
                ),
            },
            {
                "id": "msg_" + w.ids.hexn(20),
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "annotations": [], "text": t.a}],
            },
        ]
    sid = w.ids.uuid()
    w.put(
        f"sessions/rollout-2025-05-20-{sid}.json",
        {
            "session": {
                "timestamp": "2025-05-20T09:00:00.000Z",
                "id": sid,
                "instructions": "",
            },
            "items": items,
        },
    )
    return [S(t) for t in ts]


@sit(
    "codex",
    "bare-items",
    "August 2025: bare items behind a header, with lines of state, ended by a kill.",
    "format notes (to September 2025)",
    "The last turn ends in a call.",
)
def _(w):
    c, t, u = w.codex(head=False, day=(2025, 8, 14)), w.t(), w.t()
    c.put(
        {
            "id": c.sid,
            "timestamp": "2025-08-14T09:00:00.000Z",
            "instructions": None,
            "git": {"branch": "main"},
        }
    )
    c.put({"record_type": "state"})

    def item(**kw):
        c.put(kw)

    def turn(x, answer):
        item(
            type="message",
            id=None,
            role="user",
            content=[{"type": "input_text", "text": x.q}],
        )
        item(
            type="reasoning",
            id="rs_1",
            summary=[{"type": "summary_text", "text": "**Looking**"}],
            content=None,
            encrypted_content="gAAAA" + w.ids.b58(30),
        )
        cid = "call_" + w.ids.b58(20)
        item(
            type="function_call",
            id=None,
            name="shell",
            arguments=json.dumps({"command": ["bash", "-lc", x.cmd]}),
            call_id=cid,
        )
        if answer:
            item(
                type="function_call_output",
                call_id=cid,
                output=json.dumps({"output": x.out, "metadata": {"exit_code": 0}}),
            )
            c.put({"record_type": "state"})
            item(
                type="message",
                id=None,
                role="assistant",
                content=[{"type": "output_text", "text": x.a}],
            )

    turn(t, True)
    turn(u, False)
    w.save(c)
    return [S(t)]


@sit(
    "codex",
    "first-envelopes",
    "October 2025: envelopes, user_instructions and environment_context as two messages, no events of turns.",
    PUBLIC,
    "The contexts are no requests.",
)
def _(w):
    c, t, u = (
        w.codex(
            version="0.46.0",
            events=False,
            day=(2025, 10, 9),
            meta={"instructions": None},
        ),
        w.t(),
        w.t(),
    )
    c.msg("user", "<user_instructions>\n\nUse spaces.\n\n</user_instructions>")
    c.msg(
        "user",
        "<environment_context>\n  <cwd>/srv/work/indexer</cwd>\n  <approval_policy>on-request</approval_policy>\n  <sandbox_mode>workspace-write</sandbox_mode>\n  <network_access>restricted</network_access>\n  <shell>zsh</shell>\n</environment_context>",
    )
    for x in (t, u):
        c.user(x.q)
        c.ev("agent_reasoning", text="**Checking**")
        c.reason("**Checking**")
        c.tool(x.cmd, x.out)
        c.say(x.a, phase=None)
    w.save(c)
    return [S(t, ex=["Use spaces."]), S(u)]


@sit(
    "codex",
    "contexts-in-one-message",
    "2026: AGENTS.md and environment in one message of two parts before the prompt.",
    CTX + "/user_instructions.rs, environment_context.rs",
    "Only the prompt is a request.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.start()
    c.context()
    c.user(t.q, start=False)
    c.tool(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["Run the linter", "environment_context"])]


@sit(
    "codex",
    "commentary-then-final",
    "Commentary between calls, then the final answer.",
    MODELS + " (phase)",
    "The answer is the final one.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.user(t.q)
    c.note("I'll look at the code first, then run the tests.")
    c.tool(t.cmd, t.out)
    c.note("The cause is clear; I'm making the change now.")
    cid = "call_" + w.ids.b58(24)
    c.item(
        {
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": cid,
            "name": "apply_patch",
            "input": "*** Begin Patch\n*** Update File: a.py\n@@\n-x = 1\n+x = 2\n*** End Patch\n",
        }
    )
    c.item(
        {
            "type": "custom_tool_call_output",
            "call_id": cid,
            "output": json.dumps(
                {
                    "output": "Success. Updated the following files:\nM a.py\n",
                    "metadata": {"exit_code": 0},
                }
            ),
        }
    )
    c.say(t.a)
    w.save(c)
    return [S(t, no=["I'll look at the code first"]) | {"answer": t.a}]


@sit(
    "codex",
    "killed-after-commentary",
    "The window was closed after an announcement; a second turn before it is whole.",
    MODELS + " (phase)",
    "An announcement is no answer.",
)
def _(w):
    c, t, u = w.codex(), w.t(), w.t()
    c.turn(t, steps=2)
    c.user(u.q)
    c.note("I'll check the configuration and then report what I find there.")
    w.save(c)
    return [S(t)]


@sit(
    "codex",
    "killed-after-output",
    "The process ends after a call's output.",
    POLICY,
    "An output is no answer, nor is the note before it.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.user(t.q)
    c.note("Running the command you gave me to see the error.")
    c.tool(t.cmd, "main.c:12: error: expected ';' before '}' token")
    w.save(c)
    return []


@sit(
    "codex",
    "steered-twice",
    "Two messages are sent into the running turn.",
    "requirement (steer); openai/codex turn/steer",
    "One turn, three pieces in order.",
)
def _(w):
    c, t = w.codex(), w.t()
    one, two = "Don't touch the vendored folder.", "Also mention how to undo it."
    c.user(t.q)
    c.tool(t.cmd, t.out)
    c.user(one, start=False)
    c.note("Understood, the vendored folder stays as it is.")
    c.tool("ls", "vendor")
    c.user(two, start=False)
    c.say(t.a)
    w.save(c)
    return [S(t, [one, two])]


@sit(
    "codex",
    "steer-without-events",
    "The same in a file without events of turns.",
    PUBLIC,
    "No answer lies between: one turn.",
)
def _(w):
    c, t = w.codex(version="0.61.0", events=False, day=(2025, 11, 20)), w.t()
    one = "Keep it compatible with the old file format."
    c.user(t.q)
    c.tool(t.cmd, t.out)
    c.user(one)
    c.tool("ls", "src")
    c.say(t.a, phase=None)
    w.save(c)
    return [S(t, [one])]


@sit(
    "codex",
    "aborted-with-marker",
    "A turn is interrupted; the marker and another prompt follow.",
    "openai/codex#9043; " + CTX + "/turn_aborted.rs",
    "The stopped turn has no answer, the marker is no request.",
)
def _(w):
    c, t, u = w.codex(version="0.90.0", day=(2026, 1, 25)), w.t(), w.t()
    c.user(t.q)
    c.note("Starting with the tests.")
    c.call("make test")
    c.aborted()
    c.turn(u)
    w.save(c)
    return [S(u, ex=[t.q, "turn_aborted", "interrupted the previous turn"])]


@sit(
    "codex",
    "aborted-old-way",
    "2025: turn_aborted as an event only, without a marker, after a text was begun.",
    "openai/codex#3629, #9042",
    "Stopped.",
)
def _(w):
    c, t, u = w.codex(version="0.58.0", events=False, day=(2025, 11, 15)), w.t(), w.t()
    c.user(t.q)
    c.say(
        "I'll rewrite the module in three steps, starting with the parser.", phase=None
    )
    c.ev("turn_aborted", reason="interrupted")
    c.user(u.q)
    c.tool(u.cmd, u.out)
    c.say(u.a, phase=None)
    w.save(c)
    return [S(u, ex=[t.q])]


@sit(
    "codex",
    "replaced-turn",
    "A turn is aborted because another one replaces it.",
    POLICY,
    "Only the second has an answer.",
)
def _(w):
    c, t, u = w.codex(), w.t(), w.t()
    c.user(t.q)
    c.tool(t.cmd, t.out)
    c.aborted(marker=False, reason="replaced")
    c.turn(u)
    w.save(c)
    return [S(u)]


@sit(
    "codex",
    "go-on-after-abort",
    "After an abort: go on.",
    "requirement",
    "Kept only with what it goes on from; leaving it out is accepted.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.user(t.q)
    c.tool(t.cmd, t.out)
    c.aborted()
    c.user("go on")
    c.tool("make test", "ok")
    c.say(t.a)
    w.save(c)
    w.also = [[]]
    return [S(ans=t.a, ctx=[t.q])]


@sit(
    "codex",
    "rolled-back-two",
    "Of three turns the last two are rolled back, then another is asked.",
    POLICY + " (ThreadRolledBack)",
    "What was taken back is not learnt.",
)
def _(w):
    c, ts = w.codex(), w.ts(4)
    for t in ts[:3]:
        c.turn(t)
    c.ev("thread_rolled_back", num_turns=2)
    c.turn(ts[3])
    w.save(c)
    return [S(ts[0]), S(ts[3])]


@sit(
    "codex",
    "compacted-between",
    "Compaction between turns repeats the earlier prompts in replacement_history.",
    "openai/codex rollout (compacted)",
    "No turn twice, none lost.",
)
def _(w):
    c, ts = w.codex(), w.ts(3)
    c.turn(ts[0])
    c.turn(ts[1])
    c.line(
        "compacted",
        {
            "message": "",
            "replacement_history": [
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": t.q}],
                }
                for t in ts[:2]
            ]
            + [{"type": "compaction", "encrypted_content": "gAAAAAB" + w.ids.b58(80)}],
        },
    )
    c.ev("context_compacted")
    c.turn(ts[2])
    w.save(c)
    return [S(t) for t in ts]


@sit(
    "codex",
    "compacted-within",
    "Compaction while the turn runs, with a summary in plain words (older).",
    "openai/codex rollout (compacted)",
    "The person's turn goes on; leaving it out is accepted.",
)
def _(w):
    c, t = w.codex(version="0.72.0"), w.t()
    c.user(t.q)
    c.tool(t.cmd, t.out)
    c.line(
        "compacted",
        {
            "message": "Another language model started to solve this problem and produced a summary of its thinking process.\nThe tests were run."
        },
    )
    c.ev("context_compacted")
    c.tool("make", "ok")
    c.say(t.a)
    w.save(c)
    w.also = [[]]
    return [S(t)]


@sit(
    "codex",
    "fork-with-parent",
    "A fork: the child's head, the parent's head, copied history, a new turn; the parent lies beside it.",
    "format notes (forks, 2026)",
    "The copied turns once.",
    unordered=True,
)
def _(w):
    c, ts = w.codex(), w.ts(3)
    c.turn(ts[0])
    c.turn(ts[1])
    f = w.codex(day=(2026, 7, 9), meta={"forked_from_id": c.sid})
    f.raw(c.data())
    f.turn(ts[2])
    w.save(c)
    w.save(f)
    return [S(t) for t in ts]


@sit(
    "codex",
    "fork-without-parent",
    "A fork whose parent was deleted.",
    "format notes (forks, 2026)",
    "Then the copied turns count here.",
)
def _(w):
    c, ts = w.codex(), w.ts(2)
    c.turn(ts[0])
    f = w.codex(day=(2026, 7, 9), meta={"forked_from_id": c.sid})
    f.raw(c.data())
    f.turn(ts[1])
    w.save(f)
    return [S(t) for t in ts]


@sit(
    "codex",
    "spawned-thread",
    "A sub-agent's rollout (thread_spawn), and its notification in the parent after the answer.",
    CTX + "/subagent_notification.rs",
    "The sub-agent's file is left out; the reply to the notification is no answer.",
    unordered=True,
)
def _(w):
    c, t, u, v = w.codex(), *w.ts(3)
    c.turn(t)
    c.start()
    c.msg(
        "user",
        '<subagent_notification>\n{"agent_id":"'
        + w.ids.uuid7()
        + '","status":{"completed":"three files found"}}\n</subagent_notification>',
    )
    c.say(
        "The helper has found three files, all of them already covered by the change."
    )
    c.turn(u)
    s = w.codex(
        meta={
            "source": {
                "subagent": {
                    "thread_spawn": {
                        "parent_thread_id": c.sid,
                        "depth": 1,
                        "agent_nickname": "Ada",
                        "agent_role": "explorer",
                    }
                }
            }
        }
    )
    s.turn(v)
    w.save(c)
    w.save(s)
    return [S(t), S(u)]


@sit(
    "codex",
    "thread-source-subagent",
    "A rollout that says so only by thread_source.",
    "requirement (thread_source)",
    "A sub-agent.",
)
def _(w):
    c, t = (
        w.codex(
            meta={
                "thread_source": "subagent",
                "source": "vscode",
                "originator": "Codex Desktop",
            }
        ),
        w.t(),
    )
    c.turn(t)
    w.save(c)
    return []


@sit(
    "codex",
    "review-thread",
    "The rollout of /review, source subagent review.",
    "openai/codex codex-rs/protocol (SubAgentSource::Review)",
    "Not the person's.",
    unordered=True,
)
def _(w):
    c, t, u = w.codex(), w.t(), w.t()
    c.turn(t)
    c.ev(
        "entered_review_mode",
        target={"type": "uncommittedChanges"},
        user_facing_hint="current changes",
    )
    c.ev(
        "exited_review_mode",
        review_output={
            "findings": [],
            "overall_correctness": "patch is correct",
            "overall_explanation": "fine",
            "overall_confidence_score": 0.9,
        },
    )
    c.msg(
        "user",
        "<user_action>\n  <context>User initiated a review task. Here's the full review output from reviewer model. User may select one or more comments to resolve.</context>\n  <action>review</action>\n  <results>\n  fine\n  </results>\n</user_action>\n",
    )
    c.msg("assistant", "The reviewer found nothing to change in the patch.")
    c.turn(u)
    r = w.codex(meta={"source": {"subagent": "review"}})
    r.start()
    r.msg(
        "user",
        "Review the current code changes (staged, unstaged, and untracked files) and provide prioritized findings.",
    )
    r.say('{"findings":[],"overall_correctness":"patch is correct"}')
    w.save(c)
    w.save(r)
    return [S(t), S(u)]


@sit(
    "codex",
    "packed-and-plain",
    "A rollout packed and plain, and a copy among the archived.",
    "format notes",
    "The same session once.",
    unordered=True,
)
def _(w):
    c, t = w.codex(), w.t()
    c.turn(t)
    packed = zstandard.ZstdCompressor().compress(c.data())
    w.save(c)
    w.put(c.path + ".zst", packed)
    w.put("archived_sessions/" + c.path.rsplit("/", 1)[1], c.data())
    return [S(t)]


@sit(
    "codex",
    "packed-only",
    "Only a packed file, with two turns.",
    "format notes",
    "Read like a plain one.",
)
def _(w):
    c, t, u = w.codex(), w.t(), w.t()
    c.turn(t)
    c.turn(u)
    w.put(c.path + ".zst", zstandard.ZstdCompressor().compress(c.data()))
    return [S(t), S(u)]


@sit(
    "codex",
    "ide-setup",
    "The IDE's context stands before the request.",
    PUBLIC,
    "What stands behind the heading is the request.",
)
def _(w):
    c, t = w.codex(meta={"originator": "codex_vscode", "source": "vscode"}), w.t()
    c.user(
        f"# Context from my IDE setup:\n\n## Active file: src/app.ts\n\n## Open tabs:\n- app.ts: src/app.ts\n- list.ts: src/list.ts\n\n## My request for Codex:\n{t.q}\n"
    )
    c.tool(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["Open tabs", "My request for Codex"])]


@sit(
    "codex",
    "files-mentioned",
    "Files and a picture are named before the request.",
    "requirement; chat exports of 2026",
    "Only the request.",
)
def _(w):
    c, t = w.codex(meta={"originator": "Codex Desktop", "source": "vscode"}), w.t()
    c.start()
    c.msg(
        "user",
        raw=[
            {
                "type": "input_text",
                "text": f"# Files mentioned by the user:\n\n## clip-1.png: /var/folders/t/clip-1.png\n\n## notes.pdf: /srv/docs/notes.pdf\n\n## My request:\n{t.q}\n",
            },
            {
                "type": "input_text",
                "text": '<image name=[Image #1] path="/var/folders/t/clip-1.png">',
            },
            {"type": "input_image", "image_url": PNG},
            {"type": "input_text", "text": "</image>"},
        ],
    )
    c.tool(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["Files mentioned by the user", "clip-1.png", "My request"])]


@sit(
    "codex",
    "browser-context",
    "The page open in the browser of the app stands before the request.",
    "requirement; chat exports of 2026",
    "Only the request.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.user(
        f'<in-app-browser-context source="ambient-ui-state">\nThis block is automatically supplied ambient UI state, not part of the user\'s request.\n# In app browser:\n- The user has the in-app browser open with 1 tab.\n- Current URL: http://localhost:3000/tide\n</in-app-browser-context>\n\n## My request:\n{t.q}'
    )
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["In app browser", "localhost:3000"])]


@sit(
    "codex",
    "image-alone",
    "A picture without words, answered; then a question.",
    "requirement (image-only prompts)",
    "Nothing was asked in words.",
)
def _(w):
    c, t, u = w.codex(), w.t(), w.t()
    c.turn(t)
    c.start()
    c.msg(
        "user",
        raw=[
            {"type": "input_text", "text": "<image name=[Image #1]>"},
            {"type": "input_image", "image_url": PNG},
            {"type": "input_text", "text": "</image>"},
        ],
    )
    c.say("The picture shows a chart whose legend covers the last two bars.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "codex",
    "shell-command",
    "The person runs a command with ! and asks about it.",
    CTX + "/user_shell_command.rs",
    "The command is no request.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.start()
    c.msg(
        "user",
        "<user_shell_command>\n<command>\nmake test\n</command>\n<result>\nExit code: 2\nDuration: 1.2040 seconds\nOutput:\n1 failed\n</result>\n</user_shell_command>",
    )
    c.ev("task_complete", turn_id=c.tid, last_agent_message=None)
    c.turn(t)
    w.save(c)
    return [S(t, ex=["user_shell_command", "Exit code: 2"])]


@sit(
    "codex",
    "hook-prompt-at-the-end",
    "A stop hook's prompt after the answer.",
    CTX + "/contextual_user_message.rs (hook prompts)",
    "It closes the turn; the repair is no sample.",
)
def _(w):
    c, t, u = w.codex(), w.t(), w.t()
    c.user(t.q)
    c.tool(t.cmd, t.out)
    c.say(t.a, done=False)
    c.msg(
        "user",
        '<hook_prompt hook_run_id="stop:0:/srv/hooks.json">Run the formatter before you stop.</hook_prompt>',
    )
    c.tool("make fmt", "2 files changed")
    c.say("I have run the formatter; it changed two files.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "codex",
    "goal-runs-on",
    "A goal sends the model on after its answer, twice.",
    CTX + "/internal_model_context.rs, legacy_goal_context.rs",
    "What the tool sends is no request; the first answer stays.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.turn(t)
    c.start()
    c.msg(
        "user",
        '<codex_internal_context source="goal">\nContinue working toward the active thread goal.\n\n<objective>\nship it\n</objective>\n</codex_internal_context>',
    )
    c.tool("make", "ok")
    c.say("The goal is half done: the build passes, the notes are missing.")
    c.start()
    c.msg(
        "user",
        "<goal_context>\nContinue working toward the active thread goal.\n</goal_context>",
    )
    c.say("The goal is reached: the notes are written as well.")
    w.save(c)
    return [S(t)]


@sit(
    "codex",
    "external-and-extension",
    "Contexts of an extension and of another program before the prompt.",
    CTX + "/extension_context.rs",
    "Not the person's.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.start()
    c.msg(
        "user",
        "<extension_context>\n<calendar>free at ten</calendar>\n</extension_context>",
        "<external_issue_tracker>\nINDEX-7 is open\n</external_issue_tracker>",
    )
    c.user(t.q, start=False)
    c.tool(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["free at ten", "INDEX-7"])]


@sit(
    "codex",
    "skill-and-plugins",
    "A skill's text and recommended plugins come with the prompt.",
    CTX + "/skill_instructions.rs, recommended_plugins_instructions.rs",
    "Only the prompt is a request.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.start()
    c.msg(
        "user",
        "<recommended_plugins>\nHere is a list of plugins that are available but not installed.\n- Boards (boards@curated)\n</recommended_plugins>",
    )
    c.user(f"$notes {t.q}", start=False)
    c.msg(
        "user",
        "<skill>\n<name>notes</name>\n<path>/srv/skills/notes/SKILL.md</path>\n---\nname: notes\n---\nWrite notes briefly.\n</skill>",
    )
    c.tool(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["Write notes briefly", "Boards"])]


@sit(
    "codex",
    "open-model",
    "gpt-oss by a local server: reasoning in content.",
    MODELS + " (ReasoningItemContent)",
    "The reasoning is not the answer.",
)
def _(w):
    c, t = w.codex(meta={"model_provider": "ollama"}), w.t()
    c.user(t.q)
    c.reason(
        "",
        content=[
            {
                "type": "reasoning_text",
                "text": "The user asks for a cause. I need to look at the file before I say anything.",
            }
        ],
    )
    c.tool(t.cmd, t.out)
    c.reason(
        "", content=[{"type": "reasoning_text", "text": "That shows it. Now answer."}]
    )
    c.say(t.a, phase=None)
    w.save(c)
    return [S(t) | {"answer_excludes": ["I need to look at the file"]}]


@sit(
    "codex",
    "tools-of-all-kinds",
    "local_shell_call, web_search_call, an MCP call with structured output, view_image.",
    MODELS,
    "One turn with its answer.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.user(t.q)
    cid = "call_" + w.ids.b58(24)
    c.item(
        {
            "type": "local_shell_call",
            "call_id": cid,
            "status": "completed",
            "action": {
                "type": "exec",
                "command": ["bash", "-lc", t.cmd],
                "timeout_ms": None,
                "working_directory": None,
                "env": None,
                "user": None,
            },
        }
    )
    c.item({"type": "function_call_output", "call_id": cid, "output": t.out})
    c.item(
        {
            "type": "web_search_call",
            "status": "completed",
            "action": {"type": "search", "query": "manual"},
        }
    )
    cid = "call_" + w.ids.b58(24)
    c.item(
        {
            "type": "function_call",
            "name": "list_pages",
            "namespace": "mcp__browser",
            "arguments": "{}",
            "call_id": cid,
        }
    )
    c.item(
        {
            "type": "function_call_output",
            "call_id": cid,
            "output": [
                {"type": "input_text", "text": "1: about"},
                {"type": "input_image", "image_url": PNG},
            ],
        }
    )
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "codex",
    "stream-error",
    "The stream breaks off and the turn ends with an error; the next prompt asks the same.",
    "openai/codex threads on stream disconnects",
    "An error is no answer.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.user(t.q)
    c.note("I am going through the log.")
    c.ev(
        "error",
        message="stream disconnected before completion: Transport error: network error: error decoding response body",
        codex_error_info="other",
    )
    c.ev("task_complete", turn_id=c.tid, last_agent_message=None)
    c.turn(t)
    w.save(c)
    return [S(t)]


@sit(
    "codex",
    "paginated",
    "Paginated history: completed items beside response items.",
    "format notes (history_mode paginated)",
    "Every turn once.",
)
def _(w):
    c, ts = w.codex(version="0.145.0", meta={"history_mode": "paginated"}), w.ts(2)
    for t in ts:
        c.start()
        c.msg("user", t.q)
        c.ev(
            "item_completed",
            thread_id=c.sid,
            turn_id=c.tid,
            item={
                "type": "UserMessage",
                "id": w.ids.uuid7(),
                "content": [{"type": "text", "text": t.q, "text_elements": []}],
            },
        )
        c.tool(t.cmd, t.out)
        c.msg("assistant", t.a, phase="final_answer")
        c.ev(
            "item_completed",
            thread_id=c.sid,
            turn_id=c.tid,
            item={
                "type": "AgentMessage",
                "id": w.ids.uuid7(),
                "content": [{"type": "Text", "text": t.a}],
                "phase": "final_answer",
            },
        )
        c.ev("task_complete", turn_id=c.tid, last_agent_message=t.a)
    w.save(c)
    return [S(t) for t in ts]


@sit(
    "codex",
    "exec-mode",
    "codex exec: one prompt, no head of a person's terminal.",
    PUBLIC,
    "A person's request.",
)
def _(w):
    c, t = w.codex(meta={"originator": "codex_exec", "source": "exec"}), w.t()
    c.turn(t, steps=3)
    w.save(c)
    return [S(t)]


@sit(
    "codex",
    "torn-output",
    "An output's line is torn; the answer behind it is whole.",
    PUBLIC,
    "The turn has its answer.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.user(t.q)
    c.tool(t.cmd, "y" * 4000)
    c.tear(0.4)
    c.raw(b"\n")
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "codex",
    "unknown-tag",
    "A tag of a later version stands alone on its line.",
    "requirement section 2",
    "Kept out and counted, its reply too.",
)
def _(w):
    c, t, u = w.codex(version="0.151.0"), w.t(), w.t()
    c.turn(t)
    c.start()
    c.msg("user", "<desktop_pulse>\nidle for 300 s\n</desktop_pulse>")
    c.say("Nothing has changed since the last answer, so there is nothing to do.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "codex",
    "heading-by-a-person",
    "A person's prompt with headings of their own.",
    "requirement: anchored, never a bare prefix",
    "A request.",
)
def _(w):
    c = w.codex()
    q = "# Files to look at\n- a.ts\n- b.ts\n\nWhich of the two still uses the old client, and since when?"
    a = "Only b.ts does, since the change of 4 March; a.ts was moved to the new client a week later."
    c.user(q)
    c.tool("git log -3 b.ts", "4 March")
    c.say(a)
    w.save(c)
    return [S(req=["Which of the two still uses the old client"], ans=a)]


@sit(
    "codex",
    "delegated-by-voice",
    "A task handed over from a voice conversation.",
    "openai/codex (wrap_realtime_delegation_input)",
    "The input is the request; leaving it out is accepted.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.start()
    c.msg(
        "user",
        f"<realtime_delegation>\n  <input>{t.q}</input>\n  <transcript_delta>user: hello there\nassistant: hi, what is it</transcript_delta>\n</realtime_delegation>",
    )
    c.tool(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    w.also = [[]]
    return [S(t, ex=["hello there"])]


@sit(
    "codex",
    "message-between-agents",
    "A message of another agent in mid-turn (agent_message item).",
    POLICY + " (AgentMessage)",
    "Not the person's; the turn has its answer.",
)
def _(w):
    c, t = w.codex(), w.t()
    c.user(t.q)
    c.tool(t.cmd, t.out)
    c.item(
        {
            "type": "agent_message",
            "author": "/root/explorer",
            "recipient": "/root",
            "content": [
                {"type": "input_text", "text": "I have found nothing in the docs."}
            ],
        }
    )
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["nothing in the docs"])]


@sit(
    "codex",
    "a-working-day",
    "IDE contexts, a steer, an abort, a command of the shell, a compaction and a roll-back in one file.",
    POLICY + "; requirement",
    "Each rule at once.",
)
def _(w):
    c, ts = w.codex(meta={"originator": "codex_vscode", "source": "vscode"}), w.ts(6)
    c.start()
    c.context()
    c.user(
        f"# Context from my IDE setup:\n\n## Active file: a.rs\n\n## My request for Codex:\n{ts[0].q}\n",
        start=False,
    )
    c.note("I'll read the file.")
    c.tool(ts[0].cmd, ts[0].out)
    c.user("Only the library, not the examples.", start=False)
    c.tool("cargo test", "ok")
    c.say(ts[0].a)
    c.user(ts[1].q)
    c.call("cargo bench")
    c.aborted()
    c.turn(ts[2])
    c.start()
    c.msg(
        "user",
        "<user_shell_command>\n<command>\ngit diff --stat\n</command>\n<result>\nExit code: 0\nDuration: 0.0310 seconds\nOutput:\n a.rs | 2 +-\n</result>\n</user_shell_command>",
    )
    c.ev("task_complete", turn_id=c.tid, last_agent_message=None)
    c.turn(ts[3])
    c.line(
        "compacted",
        {
            "message": "",
            "replacement_history": [
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": t.q}],
                }
                for t in ts[:4]
            ],
        },
    )
    c.turn(ts[4])
    c.ev("thread_rolled_back", num_turns=1)
    c.turn(ts[5], steps=2, note="One moment, I check both places.")
    w.save(c)
    return [
        S(ts[0], ["Only the library, not the examples."], ex=["Active file"]),
        S(ts[2]),
        S(ts[3]),
        S(ts[5]),
    ]
