"""Registry of situations, and what is expected of each."""

import json
import random

from pool import POOL
from shapes import Claude, Codex, Gemini, Ids

SEED = 902417
ALL = []


def sit(tool, name, says, source, why, **more):
    """Register a situation: the function writes files and returns the right samples."""

    def deco(f):
        ALL.append((tool, name, says, source, why, more, f))
        return f

    return deco


class W:
    """One situation's folder under construction."""

    def __init__(self, index):
        self.ids = Ids(SEED * 1000 + index)
        self.pool = list(POOL)
        random.Random(SEED * 7 + index).shuffle(self.pool)
        self.files, self.also = {}, []

    def t(self):
        return self.pool.pop()

    def ts(self, n):
        return [self.t() for _ in range(n)]

    def claude(self, **k):
        return Claude(self.ids, **k)

    def codex(self, **k):
        return Codex(self.ids, **k)

    def gemini(self, **k):
        return Gemini(self.ids, **k)

    def put(self, path, data):
        if isinstance(data, (dict, list)):
            data = json.dumps(data, ensure_ascii=False, indent=1)
        self.files[path] = data.encode() if isinstance(data, str) else data

    def save(self, log, path=None):
        self.put(path or log.path, log.data())


def S(t=None, req=(), ans="*", ex=(), has=(), no=(), ctx=()):
    """A sample that must come out."""
    s = {"request_contains": ([t.q] if t else []) + list(req)}
    if ex:
        s["request_excludes"] = list(ex)
    s["answer"] = (t.a if t else None) if ans == "*" else ans
    if has:
        s["answer"] = None
        s["answer_contains"] = list(has)
    if no:
        s["answer_excludes"] = list(no)
    if ctx:
        s["context_contains"] = list(ctx)
    return s
