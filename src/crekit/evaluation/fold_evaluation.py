"""Figures of each fold, models compared fold by fold, and what a random split adds to the figures.

Pooled figures rank the regions of all folds together, although their scores come from different models; figures of the
folds do not. Both are given.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from crekit.evaluation.entries import Entry, rule_of
from crekit.evaluation.evaluation import Scored
from crekit.labels.classes import background_index
from crekit.training import folds, metrics

FIGURES = ("mAP", "AUROC")
_EXACT = 12
"""So many folds at most are compared by all 2^K signs, which is exact with ties too."""


def overall(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """``sites``, ``mAP``, ``AUROC`` (the mean without background, as mAP is) and ``AP`` by class."""
    background = background_index(classes)
    precision = metrics.average_precision(labels, probabilities, len(classes))
    area = metrics.auroc(labels, probabilities, len(classes))
    return {
        "sites": len(labels),
        "mAP": metrics.mean_over_elements(precision, background),
        "AUROC": metrics.mean_over_elements(area, background),
        "AP": dict(zip(classes, map(float, precision), strict=True)),
    }


def per_fold(scored: Scored, entries: Mapping[str, Entry]) -> dict[str, dict[str, Any]]:
    """Figures of each fold of each model that is pooled over folds.

    Returns
    -------
    found : dict
        Model -> ``rule`` (what the split kept), ``of`` (folds of the rule), ``missing`` (folds without a model or a
        site), ``each`` (a row per fold: ``fold``, and `overall`), ``mean`` and ``sd`` over the folds, and ``pooled``.
    """
    found = {}
    for name, fold in scored.fold.items():
        rows = [{"fold": int(number), **of_sites(scored, name, fold == number)} for number in np.unique(fold[fold > 0])]
        if not rows:
            continue
        split = entries[name].settings.split
        columns = _columns(rows, scored.classes)
        found[name] = {
            "rule": rule_of(entries[name].models[0]),
            "of": split["folds"],
            "missing": sorted(set(range(1, split["folds"] + 1)) - {row["fold"] for row in rows}),
            "each": rows,
            "mean": _nested(columns, np.nanmean, 1),
            "sd": _nested(columns, lambda values: np.nanstd(values, ddof=1), 2),
            "pooled": of_sites(scored, name, np.ones(len(fold), dtype=bool)),
        }
    return found


def of_sites(scored: Scored, name: str, chosen: np.ndarray) -> dict[str, Any]:
    """`overall` of a model on some of the sites."""
    return overall(scored.labels[chosen], scored.probabilities[name][chosen], scored.classes)


def _columns(rows: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> dict[str, np.ndarray]:
    columns = {figure: np.array([row[figure] for row in rows]) for figure in FIGURES}
    return columns | {f"AP {name}": np.array([row["AP"][name] for row in rows]) for name in classes}


def _nested(columns: Mapping[str, np.ndarray], reduce: Any, least: int) -> dict[str, Any]:
    """One number of each column, NaN where fewer than `least` folds have a value; classes under ``AP``."""
    values = {
        name: float(reduce(column)) if np.sum(~np.isnan(column)) >= least else float("nan")
        for name, column in columns.items()
    }
    by_class = {name.removeprefix("AP "): value for name, value in values.items() if name.startswith("AP ")}
    return {figure: values[figure] for figure in FIGURES} | {"AP": by_class}


def fold_by_fold(
    scored: Scored, entries: Mapping[str, Entry], found: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Models with the same folds compared by a Wilcoxon signed-rank test over the folds.

    Parameters
    ----------
    scored : Scored
    entries : mapping of str to Entry
    found : dict
        What `per_fold` gives.

    Returns
    -------
    comparisons : list of dict
        ``first``, ``second``, ``figure``, ``folds`` (compared), ``difference`` (first less second, mean over the
        folds), ``p`` (two-sided, exact) and ``smallest_p`` (2 / 2^folds: no p can be less).
    """
    rows = []
    for first, second in combinations(found, 2):
        same_rule = found[first]["rule"] == found[second]["rule"]
        if not same_rule or not np.array_equal(scored.fold[first], scored.fold[second]):
            continue
        for figure in FIGURES:
            one, other = (np.array([row[figure] for row in found[name]["each"]]) for name in (first, second))
            gaps = (one - other)[~np.isnan(one - other)]
            if len(gaps):
                rows.append(
                    {
                        "first": first,
                        "second": second,
                        "figure": figure,
                        "folds": len(gaps),
                        "difference": float(gaps.mean()),
                        "p": signed_rank(gaps),
                        "smallest_p": smallest_p(len(gaps)),
                    }
                )
    return rows


def signed_rank(gaps: np.ndarray) -> float:
    """Two-sided p of a Wilcoxon signed-rank test of paired differences, shape (n,); 1 where all are 0."""
    from scipy.stats import PermutationMethod, wilcoxon

    if not gaps.any():
        return 1.0
    # All 2^n signs: scipy's table ("exact") does not hold where differences are tied or 0.
    method = PermutationMethod(n_resamples=2**_EXACT) if len(gaps) <= _EXACT else "auto"
    return float(wilcoxon(gaps, alternative="two-sided", method=method).pvalue)


def smallest_p(n: int) -> float:
    """The least two-sided p of a signed-rank test of `n` differences: all of one sign."""
    return 2 / 2**n


def leaks(
    entries: Mapping[str, Entry], pooled: Mapping[str, Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What a random split adds: the same model trained on the same data, split at random and split honestly.

    Both figures are of the same sites, which are in the test sets of both.

    Parameters
    ----------
    entries : mapping of str to Entry
    pooled : dict
        Entry -> `overall`.
    comparisons : sequence of dict
        Paired bootstrap of mAP: see `crekit.evaluation.comparison.figures`.

    Returns
    -------
    found : list of dict
        ``random``, ``honest`` (names of the entries), ``by`` (what the honest split keeps whole), ``sites``, and for
        ``mAP`` and ``AUROC`` ``random``, ``honest`` and their ``difference``; ``interval`` of the difference of mAP.
    """
    lots = [name for name, entry in entries.items() if kind_of(entry) == folds.RANDOM]
    found = []
    for lot in lots:
        for name, entry in entries.items():
            if kind_of(entry) == folds.RANDOM or _recipe(entry) != _recipe(entries[lot]):
                continue
            row: dict[str, Any] = {
                "random": lot, "honest": name, "by": kind_of(entry), "sites": pooled[name]["sites"]
            }  # fmt: skip
            for figure in FIGURES:
                high, low = pooled[lot][figure], pooled[name][figure]
                row[figure] = {"random": high, "honest": low, "difference": high - low}
            found.append(row | _interval(lot, name, comparisons))
    return found


def kind_of(entry: Entry) -> str:
    """What the split of an entry keeps whole: ``block``, ``chromosome``, ``cluster``; ``random`` keeps nothing."""
    split = entry.settings.split
    return {"chromosomes": folds.CHROMOSOME, "random": folds.RANDOM}.get(split["kind"], split.get("by", split["kind"]))


def _recipe(entry: Entry) -> Any:
    """What two runs must share for their difference to be that of their splits."""
    settings = entry.settings
    training = {key: value for key, value in settings.training.items() if key != "threads"}
    return settings.arch, settings.parameters, training, settings.record["options"], settings.record["inputs"]


def _interval(first: str, second: str, comparisons: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    for one in comparisons:
        if (one["first"], one["second"]) == (first, second):
            return {"interval": list(one["interval"])}
        if (one["first"], one["second"]) == (second, first):
            return {"interval": [-value for value in reversed(one["interval"])]}
    return {}
