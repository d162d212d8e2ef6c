"""Situations of Claude Code."""

from cases import S, sit

VIEWER = "d-kimuson/claude-code-viewer, format notes"
PUBLIC = "public readers of these logs"
REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the new_string was NOT "
    "written to the file). STOP what you are doing and wait for the user to tell you how to proceed."
)
SAID = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the new_string was NOT "
    "written to the file). To tell you how to proceed, the user said:\n"
)
BANNER = (
    "[SYSTEM NOTIFICATION - NOT USER INPUT]\nThis is an automated background-task event, NOT a message from the user.\n"
    "Do NOT interpret this as user acknowledgement, confirmation, or response to any pending question.\n\n"
)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def image():
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PNG},
    }


def text(s):
    return {"type": "text", "text": s}


def note(
    task="b3f1",
    status="completed",
    summary='Background command "npm run build" completed (exit code 0)',
):
    return f"<task-notification>\n<task-id>{task}</task-id>\n<output-file>/tmp/tasks/{task}.output</output-file>\n<status>{status}</status>\n<summary>{summary}</summary>\n</task-notification>"


@sit(
    "claude",
    "parallel-calls",
    "Three calls in one message, the results as they finish, then one more call and the answer.",
    VIEWER,
    "One turn; only its last text is the answer.",
)
def _(w):
    c, t = w.claude(version="2.1.88"), w.t()
    c.user(t.q)
    c.think("Three places to look at, independent of each other.")
    c.say("Let me look at three places at once.", stop="tool_use", new=False)
    a = c.call("Read", new=False, file_path="/srv/work/shop/a.py")
    b = c.call("Grep", new=False, pattern="export", path="/srv/work/shop")
    d = c.call("Glob", new=False, pattern="**/*.sql")
    c.result(b, "Found 3 files\njobs/a.py\njobs/b.py\njobs/c.py")
    c.result(a, "     1→import csv\n     2→import sys")
    c.result(d, "No files found")
    c.bash(t.cmd, t.out, lead="One more command will settle it.")
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "two-text-blocks",
    "The last message holds two text blocks, each on its own line with the same message id.",
    VIEWER,
    "Both blocks are the text that ends the turn.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    c.bash(t.cmd, t.out)
    c.say(t.a, stop=None)
    c.say(
        "One thing is left for you: run the migration on staging before the release.",
        new=False,
    )
    w.save(c)
    return [
        S(
            req=[t.q],
            has=[
                t.a,
                "One thing is left for you: run the migration on staging before the release.",
            ],
        )
    ]


@sit(
    "claude",
    "killed-then-next-day",
    "The process was killed while Bash ran; next day the same session is resumed with another question.",
    "anthropics/claude-code: sessions that die in a tool call",
    "The announcement before the call is no answer, and the new question is a turn of its own.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.user(t.q)
    c.say("I'll run the command first to see what happens.", stop="tool_use")
    c.call("Bash", new=False, command=t.cmd)
    c.day = (2026, 6, 4)
    c.turn(u)
    w.save(c)
    return [S(u, ex=[t.q])]


@sit(
    "claude",
    "rejected-with-words",
    "An edit is rejected with words of how to do it instead, and the model goes on.",
    PUBLIC,
    "The rejection is a tool result within the turn; the turn ends with the model's text.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    cid = c.call(
        "Edit", file_path="/srv/work/shop/main.py", old_string="a", new_string="b"
    )
    c.result(
        cid,
        SAID + "leave main.py alone, put it into util.py",
        error=True,
        toolUseResult="User rejected tool use",
    )
    c.bash(t.cmd, t.out, lead="Understood, I will keep main.py as it is.")
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "rejected-and-stopped",
    "A rejected call stops the turn; the next prompt asks for less.",
    PUBLIC,
    "The stopped turn has no answer; the next prompt is a request.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.user(t.q)
    c.say("I'll delete the generated files and build again.", stop="tool_use")
    cid = c.call("Bash", new=False, command="rm -rf build && make")
    c.result(cid, REJECTED, error=True, toolUseResult="User rejected tool use")
    c.user([text("[Request interrupted by user for tool use]")])
    c.turn(u, steps=2)
    w.save(c)
    return [S(u, ex=[t.q])]


@sit(
    "claude",
    "plan-approved",
    "Plan mode: the plan is approved in ExitPlanMode's result and carried out in the same turn.",
    PUBLIC,
    "Approval is a result; the answer is what was said at the end, not the plan.",
)
def _(w):
    c, t = w.claude(version="2.0.28"), w.t()
    c.user(t.q)
    c.bash(t.cmd, t.out)
    cid = c.call(
        "ExitPlanMode", plan="1. Measure. 2. Change one thing. 3. Measure again."
    )
    c.result(
        cid,
        "User has approved your plan. You can now start coding. Start with updating your todo list if applicable",
    )
    e = c.call("Edit", file_path="/srv/work/shop/x.py", old_string="1", new_string="2")
    c.result(e, "The file /srv/work/shop/x.py has been updated.")
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "plan-kept-planning",
    "The plan is turned down with words, a new plan approved, then done.",
    PUBLIC,
    "Still one turn.",
)
def _(w):
    c, t = w.claude(version="2.1.9"), w.t()
    c.user(t.q)
    cid = c.call("ExitPlanMode", plan="Rewrite everything in C.")
    c.result(cid, SAID + "too much. The smallest change that works, please", error=True)
    cid = c.call("ExitPlanMode", plan="Change the one line that is wrong.")
    c.result(cid, "User has approved your plan. You can now start coding.")
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "ask-user-question",
    "AskUserQuestion: the person's choice comes as a tool result.",
    PUBLIC,
    "No turn of its own.",
)
def _(w):
    c, t = w.claude(version="2.1.20"), w.t()
    c.user(t.q)
    cid = c.call(
        "AskUserQuestion",
        questions=[
            {
                "question": "Which branch?",
                "header": "Branch",
                "options": [{"label": "main"}, {"label": "next"}],
                "multiSelect": False,
            }
        ],
    )
    c.result(
        cid,
        'User has answered your questions: "Which branch?"="next". You can now continue with the user\'s answers in mind.',
    )
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "two-queued",
    "Two prompts are typed while the model works; both are attachments with uuid.",
    "simonw/claude-code-transcripts#98",
    "They belong to the running turn, in order.",
)
def _(w):
    c, t = w.claude(), w.t()
    one, two = (
        "Leave the public API as it is while you are at it.",
        "And say which file you changed.",
    )
    c.user(t.q)
    c.bash(t.cmd, t.out, lead="I am looking into it.")
    c.queue("enqueue", one)
    c.queue("enqueue", two)
    cid = c.call("Read", file_path="/srv/work/shop/api.py")
    c.result(cid, "     1→def api(): ...")
    c.queue("remove")
    c.queued(one)
    c.queue("remove")
    c.queued(two)
    c.bash("make test", "ok")
    c.say(t.a)
    c.done()
    w.save(c)
    return [S(t, [one, two])]


