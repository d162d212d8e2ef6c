"""Situations of AFS history, AFS memory and ToolBench."""

import hashlib
import json

from cases import S, sit

AFS = "format notes (AFS)"
API = "OpenAI's and Anthropic's interfaces"
BENCH = "OpenBMB/ToolBench d56fdd8"


def event(w, payload, typ="model", ref=None, **kw):
    raw = json.dumps(payload, ensure_ascii=False)
    e = {
        "id": w.ids.hexn(12),
        "timestamp": "2026-04-11T09:00:00+00:00",
        "type": typ,
        "source": "afs.agent",
        "op": "complete",
        "context_root": "/srv/work/.context",
        "metadata": {"model": "local"},
    }
    if ref:
        e |= {"payload_ref": ref, "payload_preview": raw[:200]}
    else:
        e["payload"] = payload
    e["payload_sha256"] = hashlib.sha256(raw.encode()).hexdigest()
    e.update(kw)
    return e, raw


def lines(*events):
    return "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events)


@sit(
    "history",
    "prompt-and-system",
    "Plain payloads of prompt, system and response, among events of other types.",
    AFS,
    "Each model event is a turn; the system text is context.",
)
def _(w):
    t, u = w.ts(2)
    system = "You answer for the team that looks after the tracker."
    a, _r = event(w, {"prompt": t.q, "system": system, "response": t.a})
    b, _r = event(
        w,
        {"tool": "fs.read", "args": {"path": "a"}, "result": "x"},
        typ="tool",
        op="call",
    )
    c, _r = event(w, {"path": "a", "change": "write"}, typ="fs", op="write")
    d, _r = event(w, {"prompt": u.q, "system": "", "response": u.a})
    w.put("events_20260411.jsonl", lines(a, b, c, d))
    return [S(t, ctx=[system]), S(u)]


@sit(
    "history",
    "messages-of-two-turns",
    "messages with a system text and an earlier turn; the response is a list of blocks with thinking.",
    "requirement; " + API,
    "The last request is learnt, the rest is context.",
)
def _(w):
    t, u = w.ts(2)
    e, _r = event(
        w,
        {
            "messages": [
                {"role": "system", "content": "Be exact about units."},
                {"role": "user", "content": t.q},
                {"role": "assistant", "content": t.a},
                {"role": "user", "content": [{"type": "text", "text": u.q}]},
            ],
            "response": [
                {
                    "type": "thinking",
                    "thinking": "I recall the file.",
                    "signature": "x",
                },
                {"type": "text", "text": u.a},
            ],
        },
    )
    w.put("events_20260411.jsonl", lines(e))
    return [S(u, no=["I recall the file."], ctx=["Be exact about units.", t.q, t.a])]


@sit(
    "history",
    "choices",
    "The response is a whole completion with choices.",
    "requirement; " + API,
    "Its text is the answer, not its JSON.",
)
def _(w):
    t = w.t()
    e, _r = event(
        w,
        {
            "messages": [{"role": "user", "content": t.q}],
            "response": {
                "id": "cmpl-1",
                "object": "chat.completion",
                "choices": [
                    {
                        "index": 0,
                        "message": {
                            "role": "assistant",
                            "content": t.a,
                            "reasoning_content": "Think first.",
                        },
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"total_tokens": 300},
            },
        },
    )
    w.put("events_20260411.jsonl", lines(e))
    return [S(t)]


@sit(
    "history",
    "cut-off-and-calls",
    "A completion that was cut off, one that is a call, and one that is whole.",
    API,
    "Unfinished ends are no answers.",
)
def _(w):
    t, u, v = w.ts(3)
    es = []
    for x, message, why in (
        (t, {"role": "assistant", "content": t.a[:60]}, "length"),
        (
            u,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "run", "arguments": "{}"},
                    }
                ],
            },
            "tool_calls",
        ),
        (v, {"role": "assistant", "content": v.a}, "stop"),
    ):
        es.append(
            event(
                w,
                {
                    "messages": [{"role": "user", "content": x.q}],
                    "response": {
                        "choices": [
                            {"index": 0, "message": message, "finish_reason": why}
                        ]
                    },
                },
            )[0]
        )
    w.put("events_20260411.jsonl", lines(*es))
    return [S(v)]


