"""From tracks and a model to probabilities along the genome, blocks and browser files."""
