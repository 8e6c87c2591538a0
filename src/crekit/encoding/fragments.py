"""Overlapping k-mers of random lengths along a genome: the corpus that k-mer vectors are trained on.

Records are read one at a time, as often as there are epochs, and every epoch draws anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crekit import progress
from crekit.encoding.kmer_vectors_text import kmer_text
from crekit.errors import InputError
from crekit.genome.fasta import N, complement_codes, read_records

SHORTEST, LONGEST = 2_500, 5_000
"""Bases in a piece of a record: at least, and fewer than."""


@dataclass(frozen=True)
class Recipe:
    """How a genome is cut into k-mers, as dna2vec does it.

    A record is cut into pieces of 2,500 to 4,999 bases; each is turned to its reverse complement with probability 1/2
    and split where a base is not known. At every base of a stretch, but for the last ``high - 1``, a k-mer of a random
    length starts.

    Parameters
    ----------
    low, high : int
        Shortest and longest k-mer.
    epochs : int
        How often the genome is gone through.
    seed : int
    """

    low: int = 3
    high: int = 8
    epochs: int = 10
    seed: int = 1

    @property
    def lengths(self) -> range:
        return range(self.low, self.high + 1)

    def first(self, k: int) -> int:
        """The id of the first k-mer of length `k`: ids go through all of the shortest, then of the next length."""
        return sum(4**shorter for shorter in range(self.low, k))

    @property
    def n_kmers(self) -> int:
        return self.first(self.high + 1)

    def texts(self) -> list[str]:
        """All k-mers, by their ids."""
        return [kmer_text(number, k) for k in self.lengths for number in range(4**k)]


def sentences(path: Path, recipe: Recipe, chroms: Sequence[str] | None = None) -> Iterator[np.ndarray]:
    """The ids of the k-mers along each stretch of known bases, epoch by epoch.

    Parameters
    ----------
    path : path
        FASTA: plain, gzip or bgzip.
    recipe : Recipe
    chroms : sequence of str, optional
        The records to take; all, if not given.

    Yields
    ------
    ids : np.ndarray, shape (n,), int64

    Raises
    ------
    InputError
        As `crekit.genome.fasta.read_records`, or if the file is standard input, which can be read once only.

    References
    ----------
    dna2vec: Ng (2017), arXiv:1701.06279, and its published code, ``SlidingKmerFragmenter``.
    """
    if str(path) == "-":
        raise InputError("-: the genome is read several times, which standard input cannot be; give a file")
    for epoch in range(recipe.epochs):
        for record, (name, codes) in enumerate(read_records(path)):
            if chroms is None or name in chroms:
                yield from _sentences(codes, recipe, np.random.default_rng([recipe.seed, epoch, record]))


def _sentences(codes: np.ndarray, recipe: Recipe, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Those of one record."""
    firsts = np.array([recipe.first(k) for k in recipe.lengths])
    start = 0
    while start < len(codes):
        end = start + int(random.integers(SHORTEST, LONGEST))
        piece = codes[start:end]
        start = end
        if random.random() < 0.5:
            piece = complement_codes(piece)
        for left, right in _known(piece, recipe.high):
            words = _words(piece[left:right], recipe.high)
            lengths = random.integers(recipe.low, recipe.high + 1, len(words))
            yield (words >> 2 * (recipe.high - lengths)) + firsts[lengths - recipe.low]


def _known(codes: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """Stretches without an N that are at least so long."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], codes < N, [False]])))
    return [(left, right) for left, right in edges.reshape(-1, 2).tolist() if right - left >= shortest]


def _words(codes: np.ndarray, k: int) -> np.ndarray:
    """Numbers of all k-mers of a stretch without N, shape (n - k + 1,), int64."""
    words = np.zeros(len(codes) - k + 1, dtype=np.int64)
    for i in range(k):
        words = words << 2 | codes[i : i + len(words)]
    return words


def count(path: Path, recipe: Recipe, chroms: Sequence[str] | None = None) -> tuple[np.ndarray, int]:
    """How often each k-mer comes in all epochs, and how many stretches there are.

    Returns
    -------
    counts : np.ndarray, shape (n_kmers,), int64
    n_sentences : int
    """
    counts = np.zeros(recipe.n_kmers, dtype=np.int64)
    n, held, waiting = 0, 0, []
    for ids in progress.steps(sentences(path, recipe, chroms), "counting"):
        n += 1
        held += len(ids)
        waiting.append(ids)
        if held > 4 * recipe.n_kmers:  # to count a few k-mers alone would cost as much as to count all
            counts += np.bincount(np.concatenate(waiting), minlength=recipe.n_kmers)
            held, waiting = 0, []
    if waiting:
        counts += np.bincount(np.concatenate(waiting), minlength=recipe.n_kmers)
    return counts, n
