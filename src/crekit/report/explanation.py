"""The page of an explanation: what `explain-model` shows of the first layer of a model of tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crekit.models.first_layer import FirstLayer, most_specific
from crekit.report import filters
from crekit.report.page import Note, Page, Plot, Section, Table


@dataclass(frozen=True)
class Shown:
    """What the page is made from.

    Parameters
    ----------
    layer : FirstLayer
    arch : str
        Name of the architecture.
    bin_size : int
        In bases.
    regions : sequence of (str, int, int, float or None)
        Of each class: its name, how many regions were chosen, among how many, and the least probability among them.
    chroms : sequence of str
    subset : str
        As the user gave it.
    record : dict
        See `crekit.provenance.record`.
    """

    layer: FirstLayer
    arch: str
    bin_size: int
    regions: Sequence[tuple[str, int, int, float | None]]
    chroms: Sequence[str]
    subset: str
    record: dict[str, Any]


def page(shown: Shown) -> Page:
    """The whole page."""
    layer = shown.layer
    n_filters, n_marks, width = layer.weights.shape
    lead = (
        f"The first layer of a {shown.arch}: {n_filters} filters over {n_marks} marks, each {width} bins of "
        f"{shown.bin_size} bases wide. What they look for, and on which classes they respond."
    )
    figures = [("filters", n_filters), ("marks", n_marks), ("regions", len(layer.labels))]
    if silent := n_filters - len(layer.alive):
        figures.append(("filters without variance", silent))
    sections = [_activation(shown), _specific(shown), _all(shown), _figures(layer), _regions(shown)]
    return Page("What the first layer looks for", lead, figures, sections, shown.record)


def _activation(shown: Shown) -> Section:
    layer = shown.layer
    silent = len(layer.order) - len(layer.alive)
    text = (
        "A filter's activation in a bin is the dot product of its weights and the standardised tracks round that bin "
        "(zeros beyond the window), before batch normalisation and ReLU and without the bias. For each filter, the "
        "matrix of bins by regions is reduced to a row by singular value decomposition: its first right singular "
        "vector, of length 1, its sign chosen such that it rises with the mean activation over the bins."
    )
    caption = (
        "Rows are filters, clustered by the correlation of their rows (average linkage); columns are regions, class by "
        "class. Orange: above zero, blue: below; colours end at the 99th percentile."
    )
    if silent:
        caption += f" The last {silent} do not vary between regions, so they have no place in the tree."
    return Section("Activation on each class", [text, Plot("activation", filters.heatmap(layer), caption)])


def _specific(shown: Shown) -> Section:
    layer = shown.layer
    best = most_specific(layer.specificity)
    rule = (
        "Of each class, the filter that prefers it most: its row above, brought to mean 0 and standard deviation 1, "
        "has the highest mean in this class less its highest mean in another."
    )
    blocks: list[Any] = [rule]
    if missing := [layer.classes[i] for i in np.unique(layer.labels) if int(i) not in best]:
        blocks.append(f"No filter prefers {' or '.join(missing)}.")
    if best:
        labels = [f"{layer.classes[label]}: filter {number + 1}" for label, number in best.items()]
        drawn = filters.weights(layer, list(best.values()), labels, cell=(0.78, 0.78))
        blocks.append(Plot("specific_filters", drawn, _caption(shown)))
    blocks.append(Note("A class is not called by one filter: the layers that follow combine all of them."))
    return Section("The filters most specific to a class", blocks)


def _all(shown: Shown) -> Section:
    layer = shown.layer
    labels = [str(number + 1) for number in layer.order]
    drawn = filters.weights(layer, layer.order.tolist(), labels, cell=(0.72, 0.36))
    return Section("The weights of all filters", [Plot("all_filters", drawn, _caption(shown) + " Rows as above.")])


def _caption(shown: Shown) -> str:
    width = shown.layer.weights.shape[2]
    highest = np.abs(shown.layer.weights).max(initial=0)
    return (
        f"Weights over the {width} bins ({width * shown.bin_size:,} bases) of a filter, a column per mark. Orange: "
        f"raises the activation where the mark is high; blue: lowers it. One scale for all: a panel reaches from "
        f"-{highest:.2f} to {highest:.2f}."
    )


def _figures(layer: FirstLayer) -> Section:
    preferred = {number: layer.classes[label] for label, number in most_specific(layer.specificity).items()}
    present = np.unique(layer.labels)
    rows = []
    for number in range(len(layer.order)):
        means = [float(layer.means[number, i]) for i in present]
        rows.append([f"{number + 1}", *means, float(layer.share[number]), preferred.get(number, "")])
    columns = ["filter", *(layer.classes[i] for i in present), "share", "most specific to"]
    caption = (
        "Mean activation over the bins and regions of each class. Share: of the sum of squares of a filter's "
        "activations, what its row in the heatmap stands for."
    )
    return Section("All figures", [Table(columns, rows, caption)])


def _regions(shown: Shown) -> Section:
    text = (
        f"Regions of {', '.join(shown.chroms)} ({shown.subset}). Of each class, those to which the model gives that "
        "class the highest probability; ties in the order of the genome."
    )
    columns = ["class", "regions shown", "of", "lowest probability"]
    return Section("The regions", [text, Table(columns, [list(row) for row in shown.regions])])
