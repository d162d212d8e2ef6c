"""Record shapes of each tool, so that a situation is a few lines."""

import hashlib
import json
import random


def jd(o, **k):
    return json.dumps(o, ensure_ascii=k.pop("ascii", False), **k)


class Ids:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def uuid(self):
        h = "%032x" % self.r.getrandbits(128)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def hexn(self, n):
        return ("%0*x" % (n, self.r.getrandbits(4 * n)))[:n]


class Lines:
    """A file of lines; `raw` takes bytes as they are. Python's writers put blanks after , and :, the three CLIs do not."""

    sep = None

    def __init__(self):
        self.lines = []
        self.end = b"\n"
        self.head = b""

    def put(self, rec, ascii=False):
        self.lines.append(
            jd(rec, ascii=ascii, separators=self.sep).encode("utf-8", "surrogatepass")
        )

    def raw(self, b):
        self.lines.append(b if isinstance(b, bytes) else b.encode())

    def bytes(self, last_newline=True):
        return (
            self.head
            + self.end.join(self.lines)
            + (self.end if last_newline and self.lines else b"")
        )


class Claude(Lines):
    sep = (",", ":")

    def __init__(self, ids, cwd="/srv/work/app", sid=None, version="2.1.263", day=10):
        super().__init__()
        self.i = ids
        self.sid = sid or ids.uuid()
        self.parent = None
        self.cwd = cwd
        self.version = version
        self.t = 0
        self.day = day
        self.msg = None
        self.calls = 0
        self.side = False
        self.extra = {}

    def now(self):
        self.t += 7
        return f"2026-09-{self.day:02d}T{9 + self.t // 3600:02d}:{self.t // 60 % 60:02d}:{self.t % 60:02d}.{self.t % 997:03d}Z"

    def base(self, typ, **kw):
        u = kw.pop("uuid", None) or self.i.uuid()
        parent = kw.pop("parent", self.parent)
        rec = {
            "parentUuid": parent,
            "isSidechain": self.side,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.sid,
            "version": self.version,
            "gitBranch": "main",
            "type": typ,
            "uuid": u,
            "timestamp": self.now(),
            **self.extra,
            **kw,
        }
        self.parent = u
        return rec

    def user(self, content, **kw):
        ascii = kw.pop("ascii", False)
        rec = self.base("user", message={"role": "user", "content": content}, **kw)
        self.put(rec, ascii)
        self.msg = None
        return rec

    def meta(self, content, **kw):
        return self.user(content, isMeta=True, **kw)

    def block(self, block, stop=None, new=False, **kw):
        ascii = kw.pop("ascii", False)
        if new or self.msg is None:
            self.msg = ("msg_" + self.i.hexn(20), "req_" + self.i.hexn(16))
        model = kw.pop("model", "claude-sonnet-4-5-20250929")
        rec = self.base(
            "assistant",
            requestId=self.msg[1],
            message={
                "id": self.msg[0],
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [block] if isinstance(block, dict) else block,
                "stop_reason": stop,
                "stop_sequence": None,
                "usage": {"input_tokens": 812, "output_tokens": 97},
            },
            **kw,
        )
        self.put(rec, ascii)
        return rec

    def think(self, text, **kw):
        return self.block(
            {"type": "thinking", "thinking": text, "signature": "c2lnbmF0dXJl"}, **kw
        )

    def say(self, text, stop="end_turn", **kw):
        r = self.block({"type": "text", "text": text}, stop=stop, **kw)
        if stop != "tool_use":
            self.msg = None
        return r

    def call(self, name="Bash", inp=None, stop="tool_use", **kw):
        self.calls += 1
        cid = f"toolu_{self.i.hexn(20)}"
        self.block(
            {
                "type": "tool_use",
                "id": cid,
                "name": name,
                "input": inp or {"command": "ls"},
            },
            stop=stop,
            **kw,
        )
        return cid

    def result(self, cid, text, err=False, **kw):
        rec = self.base(
            "user",
            message={
                "role": "user",
                "content": [
                    {
                        "tool_use_id": cid,
                        "type": "tool_result",
                        "content": text,
                        "is_error": err,
                    }
                ],
            },
            toolUseResult=kw.pop(
                "tur",
                {
                    "stdout": text if isinstance(text, str) else "",
                    "stderr": "",
                    "interrupted": False,
                },
            ),
            **kw,
        )
        self.put(rec)
        self.msg = None
        return rec

    def tool(self, cmd, out, lead=None):
        if lead:
            self.say(lead, stop="tool_use")
        self.result(self.call("Bash", {"command": cmd}), out)

    def turn(self, qa, tools=1, lead=None, think=None, **kw):
        self.user(qa[0], **kw)
        if think:
            self.think(think)
        if tools:
            self.tool(qa[2], qa[3], lead)
        self.say(qa[1])

    def att(self, attachment, with_uuid=True, **kw):
        if with_uuid:
            self.put(self.base("attachment", attachment=attachment, **kw))
        else:
            self.put(
                {
                    "type": "attachment",
                    "attachment": attachment,
                    "timestamp": self.now(),
                    "sessionId": self.sid,
                }
            )

    def queued(self, prompt, with_uuid=True, mode="prompt", kind="human", ops=True):
        txt = (
            prompt
            if isinstance(prompt, str)
            else " ".join(b.get("text", "") for b in prompt)
        )
        if ops:
            self.put(
                {
                    "type": "queue-operation",
                    "operation": "enqueue",
                    "timestamp": self.now(),
                    "sessionId": self.sid,
                    "content": txt,
                }
            )
        a = {
            "type": "queued_command",
            "prompt": prompt,
            "commandMode": mode,
            "source_uuid": self.i.uuid(),
        }
        if kind:
            a["origin"] = {"kind": kind}
        if ops:
            self.put(
                {
                    "type": "queue-operation",
                    "operation": "remove",
                    "reason": "absorbed_mid_turn",
                    "timestamp": self.now(),
                    "sessionId": self.sid,
                    "content": txt,
                }
            )
        self.att(a, with_uuid)
        self.msg = None

    def system(self, subtype, **kw):
        self.put(self.base("system", subtype=subtype, **kw))

    def dur(self):
        self.system("turn_duration", durationMs=4200, isMeta=False)

    def path(self):
        return f"projects/{self.cwd.replace('/', '-')}/{self.sid}.jsonl"


