"""How good predictions are: average precision, and what a confusion matrix tells.

Labels are positions in a list of classes, shape (n_sites,); scores or probabilities have one column per class, shape
(n_sites, n_classes). A class without any site has no value: NaN, which `for_json` turns into null.

mAP is DeepRegFinder's: the mean of the average precision of every class but background.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from crekit.labels.classes import background_index

CALIBRATION_BINS = 15


def average_precision(labels: np.ndarray, scores: np.ndarray, n_classes: int) -> np.ndarray:
    """Average precision of each class against all others.

    The step-wise sum of precision over recall (no interpolation), as scikit-learn computes it.

    Parameters
    ----------
    labels : np.ndarray, shape (n_sites,), int
    scores : np.ndarray, shape (n_sites, n_classes), float
        Higher means more of that class.
    n_classes : int

    Returns
    -------
    values : np.ndarray, shape (n_classes,), float64
        NaN for a class that no site has.
    """
    from sklearn.metrics import average_precision_score

    return _each_class(average_precision_score, labels, scores, n_classes, needs_negatives=False)


def auroc(labels: np.ndarray, scores: np.ndarray, n_classes: int) -> np.ndarray:
    """Area under the ROC curve of each class against all others; NaN where the class or the others have no site.

    Parameters and result as in `average_precision`.
    """
    from sklearn.metrics import roc_auc_score

    return _each_class(roc_auc_score, labels, scores, n_classes, needs_negatives=True)


def _each_class(
    score: Any, labels: np.ndarray, scores: np.ndarray, n_classes: int, *, needs_negatives: bool
) -> np.ndarray:
    values = np.full(n_classes, np.nan)
    for index in range(n_classes):
        positive = labels == index
        if positive.any() and not (needs_negatives and positive.all()):
            values[index] = score(positive, scores[:, index])
    return values


def mean_average_precision(labels: np.ndarray, scores: np.ndarray, background: int | None) -> float:
    """Mean average precision of the classes that are not background (DeepRegFinder's mAP).

    Parameters
    ----------
    labels, scores
        As in `average_precision`.
    background : int, optional
        Position of the background class; None if there is none.

    Returns
    -------
    mean : float
        Over the classes that have sites; NaN if none has.
    """
    return mean_over_elements(average_precision(labels, scores, scores.shape[1]), background)


def mean_over_elements(values: np.ndarray, background: int | None) -> float:
    """Mean of one value per class, shape (n_classes,), leaving out background and NaN; NaN if nothing is left."""
    kept = np.delete(values, background) if background is not None else values
    kept = kept[~np.isnan(kept)]
    return float(kept.mean()) if len(kept) else float("nan")


def confusion(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts of sites by true class (rows) and predicted class (columns), shape (n_classes, n_classes), int64."""
    pairs = np.bincount(labels * n_classes + predicted, minlength=n_classes**2)
    return pairs.reshape(n_classes, n_classes).astype(np.int64)


def rates(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, specificity and F1 of each class, from a confusion matrix.

    Parameters
    ----------
    matrix : np.ndarray, shape (n_classes, n_classes)
        Rows are true classes, columns predicted ones.

    Returns
    -------
    values : dict of str to np.ndarray, shape (n_classes,), float64
        NaN where the denominator is 0: precision of a class that is never predicted, recall of one that has no site.
    """
    matrix = matrix.astype(np.float64)
    hits, total = np.diag(matrix), matrix.sum()
    actual, called = matrix.sum(axis=1), matrix.sum(axis=0)
    correctly_not = total - actual - called + hits
    return {
        "precision": _ratio(hits, called),
        "recall": _ratio(hits, actual),
        "specificity": _ratio(correctly_not, total - actual),
        "f1": _ratio(2 * hits, actual + called),
    }


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Brier score of many classes: squared differences from the one-hot truth, summed over classes, mean over sites.

    0 is perfect, 2 is certain and always wrong. For two classes it is twice the usual binary score.
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def reliability(confidence: np.ndarray, right: np.ndarray, n_bins: int = CALIBRATION_BINS) -> dict[str, np.ndarray]:
    """What was promised and what came true, in bins of equal width from 0 to 1.

    Parameters
    ----------
    confidence : np.ndarray, shape (n_sites,), float
        A probability of each site.
    right : np.ndarray, shape (n_sites,), bool
        Whether what it was given for is true.
    n_bins : int

    Returns
    -------
    bins : dict of str to np.ndarray, shape (n_bins,)
        ``confidence`` and ``share`` (means, NaN in an empty bin) and ``sites`` (how many).
    """
    index = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    sites = np.bincount(index, minlength=n_bins)
    sums = [np.bincount(index, weights=column, minlength=n_bins) for column in (confidence, right)]
    return {"confidence": _ratio(sums[0], sites), "share": _ratio(sums[1], sites), "sites": sites}


def calibration_error(confidence: np.ndarray, right: np.ndarray, n_bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error: the mean gap between the two means of `reliability`, weighted by sites."""
    bins = reliability(confidence, right, n_bins)
    gap = np.abs(bins["confidence"] - bins["share"])
    return float(np.nansum(gap * bins["sites"]) / bins["sites"].sum())


def matthews(matrix: np.ndarray) -> float:
    """Matthews correlation of a confusion matrix (Gorodkin's, for many classes); 0 where it is undefined."""
    matrix = matrix.astype(np.float64)
    total, right = matrix.sum(), np.trace(matrix)
    actual, called = matrix.sum(axis=1), matrix.sum(axis=0)
    spread = (total**2 - called @ called) * (total**2 - actual @ actual)
    return float((right * total - actual @ called) / math.sqrt(spread)) if spread > 0 else 0.0


def summary(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """All figures of one model on one set of sites.

    The predicted class is the most probable one (the first of equals).

    Parameters
    ----------
    labels : np.ndarray, shape (n_sites,), int
        Positions in `classes`. At least one site.
    probabilities : np.ndarray, shape (n_sites, n_classes), float
    classes : sequence of str

    Returns
    -------
    figures : dict
        ``sites``, ``mAP``, ``ACC``, ``BACC`` (mean recall of the classes that have sites), ``MCC``, ``Brier`` (see
        `brier`), ``ECE`` (calibration error of the most probable class), ``classes`` (per class: ``AP``, ``AUROC``,
        ``precision``, ``recall``, ``specificity``, ``F1``, ``support``) and ``confusion`` (rows are true classes).
        Values may be NaN: see `for_json`.
    """
    n_classes = len(classes)
    predicted = probabilities.argmax(axis=1)
    matrix = confusion(labels, predicted, n_classes)
    precision = average_precision(labels, probabilities, n_classes)
    area, rate = auroc(labels, probabilities, n_classes), rates(matrix)
    present = matrix.sum(axis=1) > 0
    per_class = {
        name: {
            "AP": float(precision[i]),
            "AUROC": float(area[i]),
            "precision": float(rate["precision"][i]),
            "recall": float(rate["recall"][i]),
            "specificity": float(rate["specificity"][i]),
            "F1": float(rate["f1"][i]),
            "support": int(matrix[i].sum()),
        }
        for i, name in enumerate(classes)
    }
    return {
        "sites": len(labels),
        "mAP": mean_over_elements(precision, background_index(classes)),
        "ACC": float(np.trace(matrix) / matrix.sum()),
        "BACC": float(rate["recall"][present].mean()),
        "MCC": matthews(matrix),
        "Brier": brier(labels, probabilities),
        "ECE": calibration_error(probabilities.max(axis=1), predicted == labels),
        "classes": per_class,
        "confusion": matrix.tolist(),
    }


def for_json(value: Any) -> Any:
    """The same nested lists and dictionaries with NaN and infinities as None, and numpy numbers as Python's."""
    if isinstance(value, dict):
        return {key: for_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [for_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return for_json(value.tolist())
    if isinstance(value, np.generic):
        return for_json(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
