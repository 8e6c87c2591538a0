"""The k-mer embedding of sequences: the vectors of their k-mers, averaged to as many numbers for every length.

Two poolings give the same shape. ``flat`` is Enhancer-MDLF's: all numbers of all k-mers in one list, k-mer by k-mer,
averaged to `size` as torch's ``adaptive_avg_pool1d`` does. It mixes coordinates in a way that tells the length modulo
10 and 100. ``axis`` averages each coordinate for itself along the sequence, in bins of equal width.
"""

import numpy as np

from crekit.compiled import compiled
from crekit.encoding.kmer_vectors import KmerVectors
from crekit.errors import InputError

AXIS, FLAT = "axis", "flat"
POOLINGS = (AXIS, FLAT)
SIZE = 10_000
_N = 4


def check(vectors: KmerVectors, pooling: str, size: int = SIZE) -> None:
    """Check that a pooling can be done with these vectors.

    Raises
    ------
    InputError
    """
    if pooling not in POOLINGS:
        raise InputError(f"--pooling {pooling}: choose {' or '.join(POOLINGS)}")
    if size < 1 or (pooling == AXIS and size % vectors.dimension):
        raise InputError(
            f"--pooling {pooling}: vectors of dimension {vectors.dimension} do not divide the {size} numbers of a "
            "sequence; give vectors whose dimension does, or --pooling flat"
        )


def embed(codes: np.ndarray, vectors: KmerVectors, pooling: str = AXIS, size: int = SIZE) -> np.ndarray:
    """The embedding of sequences.

    A k-mer that holds an N counts, as a vector of zeros (the published code stops there). A sequence ends with its last
    base that is not N, so that what pads it on the right does not count; one shorter than k is all zeros.

    Parameters
    ----------
    codes : np.ndarray, shape (n, width), uint8
        A 0, C 1, G 2, T 3, N 4; each row a sequence, padded with N on the right.
    vectors : KmerVectors
    pooling : str
        ``axis``: the sequence's m = length - k + 1 k-mers are cut into ``size / dimension`` bins of equal width. Bin j
        covers the k-mers from ``j m / bins`` to ``(j + 1) m / bins``, one that it covers in part counting by that part,
        and gives the mean of each coordinate. The numbers of bin 0 come first. ``flat``: of the list of the
        ``m x dimension`` numbers, number i of the result is the mean from ``floor(i m dimension / size)`` to
        ``ceil((i + 1) m dimension / size)``.
    size : int
        Numbers a sequence; for ``axis``, a multiple of the dimension.

    Returns
    -------
    values : np.ndarray, shape (n, size), float32
        Each row depends on its sequence alone. Sums are made in float64.

    Raises
    ------
    InputError
        If the pooling is unknown, or the dimension does not divide `size`.

    References
    ----------
    Enhancer-MDLF (2024), "dna2vec-based features".
    """
    check(vectors, pooling, size)
    # Of one layout and writeable, since numba compiles anew for every other kind of array.
    codes = np.require(codes, np.uint8, ["C", "W"])
    # The last row is that of k-mers with an N.
    table = np.concatenate([vectors.vectors.astype(np.float32), np.zeros((1, vectors.dimension), np.float32)])
    values = np.zeros((len(codes), size), dtype=np.float32)
    (_pool_axis if pooling == AXIS else _pool_flat)(codes, table, vectors.k, values)
    return values


@compiled
def _kmers(codes: np.ndarray, k: int, words: np.ndarray) -> int:
    """Write the numbers of a sequence's k-mers into `words`, 4^k where one holds an N; returns how many there are."""
    length = len(codes)
    while length and codes[length - 1] >= _N:
        length -= 1
    below = (1 << (2 * k)) - 1
    word, known = 0, 0
    for i in range(length):
        if codes[i] < _N:
            word = ((word << 2) | int(codes[i])) & below
            known += 1
        else:
            known = 0
        if i >= k - 1:
            words[i - k + 1] = word if known >= k else below + 1
    return max(length - k + 1, 0)


@compiled
def _pool_flat(codes: np.ndarray, table: np.ndarray, k: int, values: np.ndarray) -> None:
    size, dimension = values.shape[1], table.shape[1]
    words = np.empty(codes.shape[1], dtype=np.int64)
    flat = np.empty(codes.shape[1] * dimension, dtype=np.float32)
    for row in range(len(codes)):
        n_words = _kmers(codes[row], k, words)
        for place in range(n_words):
            flat[place * dimension : (place + 1) * dimension] = table[words[place]]
        n = n_words * dimension
        step, rest = n // size, n % size
        start, part = 0, 0  # i * n is start * size + part: to divide each time would take most of the time
        for i in range(size if n else 0):
            after, part = start + step, part + rest
            if part >= size:
                after, part = after + 1, part - size
            end = after + 1 if part else after
            total = 0.0
            for place in range(start, end):
                total += flat[place]
            values[row, i] = total / (end - start)
            start = after


@compiled
def _pool_axis(codes: np.ndarray, table: np.ndarray, k: int, values: np.ndarray) -> None:
    dimension = table.shape[1]
    bins = values.shape[1] // dimension
    words = np.empty(codes.shape[1], dtype=np.int64)
    total = np.empty(dimension, dtype=np.float64)
    for row in range(len(codes)):
        n = _kmers(codes[row], k, words)
        if not n:
            continue
        for j in range(bins):
            # In units of 1 / bins of a k-mer, so that all weights are whole numbers: a k-mer is `bins` wide, a bin n.
            start, end = j * n, (j + 1) * n
            total[:] = 0.0
            for place in range(start // bins, (end + bins - 1) // bins):
                weight = float(min(end, (place + 1) * bins) - max(start, place * bins))
                vector = table[words[place]]
                for coordinate in range(dimension):
                    total[coordinate] += weight * vector[coordinate]
            for coordinate in range(dimension):
                values[row, j * dimension + coordinate] = total[coordinate] / n
