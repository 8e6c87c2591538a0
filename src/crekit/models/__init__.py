"""One file per published architecture, the registry of them, and the model file."""
