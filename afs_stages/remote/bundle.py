"""What travels to the machine: a small copy of the repository with only
what this job reads.

The same inputs give the same folder. Files come from a list made here; nothing else
goes in, so no key or credential can. The hash says what is trained: data, base, code,
and the parameters that training and evaluation read. What a machine may cost, and which
one it is, is not in it, so a job that is run again with a new budget or another GPU
goes on from its checkpoints.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from afs_stages.core import layout
from afs_stages.core.atomic import atomic_folder
from afs_stages.core.closure import ROOT, SourceCode
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.core.known_bases import known_at
from afs_stages.core.params import Params
from afs_stages.core.params.remote import TrainingJob
from afs_stages.training.base_model import POINTER

MODULES = ["afs_stages.stages.train", "afs_stages.stages.evaluate"]
SITE = "site"
"""Folder of the bundle on the machine into which the requirements are installed;
run.py looks there.
"""
ANSWERS = "generations.jsonl"
"""Result of the machine: what base and versions answered when they were asked there."""
OPERATION = {"job.json", "run.py", "image.py"}
"""Files that say how the machine is run, not what it trains."""


@dataclass(frozen=True)
class Bundle:
    """A finished bundle: where it lies, the hash of what it trains, its size in GB."""

    folder: Path
    hash: str
    gb: float


def adapter_of(model: str) -> Path:
    """Where the training on the machine leaves the adapter:
    the same place as at home.
    """
    return layout.adapter(model)


def contents(
    model: str, params: Params, job: TrainingJob, root: Path = Path()
) -> dict[str, Path]:
    """Name in the bundle -> file, for everything the job reads.
    Raises `UserError` for what is missing.
    """
    train = layout.trained_on(model, "train")
    data = Path(job.training_data) if job.training_data else train.parent
    found = {f"{train.parent}/{path.name}": path for path in _data_files(root / data)}
    script = job.training_script or params.train_for(model).script
    single = [
        layout.mixed(model, "test"),
        layout.mixed(model, layout.RECALL_SET),
        Path(script or "-"),
        Path(params.remote.requirements or "-"),
    ]
    found |= {str(path): root / path for path in single if (root / path).is_file()}
    if script and script not in found:
        raise UserError(
            "no such training script",
            where=script,
            fix=f"remote.jobs.{model}.training_script",
        )
    folders = (
        layout.BASE_MODEL,
        Path("models") / model / "releases",
        layout.RELEASES / model,
    )
    for folder in folders:
        found |= {str(path.relative_to(root)): path for path in _tree(root / folder)}
    found |= {str(path.relative_to(root)): path for path in _own_base(root)}
    if not job.training_script:
        if not (root / layout.BASE_MODEL).exists():
            raise UserError(
                "no base model",
                where=str(layout.BASE_MODEL),
                fix="dvc repro base-model",
            )
        code = SourceCode().closure(MODULES)
        found |= {str(path.relative_to(ROOT)): path for path in code}
    return dict(sorted(found.items()))


def _own_base(root: Path) -> list[Path]:
    """The files of the folder that the base model points to: its weights travel too.

    It travels whole or not at all: adapters remember a base by the hash of all its
    files. Raises `UserError`, before anything is rented, where it cannot.
    """
    pointer = root / layout.BASE_MODEL / POINTER
    told = read_json(pointer) if pointer.is_file() else {}
    if told.get("kind") != "folder":
        return []
    folder = Path(told["id"])
    if folder.is_absolute() or ".." in folder.parts:
        target = layout.OWN_BASES / folder.name
        raise UserError(
            "the base model lies outside of the project, so it cannot travel",
            where=str(folder),
            fix=f"ln -s {folder.resolve()} {target}, and set base_model.id: {target}",
        )
    missing = _missing_weights(root / folder)
    if missing:
        known = known_at(folder.as_posix())
        raise UserError(
            "the base model's weights are not here, so they cannot travel: "
            f"no {missing}",
            where=str(folder),
            fix=f"afs base fetch {known.name}" if known else "bring the folder back",
        )
    # Files of a hub's snapshot are links into its cache.
    files = [path for path in sorted((root / folder).rglob("*")) if path.is_file()]
    travelling = set(_tree(root / folder, links=True))
    for path in files:
        if path not in travelling:
            raise UserError(
                "hidden files never travel, and without this one the machine would "
                "take the base model for another",
                where=str(path.relative_to(root)),
                fix="move it out of the folder, then: dvc repro",
            )
    return files


def _missing_weights(folder: Path) -> str:
    """The first file that a model's folder lacks; empty where it has all."""
    if not (folder / "config.json").is_file():
        return "config.json"
    for index in sorted(folder.glob("*.index.json")):
        for name in sorted(set(read_json(index)["weight_map"].values())):
            if not (folder / name).is_file():
                return str(name)
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    return "" if weights else "*.safetensors"


def build(
    model: str, params: Params, job: TrainingJob, target: Path, gpus: int = 1
) -> Bundle:
    """Write the bundle of a model's job to `target`, replacing what is there."""
    import yaml

    files = contents(model, params, job)
    with atomic_folder(target) as part:
        for name, path in files.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part / name)
        for name in ("run.py",) if job.training_script else ("run.py", "image.py"):
            shutil.copyfile(Path(__file__).parent / "box" / name, part / name)
        (part / layout.PARAMS).write_text(
            yaml.safe_dump(parameters(model, params)), encoding="utf-8"
        )
        write_json(part / "job.json", instructions(model, params, job, gpus))
        hashes = {str(path.relative_to(part)): _digest(path) for path in _tree(part)}
        size = sum(path.stat().st_size for path in _tree(part))
        write_json(part / "MANIFEST.json", {"model": model, "files": hashes})
    trained = {name: digest for name, digest in hashes.items() if name not in OPERATION}
    identity = json.dumps([trained, job.training_script, job.epochs], sort_keys=True)
    return Bundle(target, hashlib.sha256(identity.encode()).hexdigest(), size / 1e9)


