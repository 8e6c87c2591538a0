"""The page of an explanation of a sequence model: logos of what the bases of its surest regions contribute."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crekit.encoding.onehot import BASES, one_hot
from crekit.motifs.logos import COLOURS
from crekit.report.page import NEUTRAL, Note, Page, Plot, Section, Table, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRETCH = 70  # bases that a logo shows
_LEAST = 0.01  # of the scale; a lower letter cannot be seen
_WIDTH, _PROFILE, _LOGO, _GAP = 9.5, 0.22, 0.75, 0.3  # inches


@dataclass(frozen=True)
class ShownClass:
    """The surest regions of one class, surest first.

    Parameters
    ----------
    name : str
    available : int
        Among how many they were chosen.
    ids : np.ndarray, shape (n,), object
    start : np.ndarray, shape (n,), int64
        Of their windows, on the chromosome or record.
    probability : np.ndarray, shape (n,), float32
    codes : np.ndarray, shape (n, width), uint8
    contributions : np.ndarray, shape (n, width), float32
    """

    name: str
    available: int
    ids: np.ndarray
    start: np.ndarray
    probability: np.ndarray
    codes: np.ndarray
    contributions: np.ndarray


@dataclass(frozen=True)
class Shown:
    """What the page is made from.

    Parameters
    ----------
    classes : sequence of ShownClass
    arch : str
        Name of the architecture.
    method : str
        ``deep-lift`` or ``mutagenesis``.
    shuffles : int
        References of each window.
    error : float or None
        Largest error of additivity, in logits; None for mutagenesis.
    subset : str
        As the user gave it.
    logos : int
        Regions drawn of each class, at most.
    record : dict
        See `crekit.provenance.record`.
    """

    classes: Sequence[ShownClass]
    arch: str
    method: str
    shuffles: int
    error: float | None
    subset: str
    logos: int
    record: dict[str, Any]


def page(shown: Shown) -> Page:
    """The whole page."""
    width = shown.classes[0].codes.shape[1]
    lead = (
        f"What each base contributes to a class of a {shown.arch}, in the windows of {width} bases for which the model "
        "is surest of that class."
    )
    figures: list[tuple[str, Any]] = [("regions", sum(len(one.ids) for one in shown.classes)), ("method", shown.method)]
    if shown.error is not None:
        figures.append(("largest error of additivity, logits", f"{shown.error:.1g}"))
    sections = [_logos(one, i, shown.logos) for i, one in enumerate(shown.classes)]
    return Page("What the bases contribute", lead, figures, [*sections, _method(shown), *_regions(shown)], shown.record)


def _logos(one: ShownClass, number: int, most: int) -> Section:
    n = min(most, len(one.ids))
    scale = _scale(one.contributions[:n])
    caption = (
        f"Upper lines: the whole window; the grey stretch, of up to {STRETCH} bases, is drawn below it as letters. A "
        f"letter above the line speaks for {one.name}, one below it against; its height is the contribution of that "
        f"base, in logits. One scale for all: from {scale[0]:.2g} to {scale[1]:.2g}."
    )
    text = f"Drawn: {n} of {one.available:,} regions, those with the highest probability of {one.name}."
    return Section(f"For {one.name}", [text, Plot(f"contributions_{number + 1}", draw(one, n), caption)])


def draw(one: ShownClass, n: int) -> "Figure":
    """The first `n` regions of a class: for each the whole window as a profile, and its strongest stretch as a logo."""
    from matplotlib.figure import Figure

    scale = _scale(one.contributions[:n])
    with style():
        figure = Figure(figsize=(_WIDTH, n * (_PROFILE + _LOGO + _GAP) + 0.2), layout="constrained")
        panels = figure.subplots(2 * n, 1, squeeze=False, height_ratios=[_PROFILE, _LOGO] * n)[:, 0]
        for i in range(n):
            first, last = strongest(one.contributions[i], STRETCH)
            _profile(panels[2 * i], one.contributions[i], first, last, scale)
            panels[2 * i].set_title(f"{one.ids[i]}   p = {one.probability[i]:.3f}", loc="left", fontsize=8)
            _letters(panels[2 * i + 1], one, i, first, last, scale)
    return figure


def strongest(contributions: np.ndarray, most: int) -> tuple[int, int]:
    """First and last (exclusive) base of the stretch of `most` bases whose contributions are largest, either sign."""
    width = min(most, len(contributions))
    sums = np.concatenate([[0], np.cumsum(np.abs(contributions, dtype=np.float64))])
    first = int(np.argmax(sums[width:] - sums[:-width]))
    return first, first + width


def _scale(contributions: np.ndarray) -> tuple[float, float]:
    """Where the panels of a class end, below and above."""
    low, high = float(contributions.min(initial=0)), float(contributions.max(initial=0))
    return (low, high) if high - low > 1e-12 else (-1.0, 1.0)


def _profile(axes: "Axes", contributions: np.ndarray, first: int, last: int, scale: tuple[float, float]) -> None:
    """All contributions of a window as a line, the stretch that follows in grey."""
    axes.axvspan(first, last, color=NEUTRAL, alpha=0.25, linewidth=0)
    axes.stairs(contributions, np.arange(len(contributions) + 1), color="black", linewidth=0.7)
    axes.set(xlim=(0, len(contributions)), ylim=scale, xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _letters(axes: "Axes", one: ShownClass, i: int, first: int, last: int, scale: tuple[float, float]) -> None:
    """A stretch as letters, as high as they contribute."""
    import logging

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    import logomaker
    import pandas as pd

    codes, contributions = one.codes[i : i + 1, first:last], one.contributions[i, first:last]
    heights = (
        one_hot(codes)[0].T
        * np.where(np.abs(contributions) < _LEAST * (scale[1] - scale[0]), 0, contributions)[:, None]
    )
    place = np.arange(first, last) + int(one.start[i])
    # Small numbers for the x axis: glyphs at millions of bases would lose their shape.
    table = pd.DataFrame(heights, columns=list(BASES), index=np.arange(last - first))
    look = {"color_scheme": COLOURS, "show_spines": False, "baseline_width": 0, "font_name": "DejaVu Sans"}
    if heights.any():
        logomaker.Logo(table, ax=axes, flip_below=False, **look)
    axes.axhline(0, color=NEUTRAL, linewidth=0.6)
    axes.grid(visible=False)
    ticks = np.arange(0, last - first, 10)
    axes.set_xticks(ticks, [f"{place[tick]:,}" for tick in ticks], fontsize=6)
    axes.set(ylim=scale, yticks=[], xlim=(-0.5, STRETCH - 0.5))


def _method(shown: Shown) -> Section:
    if shown.method == "mutagenesis":
        text = (
            "In-silico mutagenesis: every base is replaced by each of the other three; its contribution is the output "
            "of the window less the mean output over the four bases at that place. Contributions of this kind do not "
            "sum to the output: bases that can stand in for each other get little."
        )
        blocks: list[Any] = [text]
    else:
        text = (
            f"DeepLIFT/SHAP (tangermeme): contributions against {shown.shuffles} shuffles of each window that keep its "
            "dinucleotides, averaged over the shuffles. They sum to the output of the window less the mean output of "
            f"the shuffles; the largest error among all windows and shuffles is {shown.error:.1g} logits."
        )
        blocks = [text]
    output = (
        "The output is the class's logit less the mean logit of the other classes; for two classes, the log odds. It "
        "is divided by the model's temperature where the model is calibrated."
    )
    warning = "A contribution says what the model uses, on sequence as it saw it; not what the cell uses."
    return Section("How contributions are computed", [*blocks, output, Note(warning)])


def _regions(shown: Shown) -> list[Section]:
    rows = []
    for one in shown.classes:
        lowest = float(one.probability.min())
        rows.append([one.name, len(one.ids), one.available, lowest, float(one.contributions.sum(axis=1).mean())])
    columns = ["class", "regions explained", "of", "lowest probability", "mean sum of contributions"]
    text = (
        f"The regions of each class ({shown.subset}) with the highest probability of that class, each by the window "
        "that speaks for it."
    )
    drawn = [
        [str(one.ids[i]), one.name, int(one.start[i]), float(one.probability[i]), float(one.contributions[i].sum())]
        for one in shown.classes
        for i in range(min(shown.logos, len(one.ids)))
    ]
    names = ["region", "class", "window starts at", "probability", "sum of contributions"]
    caption = "The regions that are drawn. Window starts are 0-based, on the chromosome or the record."
    return [Section("The regions", [text, Table(columns, rows), Table(names, drawn, caption)])]
