"""Pairs of sequences that are nearly the same.

Two sequences are near duplicates where the different 16-mers of the one that has fewer are to a given share among those
of the other, on either strand: their containment. Candidates come from sketches of the k-mers (FracMinHash, as sourmash
makes them); the containment of each is then counted from all of its k-mers. sourmash itself was not taken: it compares
one signature with one other in Python, and has no search of all pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crekit.audit.kmers import flatten, kmer_sets, likely_pairs, shared_kmers

K = 16
CONTAINED = 0.8
LOOSE = 0.5
FEWEST = 8
"""A sequence with fewer different k-mers, such as a simple repeat, says nothing by them."""

_SKETCHED = 4_000_000
_MARGIN = 0.6
_NEXT = 500
MOST_PAIRS = 1_000_000


@dataclass(frozen=True)
class Pairs:
    """Pairs of sequences, by their positions.

    Parameters
    ----------
    first, second : np.ndarray, shape (n_pairs,), int64
        ``first < second``; in ascending order.
    containment : np.ndarray, shape (n_pairs,), float64
    complete : bool
        Whether these are all. Where more than `MOST_PAIRS` are alike, or a k-mer is in more than 500 sequences, some
        pairs of the largest groups may be left out.
    """

    first: np.ndarray
    second: np.ndarray
    containment: np.ndarray
    complete: bool = True

    def __len__(self) -> int:
        return len(self.first)

    def of(self, chosen: np.ndarray) -> "Pairs":
        """Some of the pairs, by a mask."""
        return Pairs(self.first[chosen], self.second[chosen], self.containment[chosen], self.complete)


def near_pairs(codes: Sequence[np.ndarray], k: int = K, contained: float = CONTAINED) -> Pairs:
    """All pairs of sequences of which one holds the given share of the other's k-mers.

    Parameters
    ----------
    codes : sequence of np.ndarray, uint8
    k : int
        At most 31.
    contained : float
        Above 0, at most 1.

    Returns
    -------
    pairs : Pairs
        Without sequences of fewer than 8 different k-mers.
    """
    flat, bounds = flatten(codes)
    one_in = max(len(flat) // _SKETCHED, 1)
    sketch, sketch_bounds = kmer_sets(flat, bounds, k, one_in)
    numbers, columns = np.unique(sketch, return_inverse=True)
    owner = np.repeat(np.arange(len(codes)), np.diff(sketch_bounds))
    owners = owner[np.argsort(columns, kind="stable")]
    held = np.bincount(columns, minlength=len(numbers))
    owner_bounds = np.concatenate([[0], np.cumsum(held)])
    # A sketch tells the containment only roughly, so that more are counted out than will be kept.
    at_least = contained if one_in == 1 else contained * _MARGIN
    sizes = np.diff(sketch_bounds)
    first, second = likely_pairs(columns, sketch_bounds, owners, owner_bounds, sizes, at_least, _NEXT, MOST_PAIRS)
    complete = bool(len(first) < MOST_PAIRS and held.max(initial=0) <= _NEXT)

    members, position = np.unique(np.concatenate([first, second]), return_inverse=True)
    kmers, kmer_bounds = kmer_sets(*flatten([codes[i] for i in members]), k, 1)
    smaller = np.diff(kmer_bounds)[position].reshape(2, -1).min(axis=0, initial=2**62)
    shared = shared_kmers(kmers, kmer_bounds, position[: len(first)], position[len(first) :])
    alike = (smaller >= FEWEST) & (shared >= contained * smaller)
    order = np.lexsort((second[alike], first[alike]))
    found = Pairs(first[alike], second[alike], shared[alike] / smaller[alike], complete)
    return Pairs(found.first[order], found.second[order], found.containment[order], complete)
