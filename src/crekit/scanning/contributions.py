"""Contributions of bases as bigWig files: one value a base, where windows were explained."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from crekit.encoding.store import FASTA, Sequences
from crekit.errors import InputError
from crekit.files import output_path, require_writable
from crekit.scanning import bigwig, outputs


def paths(prefix: str, classes: Sequence[str], sequences: Sequences) -> dict[str, Path]:
    """Where the contributions to each class go, ``PREFIX.CLASS.bw``, checked before the work.

    Raises
    ------
    InputError
        If the sequences are of no genome, two classes give one name, or a file cannot be written.
    """
    if sequences.source == FASTA:
        raise InputError(
            f"{sequences.path}: records of a FASTA, which have no place on a genome for a bigWig; "
            "leave out --bigwig, or encode regions of a genome"
        )
    named = outputs.Names(prefix, classes).bigwigs
    if len(set(named.values())) < len(named):
        raise InputError("two classes of the model give the same file name; choose one with --class")
    for path in named.values():
        require_writable(path)
    return named


def write(
    path: str | Path, sizes: Mapping[str, int], chrom: np.ndarray, start: np.ndarray, contributions: np.ndarray
) -> None:
    """Write contributions; where windows share a base, their mean.

    Parameters
    ----------
    path : path
    sizes : mapping of str to int
        Chromosomes, in their order, and their sizes.
    chrom : np.ndarray, shape (n,), object
    start : np.ndarray, shape (n,), int64
        Of the windows; what is padded may lie past the chromosome, and is left out.
    contributions : np.ndarray, shape (n, width), float32
    """
    width = contributions.shape[1]
    with output_path(path) as temporary, bigwig.create(temporary, sizes) as writer:
        for name, size in sizes.items():
            mine = np.flatnonzero(chrom == name)
            if not len(mine):
                continue
            base = (start[mine, None] + np.arange(width)).ravel()
            inside = (base >= 0) & (base < size)
            place, which, number = np.unique(base[inside], return_inverse=True, return_counts=True)
            mean = np.bincount(which, weights=contributions[mine].ravel()[inside]) / number
            breaks = np.flatnonzero(np.diff(place) > 1) + 1
            for places, values in zip(np.split(place, breaks), np.split(mean, breaks), strict=True):
                writer.add(name, int(places[0]), 1, 1, values.astype(np.float32))
