"""A model's remote job made ready to run: parameters, bundle, service, ssh, screen."""

from __future__ import annotations

import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import open_write
from afs_stages.core.params import Params
from afs_stages.core.params.remote import TrainingJob
from afs_stages.core.progress import QUIET_SECONDS
from afs_stages.remote import inbox
from afs_stages.remote.bundle import ANSWERS, Bundle, build
from afs_stages.remote.clock import SystemClock
from afs_stages.remote.connection import SshConnection, own_key
from afs_stages.remote.journal import STATE, Job, Journal
from afs_stages.remote.launch import Launcher
from afs_stages.remote.money import check_budget
from afs_stages.remote.plan import JobRequest, job_request
from afs_stages.remote.receipt import receipts
from afs_stages.remote.service import Instance, Service

if TYPE_CHECKING:
    from afs_stages.training.base_model import Base


@dataclass(frozen=True)
class JobOptions:
    """What a command line may set over params."""

    budget: float | None = None
    gpu: str | None = None
    interruptible: bool | None = None
    detach: bool = False
    fresh: bool = False
    resume: bool = False


def remote_folder(model: str) -> Path:
    """Where `remote-train@<model>` leaves what `train@<model>` leaves
    in models/<model>.
    """
    return Path("models") / model / "remote"


def prepare(
    model: str, params: Params, options: JobOptions
) -> tuple[Bundle, JobRequest]:
    """The bundle of a model, and its job with the options over params.
    Raises `UserError`.
    """
    check_budget(options.budget)
    job = params.remote.job(model)
    gpu = params.remote.gpus.get(options.gpu or job.gpu_config)
    bundle = build(
        model, params, job, STATE / model / "bundle", gpu.num_gpus if gpu else 1
    )
    return bundle, job_request(
        model, params, bundle, options.budget, options.gpu, options.interruptible
    )


def launch(model: str, params: Params, options: JobOptions) -> Job:
    """Rent, train, bring home, give back; returns the job.
    Raises `UserError` where it did not come to an end.
    """
    bundle, wanted = prepare(model, params, options)
    journal = Journal(model)
    _checkpoints(journal, bundle, options)
    private, public = own_key(STATE / "ssh")
    pulse = min(60.0, params.remote.timing.heartbeat / 4)

    def connect(instance: Instance, seconds: float) -> SshConnection:
        known = STATE / model / f"known_hosts.{instance.id}"
        return SshConnection(
            instance.host, instance.port, private, known, seconds, pulse
        )

    signal.signal(signal.SIGTERM, _leave)
    clock = SystemClock()
    service = Service(params.remote.timing, clock)
    with StatusLine(model, wanted.budget) as screen:
        launcher = Launcher(
            service,
            params,
            journal,
            wanted,
            bundle,
            clock,
            connect,
            public,
            screen.show,
        )
        return launcher.run(options.detach)


