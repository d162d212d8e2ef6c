"""Commands of `afs` that are no stage of the pipeline."""