class Codex(Lines):
    sep = (",", ":")

    def __init__(
        self,
        ids,
        cwd="/srv/work/app",
        sid=None,
        meta=None,
        day=12,
        modern=True,
        setup=True,
        mirror=True,
    ):
        super().__init__()
        self.i = ids
        self.sid = sid or ids.uuid()
        self.cwd = cwd
        self.t = 0
        self.day = day
        self.n = 0
        self.mirror = mirror
        self.turn_id = None
        if modern:
            m = {
                "id": self.sid,
                "session_id": self.sid,
                "timestamp": self.now(),
                "cwd": cwd,
                "originator": "codex_cli_rs",
                "cli_version": "0.144.1",
                "source": "cli",
                "thread_source": "cli",
                "model_provider": "openai",
                "base_instructions": {"text": "You are Codex, a coding agent."},
                "history_mode": "legacy",
                "git": {"branch": "main"},
            }
            m.update(meta or {})
            self.rec("session_meta", m)
        if setup and modern:
            self.msg(
                "developer",
                "<permissions instructions>\nSandbox: workspace-write.\n</permissions instructions>",
            )
            self.msg(
                "user",
                f"# AGENTS.md instructions for {cwd}\n\n<INSTRUCTIONS>\nRun the tests before you answer.\n</INSTRUCTIONS>",
            )
            self.msg(
                "user",
                f"<environment_context>\n  <cwd>{cwd}</cwd>\n  <shell>bash</shell>\n</environment_context>",
            )

    def now(self):
        self.t += 5
        return f"2026-09-{self.day:02d}T{8 + self.t // 3600:02d}:{self.t // 60 % 60:02d}:{self.t % 60:02d}.{self.t % 991:03d}Z"

    def rec(self, typ, payload):
        self.put({"timestamp": self.now(), "type": typ, "payload": payload})

    def item(self, payload):
        self.rec("response_item", payload)

    def ev(self, typ, **kw):
        self.rec("event_msg", {"type": typ, **kw})

    def start(self):
        self.n += 1
        self.turn_id = f"turn-{self.n}-{self.i.hexn(8)}"
        self.rec(
            "turn_context",
            {
                "turn_id": self.turn_id,
                "cwd": self.cwd,
                "approval_policy": "on-request",
                "model": "gpt-5.2-codex",
                "effort": "medium",
            },
        )
        self.ev("task_started", turn_id=self.turn_id)

    def msg(self, role, content, phase=None):
        if isinstance(content, str):
            content = [
                {
                    "type": "output_text" if role == "assistant" else "input_text",
                    "text": content,
                }
            ]
        p = {"type": "message", "role": role, "content": content}
        if phase:
            p["phase"] = phase
        self.item(p)

    def user(self, text, start=True):
        if start:
            self.start()
        self.msg("user", text)
        if self.mirror:
            t = (
                text
                if isinstance(text, str)
                else "\n".join(c.get("text", "") for c in text)
            )
            self.ev("user_message", message=t, images=[])

    def say(self, text, phase="final_answer", done=True):
        self.msg("assistant", text, phase)
        if self.mirror:
            self.ev("agent_message", message=text)
        if done and phase != "commentary":
            self.done(text)

    def done(self, text=None):
        self.ev("task_complete", turn_id=self.turn_id, last_agent_message=text)

    def reason(self, text, content=None):
        self.item(
            {
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": text}] if text else [],
                "content": content,
                "encrypted_content": None,
            }
        )

    def call(self, cmd):
        cid = "call_" + self.i.hexn(20)
        self.item(
            {
                "type": "function_call",
                "name": "exec_command",
                "arguments": json.dumps({"cmd": cmd, "workdir": self.cwd}),
                "call_id": cid,
            }
        )
        return cid

    def out(self, cid, text):
        self.item({"type": "function_call_output", "call_id": cid, "output": text})

    def tool(self, cmd, out):
        self.out(self.call(cmd), "Exit code: 0\nOutput:\n" + out)

    def turn(self, qa, tools=1):
        self.user(qa[0])
        if tools:
            self.tool(qa[2], qa[3])
        self.say(qa[1])

    def abort(self, tag=True):
        self.ev("turn_aborted", turn_id=self.turn_id, reason="interrupted")
        if tag:
            self.msg(
                "user",
                "<turn_aborted>\nThe user interrupted the previous turn on purpose. Any running unified exec processes may still be running in the background. If any tools/commands were aborted, they may have partially executed.\n</turn_aborted>",
            )

    def path(self):
        return f"sessions/2026/09/{self.day:02d}/rollout-2026-09-{self.day:02d}T08-00-00-{self.sid}.jsonl"


