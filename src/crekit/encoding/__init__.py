"""DNA as numbers for a model: windows, one-hot codes, and the store of sequences."""
