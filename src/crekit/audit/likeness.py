"""How like some sequences are to the training sequences of each class, by k-mers of so few bases that a table of all
k-mers fits the memory. Loops that numba compiles; conventions as in `crekit.audit.kmers`.
"""

import numpy as np

from crekit.compiled import compiled


@compiled
def _different(flat: np.ndarray, start: int, end: int, k: int, number: int, last: np.ndarray, kmers: np.ndarray) -> int:
    """Write the different k-mers of one sequence into `kmers`; `last` holds who had each k-mer last."""
    below, top = (1 << (2 * k)) - 1, 2 * (k - 1)
    forward, backward, known, found = 0, 0, 0, 0
    for j in range(start, end):
        code = int(flat[j])
        if code > 3:
            known = 0
            continue
        forward = ((forward << 2) | code) & below
        backward = (backward >> 2) | ((3 - code) << top)
        known += 1
        if known >= k:
            kmer = min(forward, backward)
            if last[kmer] != number:
                last[kmer] = number
                kmers[found] = kmer
                found += 1
    return found


@compiled
def count_owners(flat: np.ndarray, bounds: np.ndarray, k: int) -> np.ndarray:
    """How many sequences hold each k-mer, shape (4^k,), int32; k is at most 12."""
    held = np.zeros(1 << (2 * k), dtype=np.int32)
    kmers = np.empty(max(len(flat), 1), dtype=np.int64)
    last = np.full(1 << (2 * k), -1, dtype=np.int32)
    for i in range(len(bounds) - 1):
        for at in range(_different(flat, bounds[i], bounds[i + 1], k, i, last, kmers)):
            held[kmers[at]] += 1
    return held


@compiled
def likeness(
    flat: np.ndarray,
    bounds: np.ndarray,
    k: int,
    owners: np.ndarray,
    owner_bounds: np.ndarray,
    useful: np.ndarray,
    asked: np.ndarray,
    sizes: np.ndarray,
    side: np.ndarray,
    folds: bool,
    label: np.ndarray,
    n_classes: int,
    at_least: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The largest containment of some sequences in the training sequences of each class.

    Parameters
    ----------
    flat, bounds : np.ndarray
        All sequences, as `flatten` gives them.
    k : int
        At most 12.
    owners, owner_bounds : np.ndarray, int64
        Which of the asked sequences hold each of the 4^k k-mers, one k-mer after another.
    useful : np.ndarray, shape (4^k,), bool
        The k-mers that count as likeness.
    asked : np.ndarray, shape (m,), int64
        The positions of the asked sequences.
    sizes : np.ndarray, shape (m,), int64
        How many different k-mers they have.
    side : np.ndarray, shape (n,), int64
        The fold or the part of each sequence, -1 for none.
    folds : bool
        Whether sides are folds, which train on all others, or parts, which train on those before them.
    label : np.ndarray, shape (n,), int64
    n_classes : int
    at_least : float
        A smaller containment counts as none.

    Returns
    -------
    best : np.ndarray, shape (m, n_classes), float64
    nearest : np.ndarray, shape (m,), int64
        The training sequence of the largest one, -1 for none.
    """
    best = np.zeros((len(asked), n_classes))
    nearest = np.full(len(asked), -1, dtype=np.int64)
    kmers = np.empty(max(len(flat), 1), dtype=np.int64)
    last = np.full(1 << (2 * k), -1, dtype=np.int32)
    shared = np.zeros(len(asked), dtype=np.int32)
    touched = np.empty(len(asked), dtype=np.int64)
    for i in range(len(bounds) - 1):
        if side[i] < 0:
            continue
        n_kmers = _different(flat, bounds[i], bounds[i + 1], k, i, last, kmers)
        n_touched = 0
        for at in range(n_kmers):
            if useful[kmers[at]]:
                for place in range(owner_bounds[kmers[at]], owner_bounds[kmers[at] + 1]):
                    j = owners[place]
                    if shared[j] == 0:
                        touched[n_touched] = j
                        n_touched += 1
                    shared[j] += 1
        for at in range(n_touched):
            j = touched[at]
            contained = shared[j] / min(n_kmers, sizes[j])
            shared[j] = 0
            other = side[asked[j]]
            if contained >= at_least and ((folds and other != side[i]) or (not folds and side[i] < other)):
                if contained > best[j].max():
                    nearest[j] = i
                best[j, label[i]] = max(best[j, label[i]], contained)
    return best, nearest
