"""How well a number or a category tells classes apart, in cross-validation, beside labels that are shuffled.

All figures are of one class against the others: AUROC on the held-out fifth of the sequences, averaged over the five
folds. What a feature says of the class (its direction, or the rate of each category) is learned on the other four.
Shuffled labels go the same way, which gives the permutation null; the largest figure over all classes and features is
compared with the largest under each shuffle (Westfall and Young), so that p is corrected for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

FOLDS = 5
PERMUTATIONS = 1_000
MOST = 20_000
"""More sequences are drawn from: the error of the AUROC is below .005 with so many."""
FEWEST = 10
"""A class with fewer sequences is not told apart from the others; it counts among these."""


@dataclass(frozen=True)
class Draw:
    """The sequences that the figures are of, with their labels, shuffled labels and folds.

    Parameters
    ----------
    at : np.ndarray, shape (m,), int64
        Positions in the sample, ascending.
    names : list of str
        Classes with `FEWEST` sequences or more.
    labels : np.ndarray, shape (1 + n_permutations, m), int16
        Position in `names`, -1 for the other classes; the first row is the true one.
    folds : list of np.ndarray, int64
        Positions in `at` of each fold; each has its part of each class.
    """

    at: np.ndarray
    names: list[str]
    labels: np.ndarray
    folds: list[np.ndarray]

    def targets(self) -> list[int]:
        """The classes to tell from the others: one of two says it all, as two classes mirror each other."""
        return [1] if len(self.names) == 2 and (self.labels[0] >= 0).all() else list(range(len(self.names)))

    def positives(self) -> list[np.ndarray]:
        """Of each target, 1 where a sequence has it and 0 else, shape (1 + n_permutations, m), float32."""
        return [(self.labels == target).astype(np.float32) for target in self.targets()]


def draw(classes: np.ndarray, seed: int, most: int = MOST, permutations: int = PERMUTATIONS) -> Draw | None:
    """Draw sequences, folds and shuffles of the labels.

    Parameters
    ----------
    classes : np.ndarray, shape (n,), object
    seed : int
    most : int
        Draw so many if there are more, without regard to the class.
    permutations : int
        Labels are shuffled within each fold, so that each fold keeps its number of each class.

    Returns
    -------
    drawn : Draw or None
        None where fewer than two classes are there, or none has `FEWEST` sequences beside as many others.
    """
    rng = np.random.default_rng(seed)
    at = np.arange(len(classes)) if len(classes) <= most else np.sort(rng.choice(len(classes), most, replace=False))
    names, number, count = np.unique(classes[at].astype(str), return_inverse=True, return_counts=True)
    large = (count >= FEWEST) & (len(at) - count >= FEWEST)
    if not large.any():
        return None
    label = np.where(large, np.cumsum(large) - 1, -1)[number].astype(np.int16)
    # Dealt out one after another, class by class, each fold gets its part of each.
    order = rng.permutation(len(at))
    dealt = order[np.argsort(number[order], kind="stable")]
    folds = [np.sort(dealt[f::FOLDS]) for f in range(FOLDS)]
    labels = np.repeat(label[None], 1 + permutations, axis=0)
    for fold in folds:
        labels[1:, fold] = rng.permuted(labels[1:, fold], axis=1)
    return Draw(at, names[large].tolist(), labels, folds)


def ordered_auroc(values: np.ndarray, positive: np.ndarray, folds: Sequence[np.ndarray]) -> np.ndarray:
    """Cross-validated AUROC of a number, whose direction is that of the other folds.

    Parameters
    ----------
    values : np.ndarray, shape (m,), float
    positive : np.ndarray, shape (r, m), float32
        1 for the class, 0 for the others; a row for each shuffle.
    folds : sequence of np.ndarray

    Returns
    -------
    auroc : np.ndarray, shape (r,), float64
    """
    each = np.empty((len(folds), len(positive)))
    for f, fold in enumerate(folds):
        ranks = rankdata(values[fold]).astype(np.float64)
        mine = positive[:, fold].astype(np.float64)
        n_positive = mine.sum(axis=1)
        u = mine @ ranks - n_positive * (n_positive + 1) / 2
        each[f] = u / (n_positive * (len(fold) - n_positive)) - 0.5
    others = each.sum(axis=0) - each
    return 0.5 + (np.where(others >= 0, 1, -1) * each).mean(axis=0)


def table_auroc(cells: np.ndarray, positive: np.ndarray, folds: Sequence[np.ndarray]) -> np.ndarray:
    """Cross-validated AUROC of categories, each scored by the rate of the class in it in the other folds.

    Parameters
    ----------
    cells : np.ndarray, shape (t, m), int64
        The category of each sequence, from 0; a row for each way to sort them into categories.
    positive, folds
        As in `ordered_auroc`.

    Returns
    -------
    auroc : np.ndarray, shape (t, r), float64
    """
    widths = cells.max(axis=1, initial=0) + 1
    starts = np.concatenate([[0], np.cumsum(widths)])
    member = np.zeros((cells.shape[1], starts[-1]), dtype=np.float32)
    for row, start in zip(cells, starts, strict=False):
        member[np.arange(len(row)), start + row] = 1
    held = np.stack([member[fold].sum(axis=0, dtype=np.float64) for fold in folds])
    # Whole numbers below 2^24, which float32 adds up without error in any order.
    with_class = np.stack([positive[:, fold] @ member[fold] for fold in folds]).astype(np.float64)
    overall = positive.mean(axis=1, dtype=np.float64)[:, None]
    each = [slice(start, start + width) for start, width in zip(starts, widths, strict=False)]
    return np.stack([_rates_auroc(with_class[:, :, part], held[:, None, part], overall) for part in each])


def _rates_auroc(with_class: np.ndarray, held: np.ndarray, overall: np.ndarray) -> np.ndarray:
    """`table_auroc` of one row, from how many of each cell have the class (f, r, c), are there (f, 1, c)."""
    total = np.zeros(with_class.shape[1])
    for mine, here in zip(with_class, held, strict=True):
        # One sequence of the average rate is added to each cell, so that an empty one has a rate.
        score = (with_class.sum(axis=0) - mine + overall) / (held.sum(axis=0) - here + 1)
        order = np.argsort(score, axis=1, kind="stable")
        score, inside, outside = (np.take_along_axis(one, order, axis=1) for one in (score, mine, here - mine))
        below = np.cumsum(outside, axis=1) - outside
        u = (inside * (below + outside / 2)).sum(axis=1) + _ties(score, inside, outside)
        total += u / (inside.sum(axis=1) * outside.sum(axis=1))
    return total / len(held)


def _ties(score: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """What to add for cells of equal score that were taken as ordered; cells ascend along each row."""
    added = np.zeros(len(score))
    for step in range(1, score.shape[1]):
        equal = np.isclose(score[:, step:], score[:, :-step], rtol=1e-12, atol=0)
        if not equal.any():
            break
        wrong = inside[:, :-step] * outside[:, step:] - inside[:, step:] * outside[:, :-step]
        added += np.where(equal, wrong / 2, 0).sum(axis=1)
    return added


def interval(
    values: np.ndarray, positive: np.ndarray, folds: Sequence[np.ndarray], auroc: float
) -> tuple[float, float]:
    """95 % interval of a cross-validated AUROC, by the variance of DeLong et al. (1988) in each fold.

    Parameters
    ----------
    values : np.ndarray, shape (m,), float
        What each sequence was scored by when it was held out, the direction aside.
    positive : np.ndarray, shape (m,), bool
    folds : sequence of np.ndarray
    auroc : float
        The figure itself.
    """
    variance = 0.0
    for fold in folds:
        mine, value = positive[fold], values[fold]
        n, m = int(mine.sum()), int((~mine).sum())
        every = rankdata(value)
        below = (every[mine] - rankdata(value[mine])) / m
        above = (every[~mine] - rankdata(value[~mine])) / n
        variance += sum(float(part.var(ddof=1)) / len(part) for part in (below, above) if len(part) > 1)
    half = float(norm.ppf(0.975)) * np.sqrt(variance) / len(folds)
    return max(auroc - half, 0.0), min(auroc + half, 1.0)


def p_values(figures: np.ndarray) -> np.ndarray:
    """Permutation p of each figure, corrected for all of them.

    Parameters
    ----------
    figures : np.ndarray, shape (n_figures, 1 + n_permutations)
        The first column is the true one.

    Returns
    -------
    p : np.ndarray, shape (n_figures,), float64
        Share of the shuffles, the true labels counted as one, whose largest figure is no smaller.
    """
    largest = figures[:, 1:].max(axis=0)
    # A figure that differs by rounding alone is the same figure.
    return (1 + (largest >= figures[:, :1] - 1e-9).sum(axis=1)) / figures.shape[1]