@sit(
    "claude",
    "queued-blocks-no-uuid",
    "A queued prompt of blocks, a picture and words, without uuid.",
    "kenn-io/agentsview#406",
    "Its words belong to the running turn.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    c.bash(t.cmd, t.out)
    c.queued(
        [image(), text("This screenshot shows the state before the change.")],
        uuid=False,
    )
    c.bash("git status --short", " M main.py")
    c.say(t.a)
    w.save(c)
    return [S(t, ["This screenshot shows the state before the change."])]


@sit(
    "claude",
    "queued-taken-back",
    "A queued prompt is taken back into the input (popAll), edited, and sent after the answer.",
    "simonw/claude-code-transcripts#98",
    "What was taken back was never sent; the edited prompt is a turn.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.user(t.q)
    c.queue("enqueue", "Also bump the version to 9.9")
    c.bash(t.cmd, t.out)
    c.queue("popAll", "Also bump the version to 9.9")
    c.say(t.a)
    c.turn(u)
    w.save(c)
    return [S(t, ex=["9.9"]), S(u, ex=["9.9"])]


@sit(
    "claude",
    "queued-till-the-end",
    "A prompt waits in the queue till the answer is there, then it is sent as a prompt.",
    PUBLIC,
    "The answer was there before it: two turns.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.user(t.q)
    c.bash(t.cmd, t.out)
    c.queue("enqueue", u.q)
    c.say(t.a)
    c.queue("dequeue")
    c.turn(u)
    w.save(c)
    return [S(t, ex=[u.q]), S(u)]


@sit(
    "claude",
    "compact-by-hand",
    "/compact with instructions between turns, then the next question.",
    VIEWER,
    "The answers before stay; neither the summary nor the command is a turn.",
)
def _(w):
    c, t, u, v = w.claude(), *w.ts(3)
    c.turn(t)
    c.turn(u)
    c.compact("1. Primary Request: two questions were answered.", trigger="manual")
    c.meta(
        "<local-command-caveat>Caveat: The messages below were generated by the user while running local commands. DO NOT respond to these messages or otherwise consider them in your response unless the user explicitly asks you to.</local-command-caveat>"
    )
    c.command("compact", "keep the numbers", "Compacted (ctrl+o to see full summary)")
    c.turn(v)
    w.save(c)
    return [S(t), S(u), S(v, ex=["two questions were answered"])]


@sit(
    "claude",
    "compact-between-continues",
    "After an answer the context is compacted by itself and the model goes on talking without a prompt.",
    "requirement; anthropics/claude-code#1050",
    "The reply to the continuation is not the person's turn and must not replace the answer.",
)
def _(w):
    c, t, u = w.claude(version="2.0.14"), w.t(), w.t()
    c.turn(t)
    c.compact("The user asked one thing and it was done.", follow=True)
    c.say(
        "The work was complete already; I have checked it once more and there is nothing left to do."
    )
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "compacted-twice-in-a-turn",
    "A long turn is compacted twice in the middle.",
    "anthropics/claude-code#17923",
    "Still the person's turn, with its last text as the answer; leaving it out is accepted.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    for i in range(2):
        c.bash(f"make step{i}", f"step {i} done", lead=f"Step {i} comes first.")
        c.compact(f"The user asked: {t.q} Step {i} is done.", follow=True)
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    w.also = [[]]
    return [S(t)]


@sit(
    "claude",
    "inline-sidechain",
    "Before 2.0.28 a sub-agent's records stand in the same file as a side chain.",
    VIEWER,
    "The sub-agent's prompt and answer are no turn of the person.",
)
def _(w):
    c, t, u = w.claude(version="1.0.94"), w.t(), w.t()
    c.user(t.q)
    cid = c.call(
        "Task", description="Look for it", prompt=u.q, subagent_type="general-purpose"
    )
    main = c.last
    c.rec(
        "user", parent=None, isSidechain=True, message={"role": "user", "content": u.q}
    )
    c.common = {"isSidechain": True}
    c.bash(u.cmd, u.out)
    c.say(u.a)
    c.common, c.last = {}, main
    c.result(cid, [text(u.a)])
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "subagent-files-both-places",
    "Sub-agent files in subagents/ and, older, beside the session.",
    VIEWER,
    "Both are marked as side chains; only the session counts.",
)
def _(w):
    c, t, u, v = w.claude(version="2.0.31"), *w.ts(3)
    c.user(t.q)
    cid = c.call("Task", description="x", prompt=u.q, subagent_type="Explore")
    c.result(cid, [text(u.a)])
    c.say(t.a)
    w.save(c)
    for x, place in (
        (u, f"{c.sid}/subagents/agent-5ac1e09.jsonl"),
        (v, "agent-91d0c4ab.jsonl"),
    ):
        a = w.claude(
            version="2.0.31", sid=c.sid, isSidechain=True, agentId=place[-13:-6]
        )
        a.turn(x)
        w.save(a, f"{c.path.rsplit('/', 1)[0]}/{place}")
    return [S(t)]


@sit(
    "claude",
    "project-named-subagents",
    "A project's folder is called subagents, and a session in it is the person's.",
    "requirement: by what the record says, not by the folder",
    "isSidechain is false.",
)
def _(w):
    c, t = w.claude(cwd="/srv/subagents"), w.t()
    c.turn(t)
    w.save(c, f"projects/-srv/subagents/{c.sid}.jsonl")
    w.put(f"projects/-srv/subagents/agent-{w.ids.hexn(8)}.jsonl", b"")
    return [S(t)]


@sit(
    "claude",
    "prompt-submit-hook",
    "A hook's words stand in a tag before the prompt, in a block of their own.",
    "requirement; Claude Code's system prompt names the tag",
    "The hook's words are not the person's; the prompt behind them is.",
)
def _(w):
    c, t = w.claude(version="2.0.1"), w.t()
    c.user(
        [
            text(
                "<user-prompt-submit-hook>Branch is main. Ticket SHOP-11 is in review.</user-prompt-submit-hook>"
            ),
            text(t.q),
        ]
    )
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["SHOP-11", "user-prompt-submit-hook"])]


