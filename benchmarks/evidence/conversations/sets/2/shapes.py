"""Builders of the logs' record shapes: Claude Code, Codex CLI, Gemini CLI."""

import hashlib
import json
import random


def jd(o, ascii=False):
    return json.dumps(o, ensure_ascii=ascii, separators=(",", ":"))


class Ids:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def hexn(self, n):
        return "".join(self.r.choice("0123456789abcdef") for _ in range(n))

    def uuid(self):
        h = self.hexn(32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def uuid7(self):
        h = self.hexn(32)
        return f"019{h[3:8]}-{h[8:12]}-7{h[13:16]}-b{h[17:20]}-{h[20:]}"

    def b58(self, n):
        return "".join(
            self.r.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz123456789")
            for _ in range(n)
        )


class Log:
    """A JSONL file under construction: records, raw bytes, a clock."""

    newline = b"\n"

    def __init__(self, ids, day=(2026, 6, 3)):
        self.ids, self.day, self.t, self.parts = ids, day, 0, []

    def now(self):
        self.t += 7 + self.t % 5
        h, rest = divmod(self.t, 3600)
        y, m, d = self.day
        return f"{y}-{m:02d}-{d:02d}T{8 + h:02d}:{rest // 60:02d}:{rest % 60:02d}.{(self.t * 37) % 1000:03d}Z"

    def put(self, rec, ascii=False):
        self.parts.append(
            jd(rec, ascii).encode("utf-8", "surrogatepass") + self.newline
        )
        return rec

    def raw(self, data):
        self.parts.append(data if isinstance(data, bytes) else data.encode())

    def tear(self, keep):
        """Cut the last record after a share of its bytes: the disk was full, the process died."""
        last = self.parts.pop()
        self.parts.append(last[: max(1, int(len(last) * keep))])

    def data(self):
        return b"".join(self.parts)


MODELS = {
    "1": "claude-opus-4-20250514",
    "2.0": "claude-sonnet-4-5-20250929",
    "2.1": "claude-opus-4-6",
    "2.3": "claude-opus-4-6",
}


class Claude(Log):
    def __init__(
        self,
        ids,
        cwd="/srv/work/shop",
        version="2.1.140",
        day=(2026, 6, 3),
        sid=None,
        **common,
    ):
        super().__init__(ids, day)
        self.cwd, self.version, self.sid = cwd, version, sid or ids.uuid()
        self.last, self.common, self.mid, self.req = None, common, None, None
        self.model = next(
            v for k, v in sorted(MODELS.items(), reverse=True) if version.startswith(k)
        )

    @property
    def path(self):
        slug = "".join(c if c.isalnum() else "-" for c in self.cwd)
        return f"projects/{slug}/{self.sid}.jsonl"

    def rec(self, typ, parent="*", **kw):
        r = {
            "parentUuid": self.last if parent == "*" else parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.sid,
            "version": self.version,
            "gitBranch": "main",
            "type": typ,
            "uuid": self.ids.uuid(),
            "timestamp": self.now(),
        }
        r.update(self.common)
        r.update(kw)
        self.put(r)
        self.last = r["uuid"]
        return r

    def user(self, content, **kw):
        return self.rec("user", message={"role": "user", "content": content}, **kw)

    def meta(self, content, **kw):
        return self.user(content, isMeta=True, **kw)

    def block(self, b, stop=None, new=True, **kw):
        if new or not self.mid:
            self.mid, self.req = (
                "msg_01" + self.ids.b58(22),
                "req_011C" + self.ids.b58(20),
            )
        msg = {
            "id": self.mid,
            "type": "message",
            "role": "assistant",
            "model": kw.pop("model", self.model),
            "content": [b],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 4,
                "cache_read_input_tokens": 18000 + self.t,
                "output_tokens": 90 + self.t % 400,
            },
        }
        return self.rec("assistant", message=msg, requestId=self.req, **kw)

    def think(self, text, new=True, **kw):
        return self.block(
            {"type": "thinking", "thinking": text, "signature": self.ids.b58(60)},
            new=new,
            **kw,
        )

    def say(self, text, stop="end_turn", new=True, **kw):
        return self.block({"type": "text", "text": text}, stop=stop, new=new, **kw)

    def call(self, name, new=True, stop="tool_use", **inp):
        cid = "toolu_01" + self.ids.b58(22)
        self.block(
            {"type": "tool_use", "id": cid, "name": name, "input": inp},
            stop=stop,
            new=new,
        )
        return cid

    def result(self, cid, out, error=False, **kw):
        b = {"tool_use_id": cid, "type": "tool_result", "content": out}
        if error or self.t % 2:  # some tools write it always
            b["is_error"] = error
        kw.setdefault(
            "toolUseResult",
            f"Error: {out}"
            if error
            else {
                "stdout": out if isinstance(out, str) else "",
                "stderr": "",
                "interrupted": False,
            },
        )
        return self.user([b], **kw)

    def bash(self, cmd, out, lead=None, error=False):
        if lead:
            self.say(lead, stop="tool_use")
        cid = self.call("Bash", new=not lead, command=cmd, description="Run a command")
        self.result(cid, out, error)

    def turn(self, t, steps=1, lead=None, think=None):
        self.user(t.q)
        if think:
            self.think(think)
        for i in range(steps):
            self.bash(
                t.cmd + (f" | tail -{40 - i}" if i else ""),
                t.out,
                lead if i == 0 else None,
            )
        self.say(t.a)
        self.done()

    def done(self):
        if self.version.startswith("2.1"):
            self.rec(
                "system",
                subtype="turn_duration",
                durationMs=1000 * self.t,
                isMeta=False,
            )

    def bare(self, typ, **kw):
        self.put({"type": typ, **kw, "sessionId": self.sid})

    def queue(self, op, content=None):
        r = {
            "type": "queue-operation",
            "operation": op,
            "timestamp": self.now(),
            "sessionId": self.sid,
        }
        if content is not None:
            r["content"] = content
        self.put(r)

    def queued(self, prompt, mode="prompt", kind="human", uuid=True, rendered=None):
        att = {"type": "queued_command", "prompt": prompt, "commandMode": mode}
        if kind:
            att["origin"] = {"kind": kind}
        if uuid:
            extra = {"rendered": rendered} if rendered else {}
            return self.rec("attachment", attachment=att, **extra)
        self.put(
            {
                "type": "attachment",
                "attachment": att,
                "timestamp": self.now(),
                "sessionId": self.sid,
            }
        )

    def command(self, name, args="", out=None):
        body = f"<command-name>/{name}</command-name>\n            <command-message>{name}</command-message>\n            <command-args>{args}</command-args>"
        self.user(body)
        if out is not None:
            self.user(f"<local-command-stdout>{out}</local-command-stdout>")

    def compact(self, summary, trigger="auto", follow=False):
        logical = self.last
        self.rec(
            "system",
            parent=None,
            logicalParentUuid=logical,
            subtype="compact_boundary",
            content="Conversation compacted",
            isMeta=False,
            level="info",
            compactMetadata={"trigger": trigger, "preTokens": 155000 + self.t},
        )
        text = (
            "This session is being continued from a previous conversation that ran out of context. The summary below covers the "
            f"earlier portion of the conversation.\n\nSummary:\n{summary}"
        )
        if follow:
            text += (
                "\n\nPlease continue the conversation from where we left off without asking the user any further questions. "
                "Continue with the last task that you were asked to work on."
            )
        self.user(text, isCompactSummary=True, isVisibleInTranscriptOnly=True)


