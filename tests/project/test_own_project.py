"""A person's own project, from `afs init` to a second version, with the package
installed from a wheel.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml
from support.beacon import NAMES, write_codebase, write_session
from support.checkout import checkout, environment

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]


class Person:
    """Someone with a home, a virtual environment with the wheel, and a project."""

    def __init__(self, home: Path, python: Path) -> None:
        self.home = home
        self.python = python
        self.project = home / "beacon-expert"

    def run(self, *command: str, code: int = 0, folder: Path | None = None) -> str:
        """What a command prints; it must leave with this code, never a traceback."""
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        result = subprocess.run(
            [str(self.python), "-m", *command],
            cwd=folder or self.project,
            env={**environment(), "PATH": path, "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        text = result.stdout + result.stderr
        assert result.returncode == code, f"{' '.join(command)}\n{text[-6000:]}"
        assert "Traceback" not in text, text
        return text

    def afs(self, *arguments: str, code: int = 0, folder: Path | None = None) -> str:
        """Run `afs …`."""
        return self.run("afs_stages.cli", *arguments, code=code, folder=folder)

    def dvc(self, *arguments: str, code: int = 0) -> str:
        """Run `dvc …` in the project."""
        return self.run("dvc", *arguments, code=code)

    def commit(self, message: str) -> None:
        """Commit everything in the project."""
        who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=no"]
        for words in (["add", "--all"], ["commit", "-q", "-m", message]):
            command = ["git", *who, *words]
            subprocess.run(command, cwd=self.project, check=True, capture_output=True)

    def change(self, old: str, new: str) -> None:
        """Edit params.yaml by hand."""
        path = self.project / "params.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def losses(self) -> dict[str, float]:
        """The headline figures of the model."""
        return json.loads(
            (self.project / "reports/metrics/beacon-expert.json").read_text()
        )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh virtual environment in which the wheel is installed; what
    the package needs is taken from the environment that runs the tests.
    """
    place = tmp_path_factory.mktemp("wheel")
    clone = checkout(place / "clone")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(place)]
    subprocess.run([*pip, "wheel", *options, str(clone)], check=True)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", place / "venv"], check=True
    )
    python = place / "venv/bin/python"
    (wheel,) = place.glob("*.whl")
    packages = next((place / "venv/lib").glob("python*")) / "site-packages"
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(packages), str(wheel)],
        check=True,
    )
    (packages / "needed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python


@pytest.fixture(scope="session")
def person(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Person:
    return Person(tmp_path_factory.mktemp("home"), installed)


def test_the_package_that_runs_is_the_wheels(person: Person) -> None:
    code = "import afs_stages; print(afs_stages.__file__)"
    shown = subprocess.run(
        [person.python, "-c", code],
        cwd=person.home,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert str(person.python.parents[1]) in shown


def test_init_makes_a_project_of_what_was_found(person: Person) -> None:
    write_session(person.home / ".claude")
    write_codebase(person.home / "src/beacon")
    told = person.afs("init", "beacon-expert", "--discover", "~", folder=person.home)
    assert f"afs collect claude --root {person.home}/.claude" in told
    assert f"afs collect oracle --root {person.home}/src/beacon" in told
    params = yaml.safe_load((person.project / "params.yaml").read_text())
    assert set(params["sources"]) == {"claude", "oracle"}
    assert set(params["models"]) == {"beacon-expert"}
    assert params["models"]["beacon-expert"]["weights"] == {"claude": 1, "oracle": 1}
    texts = [
        path.read_text()
        for path in person.project.rglob("*")
        if path.is_file() and ".git/" not in str(path)
    ]
    for word in (str(person.home), "veran", "majora", "sample/"):
        assert [text for text in texts if word in text] == [], word


def test_init_overwrites_nothing(person: Person) -> None:
    refused = person.afs("init", "beacon-expert", code=1, folder=person.home)
    assert "not empty" in refused


def test_collect_brings_the_files_in_from_any_folder(person: Person) -> None:
    inner = person.project / "data"
    person.afs("collect", "claude", "--root", "../../.claude", folder=inner)
    person.afs("collect", "oracle", "--root", "~/src/beacon", folder=inner)
    person.commit("my files")
    assert (person.project / "data/raw/oracle/main.asm").is_file()
    assert (person.project / "data/raw/claude.dvc").is_file()


def test_the_first_version_passes_every_stage(person: Person) -> None:
    told = person.dvc("repro")
    assert "check@beacon-expert" in told
    report = json.loads(
        (person.project / "reports/rebalance/beacon-expert.json").read_text()
    )
    assert set(report["groups"]) == {"claude", "oracle"}
    person.commit("v1")
    assert "afs release beacon-expert" in person.afs("status")
    assert re.findall(r"Running stage", person.dvc("repro")) == []


def test_v1_is_released_and_v2_rehearses_it(person: Person) -> None:
    person.afs("release", "beacon-expert")
    person.commit("v1 released")
    first = person.losses()
    person.change("version: v1", "version: v2")
    write_codebase(person.home / "src/beacon", NAMES[:5])
    person.afs("collect", "oracle", "--root", "~/src/beacon")
    person.dvc("repro")
    assert "version" in person.dvc("params", "diff")
    assert person.losses() != first
    assert "beacon-expert.json" in person.dvc("metrics", "diff")
    rehearsed = person.project / "data/rehearsal/beacon-expert.jsonl"
    assert rehearsed.read_text().count("\n") > 0
    person.commit("v2")


def test_an_experiment_changes_one_value(person: Person) -> None:
    person.dvc(
        "exp", "run", "-S", "models.beacon-expert.rehearsal.ratio=0.2", "rebalance"
    )
    report = json.loads(
        (person.project / "reports/rebalance/beacon-expert.json").read_text()
    )
    assert report["wanted"]["rehearsal"] == 0.2
    subprocess.run(["git", "checkout", "-q", "--", "."], cwd=person.project, check=True)
    person.dvc("checkout")


def test_it_is_pushed_to_a_folder(person: Person) -> None:
    target = person.home / "backup"
    person.dvc("remote", "add", "-d", "folder", str(target))
    person.dvc("push")
    assert any(target.rglob("*"))


def test_another_package_is_told_before_anything_runs(person: Person) -> None:
    path = person.project / "code.json"
    kept = path.read_text()
    path.write_text(kept.replace('"split": "', '"split": "0', 1))
    assert "next: afs upgrade" in person.afs("status")
    assert "afs upgrade" in person.afs("release", "beacon-expert", code=1)
    shown = person.afs("upgrade", "--yes")
    assert re.search(r"split +its code changed", shown)
    assert re.search(r"train@beacon-expert +follows", shown)
    assert "export" not in shown
    assert path.read_text() == kept
    assert "nothing to do" in person.afs("upgrade")


def test_outside_of_a_project_a_command_says_so(person: Person) -> None:
    for words in (["release", "--list"], ["training", "registry-list"], ["status"]):
        assert "no project here" in person.afs(*words, code=1, folder=person.home)
    assert "no project here" in person.afs("backup", "list", code=1, folder=person.home)
    assert not (person.home / ".afs").exists()
