"""Look over the situations that make.py has written: `python check.py FOLDER`.

JSON that should parse does, every expected string stands in the files, every string that
must not come out stands in them too (or the situation would prove nothing), ids and names
are in order, and the planted secrets stand in their texts.
"""

import ast
import contextlib
import importlib.util
import json
import sys
from pathlib import Path

import zstandard

# Lines that must not parse, by situation.
BAD = {
    "torn-in-the-answer": 1,
    "torn-in-a-result": 1,
    "torn-output": 1,
    "torn-and-gone-on": 1,
    "array-and-torn": 1,
    "refused": 1,
    "mark-and-blank-lines": 1,
    "other-files-beside": 1,
}


def strings(o):
    """All strings of a value, those within JSON or Python texts of it too."""
    if isinstance(o, str):
        yield o
        if o[:1] in "{[":
            try:
                yield from strings(json.loads(o, strict=False))
            except ValueError:
                with contextlib.suppress(ValueError, SyntaxError):
                    yield from strings(ast.literal_eval(o))
        elif "Action Input: {" in o:
            yield from strings(o.split("Action Input: ", 1)[1])
    elif isinstance(o, dict):
        for k, v in o.items():
            yield k
            yield from strings(v)
    elif isinstance(o, list):
        for v in o:
            yield from strings(v)


def read(home):
    """All strings of a situation's files, and how many pieces of JSON are broken."""
    found, bad = [], 0
    for path in sorted(home.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().decompress(data)
        text = data.decode("utf-8", "replace")
        if path.suffix in (".md", ".txt"):
            found.append(text)
            continue
        whole = path.suffix == ".json"
        for piece in [text] if whole else text.split("\n"):
            if not piece.strip():
                continue
            try:
                found.extend(strings(json.loads(piece)))
            except ValueError:
                bad += 1
    return found, bad


def lists(e):
    yield e["samples"]
    yield from e.get("also_right", ())


def main(target):
    problems = []
    for n, folder in enumerate(sorted(p for p in target.iterdir() if p.is_dir())):
        e = json.loads((folder / "expected.json").read_text("utf-8"))
        name = folder.name
        if (
            e["index"] != n
            or name != f"{n:03d}-{e['tool']}-{e['name']}"
            or e["held_out"] != (n % 3 == 0)
        ):
            problems.append(f"{name}: out of order")
        found, bad = read(folder / "home")
        if bad != BAD.get(e["name"], 0):
            problems.append(f"{name}: {bad} broken pieces")
        for samples in lists(e):
            for s in samples:
                wanted = (
                    s["request_contains"]
                    + s.get("context_contains", [])
                    + s.get("answer_contains", [])
                )
                wanted += [s["answer"]] if s.get("answer") else []
                for text in wanted:
                    if not any(text in f for f in found):
                        problems.append(f"{name}: not in the files: {text[:60]!r}")
                for text in s.get("request_excludes", []) + s.get(
                    "answer_excludes", []
                ):
                    if not any(text in f for f in found):
                        problems.append(
                            f"{name}: excluded but not there: {text[:60]!r}"
                        )
                if not s.get("answer") and not s.get("answer_contains"):
                    problems.append(f"{name}: no answer given")
    path = Path(__file__).parent / "secrets.py"
    if path.exists():
        spec = importlib.util.spec_from_file_location("planted", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        planted = module.secrets(module.SEED)
        if planted != module.secrets(module.SEED):
            problems.append("secrets: not the same twice")
        for s in planted:
            for value in s["secret"]:
                if value not in s["text"]:
                    problems.append(f"secret {s['index']} {s['kind']}: not in its text")
                if len(value) < 4:
                    problems.append(f"secret {s['index']} {s['kind']}: very short")
        texts = module.harmless(module.SEED)
        if len(set(texts)) != len(texts):
            problems.append("harmless: twice the same")
    print("\n".join(problems) or "all well")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