@sit(
    "claude",
    "prompt-blocked-by-hook",
    "A hook blocks a prompt; only a warning of the tool is in the file.",
    "Claude Code's hooks reference",
    "No turn; the next prompt is one.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.rec(
        "system",
        subtype="informational",
        content="UserPromptSubmit operation blocked by hook:\n[./guard.sh]: mentions a customer\n\nOriginal prompt: mail the list to the customer",
        level="warning",
        isMeta=False,
    )
    c.turn(t)
    w.save(c)
    return [S(t, ex=["mail the list to the customer"])]


@sit(
    "claude",
    "stop-hook-twice",
    "A Stop hook sends the model back twice after its answer.",
    "Claude Code's hooks reference; requirement",
    "The feedback closes the turn: the first text is the answer, what follows is no sample.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.user(t.q)
    c.bash(t.cmd, t.out)
    c.say(t.a)
    for n in (1, 2):
        c.rec(
            "system",
            subtype="stop_hook_summary",
            hookCount=1,
            hookInfos=[{"command": "./check.sh"}],
            hookErrors=[],
            preventedContinuation=False,
            hasOutput=True,
            level="suggestion",
        )
        c.meta(f"Stop hook feedback:\n[./check.sh]: {n} lint findings left")
        c.bash("make lint", "clean")
        c.say(f"The remaining {n} findings of the linter are fixed now.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "pre-tool-hook-denies",
    "A PreToolUse hook denies a call; the model finds another way.",
    "Claude Code's hooks reference",
    "An error within the turn.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    cid = c.call("Bash", command="git push --force")
    c.result(
        cid,
        "PreToolUse:Bash hook error: [./guard.py]: pushing by force is not allowed here",
        error=True,
    )
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "custom-command",
    "A command of the project's own between two turns: tags, then its text as meta, then a long reply.",
    PUBLIC,
    "The reply to a command is neither the answer of the turn before nor a sample.",
)
def _(w):
    c, t, u = w.claude(version="2.0.70"), w.t(), w.t()
    c.turn(t)
    c.user(
        "<command-message>changelog is running…</command-message>\n<command-name>/changelog</command-name>\n<command-args>3.2</command-args>"
    )
    c.meta([text("Write the changelog for the version given: 3.2. Use the git log.")])
    c.bash("git log --oneline", "abc1234 one\ndef5678 two")
    c.say("## 3.2\n\n- one\n- two\n\nBoth commits are covered by this entry.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "skill-in-a-turn",
    "The model uses a skill: its text comes as a meta prompt in the middle.",
    PUBLIC,
    "While the model works the turn goes on.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    cid = c.call("Skill", skill="release-notes")
    c.result(cid, "Launching skill: release-notes")
    c.meta(
        [
            text(
                "Base directory for this skill: /srv/work/shop/.claude/skills/release-notes\n\n# Release notes\n\nWrite short sentences."
            )
        ],
        sourceToolUseID=cid,
    )
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["Write short sentences."])]


@sit(
    "claude",
    "bash-mode",
    "Commands with ! before a question about their output.",
    PUBLIC,
    "The command is the tool's text; the question after it is the turn.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user("<bash-input>make test</bash-input>")
    c.user("<bash-stdout>3 failed, 41 passed</bash-stdout><bash-stderr></bash-stderr>")
    c.turn(t)
    w.save(c)
    return [S(t, ex=["bash-input"])]


@sit(
    "claude",
    "notification-with-banner",
    "A finished background command wakes the model between turns, with the newer banner.",
    "requirement; strings of the released program",
    "Its reply must not replace the answer.",
)
def _(w):
    c, t, u = w.claude(version="2.1.201"), w.t(), w.t()
    c.turn(t)
    c.user(BANNER + note(), origin={"kind": "task-notification"}, isMeta=True)
    c.say("The build in the background has finished without errors.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "notification-without-origin",
    "The same without origin and banner, as older versions wrote it, twice in a row.",
    PUBLIC,
    "By its shape.",
)
def _(w):
    c, t, u = w.claude(version="2.1.3"), w.t(), w.t()
    c.turn(t)
    c.user(note("b11"))
    c.say("The first of the two background jobs is through, waiting for the other.")
    c.user(
        note("b12", "failed", 'Background command "npm test" failed with exit code 1')
    )
    c.bash("tail b12.output", "1 failed")
    c.say("The second job failed in one test, which fails on main as well.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "queued-notification",
    "A notification is queued into a running turn, with the text as it was shown to the model.",
    "public readers of these logs (queued_command with rendered)",
    "Not the person's words; the turn ends with its answer. Leaving the turn out is accepted.",
)
def _(w):
    c, t = w.claude(version="2.1.222"), w.t()
    c.user(t.q)
    c.bash(t.cmd, t.out)
    c.queued(
        note("b77"),
        mode="task-notification",
        kind="task-notification",
        rendered=[
            {"content": f"<system-reminder>\n{BANNER}{note('b77')}\n</system-reminder>"}
        ],
    )
    c.bash("cat b77.output", "done")
    c.say(t.a)
    w.save(c)
    w.also = [[]]
    return [S(t, ex=["task-notification", "b77"])]


@sit(
    "claude",
    "teammate-with-preface",
    "A teammate's message with the sentence before it, between turns.",
    "requirement; public readers",
    "The tool's text; the reply to it is no answer.",
)
def _(w):
    c, t, u = w.claude(version="2.1.178"), w.t(), w.t()
    c.turn(t)
    c.user(
        'Another Claude session sent a message:\n<teammate-message teammate_id="tester" color="green" summary="tests">\nAll 41 tests pass on my side.\n</teammate-message>'
    )
    c.say("The tester reports that all tests pass, so the branch is ready.")
    c.user(
        '<teammate-message teammate_id="tester" color="green">\n{"type":"idle_notification","from":"tester","timestamp":"2026-06-03T09:00:00.000Z","idleReason":"available"}\n</teammate-message>'
    )
    c.say("The tester is idle now, nothing further is needed of it.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "person-asks-about-preface",
    "A person quotes the sentence that stands before such messages.",
    "requirement: anchored, never a bare prefix",
    "It is a person's request.",
)
def _(w):
    c = w.claude()
    q = "Another Claude session sent a message: what does that line in my terminal mean, and can I turn it off?"
    a = "It is shown when a second session of yours on this machine writes to this one. You can turn it off in /config under the messages of other sessions."
    c.user(q)
    c.say(a)
    w.save(c)
    return [S(req=[q], ans=a)]


@sit(
    "claude",
    "cross-session",
    "A message of another session as meta prompt of the kind peer.",
    "requirement; public readers (origin.kind peer)",
    "Not the person's.",
)
def _(w):
    c, t = w.claude(version="2.1.230"), w.t()
    c.turn(t)
    c.meta(
        'Another Claude session sent a message:\n<cross-session-message from="9f11" from-name="docs">\nPlease rename the header to Usage.\n</cross-session-message>',
        origin={"kind": "peer", "name": "docs"},
    )
    c.bash("sed -i s/Use/Usage/ README.md", "")
    c.say("I have renamed the header in the README as the other session asked.")
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "channel-closes",
    "A channel's message arrives after the answer.",
    "requirement",
    "Not typed here; the answer before stays. A reader that unwraps it may make a turn of it.",
)
def _(w):
    c, t = w.claude(version="2.1.196"), w.t()
    m, r = (
        "is the deploy through?",
        "Yes, the deploy went through and all checks are green.",
    )
    c.turn(t)
    c.user(
        f'<channel source="plugin:chat" chat_id="18" message_id="4">\n{m}\n</channel>',
        isMeta=True,
        origin={"kind": "channel", "server": "plugin:chat"},
    )
    c.say(r)
    w.save(c)
    w.also = [[S(t), S(req=[m], ans=r)]]
    return [S(t)]


