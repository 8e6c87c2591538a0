"""The plots of first-layer filters: activation over regions, and weights of each mark.

Every function returns a matplotlib figure for `crekit.report.page.Plot`. Filters are counted from 1 in what is shown.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from crekit.labels.classes import BACKGROUND
from crekit.models.first_layer import FirstLayer
from crekit.report.page import COLOURS, NEUTRAL, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LESS, _MORE = COLOURS[0], COLOURS[1]
_OF_CLASSES = [COLOURS[i] for i in (2, 3, 6, 5, 4)]  # none of those that mean less and more
_WIDTH = 9.5  # inches, of a heatmap


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """A colour for each class; background is grey."""
    others = [name for name in classes if name != BACKGROUND]
    return {BACKGROUND: NEUTRAL} | {name: _OF_CLASSES[i % len(_OF_CLASSES)] for i, name in enumerate(others)}


def heatmap(layer: FirstLayer) -> "Figure":
    """Reduced activation of every filter on every region, filters clustered, regions class by class."""
    from matplotlib.figure import Figure

    n_filters, n_regions = layer.reduced.shape
    with style():
        figure = Figure(figsize=(_WIDTH, 1.5 + 0.19 * n_filters), layout="constrained")
        grid = figure.add_gridspec(
            3,
            3,
            width_ratios=(1.1, 7.4, 0.14),
            height_ratios=(0.16, 0.19 * n_filters, 0.0001),
            hspace=0.01,
            wspace=0.01,
        )
        bar, tree, axes, scale = (figure.add_subplot(grid[place]) for place in ((0, 1), (1, 0), (1, 1), (1, 2)))
        limit = float(np.quantile(np.abs(layer.reduced), 0.99)) or 1.0
        rows = layer.reduced[layer.order]
        axes.imshow(_coloured(rows / limit), aspect="auto", interpolation="none")
        axes.yaxis.tick_right()
        axes.set_yticks(np.arange(n_filters), [str(number + 1) for number in layer.order], fontsize=7)
        axes.yaxis.set_label_position("right")
        axes.set(xlabel=f"{n_regions:,} regions, surest first in each class", ylabel="filter")
        axes.set_xticks([])
        axes.tick_params(length=0)
        for border in np.flatnonzero(np.diff(layer.labels)) + 0.5:
            axes.axvline(border, color="black", linewidth=0.7)
        _class_bar(bar, layer)
        _dendrogram(tree, layer)
        _scale(scale, limit)
        for one in (axes, bar, scale):
            one.grid(visible=False)
            one.spines[:].set_visible(False)
        figure.legend(*_legend(layer), loc="outside upper center", ncols=len(layer.classes), fontsize=8)
    return figure


def _coloured(values: np.ndarray) -> np.ndarray:
    """Values from -1 to 1 as RGBA: see-through at 0, so that the page shows, be it light or dark."""
    from matplotlib.colors import to_rgb

    values = np.clip(values, -1, 1)
    image = np.empty((*values.shape, 4))
    image[..., :3] = np.where(values[..., None] < 0, to_rgb(_LESS), to_rgb(_MORE))
    image[..., 3] = np.abs(values)
    return image


def _class_bar(axes: "Axes", layer: FirstLayer) -> None:
    from matplotlib.colors import to_rgba

    colours = class_colours(layer.classes)
    image = np.array([[to_rgba(colours[layer.classes[label]]) for label in layer.labels]])
    axes.imshow(image, aspect="auto", interpolation="none")
    axes.set(xticks=[], yticks=[])


def _legend(layer: FirstLayer) -> tuple[list, list[str]]:
    """Handles and labels of the classes that have regions."""
    from matplotlib.patches import Patch

    colours = class_colours(layer.classes)
    shown = [layer.classes[label] for label in np.unique(layer.labels)]
    return [Patch(color=colours[name]) for name in shown], shown


def _dendrogram(axes: "Axes", layer: FirstLayer) -> None:
    """The tree of the filters beside their rows, root on the left."""
    from matplotlib.collections import LineCollection

    axes.axis("off")
    n_filters = len(layer.order)
    axes.set(ylim=(n_filters - 0.5, -0.5))
    if not len(layer.tree):
        return
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(layer.tree, no_plot=True)
    rows = (np.array(drawn["icoord"]) - 5) / 10  # SciPy puts leaf i at 10 i + 5
    lines = np.stack([np.array(drawn["dcoord"]), rows], axis=2)
    axes.add_collection(LineCollection(list(lines), colors="black", linewidths=0.8))
    axes.set(xlim=(layer.tree[:, 2].max() * 1.02 or 1.0, 0))


def _scale(axes: "Axes", limit: float) -> None:
    """What the colours mean."""
    axes.imshow(_coloured(np.linspace(1, -1, 101)[:, None]), aspect="auto", extent=(0, 1, -limit, limit))
    axes.set(xticks=[], ylabel="reduced activation")
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.tick_params(labelsize=7)


def weights(layer: FirstLayer, filters: Sequence[int], labels: Sequence[str], cell: tuple[float, float]) -> "Figure":
    """Weights of some filters: a row per filter, a column per mark, a line over the bins of the filter.

    Parameters
    ----------
    layer : FirstLayer
    filters : sequence of int
        In the order in which they are shown.
    labels : sequence of str
        What to call each row.
    cell : tuple of float
        Width and height of a panel, in inches.
    """
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.figure import Figure

    n_rows, n_columns = len(filters), len(layer.marks)
    # One scale for all filters of the model, so that figures can be compared.
    scaled = layer.weights[list(filters)] / (np.abs(layer.weights).max(initial=0) or 1.0)
    longest = max(map(len, labels), default=1)
    with style():
        size = (n_columns * cell[0] + 0.075 * longest + 0.3, n_rows * cell[1] + 1.0)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        cells = [(row, column) for row in range(n_rows) for column in range(n_columns)]
        lines = [_outline(scaled[row, column], row, column) for row, column in cells]
        zeros = [((column + 0.06, row), (column + 0.94, row)) for row, column in cells]
        axes.add_collection(LineCollection(zeros, colors=NEUTRAL, linewidths=0.6, alpha=0.7))
        for colour, keep in ((_MORE, np.minimum), (_LESS, np.maximum)):
            filled = [_filled(line, row, keep) for line, (row, _) in zip(lines, cells, strict=True)]
            axes.add_collection(PolyCollection(filled, facecolors=colour, edgecolors="none", alpha=0.55))
        axes.add_collection(LineCollection(lines, colors="black", linewidths=0.9))
        axes.set(xlim=(0, n_columns), ylim=(n_rows - 0.4, -0.6))
        axes.xaxis.tick_top()
        axes.set_xticks(np.arange(n_columns) + 0.5, layer.marks, rotation=35, ha="left", rotation_mode="anchor")
        axes.set_yticks(np.arange(n_rows), labels)
        axes.tick_params(length=0)
    return figure


def _outline(weights: np.ndarray, row: int, column: int) -> np.ndarray:
    """Points of a panel's line, those where it crosses zero among them; y runs downwards."""
    bins = np.arange(len(weights))
    before, after = weights[:-1], weights[1:]
    turns = np.flatnonzero(before * after < 0)
    crossings = turns + before[turns] / (before[turns] - after[turns])
    order = np.argsort(np.concatenate([bins, crossings]), kind="stable")
    x = np.concatenate([bins, crossings])[order]
    y = np.concatenate([weights, np.zeros(len(turns))])[order]
    return np.stack([column + 0.06 + 0.88 * x / max(len(weights) - 1, 1), row - 0.46 * y], axis=1)


def _filled(line: np.ndarray, row: int, keep: np.ufunc) -> np.ndarray:
    """The span between a line and zero, on the side that `keep` leaves."""
    y = keep(line[:, 1], row)
    return np.concatenate([np.stack([line[:, 0], y], axis=1), [[line[-1, 0], row], [line[0, 0], row]]])
