"""Data sets, splits, samplers, losses, the training loop, and the metrics of what came out."""
