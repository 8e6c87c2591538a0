"""What MultiQC shows of an evaluation, precision and recall first."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crekit.labels.classes import BACKGROUND
from crekit.report.multiqc import HEATMAP, LINES, TABLE, Section, number, share, slug, text
from crekit.report.plots import thinned

POINTS = 200
"""The most of a curve."""

_MEANS = ("precision", "recall", "F1")
PRECISION = share("Precision", "Of what is called a class, the share that is of it; mean without background")
RECALL = share("Recall", "Of what is of a class, the share that is called it; mean without background")
_F1 = share("F1", "Harmonic mean of precision and recall; mean without background", hidden=True)
PLAIN: dict[str, Any] = {"format": "{:,.3f}", "scale": False}
MAP = share("mAP", "Mean average precision, without background", scale="Greens")
_REGIONS = number("Regions", "Regions that were scored")


def evaluation(
    called: str, results: Mapping[str, Any], labels: np.ndarray, probabilities: Mapping[str, np.ndarray]
) -> list[Section]:
    """Figures of each model, of each class, and curves.

    Parameters
    ----------
    called : str
        See `crekit.report.multiqc.stem`.
    results : mapping
        The metrics file.
    labels : np.ndarray, shape (n_sites,), int
        Positions in ``results["classes"]``.
    probabilities : mapping of str to np.ndarray, shape (n_sites, n_classes)
        By model.
    """
    by_set = results["by_data_set"].get("mAP", {}) if results["by_data_set"] else {}
    cells = {
        row_of(called, model): {name: found.get(model) for name, found in by_set.items()} for model in results["models"]
    }
    return [
        _overall(called, results),
        _by_class(called, results),
        *_curves(called, results["classes"], labels, probabilities),
        _heatmap("data_sets", "mAP by data set", "Mean average precision of each model in each data set.", cells),
    ]


def _overall(called: str, results: Mapping[str, Any]) -> Section:
    sites = sum(results["sites"]["scored"].values())
    rows = {
        row_of(called, model): {
            **{figure: mean(found["classes"], figure) for figure in _MEANS},
            "mAP": found["mAP"],
            "ECE": found["ECE"],
            "temperature": _temperature(found.get("temperature")),
            "regions": sites,
        }
        for model, found in results["models"].items()
    }
    headers = {
        "precision": PRECISION,
        "recall": RECALL,
        "F1": _F1,
        "mAP": MAP,
        "ECE": share("ECE", "Expected calibration error of the predicted class; less is better", scale="Reds"),
        "temperature": number("Temperature", "What logits are divided by; of folds, the mean", **PLAIN),
        "regions": _REGIONS,
    }
    description = "How good each model is on regions that it has not seen, unless other regions were asked for."
    return Section("evaluation", "Evaluation", description, TABLE, rows, {"col1_header": "Model"}, headers)


def _temperature(value: Any) -> float | None:
    return float(np.mean(value)) if isinstance(value, list) else value


def _by_class(called: str, results: Mapping[str, Any]) -> Section:
    rows = {
        row_of(called, model, name): {
            **{figure: one[figure] for figure in ("precision", "recall", "F1", "AP", "AUROC")},
            "genome": results["prevalence"].get(model, {}).get(name, {}).get("precision"),
            "regions": one["support"],
        }
        for model, found in results["models"].items()
        for name, one in found["classes"].items()
    }
    headers = {
        "precision": share("Precision", "Of what is called the class, the share that is of it"),
        "recall": share("Recall", "Of what is of the class, the share that is called it"),
        "F1": share("F1", "Harmonic mean of precision and recall"),
        "AP": share("AP", "Average precision: area under the curve of precision and recall", scale="Greens"),
        "genome": share("Precision in the genome", "Precision at the prevalence that the class has along the genome"),
        "AUROC": share("AUROC", "Area under the ROC curve; flatters rare classes", hidden=True),
        "regions": number("Regions", "Regions of the class that were scored"),
    }
    description = "Each class against all others. The most probable class is the prediction."
    return Section("classes", "Class by class", description, TABLE, rows, {"col1_header": "Model and class"}, headers)


def _curves(
    called: str, classes: Sequence[str], labels: np.ndarray, probabilities: Mapping[str, np.ndarray]
) -> list[Section]:
    """Precision over recall: a section a class, a line a model."""
    sections = []
    for index, name in enumerate(classes):
        positive = labels == index
        if name == BACKGROUND or not positive.any():
            continue
        lines = {row_of(called, model): _curve(positive, values[:, index]) for model, values in probabilities.items()}
        settings = {"xlab": "recall", "ylab": "precision", "showlegend": True}
        settings |= {"xmin": 0, "xmax": 1, "ymin": 0, "ymax": 1.02}  # a line at 1 is not cut
        title = f"Precision and recall: {name.replace('_', ' ')}"
        description = f"Precision over recall for {name.replace('_', ' ')} regions, along all thresholds."
        sections.append(Section(f"curve_{slug(name)}", title, description, LINES, lines, settings))
    return sections


def _curve(positive: np.ndarray, scores: np.ndarray) -> list[list[float]]:
    """[recall, precision] where each recall is first reached: MultiQC keeps one point of a recall."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(positive, scores)  # from recall 1 down to 0
    first = np.flatnonzero(np.diff(recall) < 0)[::-1]
    curve = thinned(recall[first], precision[first], POINTS - 1)
    return np.stack(curve, axis=1).tolist()