@sit(
    "history",
    "payload-files",
    "Long payloads in files; one file is gone, one reference leads out of the folder.",
    AFS,
    "Only what lies within the folder is read.",
    unordered=True,
)
def _(w):
    t, u, v = w.ts(3)
    a, raw = event(
        w, {"prompt": t.q, "system": "", "response": t.a}, ref="payloads/a.json"
    )
    b, _r = event(
        w, {"prompt": u.q, "system": "", "response": u.a}, ref="payloads/gone.json"
    )
    c, out = event(
        w,
        {"prompt": v.q, "system": "", "response": v.a},
        ref="payloads/../../outside.json",
    )
    w.put("payloads/a.json", raw)
    w.put("../outside.json", out)
    w.put("events_20260411.jsonl", lines(a, b, c))
    return [S(t)]


@sit(
    "history",
    "same-event-twice",
    "Two days' files repeat an event.",
    AFS,
    "One sample.",
    unordered=True,
)
def _(w):
    t, u = w.ts(2)
    a, _r = event(w, {"prompt": t.q, "system": "", "response": t.a})
    b, _r = event(w, {"prompt": u.q, "system": "", "response": u.a})
    w.put("events_20260411.jsonl", lines(a))
    w.put("events_20260412.jsonl", lines(a, b))
    return [S(t), S(u)]


@sit(
    "history",
    "calls-in-messages",
    "messages with a call and its result before the response; Anthropic's message as the response.",
    API,
    "The response's text is the answer.",
)
def _(w):
    t = w.t()
    e, _r = event(
        w,
        {
            "messages": [
                {"role": "user", "content": t.q},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "I'll look."},
                        {
                            "type": "tool_use",
                            "id": "toolu_1",
                            "name": "run",
                            "input": {"cmd": t.cmd},
                        },
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "toolu_1",
                            "content": t.out,
                        }
                    ],
                },
            ],
            "response": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": t.a}],
                "stop_reason": "end_turn",
            },
        },
    )
    w.put("events_20260411.jsonl", lines(e))
    return [S(t)]


@sit(
    "history",
    "refused",
    "A response that ends in a refusal, and a torn line.",
    API,
    "No answers.",
)
def _(w):
    t, u = w.ts(2)
    e, _r = event(
        w,
        {
            "messages": [{"role": "user", "content": t.q}],
            "response": {
                "type": "message",
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I can help with some of that, but"}
                ],
                "stop_reason": "refusal",
            },
        },
    )
    f, _r = event(w, {"prompt": u.q, "system": "", "response": u.a})
    w.put("events_20260411.jsonl", lines(e) + lines(f)[:-80])
    return []


@sit(
    "memory",
    "names-of-keys",
    "Entries under all the names of keys, with an input.",
    AFS,
    "Each a sample.",
)
def _(w):
    t, u, v = w.ts(3)
    w.put(
        "entries.jsonl",
        lines(
            {"id": "1", "instruction": t.q, "output": t.a, "tags": ["x"]},
            {
                "id": "2",
                "prompt": u.q,
                "input": "It is about the code of last spring.",
                "response": u.a,
                "tags": ["x"],
            },
            {"id": "3", "user": v.q, "assistant": v.a, "labels": ["x"]},
        ),
    )
    return [S(t), S(u, ctx=["It is about the code of last spring."]), S(v)]


@sit(
    "memory",
    "with-and-without-thinking",
    "The same entry with thinking, without, and with empty thinking.",
    "requirement",
    "One sample.",
    unordered=True,
)
def _(w):
    t, u = w.ts(2)
    w.put(
        "entries-1.jsonl",
        lines(
            {"id": "1", "instruction": t.q, "output": t.a},
            {"id": "2", "instruction": u.q, "output": u.a},
        ),
    )
    w.put(
        "entries-2.jsonl",
        lines(
            {
                "id": "3",
                "instruction": t.q,
                "output": t.a,
                "thinking": "The file shows it.",
            },
            {"id": "4", "prompt": t.q, "response": t.a, "thinking": ""},
        ),
    )
    return [S(t), S(u)]


