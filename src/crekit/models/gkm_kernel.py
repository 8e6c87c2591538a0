"""The gapped k-mer kernel between sequences, and the folding of a machine that uses it into one table.

A word is l bases without an N. The kernel K(x, y) adds up a weight c(h) over all pairs of a word of x and a word of y
or of its reverse complement, h being the number of positions at which they differ. It is linear in the counts of
words, so a whole support vector machine is one number for each of the 4^l words.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np

from crekit import progress
from crekit.errors import InputError

MOST_L = 12
_ROWS = 16


def distance_weights(l: int, k: int, d: int) -> np.ndarray:  # noqa: E741 (the letters of the papers)
    """c(h): what a pair of words adds to the kernel, by the number of positions at which they differ.

    Counts of gapped k-mers (k of l positions) fix the counts of words only in part. The estimate of least squares
    (Ghandi et al. 2014, section "Gapped k-mer count estimates") is the projection of the counts on what they do fix;
    the weight of one word in the estimate of another is a sum of Krawtchouk polynomials over the orders 0 to k. As in
    LS-GKM's default kernel (Lee 2016, truncated filter), that weight is cut at the first distance where it is not
    positive, the kernel is the inner product of two such estimates, and pairs that differ at more than `d` positions
    are left out.

    Parameters
    ----------
    l : int
        Length of a word, 2 to 12.
    k : int
        Informative positions, 1 to l.
    d : int
        Most differing positions, 0 to l.

    Returns
    -------
    weights : np.ndarray, shape (d + 1,), float64
        Relative to the weight of equal words.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    if not (2 <= l <= MOST_L and 1 <= k <= l and 0 <= d <= l):
        raise InputError(
            f"gkm-svm with l = {l}, k = {k}, d = {d} is not possible; choose 2 <= l <= {MOST_L}, k <= l and d <= l"
        )
    estimate = [Fraction(sum(_krawtchouk(order, h, l) for order in range(k + 1)), 4**l) for h in range(l + 1)]
    cut = next((h for h, weight in enumerate(estimate) if weight <= 0), l + 1)
    eigenvalues = [sum(estimate[h] * _krawtchouk(h, order, l) for h in range(cut)) for order in range(l + 1)]
    kernel = [sum(value**2 * _krawtchouk(j, h, l) for j, value in enumerate(eigenvalues)) for h in range(d + 1)]
    return np.array([float(weight / kernel[0]) for weight in kernel])


def _krawtchouk(order: int, h: int, length: int) -> int:
    """Krawtchouk's polynomial for four letters."""
    return sum((-1) ** i * 3 ** (order - i) * comb(h, i) * comb(length - h, order - i) for i in range(order + 1))


@dataclass(frozen=True)
class Words:
    """The words of sequences, one sequence after another.

    Parameters
    ----------
    forward, reverse : np.ndarray, int32
        Each word, and its reverse complement.
    bounds : np.ndarray, shape (n + 1,), int64
        Words of sequence i are ``[bounds[i], bounds[i + 1])``.
    """

    forward: np.ndarray
    reverse: np.ndarray
    bounds: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Number of words of each sequence."""
        return np.diff(self.bounds)


def words_of(codes: np.ndarray, bounds: np.ndarray, length: int) -> Words:
    """Words of sequences that lie one after another: sequence i is ``codes[bounds[i]:bounds[i + 1]]``."""
    from crekit.models.gkm_loops import find_words, reverse_words

    forward, word_bounds = find_words(np.ascontiguousarray(codes), bounds.astype(np.int64), length)
    return Words(forward, reverse_words(forward, length), word_bounds)


def gram(words: Words, weights: np.ndarray, length: int, threads: int) -> np.ndarray:
    """K(x, y) of all pairs of sequences.

    Parameters
    ----------
    words : Words
    weights : np.ndarray, shape (d + 1,), float64
        See `distance_weights`.
    length : int
        Bases in a word.
    threads : int

    Returns
    -------
    gram : np.ndarray, shape (n, n), float64
    """
    from crekit.models.gkm_loops import gram_rows

    n = len(words.bounds) - 1
    offsets = np.arange(4**length, dtype=np.int32)
    differing = np.sum([(offsets >> 2 * i) & 3 > 0 for i in range(length)], axis=0)
    near = differing < len(weights)
    offsets, offset_weights = offsets[near], weights[differing[near]].astype(np.float32)
    result = np.empty((n, n))

    def rows(first: int) -> None:
        scratch = np.empty(4**length, dtype=np.float32)
        last = min(first + _ROWS, n)
        gram_rows(first, last, words.forward, words.reverse, words.bounds, offsets, offset_weights, scratch, result)

    _each(rows, range(0, n, _ROWS), threads, "comparing sequences")
    return result


def norms(words: Words, weights: np.ndarray, length: int, threads: int) -> np.ndarray:
    """The square root of K(x, x) of each sequence, shape (n,), float64; 0 where it has no word."""
    from crekit.models.gkm_loops import UNIT, self_kernels

    n = len(words.bounds) - 1
    near = np.zeros(length + 1, dtype=np.int64)
    near[: len(weights)] = np.rint(weights * UNIT)
    result = np.empty(n)
    share = max(-(-n // threads), 1)

    def part(first: int) -> None:
        bounds = words.bounds[first : first + share + 1]
        self_kernels(words.forward, words.reverse, bounds, near, result[first : first + share])

    _each(part, range(0, n, share), threads)
    return np.sqrt(result)


def fold(coefficients: np.ndarray, words: Words, weights: np.ndarray, length: int) -> np.ndarray:
    """The sum over sequences y of coefficient(y) K(x, y), as a weight for each word of x.

    The counts of all words, times the coefficients, are spread over the words that differ at 1, 2, ... d positions,
    one position of the word after another.

    Parameters
    ----------
    coefficients : np.ndarray, shape (n,), float64
    words : Words
    weights : np.ndarray, shape (d + 1,), float64
    length : int

    Returns
    -------
    table : np.ndarray, shape (4^length,), float64
        By the word's number; the same for a word and its reverse complement.
    """
    from crekit.models.gkm_loops import reverse_words

    counts = np.bincount(words.forward, np.repeat(coefficients, words.lengths), 4**length).astype(np.float64)
    at = [counts, *(np.zeros_like(counts) for _ in weights[1:])]  # at[h]: counts of words that differ at h positions
    for position in range(length):
        shape = (4**position, 4, -1)
        for h in range(len(at) - 1, 0, -1):  # the farthest first: at[h - 1] is still without this position
            nearer = at[h - 1].reshape(shape)
            at[h] += (nearer.sum(axis=1, keepdims=True) - nearer).ravel()
    table = np.zeros_like(counts)
    for weight, part in zip(weights, at, strict=True):
        table += weight * part
    return table + table[reverse_words(np.arange(4**length, dtype=np.int32), length)]


def _each(function: Callable[[int], None], numbers: range, threads: int, what: str = "") -> None:
    """Call a compiled function with each number; such functions leave Python's lock to the other threads."""
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(function, numbers)
        for _ in progress.steps(done, what, len(numbers)) if what else done:
            pass
