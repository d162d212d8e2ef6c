"""Block `remote` of params.yaml: which machines may be rented, for which job,
and for how much.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from afs_stages.core.errors import nearest
from afs_stages.core.params.block import Block
from afs_stages.core.params.mistake import Misfit, Mistake


class GPUConfig(Block):
    """A class of machine one is ready to pay for."""

    gpu_name: str = Field(description="name as the service writes it, e.g. RTX 4090")
    gpu_names: list[str] = Field(
        default_factory=list, description="further names that serve as well"
    )
    vram_gb: float = Field(gt=0, description="memory of one GPU the class promises, GB")
    tflops: float = Field(
        default=100.0,
        gt=0,
        description="dense bf16 TFLOP/s of one GPU by data sheet; for estimates",
    )
    num_gpus: int = Field(default=1, ge=1)
    disk_space: float = Field(
        default=50, ge=8, description="GB; cannot be changed after renting"
    )
    max_price: float = Field(gt=0, description="dollars per hour, disk included")
    min_reliability: float = Field(default=0.97, ge=0, le=1)
    min_down_mbps: float = Field(default=200, ge=0)
    min_cuda: float = Field(default=12.8, ge=0)

    @property
    def names(self) -> list[str]:
        """Every GPU name that belongs to the class."""
        return [self.gpu_name, *self.gpu_names]

    @property
    def memory_gb(self) -> float:
        """GPU memory of the whole machine, GB."""
        return self.vram_gb * self.num_gpus


class TrainingJob(Block):
    """What is trained on a rented machine; every field has a sensible default."""

    training_script: str = Field(
        default="", description="own script (--data --output --epochs); empty: train.py"
    )
    training_data: str = Field(
        default="",
        description="folder with train.jsonl; empty: what convert@<model> wrote",
    )
    epochs: float | None = Field(
        default=None, gt=0, description="empty: as in the model's train block"
    )
    gpu_config: str = Field(
        default="balanced", description="name of a block of remote.gpus"
    )
    estimated_hours: float | None = Field(
        default=None, gt=0, description="empty: from tokens and TFLOP/s"
    )
    max_hours: float = Field(
        default=12, gt=0, description="no machine of this job lives longer"
    )
    budget: float = Field(
        default=10,
        gt=0,
        description="dollars for the whole job, every machine and byte included",
    )
    results_gb: float | None = Field(
        default=None,
        gt=0,
        description="GB that come home, checkpoints included; empty: estimated, "
        "own script: 1",
    )
    evaluate: bool = Field(
        default=True, description="evaluate on the machine before it goes"
    )


class Timing(Block):
    """How long is waited for what, in seconds.
    The defaults suit the service; tests shorten them.
    """

    poll: float = Field(default=15, gt=0, description="between two looks at a machine")
    api_gap: float = Field(
        default=5, ge=0, description="least pause before an API call is tried again"
    )
    api_patience: float = Field(
        default=300, gt=0, description="until a failing API call is given up"
    )
    reconcile: float = Field(
        default=20,
        ge=0,
        description="a machine asked for may take so long to show in the list",
    )
    loading: float = Field(
        default=900,
        gt=0,
        description="until a machine that is still loading is given back",
    )
    ssh: float = Field(
        default=300,
        gt=0,
        description="until a running machine that no ssh reaches is given back",
    )
    stopped: float = Field(
        default=900,
        gt=0,
        description="until a machine that is stopped, unreachable, or whose guard "
        "stands still counts as lost",
    )
    heartbeat: float = Field(
        default=1800,
        gt=0,
        description="the machine goes after so long without a sign of life",
    )
    grace: float = Field(
        default=7200,
        gt=0,
        description="the machine goes when results lie uncollected so long",
    )
    tail: float = Field(
        default=600,
        ge=0,
        description="end of the paid time kept for bringing results home",
    )
    teardown: float = Field(
        default=600,
        ge=0,
        description="paid time set aside for a destroy that does not go through; "
        "the guard tries so long before it stops the machine, this computer ends it "
        "after half of it",
    )
    guard_tick: float = Field(default=5, gt=0)
    phase: float = Field(
        default=3600,
        gt=0,
        description="time-out of a set-up phase (requirements, base model)",
    )


class Remote(Block):
    """Renting GPUs on vast.ai."""

    image: str = Field(
        default="pytorch/pytorch:2.13.0-cuda12.6-cudnn9-runtime",
        description="docker image, pinned by tag or digest",
    )
    requirements: str = Field(
        default="requirements.lock",
        description="locked requirements installed on the machine; empty: "
        "image has them",
    )
    install_gb: float = Field(
        default=4.0,
        ge=0,
        description="download by the requirements, for the price of traffic",
    )
    interruptible: bool = Field(
        default=False, description="bid for machines that others may outbid"
    )
    bid_factor: float = Field(
        default=1.2, ge=1, description="bid: the higher of lowest bid and offer, x this"
    )
    max_machines: int = Field(
        default=4, ge=1, description="machines a job may use up one after the other"
    )
    gpus: dict[str, GPUConfig] = Field(default_factory=dict)
    jobs: dict[str, TrainingJob] = Field(
        default_factory=dict, description="model -> job; left out: defaults"
    )
    timing: Timing = Timing()

    @model_validator(mode="after")
    def _jobs_name_classes(self) -> Remote:
        known = list(self.gpus)
        unknown = []
        for model, job in self.jobs.items():
            name = job.gpu_config
            if name in known:
                continue
            what = f"no class '{name}' in remote.gpus ({nearest(name, known)})"
            fix = f"add remote.gpus.{name}"
            if known:
                fix = f"write {' or '.join(known)}, or {fix}"
            unknown.append(Mistake(("jobs", model, "gpu_config"), what, fix))
        if unknown:
            raise Misfit(*unknown)
        return self

    def job(self, model: str) -> TrainingJob:
        """The job of a model; the defaults where none is written down."""
        return self.jobs.get(model) or TrainingJob()
