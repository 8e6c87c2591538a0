"""Reads of BAM and CRAM files as arrays, batch by batch.

Positions are 0-based; blocks and spans are half-open. A read's blocks are its aligned bases (M, = and X of its CIGAR):
neither clips nor insertions, deletions or introns.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crekit.errors import InputError
from crekit.signal import bam, bgzf
from crekit.signal.records import DAMAGED, OTHER_CHROMOSOME, SHORTEST, UNSORTED, parse
from crekit.signal.rules import Filters


@dataclass(frozen=True)
class Alignments:
    """Reads that passed the filters, in the order of the file.

    Parameters
    ----------
    reference : np.ndarray, shape (n_reads,), int32
        Number of the chromosome in the header.
    start, end : np.ndarray, shape (n_reads,), int64
        First aligned base, and the one after the last.
    flag : np.ndarray, shape (n_reads,), uint16
        The SAM flag.
    length : np.ndarray, shape (n_reads,), int64
        Bases of the read by its CIGAR, clipped and inserted ones included; see `parse`.
    template : np.ndarray, shape (n_reads,), int64
        Length of the pair's template, negative for its right end, 0 where there is none.
    first_block : np.ndarray, shape (n_reads + 1,), int64
        Blocks ``first_block[i]:first_block[i + 1]`` are those of read `i`.
    block_start, block_end : np.ndarray, shape (n_blocks,), int64
        Aligned blocks, ascending; neighbours that touch are one.
    n_records : int
        How many records were read, those that did not pass included.
    """

    reference: np.ndarray
    start: np.ndarray
    end: np.ndarray
    flag: np.ndarray
    length: np.ndarray
    template: np.ndarray
    first_block: np.ndarray
    block_start: np.ndarray
    block_end: np.ndarray
    n_records: int

    def __len__(self) -> int:
        return len(self.start)


def of_bam(path: str | Path, filters: Filters) -> Iterator[Alignments]:
    """All reads of a BAM file, sorted or not, from its first to its last.

    Raises
    ------
    InputError
        If the file is truncated or damaged.
    """
    bgzf.require_end(path)
    with open(path, "rb") as handle:
        yield from of_stream(bgzf.inflate(handle, path), path, filters)


def of_bam_chromosome(path: str | Path, filters: Filters, reference: int, offset: int) -> Iterator[Alignments]:
    """Reads of one chromosome of a sorted BAM file.

    Parameters
    ----------
    path : path
    filters : Filters
    reference : int
        Number of the chromosome in the header.
    offset : int
        Virtual offset of its first read, from the index.

    Raises
    ------
    InputError
        If the file is truncated, damaged or not sorted, or the index is not its own.
    """
    with open(path, "rb") as handle:
        yield from _batches(bgzf.inflate(handle, path, offset), path, filters, reference)


def of_stream(pieces: Iterable[bytes], path: str | Path, filters: Filters) -> Iterator[Alignments]:
    """All reads of an inflated BAM stream, header included."""
    pieces = iter(pieces)
    data = b""
    header = None
    for piece in pieces:
        data += piece
        header = bam.parse_header(data, path)
        if header is not None:
            break
    if header is None:
        raise bgzf.truncated(path)
    yield from _batches(_chain(data[header.length :], pieces), path, filters, -1)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _batches(pieces: Iterable[bytes], path: str | Path, filters: Filters, reference: int) -> Iterator[Alignments]:
    """Reads of the pieces. With a `reference` of 0 or more, those of that chromosome, until another one comes."""
    left = b""
    last = -1
    for piece in pieces:
        data = left + piece
        batch, used, last, status = _parse_batch(data, filters, reference, last)
        if status == DAMAGED or (reference >= 0 and last == -1 and status == OTHER_CHROMOSOME):
            index = "no reads where its index points, or " if reference >= 0 else ""
            raise InputError(f"{path}: {index}a damaged record; copy the file again, and run samtools index again")
        if status == UNSORTED:
            raise InputError(f"{path}: not sorted by position; run samtools sort, then samtools index")
        yield batch
        if status == OTHER_CHROMOSOME:
            return
        left = data[used:]
    if left:
        raise bgzf.truncated(path)


def _parse_batch(data: bytes, filters: Filters, reference: int, last: int) -> tuple[Alignments, int, int, int]:
    """Reads of inflated bytes, the bytes used, the last position, and why it stopped."""
    most_reads, most_blocks = len(data) // SHORTEST + 1, len(data) // 4 + 1
    reads = [np.empty(most_reads, dtype) for dtype in (np.int32, np.int64, np.int64, np.uint16, np.int64, np.int64)]
    first_block = np.zeros(most_reads + 1, np.int64)
    block_start, block_end = np.empty(most_blocks, np.int64), np.empty(most_blocks, np.int64)
    used, last, status, n_records, n_reads = parse(
        np.frombuffer(data, np.uint8), reference, last, filters.dropped_flags, filters.min_mapq, filters.unique,
        *reads, first_block, block_start, block_end,
    )  # fmt: skip
    n_blocks = first_block[n_reads]
    reference_, start, end, flag, length, template = (column[:n_reads] for column in reads)
    blocks = first_block[: n_reads + 1], block_start[:n_blocks], block_end[:n_blocks]
    batch = Alignments(reference_, start, end, flag, length, template, *blocks, n_records)
    return batch, used, last, status
