"""The loops of the gapped k-mer kernel, compiled: over the words of a sequence and over pairs of words.

A word is l bases without an N, kept as a number below 4^l: two bits a base, the first base highest. Two words differ
at a position where the exclusive or of their numbers has a bit of that base set.
"""

import numpy as np

from crekit.compiled import compiled

UNIT = 2.0**40
"""Weights are added up as whole multiples of 1 / UNIT, so that sums do not depend on their order."""


@compiled
def find_words(codes: np.ndarray, bounds: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """All words of sequences that lie one after another.

    Parameters
    ----------
    codes : np.ndarray, uint8
    bounds : np.ndarray, shape (n + 1,), int64
        Sequence i is ``codes[bounds[i]:bounds[i + 1]]``.
    length : int
        Bases in a word, at most 12.

    Returns
    -------
    words : np.ndarray, int32
    word_bounds : np.ndarray, shape (n + 1,), int64
    """
    words = np.empty(len(codes), dtype=np.int32)
    word_bounds = np.zeros(len(bounds), dtype=np.int64)
    below = (1 << (2 * length)) - 1
    found = 0
    for i in range(len(bounds) - 1):
        word, known = 0, 0
        for j in range(bounds[i], bounds[i + 1]):
            code = int(codes[j])
            if code > 3:
                known = 0
                continue
            word = ((word << 2) | code) & below
            known += 1
            if known >= length:
                words[found] = word
                found += 1
        word_bounds[i + 1] = found
    return words[:found].copy(), word_bounds


@compiled
def reverse_words(words: np.ndarray, length: int) -> np.ndarray:
    """The reverse complement of each word."""
    result = np.empty_like(words)
    for i in range(len(words)):
        word, turned = int(words[i]), 0
        for _ in range(length):
            turned = (turned << 2) | (3 - (word & 3))
            word >>= 2
        result[i] = turned
    return result


@compiled
def gram_rows(
    first: int,
    last: int,
    words: np.ndarray,
    reversed_words: np.ndarray,
    bounds: np.ndarray,
    offsets: np.ndarray,
    offset_weights: np.ndarray,
    table: np.ndarray,
    gram: np.ndarray,
) -> None:
    """Rows [first, last) of the kernel up to the diagonal, and the same numbers as columns.

    Each word of a row's sequence adds the kernel's weights to all words near it, in a table of 4^l; the sequences of
    the columns look theirs up.

    Parameters
    ----------
    first, last : int
    words, reversed_words : np.ndarray, int32
        Of all sequences, and their reverse complements.
    bounds : np.ndarray, shape (n + 1,), int64
    offsets : np.ndarray, int32
        What a word is combined with, by exclusive or, to give each word near it.
    offset_weights : np.ndarray, float32
        The kernel's weight at each.
    table : np.ndarray, shape (4^l,), float32
        Scratch.
    gram : np.ndarray, shape (n, n), float64
        Written to.
    """
    for i in range(first, last):
        table[:] = 0
        for w in range(bounds[i], bounds[i + 1]):
            word = words[w]
            for o in range(len(offsets)):
                table[word ^ offsets[o]] += offset_weights[o]
        for j in range(i + 1):
            total = 0.0
            for w in range(bounds[j], bounds[j + 1]):
                total += table[words[w]] + table[reversed_words[w]]
            gram[i, j] = total
            gram[j, i] = total


@compiled
def self_kernels(
    words: np.ndarray, reversed_words: np.ndarray, bounds: np.ndarray, near: np.ndarray, result: np.ndarray
) -> None:
    """K(x, x) of each sequence: all pairs of its words, and of its words with the reverse complements.

    Parameters
    ----------
    words, reversed_words : np.ndarray, int32
    bounds : np.ndarray, shape (n + 1,), int64
    near : np.ndarray, shape (l + 1,), int64
        The kernel's weight by the number of differing bases, times UNIT.
    result : np.ndarray, shape (n,), float64
        Written to.
    """
    odd = 0x55555555
    for i in range(len(bounds) - 1):
        start, end = bounds[i], bounds[i + 1]
        total = 0.0
        for u in range(start, end):
            word = words[u]
            twice = np.int64(0)  # pairs on both sides of the diagonal
            for v in range(start, u):
                apart = word ^ words[v]
                twice += near[_bits((apart | (apart >> 1)) & odd)]
                apart = word ^ reversed_words[v]
                twice += near[_bits((apart | (apart >> 1)) & odd)]
            apart = word ^ reversed_words[u]
            total += 2 * twice + near[0] + near[_bits((apart | (apart >> 1)) & odd)]
        result[i] = total / UNIT


@compiled
def _bits(value: int) -> int:
    """How many bits of a number below 2^32 are set; LLVM knows this form and makes one instruction of it."""
    value = value - ((value >> 1) & 0x55555555)
    value = (value & 0x33333333) + ((value >> 2) & 0x33333333)
    value = (value + (value >> 4)) & 0x0F0F0F0F
    return ((value * 0x01010101) & 0xFFFFFFFF) >> 24


@compiled
def add_up(words: np.ndarray, bounds: np.ndarray, tables: np.ndarray, result: np.ndarray) -> None:
    """The sum of the tables' weights over each sequence's words.

    Parameters
    ----------
    words : np.ndarray, int32
    bounds : np.ndarray, shape (n + 1,), int64
    tables : np.ndarray, shape (n_tables, 4^l), float32
    result : np.ndarray, shape (n, n_tables), float64
        Written to.
    """
    for i in range(len(bounds) - 1):
        for t in range(len(tables)):
            total = 0.0
            for w in range(bounds[i], bounds[i + 1]):
                total += tables[t, words[w]]
            result[i, t] = total