def _leave(number: int, frame: object) -> None:
    """A polite kill is taken like Ctrl-C: the machine is given back first, and a second
    one does not stop that.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _checkpoints(journal: Journal, bundle: Bundle, options: JobOptions) -> None:
    """`--fresh` forgets what an earlier job brought home; `--resume` insists on it."""
    if options.fresh:
        for name in ("partial", "result"):
            shutil.rmtree(journal.folder / name, ignore_errors=True)
    job = journal.load()
    if options.resume and not (
        job and job.bundle == bundle.hash and (journal.folder / "partial").is_dir()
    ):
        raise UserError(
            "there is no checkpoint of this data and these parameters to resume from",
            fix="omit --resume",
        )


def deliver(model: str, params: Params) -> dict[str, Any]:
    """Copy a finished job's results to where the pipeline expects them; the receipt.

    Nothing is moved, so that a stage run again finds them without renting. An adapter
    of a script of one's own gets the training.json that every adapter carries.
    """
    result, target = STATE / model / "result", remote_folder(model)
    job = Journal(model).load()
    if job is None or job.state != "done":
        raise UserError("the job is not done", fix=f"afs vastai attach --model {model}")
    answered = _examine(result)
    shutil.rmtree(target / "adapter", ignore_errors=True)
    shutil.copytree(result / "adapter", target / "adapter")
    _name_script(model, params, target / "adapter")
    shutil.rmtree(target / "logs", ignore_errors=True)
    (result / "logs").mkdir(exist_ok=True)
    shutil.copytree(result / "logs", target / "logs")
    _copy(result / "loss.tsv", target / "loss.tsv", "step\tloss\n")
    with open_write(layout.rented_generations(model)) as writer:
        writer.write_many(answered)
    _copy(
        result / "evaluate.json",
        layout.report("remote-evaluate", model),
        '{"measured": false}\n',
    )
    return next(receipt for receipt in receipts() if receipt["job"] == job.nonce)


def _examine(result: Path) -> list[dict[str, Any]]:
    """What came home is what the stages after this one can read; returns what the
    models answered, none where nothing was measured. Raises `UserError`.
    """
    fix = (
        "mend the training script, or take it that the host cheated; "
        "then --fresh trains anew"
    )
    kept = result / ANSWERS
    try:
        inbox.only_plain(result)
        answered = inbox.answers(kept) if kept.is_file() else []
    except inbox.Refused as refused:
        raise UserError(str(refused), where=str(result), fix=fix) from None
    if not (result / "adapter").is_dir():
        raise UserError(
            "the training left no folder `adapter`", where=str(result), fix=fix
        )
    for name in ("evaluate.json", "adapter/training.json"):
        if (result / name).exists() and not inbox.holds_an_object(result / name):
            raise UserError("this is no JSON object", where=str(result / name), fix=fix)
    return answered


def _name_script(model: str, params: Params, adapter: Path) -> None:
    """Give the adapter of a script of one's own the record every adapter carries."""
    from afs_stages.training.script import complete
    from afs_stages.training.train import TrainingRun

    job, train = params.remote.job(model), params.train_for(model)
    script = job.training_script or train.script
    if not script:
        return
    changes = {"script": script, "epochs": job.epochs or train.epochs}
    run = TrainingRun(
        base=_base_of_script(),
        train=train.model_copy(update=changes),
        seed=params.seed,
        train_file=_train_file(model, job),
        val_file=None,
        output=adapter,
        model=model,
        version=params.model(model).version,
    )
    complete(run, adapter)


def _train_file(model: str, job: TrainingJob) -> Path:
    """The rows that a script was trained on."""
    data = layout.trained_on(model, "train").parent
    if job.training_data:
        data = Path(job.training_data)
    return data if data.is_file() else data / "train.jsonl"


def _base_of_script() -> Base:
    """The pipeline's base; an unnamed one where there is none.

    A script may bring a base of its own: then the pipeline's says nothing about it.
    """
    from afs_stages.training.base_model import POINTER, Base, resolve

    marks = [layout.BASE_MODEL / name for name in (POINTER, "config.json")]
    if any(mark.is_file() for mark in marks):
        return resolve(layout.BASE_MODEL)
    return Base("", "", None, "")


def _copy(source: Path, target: Path, otherwise: str) -> None:
    """Copy a file; a script of one's own may leave none,
    and the stage's output must still exist.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copyfile(source, target)
    else:
        target.write_text(otherwise, encoding="utf-8")


class StatusLine:
    """One line that is rewritten on a terminal; a quiet line now and then in a pipe."""

    def __init__(self, model: str, cap: float) -> None:
        self.model, self.cap = model, cap
        self._clock, self._last, self._phase = SystemClock(), 0.0, ""
        self._tty = sys.stderr.isatty()

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(self, *error: object) -> None:
        if self._tty:
            sys.stderr.write("\n")

    def show(self, facts: dict[str, Any]) -> None:
        """Say where the job stands."""
        line = (
            f"{self.model}: machine {facts.get('machine')}, "
            f"{facts.get('phase') or 'set-up'}"
        )
        line += "".join(
            f", {name} {facts[name]:g}"
            for name in ("step", "loss")
            if facts.get(name) is not None
        )
        if "dollars" in facts:
            line += f", ${facts['dollars']:.2f} of ${self.cap:.2f}"
        if self._tty:
            sys.stderr.write(f"\r\033[K{line}")
            sys.stderr.flush()
            return
        now = self._clock.now()
        if facts.get("phase") != self._phase or now - self._last >= QUIET_SECONDS * 3:
            self._phase, self._last = str(facts.get("phase")), now
            console.log.info(line)
