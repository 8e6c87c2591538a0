"""BAM records to arrays, in loops that numba compiles.

`alignments` says what the arrays hold.
"""

import numpy as np

from crekit.compiled import compiled

Integer = int | np.integer

# Why `parse` stopped.
MORE, OTHER_CHROMOSOME, DAMAGED, UNSORTED = 0, 1, 2, 3
SHORTEST = 36
_CG_OPERATIONS = 2


@compiled
def _int32(data: np.ndarray, at: Integer) -> Integer:
    value = (
        np.uint32(data[at])
        | np.uint32(data[at + 1]) << np.uint32(8)
        | np.uint32(data[at + 2]) << np.uint32(16)
        | np.uint32(data[at + 3]) << np.uint32(24)
    )
    return np.int64(np.int32(value))


@compiled
def _find_tag(data: np.ndarray, at: Integer, end: Integer, first: int, second: int) -> Integer:
    """Where the type letter of a tag stands; 0 when the record has no such tag, -1 when its tags are damaged."""
    while at + 3 <= end:
        if data[at] == first and data[at + 1] == second:
            return at + 2
        kind = data[at + 2]
        at += 3
        if kind in (ord("A"), ord("c"), ord("C")):
            at += 1
        elif kind in (ord("s"), ord("S")):
            at += 2
        elif kind in (ord("i"), ord("I"), ord("f")):
            at += 4
        elif kind in (ord("Z"), ord("H")):
            while at < end and data[at] != 0:
                at += 1
            at += 1
        elif kind == ord("B") and at + 5 <= end:
            width = 1 if data[at] in (ord("c"), ord("C")) else 2 if data[at] in (ord("s"), ord("S")) else 4
            at += 5 + width * max(0, _int32(data, at + 1))
        else:
            return -1
    return 0 if at == end else -1


@compiled
def _hits(data: np.ndarray, at: Integer, end: Integer) -> Integer:
    """The NH tag: how many places the read aligns to; 1 without the tag, -1 when the tags are damaged."""
    tag = _find_tag(data, at, end, ord("N"), ord("H"))
    if tag <= 0:
        return 1 + 2 * tag  # 1 without the tag, -1 when damaged
    kind = data[tag]
    if kind in (ord("c"), ord("C")) and tag + 2 <= end:
        return np.int64(data[tag + 1])
    if kind in (ord("s"), ord("S")) and tag + 3 <= end:
        return np.int64(data[tag + 1]) | np.int64(data[tag + 2]) << 8
    if kind in (ord("i"), ord("I")) and tag + 5 <= end:
        return _int32(data, tag + 1) & 0xFFFFFFFF
    return 1


@compiled
def _blocks(
    data: np.ndarray,
    cigar: int,
    n_operations: int,
    start: int,
    block: int,
    block_start: np.ndarray,
    block_end: np.ndarray,
) -> tuple[Integer, Integer]:
    """Write the aligned blocks of a read from index `block` on; returns the next index, and the read's length."""
    first, at, length, trailing, since_gap = block, start, 0, 0, 0
    for i in range(n_operations):
        word = _int32(data, cigar + 4 * i) & 0xFFFFFFFF
        kind, bases = word & 15, word >> 4
        if kind in (0, 7, 8):  # M = X
            if block > first and block_end[block - 1] == at:
                block_end[block - 1] = at + bases
            else:
                block_start[block], block_end[block] = at, at + bases
                block += 1
            at += bases
            length += bases
            since_gap += bases
        elif kind == 1:  # I
            length += bases
            since_gap = 0
        elif kind in (2, 3):  # D N
            at += bases
            since_gap = 0
        elif kind == 4:  # S
            if length == 0:
                length += min(bases, start + 1)
            else:
                trailing = bases
    return block, length + (trailing if since_gap > 0 else 0)


@compiled
def parse(
    data: np.ndarray,
    only: int,
    last: int,
    dropped_flags: int,
    min_mapq: int,
    unique: bool,
    reference: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    flag: np.ndarray,
    length: np.ndarray,
    template: np.ndarray,
    first_block: np.ndarray,
    block_start: np.ndarray,
    block_end: np.ndarray,
) -> tuple[Integer, Integer, int, int, int]:
    """Walk over BAM records and write those that pass the filters into arrays.

    The length of a read is what featureCounts takes for it: the bases of its CIGAR that are in the read (M, I, S, =,
    X), so that the SEQ column may be empty. As there, bases clipped before the first one of the chromosome do not
    count, nor does a clip that follows an insertion or deletion at the very end.

    Parameters
    ----------
    data : np.ndarray, shape (n_bytes,), uint8
        Inflated bytes that begin with a record.
    only, last : int
        Chromosome to stop behind (-1: take all), and the last position there so far.
    dropped_flags, min_mapq, unique
        See `Filters`.
    reference, ..., block_end : np.ndarray
        Columns of `Alignments` to fill, long enough for all records.

    Returns
    -------
    used, last, status, n_records, n_reads : int
        Bytes used, last position, why it stopped, records walked over, reads written.
    """
    at, status, n_records, n, block = 0, MORE, 0, 0, 0
    size = len(data)
    while at + 4 <= size:
        stop = at + 4 + _int32(data, at)
        if stop < at + SHORTEST:
            status = DAMAGED
            break
        if stop > size:
            break
        number, position, sequence = _int32(data, at + 4), _int32(data, at + 8), _int32(data, at + 20)
        n_operations = np.int64(data[at + 16]) | np.int64(data[at + 17]) << 8
        bits = np.int64(data[at + 18]) | np.int64(data[at + 19]) << 8
        cigar = at + SHORTEST + np.int64(data[at + 12])
        tags = cigar + 4 * n_operations + (sequence + 1) // 2 + sequence
        if sequence < 0 or tags > stop:
            status = DAMAGED
            break
        if only >= 0:
            if number != only:
                status = OTHER_CHROMOSOME
                break
            if position < last:
                status = UNSORTED
                break
            last = position
        record, at = at, stop
        n_records += 1
        if bits & dropped_flags or number < 0 or position < 0 or data[record + 13] < min_mapq:
            continue
        if unique:
            hits = _hits(data, tags, stop)
            if hits < 0:
                status = DAMAGED
                break
            if hits > 1:
                continue
        if n_operations == _CG_OPERATIONS and _int32(data, cigar) & 0xFFFFFFFF == sequence << 4 | 4:
            # A CIGAR of over 65,535 operations stands in the tag CG; the column then says: all clipped, then an intron.
            tag = _find_tag(data, tags, stop, ord("C"), ord("G"))
            if tag > 0 and data[tag] == ord("B") and tag + 6 + 4 * _int32(data, tag + 2) <= stop:
                cigar, n_operations = tag + 6, _int32(data, tag + 2)
        next_block, bases = _blocks(data, cigar, n_operations, position, block, block_start, block_end)
        if next_block == block:
            continue
        reference[n], flag[n], length[n], template[n] = number, bits, bases, _int32(data, record + 32)
        start[n], end[n] = block_start[block], block_end[next_block - 1]
        block = next_block
        n += 1
        first_block[n] = block
    return at, last, status, n_records, n