class Codex(Log):
    def __init__(
        self,
        ids,
        cwd="/srv/work/indexer",
        version="0.144.2",
        day=(2026, 7, 8),
        sid=None,
        events=True,
        meta=None,
        head=True,
    ):
        super().__init__(ids, day)
        self.cwd, self.version, self.sid, self.events = (
            cwd,
            version,
            sid or ids.uuid7(),
            events,
        )
        self.tid = None
        if head:
            self.head(meta)

    def head(self, meta=None, sid=None):
        m = {
            "id": sid or self.sid,
            "timestamp": self.now(),
            "cwd": self.cwd,
            "originator": "codex_cli_rs",
            "cli_version": self.version,
            "source": "cli",
            "model_provider": "openai",
        }
        m.update(meta or {})
        self.line("session_meta", m)

    @property
    def path(self):
        y, m, d = self.day
        return f"sessions/{y}/{m:02d}/{d:02d}/rollout-{y}-{m:02d}-{d:02d}T09-15-30-{self.sid}.jsonl"

    def line(self, typ, payload):
        return self.put({"timestamp": self.now(), "type": typ, "payload": payload})

    def item(self, payload):
        return self.line("response_item", payload)

    def ev(self, typ, **kw):
        return self.line("event_msg", {"type": typ, **kw})

    def start(self):
        self.tid = self.ids.uuid7()
        if self.events:
            self.ev("task_started", turn_id=self.tid, model_context_window=272000)
            self.line(
                "turn_context",
                {
                    "turn_id": self.tid,
                    "cwd": self.cwd,
                    "approval_policy": "on-request",
                    "sandbox_policy": {"type": "workspace-write"},
                    "model": "gpt-5.3-codex",
                    "effort": "medium",
                    "summary": "auto",
                },
            )

    def msg(self, role, *texts, phase=None, raw=None):
        kind = "output_text" if role == "assistant" else "input_text"
        content = raw if raw is not None else [{"type": kind, "text": x} for x in texts]
        p = {"type": "message", "role": role, "content": content}
        if phase:
            p["phase"] = phase
        self.item(p)

    def context(self):
        self.msg(
            "developer",
            "<permissions instructions>\nFilesystem sandboxing is on.\n</permissions instructions>",
        )
        self.msg(
            "user",
            f"# AGENTS.md instructions for {self.cwd}\n\n<INSTRUCTIONS>\nRun the linter before you answer.\n</INSTRUCTIONS>",
            f"<environment_context>\n  <cwd>{self.cwd}</cwd>\n  <shell>bash</shell>\n</environment_context>",
        )

    def user(self, text, start=True, mirror=True):
        if start:
            self.start()
        self.msg("user", text)
        if mirror:
            self.ev(
                "user_message",
                message=text,
                images=[],
                local_images=[],
                text_elements=[],
            )

    def say(self, text, phase="final_answer", done=True):
        self.ev("agent_message", message=text, phase=phase) if phase else self.ev(
            "agent_message", message=text
        )
        self.msg("assistant", text, phase=phase)
        if done and self.events:
            self.ev("task_complete", turn_id=self.tid, last_agent_message=text)

    def note(self, text):
        self.say(text, phase="commentary", done=False)

    def reason(self, text, content=None):
        self.item(
            {
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": text}] if text else [],
                "content": content,
                "encrypted_content": None if content else "gAAAAAB" + self.ids.b58(40),
            }
        )

    def call(self, cmd):
        cid = "call_" + self.ids.b58(24)
        self.item(
            {
                "type": "function_call",
                "name": "exec_command",
                "arguments": jd({"cmd": cmd, "workdir": self.cwd}),
                "call_id": cid,
            }
        )
        return cid

    def out(self, cid, text):
        self.item(
            {
                "type": "function_call_output",
                "call_id": cid,
                "output": f"Chunk ID: {self.ids.hexn(6)}\nWall time: 0.0{self.t % 10}12 seconds\nProcess exited with code 0\nOutput:\n{text}",
            }
        )

    def tool(self, cmd, out):
        self.out(self.call(cmd), out)

    def turn(self, t, steps=1, note=None):
        self.user(t.q)
        if note:
            self.note(note)
        for i in range(steps):
            self.tool(t.cmd + (f" | sed -n {i}p" if i else ""), t.out)
        self.say(t.a)

    def aborted(self, marker=True, reason="interrupted"):
        if marker:
            self.msg(
                "user",
                "<turn_aborted>\nThe user interrupted the previous turn on purpose. Any running unified exec processes may still be running in the background. If any tools/commands were aborted, they may have partially executed.\n</turn_aborted>",
            )
        self.ev("turn_aborted", turn_id=self.tid, reason=reason)


