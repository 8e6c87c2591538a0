"""The plots of an explanation of motif features: bars and beeswarm, force plots, ranks in several models.

Beeswarms are drawn by the shap library. Every function returns a matplotlib figure for
`crekit.report.page.Plot`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crekit.report.page import COLOURS, NEUTRAL, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOR, AGAINST = COLOURS[1], COLOURS[0]
_WIDTH, _ROW, _MARGIN = 9.5, 0.19, 0.9  # inches
_RASTER_DPI = 200
_FORCE = 1.0  # inches
_LABELS = 3  # of a force plot, on either side
_SEED = 1  # of the beeswarm's jitter


def summary(
    motifs: Sequence[str], mean_abs: np.ndarray, correlation: np.ndarray, values: np.ndarray, frequency: np.ndarray
) -> "Figure":
    """Bars of the mean size of motifs' SHAP values, and beside them the values of each region (Figure 6 of the paper).

    Parameters
    ----------
    motifs : sequence of str
        Those to draw, uppermost first.
    mean_abs, correlation : np.ndarray, shape (n_motifs,)
        The bars' length, and with its sign their colour.
    values, frequency : np.ndarray, shape (n_regions, n_motifs)
    """
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(_WIDTH, len(motifs) * _ROW + _MARGIN), layout="constrained", dpi=_RASTER_DPI)
        left, right = figure.subplots(1, 2, width_ratios=[1, 2.2])
        _bars(left, motifs, mean_abs, correlation)
        _beeswarm(right, motifs, values, frequency)
        # The beeswarm's rows are counted from below.
        for axes in (left, right):
            axes.set(ylim=(-0.6, len(motifs) - 0.4))
            axes.tick_params(axis="both", labelsize=7)
        right.set_yticks(range(len(motifs)), [])
    return figure


def _bars(axes: "Axes", motifs: Sequence[str], mean_abs: np.ndarray, correlation: np.ndarray) -> None:
    place = np.arange(len(motifs))[::-1]
    colours = [NEUTRAL if np.isnan(x) else FOR if x > 0 else AGAINST for x in correlation]
    axes.barh(place, mean_abs, height=0.7, color=colours)
    axes.set_yticks(place, list(motifs))
    axes.set_xlabel("mean |SHAP|, logits", fontsize=8)
    axes.grid(visible=False, axis="y")


def _beeswarm(axes: "Axes", motifs: Sequence[str], values: np.ndarray, frequency: np.ndarray) -> None:
    import shap

    explanation = shap.Explanation(values=values, data=frequency, feature_names=list(motifs))
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(_SEED)  # noqa: NPY002 (shap draws its jitter from numpy's own generator)
    try:
        shap.plots.beeswarm(
            explanation, max_display=len(motifs), order=np.arange(len(motifs)), ax=axes, plot_size=None, show=False,
            s=6, group_remaining_features=False, color_bar_label="frequency", axis_color="black",
        )  # fmt: skip
    finally:
        np.random.set_state(before)  # noqa: NPY002
    bar = axes.figure.axes[-1]
    bar.tick_params(labelsize=7)
    bar.yaxis.label.set_fontsize(8)
    for points in axes.collections:
        points.set_rasterized(True)  # thousands of points would make a page of many megabytes
    axes.set_xlabel("SHAP value, logits", fontsize=8)
    axes.locator_params(axis="x", nbins=6)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")


@dataclass(frozen=True)
class Pushed:
    """The output of one region, and what pushes it there from the base.

    Parameters
    ----------
    title : str
    base, output : float
        Mean output of the references, and output of the region.
    features : sequence of (str, float)
        Label and SHAP value; these sum to `output` less `base`.
    """

    title: str
    base: float
    output: float
    features: Sequence[tuple[str, float]]


def forces(regions: Sequence[Pushed]) -> "Figure":
    """Force plots (Lundberg 2018) of regions, one below the other on one scale.

    On the left of the output stands what pushes it up, on the right what pushes it down, the strongest next to it. Not
    drawn by shap, whose labels of long names run into each other.
    """
    from matplotlib.figure import Figure

    with style():
        height = len(regions) * _FORCE + 0.5
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        panels = figure.subplots(len(regions), 1, squeeze=False, sharex=True)[:, 0]
        low, high = zip(*(_ends(one) for one in regions), strict=True)
        room = 0.13 * (max(high) - min(low)) or 1.0
        for one, axes in zip(regions, panels, strict=True):
            _force(axes, one)
            axes.set(xlim=(min(low) - room, max(high) + room))
        panels[-1].tick_params(axis="x", labelbottom=True, length=3, labelsize=7)
        panels[-1].spines["bottom"].set_visible(True)
        panels[-1].set_xlabel("output, logits", fontsize=8)
    return figure


def _ends(one: Pushed) -> tuple[float, float]:
    """Where the bars of a region begin and end."""
    values = np.array([value for _, value in one.features])
    left, right = one.output - values[values > 0].sum(), one.output - values[values < 0].sum()
    return min(left, one.base), max(right, one.base)


def _force(axes: "Axes", one: Pushed) -> None:
    for colour, way in ((FOR, 1), (AGAINST, -1)):
        mine = sorted(((value, label) for label, value in one.features if value * way > 0), key=lambda x: -abs(x[0]))
        ends = one.output - np.cumsum([0, *(value for value, _ in mine)])
        axes.barh(0, np.diff(ends), left=ends[:-1], height=0.8, color=colour, edgecolor="white", linewidth=0.5)
        labelled = mine[:_LABELS]
        for i, (_, label) in enumerate(labelled):
            # The nearest to the output has the lowest label, so that no line crosses one.
            x, y = (ends[i] + ends[i + 1]) / 2, -0.55 - 0.75 * (len(labelled) - i)
            axes.plot([x, x], [-0.4, y], color=colour, linewidth=0.6)
            axes.text(
                x, y, f"{label} " if way > 0 else f" {label}", color=colour, fontsize=7, va="center",
                ha="right" if way > 0 else "left",
            )  # fmt: skip
    axes.plot([one.base] * 2, [-0.7, 0.7], color=NEUTRAL, linestyle=":", linewidth=1.2, zorder=3)
    axes.plot([one.output] * 2, [-0.7, 0.7], color="black", linewidth=1.4)
    axes.set_title(one.title, loc="left", fontsize=8, fontweight="normal", pad=2)
    axes.set(yticks=[], ylim=(-0.95 - 0.75 * _LABELS, 0.75))
    axes.tick_params(axis="x", labelbottom=False, length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def ranks(motifs: Sequence[str], models: Sequence[str], rank: np.ndarray, top: int) -> "Figure":
    """Ranks of motifs in models as a heatmap; dark is first, and white lies beyond twice the `top`.

    Parameters
    ----------
    motifs, models : sequence of str
    rank : np.ndarray, shape (n_motifs, n_models), int
    top : int
    """
    from matplotlib.figure import Figure

    with style():
        size = (min(_WIDTH, 2.6 + 0.55 * len(models)), len(motifs) * _ROW + 1.5)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.imshow(np.minimum(rank, 2 * top + 1), cmap="Blues_r", vmin=1, vmax=2 * top + 1, aspect="auto")
        for (i, k), number in np.ndenumerate(rank):
            colour = "white" if number <= 0.6 * top else "#333333"
            axes.text(k, i, str(number), ha="center", va="center", fontsize=6.5, color=colour)
        axes.set_xticks(range(len(models)), list(models), rotation=45, ha="left", fontsize=8)
        axes.set_yticks(range(len(motifs)), list(motifs), fontsize=7)
        axes.xaxis.tick_top()
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure


def strongest(
    names: Sequence[str], values: np.ndarray, frequency: np.ndarray, parts: Mapping[str, float], most: int = 20
) -> list[tuple[str, float]]:
    """The features of one region for `forces`: its strongest motifs, all other motifs as one, and the other parts."""
    order = np.argsort(-np.abs(values), kind="stable")
    first, rest = order[:most], order[most:]
    found = [(f"{names[i]} = {frequency[i]:.2g}", float(values[i])) for i in first]
    if len(rest):
        found.append((f"{len(rest)} other motifs", float(values[rest].sum())))
    return found + list(parts.items())


def short(names: Sequence[str]) -> list[str]:
    """HOCOMOCO's names without species and version (``SP2_HUMAN.H11MO.0.A``: SP2), where they stay apart."""
    cut = [name.partition("_HUMAN.")[0].partition("_MOUSE.")[0] for name in names]
    return [one if cut.count(one) == 1 else name for one, name in zip(cut, names, strict=True)]
