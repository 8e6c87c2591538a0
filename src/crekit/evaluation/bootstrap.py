"""How far figures would move with other sites: intervals from resampling, and paired differences between models.

Sites are drawn with replacement, as many as there are, so that a resample is a whole number per site: how often it was
drawn. All models see the same resamples, which makes their differences paired. Intervals are percentiles; the paper
(DeepRegFinder, evaluation) takes 3,000 resamples and 95 %.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from crekit.compiled import compiled
from crekit.labels.classes import background_index

LEVEL = 0.95
_CELLS = 2_000_000  # drawn at a time: bounds the memory, not the result


def resamples(n_sites: int, n_resamples: int, seed: int, cells: int = _CELLS) -> Iterator[np.ndarray]:
    """How often each site is drawn, some resamples at a time.

    Parameters
    ----------
    n_sites, n_resamples, seed : int
    cells : int
        Numbers in one array, at most (but at least one resample). The draws do not depend on it.

    Yields
    ------
    counts : np.ndarray, shape (n, n_sites), int32
        Each row sums to `n_sites`; all rows together are `n_resamples`.
    """
    rng = np.random.default_rng(seed)
    at_once = max(1, cells // max(n_sites, 1))
    for first in range(0, n_resamples, at_once):
        n = min(at_once, n_resamples - first)
        drawn = rng.integers(0, n_sites, (n, n_sites))
        drawn += np.arange(n)[:, None] * n_sites
        yield np.bincount(drawn.ravel(), minlength=n * n_sites).reshape(n, n_sites).astype(np.int32)


def ranking(positive: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and AUROC of one class in each resample.

    Sites are walked once from the best score down; sites of one score count together, as in scikit-learn.

    Parameters
    ----------
    positive : np.ndarray, shape (n_sites,), bool
    scores : np.ndarray, shape (n_sites,), float
    counts : np.ndarray, shape (n_resamples, n_sites), int32
        How often each site was drawn.

    Returns
    -------
    average_precision, auroc : np.ndarray, shape (n_resamples,), float64
        NaN where a resample has no positive (or, for AUROC, no negative) site.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_of_score = np.append(ranked[1:] != ranked[:-1], True) if len(ranked) else np.zeros(0, dtype=bool)
    return _ranking(positive[order], last_of_score, order, counts)


@compiled
def _ranking(positive, last_of_score, order, counts):  # type: ignore[no-untyped-def]
    n_resamples = counts.shape[0]
    precision = np.full(n_resamples, np.nan)
    area = np.full(n_resamples, np.nan)
    for row in range(n_resamples):
        hits, false, hits_before, false_before = 0, 0, 0, 0
        precisions, pairs = 0.0, 0.0  # precision summed over hits; pairs of a positive above a negative
        for rank in range(len(order)):
            drawn = counts[row, order[rank]]
            if positive[rank]:
                hits += drawn
            else:
                false += drawn
            if last_of_score[rank]:
                if hits > hits_before:
                    precisions += (hits - hits_before) * (hits / (hits + false))
                pairs += (false - false_before) * (hits_before + hits) / 2
                hits_before, false_before = hits, false
        if hits > 0:
            precision[row] = precisions / hits
            if false > 0:
                area[row] = pairs / (hits * false)
    return precision, area


def figures(
    labels: np.ndarray, models: Sequence[np.ndarray], classes: Sequence[str], n_resamples: int, seed: int
) -> list[dict[str, np.ndarray]]:
    """Every figure of every model in every resample; the same resamples for all models.

    Parameters
    ----------
    labels : np.ndarray, shape (n_sites,), int
        Positions in `classes`.
    models : sequence of np.ndarray, shape (n_sites, n_classes), float
        Probabilities of each model.
    classes : sequence of str
    n_resamples, seed : int

    Returns
    -------
    values : list of dict of str to np.ndarray
        Per model: ``mAP``, ``ACC``, ``BACC``, ``MCC``, ``Brier``, shape (n_resamples,), and ``AP``, ``AUROC``,
        ``precision``, ``recall``, ``specificity``, ``F1``, shape (n_resamples, n_classes), as in
        `crekit.training.metrics.summary`.
    """
    parts: list[list[dict[str, np.ndarray]]] = [[] for _ in models]
    for counts in resamples(len(labels), n_resamples, seed):
        for part, probabilities in zip(parts, models, strict=True):
            part.append(_figures(labels, probabilities, classes, counts))
    return [{name: np.concatenate([some[name] for some in part]) for name in part[0]} for part in parts]


def _figures(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], counts: np.ndarray
) -> dict[str, np.ndarray]:
    n_classes = len(classes)
    ranked = [ranking(labels == i, probabilities[:, i], counts) for i in range(n_classes)]
    precision, area = (np.column_stack(column) for column in zip(*ranked, strict=True))
    kept = [i for i in range(n_classes) if i != background_index(classes)]
    squares = ((probabilities - np.eye(n_classes)[labels]) ** 2).sum(axis=1)
    pairs = labels * n_classes + probabilities.argmax(axis=1)
    matrices = counts.astype(np.float64) @ np.eye(n_classes**2)[pairs]
    return {
        "mAP": _mean(precision[:, kept]),
        "Brier": counts @ squares / len(labels),
        "AP": precision,
        "AUROC": area,
        **_of_matrices(matrices.reshape(-1, n_classes, n_classes)),
    }


def _of_matrices(matrices: np.ndarray) -> dict[str, np.ndarray]:
    """What confusion matrices tell, shape (n_resamples, n_classes, n_classes): see `crekit.training.metrics`."""
    hits = np.diagonal(matrices, axis1=1, axis2=2)
    actual, called = matrices.sum(axis=2), matrices.sum(axis=1)
    total = matrices.sum(axis=(1, 2))
    recall = _ratio(hits, actual)
    spread = (total**2 - (called**2).sum(axis=1)) * (total**2 - (actual**2).sum(axis=1))
    covariance = hits.sum(axis=1) * total - (actual * called).sum(axis=1)
    return {
        "precision": _ratio(hits, called),
        "recall": recall,
        "specificity": _ratio(total[:, None] - actual - called + hits, total[:, None] - actual),
        "F1": _ratio(2 * hits, actual + called),
        "ACC": hits.sum(axis=1) / total,
        "BACC": _mean(recall),
        "MCC": np.nan_to_num(_ratio(covariance, np.sqrt(spread)), nan=0.0),
    }


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean of each row, leaving NaN out; NaN for a row of nothing else."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=1), known.sum(axis=1).astype(np.float64))


def interval(values: np.ndarray, level: float = LEVEL) -> list[float]:
    """The middle `level` of resampled values, shape (n_resamples,), as [low, high]; NaN are left out."""
    values = values[~np.isnan(values)]
    if not len(values):
        return [float("nan"), float("nan")]
    return [float(end) for end in np.quantile(values, [(1 - level) / 2, (1 + level) / 2])]


def paired(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """How sure the difference of two models is: ``interval`` of first less second, and a two-sided ``p``.

    Parameters
    ----------
    first, second : np.ndarray, shape (n_resamples,)
        The same figure of two models in the same resamples.

    Returns
    -------
    result : dict
        ``p`` is twice the smaller share of resamples on either side of 0, one added to each so that it is never 0;
        its least value is therefore 2 / (n_resamples + 1).
    """
    difference = first - second
    difference = difference[~np.isnan(difference)]
    tail = min((difference <= 0).sum(), (difference >= 0).sum())
    return {"interval": interval(difference), "p": float(min(1.0, 2 * (1 + tail) / (len(difference) + 1)))}
