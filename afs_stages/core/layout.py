"""Where everything lies: one function per kind of file,
relative to the repository root.

`dvc.yaml` names the same paths; a test holds the two together.
"""

from __future__ import annotations

from pathlib import Path

PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")
RENTING = Path("remote/dvc.yaml")
CODE = Path("code.json")
"""What code each stage runs, as hashes."""
PARAMS_OK = Path("data/params.ok")
DISCRIMINATOR_ROWS = Path("data/discriminator-rows.jsonl")
ELECTRA = Path("models/electra")
BASE_MODEL = Path("models/base")
OWN_BASES = Path("models/bases")
"""Base models of one's own, a folder each; a dependency of `base-model`."""
SPLITS = Path("data/splits")
RELEASES = Path("data/releases")
REGISTRY = Path("models/registry")
USE = Path("use")
"""What `afs model merge` and its like make: no stage's output, made again at will."""
PAGE = Path("reports/index.html")
"""`report`'s page."""
BASE_TEXTS = Path("data/cache/base-texts")
"""What bases wrote for `train` to hold models to; no stage's output, safe to delete."""
BACKUP_STATE = Path(".afs/backup")
LAST_BACKUP = BACKUP_STATE / "last-success.json"
TRAINED_ON = "messages"
"""The format that `train` reads."""
PARTS = ("train", "val", "test")
"""The three parts of a split."""
RECALL_SET = "recall"
"""What stands beside them: questions for trained facts, in wordings never trained."""


def stage_name(stage: str, key: str) -> str:
    """A stage as DVC names it: `score@claude`, `split`."""
    return f"{stage}@{key}" if key else stage


def exported(source: str) -> Path:
    """`export@<source>`'s samples."""
    return Path("data/exported") / f"{source}.jsonl"


def scored(source: str) -> Path:
    """`score@<source>`'s survivors, with their scores."""
    return Path("data/scored") / f"{source}.jsonl"


def rejected(source: str) -> Path:
    """`score@<source>`'s rows below the minimum score, with the reason."""
    return Path("data/rejected") / f"{source}.jsonl"


def score_cache(source: str) -> Path:
    """Scores that `score@<source>` gave before, by content hash; no output of a stage,
    safe to delete.
    """
    return Path("data/cache/scores") / f"{source}.sqlite"


def split(part: str) -> Path:
    """`split`'s train, val or test rows of all sources, or its recall set."""
    return SPLITS / f"{part}.jsonl"


def fitted(model: str, part: str) -> Path:
    """`fit@<model>`'s rows: this model's sources, within its token limit."""
    return Path("data/fitted") / model / f"{part}.jsonl"


def rehearsal(model: str) -> Path:
    """`rehearse@<model>`'s buffer: rows of older versions."""
    return Path("data/rehearsal") / f"{model}.jsonl"


def mixed(model: str, part: str) -> Path:
    """`rebalance@<model>`'s final rows."""
    return Path("data/mixed") / model / f"{part}.jsonl"


def checked(model: str) -> Path:
    """`check@<model>`'s word that the mix may be trained on."""
    return Path("data/checked") / f"{model}.ok"


def datacard(model: str) -> Path:
    """`check@<model>`'s data card; the same as JSON lies beside it."""
    return Path("reports") / model / "datacard.md"


def converted(model: str, format: str, part: str) -> Path:
    """`convert@<model>`'s rows in a training format."""
    return Path("data/converted") / model / format / f"{part}.jsonl"


def release(model: str, version: str) -> Path:
    """A frozen version."""
    return RELEASES / model / version


def trained_on(model: str, part: str) -> Path:
    """`convert@<model>`'s rows in the format that `train` reads."""
    return converted(model, TRAINED_ON, part)


def adapter(model: str) -> Path:
    """`train@<model>`'s finished adapter folder."""
    return Path("models") / model / "adapter"


def release_adapters(model: str) -> Path:
    """`train-releases@<model>`'s adapters of earlier versions on this base,
    one folder a version.
    """
    return Path("models") / model / "releases"


def generations(model: str) -> Path:
    """What base and versions answered when `evaluate@<model>` asked them."""
    return Path("reports") / model / "generations.jsonl"


def rented_generations(model: str) -> Path:
    """The same from a rented machine, as `remote-train@<model>` let it in."""
    return Path("models") / model / "remote" / "generations.jsonl"


def rented_page(model: str) -> Path:
    """`remote-report@<model>`'s page: what was answered on the rented machine."""
    return Path("reports") / model / "remote.html"


def loss_curve(model: str) -> Path:
    """`train@<model>`'s loss by step, a TSV that grows while training runs."""
    return Path("reports") / model / "loss.tsv"


def report(stage: str, key: str = "") -> Path:
    """A stage's report, kept in Git."""
    return Path("reports") / stage / f"{key or stage}.json"


def merged_model(name: str) -> Path:
    """`afs model merge`'s folder: a whole model, `name` being `veran-v5`."""
    return USE / "merged" / name


def gguf_folder(name: str) -> Path:
    """`afs model gguf`'s folder, as LM Studio looks for models: publisher/model/file.

    LM Studio reads `use/gguf` as its models folder.
    """
    return USE / "gguf" / "afs-stages" / name


def handed_on(name: str) -> Path:
    """`afs model publish`'s folder: an adapter that loads from anywhere."""
    return USE / "adapter" / name


def metrics(model: str) -> Path:
    """A model's headline figures, which DVC shows as its metrics."""
    return Path("reports/metrics") / f"{model}.json"


def run_facts(stage: str, key: str = "") -> Path:
    """Seconds and memory of the stage's last run here; ignored by Git and DVC."""
    return Path("reports/run") / f"{stage_name(stage, key)}.json"