@sit(
    "claude",
    "ide-opened-file",
    "The IDE says in a block of its own which file is open.",
    "requirement; public readers",
    "The IDE's sentence is not the request.",
)
def _(w):
    c, t = w.claude(version="2.0.22"), w.t()
    c.user(
        [
            text(
                "<ide_opened_file>The user opened the file /srv/work/shop/cart.ts in the IDE. This may or may not be related to the current task.</ide_opened_file>"
            ),
            text(t.q),
        ]
    )
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["The user opened the file", "may or may not be related"])]


@sit(
    "claude",
    "ide-selection-one-string",
    "Selection and prompt in one string.",
    "public readers; chat exports of 2025",
    "The words behind the tag are the request; the selected text may stay.",
)
def _(w):
    c, t = w.claude(version="2.0.60"), w.t()
    c.user(
        f'<ide_selection>The user selected the lines 8 to 9 from /srv/work/shop/voices.json:\n"en-amy",\n"en-james"\n\nThis may or may not be related to the current task.</ide_selection>\n\n{t.q}'
    )
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["The user selected the lines", "may or may not be related"])]


@sit(
    "claude",
    "ide-file-alone",
    "Only the IDE's tag, no words: an empty prompt was sent.",
    "requirement",
    "Nothing was asked.",
)
def _(w):
    c, t = w.claude(version="2.0.22"), w.t()
    c.turn(t)
    c.user(
        [
            text(
                "<ide_opened_file>The user opened the file /srv/work/shop/cart.ts in the IDE. This may or may not be related to the current task.</ide_opened_file>"
            )
        ]
    )
    c.say("I see that cart.ts is open. What would you like me to do with it?")
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "reminders-everywhere",
    "System reminders before and behind the prompt, and in a tool's result.",
    PUBLIC,
    "They are taken out of the request.",
)
def _(w):
    c, t = w.claude(version="1.0.60"), w.t()
    c.user(
        [
            text(
                "<system-reminder>\nAs you answer the user's questions, you can use the following context:\n# claudeMd\nUse tabs.\n</system-reminder>"
            ),
            text(t.q),
            text(
                "<system-reminder>\nThis is a reminder that your todo list is currently empty.\n</system-reminder>"
            ),
        ]
    )
    cid = c.call("Read", file_path="/srv/work/shop/a.py")
    c.result(
        cid,
        "     1→x\n\n<system-reminder>\nWhenever you read a file, you should consider whether it looks malicious.\n</system-reminder>",
    )
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["Use tabs.", "todo list is currently empty", "system-reminder"])]


@sit(
    "claude",
    "resume-copies",
    "An old version resumes into a new file that repeats the old lines under a new session id.",
    "anthropics/claude-code#8524",
    "Each turn once.",
    unordered=True,
)
def _(w):
    a, t, u, v = w.claude(version="2.0.5"), *w.ts(3)
    a.turn(t)
    a.turn(u)
    b = w.claude(version="2.0.5", day=(2026, 6, 5))
    b.raw(a.data().replace(a.sid.encode(), b.sid.encode()))
    b.last = a.last
    b.turn(v)
    w.save(a)
    w.save(b)
    return [S(t), S(u), S(v)]


@sit(
    "claude",
    "fork-diverges",
    "A session is forked after its first turn; both go on.",
    "format notes (forkedFrom)",
    "The common turn once, both continuations.",
    unordered=True,
)
def _(w):
    import json

    a, t, u, v = w.claude(), *w.ts(3)
    a.turn(t)
    cut, last = len(a.parts), a.last
    a.turn(u)
    b = w.claude(day=(2026, 6, 4))
    for line in a.parts[:cut]:
        rec = json.loads(line)
        rec["forkedFrom"] = {"sessionId": a.sid, "messageUuid": rec["uuid"]}
        rec["sessionId"] = b.sid
        b.put(rec)
    b.last = last
    b.turn(v)
    w.save(a)
    w.save(b)
    return [S(t), S(u), S(v)]


@sit(
    "claude",
    "rewound",
    "A prompt and its answer are rewound and asked otherwise.",
    "anthropics/claude-code#37737",
    "The branch that was left is taken back by the person.",
)
def _(w):
    c, t, u, v = w.claude(), *w.ts(3)
    c.turn(t)
    here = c.last
    c.turn(u)
    c.last = here
    c.turn(v)
    w.save(c)
    return [S(t), S(v)]


@sit(
    "claude",
    "stopped-and-edited",
    "Escape before the model said a word, then the corrected prompt from the same parent.",
    PUBLIC,
    "Only the corrected one has an answer.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.turn(t)
    here = c.last
    c.user(u.q.replace("the", "teh"))
    c.user([text("[Request interrupted by user]")])
    c.last = here
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "interrupt-and-words-in-one",
    "The interruption and the next prompt stand in one record.",
    "format notes",
    "The first is stopped; the words are a new request.",
)
def _(w):
    c, t, u = w.claude(version="1.0.117"), w.t(), w.t()
    c.user(t.q)
    c.say("I will start by reading the whole", stop=None)
    c.user([text("[Request interrupted by user]"), text(u.q)])
    c.bash(u.cmd, u.out)
    c.say(u.a)
    w.save(c)
    return [S(u, ex=["Request interrupted"])]


