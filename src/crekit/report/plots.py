"""The plots of an evaluation: curves, confusion, reliability, training history.

Labels are positions in a list of classes, probabilities have shape (n_sites, n_classes). Every function returns a
matplotlib figure for `crekit.report.page.Plot`.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from crekit.labels.classes import BACKGROUND
from crekit.report.page import COLOURS, NEUTRAL, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Curve = tuple[np.ndarray, np.ndarray]

PANEL = 3.3  # inches
_ACROSS = 3
_MARKERS = "osD^vP*X"
_POINTS = 400


def _panels(
    n: int, width: float = PANEL, height: float = PANEL, across: int = _ACROSS
) -> tuple["Figure", list["Axes"]]:
    """A figure of `n` panels of equal size."""
    from matplotlib.figure import Figure

    columns = min(n, across)
    rows = ceil(n / columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for empty in axes[n:]:
        empty.remove()
    return figure, axes[:n]


def _unit(axes: "Axes", title: str, x: str, y: str) -> None:
    """A panel whose axes both go from 0 to 1."""
    axes.set(title=title, xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")


def thinned(x: np.ndarray, y: np.ndarray, most: int = _POINTS) -> "Curve":
    """A curve with points left out where it has more than can be seen: about evenly along its length, ends kept."""
    if len(x) <= most:
        return x, y
    length = np.cumsum(np.hypot(np.diff(x, prepend=x[0]), np.diff(y, prepend=y[0])))
    kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], most)))
    kept = np.union1d(np.minimum(kept, len(x) - 1), [0, len(x) - 1])
    return x[kept], y[kept]


def precision_recall(
    labels: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    classes: Sequence[str],
    genome: Mapping[str, Mapping[str, "Curve"]],
    points: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> "Figure":
    """Precision over recall, a panel per class and a line per model.

    Parameters
    ----------
    labels, probabilities, classes
        Probabilities by model.
    genome : mapping
        Model -> class -> (recall, precision) at the genome's prevalence: dashed. May be empty.
    points : mapping
        Annotation -> class -> ``precision`` and ``recall``: markers. May be empty.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    with style():
        figure, panels = _panels(len(classes), height=PANEL + 0.16 * (len(probabilities) + len(points)))
        for name, axes in zip(_elements_first(classes), panels, strict=True):
            index = list(classes).index(name)
            positive = labels == index
            _unit(axes, name, "recall", "precision")
            axes.axhline(positive.mean(), color=NEUTRAL, linestyle=":", linewidth=1)
            for (model, values), colour in zip(probabilities.items(), _colours(), strict=False):
                if positive.any():
                    precision, recall, _ = precision_recall_curve(positive, values[:, index])
                    found = average_precision_score(positive, values[:, index])
                    axes.step(*thinned(recall, precision), where="post", color=colour, label=f"{model}: {found:.3f}")
                if name in genome.get(model, {}):
                    axes.step(
                        *thinned(*genome[model][name]),
                        where="pre",
                        color=colour,
                        linestyle="--",
                        linewidth=1,
                        alpha=0.8,
                    )
            for (annotation, of_class), marker in zip(points.items(), _MARKERS * len(points), strict=False):
                if name in of_class and of_class[name]["precision"] is not None:
                    axes.plot(
                        of_class[name]["recall"],
                        of_class[name]["precision"],
                        marker,
                        color="black",
                        markersize=5,
                        label=annotation,
                    )
            if axes.get_legend_handles_labels()[1]:
                axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18))
    return figure


