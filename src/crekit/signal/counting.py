"""Reads to counts: of the bins of a chromosome, or of regions.

A read counts where enough of it lies; see `Rule`. The counts of bins and regions equal those of featureCounts 2.0.3
(``-O --fracOverlap``) for reads of up to ten aligned blocks, where featureCounts cuts the CIGAR (its ``--maxMOp``).
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from crekit.compiled import compiled
from crekit.genome.chromosomes import require_known
from crekit.genome.regions import Regions
from crekit.signal import bam, cram, filetypes
from crekit.signal.alignments import Alignments, of_bam
from crekit.signal.rules import FIVE_PRIME, FRAGMENTS, PROPER_PAIR, REVERSE, SUPPLEMENTARY, Filters, Rule
from crekit.signal.tracks import n_bins

# What rounding may take away from a share such as 0.3 of 50 bases.
_ROUNDING = 1e-6


def count_bins(batches: Iterable[Alignments], size: int, rule: Rule) -> tuple[np.ndarray, int]:
    """Count the reads of one chromosome in its bins.

    Parameters
    ----------
    batches : iterable of Alignments
        Reads of that chromosome.
    size : int
        Bases of the chromosome.
    rule : Rule

    Returns
    -------
    bins : np.ndarray, shape (n_bins,), uint32
    counted : int
        Reads (or fragments) that counted in at least one bin.
    """
    bins = np.zeros(n_bins(size, rule.bin_size), dtype=np.uint32)
    return bins, sum(_add(bins, batch, size, rule) for batch in batches)


def _add(bins: np.ndarray, reads: Alignments, size: int, rule: Rule) -> int:
    """Add a batch to the bins, in place; returns how many of its reads counted."""
    if rule.count == FIVE_PRIME:
        return add_points(bins, rule.bin_size, _five_prime(reads, rule.shift), size)
    if rule.count == FRAGMENTS:
        return add_spans(bins, rule.bin_size, rule.min_overlap, *_fragments(reads), size)
    if rule.extend:
        return add_spans(bins, rule.bin_size, rule.min_overlap, *_extended(reads, rule.extend), size)
    blocks = reads.first_block, reads.block_start, reads.block_end
    return add_reads(bins, rule.bin_size, rule.min_overlap, reads.length, *blocks, size)


def _five_prime(reads: Alignments, shift: tuple[int, int]) -> np.ndarray:
    """First base of each read, moved downstream."""
    reverse = (reads.flag & REVERSE) > 0
    return np.where(reverse, reads.end - 1 - shift[1], reads.start + shift[0])


def _fragments(reads: Alignments) -> tuple[np.ndarray, np.ndarray]:
    """Template of each proper pair, told once, by its left read."""
    left = (reads.flag & (PROPER_PAIR | SUPPLEMENTARY) == PROPER_PAIR) & (reads.template > 0)
    return reads.start[left], reads.start[left] + reads.template[left]


def _extended(reads: Alignments, extend: int) -> tuple[np.ndarray, np.ndarray]:
    """Span of so many bases from each 5' end on."""
    reverse = (reads.flag & REVERSE) > 0
    start = np.where(reverse, reads.end - extend, reads.start)
    return start, start + extend


@compiled
def add_reads(
    bins: np.ndarray,
    bin_size: int,
    min_overlap: float,
    length: np.ndarray,
    first_block: np.ndarray,
    block_start: np.ndarray,
    block_end: np.ndarray,
    size: int,
) -> int:
    """Count each read in every bin that holds `min_overlap` of its length, and at least one base, of its blocks."""
    counted = 0
    for i in range(len(length)):
        enough = max(1.0, min_overlap * length[i] - _ROUNDING)
        current, held, hit = -1, 0, False
        for b in range(first_block[i], first_block[i + 1]):
            at, end = block_start[b], min(block_end[b], size)
            while at < end:
                number = at // bin_size
                upto = min(end, (number + 1) * bin_size)
                if number != current:
                    if current >= 0 and held >= enough:
                        bins[current] += 1
                        hit = True
                    current, held = number, 0
                held += upto - at
                at = upto
        if current >= 0 and held >= enough:
            bins[current] += 1
            hit = True
        counted += hit
    return counted


@compiled
def add_spans(
    bins: np.ndarray, bin_size: int, min_overlap: float, start: np.ndarray, end: np.ndarray, size: int
) -> int:
    """Count each span, clipped to the chromosome, in every bin where it holds enough of the shorter of the two."""
    counted = 0
    for i in range(len(start)):
        at, stop = max(0, start[i]), min(end[i], size)
        enough = max(1.0, min_overlap * min(stop - at, bin_size) - _ROUNDING)
        hit = False
        while at < stop:
            number = at // bin_size
            upto = min(stop, (number + 1) * bin_size)
            if upto - at >= enough:
                bins[number] += 1
                hit = True
            at = upto
        counted += hit
    return counted