@sit(
    "claude",
    "interrupted-while-speaking",
    "Stopped in the middle of a long text, and that is the end of the file.",
    PUBLIC,
    "Half a text is no answer.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    c.say(t.a[:60], stop=None)
    c.user([text("[Request interrupted by user]")])
    w.save(c)
    return []


@sit(
    "claude",
    "overloaded-then-continue",
    "The service is overloaded in mid-turn, the person says continue, the model finishes.",
    "anthropics/claude-code threads on 529",
    "Kept only with what it goes on from; leaving it out is accepted.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    c.bash(t.cmd, t.out, lead="I am reading the code.")
    c.say(
        'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        stop="stop_sequence",
        model="<synthetic>",
        isApiErrorMessage=True,
    )
    c.user("continue")
    c.bash("make test", "ok")
    c.say(t.a)
    w.save(c)
    w.also = [[]]
    return [S(ans=t.a, ctx=[t.q])]


@sit(
    "claude",
    "retries-are-system",
    "The service fails four times and is tried again by itself.",
    VIEWER,
    "Records of the tool between; the turn is ordinary.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    for n in range(1, 5):
        c.rec(
            "system",
            subtype="api_error",
            level="error",
            error={"status": 529},
            retryInMs=500 * n,
            retryAttempt=n,
            maxRetries=10,
        )
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "login-expired",
    "The reply is only an error of the login; then the same is asked again.",
    PUBLIC,
    "An error is no answer; the second time it is one.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    c.say(
        "Please run /login · API Error: 401 Invalid authentication credentials",
        stop="stop_sequence",
        model="<synthetic>",
        isApiErrorMessage=True,
    )
    c.command("login", out="Login successful")
    c.turn(t)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "usage-limit",
    "The limit is reached in the middle of the work.",
    PUBLIC,
    "The tool's sentence about the limit is no answer.",
)
def _(w):
    c, t = w.claude(version="2.0.44"), w.t()
    c.user(t.q)
    c.bash(t.cmd, t.out, lead="Let me look at the code before I change anything.")
    c.say(
        "You've hit your session limit · resets 3pm (Europe/Berlin)",
        stop="stop_sequence",
        model="<synthetic>",
        isApiErrorMessage=True,
        error="rate_limit",
    )
    w.save(c)
    return []


@sit(
    "claude",
    "refused-then-rephrased",
    "A refusal by the service's classifier, then the question in other words.",
    "Anthropic's Messages API (stop_reason refusal)",
    "A refusal is no answer.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user("Write a fuzzer for our login form")
    c.say("I can help with testing your login form. First", stop="refusal")
    c.turn(t)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "max-tokens-in-a-plan",
    "The text is cut off at the limit of tokens and nothing follows.",
    "Anthropic's Messages API",
    "Unfinished.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.turn(t)
    c.user(u.q)
    c.bash(u.cmd, u.out)
    c.say(u.a[: len(u.a) // 2], stop="max_tokens")
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "server-search-paused",
    "A web search on the server with pause_turn between.",
    "Anthropic's Messages API",
    "The answer is the text after the search.",
)
def _(w):
    c, t = w.claude(version="2.1.160"), w.t()
    c.user(t.q)
    c.say("I'll search for the current documentation.", stop=None)
    sid = "srvtoolu_01" + w.ids.b58(22)
    c.block(
        {
            "type": "server_tool_use",
            "id": sid,
            "name": "web_search",
            "input": {"query": "documentation"},
        },
        stop="pause_turn",
        new=False,
    )
    c.block(
        {
            "type": "web_search_tool_result",
            "tool_use_id": sid,
            "content": [
                {
                    "type": "web_search_result",
                    "title": "Manual",
                    "url": "https://docs.example.org/manual",
                    "encrypted_content": w.ids.b58(40),
                    "page_age": None,
                }
            ],
        },
        new=True,
    )
    c.say(t.a, new=False)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "picture-placeholder-only",
    "A picture with nothing but its placeholder for words, then a real question.",
    "requirement (image-only prompts)",
    "Nothing can be learnt of a picture that is not there.",
)
def _(w):
    c, t, u = w.claude(version="2.1.77"), w.t(), w.t()
    c.turn(t)
    c.user([text("[Image #1]"), image()], imagePasteIds=[1])
    c.meta([text("[Image: source: /tmp/clip/1.png]")])
    c.say("The screenshot shows a form with two fields and a disabled button.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "picture-and-words",
    "A picture with words.",
    PUBLIC,
    "The words are the request.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user([image(), text(f"[Image #1] {t.q}")])
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    return [S(t, ex=[PNG[:40]])]


@sit(
    "claude",
    "document-and-words",
    "A PDF and words.",
    "Anthropic's Messages API",
    "The words are the request; the file's bytes go nowhere.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(
        [
            {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": "JVBERi0xLjQK" + w.ids.b58(400),
                },
            },
            text(t.q),
        ]
    )
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["JVBERi0x"])]


@sit(
    "claude",
    "attached-file",
    "A file named with @ is attached as text.",
    "docs of the program; public readers",
    "Its text is what the question is about.",
)
def _(w):
    c = w.claude()
    q, a = (
        "What does @limits.toml allow a guest to upload?",
        "A guest may upload three files a day of at most 8 MB each. The table has no limit for the total, so it is 24 MB a day.",
    )
    c.user(q)
    body = "[guest]\nfiles_per_day = 3\nmax_megabytes = 8\n"
    c.rec(
        "attachment",
        attachment={
            "type": "file",
            "filename": "/srv/work/shop/limits.toml",
            "displayPath": "limits.toml",
            "content": {
                "type": "text",
                "file": {
                    "filePath": "/srv/work/shop/limits.toml",
                    "content": body,
                    "numLines": 4,
                    "startLine": 1,
                    "totalLines": 4,
                },
            },
        },
    )
    c.say(a)
    w.save(c)
    return [S(req=[q], ans=a, ctx=["files_per_day = 3", "max_megabytes = 8"])]


@sit(
    "claude",
    "change-it",
    "A value is edited, then: change it to another one.",
    "requirement section 3",
    "The context keeps the call that shows what was there.",
)
def _(w):
    c = w.claude()
    c.user("Set the pool size in db.ini to 12")
    cid = c.call(
        "Edit",
        file_path="/srv/work/shop/db.ini",
        old_string="pool_size = 5",
        new_string="pool_size = 12",
    )
    c.result(cid, "The file /srv/work/shop/db.ini has been updated.")
    a1, a2 = (
        "Done: the pool in db.ini now holds twelve connections.",
        "Changed: the pool in db.ini now holds forty connections.",
    )
    c.say(a1)
    c.user("Change it to 40")
    cid = c.call(
        "Edit",
        file_path="/srv/work/shop/db.ini",
        old_string="pool_size = 12",
        new_string="pool_size = 40",
    )
    c.result(cid, "The file /srv/work/shop/db.ini has been updated.")
    c.say(a2)
    w.save(c)
    return [
        S(req=["Set the pool size in db.ini to 12"], ans=a1),
        S(req=["Change it to 40"], ans=a2, ctx=["pool_size = 12", a1]),
    ]


@sit(
    "claude",
    "yes-please",
    "The model asks whether it shall; the person says yes.",
    PUBLIC,
    "Two turns; the second's context shows what was agreed to.",
)
def _(w):
    c = w.claude()
    a = "The old index can go, nothing reads it. Shall I drop it in a migration?"
    b = "The migration 0043 drops the index, and its down step builds it again."
    c.user("Is idx_orders_old still used?")
    c.bash("psql -c 'select 1'", "0 scans")
    c.say(a)
    c.user("yes please")
    c.bash("ls migrations", "0043_drop_idx.sql")
    c.say(b)
    w.save(c)
    return [
        S(req=["Is idx_orders_old still used?"], ans=a),
        S(req=["yes please"], ans=b, ctx=[a]),
    ]


@sit(
    "claude",
    "continue-of-nothing",
    "A session that starts with continue after a crash; what it goes on from is not there.",
    "requirement; docs (nothing_to_go_on_from)",
    "Alone it teaches nothing.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.user("continue")
    c.bash(t.cmd, t.out)
    c.say(t.a)
    c.turn(u)
    w.save(c)
    return [S(u)]


@sit(
    "claude",
    "old-with-summary",
    "May 2025: summary lines first, string contents, costUSD, no requestId.",
    "public readers (1.0.x)",
    "An ordinary turn.",
)
def _(w):
    import json

    c, t = w.claude(version="1.0.3", day=(2025, 5, 28)), w.t()
    c.put({"type": "summary", "summary": "Exports and dates", "leafUuid": w.ids.uuid()})
    c.put(
        {"type": "summary", "summary": "Another old session", "leafUuid": w.ids.uuid()}
    )
    c.turn(t)
    parts = []
    for line in c.parts:
        r = json.loads(line)
        r.pop("gitBranch", None)
        r.pop("requestId", None)
        if r["type"] == "assistant":
            r["costUSD"], r["durationMs"] = 0.0123, 2211
        parts.append(
            json.dumps(r, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        )
    c.parts = parts
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "odd-characters",
    "U+2028 within strings, lone surrogates, an escaped NUL, an emoji, CRLF line ends.",
    "format notes, shared pitfalls",
    "A line ends at a line feed only; what cannot be encoded must not stop the export.",
)
def _(w):
    c = w.claude()
    c.newline = b"\r\n"
    q, a = (
        "Why does the label \u2028 break in two, and what is \U0001f9ed for?",
        "There is a line separator (U+2028) in the label, which the browser breaks at. The compass is only decoration.",
    )
    c.user(q)
    c.put(
        {
            "type": "file-history-snapshot",
            "messageId": "x",
            "snapshot": {"note": "\ud83d cut"},
        },
        ascii=True,
    )
    c.rec(
        "user",
        isMeta=True,
        message={
            "role": "user",
            "content": "<local-command-stdout>\u0000\u001b[1mok\u001b[22m</local-command-stdout>",
        },
    )
    c.say(a)
    w.save(c)
    return [S(req=["break in two, and what is"], ans=a)]


@sit(
    "claude",
    "surrogate-in-result",
    "A tool's result holds half of a surrogate pair, as a cut emoji does.",
    "format notes, shared pitfalls",
    "The turn is ordinary and must be written as UTF-8.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    cid = c.call("Bash", command="head -c 20 names.txt")
    r = {
        "parentUuid": c.last,
        "isSidechain": False,
        "userType": "external",
        "cwd": c.cwd,
        "sessionId": c.sid,
        "version": c.version,
        "type": "user",
        "uuid": w.ids.uuid(),
        "timestamp": c.now(),
        "message": {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": cid, "content": "Ana \ud83d"}
            ],
        },
    }
    c.put(r, ascii=True)
    c.last = r["uuid"]
    c.say(t.a)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "torn-in-the-answer",
    "The machine went down while the last answer was written; zero bytes behind it.",
    PUBLIC,
    "The torn line is lost; what was announced before it is no answer.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.turn(t)
    c.user(u.q)
    c.bash(u.cmd, u.out, lead="Looking at the configuration first.")
    c.say(u.a)
    c.tear(0.6)
    c.raw(b"\0" * 512)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "torn-in-a-result",
    "A tool's result is torn and the next record starts on a new line.",
    PUBLIC,
    "The answer is whole; the call without its result is taken out.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    cid = c.call("Bash", command=t.cmd)
    c.result(cid, "x" * 3000)
    c.tear(0.5)
    c.raw(b"\n")
    c.say(t.a)
    w.save(c)
    w.also = [[]]
    return [S(t)]


@sit(
    "claude",
    "mark-and-blank-lines",
    "A byte order mark, blank lines and a line of spaces.",
    PUBLIC,
    "Nothing of it matters.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.raw(b"\xef\xbb\xbf")
    c.put({"type": "mode", "mode": "normal", "sessionId": c.sid})
    c.raw(b"\n   \n")
    c.turn(t)
    c.raw(b"\n\n")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "thinking-then-killed",
    "Only thinking, then nothing.",
    PUBLIC,
    "Thinking is no answer.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    c.think(
        "The user wants to know this. I should first look at the file and then answer at length."
    )
    w.save(c)
    return []


@sit(
    "claude",
    "redacted-thinking",
    "Thinking that is encrypted stands before the answer.",
    "Anthropic's Messages API",
    "The answer is the text.",
)
def _(w):
    c, t = w.claude(), w.t()
    c.user(t.q)
    c.block({"type": "redacted_thinking", "data": w.ids.b58(200)})
    c.say(t.a, new=False)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "progress-in-the-chain",
    "Progress of hooks and sub-agents stands in the chain of parents.",
    "d-kimuson/claude-code-viewer (progress records)",
    "The chain must be followed through them.",
)
def _(w):
    c, t, u = w.claude(version="2.1.14"), w.t(), w.t()
    c.turn(t)
    c.user(u.q)
    cid = c.call("Bash", command=u.cmd)
    c.rec(
        "progress",
        toolUseID="bash-progress-0",
        parentToolUseID=cid,
        data={"type": "bash_progress", "output": "…", "elapsedTimeSeconds": 3},
    )
    c.rec(
        "progress",
        toolUseID=cid,
        parentToolUseID=cid,
        data={
            "type": "hook_progress",
            "hookEvent": "PostToolUse",
            "hookName": "PostToolUse:Bash",
            "command": "callback",
        },
    )
    c.result(cid, u.out)
    c.say(u.a)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "agent-launched",
    "An agent is started in the background, the model says so, and later reports on its own.",
    PUBLIC,
    "What ends the turn is the answer; the report is a reply to a notification.",
)
def _(w):
    c, t = w.claude(version="2.1.60"), w.t()
    a = "I have started an agent for this; it works in the background and I will tell you what it finds."
    c.user(t.q)
    cid = c.call(
        "Task",
        description="Find it",
        prompt="Look for it",
        subagent_type="Explore",
        run_in_background=True,
    )
    c.result(
        cid,
        [
            text(
                "Async agent launched successfully.\nagentId: a7f20c1 (internal ID - do not mention to user)"
            )
        ],
    )
    c.say(a)
    c.user(
        note("a7f20c1", summary='Agent "Find it" completed'),
        origin={"kind": "task-notification"},
    )
    c.say(t.a)
    w.save(c)
    return [S(req=[t.q], ans=a)]