class Gemini(Log):
    def __init__(
        self,
        ids,
        project="tracker",
        day=(2026, 5, 19),
        sid=None,
        kind="main",
        head=True,
    ):
        super().__init__(ids, day)
        self.project, self.sid, self.kind, self.messages = (
            project,
            sid or ids.uuid(),
            kind,
            [],
        )
        if head:
            self.put(
                {
                    "sessionId": self.sid,
                    "projectHash": hashlib.sha256(project.encode()).hexdigest(),
                    "startTime": self.now(),
                    "lastUpdated": self.now(),
                    "kind": kind,
                }
            )

    def path_of(self, ext="jsonl", folder=None):
        y, m, d = self.day
        return f"tmp/{folder or self.project}/chats/session-{y}-{m:02d}-{d:02d}T10-20-{self.sid[:8]}.{ext}"

    @property
    def path(self):
        return self.path_of()

    def m(self, typ, content, id=None, **kw):
        rec = {
            "id": id or self.ids.uuid(),
            "timestamp": self.now(),
            "type": typ,
            "content": content,
            **kw,
        }
        self.messages.append(rec)
        self.put(rec)
        return rec

    def user(self, text, **kw):
        return self.m("user", [{"text": text}] if isinstance(text, str) else text, **kw)

    def say(self, text, **kw):
        kw.setdefault("thoughts", [])
        kw.setdefault(
            "tokens",
            {
                "input": 9000 + self.t,
                "output": 120,
                "cached": 0,
                "thoughts": 30,
                "tool": 0,
                "total": 9150 + self.t,
            },
        )
        return self.m("gemini", text, model="gemini-3-pro-preview", **kw)

    def tc(self, cmd, out, status="success", name="run_shell_command"):
        cid = f"{name}_{1779000000000 + self.t}_{self.t % 9}"
        result = (
            None
            if out is None
            else [
                {
                    "functionResponse": {
                        "id": cid,
                        "name": name,
                        "response": {"output": out},
                    }
                }
            ]
        )
        return {
            "id": cid,
            "name": name,
            "args": {"command": cmd},
            "result": result,
            "status": status,
            "timestamp": self.now(),
            "resultDisplay": out,
            "displayName": "Shell",
        }

    def tools(self, *pairs, text=""):
        return self.say(text, toolCalls=[self.tc(c, o) for c, o in pairs])

    def turn(self, t, lead=""):
        self.user(t.q)
        self.tools((t.cmd, t.out), text=lead)
        self.say(t.a)
        self.set(lastUpdated=self.now())

    def set(self, **kw):
        self.put({"$set": kw})

    def legacy(self, **kw):
        """The same as one JSON document (to 0.38)."""
        return json.dumps(
            {
                "sessionId": self.sid,
                "projectHash": hashlib.sha256(self.project.encode()).hexdigest(),
                "startTime": "2025-11-04T10:20:00.000Z",
                "lastUpdated": "2025-11-04T11:20:00.000Z",
                "messages": self.messages,
                **kw,
            },
            indent=2,
            ensure_ascii=False,
        ).encode()
