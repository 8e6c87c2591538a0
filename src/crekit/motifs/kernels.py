"""First-layer kernels as motifs, from all words of their width or from the sites of real sequences that activate them.

In: weights of shape (n_kernels, 4, w), channels A, C, G, T, any batch norm folded in. A kernel's activation at a word
of w bases is ReLU(bias + the sum of the weights at its bases). Out: a `Motif` for each kernel that any word activates,
named ``kernel_1``, ``kernel_2`` ... in the network's order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from crekit.errors import InputError
from crekit.motifs.pwm import Motif

WIDEST_ENUMERATED = 20  # a million words in each half
WIDEST = 31  # 62 bits of an index
COUNT, ACTIVATION = "count", "activation"
_TABLED = 10  # up to this width words are counted in a table of all of them
_PIECE = 8  # bases whose weights are summed by one look-up


@dataclass(frozen=True)
class Kernels:
    """The first convolution of a network.

    Parameters
    ----------
    weights : np.ndarray, shape (n_kernels, 4, w), float64
    bias : np.ndarray, shape (n_kernels,), float64
    """

    weights: np.ndarray
    bias: np.ndarray

    @property
    def width(self) -> int:
        """Bases that a kernel sees."""
        return self.weights.shape[2]

    def __len__(self) -> int:
        return len(self.weights)


@dataclass(frozen=True)
class Words:
    """Every place of some sequences at which a kernel can lie without an unknown base, as words.

    Parameters
    ----------
    width : int
        Bases of a word.
    index : np.ndarray, shape (n_words,), int64
        The different words, ascending: their bases as digits to the base 4, the first base highest.
    counts : np.ndarray, shape (n_words,), int64
        At how many places each stands.
    word_at : np.ndarray, shape (n_places,), integer
        Which of the words stands at a place.
    sequence_at : np.ndarray, shape (n_places,), int64
        In which sequence a place is; ascending.
    n_sequences : int
    """

    width: int
    index: np.ndarray
    counts: np.ndarray
    word_at: np.ndarray
    sequence_at: np.ndarray
    n_sequences: int


def from_words(kernels: Kernels, *, weighting: str = COUNT) -> list[Motif]:
    """Each kernel's motif from all words of its width that activate it (DeepEnhancer, "Visualizing learned motifs").

    Parameters
    ----------
    kernels : Kernels
    weighting : str
        ``count``: each activating word counts once, the paper's sum of one-hot matrices; ``activation``: each counts
        by its activation.

    Returns
    -------
    list of Motif
        `nsites` is the number of activating words; the note ``share_sites`` is their share of all 4^w.

    Raises
    ------
    InputError
        If kernels are too wide for their words to be listed.
    """
    if kernels.width > WIDEST_ENUMERATED:
        raise InputError(
            f"kernels of {kernels.width} bases have too many words to list (at most {WIDEST_ENUMERATED} bases); "
            "use --method activation"
        )
    # A word is a left half and a right half, and activates if the two sums are above zero together. So each half is
    # held against the sorted sums of the other, and the 4^w words need not be gone through.
    half = kernels.width // 2
    motifs = []
    for number, (weights, bias) in enumerate(zip(kernels.weights, kernels.bias, strict=True)):
        left, right = _sums(weights[:, :half], bias), _sums(weights[:, half:])
        counts = [_partners(left, right, COUNT), _partners(right, left, COUNT)]
        n = int(counts[0].sum())
        if not n:
            continue
        if weighting == ACTIVATION:
            counts = [_partners(left, right, ACTIVATION), _partners(right, left, ACTIVATION)]
        matrix = np.concatenate([_marginals(counts[0], half), _marginals(counts[1], kernels.width - half)])
        motifs.append(_motif(number, matrix, n, {"share_sites": n / 4**kernels.width}))
    return motifs


def _partners(own: np.ndarray, other: np.ndarray, weighting: str) -> np.ndarray:
    """For each half word, how many other halves it activates with, or the sum of the activations that they give."""
    ascending = np.sort(other)
    first = np.searchsorted(ascending, -own, side="right")
    n = len(other) - first
    if weighting == COUNT:
        return n
    from_here = np.concatenate([np.cumsum(ascending[::-1])[::-1], [0.0]])
    return n * own + from_here[first]


def words(spans: Iterable[np.ndarray], width: int) -> Words:
    """The words of some sequences.

    Parameters
    ----------
    spans : iterable of np.ndarray of uint8
        Codes of the sequences: A 0, C 1, G 2, T 3, anything else 4.
    width : int
        Bases of a word.
    """
    if width > WIDEST:
        raise InputError(f"kernels of {width} bases are too wide for motifs (at most {WIDEST} bases)")
    spans = list(spans)
    lengths = np.array([len(span) for span in spans], dtype=np.int64)
    codes = np.concatenate([*spans, np.zeros(0, np.uint8)])
    sequence = np.repeat(np.arange(len(spans)), lengths)
    end = np.repeat(np.cumsum(lengths), lengths)
    unknown = np.concatenate([[0], np.cumsum(codes > 3)])
    places = np.flatnonzero(np.arange(len(codes)) + width <= end)
    places = places[unknown[places + width] == unknown[places]]
    index = np.zeros(len(places), dtype=np.int64)
    for offset in range(width):
        index *= 4
        index += codes[places + offset]
    if width <= _TABLED:
        table = np.bincount(index, minlength=4**width)
        present = np.flatnonzero(table)
        number = np.zeros(4**width, dtype=np.int64)
        number[present] = np.arange(len(present))
        return Words(width, present, table[present], number[index], sequence[places], len(spans))
    present, word_at, counts = np.unique(index, return_inverse=True, return_counts=True)
    return Words(width, present, counts, word_at, sequence[places], len(spans))


def from_sites(
    kernels: Kernels, found: Words, *, threshold: float = 0.5, labels: Sequence[str] | None = None
) -> list[Motif]:
    """Each kernel's motif from the sites of real sequences that activate it.

    A site is a place where the activation is above `threshold` times the kernel's highest over all sequences, as in
    Basset (Kelley 2016).

    Parameters
    ----------
    kernels : Kernels
    found : Words
        Of the sequences, of the kernels' width.
    threshold : float
        Share of the highest activation, at least 0 and below 1.
    labels : sequence of str, optional
        Class of each sequence. With it, shares of sequences are given class by class too; None saves the look at single
        sequences.

    Returns
    -------
    list of Motif
        `nsites` is the number of sites. Notes: ``share_sites`` (of all places), and with `labels` ``share_sequences``
        (with a site) and ``share_CLASS``.
    """
    motifs = []
    for number in range(len(kernels)):
        active = _activations(kernels, number, found.index)
        highest = active.max(initial=0)
        is_site = active > threshold * highest
        n = int(found.counts[is_site].sum()) if highest > 0 else 0
        if not n:
            continue
        counts = np.where(is_site, found.counts, 0).astype(np.float64)
        notes: dict[str, float | str] = {"share_sites": n / len(found.word_at)}
        if labels is not None:
            notes |= _shares(is_site, found, labels)
        motifs.append(_motif(number, _base_counts(found.index, counts, kernels.width), n, notes))
    return motifs


def _shares(is_site: np.ndarray, found: Words, labels: Sequence[str]) -> dict[str, float]:
    """Share of sequences that have a site: of all, and of each class."""
    has = np.zeros(found.n_sequences, dtype=bool)
    has[found.sequence_at[is_site[found.word_at]]] = True
    of = np.asarray(labels)
    return {"share_sequences": float(has.mean())} | {
        f"share_{name}": float(has[of == name].mean()) for name in dict.fromkeys(labels)
    }


def _activations(kernels: Kernels, number: int, index: np.ndarray) -> np.ndarray:
    """Activation, before ReLU, of one kernel at words given by their index. Always summed in the same order."""
    total = np.full(len(index), kernels.bias[number], dtype=np.float64)
    for first in range(0, kernels.width, _PIECE):
        piece = kernels.weights[number, :, first : first + _PIECE]
        table = _sums(piece)
        after = kernels.width - first - piece.shape[1]
        total += table[(index >> (2 * after)) & (len(table) - 1)]
    return total


def _sums(weights: np.ndarray, start: float = 0.0) -> np.ndarray:
    """`start` and the sum of the weights, shape (4, w), of each of the 4^w words."""
    table = np.full(1, start)
    for column in weights.T:
        table = (table[:, None] + column).ravel()
    return table


def _marginals(weights: np.ndarray, width: int) -> np.ndarray:
    """Sums of weights of all 4^w words by position and base, shape (w, 4)."""
    rows = [np.zeros((0, 4))]
    for _ in range(width):  # the last base is the fastest running digit: sum it up, then drop it
        weights = weights.reshape(-1, 4)
        rows.append(weights.sum(axis=0))
        weights = weights.sum(axis=1)
    return np.vstack(rows[::-1])


def _base_counts(index: np.ndarray, counts: np.ndarray, width: int) -> np.ndarray:
    """Counts of some words by position and base, shape (w, 4)."""
    chosen = np.flatnonzero(counts)
    index, counts = index[chosen], counts[chosen]
    shifts = 2 * np.arange(width - 1, -1, -1)
    return np.stack([np.bincount((index >> shift) & 3, weights=counts, minlength=4) for shift in shifts])


def _motif(number: int, counts: np.ndarray, nsites: int, notes: dict[str, float | str]) -> Motif:
    return Motif(f"kernel_{number + 1}", "", counts / counts.sum(axis=1, keepdims=True), nsites, None, notes)