def parameters(model: str, params: Params) -> dict[str, Any]:
    """The params.yaml of the machine: what training and evaluation read, and of
    `models` this one.

    Its data are finished, so its sources and their weights do not matter
    and are not told.
    """
    whole = params.model_dump(
        include={"seed", "convert", "base_model", "train", "evaluate"}
    )
    block = params.model(model).model_dump(include={"version", "train"})
    return {
        **whole,
        "sources": {"bundle": {"root": "data"}},
        "models": {model: {**block, "weights": {"bundle": 1.0}}},
    }


def instructions(
    model: str, params: Params, job: TrainingJob, gpus: int
) -> dict[str, Any]:
    """What the machine does with the bundle: phases in order,
    where checkpoints and results lie.
    """
    adapter = adapter_of(model)
    phases = [
        _requirements(params),
        _image(job),
        _base_model(params, job),
        {"name": "train", "argv": _train(model, params, job, gpus)},
    ]
    if job.evaluate and not job.training_script:
        argv = ["{python}", "-m", "afs_stages.stages.evaluate", "--model", model]
        phases.append({"name": "evaluate", "argv": argv, "optional": True})
    results = {
        "adapter": adapter,
        "loss.tsv": layout.loss_curve(model),
        "train.json": layout.report("train", model),
        "evaluate.json": layout.report("evaluate", model),
        ANSWERS: layout.generations(model),
    }
    told: dict[str, Any] = {"phases": [phase for phase in phases if phase]}
    told["curve"] = str(layout.loss_curve(model))
    told["checkpoints"] = [
        f"{adapter}.checkpoints/checkpoint-*",
        f"{adapter}/checkpoint*",
    ]
    told["results"] = {name: str(path) for name, path in results.items()}
    told["required"] = ["adapter"]
    told["tick"] = params.remote.timing.guard_tick / 5
    return told


def _train(model: str, params: Params, job: TrainingJob, gpus: int) -> list[str]:
    """The training command, a process a GPU;
    an own script's processes are started by accelerate.
    """
    python, flags = ["{python}"], ["--processes", str(gpus)] if gpus > 1 else []
    epochs = job.epochs or params.train_for(model).epochs
    if job.training_script:
        if gpus > 1:
            python += ["-m", "accelerate.commands.launch", "--num_processes", str(gpus)]
        data = str(layout.trained_on(model, "train").parent)
        words = [
            job.training_script,
            "--data",
            data,
            "--output",
            str(adapter_of(model)),
        ]
        return [*python, *words, "--epochs", f"{epochs:g}"]
    flags += ["--epochs", f"{job.epochs:g}"] if job.epochs else []
    return [*python, "-m", "afs_stages.stages.train", "--model", model, *flags]


def _requirements(params: Params) -> dict[str, Any]:
    """Install the lock beside what the image has;
    skipped where the image has everything.

    In a folder of their own, they need no right to change the image's Python (PEP 668),
    and nothing of the image is uninstalled. The lock holds no torch: the image's own is
    used.
    """
    if not params.remote.requirements:
        return {}
    words = [
        "{python}",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--upgrade",
    ]
    argv = [*words, "--target", SITE, "-r", params.remote.requirements]
    return {"name": "requirements", "argv": argv, **_patience(params)}


def _patience(params: Params) -> dict[str, Any]:
    """What comes from the network is tried again."""
    timing = params.remote.timing
    return {"retries": 3, "pause": timing.guard_tick, "timeout": timing.phase}


def _image(job: TrainingJob) -> dict[str, Any]:
    """Refuse an image whose torch is not the one on this computer; a script of one's
    own judges for itself.
    """
    if job.training_script:
        return {}
    return {
        "name": "image",
        "argv": ["{python}", "image.py", version("torch").split("+")[0]],
    }


def _base_model(params: Params, job: TrainingJob) -> dict[str, Any]:
    """Fetch a hub model before the training,
    so that a slow hub is told from a slow training.
    """
    name, _, revision = params.base_model.id.partition("@")
    if not name or job.training_script or Path(name).exists():
        return {}
    words = [
        "{python}",
        "-m",
        "huggingface_hub.cli.hf",
        "download",
        name,
        *(["--revision", revision] if revision else []),
    ]
    return {"name": "base-model", "argv": words, **_patience(params)}


def _data_files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    files = [
        folder / f"{part}.jsonl"
        for part in layout.PARTS
        if (folder / f"{part}.jsonl").is_file()
    ]
    if folder / "train.jsonl" not in files:
        raise UserError(
            "no train.jsonl to train on", where=str(folder), fix="dvc repro convert"
        )
    return files


def _tree(folder: Path, links: bool = False) -> Iterator[Path]:
    """Files below a folder in order, without hidden ones (DVC's and Git's own), and
    without links unless they are asked for.
    """
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if (
            path.is_file()
            and (links or not path.is_symlink())
            and not hidden
            and path.suffix != ".dvc"
        ):
            yield path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