def matrix(called: str, found: Mapping[str, Any]) -> list[Section]:
    """Models by data sets.

    Parameters
    ----------
    called : str
        See `crekit.report.multiqc.stem`.
    found : mapping
        ``matrix`` of the metrics file.
    """
    rows = {}
    cells: dict[str, dict[str, Any]] = {row_of(called, model): {} for model in found["models"]}
    for row in found["cells"]:
        cells[row_of(called, row["model"])][row["data_set"]] = row["mAP"]
        rows[row_of(called, row["model"], row["data_set"])] = {
            **{figure: row[figure] for figure in (*_MEANS, "mAP", "AUROC")},
            "regions": row["sites"],
            "own": "its own" if row["own"] else "another",
            "warnings": len(row["marks"]),
        }
    headers = {
        "precision": PRECISION,
        "recall": RECALL,
        "F1": _F1,
        "mAP": MAP,
        "AUROC": share("AUROC", "Area under the ROC curve; mean without background", hidden=True),
        "regions": _REGIONS,
        "own": text("Data set", "Its own: that of the training, of which the test regions are scored; or another"),
        "warnings": number("Warnings", "What to know of the cell: see the metrics file", scale=False),
    }
    seen = "on regions that the model has learned nothing from"
    return [
        _heatmap(
            "matrix", "Models by data sets", f"Mean average precision of each model on each data set, {seen}.", cells
        ),
        Section(
            "cells",
            "Models by data sets, figures",
            f"Each model on each data set, {seen}.",
            TABLE,
            rows,
            {"col1_header": "Model and data set"},
            headers,
        ),
    ]


def _heatmap(name: str, title: str, description: str, cells: Mapping[str, Mapping[str, Any]]) -> Section:
    known = {model: row for model, row in cells.items() if any(value is not None for value in row.values())}
    settings = {
        "xlab": "data set",
        "ylab": "model",
        "zlab": "mAP",
        "min": 0,
        "max": 1,
        "square": False,
        "tt_decimals": 3,
        "display_values": True,
        "cluster_rows": False,
        "cluster_cols": False,
        "colstops": [[0, "#FFFFFF"], [1, "#1E86C8"]],
    }
    return Section(name, title, description, HEATMAP, known, settings)


def row_of(called: str, *names: str) -> str:
    """What a row is called: the output, then model, class or data set; a model of the output's name is not repeated."""
    return ": ".join([called, *(name for i, name in enumerate(names) if i or name != called)])


def mean(classes: Mapping[str, Mapping[str, Any]], figure: str) -> float | None:
    """Mean over the classes but background; None where no class has the figure."""
    values = [one[figure] for name, one in classes.items() if name != BACKGROUND and one[figure] is not None]
    return float(np.mean(values)) if values else None
