"""The loops of the search for motifs, compiled by numba.

Most sites are turned down by one look-up: a motif's most telling six columns are a table over all words of six bases,
and a site goes on only if the other columns could still make it a hit. What passes all blocks of six is scored once
more, column by column in the motif's order, in double precision: that sum alone decides.
"""

import numpy as np

from crekit.compiled import compiled

WORD = 6
_TILE = 4096  # positions at a time: their words and one table stay in the fastest cache
_SLACK = 1e-5  # of the largest sum of scores: far above what single precision rounds away, so that no site is lost


@compiled
def words(codes: np.ndarray) -> np.ndarray:
    """The six bases from each position on as a number, first base highest.

    A base that is not known, or beyond the end, counts as A: whoever looks a word up knows where such are.

    Parameters
    ----------
    codes : np.ndarray, shape (n,), uint8

    Returns
    -------
    np.ndarray, shape (n,), uint16
    """
    found = np.empty(len(codes), dtype=np.uint16)
    word = 0
    for i in range(len(codes) - 1, -1, -1):
        base = int(codes[i]) if codes[i] < 4 else 0
        word = (word >> 2) | (base << (2 * WORD - 2))
        found[i] = word
    return found


@compiled
def runs(codes: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many bases from each position on are known, and how many there are, up to the end of its sequence.

    Parameters
    ----------
    codes : np.ndarray, shape (n,), uint8
    offsets : np.ndarray, int64

    Returns
    -------
    known, left : np.ndarray, shape (n,), int32
    """
    known = np.empty(len(codes), dtype=np.int32)
    left = np.empty(len(codes), dtype=np.int32)
    for s in range(len(offsets) - 1):
        run = 0
        for i in range(offsets[s + 1] - 1, offsets[s] - 1, -1):
            run = run + 1 if codes[i] < 4 else 0
            known[i] = run
            left[i] = offsets[s + 1] - i
    return known, left


@compiled
def positions(lasting: np.ndarray, offsets: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Sites of each width in each sequence.

    Parameters
    ----------
    lasting : np.ndarray, int32
        Of each base, how many from it on a site may have: either of `runs`.
    offsets : np.ndarray, shape (n + 1,), int64
    widths : np.ndarray, shape (m,), int64
        Rising.

    Returns
    -------
    np.ndarray, shape (n, m), int64
    """
    found = np.zeros((len(offsets) - 1, len(widths)), dtype=np.int64)
    for s in range(len(offsets) - 1):
        i = offsets[s]
        while i < offsets[s + 1]:
            run = max(lasting[i], 1)  # the bases of a run last one less each, so that a run is counted at once
            for m in range(len(widths)):
                found[s, m] += max(lasting[i] - widths[m] + 1, 0)
            i += run
    return found


@compiled
def blocks(rows: np.ndarray, enough: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A motif in blocks of six columns, the most telling first.

    Parameters
    ----------
    rows : np.ndarray, shape (w, 4), float64
        Scores, as the forward strand reads them.
    enough : float
        What a site must reach.

    Returns
    -------
    starts : np.ndarray, shape (b,), int64
        First column of each block.
    tables : np.ndarray, shape (b, 4096), float32
        The score of each word of six bases in each block; a column of an earlier block or beyond the motif adds 0.
    needed : np.ndarray, shape (b,), float32
        What the blocks up to each must reach together, so that the rest can still make it enough.
    """
    width = len(rows)
    told, best, largest = np.empty(width), np.empty(width), abs(enough)
    for j in range(width):
        best[j] = rows[j].max()
        told[j] = best[j] - rows[j].mean()
        largest += np.abs(rows[j]).max()
    starts = _starts(told)
    tables = np.zeros((len(starts), 4**WORD), dtype=np.float32)
    needed = np.empty(len(starts), dtype=np.float32)
    free = np.ones(width, dtype=np.bool_)
    scratch = np.zeros(4**WORD)
    rest = best.sum()
    for b in range(len(starts)):
        scratch[0], size = 0.0, 1
        for j in range(starts[b], starts[b] + WORD):
            taken = j < width and free[j]
            for word in range(size - 1, -1, -1):  # a word's longer ones stand behind it
                shorter = scratch[word]
                for base in range(4):
                    scratch[4 * word + base] = shorter + (rows[j, base] if taken else 0.0)
            size *= 4
            if taken:
                free[j] = False
                rest -= best[j]
        tables[b] = scratch
        needed[b] = enough - rest - _SLACK * largest
    return starts, tables, needed


@compiled
def _starts(told: np.ndarray) -> np.ndarray:
    """First columns of blocks that cover a motif: its most telling six columns, then those beside them."""
    width, first = len(told), 0
    for start in range(width - WORD + 1):
        if told[start : start + WORD].sum() > told[first : first + WORD].sum():
            first = start
    right, left = max(width - first - 1, 0) // WORD, (first + WORD - 1) // WORD
    starts = np.empty(1 + right + left, dtype=np.int64)
    starts[0] = first
    for b in range(right):
        starts[1 + b] = min(first + WORD * (b + 1), width - WORD)
    for b in range(left):
        starts[1 + right + b] = max(first - WORD * (b + 1), 0)
    sums = np.array([-told[start : start + WORD].sum() for start in starts[1:]])
    starts[1:] = starts[1:][np.argsort(sums)]
    return starts


@compiled
def search(
    words: np.ndarray,
    known: np.ndarray,
    codes: np.ndarray,
    offsets: np.ndarray,
    rows: np.ndarray,
    threshold: float,
    reverse: bool,
    hits: np.ndarray,
) -> None:
    """Add the hits of one motif on one strand, in sites whose bases are all known, to those of each sequence.

    Parameters
    ----------
    words, known : np.ndarray, shape (bases,)
        Of `words` and `runs`.
    codes : np.ndarray, shape (bases,), uint8
    offsets : np.ndarray, shape (n + 1,), int64
    rows : np.ndarray, shape (w, 4), float64
        The motif's scores, in its own order.
    threshold : float
    reverse : bool
        Whether it is sought on the reverse strand.
    hits : np.ndarray, shape (n,), int64
        Added to.
    """
    width = len(rows)
    last = len(codes) - width + 1
    starts, tables, needed = blocks(np.ascontiguousarray(rows[::-1, ::-1]) if reverse else rows, threshold)
    promising = tables[0] >= needed[0]
    sites = np.empty(_TILE, dtype=np.uint16)  # within a tile
    sums = np.empty(_TILE, dtype=np.float32)
    sequence = 0
    for tile in range(0, last, _TILE):
        n = 0
        here = words[tile + starts[0] : min(tile + _TILE, last) + starts[0]]
        for i in range(len(here)):
            sites[n] = i
            n += promising[here[i]]  # no branch: what does not pass is written over
        for c in range(n):
            sums[c] = tables[0, here[sites[c]]]
        for b in range(1, len(starts)):
            here = words[tile + starts[b] :]
            going, n = n, 0
            for c in range(going):
                i = sites[c]
                score = sums[c] + tables[b, here[i]]
                sites[n] = i
                sums[n] = score
                n += score >= needed[b]
        for c in range(n):
            at = tile + sites[c]
            if known[at] >= width and site_score(codes, at, rows, reverse) >= threshold:
                while offsets[sequence + 1] <= at:
                    sequence += 1
                hits[sequence] += 1


@compiled
def search_unsure(
    sites: np.ndarray,
    known: np.ndarray,
    left: np.ndarray,
    codes: np.ndarray,
    offsets: np.ndarray,
    rows: np.ndarray,
    threshold: float,
    reverse: bool,
    hits: np.ndarray,
) -> None:
    """Add the hits in sites with bases that are not known, which score 0; for the parameters see `search`.

    Parameters
    ----------
    sites : np.ndarray, int64
        Starts of what may be such sites, rising.
    """
    sequence = 0
    for i in sites:
        if known[i] < len(rows) <= left[i] and site_score(codes, i, rows, reverse) >= threshold:
            while offsets[sequence + 1] <= i:
                sequence += 1
            hits[sequence] += 1


@compiled
def site_score(codes: np.ndarray, at: int, rows: np.ndarray, reverse: bool) -> float:
    """The score of the site that starts at a position: the sum over the motif's columns, from its first to its last."""
    score = 0.0
    width = len(rows)
    for j in range(width):
        base = int(codes[at + width - 1 - j if reverse else at + j])
        if base < 4:
            score += rows[j, 3 - base if reverse else base]
    return score
