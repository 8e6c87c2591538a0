"""Clusters of similar sequences: what is alike must not stand on both sides of a split.

Two sequences are alike when the smaller set of k-mers is contained in the other to a given share, on either strand.
Clusters are the connected components of that relation, so that no member of one is alike a member of another.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from crekit.audit.kmers import likely_pairs
from crekit.genome.fasta import N

K = 11
CONTAINED = 0.2
_COMMON = 0.02


def find_clusters(sequences: Sequence[np.ndarray], k: int = K, contained: float = CONTAINED) -> np.ndarray:
    """Cluster of each sequence.

    k-mers that more than 2 % of the sequences (and more than 50) share, such as those of simple repeats, do not count
    as likeness.

    Parameters
    ----------
    sequences : sequence of np.ndarray
        Codes of the bases, uint8.
    k : int
        At most 31.
    contained : float
        Share of the smaller set of k-mers that must be in the other.

    Returns
    -------
    clusters : np.ndarray, shape (n_sequences,), int64
        Numbered by their first member.
    """
    n = len(sequences)
    found = [np.unique(canonical_kmers(codes, k)) for codes in sequences]
    owner = np.repeat(np.arange(n), [len(kmers) for kmers in found])
    kmers, column = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *found]), return_inverse=True)
    shared = np.bincount(column, minlength=len(kmers))
    # A k-mer of one sequence alone joins nothing, and one of very many says nothing.
    useful = (shared > 1) & (shared <= max(_COMMON * n, 50))
    kept = useful[column]
    sizes = np.array([max(len(one), 1) for one in found], dtype=np.int64)
    owner, column = owner[kept], column[kept]
    owners = owner[np.argsort(column, kind="stable")]
    bounds = np.searchsorted(owner, np.arange(n + 1))
    owner_bounds = np.concatenate([[0], np.cumsum(np.where(useful, shared, 0))])
    rows, columns = likely_pairs(column, bounds, owners, owner_bounds, sizes, contained, n, n * n)
    graph = sparse.coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    _, first_member, position = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first_member))[position]


def canonical_kmers(codes: np.ndarray, k: int) -> np.ndarray:
    """k-mers of a sequence as numbers, the smaller of each and its reverse complement; those with N are left out.

    Parameters
    ----------
    codes : np.ndarray, shape (n,), uint8
    k : int

    Returns
    -------
    kmers : np.ndarray, shape (at most n - k + 1,), int64
    """
    if len(codes) < k:
        return np.zeros(0, dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(codes, k)
    windows = windows[(windows < N).all(axis=1)].astype(np.int64)
    powers = 4 ** np.arange(k, dtype=np.int64)
    return np.minimum(windows @ powers[::-1], (3 - windows) @ powers)
