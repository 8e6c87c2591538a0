"""Motifs: position weight matrices, MEME files, kernels as motifs, comparison against databases, logos."""
