"""Write the situations: `python make.py FOLDER`."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cases

SEED = cases.SEED


def load():
    import claude_cases  # noqa: F401
    import codex_cases  # noqa: F401
    import gemini_cases  # noqa: F401
    import other_cases  # noqa: F401

    return cases.ALL


def main(target):
    counts = {}
    for index, (tool, name, says, source, why, more, f) in enumerate(load()):
        w = cases.W(index)
        samples = f(w)
        folder = target / f"{index:03d}-{tool}-{name}"
        for path, data in w.files.items():
            file = folder / "home" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        expected = {
            "index": index,
            "tool": tool,
            "name": name,
            "says": says,
            "source": source,
            "why": why,
            "held_out": index % 3 == 0,
            "samples": samples,
            "unordered": bool(more.get("unordered")),
        }
        if w.also:
            expected["also_right"] = w.also
        text = json.dumps(expected, ensure_ascii=False, indent=1)
        (folder / "expected.json").write_text(text + "\n", "utf-8")
        counts[tool] = counts.get(tool, 0) + 1
    print(counts, sum(counts.values()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
