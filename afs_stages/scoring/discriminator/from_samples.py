"""From samples to a discriminator's folder: what the stage and the command share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afs_stages.core.atomic import atomic_folder
from afs_stages.core.params.data import Discriminator as Settings
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.cross_fit import train_bundle
from afs_stages.scoring.discriminator.fold_models import save
from afs_stages.scoring.discriminator.pairs import real_blocks


def train_on_samples(
    samples: Sequence[TrainingSample], settings: Settings, seed: int, output: Path
) -> dict[str, Any]:
    """Train on the samples' assembly and write the folder;
    the measures on held-out files.
    """
    ordered = sorted(samples, key=lambda sample: sample.sample_id)
    bundle, measures = train_bundle(
        real_blocks(ordered), Context.of(ordered), settings, seed
    )
    with atomic_folder(output) as folder:
        save(bundle, folder)
    return {"kind": settings.kind, **measures}
