"""Marks on bases, one bit each, that are counted in any span in constant time.

The marks of 64 bases are a word; the sum up to each word is kept beside them. That is 0.19 bytes a base, where running
sums over all bases would take four.
"""

from typing import NamedTuple

import numpy as np

from crekit.compiled import compiled

WORD = 64

_ONE, _ALL = np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)
_PAIRS, _FOURS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _SUM = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
_SHIFT1, _SHIFT2, _SHIFT4, _SHIFT56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


class Bits(NamedTuple):
    """Marks on bases.

    Parameters
    ----------
    words : np.ndarray, shape (n_words + 1,), uint64
        Base i is bit i mod 64 of word i // 64. The last word is empty, so that a span may end with the last base.
    before : np.ndarray, shape (n_words + 1,), int32, or int64 where there are too many marks
        Marks before each word.
    """

    words: np.ndarray
    before: np.ndarray


def empty_words(n_bases: int) -> np.ndarray:
    """Words without a mark for so many bases, and one more."""
    return np.zeros(-(-n_bases // WORD) + 1, dtype=np.uint64)


def fill(words: np.ndarray, first: int, marked: np.ndarray) -> None:
    """Write the marks of bases into words, from base `first` on.

    Parameters
    ----------
    words : np.ndarray of uint64
    first : int
        A multiple of 64.
    marked : np.ndarray, shape (n_bases,), bool
    """
    packed = np.packbits(marked, bitorder="little")
    words.view(np.uint8)[first // 8 : first // 8 + len(packed)] = packed


def index(words: np.ndarray) -> Bits:
    """Words with their sums."""
    before = _sums(words)
    return Bits(words, before.astype(np.int32) if before[-1] < 2**31 else before)


@compiled
def popcount(word: np.uint64) -> int:
    """Marks in a word."""
    word = word - ((word >> _SHIFT1) & _PAIRS)
    word = (word & _FOURS) + ((word >> _SHIFT2) & _FOURS)
    return np.int64((((word + (word >> _SHIFT4)) & _BYTES) * _SUM) >> _SHIFT56)  # type: ignore[return-value]


@compiled
def _sums(words: np.ndarray) -> np.ndarray:
    before = np.zeros(len(words), dtype=np.int64)
    for i in range(1, len(words)):
        before[i] = before[i - 1] + popcount(words[i - 1])
    return before


@compiled
def _up_to(words: np.ndarray, before: np.ndarray, base: int) -> int:
    word = base >> 6
    return np.int64(before[word]) + popcount(words[word] & ((_ONE << np.uint64(base & 63)) - _ONE))


@compiled
def count(words: np.ndarray, before: np.ndarray, start: int, end: int) -> int:
    """Marks in a span."""
    return _up_to(words, before, end) - _up_to(words, before, start)


@compiled
def counts(words: np.ndarray, before: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Marks in each of several spans, shape (n_spans,), int64."""
    found = np.zeros(len(starts), dtype=np.int64)
    for i in range(len(starts)):
        found[i] = count(words, before, starts[i], ends[i])
    return found


@compiled
def last_mark(words: np.ndarray, start: int, end: int) -> int:
    """The last marked base in a span of at least a base; -1 where there is none."""
    first, last = start // WORD, (end - 1) // WORD
    for i in range(last, first - 1, -1):
        word = words[i]
        if i == first:
            word &= _ALL << np.uint64(start % WORD)
        if i == last:
            word &= _ALL >> np.uint64(WORD - 1 - (end - 1) % WORD)
        if word != 0:
            base = i * WORD + WORD - 1
            while (word >> np.uint64(base % WORD)) & _ONE == 0:
                base -= 1
            return base
    return -1


@compiled
def mark(words: np.ndarray, start: int, end: int) -> None:
    """Mark all bases of a span."""
    for base in range(start, end):
        words[base // WORD] |= _ONE << np.uint64(base % WORD)