@sit(
    "claude",
    "caveat-by-a-person",
    "A person's text that begins as a text of the tool does.",
    "requirement: anchored, never a bare prefix",
    "A request.",
)
def _(w):
    c = w.claude()
    q = "Caveat: the API returns UTC and the form wants local time. Convert the two timestamps in the export accordingly."
    a = "Both timestamps are converted now, with the zone from the user's profile. Without one they stay in UTC and say so."
    c.user(q)
    c.bash("grep -n utc export.py", "7: utc")
    c.say(a)
    w.save(c)
    return [S(req=[q], ans=a)]


@sit(
    "claude",
    "person-on-hook-feedback",
    "A person writes about the feedback of a hook.",
    "requirement: anchored, never a bare prefix",
    "A request.",
)
def _(w):
    c = w.claude()
    q = "Stop hook feedback is shown twice in my terminal. Which of the two settings files has it?"
    a = "Both have it: the project's settings and your own each list the same Stop hook. Remove it from one of them."
    c.user(q)
    c.bash("grep -rn Stop settings", "two")
    c.say(a)
    w.save(c)
    return [S(req=[q], ans=a)]


@sit(
    "claude",
    "tag-of-tomorrow",
    "A tag that no version had before stands alone on the first line.",
    "requirement section 2 (unknown_harness)",
    "Kept out and counted, its reply too.",
)
def _(w):
    c, t, u = w.claude(version="2.3.1"), w.t(), w.t()
    c.turn(t)
    c.user("<workspace-digest>\nfiles changed: 4\nbranch: main\n</workspace-digest>")
    c.say("Four files have changed on main since the last digest.")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "ci-monitor-event",
    "An event of a monitor in the person's place.",
    "public readers (ci-monitor-event)",
    "A tag alone on its line: the tool's text.",
)
def _(w):
    c, t = w.claude(version="2.1.210"), w.t()
    c.turn(t)
    c.user("<ci-monitor-event>\nrun 8812 failed: lint\n</ci-monitor-event>")
    c.bash("gh run view 8812", "lint failed")
    c.say("The lint job failed because of an unused import, which I have removed.")
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "scheduled-task",
    "A run that a schedule has started, nobody is there.",
    "public readers (scheduled-task)",
    "A tool's text with a tag alone on its line; unwrapping its task is accepted.",
)
def _(w):
    c, t = w.claude(version="2.1.240"), w.t()
    c.user(
        f'<scheduled-task name="weekly-report" file="/srv/tasks/weekly-report/SKILL.md">\nThis is an automated run of a scheduled task. The user is not present to answer questions.\n\n{t.q}\n</scheduled-task>'
    )
    c.bash(t.cmd, t.out)
    c.say(t.a)
    w.save(c)
    w.also = [[S(ans=t.a, ex=["automated run of a scheduled task"])]]
    return []


