"""A host that lies: whatever it sends, nothing outside the job's folders changes and
the machine is given back.
"""

from __future__ import annotations

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from boxes import BoxLab, missing
from lab import KEY, Rented, offer
from simulated import SimLab, sha
from test_remote_boxes import finished, settings, stage
from test_remote_simulated import launcher

from afs_stages.core.errors import UserError
from afs_stages.remote.connection import Unreachable, watched

real = pytest.mark.skipif(bool(missing()), reason=missing() or "machines can be had")
GOOD = "models/majora/adapter.checkpoints/step-0000009"
DEEP = "[" * 50_000


class Liar(SimLab):
    """Every machine sends these files, whatever its training does."""

    lies: dict[str, str]

    def train(self, machine: Rented, step: float) -> None:
        root = self.folder(machine)
        if not (root / "READY").exists():
            return
        for name, text in self.lies.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)


def listing(name: Any, files: Any) -> str:
    return json.dumps({"name": name, "files": files})


LIES = {
    "a checkpoint that is no JSON": {"checkpoint.json": "{"},
    "a checkpoint nested without end": {"checkpoint.json": DEEP},
    "a checkpoint that is no object": {"checkpoint.json": "[1]"},
    "a checkpoint without files": {"checkpoint.json": listing(GOOD, None)},
    "a checkpoint whose name is a number": {"checkpoint.json": listing(7, {})},
    "a checkpoint above its folder": {
        "checkpoint.json": listing("../../../precious", {})
    },
    "a checkpoint in a strange place": {"checkpoint.json": listing("models", {})},
    "a file above its checkpoint": {
        "checkpoint.json": listing(GOOD, {"../../x": sha("x")})
    },
    "a hash that is none": {"checkpoint.json": listing(GOOD, {"state": ["x"]})},
    "an end that is no JSON": {"EXIT": "done"},
    "an end that is no object": {"EXIT": "[]"},
    "an end without a code": {"EXIT": '{"code": "0"}'},
    "an end whose phase is a path": {
        "EXIT": '{"code": 1, "phase": "../../precious/kept", "why": ""}'
    },
    "an end longer than anyone reads": {
        "EXIT": json.dumps({"code": 1, "phase": "", "why": "x" * 2**20})
    },
    "a status that is no object": {"status.json": "[1]"},
    "a step that is no number": {"status.json": '{"step": "many"}'},
    "a step too long to be shown": {"status.json": '{"step": 1' + "0" * 400 + "}"},
    "a list of results that is no JSON": {
        "EXIT": '{"code": 0}',
        "out/MANIFEST.json": "?",
    },
    "a list of results with a path": {
        "EXIT": '{"code": 0}',
        "out/MANIFEST.json": '{"files": {"/etc/passwd": "' + sha("x") + '"}}',
        "out/results/adapter/weights": "x",
    },
}


@pytest.fixture
def precious(tmp_path):
    """A folder of the user's, outside the project."""
    folder = tmp_path / "precious"
    (folder / "beside").mkdir(parents=True)
    (folder / "kept").write_text("mine")
    yield folder
    assert (folder / "kept").read_text() == "mine"
    assert (folder / "beside").is_dir()


@pytest.fixture
def liar(tmp_path, monkeypatch):
    monkeypatch.setenv("VAST_API_KEY", KEY)
    made = Liar(tmp_path / "boxes", [offer(1)])
    yield made
    made.close()


def refused(liar: Liar, home: Path) -> None:
    """The machine is given back, and it is said why; the job ends with a plain error,
    as no other is on offer.
    """
    made = launcher(liar, home)
    with pytest.raises(UserError, match="no offer"):
        made.run()
    assert not liar.living()
    job = made.journal.load()
    assert job
    assert [machine.gone for machine in job.machines] == [True]
    assert "cannot be used" in job.machines[0].fate


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_and_said(lie, liar, precious, tmp_path):
    liar.lies = LIES[lie]
    refused(liar, tmp_path / "home")


def test_an_absolute_name_replaces_nothing_at_home(liar, precious, tmp_path):
    target = str(precious / "theirs")
    files = {"new": sha("theirs")}
    liar.lies = {
        "checkpoint.json": listing(target, files),
        f"bundle/{target}/new": "theirs",
    }
    refused(liar, tmp_path / "home")
    assert not (precious / "theirs").exists()


def test_an_endless_answer_and_an_endless_wait_are_cut_off():
    from afs_stages.remote.inbox import Refused

    with pytest.raises(Refused, match="more than"):
        watched(["yes"], 60)
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="not done within"):
        watched(["sleep", "60"], 0.2)
    assert time.monotonic() - begun < 30


