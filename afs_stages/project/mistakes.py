"""What params.yaml says and a run cannot do: values that are each sound, and name
something that is not there, or do not go together.

Types and ranges are checked wherever the file is read. What stands here is asked once,
by the first stage of every run, and may look at folders and at installed packages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.core import layout
from afs_stages.core.errors import closest, nearest
from afs_stages.core.known_bases import known_at
from afs_stages.core.params import Params
from afs_stages.core.params.data import Source
from afs_stages.core.params.mistake import Key, Mistake, dotted, written
from afs_stages.core.params.model import BaseModelBlock
from afs_stages.core.params.validation import mistakes_of
from afs_stages.dataset.formats import plugins as formats
from afs_stages.dataset.idle_weights import idle_weights, is_released
from afs_stages.sources import plugins
from afs_stages.sources.collect import TAKEN

NAME = re.compile(r"\w[\w-]*")
"""What DVC takes in the name of a stage, and a command line without quotes."""
MOVING = ("main", "master", "HEAD")
"""Revisions of a hub id that mean something else tomorrow."""


def mistakes(params: Params) -> list[Mistake]:
    """Everything that a run would fail at or quietly leave out."""
    found = [mistake for check in CHECKS for mistake in check(params)]
    # What all models share is wrong once, however many meet it.
    return list(dict.fromkeys(found))


def warnings(params: Params) -> list[Mistake]:
    """What stops no run and may still surprise."""
    return [mistake for check in DOUBTS for mistake in check(params)]


def _names(params: Params) -> Iterator[Mistake]:
    """Names become stages, files and options."""
    for block, names in (("sources", params.sources), ("models", params.models)):
        for name in names:
            if not NAME.fullmatch(name):
                better = re.sub(r"[^\w-]+", "-", name).strip("-") or "one"
                what = f"only letters, digits, - and _ make a name, got '{name}'"
                yield Mistake((block, name), what, f"call it {better}")
    if "rehearsal" in params.sources:
        what = "the name 'rehearsal' is taken: in weights it means rows of old versions"
        fix = "give the source another name, such as notes"
        yield Mistake(("sources", "rehearsal"), what, fix)


def _sources(params: Params) -> Iterator[Mistake]:
    for name, source in params.sources.items():
        for mistake in (*_type(name, source), *_root(name, source)):
            yield mistake.below("sources", name)


def _type(name: str, source: Source) -> Iterator[Mistake]:
    """The type, and the options that belong to it."""
    known = sorted(plugins.installed())
    if not source.type:
        guess = name if name in known else closest(name, known)
        fix = f"add `type: {guess or known[0]}` below sources.{name}"
        if not guess:
            fix = f"add `type:` with one of {', '.join(known)} below sources.{name}"
        what = "missing key 'type': DVC compares the exporter's code by it"
        yield Mistake(("type",), what, fix)
    elif source.type not in known:
        what = f"no source type '{source.type}' ({nearest(source.type, known)})"
        guess = closest(source.type, known)
        fix = f"write {guess}" if guess else f"write one of {', '.join(known)}"
        yield Mistake(
            ("type",), f"{what}", f"{fix}, or install the package that has it"
        )
    else:
        yield from _options(source)


def _options(source: Source) -> Iterator[Mistake]:
    options = plugins.source_class(source.type).Options
    try:
        options.model_validate(source.options)
    except ValidationError as error:
        yield from mistakes_of(error, options, *Source.model_fields)


def _root(name: str, source: Source) -> Iterator[Mistake]:
    root = source.root
    bring = f"afs collect {name}"
    if name not in TAKEN:
        bring += " --git URL --rev COMMIT"
    if root.startswith("~"):
        what = f"DVC cannot expand ~, got '{root}'"
        yield Mistake(("root",), what, f"write `root: {Path(root).expanduser()}`")
    elif not root.strip():
        fix = f"write the folder to read, such as data/raw/{name}"
        yield Mistake(("root",), f"names no folder, got '{root}'", fix)
    elif not Path(root).exists():
        fix = (
            f"set sources.{name}.root to your folder, bring it in with `{bring}`, or "
            "remove the block"
        )
        yield Mistake(("root",), f"no such folder '{root}'", fix)
    elif Path.cwd().is_relative_to(Path(root).resolve()):
        what = f"this project lies in it, with all that the stages write, got '{root}'"
        fix = f"move the source's files to data/raw/{name}, and name that folder"
        yield Mistake(("root",), what, fix)


def _discriminator(params: Params) -> Iterator[Mistake]:
    """A discriminator that learns from nothing, though a codebase is there."""
    source, codebases = params.discriminator.source, _codebases(params)
    if source not in params.sources and codebases:
        what = f"no source '{source}' ({nearest(source, list(params.sources))})"
        guess = closest(source, codebases) or codebases[0]
        fix = f"write `source: {guess}` below discriminator"
        yield Mistake(("discriminator", "source"), what, fix)


def _no_discriminator(params: Params) -> Iterator[Mistake]:
    source = params.discriminator.source
    if source not in params.sources and not _codebases(params):
        what = f"no source '{source}': no discriminator is trained"
        fix = "nothing, or name a codebase here once it is among the sources"
        yield Mistake(("discriminator", "source"), what, fix)


def _codebases(params: Params) -> list[str]:
    return [name for name, source in params.sources.items() if _is_codebase(source)]


def _is_codebase(source: Source) -> bool:
    if source.type not in plugins.installed():
        return False
    return issubclass(plugins.source_class(source.type), OracleTrainingGenerator)


def _quality(params: Params) -> Iterator[Mistake]:
    quality = params.quality
    if quality.assembler == "asar" and quality.asar and not Path(quality.asar).exists():
        fix = "name libasar or the asar program, or leave it empty for the one on PATH"
        what = f"no such file '{quality.asar}'"
        yield Mistake(("quality", "asar"), what, fix)


def _formats(params: Params) -> Iterator[Mistake]:
    key: Key = ("convert", "formats")
    named, known = params.convert.formats, sorted(formats.installed())
    for place, name in enumerate(named):
        if name not in known:
            what = f"no format '{name}' ({nearest(name, known)})"
            guess = closest(name, known)
            fix = f"write {guess}" if guess else f"write one of {', '.join(known)}"
            yield Mistake((*key, place), what, fix)
    # A misspelt one is told above; its line is the one to mend.
    misspelt = [name for name in named if closest(name, known) == layout.TRAINED_ON]
    if not misspelt:
        what = f"{layout.TRAINED_ON} is missing, which train reads, got {named}"
        yield Mistake(key, what, f"write [{', '.join([*named, layout.TRAINED_ON])}]")


def _bases(params: Params) -> Iterator[Mistake]:
    base = params.base_model.id
    for key, name in (
        (("base_model", "id"), base),
        (("discriminator", "base"), params.discriminator.base),
    ):
        if name:
            yield from _base(key, name)
    inside = Path(base).parent == layout.OWN_BASES
    if base and Path(base).is_dir() and not inside:
        target = layout.OWN_BASES / Path(base).name
        what = (
            f"'{base}' lies outside of {layout.OWN_BASES}, so nothing "
            "would be trained again when its weights change"
        )
        fix = f"ln -s {Path(base).resolve()} {target}, and set base_model.id: {target}"
        yield Mistake(("base_model", "id"), what, fix)


def _base(key: Key, name: str) -> Iterator[Mistake]:
    """A pre-trained model by its folder, or by a hub id that is pinned."""
    model, _, revision = name.partition("@")
    if "<" in name or ">" in name:
        hub = model if "<" not in model else "OWNER/MODEL"
        what = f"a placeholder still stands here, got '{name}'"
        yield Mistake(key, what, _pin(hub))
    elif name.startswith("~"):
        what = f"~ is not expanded here, got '{name}'"
        yield Mistake(key, what, f"write {Path(name).expanduser()}")
    elif Path(name).is_dir() or known_at(name):
        return
    elif model.startswith((".", "/")) or model.count("/") > 1:
        what = f"no such folder '{name}'"
        yield Mistake(key, what, f"put the model there, or name a hub id: {_pin()}")
    elif not revision:
        what = f"no folder, and as a hub id it names no revision, got '{name}'"
        yield Mistake(key, what, _pin(model))


def _pin(model: str = "OWNER/MODEL") -> str:
    return (
        f"write {model}@COMMIT, with the commit that `git ls-remote "
        f"https://huggingface.co/{model} HEAD` prints"
    )


def _moving_bases(params: Params) -> Iterator[Mistake]:
    model, _, revision = params.base_model.id.partition("@")
    if revision in MOVING:
        what = f"'{revision}' moves, and the same training cannot be had again"
        yield Mistake(("base_model", "id"), what, _pin(model))


def _lengths(params: Params) -> Iterator[Mistake]:
    """Every row that fits must be one that training takes."""
    most = params.fit.max_tokens
    for name, model in params.models.items():
        limit = params.train_for(name).max_length
        if most <= limit:
            continue
        key = home = _home(name, model.train, "max_length")
        if "max_tokens" in params.fit.model_fields_set and key[0] == "train":
            key = ("fit", "max_tokens")
        what = (
            "rows must not be longer than training takes, got fit.max_tokens "
            f"{most} and {dotted(home)} {limit}"
        )
        fix = f"set fit.max_tokens: {limit}, or {dotted(home)}: {most}"
        yield Mistake(key, what, fix)


def _heads(params: Params) -> Iterator[Mistake]:
    """Attention splits a layer's width evenly among its heads."""
    base, judge = params.base_model, params.discriminator
    if not base.id and base.hidden_size % (2 * base.heads):
        key = written(base, "hidden_size", "heads")
        what = (
            f"{base.heads} heads cannot share a width of {base.hidden_size} in even "
            "parts"
        )
        yield Mistake(("base_model", key), what, _width(base))
    heads = max(1, judge.hidden_size // 32)
    if judge.kind != "ngram" and not judge.base and judge.hidden_size % heads:
        what = f"{heads} heads cannot share a width of {judge.hidden_size}"
        width = judge.hidden_size // 32 * 32
        fix = f"write a multiple of 32: {width}"
        yield Mistake(("discriminator", "hidden_size"), what, fix)


def _width(base: BaseModelBlock) -> str:
    step = 2 * base.heads
    width = max(1, base.hidden_size // step) * step
    return f"write `hidden_size: {width}`: a multiple of twice the heads"


def _training(params: Params) -> Iterator[Mistake]:
    for name, model in params.models.items():
        train = params.train_for(name)
        script = train.script
        if script and not Path(script).is_file():
            key = _home(name, model.train, "script")
            fix = "name your script, or leave it empty for LoRA by peft"
            yield Mistake(key, f"no such file '{script}'", fix)
        if train.early_stopping_patience and not params.split.val:
            key = _home(name, model.train, "early_stopping_patience")
            what = (
                "stopping early needs val rows, and split.val is 0, got "
                f"{train.early_stopping_patience}"
            )
            yield Mistake(key, what, "set split.val: 0.1, or remove the line")


def _home(model: str, own: dict[str, object], key: str) -> Key:
    """Where a training key is set: in the model's block or in `train`."""
    return ("models", model, "train", key) if key in own else ("train", key)


def _weights(params: Params) -> Iterator[Mistake]:
    for name, model in params.models.items():
        idle = idle_weights(name, params)
        if not _may_keep(name, params):
            yield from idle
        if not params.sources_of(name) and not idle:
            what = f"no source has a weight above 0, got {model.weights}"
            fix = f"weigh at least one of {', '.join(params.sources)}"
            yield Mistake(("models", name, "weights"), what, fix)


def _kept_weights(params: Params) -> Iterator[Mistake]:
    for name in params.models:
        if _may_keep(name, params):
            yield from idle_weights(name, params)


def _may_keep(model: str, params: Params) -> bool:
    """Whether weights of no source are only warned of: what the version was built from
    is frozen, and something is left to learn from.
    """
    released = is_released(model, params.model(model).version)
    return released and bool(params.sources_of(model))


def _remote(params: Params) -> Iterator[Mistake]:
    for name, job in params.remote.jobs.items():
        key: Key = ("remote", "jobs", name)
        if name not in params.models:
            guess = closest(name, list(params.models))
            what = f"no model '{name}' ({nearest(name, list(params.models))})"
            fix = f"write '{guess}'" if guess else "remove the job, or add the model"
            yield Mistake(key, what, fix)
        for option in ("training_script", "training_data"):
            path = getattr(job, option)
            if path and not Path(path).exists():
                what = f"no such file or folder '{path}'"
                fix = "name one that is there, or leave it empty for the pipeline's"
                yield Mistake((*key, option), what, fix)


CHECKS = (
    _names,
    _sources,
    _discriminator,
    _quality,
    _formats,
    _bases,
    _lengths,
    _heads,
    _training,
    _weights,
    _remote,
)
DOUBTS = (_no_discriminator, _kept_weights, _moving_bases)
