"""Situations of Gemini CLI."""

import hashlib

from cases import S, sit

REC = "google-gemini/gemini-cli packages/core/src/services/chatRecordingService.ts"
TYPES = "google-gemini/gemini-cli chatRecordingTypes.ts"
PUBLIC = "public readers and exports of these logs"
LOOP = (
    "System: Potential loop detected. Details: Repeated tool call: run_shell_command. Please take a step back and confirm you're making "
    "forward progress. If not, take a step back, analyze your previous actions and rethink how you're approaching the problem. Avoid "
    "repeating the same tool calls or responses without new results."
)


def call(w, name, **args):
    return {"functionCall": {"id": "fc" + w.ids.hexn(6), "name": name, "args": args}}


def back(part, out):
    f = part["functionCall"]
    return {
        "functionResponse": {
            "id": f["id"],
            "name": f["name"],
            "response": {"output": out},
        }
    }


@sit(
    "gemini",
    "document-of-2025",
    "One JSON document, contents as strings, tool calls within the messages.",
    TYPES + "; oneryalcin/gemini-cli-sdk#10",
    "Three turns.",
)
def _(w):
    g, ts = w.gemini(day=(2025, 11, 4)), w.ts(3)
    for t in ts:
        g.m("user", t.q)
        g.say(
            "",
            toolCalls=[g.tc(t.cmd, t.out)],
            thoughts=[
                {
                    "subject": "Looking",
                    "description": "I look at it.",
                    "timestamp": g.now(),
                }
            ],
        )
        g.say(t.a)
    w.put(g.path_of("json", hashlib.sha256(b"tracker").hexdigest()), g.legacy())
    return [S(t) for t in ts]


@sit(
    "gemini",
    "versions-of-a-message",
    "JSONL: the same id again and again while calls run and text grows.",
    REC,
    "The last version counts.",
)
def _(w):
    g, t = w.gemini(), w.t()
    g.user(t.q)
    tc = g.tc(t.cmd, None, status="executing")
    i = g.say("I'll run", toolCalls=[])["id"]
    g.say("I'll run it first.", id=i, toolCalls=[tc])
    g.say("I'll run it first.", id=i, toolCalls=[g.tc(t.cmd, t.out)])
    i = g.say(t.a[:30])["id"]
    g.say(t.a, id=i)
    w.save(g)
    return [S(t)]


