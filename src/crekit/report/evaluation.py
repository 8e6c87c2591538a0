"""The report of an evaluation: what `evaluate-model --html` shows, precision and recall first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crekit.files import read_text
from crekit.labels.classes import BACKGROUND
from crekit.report import folds, origins, plots, prevalence
from crekit.report.page import Page, Plot, Section, Table

_RATES = ("precision", "recall", "specificity", "F1", "AUROC")


@dataclass(frozen=True)
class Shown:
    """What a report is made from.

    Parameters
    ----------
    results : dict
        The metrics file: see docs/evaluate-model.md.
    labels : np.ndarray, shape (n_sites,), int
        Positions in ``results["classes"]``.
    probabilities : dict of str to np.ndarray, shape (n_sites, n_classes)
        By model.
    curves : dict
        Model -> class -> (recall, precision) at the genome's prevalence.
    reliability : dict
        See `crekit.report.plots.reliability`.
    histories : dict of str to list of dict
        Model -> its epochs.
    """

    results: dict[str, Any]
    labels: np.ndarray
    probabilities: dict[str, np.ndarray]
    curves: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)
    reliability: Mapping[str, Any] = field(default_factory=dict)
    histories: Mapping[str, list[dict[str, float]]] = field(default_factory=dict)


def read_history(path: str | Path) -> list[dict[str, float]]:
    """Epochs of a model from the ``.history.tsv`` that train-model leaves beside it; empty where there is none."""
    if not Path(path).is_file():
        return []
    header, *lines = [line.split("\t") for line in read_text(path).splitlines()]
    return [dict(zip(header, map(float, line), strict=True)) for line in lines]


def read_histories(files: Sequence[tuple[str | None, Path]], names: Sequence[str]) -> dict[str, list[dict[str, float]]]:
    """Histories of several models; of folds, which are one model, each under its file's stem.

    Parameters
    ----------
    files : sequence of (str or None, Path)
        Of the models.
    names : sequence of str
        What the models are called, one a file unless there are folds.
    """
    called = names if len(names) == len(files) else [path.stem for _, path in files]
    return {name: read_history(path.with_suffix(".history.tsv")) for name, (_, path) in zip(called, files, strict=True)}


def page(shown: Shown) -> Page:
    """The whole report."""
    results = shown.results
    models = results["models"]
    sites, chroms = sum(results["sites"]["scored"].values()), results["sites"]["chromosomes"]
    places = f" of {', '.join(chroms)}" if chroms else ""
    described = ", ".join(f"{name} ({one['arch']})" if one.get("arch") else name for name, one in models.items())
    lead = f"{described} on {sites:,} sites{places} ({results['subset']}); classes {', '.join(results['classes'])}."
    sections = [
        _precision_recall(shown),
        *_comparisons(results),
        *folds.sections(results),
        *prevalence.sections(results),
        _figures(results),
        _roc(shown),
        _confusion(shown),
        _reliability(shown),
        *_validated(results),
        *_histories(shown),
        origins.data(results),
        origins.audit(results),
    ]
    title = "Evaluation of " + (next(iter(models)) if len(models) == 1 else f"{len(models)} models")
    return Page(title, lead, _leading(results), [one for one in sections if one.blocks], results["record"])


def with_interval(result: Mapping[str, Any], figure: str) -> str:
    """A figure with its interval: ``0.912 (0.900–0.923)``."""
    if result[figure] is None:
        return "–"
    low, high = result.get("intervals", {}).get(figure) or (None, None)
    if low is None:
        return f"{result[figure]:.3f}"
    return f"{result[figure]:.3f} ({low:.3f}{'–' if low >= 0 else ' to '}{high:.3f})"


def _leading(results: Mapping[str, Any]) -> list[tuple[str, Any]]:
    models = results["models"]
    if len(models) > 1:
        return [(f"mAP, {name}", found["mAP"]) for name, found in models.items()]
    name, found = next(iter(models.items()))
    rows = [("mAP", found["mAP"])]
    rows += [(f"AP, {one}", value["AP"]) for one, value in found["classes"].items() if one != BACKGROUND]
    rare = results["prevalence"].get(name, {})
    return rows + [(f"precision in the genome, {one}", value["precision"]) for one, value in rare.items()]


def _precision_recall(shown: Shown) -> Section:
    results = shown.results
    rows = [
        [model, with_interval(found, "mAP"), *(with_interval(found["classes"][c], "AP") for c in results["classes"])]
        for model, found in results["models"].items()
    ]
    drawn = results["record"]["options"]["bootstrap"]
    spread = f" In brackets: 95 % intervals from {drawn:,} bootstrap resamples of the sites." if drawn else ""
    caption = "Precision over recall; beside each model its average precision. Dotted: chance."
    if shown.curves:
        caption += " Dashed: at the genome's prevalence."
    if results["annotations"]:
        caption += " Black markers: annotations, taken as predictions."
    annotations = [
        [name, of_class, value["precision"], value["recall"], value["F1"], value["called"]]
        for name, points in results["annotations"].items()
        for of_class, value in points.items()
    ]
    blocks: list[Any] = [
        Plot(
            "precision_recall",
            plots.precision_recall(
                shown.labels, shown.probabilities, results["classes"], shown.curves, results["annotations"]
            ),
            caption,
        ),
        Table(
            ["model", "mAP", *(f"AP, {name}" for name in results["classes"])],
            rows,
            f"Average precision, each class against all others; mAP is its mean without background.{spread}",
        ),
    ]
    if annotations:
        columns = ["annotation", "class", "precision", "recall", "F1", "sites called"]
        blocks.append(Table(columns, annotations, "Annotations: a site is called where its region overlaps one."))
    return Section("Precision and recall", blocks)


def _comparisons(results: Mapping[str, Any]) -> list[Section]:
    if not results["comparisons"]:
        return []
    columns = ["models", "difference of mAP", "from", "to", "p"]
    rows = [
        [
            f"{one['first']} less {one['second']}",
            *(f"{value:+.3f}" for value in (one["mAP_difference"], *one["interval"])),
            f"{one['p']:.2g}",
        ]
        for one in results["comparisons"]
    ]
    blocks: list[Any] = [
        Table(columns, rows, "Paired bootstrap: all models on the same resamples; 95 % interval, two-sided p.")
    ]
    if by_set := results["by_data_set"]:
        names = list(results["models"])
        per_set = [[one, *(found[name] for name in names)] for one, found in by_set["mAP"].items()]
        blocks.append(Table(["data set", *names], per_set, "mAP in each data set."))
        wins = [[f"{w['first']} over {w['second']}", w["won"], w["of"], w["p"]] for w in by_set["wins"]]
        blocks.append(Table(["models", "won", "of", "p"], wins, "Data sets won; binomial sign test, two-sided."))
    return [Section("Models compared", blocks)]


def _figures(results: Mapping[str, Any]) -> Section:
    overall = [
        [model, *(with_interval(found, name) for name in ("ACC", "BACC", "MCC", "Brier")), found["ECE"]]
        for model, found in results["models"].items()
    ]
    per_class = [
        [model, name, *(with_interval(one, figure) for figure in _RATES), one["support"]]
        for model, found in results["models"].items()
        for name, one in found["classes"].items()
    ]
    return Section(
        "All figures",
        [
            Table(
                ["model", "accuracy", "balanced accuracy", "MCC", "Brier", "ECE"],
                overall,
                "Brier: squared differences summed over the classes (0 to 2, less is better). "
                "ECE: expected calibration error of the predicted class.",
            ),
            Table(["model", "class", *_RATES, "sites"], per_class, "The most probable class is the prediction."),
        ],
    )


def _roc(shown: Shown) -> Section:
    figure = plots.roc(shown.labels, shown.probabilities, shown.results["classes"])
    return Section("ROC curves", [Plot("roc", figure, "Beside each model its area under the curve.")])


def _confusion(shown: Shown) -> Section:
    classes = shown.results["classes"]
    return Section(
        "Confusion",
        [
            Plot(f"confusion{i}", plots.confusion(found["confusion"], classes), f"{model}: true classes are rows.")
            for i, (model, found) in enumerate(shown.results["models"].items(), 1)
        ],
    )


def _reliability(shown: Shown) -> Section:
    if not shown.reliability:
        return Section("Reliability", [])
    errors = "; ".join(f"{model} {found['ECE']:.3f}" for model, found in shown.results["models"].items())
    caption = (
        "How often it is true what a model gives a probability, in 15 bins; dots are as large as their bin has sites. "
        f"Below the diagonal: too sure. Expected calibration error of the predicted class: {errors}."
    )
    text = "Probabilities fit the mixture of classes that training drew from, not that of the genome."
    return Section("Reliability", [text, Plot("reliability", plots.reliability(shown.reliability), caption)])


def _validated(results: Mapping[str, Any]) -> list[Section]:
    rows, predicted, shown = [], [], []
    for model, found in results["validated"].items():
        away = found["away_from_training"]["classes"]
        for name, one in found["classes"].items():
            apart = away.get(name, {"recall": None, "support": 0})
            figures = (one[figure] for figure in ("precision", "recall", "F1", "support"))
            rows.append([model, name, *figures, apart["recall"], apart["support"]])
        shown = list(next(iter(found["predicted"].values())))
        predicted += [[model, name, *(row[one] for one in shown)] for name, row in found["predicted"].items()]
    if not rows:
        return []
    columns = ["model", "tested as", "precision", "recall", "F1", "elements", "recall, away", "elements, away"]
    caption = "Elements without enough signal count as background. Away: only those away from training regions."
    called = "What the models call them."
    blocks = [Table(columns, rows, caption), Table(["model", "tested as", *shown], predicted, called)]
    return [Section("Tested elements", blocks)]


def _histories(shown: Shown) -> list[Section]:
    blocks = [
        Plot(f"history{i}", plots.history(rows), f"{model}: the circle is the epoch that was kept.")
        for i, (model, rows) in enumerate(shown.histories.items(), 1)
        if rows
    ]
    return [Section("Training", blocks)] if blocks else []


def reliability_bins(
    labels: np.ndarray, probabilities: Mapping[str, np.ndarray], classes: Sequence[str], bins: Any
) -> dict[str, Any]:
    """Questions for `crekit.report.plots.reliability`: the predicted class, then every class but background.

    Parameters
    ----------
    bins : callable
        (probability, whether true) -> bins: `crekit.training.metrics.reliability`.
    """
    questions: dict[str, Any] = {
        "predicted class": {m: bins(p.max(axis=1), p.argmax(axis=1) == labels) for m, p in probabilities.items()}
    }
    for index, name in enumerate(classes):
        if name != BACKGROUND:
            questions[name] = {m: bins(p[:, index], labels == index) for m, p in probabilities.items()}
    return questions
