"""The figures of models on the same sites, with bootstrap intervals, and the comparisons of models and data sets."""

from itertools import combinations
from typing import Any

import numpy as np

from crekit.evaluation import bootstrap
from crekit.evaluation.evaluation import Scored
from crekit.labels.classes import background_index
from crekit.training import metrics


def figures(scored: Scored, n_resamples: int = 3000, seed: int = 1) -> dict[str, Any]:
    """Figures of each model with bootstrap intervals, and paired comparisons of all pairs.

    Parameters
    ----------
    scored : Scored
    n_resamples : int
        0 leaves intervals and comparisons out.
    seed : int

    Returns
    -------
    results : dict
        ``models``: model -> `metrics.summary`, with ``intervals`` (figure -> [low, high]) beside the figures of the
        model and of each class; ``comparisons``: a list of first, second, difference of mAP, interval and p.
    """
    labels = scored.labels
    results = {name: metrics.summary(labels, p, scored.classes) for name, p in scored.probabilities.items()}
    if not n_resamples:
        return {"models": results, "comparisons": []}
    drawn = bootstrap.figures(labels, list(scored.probabilities.values()), scored.classes, n_resamples, seed)
    resampled = dict(zip(scored.probabilities, drawn, strict=True))
    for name, result in results.items():
        values = resampled[name]
        result["intervals"] = {figure: bootstrap.interval(v) for figure, v in values.items() if v.ndim == 1}
        for i, of_class in enumerate(scored.classes):
            result["classes"][of_class]["intervals"] = {
                figure: bootstrap.interval(v[:, i]) for figure, v in values.items() if v.ndim == 2
            }
    comparisons = [
        {
            "first": first,
            "second": second,
            "mAP_difference": results[first]["mAP"] - results[second]["mAP"],
            **bootstrap.paired(resampled[first]["mAP"], resampled[second]["mAP"]),
        }
        for first, second in combinations(results, 2)
    ]
    return {"models": results, "comparisons": comparisons}


def by_data_set(scored: Scored) -> dict[str, Any]:
    """mAP of each model in each data set, and for each pair of models who wins how often (binomial sign test).

    Returns
    -------
    results : dict
        Empty where there is one data set. ``mAP``: data set -> model -> mAP; ``wins``: a list of first, second, won
        (by the first), of (data sets that are no draw) and the two-sided p.
    """
    from scipy.stats import binomtest

    names = sorted(set(scored.data_set))
    if len(names) < 2:
        return {}
    labels, background = scored.labels, background_index(scored.classes)
    means = {
        one: {
            model: metrics.mean_average_precision(labels[here], probabilities[here], background)
            for model, probabilities in scored.probabilities.items()
        }
        for one in names
        for here in [scored.data_set == one]
    }
    wins = []
    for first, second in combinations(scored.probabilities, 2):
        gaps = np.array([means[one][first] - means[one][second] for one in names])
        won, decided = int((gaps > 0).sum()), int((gaps != 0).sum())
        p = float(binomtest(won, decided).pvalue) if decided else 1.0
        wins.append({"first": first, "second": second, "won": won, "of": decided, "p": p})
    return {"mAP": means, "wins": wins}