@sit(
    "memory",
    "array-and-torn",
    "A JSON array, and a file of lines whose last is torn.",
    AFS,
    "What is whole counts.",
    unordered=True,
)
def _(w):
    t, u, v = w.ts(3)
    w.put("facts.json", [{"instruction": t.q, "output": t.a, "domain": "x"}])
    w.put(
        "entries.jsonl",
        lines({"instruction": u.q, "output": u.a})
        + lines({"instruction": v.q, "output": v.a})[:-50],
    )
    return [S(t), S(u)]


@sit(
    "memory",
    "notes-without-leave",
    "Notes whose tags say nothing of leave, a graph and an empty file beside an entry.",
    "docs (note_without_leave); " + AFS,
    "Only the entry.",
)
def _(w):
    t = w.t()
    w.put("entries.jsonl", lines({"instruction": t.q, "output": t.a}))
    w.put(
        "notes/standup.md",
        "---\ntitle: Standup\ntags: [team]\n---\n# Standup\n\nWe spoke about the release and about who is away next week.\n",
    )
    w.put("notes/scratch.txt", "")
    w.put(
        "knowledge_graph.json",
        {"nodes": [{"id": "a", "label": "release"}], "edges": []},
    )
    return [S(t)]


@sit(
    "memory",
    "answers-too-short",
    "Answers of a word beside a usable one.",
    "docs (short_answer)",
    "Too short to teach.",
)
def _(w):
    t = w.t()
    w.put(
        "entries.jsonl",
        lines(
            {"instruction": "Is the release out?", "output": "Yes."},
            {"instruction": t.q, "output": t.a},
            {"instruction": "", "output": "An answer to a question nobody has asked."},
        ),
    )
    return [S(t)]


FUNCTIONS = "[{'name': 'trains_for_timetable', 'description': 'Trains of a day', 'parameters': {'type': 'object', 'properties': {'day': {'type': 'string'}}, 'required': ['day'], 'optional': []}}, {'name': 'Finish', 'description': 'End', 'parameters': {'type': 'object', 'properties': {}}}]"
SYSTEM = (
    "You are AutoGPT, you can use many tools(functions) to do the following task.\nSpecifically, you have access to the following APIs: "
    + FUNCTIONS
)
QA = [
    (
        "I travel to Lindau on Friday and want to be there before noon. Which train do I take, and how long is the ride?",
        "Take the 08:04, which arrives at 10:51. The ride takes two hours and 47 minutes and you need not change.",
    ),
    (
        "Plan a Saturday in the botanical garden for two adults and a child. What does it cost, and when does it close?",
        "The three of you pay 19 euros: 8 for each adult and 3 for the child. On Saturdays the garden closes at seven.",
    ),
    (
        "Compare the three phones under 300 euros by battery and weight.",
        "The second has the largest battery with 6,000 mAh but weighs 221 g; the third is the lightest with 168 g and 4,500 mAh. The first lies between them in both.",
    ),
    (
        "Which films with subtitles run near the harbour tonight?",
        "Two: one at 19:30 and one at 21:15, both in the cinema at the old dock. The earlier one still has seats in the middle.",
    ),
]


def finish(answer):
    return json.dumps(
        {"return_type": "give_answer", "final_answer": answer}, ensure_ascii=False
    )


def talk(
    q,
    last,
    names=("system", "user", "assistant", "function"),
    thought="\nThought: I look at the timetable.",
):
    s, u, a, f = names
    return [
        {"from": s, "value": SYSTEM},
        {"from": u, "value": f"\n{q}\nBegin!\n"},
        {
            "from": a,
            "value": f'{thought}\nAction: trains_for_timetable\nAction Input: {{"day": "friday"}}',
        },
        {"from": f, "value": '{"error": "", "response": "[\'08:04 to 10:51\']"}'},
        {"from": a, "value": last},
    ]