def roc(labels: np.ndarray, probabilities: Mapping[str, np.ndarray], classes: Sequence[str]) -> "Figure":
    """True-positive over false-positive rate, a panel per class and a line per model."""
    from sklearn.metrics import auc, roc_curve

    with style():
        figure, panels = _panels(len(classes), height=PANEL * 1.08)
        for name, axes in zip(_elements_first(classes), panels, strict=True):
            index = list(classes).index(name)
            positive = labels == index
            _unit(axes, name, "false-positive rate", "true-positive rate")
            axes.plot([0, 1], [0, 1], color=NEUTRAL, linestyle=":", linewidth=1)
            if not positive.any() or positive.all():
                continue
            for (model, values), colour in zip(probabilities.items(), _colours(), strict=False):
                false, true, _ = roc_curve(positive, values[:, index])
                axes.plot(*thinned(false, true), color=colour, label=f"{model}: {auc(false, true):.3f}")
            axes.legend(loc="lower right")
    return figure


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> "Figure":
    """A confusion matrix twice: counts, and shares of each true class. Darkness is the share in both."""
    from matplotlib.patches import Rectangle

    counts = np.array(matrix, dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = max(2.6, 0.75 * len(classes) + 1.2)
    with style():
        figure, panels = _panels(2, width=size + 0.9, height=size)
        for axes, title, texts in (
            (panels[0], "sites", [[f"{v:,.0f}" for v in row] for row in counts]),
            (panels[1], "share of the true class", [[f"{v:.2f}" for v in row] for row in shares]),
        ):
            for (row, column), share in np.ndenumerate(shares):
                axes.add_patch(Rectangle((column, row), 1, 1, facecolor=COLOURS[0], alpha=0.65 * share, linewidth=0))
                axes.text(column + 0.5, row + 0.5, texts[row][column], ha="center", va="center")
            ticks = np.arange(len(classes)) + 0.5
            axes.set(title=title, xlim=(0, len(classes)), ylim=(len(classes), 0), aspect="equal", xlabel="predicted")
            axes.set_xticks(ticks, classes, rotation=35, ha="right")
            axes.set_yticks(ticks, classes)
            axes.tick_params(length=0)
            axes.grid(visible=False)
            axes.spines[:].set_visible(True)
        panels[0].set_ylabel("true")
    return figure


def reliability(bins: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]) -> "Figure":
    """Share that came true over mean probability, a panel per question and a line per model.

    Parameters
    ----------
    bins : mapping
        Question (``predicted class``, or a class) -> model -> ``confidence``, ``share`` and ``sites`` per bin.
    """
    with style():
        figure, panels = _panels(len(bins), height=PANEL * 1.08)
        for (question, of_model), axes in zip(bins.items(), panels, strict=True):
            _unit(axes, question, "mean probability", "share that is right")
            axes.plot([0, 1], [0, 1], color=NEUTRAL, linestyle=":", linewidth=1)
            for (model, found), colour in zip(of_model.items(), _colours(), strict=False):
                sites = np.asarray(found["sites"])
                axes.plot(found["confidence"], found["share"], color=colour, label=model, linewidth=1)
                axes.scatter(found["confidence"], found["share"], s=4 + 60 * sites / max(sites.max(), 1), color=colour)
            if len(of_model) > 1:
                axes.legend(loc="upper left")
    return figure


def history(rows: Sequence[Mapping[str, float]]) -> "Figure":
    """Loss and validation mAP over the epochs; the best epoch is marked."""
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in rows]
    with style():
        figure, (losses, scores) = _panels(2, width=PANEL * 1.3, height=PANEL * 0.9)
        for column, colour, label in (("train_loss", COLOURS[0], "training"), ("val_loss", COLOURS[1], "validation")):
            losses.plot(epochs, [row[column] for row in rows], color=colour, label=label, marker=".")
        losses.set(title="loss", xlabel="epoch")
        losses.legend()
        means = [row["val_map"] for row in rows]
        best = int(np.nanargmax(means))
        scores.plot(epochs, means, color=COLOURS[1], marker=".")
        scores.plot(epochs[best], means[best], "o", color="black", fillstyle="none", markersize=9)
        scores.set(title=f"validation mAP, best {means[best]:.3f}", xlabel="epoch")
        for axes in (losses, scores):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _elements_first(classes: Sequence[str]) -> list[str]:
    """The classes with background last."""
    return sorted(classes, key=lambda name: name == BACKGROUND)


def _colours() -> Any:
    """Colours of the models, round and round."""
    from itertools import cycle

    return cycle(COLOURS)