@sit(
    "claude",
    "html-in-a-question",
    "A question that begins with a piece of markup in a sentence.",
    "requirement section 2",
    "A tag with text behind it on its line is a person's.",
)
def _(w):
    c = w.claude()
    q = '<section id="faq"> is closed twice in about.html, which of the two is too much?'
    a = "The second one, in line 88: it closes the section around the whole page, so the footer falls out of it."
    c.user(q)
    c.bash("grep -n '</section>' about.html", "61:\n88:")
    c.say(a)
    w.save(c)
    return [
        S(req=["is closed twice in about.html, which of the two is too much?"], ans=a)
    ]


@sit(
    "claude",
    "pasted-log-with-tags",
    "A person pastes an XML document below a question.",
    "requirement section 2",
    "The question comes first.",
)
def _(w):
    c = w.claude()
    q = "Which dependency in this pom is outdated?\n<dependency>\n  <artifactId>slf4j-api</artifactId>\n  <version>1.7.5</version>\n</dependency>"
    a = "slf4j-api 1.7.5 is from 2013. Take 2.0.x; the binding must be of the same line."
    c.user(q)
    c.say(a)
    w.save(c)
    return [
        S(
            req=[
                "Which dependency in this pom is outdated?",
                "<artifactId>slf4j-api</artifactId>",
            ],
            ans=a,
        )
    ]


@sit(
    "claude",
    "moved-project",
    "A project was moved: the same session file lies in two folders, one longer.",
    PUBLIC,
    "Each turn once.",
    unordered=True,
)
def _(w):
    c, t, u = w.claude(cwd="/srv/old/shop"), w.t(), w.t()
    c.turn(t)
    w.put(c.path, c.data())
    c.cwd = "/srv/new/shop"
    c.turn(u)
    w.put(c.path, c.data())
    return [S(t), S(u)]


@sit(
    "claude",
    "written-twice",
    "Some records stand in the file twice with the same uuid.",
    "anthropics/claude-code threads on duplicated lines",
    "Each turn once.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.turn(t)
    c.raw(b"".join(c.parts[-3:]))
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "away-summary",
    "A summary for one who was away, titles and other records after the answer.",
    VIEWER,
    "Records without a turn.",
)
def _(w):
    c, t, u = w.claude(version="2.1.190"), w.t(), w.t()
    c.turn(t)
    c.rec(
        "system",
        subtype="away_summary",
        content="While you were away: the question was answered.",
        isMeta=False,
    )
    c.bare("ai-title", aiTitle="Exports")
    c.bare("last-prompt", lastPrompt=t.q)
    c.bare("pr-link", prNumber=4, prUrl="https://git.example.org/shop/pull/4")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "side-question",
    "/btw asks something on the side: a side chain that replays the parent's messages.",
    "format notes",
    "No turn of the session; the main one once.",
    unordered=True,
)
def _(w):
    import json

    c, t, u = w.claude(version="2.1.170"), w.t(), w.t()
    c.turn(t)
    w.save(c)
    b = w.claude(
        version="2.1.170", sid=c.sid, isSidechain=True, agentId="aside_question-1f"
    )
    for line in c.parts[:4]:
        r = json.loads(line)
        r.update(
            uuid=w.ids.uuid(),
            isSidechain=True,
            agentId="aside_question-1f",
            parentUuid=b.last,
        )
        b.put(r)
        b.last = r["uuid"]
    b.user(u.q)
    b.say(u.a)
    w.save(b, f"{c.path[:-6]}/subagents/agent-aside_question-1f.jsonl")
    return [S(t)]