def tree_file(
    q, last, how="function_call", thought="I look at the timetable.", valid=True, **more
):
    def act(name, args):
        if how == "function_call":
            return {"function_call": {"name": name, "arguments": args}}
        return {
            "tool_calls": [
                {
                    "id": "call_" + name,
                    "type": "function",
                    "function": {"name": name, "arguments": args},
                }
            ]
        }

    result = {
        "role": "function",
        "name": "trains_for_timetable",
        "content": '{"error": "", "response": "08:04 to 10:51"}',
    }
    if how != "function_call":
        result = {
            "role": "tool",
            "tool_call_id": "call_trains_for_timetable",
            "content": result["content"],
        }
    messages = [
        {"role": "system", "content": "You are AutoGPT."},
        {"role": "user", "content": f"\n{q}\nBegin!\n"},
        {"role": "assistant", "content": thought},
        {
            "role": "assistant",
            "content": None,
            **act("trains_for_timetable", '{"day": "friday"}'),
        },
        result,
        {"role": "assistant", "content": None, **act("Finish", last)},
    ]
    if thought is None:
        del messages[2]
    train = [messages[:4] if thought else messages[:3], messages]
    return {
        "win": valid,
        "try_count": 1,
        "trys": [],
        "forward_args": {},
        "answer_generation": {
            "valid_data": valid,
            "query": q,
            "final_answer": last,
            "function": [],
            "train_messages": train,
            **more,
        },
    }


@sit(
    "toolbench",
    "prefixes",
    "The released rows: growing prefixes of two trajectories.",
    BENCH,
    "The longest of each query.",
)
def _(w):
    rows = []
    for q, a in QA[:2]:
        full = talk(
            q, f"\nThought: That is all.\nAction: Finish\nAction Input: {finish(a)}"
        )
        rows += [
            {"id": f"Step {n}: {q}", "conversations": full[:k]}
            for n, k in ((2, 3), (4, 5))
        ]
    w.put("toolllama_G123_dfs_train.json", rows)
    return [S(req=[q], ans=a) for q, a in QA[:2]]


@sit(
    "toolbench",
    "other-names",
    "The names human, gpt and tool, and steps without a thought.",
    "requirement",
    "Read like the others.",
)
def _(w):
    q, a = QA[0]
    w.put(
        "toolllama_G123_dfs_eval.json",
        [
            {
                "id": f"Step 4: {q}",
                "conversations": talk(
                    q,
                    f"\nAction: Finish\nAction Input: {finish(a)}",
                    ("system", "human", "gpt", "tool"),
                    thought="",
                ),
            }
        ],
    )
    return [S(req=[q], ans=a)]


@sit(
    "toolbench",
    "quotes-and-line-ends",
    "Final answers in single quotes, and with raw line ends within the JSON string.",
    "requirement",
    "Both are read.",
    unordered=True,
)
def _(w):
    (q1, a1), (q2, a2) = QA[2], QA[3]
    single = "{'return_type': 'give_answer', 'final_answer': '" + a1 + "'}"
    b = a2.replace(". ", ".\n")
    raw = '{"return_type": "give_answer", "final_answer": "' + b + '"}'
    w.put(
        "toolllama_G123_dfs_train.json",
        [
            {
                "id": f"Step 4: {q}",
                "conversations": talk(
                    q, f"\nThought: Done.\nAction: Finish\nAction Input: {x}"
                ),
            }
            for q, x in ((q1, single), (q2, raw))
        ],
    )
    return [S(req=[q1], ans=a1), S(req=[q2], ans=b)]


@sit(
    "toolbench",
    "answer-folder-itself",
    "Pointed at the folder of answers: only numbered files lie in it.",
    "requirement (--dataset-dir …/G1_answer)",
    "They are read.",
    unordered=True,
)
def _(w):
    for i, (q, a) in enumerate(QA[:3]):
        w.put(
            f"{40 + i}_ChatGPT_DFS_woFilter_w2.json",
            tree_file(q, finish(a), thought=None if i == 1 else "I look."),
        )
    return [S(req=[q], ans=a) for q, a in QA[:3]]


@sit(
    "toolbench",
    "answer-tree",
    "answer/G2_answer with DFS and CoT files of one query and an invalid one, instructions beside.",
    BENCH,
    "One sample a query; an invalid trajectory is none.",
    unordered=True,
)
def _(w):
    (q, a), (r, b) = QA[0], QA[1]
    w.put("answer/G2_answer/7_ChatGPT_DFS_woFilter_w2.json", tree_file(q, finish(a)))
    w.put("answer/G2_answer/7_CoT@1.json", tree_file(q, finish(a)))
    w.put(
        "answer/G2_answer/8_ChatGPT_DFS_woFilter_w2.json",
        tree_file(r, finish(b), valid=False),
    )
    w.put(
        "instruction/G2_query.json",
        [{"api_list": [], "query": QA[3][0], "relevant APIs": [], "query_id": 9}],
    )
    w.also = [[S(req=[q], ans=a), S(req=[r], ans=b)]]
    return [S(req=[q], ans=a)]


