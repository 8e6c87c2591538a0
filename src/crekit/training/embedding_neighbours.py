"""What k-mer vectors find alike: the nearest k-mers of each, its reverse complement, and the same of other vectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crekit.encoding.kmer_vectors import KmerVectors
from crekit.encoding.kmer_vectors_text import kmer_text
from crekit.files import output_text

NEAREST = 5
"""Neighbours of each k-mer."""
_BLOCK = 1024  # k-mers whose similarities to all others are held at once


@dataclass(frozen=True)
class Neighbours:
    """The k-mers that are most like each k-mer, by the cosine of their vectors.

    Parameters
    ----------
    k : int
    nearest : np.ndarray, shape (4^k, m), int64
        Numbers of the nearest k-mers, the nearest first, itself left out; m is 5, or for k = 1, 3.
    cosine : np.ndarray, shape (4^k, m), float32
    reverse : np.ndarray, shape (4^k,), int64
        Number of the reverse complement.
    reverse_rank : np.ndarray, shape (4^k,), int64
        Its place among the neighbours, from 1; 0 for a k-mer that is its own.
    reverse_cosine : np.ndarray, shape (4^k,), float32
    others : float
        Mean cosine of all pairs of two k-mers.
    """

    k: int
    nearest: np.ndarray
    cosine: np.ndarray
    reverse: np.ndarray
    reverse_rank: np.ndarray
    reverse_cosine: np.ndarray
    others: float

    def summary(self) -> dict[str, float | int]:
        """Of the k-mers that are not their own reverse complements: the shares of which it is the nearest and among the
        nearest, what the latter is by chance, and its mean cosine beside that of all pairs.
        """
        rank = self.reverse_rank[self.reverse_rank > 0]
        cosine = self.reverse_cosine[self.reverse_rank > 0]
        most = self.nearest.shape[1]
        return {
            "kmers": len(self.nearest),
            "reverse_complement_nearest": _rounded((rank == 1).mean()),
            f"reverse_complement_among_{most}": _rounded((rank <= most).mean()),
            f"among_{most}_by_chance": _rounded(most / (len(self.nearest) - 1)),
            "cosine_of_reverse_complements": _rounded(cosine.mean()),
            "cosine_of_all_pairs": _rounded(self.others),
        }


def _rounded(value: float) -> float:
    return round(float(value), 4)


def reverse_numbers(k: int) -> np.ndarray:
    """The number of each k-mer's reverse complement, shape (4^k,), int64."""
    left, turned = np.arange(4**k), np.zeros(4**k, dtype=np.int64)
    for _ in range(k):
        turned = turned << 2 | 3 - (left & 3)
        left = left >> 2
    return turned


def _unit(vectors: KmerVectors) -> np.ndarray:
    """Vectors of length 1; one of zeros stays so."""
    length = np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    return vectors.vectors / np.where(length > 0, length, 1)


def neighbours(vectors: KmerVectors) -> Neighbours:
    """The nearest neighbours of each k-mer among those of its length."""
    from threadpoolctl import threadpool_limits

    unit, reverse = _unit(vectors), reverse_numbers(vectors.k)
    n = len(unit)
    most = min(NEAREST, n - 1)
    nearest, cosine = np.empty((n, most), dtype=np.int64), np.empty((n, most), dtype=np.float32)
    rank, to_reverse = np.zeros(n, dtype=np.int64), np.einsum("ij,ij->i", unit, unit[reverse])
    with threadpool_limits(1):  # the last digits follow from the number of threads
        for start in range(0, n, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, n))
            alike = unit[rows] @ unit.T
            alike[np.arange(len(rows)), rows] = -np.inf
            found = np.argpartition(-alike, most - 1, axis=1)[:, :most]
            near = np.take_along_axis(alike, found, axis=1)
            order = np.lexsort((found, -near), axis=1)
            nearest[rows] = np.take_along_axis(found, order, axis=1)
            cosine[rows] = np.take_along_axis(near, order, axis=1)
            rank[rows] = 1 + (alike > alike[np.arange(len(rows)), reverse[rows]][:, None]).sum(axis=1)
    rank[reverse == np.arange(n)] = 0
    total = unit.sum(axis=0, dtype=np.float64)
    others = (total @ total - (unit.astype(np.float64) ** 2).sum()) / (n * (n - 1))
    return Neighbours(vectors.k, nearest, cosine, reverse, rank, to_reverse, float(others))


def agreement(one: KmerVectors, other: KmerVectors) -> float:
    """Spearman's correlation of the similarities (cosines) of all pairs of two k-mers in two sets of vectors.

    Parameters
    ----------
    one, other : KmerVectors
        Of one k; their dimensions may differ.
    """
    from scipy.stats import spearmanr
    from threadpoolctl import threadpool_limits

    pairs = np.triu_indices(len(one.vectors), 1)
    with threadpool_limits(1):
        alike = [(unit @ unit.T)[pairs] for unit in (_unit(one), _unit(other))]
    return float(spearmanr(*alike).statistic)


def write_table(path: str | Path, found: Mapping[int, Neighbours]) -> None:
    """Write neighbours of all k as a table, a k-mer a line; ``-`` is standard output."""
    with output_text(path) as handle:
        handle.write("kmer\tneighbours\tcosines\treverse_complement\treverse_rank\treverse_cosine\n")
        for k, one in found.items():
            for number in range(4**k):
                near = ",".join(kmer_text(int(other), k) for other in one.nearest[number])
                cosines = ",".join(f"{value:.4f}" for value in one.cosine[number])
                rank = one.reverse_rank[number] or "NA"
                other = kmer_text(int(one.reverse[number]), k)
                reverse = f"{other}\t{rank}\t{one.reverse_cosine[number]:.4f}"
                handle.write(f"{kmer_text(number, k)}\t{near}\t{cosines}\t{reverse}\n")