@compiled
def add_points(bins: np.ndarray, bin_size: int, position: np.ndarray, size: int) -> int:
    """Count each position in its bin; those off the chromosome are left out."""
    counted = 0
    for at in position:
        if 0 <= at < size:
            bins[at // bin_size] += 1
            counted += 1
    return counted


def count_in_regions(
    paths: Sequence[str | Path],
    regions: Regions,
    filters: Filters | None = None,
    *,
    min_overlap: float = 0.5,
    strand: str | None = None,
    reference: str | Path | None = None,
) -> np.ndarray:
    """Reads in each region, summed over files: featureCounts ``-O -f --fracOverlap 0.5``.

    The files are read from end to end, so that they need neither an index nor an order.

    Parameters
    ----------
    paths : sequence of path
        BAM or CRAM files.
    regions : Regions
        May overlap and be in any order.
    filters : Filters, optional
        Default those of featureCounts.
    min_overlap : float
        Share of a read's length that must lie in the region as aligned bases.
    strand : str, optional
        ``+`` or ``-``: only reads of that strand.
    reference : path, optional
        FASTA that CRAM files were compressed with.

    Returns
    -------
    counts : np.ndarray, shape (n_regions,), int64

    Raises
    ------
    InputError
        If a chromosome of the regions is not in a file, or a file cannot be read.
    """
    counts = np.zeros(len(regions), dtype=np.int64)
    for path in paths:
        kind = filetypes.require_reads(path)
        header = cram.read_header(path, reference) if kind == filetypes.CRAM else bam.read_header(path)
        require_known(dict.fromkeys(regions.chrom), "the regions", header.sizes, str(path))
        targets = _by_chromosome(regions, list(header.sizes))
        batches = cram.alignments(path, filters or Filters(), reference) if kind == filetypes.CRAM else None
        for batch in batches or of_bam(path, filters or Filters()):
            taken = _of_strand(batch, strand)
            blocks = batch.first_block, batch.block_start, batch.block_end
            add_regions(
                counts, *targets, min_overlap, taken, batch.reference, batch.start, batch.end, batch.length, *blocks
            )
    return counts


def _of_strand(reads: Alignments, strand: str | None) -> np.ndarray:
    """Which reads lie on a strand, shape (n_reads,), bool."""
    if strand is None:
        return np.ones(len(reads), dtype=bool)
    return ((reads.flag & REVERSE) > 0) == (strand == "-")


def _by_chromosome(regions: Regions, chroms: list[str]) -> tuple[np.ndarray, ...]:
    """Regions by chromosome and start: where each chromosome begins, index, start, end, the furthest end so far."""
    number = {chrom: i for i, chrom in enumerate(chroms)}
    chrom = np.array([number[name] for name in regions.chrom], dtype=np.int64)
    order = np.lexsort((regions.start, chrom))
    first = np.searchsorted(chrom[order], np.arange(len(chroms) + 1))
    start, end = regions.start[order], regions.end[order]
    furthest = end.copy()
    for low, high in pairwise(first):
        np.maximum.accumulate(end[low:high], out=furthest[low:high])
    return first, order, start, end, furthest


@compiled
def add_regions(
    counts: np.ndarray,
    first: np.ndarray,
    order: np.ndarray,
    region_start: np.ndarray,
    region_end: np.ndarray,
    furthest: np.ndarray,
    min_overlap: float,
    taken: np.ndarray,
    reference: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    length: np.ndarray,
    first_block: np.ndarray,
    block_start: np.ndarray,
    block_end: np.ndarray,
) -> None:
    """Count each read in every region that holds `min_overlap` of its length, and at least one base, of its blocks."""
    for i in range(len(start)):
        if not taken[i]:
            continue
        low, high = first[reference[i]], first[reference[i] + 1]
        enough = max(1.0, min_overlap * length[i] - _ROUNDING)
        # Regions before the first whose furthest end lies behind the read's start cannot meet it.
        j = low + np.searchsorted(furthest[low:high], start[i], side="right")
        while j < high and region_start[j] < end[i]:
            held = 0
            for b in range(first_block[i], first_block[i + 1]):
                held += max(0, min(block_end[b], region_end[j]) - max(block_start[b], region_start[j]))
            if held >= enough:
                counts[order[j]] += 1
            j += 1