@sit(
    "toolbench",
    "tool-calls",
    "Answers whose calls are tool_calls with ids.",
    "requirement",
    "Read like function_call.",
)
def _(w):
    q, a = QA[2]
    w.put(
        "answer/G3_answer/12_DFS.json",
        tree_file(q, finish(a), how="tool_calls", finish_type="give_answer"),
    )
    return [S(req=[q], ans=a)]


@sit(
    "toolbench",
    "gave-up",
    "give_up_and_restart, and an apology given as an answer.",
    "requirement (apologies are gave_up)",
    "Neither teaches to answer.",
)
def _(w):
    (q, _a), (r, _b), (s, c) = QA[:3]
    sorry = "I'm sorry, but I was not able to find the information you asked for. Please try again later."
    ends = (
        (q, json.dumps({"return_type": "give_up_and_restart"})),
        (r, finish(sorry)),
        (s, finish(c)),
    )
    w.put(
        "toolllama_G123_dfs_train.json",
        [
            {
                "id": f"Step 4: {x}",
                "conversations": talk(
                    x, f"\nThought: End.\nAction: Finish\nAction Input: {y}"
                ),
            }
            for x, y in ends
        ],
    )
    return [S(req=[s], ans=c)]


@sit(
    "toolbench",
    "sorry-but-answered",
    "An answer that begins with regret about one part and gives the rest.",
    "requirement",
    "It says something: an answer, not an apology alone.",
)
def _(w):
    q = QA[1][0]
    a = "Unfortunately the garden does not list a price for children. Two adults pay 16 euros together, and on Saturdays it closes at seven; the last entry is at half past six."
    w.put(
        "toolllama_G123_dfs_train.json",
        [
            {
                "id": f"Step 4: {q}",
                "conversations": talk(
                    q, f"\nThought: Done.\nAction: Finish\nAction Input: {finish(a)}"
                ),
            }
        ],
    )
    return [S(req=[q], ans=a)]


@sit(
    "toolbench",
    "tree-of-details",
    "Converted predictions: final_answer and a tree of answer_details.",
    "OpenBMB/ToolBench toolbench/tooleval/convert_to_answer_format.py, evaluation/dataclass.py",
    "Query and final answer; messages cut in the tree do not cut the answer.",
    unordered=True,
)
def _(w):
    out = {}
    for i, (q, a) in enumerate(QA[:2]):
        node = {
            "role": "tool",
            "message": str({"name": "Finish", "arguments": finish(a), "response": ""}),
            "next": [],
        }
        node = {
            "role": "tool",
            "message": str(
                {
                    "name": "trains_for_timetable",
                    "arguments": '{"day": "friday"}',
                    "response": "08:04",
                }
            ),
            "next": [node],
        }
        node = {
            "role": "assistant",
            "message": "I look at the timetable.",
            "next": [node],
        }
        node = {"role": "user", "message": q, "next": [node]}
        if i:  # the first writer cut each message after 100 characters
            cut = node
            while cut["next"]:
                cut["message"] = cut["message"][:100]
                cut = cut["next"][0]
            cut["message"] = cut["message"][:100]
        out[str(300 + i)] = {
            "query": q,
            "available_tools": [],
            "answer": {
                "method": "DFS_woFilter_w2",
                "total_steps": 4,
                "final_answer": finish(a),
                "answer_details": [{"role": "system", "message": "", "next": [node]}],
            },
        }
    w.put("G1_instruction.json", out)
    return [S(req=[q], ans=a) for q, a in QA[:2]]


@sit(
    "toolbench",
    "list-of-pairs",
    "Dataset without a final Finish: the trajectory ends in a result.",
    BENCH,
    "It ends nowhere.",
)
def _(w):
    (q, _a), (r, b) = QA[0], QA[3]
    w.put(
        "toolllama_G123_dfs_train.json",
        [
            {"id": f"Step 3: {q}", "conversations": talk(q, "")[:4]},
            {
                "id": f"Step 4: {r}",
                "conversations": talk(
                    r, f"\nThought: Done.\nAction: Finish\nAction Input: {finish(b)}"
                ),
            },
        ],
    )
    return [S(req=[r], ans=b)]
