"""Sanity of what was made: JSON that should parse parses, and every expected string
stands in the situation's files. `python check.py FOLDER`, which make.py has filled."""

import json
import pathlib
import subprocess
import sys

MAY = ("torn", "encoding", "nul", "only-metadata")
root = pathlib.Path(sys.argv[1])
bad = 0


def strings(o):
    if isinstance(o, str):
        yield o
        if o[:1] in "{[":
            try:
                yield from strings(json.loads(o, strict=False))
            except ValueError:
                pass
    elif isinstance(o, dict):
        for v in o.values():
            yield from strings(v)
    elif isinstance(o, list):
        for v in o:
            yield from strings(v)


for d in sorted(root.iterdir()):
    e = json.loads((d / "expected.json").read_text())
    texts = []
    broken = 0
    for f in (x for x in (d / "home").rglob("*") if x.is_file()):
        b = f.read_bytes()
        if f.suffix == ".zst":
            b = subprocess.run(
                ["zstd", "-dqc"], input=b, stdout=subprocess.PIPE, check=True
            ).stdout
        parts = (
            [b] if f.suffix == ".json" else b.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        )
        for p in parts:
            if not p.strip():
                continue
            try:
                texts += strings(json.loads(p.decode("utf-8", "replace")))
            except ValueError:
                broken += 1
    if broken and not any(m in d.name for m in MAY):
        print("unparsable", d.name, broken)
        bad += 1
    if not broken and ("torn" in d.name):
        print("not torn?", d.name)
    big = "\n".join(texts)
    for alt in [e["samples"], *e.get("also_right", [])]:
        for s in alt:
            for t in [
                *s["request_contains"],
                *s["answer_contains"],
                *s.get("context_contains", []),
                *([s["answer"]] if s["answer"] else []),
            ]:
                if t not in big and e["tool"] != "toolbench":
                    print("missing", d.name, repr(t[:70]))
                    bad += 1
                if (
                    e["tool"] == "toolbench"
                    and t.split("\n")[-1][:60] not in big
                    and t[:40] not in big
                ):
                    print("missing", d.name, repr(t[:70]))
                    bad += 1
            if s["answer"] and len(s["answer"]) < 60:
                print("short", d.name)
            if any(x in (s["answer"] or "") for x in s.get("answer_excludes", [])):
                print("contradiction", d.name)
                bad += 1
            for x in s["request_excludes"]:
                if any(x in r for r in s["request_contains"]):
                    print("contradiction", d.name)
                    bad += 1
print("situations:", sum(1 for _ in root.iterdir()), "problems:", bad)
sys.exit(bool(bad))