class Gemini(Lines):
    sep = (",", ":")

    def __init__(self, ids, project="app", sid=None, kind="main", day=14, context=True):
        super().__init__()
        self.i = ids
        self.sid = sid or ids.uuid()
        self.project = project
        self.kind = kind
        self.t = 0
        self.day = day
        self.msgs = []
        m = {
            "sessionId": self.sid,
            "projectHash": project,
            "startTime": self.now(),
            "lastUpdated": self.now(),
        }
        if kind:
            m["kind"] = kind
        self.put(m)
        if context:
            self.user(
                "<session_context>\nThis is the Gemini CLI. Today's date is Monday. My operating system is: linux. The project's directory: /srv/work/app\n</session_context>"
            )

    def now(self):
        self.t += 6
        return f"2026-09-{self.day:02d}T{10 + self.t // 3600:02d}:{self.t // 60 % 60:02d}:{self.t % 60:02d}.{self.t % 983:03d}Z"

    def m(self, typ, content, **kw):
        rec = {
            "id": kw.pop("id", None) or self.i.uuid(),
            "timestamp": self.now(),
            "type": typ,
            "content": content,
            **kw,
        }
        self.put(rec)
        self.put({"$set": {"lastUpdated": self.now()}})
        self.msgs.append(rec)
        return rec

    def user(self, text, **kw):
        return self.m("user", [{"text": text}] if isinstance(text, str) else text, **kw)

    def say(self, text, **kw):
        kw.setdefault("thoughts", [])
        kw.setdefault("model", "gemini-3-pro-preview")
        kw.setdefault(
            "tokens",
            {
                "input": 900,
                "output": 80,
                "cached": 0,
                "thoughts": 10,
                "tool": 0,
                "total": 990,
            },
        )
        return self.m("gemini", text, **kw)

    def tc(self, cmd, out, status="success"):
        cid = "run_shell_command-" + self.i.hexn(12)
        res = (
            [
                {
                    "functionResponse": {
                        "id": cid,
                        "name": "run_shell_command",
                        "response": {"output": out},
                    }
                }
            ]
            if out is not None
            else None
        )
        return {
            "id": cid,
            "name": "run_shell_command",
            "args": {"command": cmd},
            "result": res,
            "status": status,
            "timestamp": self.now(),
            "resultDisplay": out or "",
            "displayName": "Shell",
        }

    def tools(self, cmd, out, text=""):
        """As the CLI writes it: the message, then the same id again with the finished call."""
        a = self.tc(cmd, None, "executing")
        rec = self.say(text, toolCalls=[a])
        a2 = dict(
            a,
            result=[
                {
                    "functionResponse": {
                        "id": a["id"],
                        "name": a["name"],
                        "response": {"output": out},
                    }
                }
            ],
            status="success",
            resultDisplay=out,
        )
        new = dict(rec, toolCalls=[a2])
        self.put(new)
        self.msgs[-1] = new
        return new

    def turn(self, qa, tools=1, lead=""):
        self.user(qa[0])
        if tools:
            self.tools(qa[2], qa[3], lead)
        self.say(qa[1])

    def path(self):
        return f"tmp/{self.project}/chats/session-2026-09-{self.day:02d}T10-00-{self.sid[:8]}.jsonl"

    def legacy(self):
        """The whole-file JSON of up to 0.38."""
        return jd(
            {
                "sessionId": self.sid,
                "projectHash": hashlib.sha256(self.project.encode()).hexdigest(),
                "startTime": "2026-01-05T10:00:00.000Z",
                "lastUpdated": "2026-01-05T10:30:00.000Z",
                "messages": self.msgs,
            },
            indent=2,
        ).encode()