@sit(
    "gemini",
    "cancelled-in-the-text",
    "Cancelled while the text came; then another question.",
    "requirement (Request cancelled.)",
    "What was cancelled is no answer.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.user(t.q)
    g.tools((t.cmd, t.out))
    g.say(t.a[:70])
    g.m("info", "Request cancelled.")
    g.turn(u)
    w.save(g)
    return [S(u, ex=[t.q])]


@sit(
    "gemini",
    "cancelled-call",
    "A call is cancelled and the turn ends there.",
    TYPES + " (status cancelled)",
    "No answer.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    g.user(u.q)
    tc = g.tc("rm -rf build", None, status="cancelled")
    tc["result"] = [
        {
            "functionResponse": {
                "id": tc["id"],
                "name": tc["name"],
                "response": {
                    "error": "[Operation Cancelled] Reason: User did not allow tool call"
                },
            }
        }
    ]
    g.say("I'll clean the build folder before I start with it.", toolCalls=[tc])
    w.save(g)
    return [S(t)]


@sit(
    "gemini",
    "rewound-to-the-second",
    "Of three turns the person rewinds to the second and asks otherwise.",
    REC + " ($rewindTo)",
    "What was taken back goes, what is before stays.",
)
def _(w):
    g, ts = w.gemini(), w.ts(4)
    g.turn(ts[0])
    here = g.user(ts[1].q)["id"]
    g.say(ts[1].a)
    g.turn(ts[2])
    g.put({"$rewindTo": here})
    g.turn(ts[3])
    w.save(g)
    return [S(ts[0]), S(ts[3])]


@sit(
    "gemini",
    "compressed-between",
    "Compression replaces the list by a snapshot, then two more turns.",
    "requirement; " + REC,
    "Every turn of the file counts; the snapshot is no request.",
)
def _(w):
    g, ts = w.gemini(), w.ts(4)
    g.turn(ts[0])
    g.turn(ts[1])
    snap = "<state_snapshot>\n<overall_goal>\nAnswer questions.\n</overall_goal>\n<key_knowledge>\n- two were answered\n</key_knowledge>\n</state_snapshot>"
    new = [
        {
            "id": w.ids.uuid(),
            "timestamp": g.now(),
            "type": "user",
            "content": [{"text": snap}],
        },
        {
            "id": w.ids.uuid(),
            "timestamp": g.now(),
            "type": "gemini",
            "content": [{"text": "Got it. Thanks for the additional context!"}],
            "model": "gemini-3-pro-preview",
        },
    ]
    g.set(messages=new, lastUpdated=g.now())
    g.turn(ts[2])
    g.turn(ts[3])
    w.save(g)
    return [S(t, ex=["state_snapshot"]) for t in ts]


@sit(
    "gemini",
    "compressed-keeping-some",
    "The compressed list keeps the newest messages with their ids.",
    REC,
    "Those kept count once.",
)
def _(w):
    g, ts = w.gemini(), w.ts(3)
    g.turn(ts[0])
    n = len(g.messages)
    g.turn(ts[1])
    new = [
        {
            "id": w.ids.uuid(),
            "timestamp": g.now(),
            "type": "user",
            "content": [
                {
                    "text": "<state_snapshot>\n<overall_goal>x</overall_goal>\n</state_snapshot>"
                }
            ],
        },
        {
            "id": w.ids.uuid(),
            "timestamp": g.now(),
            "type": "gemini",
            "content": "Got it. Thanks for the additional context!",
        },
    ]
    g.set(messages=new + g.messages[n:])
    g.turn(ts[2])
    w.save(g)
    return [S(t) for t in ts]


@sit(
    "gemini",
    "subagent-in-its-folder",
    "A sub-agent's file below the session's id, kind subagent.",
    REC,
    "Left out.",
    unordered=True,
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    s = w.gemini(kind="subagent")
    s.turn(u)
    w.save(g)
    w.save(s, f"tmp/tracker/chats/{g.sid}/{s.sid}.jsonl")
    return [S(t)]


@sit(
    "gemini",
    "subagent-by-kind-only",
    "A file of the kind subagent lies among the sessions; one of the kind main lies in a folder of its own.",
    "requirement: by what the record says",
    "The kind decides.",
    unordered=True,
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    s = w.gemini(kind="subagent", day=(2026, 5, 20))
    s.turn(u)
    w.save(
        g,
        f"tmp/tracker/chats/{w.ids.uuid()}/session-2026-05-19T10-20-{g.sid[:8]}.jsonl",
    )
    w.save(s)
    return [S(t)]


@sit(
    "gemini",
    "loop-detected",
    "The tool writes that a loop was detected; the model changes its way and ends.",
    "google-gemini/gemini-cli packages/core/src/core/client.ts (_recoverFromLoop)",
    "The sentence is the tool's; the turn goes on. Leaving it out is accepted.",
)
def _(w):
    g, t = w.gemini(), w.t()
    g.user(t.q)
    for _i in range(3):
        g.tools((t.cmd, t.out))
    g.user(LOOP)
    g.tools(("git status", "clean"))
    g.say(t.a)
    w.save(g)
    w.also = [[]]
    return [S(t, ex=["Potential loop detected"])]


@sit(
    "gemini",
    "please-continue",
    "After an invalid stream the tool writes System: Please continue.",
    "google-gemini/gemini-cli packages/core/src/core/client.ts (INVALID_STREAM)",
    "The tool's; the turn goes on. Leaving it out is accepted.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.user(t.q)
    g.tools((t.cmd, t.out))
    g.user("System: Please continue.")
    g.say(t.a)
    g.turn(u)
    w.save(g)
    w.also = [[S(u)]]
    return [S(t, ex=["System: Please continue."]), S(u)]


@sit(
    "gemini",
    "parts-in-contents",
    "Calls and results as parts of contents, thought parts between.",
    "google-gemini/gemini-cli geminiChat.ts",
    "They are calls and results; thoughts are no answer.",
)
def _(w):
    g, t = w.gemini(), w.t()
    p = call(w, "read_file", file_path="a.py")
    q = call(w, "run_shell_command", command=t.cmd)
    g.user(t.q)
    g.say(
        [
            {"text": "**Reading** I start with the file.", "thought": True},
            {"text": "I'll read the file."},
            p,
            q,
        ]
    )
    g.user([back(p, "x = 1"), back(q, t.out)])
    g.say([{"text": "Now it is clear what to say.", "thought": True}, {"text": t.a}])
    w.save(g)
    return [S(t, no=["Now it is clear what to say."])]


@sit(
    "gemini",
    "file-inlined",
    "A file named with @: displayContent holds what was typed, content the file too.",
    TYPES + " (displayContent)",
    "The request is what was typed; the file's text stays as context.",
)
def _(w):
    g = w.gemini()
    q, a = (
        "What is the longest a guest may wait according to @waits.yml ?",
        "Forty minutes: the file gives 25 for the desk and 15 for the lift, and they are walked through one after the other.",
    )
    g.m(
        "user",
        [
            {"text": q},
            {"text": "\n--- Content from referenced files ---"},
            {"text": "\nContent from @waits.yml:\n"},
            {"text": "desk_minutes: 25\nlift_minutes: 15\n"},
            {"text": "\n--- End of content ---"},
        ],
        displayContent=[{"text": q}],
    )
    g.say(a)
    w.save(g)
    return [S(req=[q], ans=a, ctx=["lift_minutes: 15"])]


@sit(
    "gemini",
    "commands-between",
    "/stats and /model between turns, with what the tool printed.",
    "requirement (/commands)",
    "No turns; nothing is glued to the answer before.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    g.user("/stats")
    g.m("info", "Session: 3 requests")
    g.user("/model set flash")
    g.m("info", "Model set to flash")
    g.turn(u)
    w.save(g)
    return [S(t), S(u)]


@sit(
    "gemini",
    "command-with-reply",
    "A command that sends a prompt of its own: the model replies to it.",
    "requirement (/commands)",
    "The reply is neither the answer before nor a sample.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    g.user("/review:security")
    g.say(
        "I have gone through the change: there is no input that reaches the shell unquoted."
    )
    g.turn(u)
    w.save(g)
    return [S(t), S(u)]


@sit(
    "gemini",
    "quota-error",
    "The quota ends the turn with an error; the same is asked later.",
    PUBLIC,
    "An error is no answer.",
)
def _(w):
    g, t = w.gemini(), w.t()
    g.user(t.q)
    g.tools((t.cmd, t.out), text="First a look at the file.")
    g.m(
        "error",
        "[API Error: You have exhausted your capacity on this model. Your quota will reset after 2h.]",
    )
    g.turn(t)
    w.save(g)
    return [S(t)]


@sit(
    "gemini",
    "resumed-into-jsonl",
    "An old document was resumed: both files lie there, the newer longer.",
    REC + " (migration)",
    "Each turn once.",
    unordered=True,
)
def _(w):
    g, ts = w.gemini(), w.ts(3)
    g.turn(ts[0])
    g.turn(ts[1])
    w.put(g.path_of("json"), g.legacy(kind="main"))
    g.set(sessionId=g.sid)
    g.turn(ts[2])
    w.save(g)
    return [S(t) for t in ts]


@sit(
    "gemini",
    "session-context",
    "The session's context as first message, with an acknowledgement.",
    PUBLIC,
    "The tool's; its acknowledgement is no sample.",
)
def _(w):
    g, t = w.gemini(), w.t()
    g.user(
        "<session_context>\nThis is the Gemini CLI. We are setting up the context for our chat.\nToday's date is Tuesday, May 19, 2026 (formatted according to the user's locale).\nMy operating system is: linux\n</session_context>"
    )
    g.turn(t)
    w.save(g)
    return [S(t, ex=["setting up the context"])]


@sit(
    "gemini",
    "old-session-context",
    "The same as 2025 wrote it: without a tag, and with a reply.",
    PUBLIC,
    "The tool's.",
)
def _(w):
    g, t = w.gemini(day=(2025, 9, 12)), w.t()
    g.m(
        "user",
        "This is the Gemini CLI. We are setting up the context for our chat.\nToday's date is Friday, September 12, 2025 (formatted according to the user's locale).\nMy operating system is: darwin\nI'm currently working in the directory: /srv/tracker\nHere is the folder structure of the current working directories:\n\nShowing up to 200 items.",
    )
    g.say("Got it. Thanks for the context!")
    g.m("user", t.q)
    g.say(t.a)
    w.put(g.path_of("json"), g.legacy())
    return [S(t)]


@sit(
    "gemini",
    "hook-context",
    "A hook's context is a part of its own behind the prompt.",
    "google-gemini/gemini-cli hooks (hook_context)",
    "Not the person's words.",
)
def _(w):
    g, t = w.gemini(), w.t()
    g.user(
        [
            {"text": t.q},
            {
                "text": "\n\n<hook_context>The branch is protected since Monday.</hook_context>"
            },
        ]
    )
    g.tools((t.cmd, t.out))
    g.say(t.a)
    w.save(g)
    return [S(t, ex=["protected since Monday"])]


@sit(
    "gemini",
    "picture-alone",
    "A picture without words and a reply; then a question.",
    "requirement (image-only prompts)",
    "Nothing was asked in words.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    g.user(
        [
            {
                "inlineData": {
                    "mimeType": "image/png",
                    "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB",
                }
            }
        ]
    )
    g.say("The picture shows a wiring plan with two relays and a fuse.")
    g.turn(u)
    w.save(g)
    return [S(t), S(u)]


@sit(
    "gemini",
    "torn-and-gone-on",
    "A line is torn in the middle of the file, which goes on behind it.",
    REC + " (parse errors are ignored)",
    "The turns that are whole count; the one whose answer is torn has none.",
)
def _(w):
    g, ts = w.gemini(), w.ts(3)
    g.turn(ts[0])
    g.user(ts[1].q)
    g.say(ts[1].a)
    g.tear(0.7)
    g.raw(b"\n")
    g.turn(ts[2])
    w.save(g)
    return [S(ts[0]), S(ts[2])]


@sit(
    "gemini",
    "other-files-beside",
    "Checkpoints, logs.json and an unreadable copy lie beside the session.",
    "format notes",
    "They are no sessions.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    w.save(g)
    w.put(
        "tmp/tracker/logs.json",
        [
            {
                "sessionId": g.sid,
                "messageId": 0,
                "type": "user",
                "message": u.q,
                "timestamp": "2026-05-19T10:00:00.000Z",
            }
        ],
    )
    w.put(
        "tmp/tracker/checkpoint-before.json",
        {
            "history": [
                {"role": "user", "parts": [{"text": u.q}]},
                {"role": "model", "parts": [{"text": u.a}]},
            ],
            "authType": "oauth-personal",
        },
    )
    w.put(g.path + ".unreadable-1779000000", b"\x00\x01")
    return [S(t)]


@sit(
    "gemini",
    "slug-and-hash",
    "A session lies under the project's hash and, copied by a newer version, under its name.",
    "format notes (since February 2026 a slug)",
    "Each turn once.",
    unordered=True,
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    g.turn(u)
    w.save(g)
    w.put(g.path_of(folder=hashlib.sha256(b"tracker").hexdigest()), g.data())
    return [S(t), S(u)]


@sit(
    "gemini",
    "warnings-and-infos",
    "Infos and warnings of the tool within a turn and after it.",
    TYPES,
    "They are neither requests nor answers.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.user(t.q)
    g.m("warning", "⚠️ Response truncated due to token limits in an earlier request.")
    g.m("info", "Switched to gemini-3-flash for the rest of this session.")
    g.tools((t.cmd, t.out))
    g.say(t.a)
    g.m("info", "Update available! 0.45.0 → 0.46.1")
    g.turn(u)
    w.save(g)
    return [S(t), S(u)]


@sit(
    "gemini",
    "killed-in-calls",
    "The last line shows a call that still runs, with words before it.",
    PUBLIC,
    "An announcement is no answer.",
)
def _(w):
    g, t, u = w.gemini(), w.t(), w.t()
    g.turn(t)
    g.user(u.q)
    g.say(
        "I will run the whole test suite to see which of them fail.",
        toolCalls=[g.tc("make test", None, status="executing")],
    )
    w.save(g)
    return [S(t)]


@sit(
    "gemini",
    "person-on-loops",
    "A person asks about the tool's sentence.",
    "requirement: anchored, never a bare prefix",
    "A request.",
)
def _(w):
    g = w.gemini()
    q = "System: Potential loop detected. That is what the CLI printed three times today; where in our script could the loop be?"
    a = "In `sync.sh` the retry has no limit: it starts itself again on line 40, whatever the exit status is. Count the tries and stop at five."
    g.user(q)
    g.tools(("cat sync.sh", "exec $0"))
    g.say(a)
    w.save(g)
    return [S(req=["where in our script could the loop be?"], ans=a)]


@sit(
    "gemini",
    "a-working-day",
    "Context, a command, a picture, a cancelled turn, a compression and a rewind in one file.",
    REC + "; requirement",
    "Each rule at once.",
)
def _(w):
    g, ts = w.gemini(), w.ts(5)
    g.user(
        "<session_context>\nThis is the Gemini CLI. We are setting up the context for our chat.\nMy operating system is: linux\n</session_context>"
    )
    g.turn(ts[0])
    g.user("/memory show")
    g.m("info", "Memory is empty.")
    g.user(ts[1].q)
    g.say("I will look at both files before", toolCalls=[])
    g.m("info", "Request cancelled.")
    g.turn(ts[2])
    g.set(
        messages=[
            {
                "id": w.ids.uuid(),
                "timestamp": g.now(),
                "type": "user",
                "content": [
                    {
                        "text": "<state_snapshot>\n<overall_goal>\nwork\n</overall_goal>\n</state_snapshot>"
                    }
                ],
            },
            {
                "id": w.ids.uuid(),
                "timestamp": g.now(),
                "type": "gemini",
                "content": "Got it. Thanks for the additional context!",
            },
        ]
    )
    here = g.user(ts[3].q)["id"]
    g.say(ts[3].a)
    g.put({"$rewindTo": here})
    g.turn(ts[4])
    w.save(g)
    return [S(ts[0]), S(ts[2]), S(ts[4])]
