"""Models by data sets: how good each model is on each data set, on regions that it has learned nothing from.

Each cell stands for itself: its regions are those of its data set that its model may be judged by (see
`crekit.evaluation.matrix_seen`). Models are compared over the data sets on the regions that both may be judged by.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from crekit.evaluation import bootstrap, fold_evaluation
from crekit.evaluation.entries import Entry
from crekit.evaluation.matrix_seen import Unseen
from crekit.evaluation.seen import FEW
from crekit.files import output_text
from crekit.labels.classes import background_index
from crekit.training import folds, metrics

log = logging.getLogger("crekit")

FIGURES = ("mAP", "AUROC", "precision", "recall", "F1", "BACC", "MCC")
"""Of a cell, the leading one first."""


@dataclass(frozen=True)
class Cell:
    """A model judged on a data set.

    Parameters
    ----------
    model, data_set : str
    own : bool
        Whether the model was trained on the data set.
    rows : np.ndarray, shape (n_sites,), int64
        Positions in the data set of the regions that were scored.
    ids : np.ndarray, shape (n_sites,), object
    labels : np.ndarray, shape (n_sites,), int64
        Positions in the classes.
    probabilities : np.ndarray, shape (n_sites, n_classes), float32
    left_out : dict of str to int
        ``seen`` (learned from; of its own data set, not in a test set), ``same_dna`` (a training region's) and
        ``dropped`` (by the non-zero rule): regions that were not scored.
    marks : list of str
        What to know before the cell is believed.
    """

    model: str
    data_set: str
    own: bool
    rows: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    left_out: dict[str, int]
    marks: list[str]


def mean_of_judges(
    entry: Entry, judges: np.ndarray, score: Callable[[Any, np.ndarray], np.ndarray], n_classes: int
) -> np.ndarray:
    """Probabilities of regions: the mean over those models that may judge each.

    Parameters
    ----------
    entry : Entry
    judges : np.ndarray, shape (n_models, n_regions), bool
        At least one for each region.
    score : callable
        (model, positions of regions) -> probabilities, shape (n, n_classes).
    n_classes : int

    Returns
    -------
    probabilities : np.ndarray, shape (n_regions, n_classes), float32
    """
    total = np.zeros((judges.shape[1], n_classes))
    for model, mine in zip(entry.models, judges, strict=True):
        if mine.any():
            total[mine] += score(model, np.flatnonzero(mine))
    return np.asarray(total / np.maximum(judges.sum(axis=0), 1)[:, None], dtype=np.float32)


def marks_of(entry: Entry, found: Unseen, labels: np.ndarray, classes: Sequence[str], odd: Sequence[str]) -> list[str]:
    """What to know before a cell is believed, a line each; `odd` is what is odd about the data."""
    texts = [*odd, *found.unknown]
    if found.own and fold_evaluation.kind_of(entry) == folds.RANDOM:
        texts.append("was split at random, so that its test regions have neighbours in its training")
    if found.own and entry.missing:
        texts.append(f"folds {', '.join(map(str, entry.missing))} of {entry.settings.split['folds']} are missing")
    if found.same_dna:
        texts.append(f"{found.same_dna} of its test regions have the DNA of a training region")
    if not len(labels):
        return [*texts, "no region is left that it has not seen"]
    number = np.bincount(labels, minlength=len(classes))
    few = [f"{number[i]} of {name}" for i, name in enumerate(classes) if number[i] < FEW]
    if few:
        texts.append(f"too few regions to trust its figures: {', '.join(few)}")
    return texts


def results(cells: Sequence[Cell], classes: Sequence[str], n_resamples: int, seed: int) -> dict[str, Any]:
    """The matrix as it goes into the metrics file.

    Parameters
    ----------
    cells : sequence of Cell
    classes : sequence of str
    n_resamples : int
        0 for no intervals.
    seed : int

    Returns
    -------
    found : dict
        ``models`` and ``data_sets`` (names, in order), ``figures`` (their names), ``cells`` (see `figures`), ``means``
        (model -> mean mAP over its ``own`` data sets and over the ``others``) and ``comparisons`` (see `compare`).
    """
    rows = [figures(cell, classes, n_resamples, seed) for cell in cells]
    models = list(dict.fromkeys(cell.model for cell in cells))
    return {
        "models": models,
        "data_sets": list(dict.fromkeys(cell.data_set for cell in cells)),
        "figures": list(FIGURES),
        "cells": rows,
        "means": {
            name: {
                what: _mean([row["mAP"] for row in rows if row["model"] == name and row["own"] == own])
                for what, own in (("own", True), ("others", False))
            }
            for name in models
        },
        "comparisons": compare(cells, classes),
    }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def figures(cell: Cell, classes: Sequence[str], n_resamples: int = 0, seed: int = 1) -> dict[str, Any]:
    """A cell in numbers.

    Returns
    -------
    row : dict
        ``model``, ``data_set``, ``own``, ``sites``, ``left_out``, ``marks``, all of `FIGURES` (mAP, AUROC, precision,
        recall and F1 are means without background; the most probable class is the prediction), ``interval`` (95 %,
        of mAP) and ``classes`` (as `crekit.training.metrics.summary` has them). Without a site, figures are NaN.
    """
    head = {"model": cell.model, "data_set": cell.data_set, "own": cell.own, "sites": len(cell.rows)}
    tail = {"left_out": cell.left_out, "marks": cell.marks}
    if not len(cell.rows):
        return {**head, **dict.fromkeys(FIGURES, float("nan")), "interval": None, **tail, "classes": {}}
    found = metrics.summary(cell.labels, cell.probabilities, classes)
    means = {name: _over_elements(found["classes"], name, classes) for name in ("AUROC", "precision", "recall", "F1")}
    values = {name: means[name] if name in means else found[name] for name in FIGURES}
    interval = None
    if n_resamples:
        (drawn,) = bootstrap.figures(cell.labels, [cell.probabilities], classes, n_resamples, seed)
        interval = bootstrap.interval(drawn["mAP"])
    return {**head, **values, "interval": interval, **tail, "classes": found["classes"]}


def _over_elements(found: Mapping[str, Mapping[str, float]], figure: str, classes: Sequence[str]) -> float:
    """Mean of a figure over the classes but background."""
    values = np.array([found[name][figure] for name in classes], dtype=np.float64)
    return metrics.mean_over_elements(values, background_index(classes))


def compare(cells: Sequence[Cell], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Each pair of models over the data sets: mAP on the regions that both may be judged by.

    Returns
    -------
    comparisons : list of dict
        ``first``, ``second``, ``data_sets`` (compared), ``difference`` (first less second, mean over the data sets),
        ``won`` (by the first), ``of`` (that are no draw), ``sign_p`` (binomial, two-sided), ``p`` (Wilcoxon
        signed-rank, two-sided, exact) and ``smallest_p`` (2 / 2^data sets: no p can be less). Empty for one data set.
    """
    from scipy.stats import binomtest

    by_model: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        by_model.setdefault(cell.model, {})[cell.data_set] = cell
    found = []
    for first, second in combinations(by_model, 2):
        gaps = np.array([_gap(one, by_model[second][name], classes) for name, one in by_model[first].items()])
        gaps = gaps[~np.isnan(gaps)]
        if len(gaps) < 2:
            continue
        won, decided = int((gaps > 0).sum()), int((gaps != 0).sum())
        found.append(
            {
                "first": first,
                "second": second,
                "data_sets": len(gaps),
                "difference": float(gaps.mean()),
                "won": won,
                "of": decided,
                "sign_p": float(binomtest(won, decided).pvalue) if decided else 1.0,
                "p": fold_evaluation.signed_rank(gaps),
                "smallest_p": fold_evaluation.smallest_p(len(gaps)),
            }
        )
    return found


def _gap(one: Cell, other: Cell, classes: Sequence[str]) -> float:
    """mAP of one cell less that of another of the same data set, on the regions of both; NaN without any."""
    _, mine, theirs = np.intersect1d(one.rows, other.rows, return_indices=True)
    if not len(mine):
        return float("nan")
    background = background_index(classes)
    values = [
        metrics.mean_average_precision(cell.labels[rows], cell.probabilities[rows], background)
        for cell, rows in ((one, mine), (other, theirs))
    ]
    return values[0] - values[1]


def say(found: Mapping[str, Any]) -> None:
    """Tell mAP of all cells as a table, how models compare, and what to know of the cells."""
    models, names = found["models"], found["data_sets"]
    cells = {(row["model"], row["data_set"]): row for row in found["cells"]}
    widths = [max(map(len, models)), *(max(len(name), 6) for name in names)]
    log.info("mAP on regions that the model has not seen; + its own data set, ! see the warnings")
    log.info("  ".join([" " * widths[0], *(name.rjust(width) for name, width in zip(names, widths[1:], strict=True))]))
    for model in models:
        texts = [_cell(cells[model, name]).rjust(width) for name, width in zip(names, widths[1:], strict=True)]
        log.info("  ".join([model.ljust(widths[0]), *texts]).rstrip())
    for one in found["comparisons"]:
        log.info(
            "%s less %s: mAP %+.3f in the mean of %d data sets; won %d of %d, sign test p %.2g; Wilcoxon p %.2g "
            "(no less than %.2g with so many)",
            *(one[key] for key in ("first", "second", "difference", "data_sets", "won", "of", "sign_p", "p")),
            one["smallest_p"],
        )
    for row in found["cells"]:
        for text in row["marks"]:
            log.warning("warning: %s on %s: %s", row["model"], row["data_set"], text)


def _cell(row: Mapping[str, Any]) -> str:
    value = "-" if row["mAP"] is None or np.isnan(row["mAP"]) else f"{row['mAP']:.3f}"
    return f"{value}{'+' if row['own'] else ' '}{'!' if row['marks'] else ' '}"


def write_table(path: str | Path, found: Mapping[str, Any], classes: Sequence[str]) -> None:
    """A line per cell: model, data set, whether it is its own, sites, what was left out, all figures, AP by class."""
    reasons = ("seen", "same_dna", "dropped")
    columns = ["model", "data_set", "own", "sites", *(f"left_out_{one}" for one in reasons), *FIGURES]
    with output_text(path) as handle:
        handle.write("\t".join([*columns, *(f"AP {name}" for name in classes), "marks"]) + "\n")
        for row in found["cells"]:
            counts = [str(row["left_out"][one]) for one in reasons]
            values = [row[one] for one in FIGURES] + [row["classes"].get(name, {}).get("AP") for name in classes]
            texts = ["NA" if value is None or np.isnan(value) else f"{value:.6f}" for value in values]
            head = [row["model"], row["data_set"], "yes" if row["own"] else "no", str(row["sites"])]
            handle.write("\t".join([*head, *counts, *texts, "; ".join(row["marks"])]) + "\n")


def write_predictions(path: str | Path, cells: Sequence[Cell], classes: Sequence[str]) -> None:
    """A line per cell and region: model, data set, id, class, predicted class, and the probability of every class."""
    called = np.array(classes, dtype=object)
    with output_text(path) as handle:
        handle.write("\t".join(["model", "data_set", "id", "class", "predicted", *classes]) + "\n")
        for cell in cells:
            best = called[cell.probabilities.argmax(axis=1)]
            for one, label, guess, row in zip(cell.ids, called[cell.labels], best, cell.probabilities, strict=True):
                texts = [cell.model, cell.data_set, one, label, guess, *(f"{p:.6f}" for p in row)]
                handle.write("\t".join(texts) + "\n")
