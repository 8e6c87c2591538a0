"""Hits of motifs in DNA: counted in each sequence, and as shares of its positions or length.

In: codes of bases (A 0, C 1, G 2, T 3, anything else not known) of sequences one after the other; a hit lies within one
of them. A site starts where its leftmost base is, 0-based, on either strand.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from crekit.motifs import hits_loops
from crekit.motifs.scoring import Scoring


def count(
    codes: NDArray[np.uint8], offsets: NDArray[np.int64], scoring: Scoring, threads: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hits of each motif in each sequence, and the positions that were scanned for them.

    The threads share out the motifs, so that many sequences cost their tables once; the result does not depend on them.
    To stream, call with a few megabases at a time: the memory is 10 bytes a base and 32 bytes a sequence and motif.

    Parameters
    ----------
    codes : ndarray of shape (bases,), uint8
    offsets : ndarray of shape (n + 1,), int64
        Sequence i is ``codes[offsets[i]:offsets[i + 1]]``.
    scoring : Scoring
    threads : int

    Returns
    -------
    hits : ndarray of shape (n, n_motifs), int64
    positions : ndarray of shape (n, n_motifs), int64
        Sites that were scanned, those of both strands where both are.

    Raises
    ------
    ValueError
        If the offsets are not those of the codes.
    """
    codes, offsets, scores = (
        np.require(given, kind, ["C", "W"])  # else numba compiles anew
        for given, kind in ((codes, np.uint8), (offsets, np.int64), (scoring.scores, np.float64))
    )
    if offsets.shape[0] < 1 or offsets[0] != 0 or offsets[-1] != len(codes) or (np.diff(offsets) < 0).any():
        raise ValueError("offsets must rise from 0 to the number of bases")
    n, n_strands = len(offsets) - 1, 2 if scoring.strands == "both" else 1
    known, left = hits_loops.runs(codes, offsets)
    words = hits_loops.words(codes)
    unsure = np.flatnonzero(known < np.minimum(left, scoring.widths.max())) if scoring.ambiguous else np.empty(0, int)
    firsts = np.cumsum(scoring.widths) - scoring.widths
    hits = np.zeros((scoring.n_motifs, n), dtype=np.int64)

    def search(motif: int) -> None:
        rows = scores[firsts[motif] : firsts[motif] + scoring.widths[motif]]
        threshold = float(scoring.thresholds[motif])
        for reverse in range(n_strands):
            hits_loops.search(words, known, codes, offsets, rows, threshold, bool(reverse), hits[motif])
            hits_loops.search_unsure(unsure, known, left, codes, offsets, rows, threshold, bool(reverse), hits[motif])

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(search, range(scoring.n_motifs)))
    else:
        for motif in range(scoring.n_motifs):
            search(motif)
    widths, at = np.unique(scoring.widths, return_inverse=True)
    positions = hits_loops.positions(known if not scoring.ambiguous else left, offsets, widths)[:, at] * n_strands
    return np.ascontiguousarray(hits.T), positions


def shares(
    hits: NDArray[np.int64], positions: NDArray[np.int64], lengths: NDArray[np.int64], scoring: Scoring
) -> NDArray[np.float64]:
    """Hits over positions, or over the length of the sequence, as the scoring says; 0 where there is nothing to scan.

    Parameters
    ----------
    hits, positions : ndarray of shape (n, n_motifs), int64
        Of `count`.
    lengths : ndarray of shape (n,), int64
        Bases of each sequence, unknown ones included.
    scoring : Scoring
    """
    by = positions if scoring.frequency == "position" else np.broadcast_to(lengths[:, None], hits.shape)
    return np.divide(hits, by, out=np.zeros(hits.shape), where=by > 0)


def frequencies(sequences: Sequence[NDArray[np.uint8]], scoring: Scoring, threads: int = 1) -> NDArray[np.float32]:
    """Frequencies of the motifs in sequences.

    Parameters
    ----------
    sequences : sequence of ndarray of uint8
        Codes of each.
    scoring : Scoring
    threads : int

    Returns
    -------
    ndarray of shape (n, n_motifs), float32
        See `shares`.
    """
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    codes = np.concatenate([np.empty(0, np.uint8), *sequences])
    hits, positions = count(codes, np.append(0, lengths.cumsum()), scoring, threads)
    return shares(hits, positions, lengths, scoring).astype(np.float32)
