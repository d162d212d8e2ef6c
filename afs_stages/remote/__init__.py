"""Renting GPUs on vast.ai: offers, plan, bundle, launch, guard, collect, money."""

from afs_stages.core.params.remote import GPUConfig, TrainingJob

__all__ = ["GPUConfig", "TrainingJob"]
