"""Classes that the shares of short words tell apart."""

import numpy as np
from scipy.stats import rankdata

from crekit.audit.auroc import Draw, draw, interval, p_values
from crekit.audit.finding import Finding
from crekit.audit.kmers import flatten
from crekit.audit.sample import Sample
from crekit.genome.fasta import N, complement_codes

LONGEST = 6
LOOK = 0.6
P = 0.01
MOST = 3_000
PERMUTATIONS = 200

_PENALTY = 1.0
"""Of the ridge regression, per sequence: as much as one standardised feature weighs."""


def check_composition(sample: Sample, seed: int = 1) -> Finding:
    """Whether the shares of words of 1 to 6 bases tell a class from the others.

    The score is a ridge regression on the standardised shares of the words of one length, both strands together; the
    value is that of the best length. Composition is signal as much as leak, so that the check says look at most: the
    figure is what a model has to beat.

    Parameters
    ----------
    sample : Sample
    seed : int
        Of the draw, the folds and the shuffles.

    Returns
    -------
    finding : Finding
        ``composition``.
    """
    check, title = "composition", "Classes told apart by composition"
    used = np.flatnonzero(sample.part >= 0)
    drawn = draw(sample.classes[used], seed, MOST, PERMUTATIONS)
    if drawn is None:
        return Finding(check, title, "skipped", "There are too few sequences in two classes.")
    codes = [sample.codes[i] for i in used[drawn.at]]
    positives = drawn.positives()
    scores, figures = [], []
    for k in range(1, LONGEST + 1):
        score, figure = _told_apart(word_shares(codes, k), positives, drawn)
        scores.append(score)
        figures.append(figure)
    every = np.stack(figures)
    p = p_values(every.reshape(-1, every.shape[2])).reshape(every.shape[:2])
    best = np.unravel_index(int(every[:, :, 0].argmax()), p.shape)
    value, k, target = float(every[best][0]), int(best[0]) + 1, int(best[1])
    name = drawn.names[drawn.targets()[target]]
    look = value >= LOOK and p[best] <= P
    of = f"{len(used):,}" if len(codes) == len(used) else f"{len(codes):,} sequences drawn of {len(used):,}"
    return Finding(
        check=check,
        title=title,
        verdict="look" if look else "fine",
        value=value,
        what="AUROC",
        interval=interval(scores[k - 1][target], positives[target][0] > 0, drawn.folds, value),
        p=float(p[best]),
        threshold=f"look: AUROC >= {LOOK} and p <= {P}; never leak",
        says=f"The shares of words of {k} base{'s' * (k > 1)} tell {name} from the rest with AUROC {value:.3f} "
        f"({of}{' sequences' if len(codes) == len(used) else ''}).",
        remedy="Give this figure beside each model's, and match the background in GC." if look else "",
        detail={
            "k": k,
            "class": name,
            "auroc": {str(i + 1): float(found[:, 0].max()) for i, found in enumerate(figures)},
        },
    )


def word_shares(codes: list[np.ndarray], k: int) -> np.ndarray:
    """Share of each word of k bases in each sequence; a word and its reverse complement are one.

    Parameters
    ----------
    codes : list of np.ndarray, uint8
    k : int
        Small: there is a column for each word.

    Returns
    -------
    shares : np.ndarray, shape (n, n_words), float64
        A row sums to 1, or to 0 where no word without an N is.
    """
    words = np.arange(4**k)
    powers = 4 ** np.arange(k)[::-1]
    letters = (words[:, None] // powers % 4).astype(np.uint8)
    column = np.unique(np.minimum(words, complement_codes(letters) @ powers), return_inverse=True)[1]
    # An N after each sequence keeps words from going on into the next.
    flat, bounds = flatten([np.append(one, np.uint8(N)) for one in codes])
    owner = np.repeat(np.arange(len(codes)), np.diff(bounds))
    n_words = max(len(flat) - k + 1, 0)
    number, known = np.zeros(n_words, dtype=np.int64), np.ones(n_words, dtype=bool)
    for i in range(k):
        known &= flat[i : i + n_words] < N
        number = number * 4 + flat[i : i + n_words]
    width = int(column.max()) + 1
    cells = owner[:n_words][known] * width + column[number[known]]
    counts = np.bincount(cells, minlength=len(codes) * width).reshape(len(codes), width)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _told_apart(shares: np.ndarray, positives: list[np.ndarray], drawn: Draw) -> tuple[np.ndarray, np.ndarray]:
    """Held-out scores for each target, shape (t, m), and the figures, shape (t, 1 + n_permutations)."""
    from sklearn.linear_model import Ridge
    from threadpoolctl import threadpool_limits

    labels = np.concatenate(positives).T
    scores = np.empty((len(positives), len(shares)))
    total = np.zeros(labels.shape[1])
    for fold in drawn.folds:
        rest = np.setdiff1d(np.arange(len(shares)), fold)
        spread = shares[rest].std(axis=0)
        scaled = (shares - shares[rest].mean(axis=0)) / np.where(spread > 0, spread, 1)
        scaled = scaled.astype(np.float32)
        # One thread: sums in another order would move the last digits.
        with threadpool_limits(1, user_api="blas"):
            model = Ridge(alpha=_PENALTY * len(rest), solver="cholesky").fit(scaled[rest], labels[rest])
            predicted = model.predict(scaled[fold])
        scores[:, fold] = predicted[:, :: len(positives[0])].T
        total += _auroc(predicted, labels[fold])
    return scores, (total / len(drawn.folds)).reshape(len(positives), -1)


def _auroc(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """AUROC of each column."""
    n_positive = labels.sum(axis=0, dtype=np.float64)
    ranks = (rankdata(scores, axis=0) * labels).sum(axis=0)
    return (ranks - n_positive * (n_positive + 1) / 2) / (n_positive * (len(labels) - n_positive))
