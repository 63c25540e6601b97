"""Training a model: one process or many, checkpoints, when to stop."""