def test_an_archive_gives_its_plain_files_alone():
    from afs_stages.remote.inbox import LISTING, Refused, unpack

    def archive(mode: str = "w", **members: tuple[bytes, bytes]) -> bytes:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode=mode) as tar:
            for name, (kind, data) in members.items():
                member = tarfile.TarInfo(name)
                member.type, member.size, member.linkname = (
                    kind,
                    len(data),
                    "/etc/passwd",
                )
                tar.addfile(member, io.BytesIO(data))
        return made.getvalue()

    good = (tarfile.REGTYPE, b"{}")
    names = ["EXIT", "linked", "hard", "pipe"]
    links = {
        "linked": (tarfile.SYMTYPE, b""),
        "hard": (tarfile.LNKTYPE, b""),
        "pipe": (tarfile.FIFOTYPE, b""),
    }
    assert unpack(archive(EXIT=good, other=good, **links), names) == {"EXIT": "{}"}
    assert unpack(archive("w:gz", EXIT=good), names) == {}, (
        "packed, a megabyte may hold gigabytes"
    )
    assert unpack(archive(EXIT=good)[:400], names) == {}
    assert unpack(b"Welcome!", names) == {}
    with pytest.raises(Refused, match="at the most"):
        unpack(archive(EXIT=(tarfile.REGTYPE, b" " * LISTING)), names)


def test_what_a_name_may_be_and_what_a_screen_shows():
    from afs_stages.remote.inbox import Refused, clean, plain

    for name in [
        "a",
        "adapter/weights.bin",
        "logs/train.log",
        ".hidden",
        "two words",
        "a..b",
    ]:
        assert plain(name) == name
    bad = [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "./a",
        "a\0b",
        "a\nb",
        "\x1b[2J",
        ".git/config",
        ".GIT/x",
        None,
        7,
    ]
    for name in [*bad, "x" * 300, "x/" * 600 + "x", "\ud800"]:
        with pytest.raises(Refused):
            plain(name)
    assert clean("\x1b]0;owned\x07 red\r\n\x9b2J") == "]0;owned  red   2J"
    assert clean(["x"]) == "(list)"


@pytest.fixture
def project(tmp_path):
    """A small repository whose training script does what a host may do with
    everything on it.
    """
    data = tmp_path / "data/converted/majora/messages"
    data.mkdir(parents=True)
    (data / "train.jsonl").write_text('{"messages": []}\n' * 50)
    settings(tmp_path, grace=60)
    return tmp_path


@pytest.fixture
def lab(tmp_path):
    made = BoxLab(tmp_path / "boxes", [offer(n, 0.3 + n / 100) for n in range(1, 3)])
    yield made
    made.close()


HOST = """
import hashlib, json, os, signal, sys
from pathlib import Path
sys.stdout.write("\\x1b]0;owned\\x07\\x1b[2Jlog\\n"); sys.stdout.flush()
os.kill(os.getppid(), signal.SIGKILL)
root = Path("..").resolve()
results = root / "out/results"
for name in ("adapter/weights", "adapter/unlisted", "unlisted/file", "logs/train.log"):
    (results / name).parent.mkdir(parents=True, exist_ok=True)
    (results / name).write_text("trained")
os.symlink({secret!r}, results / "adapter/linked")
os.symlink({folder!r}, results / "adapter/folder")
os.mkfifo(results / "adapter/pipe")
(results / "adapter/weights").chmod(0)
files = dict.fromkeys(["adapter/weights", "logs/train.log"], \
hashlib.sha256(b"trained").hexdigest())
(root / "out/MANIFEST.json").write_text(json.dumps(dict(files=files)))
part = root / "EXIT.tmp"
part.write_text(json.dumps({end!r}))
part.rename(root / "EXIT")
"""


@real
def test_links_pipes_and_files_not_listed_do_not_come_home(project, lab, tmp_path):
    (project / "secret").write_text(KEY)
    (project / "own.py").write_text(
        HOST.format(
            secret=str(project / "secret"),
            folder=str(project),
            end={"code": 0, "phase": "", "why": ""},
        )
    )
    code, said = finished(stage(project, lab))
    assert code == 0, said
    home = project / "models/majora/remote"
    names = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert names == {
        "adapter/training.json",
        "adapter/weights",
        "generations.jsonl",
        "logs/train.log",
        "loss.tsv",
    }
    assert (home / "adapter/weights").read_text() == "trained"
    assert not lab.living()


@real
def test_nothing_from_the_host_moves_the_cursor(project, lab):
    end = {"code": 1, "phase": "train", "why": "\x1b[2J\x1b[31mnothing is wrong\r"}
    (project / "own.py").write_text(HOST.format(secret="x", folder="x", end=end))
    code, said = finished(stage(project, lab))
    assert code == 1
    assert "nothing is wrong" in said
    assert "  | ]0;owned" in said, "the end of its log is shown"
    assert not [
        letter for letter in said if letter != "\n" and not letter.isprintable()
    ]
    assert "Traceback" not in said
    assert not lab.living()
