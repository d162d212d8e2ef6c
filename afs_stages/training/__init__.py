"""LoRA training: the base model, encoding, the loop, checkpoints."""
