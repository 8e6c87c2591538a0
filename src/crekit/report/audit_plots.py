"""The plots of an audit: AUROCs with intervals, distributions class by class, lengths modulo a number."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crekit.report.page import COLOURS, NEUTRAL, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 40
_WIDTH, _HEIGHT = 5.2, 3.3  # inches
_OF_VERDICT = {"leak": COLOURS[1], "look": COLOURS[4], "fine": COLOURS[2], "skipped": NEUTRAL}


def aurocs(findings: Sequence[Mapping[str, Any]]) -> "Figure":
    """A row a finding: its AUROC with its interval, in the colour of its verdict.

    Parameters
    ----------
    findings : sequence of dict
        With ``title``, ``verdict``, ``value`` and ``interval``.
    """
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(7, 0.9 + 0.32 * len(findings)), layout="constrained")
        axes = figure.subplots()
        for row, one in enumerate(findings):
            low, high = one["interval"] or (one["value"], one["value"])
            colour = _OF_VERDICT[one["verdict"]]
            axes.plot([low, high], [row, row], color=colour, linewidth=2)
            axes.plot([one["value"]], [row], "o", color=colour, markersize=5)
            axes.annotate(
                f"{one['value']:.3f}, {one['verdict']}",
                (1.02, row),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8,
            )
        axes.axvline(0.5, color=NEUTRAL, linestyle=":", linewidth=1)
        lows = [min(one["interval"] or [one["value"]]) for one in findings]
        axes.set(xlabel="AUROC", xlim=(min(0.45, *lows) - 0.01, 1.01), ylim=(len(findings) - 0.5, -0.5))
        axes.set_yticks(range(len(findings)), [one["title"] for one in findings])
        axes.grid(axis="y", visible=False)
        return figure


def histogram(values: np.ndarray, classes: np.ndarray, label: str) -> "Figure":
    """Distribution of a number in each class, as shares of the class.

    Parameters
    ----------
    values : np.ndarray, shape (n,)
    classes : np.ndarray, shape (n,), object
    label : str
    """
    from matplotlib.figure import Figure

    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    with style():
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.subplots()
        for i, name in enumerate(sorted(set(classes))):
            mine = values[classes == name]
            share = np.histogram(mine, edges)[0] / max(len(mine), 1)
            colour = COLOURS[i % len(COLOURS)]
            axes.stairs(share, edges, color=colour, label=name, linewidth=1.6)
            axes.stairs(share, edges, color=colour, alpha=0.15, fill=True)
        axes.set(xlabel=label, ylabel="share of the class", ylim=(0, None))
        axes.legend()
        return figure


def _shares(lengths: np.ndarray, classes: np.ndarray, modulus: int) -> np.ndarray:
    """Share of each remainder in each class, shape (n_classes, modulus)."""
    counts = [np.bincount(lengths[classes == name] % modulus, minlength=modulus) for name in sorted(set(classes))]
    return np.array([one / max(one.sum(), 1) for one in counts])


def remainders(lengths: np.ndarray, classes: np.ndarray, modulus: int) -> "Figure":
    """Bars: how often each remainder of the length is met in each class."""
    from matplotlib.figure import Figure

    shares = _shares(lengths, classes, modulus)
    width = 0.8 / len(shares)
    with style():
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.subplots()
        for i, (name, share) in enumerate(zip(sorted(set(classes)), shares, strict=True)):
            place = np.arange(modulus) + (i - (len(shares) - 1) / 2) * width
            axes.bar(place, share, width, color=COLOURS[i % len(COLOURS)], label=name)
        axes.set(xlabel=f"length modulo {modulus}", ylabel="share of the class", ylim=(0, 1.02))
        axes.set_xticks(range(modulus))
        axes.grid(axis="x", visible=False)
        axes.legend()
        return figure
