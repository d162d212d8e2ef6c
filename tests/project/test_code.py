"""What DVC compares of a stage's code: all that the stage can run, and nothing else."""

from __future__ import annotations

import ast
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.checkout import ROOT

from afs_stages.core.block_code import FOLDER, Blocks
from afs_stages.core.closure import SourceCode
from afs_stages.project.code import code_hashes, require_current
from afs_stages.project.create import without_stage
from afs_stages.project.templates import PIPELINE, RENTING, template

PACKAGE = "afs_stages"
PIPELINES = (ROOT / "dvc.yaml", ROOT / "remote/dvc.yaml")


def stages() -> dict[str, dict[str, Any]]:
    """Every stage of both pipelines by name, without `foreach`."""
    found = {}
    for path in PIPELINES:
        for name, stage in yaml.safe_load(path.read_text())["stages"].items():
            found[name] = stage.get("do", stage)
    return found


def code_of(stage: dict[str, Any]) -> list[str]:
    """The keys of code.json that a stage names."""
    return [
        key
        for part in stage.get("params", ())
        if isinstance(part, dict)
        for key in part["code.json"]
    ]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package that a test may change."""
    root = tmp_path_factory.mktemp("package")
    shutil.copytree(
        ROOT / PACKAGE,
        root / PACKAGE,
        ignore=shutil.ignore_patterns("__pycache__", "data/pipeline.yaml"),
    )
    return root


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The stages, and `export.<type>`, whose hash differs."""
    flat = [
        {
            **{name: value for name, value in hashes.items() if name != "export"},
            **{f"export.{kind}": value for kind, value in hashes["export"].items()},
        }
        for hashes in (before, after)
    ]
    assert flat[0].keys() == flat[1].keys()
    return {name for name in flat[0] if flat[0][name] != flat[1][name]}


def test_every_stage_but_code_names_its_own_hash_and_no_code_by_hand() -> None:
    for name, stage in stages().items():
        if name == "code":
            assert stage["deps"] == [PACKAGE]
            continue
        wanted = ["export.${item.type}"] if name == "export" else [name]
        assert code_of(stage) == wanted
        assert not [path for path in stage["deps"] if path.startswith(PACKAGE)]


def test_code_json_has_what_the_stages_name() -> None:
    hashes = code_hashes()
    assert set(hashes) == set(stages()) - {"code"}
    sources = yaml.safe_load((ROOT / "params.yaml").read_text())["sources"]
    assert {source["type"] for source in sources.values()} <= set(hashes["export"])


def test_the_pipeline_is_a_table_of_contents() -> None:
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 200


def test_no_stage_of_the_root_pipeline_reads_what_a_rented_machine_made() -> None:
    """DVC makes what a stage reads, so that a plain `dvc repro` would rent."""
    root, renting = (yaml.safe_load(path.read_text())["stages"] for path in PIPELINES)
    made = [path for stage in renting.values() for path in outputs(stage["do"])]
    for name, stage in root.items():
        for read in stage.get("do", stage)["deps"]:
            assert not [path for path in made if overlap(read, path)], name


def outputs(stage: dict[str, Any]) -> list[str]:
    """The paths a stage writes, with or without settings of DVC's."""
    return [out if isinstance(out, str) else next(iter(out)) for out in stage["outs"]]


def overlap(one: str, other: str) -> bool:
    """One path is the other or lies below it."""
    shorter, longer = sorted((Path(one), Path(other)), key=lambda path: len(path.parts))
    return longer.is_relative_to(shorter)


def test_the_package_brings_the_repositorys_own_pipelines() -> None:
    assert template(PIPELINE) == (ROOT / "dvc.yaml").read_text()
    assert template(RENTING) == (ROOT / "remote/dvc.yaml").read_text()


def test_every_data_file_is_named_by_a_module() -> None:
    code = SourceCode()
    named = set(code.closure(modules()))
    assert [path for path in code.data_files(PACKAGE) if path not in named] == [
        ROOT / PACKAGE / "py.typed"
    ]


