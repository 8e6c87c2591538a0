"""The signal of GRO-seq or PRO-seq files in regions: reads of BAM and CRAM, bases of bigWig."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crekit import progress
from crekit.errors import InputError
from crekit.genome.chromosomes import abridged, natural_key, require_known
from crekit.genome.regions import Regions
from crekit.signal import bam, bigwig, counting, cram, filetypes

log = logging.getLogger("crekit")

Paths = Sequence[str | Path]


def require_strands(reads: Paths, plus: Paths, minus: Paths) -> dict[str, Paths]:
    """The files of each strand, or of both together under ``reads``.

    Raises
    ------
    InputError
        If both ways are given, or none, or one strand only; or the same file twice.
    """
    if reads and (plus or minus):
        raise InputError("--reads and --plus/--minus exclude each other; give one of the two")
    if not reads and not (plus and minus):
        raise InputError("give --reads, or both --plus and --minus: BAM, CRAM or bigWig files")
    files = {"reads": reads} if reads else {"plus": plus, "minus": minus}
    every = [str(path) for paths in files.values() for path in paths]
    for path in every:
        if every.count(path) > 1:
            raise InputError(f"{path}: given twice; each file counts once")
    return files


def require_files(files: dict[str, Paths], regions: Regions, reference: str | Path | None = None) -> None:
    """Check that all files are of one kind, and hold the regions' chromosomes.

    Parameters
    ----------
    files : dict of str to sequence of path
    regions : Regions
        Those that are to be counted in.
    reference : path, optional
        FASTA of CRAM files.

    Raises
    ------
    InputError
        If a file is of no known kind, kinds are mixed, a chromosome is missing or shorter than a region.
    """
    every = [path for paths in files.values() for path in paths]
    kinds = [filetypes.kind_of(path) for path in every]
    for path, kind in zip(every, kinds, strict=True):
        if kind == filetypes.TRACKS:
            raise InputError(f"{path}: a tracks file; give the BAM, CRAM or bigWig files")
        if (kind == filetypes.BIGWIG) != (kinds[0] == filetypes.BIGWIG):
            raise InputError(f"{path}: {kind}, but {every[0]} is {kinds[0]}; their units differ, give one kind")
        _require_fit(path, _sizes(path, kind, reference), regions)


def _sizes(path: str | Path, kind: str, reference: str | Path | None) -> dict[str, int]:
    if kind == filetypes.BIGWIG:
        return bigwig.read_sizes(path)
    return (cram.read_header(path, reference) if kind == filetypes.CRAM else bam.read_header(path)).sizes


def _require_fit(path: str | Path, sizes: dict[str, int], regions: Regions) -> None:
    chroms = sorted(set(regions.chrom), key=natural_key)
    missing = [chrom for chrom in chroms if chrom not in sizes]
    if missing:
        region = regions.ids[regions.chrom == missing[0]][0]
        # Where only the spelling differs, this says which of the two to rename.
        require_known(missing[:1], f"region {region}", sizes, str(path), strangers=True)
        raise InputError(
            f"{path}: no data on {abridged(missing, 5)}, where regions lie; leave them out with --chroms "
            f"({abridged(sorted(sizes, key=natural_key), 5)})"
        )
    ends = np.array([sizes[chrom] for chrom in regions.chrom])
    if (past := np.flatnonzero(regions.end > ends)).size:
        raise InputError(
            f"{path}: {regions.ids[past[0]]} ends past the chromosome ({ends[past[0]]} bases there); "
            "use the same genome build for all files"
        )


def count(paths: Paths, regions: Regions, reference: str | Path | None = None) -> np.ndarray:
    """Signal in each region, summed over files, which need no index and no order.

    Reads count as in count-bins: where at least half of a read lies in the region. Of a bigWig, the absolute values
    of all bases are added up, because minus strands are often stored below zero.

    Parameters
    ----------
    paths : sequence of path
        Of one kind.
    regions : Regions
    reference : path, optional
        FASTA of CRAM files.

    Returns
    -------
    counts : np.ndarray, shape (n_regions,), float64
    """
    counts = np.zeros(len(regions))
    for path in progress.steps(list(paths), "counting"):
        if filetypes.kind_of(path) == filetypes.BIGWIG:
            counts += bigwig.sum_in_regions(path, regions)
        else:
            counts += counting.count_in_regions([path], regions, reference=reference)
    return counts


def warn_of_silence(counts: dict[str, np.ndarray], regions: Regions) -> None:
    """Warn of chromosomes without any signal: they were likely left out of the files, and all of it becomes poised."""
    total = np.sum(list(counts.values()), axis=0)
    silent = [chrom for chrom in set(regions.chrom) if not np.any(total[regions.chrom == chrom])]
    for chrom in sorted(silent, key=natural_key):
        number = int((regions.chrom == chrom).sum())
        log.warning("warning: no signal in any of the %d regions on %s; --chroms can leave it out", number, chrom)