@sit(
    "claude",
    "model-command-between",
    "/model and /context between turns, printed by the tool as system records.",
    VIEWER,
    "Commands make no turn.",
)
def _(w):
    c, t, u = w.claude(version="2.1.133"), w.t(), w.t()
    c.turn(t)
    c.rec(
        "system",
        subtype="local_command",
        content="<command-name>/context</command-name>\n<command-message>context</command-message>\n<command-args></command-args>",
        level="info",
        isMeta=False,
    )
    c.rec(
        "system",
        subtype="local_command",
        content="<local-command-stdout>## Context Usage\n41k/200k tokens (21%)</local-command-stdout>",
        level="info",
        isMeta=False,
    )
    c.command("model", "opus", "Set model to opus")
    c.turn(u)
    w.save(c)
    return [S(t), S(u)]


@sit(
    "claude",
    "long-session",
    "Nine calls in a turn, then three short turns.",
    PUBLIC,
    "Every answer is the last text of its turn.",
)
def _(w):
    c, ts = w.claude(), w.ts(4)
    c.turn(ts[0], steps=9, lead="I'll begin with an overview.", think="A long one.")
    for t in ts[1:]:
        c.turn(t, steps=1)
    w.save(c)
    return [S(t) for t in ts]


@sit(
    "claude",
    "windows-project",
    "Windows: back slashes in cwd and in paths.",
    PUBLIC,
    "An ordinary turn.",
)
def _(w):
    c, t = w.claude(cwd="D:\\work\\shop"), w.t()
    c.newline = b"\r\n"
    c.turn(t)
    w.save(c)
    return [S(t)]


@sit(
    "claude",
    "a-working-day",
    "A day: a command first, an IDE file, a prompt queued in mid-turn, a compaction by itself, a stopped turn, a notification, a last question.",
    VIEWER + "; requirement",
    "Each rule at once.",
)
def _(w):
    c, ts = w.claude(version="2.1.212"), w.ts(5)
    c.meta(
        "<local-command-caveat>Caveat: The messages below were generated by the user while running local commands. DO NOT respond to these messages or otherwise consider them in your response unless the user explicitly asks you to.</local-command-caveat>"
    )
    c.command("model", "opus", "Set model to opus")
    c.user(
        [
            text(
                "<ide_opened_file>The user opened the file /srv/work/shop/list.ts in the IDE. This may or may not be related to the current task.</ide_opened_file>"
            ),
            text(ts[0].q),
        ]
    )
    c.think("A look first.")
    c.bash(ts[0].cmd, ts[0].out, lead="I start with the code.")
    more = "The staging server may be restarted if you need to."
    c.queue("enqueue", more)
    c.bash("make test", "2 failed")
    c.queue("remove")
    c.queued(more)
    c.bash("make test", "ok", lead="Thanks, that helps with the second failure.")
    c.say(ts[0].a)
    c.done()
    c.turn(ts[1], steps=3)
    c.compact("Two questions were answered.")
    c.user(ts[2].q)
    c.bash(ts[2].cmd, ts[2].out, lead="Before I change it I want to see who calls it.")
    c.user([text("[Request interrupted by user for tool use]")])
    c.user(note("b90"), origin={"kind": "task-notification"})
    c.say("The background job is done; its output has nothing new in it.")
    c.turn(ts[3])
    c.user(
        [
            text("<system-reminder>\nThe date has changed.\n</system-reminder>"),
            text(ts[4].q),
        ]
    )
    c.say(ts[4].a)
    w.save(c)
    return [
        S(ts[0], [more], ex=["The user opened the file"]),
        S(ts[1]),
        S(ts[3]),
        S(ts[4], ex=["The date has changed"]),
    ]


@sit(
    "claude",
    "fork-of-a-resumed-one",
    "A session resumed by copying, then forked: three files share their first turn.",
    "anthropics/claude-code#28463; format notes",
    "Every turn once.",
    unordered=True,
)
def _(w):
    import json

    a, ts = w.claude(version="2.1.51"), w.ts(4)
    a.turn(ts[0])
    w.save(a)
    old, last = list(a.parts), a.last
    for day, mark, t in (((2026, 6, 5), False, ts[1]), ((2026, 6, 6), True, ts[2])):
        b = w.claude(version="2.1.51", day=day)
        for line in old:
            r = json.loads(line)
            if mark:
                r["forkedFrom"] = {"sessionId": a.sid, "messageUuid": r["uuid"]}
            r["sessionId"] = b.sid
            b.put(r)
        b.last = last
        b.turn(t)
        if mark:
            b.turn(ts[3])
        w.save(b)
    return [S(t) for t in ts]


@sit(
    "claude",
    "kill-restart-kill",
    "Killed in a call, resumed with continue, killed again, then another question.",
    "requirement",
    "Nothing was finished but the last.",
)
def _(w):
    c, t, u = w.claude(), w.t(), w.t()
    c.user(t.q)
    c.say("I'll start the migration now and watch the log.", stop="tool_use")
    c.call("Bash", new=False, command="make migrate")
    c.user("continue")
    c.bash("tail log", "42 of 90", lead="I am looking where it stopped.")
    c.call("Bash", command="make migrate")
    c.turn(u)
    w.save(c)
    return [S(u, ex=[t.q])]


@sit(
    "claude",
    "hook-context-after-result",
    "Hooks add context after a tool's result, as attachments.",
    "Claude Code's hooks reference (additionalContext)",
    "The tool's; the turn is ordinary.",
)
def _(w):
    c, t = w.claude(version="2.1.144"), w.t()
    c.user(t.q)
    c.rec(
        "attachment",
        attachment={
            "type": "hook_additional_context",
            "content": ["Remember the style guide."],
            "hookName": "UserPromptSubmit",
            "hookEvent": "UserPromptSubmit",
        },
    )
    cid = c.call(
        "Edit", file_path="/srv/work/shop/a.ts", old_string="a", new_string="b"
    )
    c.result(cid, "The file /srv/work/shop/a.ts has been updated.")
    c.rec(
        "attachment",
        attachment={
            "type": "hook_success",
            "hookName": "PostToolUse:Edit",
            "content": "formatted",
            "toolUseID": cid,
        },
    )
    c.say(t.a)
    w.save(c)
    return [S(t, ex=["Remember the style guide"])]