def modules() -> list[str]:
    """Dotted names of every module of the package."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / PACKAGE).rglob("*.py"))
    ]


def test_evaluation_and_renting_are_no_part_of_training() -> None:
    code = SourceCode()
    rooms = {
        path.relative_to(ROOT / PACKAGE).parts[0]
        for path in code.closure([f"{PACKAGE}.stages.train"])
    }
    assert rooms == {"__init__.py", "core", "training", "stages"}


def test_one_exporters_change_is_that_exporters(copy: Path) -> None:
    before = code_hashes(copy)
    with edited(copy / PACKAGE / "sources/gemini/harness.json", " "):
        assert "export.gemini" in changed(before, code_hashes(copy))
        assert "export.claude" not in changed(before, code_hashes(copy))
    with edited(copy / PACKAGE / "sources/gemini/generator.py", "\nMORE = 1\n"):
        # The stage `params` knows every source type; what it writes never changes.
        seen = changed(before, code_hashes(copy))
        assert seen == {"export.gemini", "params"}


def test_what_decides_a_split_is_seen_by_split(copy: Path) -> None:
    """Both files were missing in the list that was kept by hand."""
    before = code_hashes(copy)
    for name in ("dataset/keys.py", "dataset/clusters.py", "core/sample.py"):
        with edited(copy / PACKAGE / name, "\nMORE = 1\n"):
            assert "split" in changed(before, code_hashes(copy)), name


def test_a_blocks_class_counts_for_its_own_stages(copy: Path) -> None:
    before = code_hashes(copy)
    backup = copy / FOLDER / "backup.py"
    with replaced(backup, "default=5", "default=6"):
        assert changed(before, code_hashes(copy)) == set()
    data = copy / FOLDER / "data.py"
    with replaced(
        data,
        "max_cluster: int = Field(\n        default=200",
        "max_cluster: int = Field(\n        default=201",
    ):
        seen = changed(before, code_hashes(copy))
        assert seen == {"split", "rehearse", "check", "train-releases"}
    model = copy / FOLDER / "model.py"
    with replaced(model, "r: int = Field(default=16", "r: int = Field(default=17"):
        seen = changed(before, code_hashes(copy))
    assert {"train", "train-releases", "remote-train", "register"} <= seen
    assert not seen & {"split", "score", "rebalance", "export.claude"}


class edited:
    """A file with a text added at its end, for a while."""

    def __init__(self, path: Path, more: str) -> None:
        self.path, self.more = path, more

    def __enter__(self) -> None:
        self.old = self.path.read_text()
        self.path.write_text(self.new())

    def new(self) -> str:
        """What the file says meanwhile."""
        return self.old + self.more

    def __exit__(self, *_: object) -> None:
        self.path.write_text(self.old)


class replaced(edited):
    """A file with one text in place of another, for a while."""

    def __init__(self, path: Path, old: str, new: str) -> None:
        super().__init__(path, new)
        self.place = old

    def new(self) -> str:
        """What the file says meanwhile."""
        assert self.place in self.old
        return self.old.replace(self.place, self.more, 1)


def constants(path: Path) -> Iterator[ast.Constant]:
    """Numbers and texts of a file that stand in its code, not in docstrings or help."""
    tree = SourceCode(ROOT).file(path).tree
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, int)
            and not isinstance(node.value, bool)
        ):
            yield node


def test_thirty_changes_inside_a_closure_are_seen(copy: Path) -> None:
    rng = random.Random(23)
    blocks = Blocks(SourceCode())
    before = code_hashes(copy)
    stage_modules = {
        name: re.findall(r"-m (\S+)", stage["cmd"])
        for name, stage in stages().items()
        if name not in {"code", "export", "remote-train"}
    }
    done = 0
    while done < 30:
        name = rng.choice(sorted(stage_modules))
        files = blocks.stage_files(stage_modules[name])
        path = rng.choice([file for file in files if file.suffix == ".py"])
        numbers = list(constants(path))
        if not numbers:
            continue
        node = rng.choice(numbers)
        target = copy / path.relative_to(ROOT)
        with at(target, node, str(int(node.value) + 1)):  # type: ignore[arg-type]
            seen = changed(before, code_hashes(copy))
        assert name in seen, f"{path}:{node.lineno}"
        done += 1


class at(edited):
    """A file in which one constant is another, for a while."""

    def __init__(self, path: Path, node: ast.Constant, value: str) -> None:
        super().__init__(path, value)
        self.node = node

    def new(self) -> str:
        """What the file says meanwhile."""
        lines = self.old.splitlines(keepends=True)
        line = lines[self.node.lineno - 1].encode()
        begin, end = self.node.col_offset, self.node.end_col_offset
        changed = line[:begin] + self.more.encode() + line[end:]
        lines[self.node.lineno - 1] = changed.decode()
        return "".join(lines)


def test_thirty_changes_outside_or_in_comments_are_not_seen(copy: Path) -> None:
    rng = random.Random(24)
    before = code_hashes(copy)
    blocks = Blocks(SourceCode())
    files = sorted((copy / PACKAGE).rglob("*.py"))
    for _ in range(20):
        path = rng.choice(files)
        lines = path.read_text().splitlines(keepends=True)
        comment = rng.choice(["# one more word\n", '"""Standing alone."""\n'])
        # At the top level, or after a line that ends a statement, nothing moves.
        with edited(path, f"\n{comment}"):
            assert changed(before, code_hashes(copy)) == set(), f"{path}: {lines[:1]}"
    for name, stage in rng.sample(sorted(stages().items()), 11):
        if name in {"code", "export", "remote-train"}:
            continue
        inside = set(blocks.stage_files(re.findall(r"-m (\S+)", stage["cmd"])))
        outside = [
            path
            for path in files
            if ROOT / path.relative_to(copy) not in inside | set(blocks.files)
        ]
        path = rng.choice(outside)
        with edited(path, "\nMORE = 1\n"):
            assert name not in changed(before, code_hashes(copy)), path


def test_a_help_text_is_no_code(copy: Path) -> None:
    before = code_hashes(copy)
    with replaced(
        copy / PACKAGE / "stages/train.py", "peak learning rate", "highest rate"
    ):
        assert changed(before, code_hashes(copy)) == set()


def test_a_data_file_counts_for_who_names_it(copy: Path) -> None:
    before = code_hashes(copy)
    with edited(copy / PACKAGE / "scoring/data/words.json", " "):
        assert changed(before, code_hashes(copy)) == {"score"}


def test_a_pipeline_without_a_stage_keeps_its_comments() -> None:
    text = without_stage(template(PIPELINE), "code")
    left = yaml.safe_load(text)["stages"]
    whole = yaml.safe_load(template(PIPELINE))["stages"]
    del whole["code"]
    assert left == whole
    assert text.startswith("# The whole pipeline")


def test_another_package_than_the_projects_is_refused(tmp_path: Path) -> None:
    from afs_stages.core.errors import UserError
    from afs_stages.core.jsonl import write_json

    (tmp_path / "dvc.yaml").write_text(without_stage(template(PIPELINE), "code"))
    write_json(tmp_path / "code.json", code_hashes())
    require_current(tmp_path)
    write_json(tmp_path / "code.json", {**code_hashes(), "split": "0" * 16})
    with pytest.raises(UserError, match="afs upgrade"):
        require_current(tmp_path)
