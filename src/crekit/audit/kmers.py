"""k-mers of many sequences at once, and counts of those that two sequences share. Loops that numba compiles.

A k-mer is a number, two bits a base, the first base highest; of a k-mer and its reverse complement the smaller number
stands for both. A k-mer with an N is left out. Sequences lie one after another in one array.
"""

from collections.abc import Sequence

import numpy as np

from crekit.compiled import compiled

MOST_K = 31


def flatten(codes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences one after another.

    Returns
    -------
    flat : np.ndarray, uint8
    bounds : np.ndarray, shape (n + 1,), int64
        Sequence i is ``flat[bounds[i]:bounds[i + 1]]``.
    """
    bounds = np.zeros(len(codes) + 1, dtype=np.int64)
    np.cumsum([len(one) for one in codes], out=bounds[1:])
    return np.concatenate([np.zeros(0, dtype=np.uint8), *codes]), bounds


@compiled
def _mixed(kmer: np.uint64) -> np.uint64:
    """A number that looks drawn at random from the k-mer (the finaliser of MurmurHash3)."""
    kmer = (kmer ^ (kmer >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    kmer = (kmer ^ (kmer >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return kmer ^ (kmer >> np.uint64(33))


@compiled
def kmer_sets(flat: np.ndarray, bounds: np.ndarray, k: int, one_in: int) -> tuple[np.ndarray, np.ndarray]:
    """The different k-mers of each sequence, or a sketch of them.

    Parameters
    ----------
    flat, bounds : np.ndarray
        As `flatten` gives them.
    k : int
        1 to 31.
    one_in : int
        Keep the k-mers whose hash is a multiple of this number, the same in all sequences (a FracMinHash sketch); 1
        keeps all.

    Returns
    -------
    kmers : np.ndarray, uint64
        Those of one sequence ascend.
    kmer_bounds : np.ndarray, shape (n + 1,), int64
    """
    kept = np.empty(len(flat) // max(one_in // 2, 1) + 1024, dtype=np.uint64)
    kmer_bounds = np.zeros(len(bounds), dtype=np.int64)
    below = np.uint64((1 << (2 * k)) - 1)
    two, top, three = np.uint64(2), np.uint64(2 * (k - 1)), np.uint64(3)
    scale = np.uint64(one_in)
    found = 0
    for i in range(len(bounds) - 1):
        first = found
        if found + bounds[i + 1] - bounds[i] > len(kept):
            kept = np.concatenate((kept[:found], np.empty(len(kept) + bounds[i + 1] - bounds[i], dtype=np.uint64)))
        forward, backward, known = np.uint64(0), np.uint64(0), 0
        for j in range(bounds[i], bounds[i + 1]):
            if flat[j] > 3:
                known = 0
                continue
            code = np.uint64(flat[j])
            forward = ((forward << two) | code) & below
            backward = (backward >> two) | ((three - code) << top)
            known += 1
            if known >= k:
                kmer = min(forward, backward)
                if one_in == 1 or _mixed(kmer) % scale == 0:
                    kept[found] = kmer
                    found += 1
        ordered = np.sort(kept[first:found])
        found = first
        for j in range(len(ordered)):
            if j == 0 or ordered[j] != ordered[j - 1]:
                kept[found] = ordered[j]
                found += 1
        kmer_bounds[i + 1] = found
    return kept[:found].copy(), kmer_bounds


@compiled
def shared_kmers(kmers: np.ndarray, bounds: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How many different k-mers two sequences share, for each pair of positions; sets as `kmer_sets` gives them."""
    shared = np.zeros(len(first), dtype=np.int64)
    for pair in range(len(first)):
        i, i_end = bounds[first[pair]], bounds[first[pair] + 1]
        j, j_end = bounds[second[pair]], bounds[second[pair] + 1]
        while i < i_end and j < j_end:
            if kmers[i] == kmers[j]:
                shared[pair] += 1
                i += 1
                j += 1
            elif kmers[i] < kmers[j]:
                i += 1
            else:
                j += 1
    return shared


@compiled
def likely_pairs(
    columns: np.ndarray,
    bounds: np.ndarray,
    owners: np.ndarray,
    owner_bounds: np.ndarray,
    sizes: np.ndarray,
    at_least: float,
    near: int,
    most: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of sequences whose sketches share a given part of the smaller one.

    Parameters
    ----------
    columns : np.ndarray, int64
        The number of each k-mer of each sketch, one sketch after another.
    bounds : np.ndarray, shape (n + 1,), int64
    owners : np.ndarray, int64
        The sequences that hold each k-mer, ascending, one k-mer after another.
    owner_bounds : np.ndarray, shape (n_kmers + 1,), int64
    sizes : np.ndarray, shape (n,), int64
        How many k-mers each sketch has, those included that are not among the columns.
    at_least : float
        Part of the smaller sketch.
    near : int
        A k-mer joins a sequence to so many of its owners that come next, and to none further on: a k-mer that
        everything holds must not make everything a pair.
    most : int
        Stop after so many pairs.

    Returns
    -------
    first, second : np.ndarray, shape (n_pairs,), int64
        ``first < second``.
    """
    n = len(bounds) - 1
    first, second = np.empty(1024, dtype=np.int64), np.empty(1024, dtype=np.int64)
    shared = np.zeros(n, dtype=np.int32)
    touched = np.empty(n, dtype=np.int64)
    place = owner_bounds[:-1].copy()  # of each k-mer, the next owner after the sequence at hand
    found = 0
    for i in range(n):
        n_touched = 0
        for at in range(bounds[i], bounds[i + 1]):
            column = columns[at]
            place[column] += 1
            for other in range(place[column], min(owner_bounds[column + 1], place[column] + near)):
                j = owners[other]
                if shared[j] == 0:
                    touched[n_touched] = j
                    n_touched += 1
                shared[j] += 1
        for at in range(n_touched):
            j = touched[at]
            if shared[j] >= at_least * min(sizes[i], sizes[j]) and found < most:
                if found == len(first):
                    first = np.concatenate((first, np.empty_like(first)))
                    second = np.concatenate((second, np.empty_like(second)))
                first[found], second[found] = i, j
                found += 1
            shared[j] = 0
        if found == most:
            break
    return first[:found].copy(), second[:found].copy()
