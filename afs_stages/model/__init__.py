"""The model: tiny base, LoRA training, evaluation, forgetting, registry."""
