"""Which windows of the genome stand for a region (DeepEnhancer, section "Data preparation", and its published code).

Coordinates are 0-based and half-open. A region at least as long as the window gives the windows inside it. What a
shorter one gives is the rule's:

``contain``
    windows that hold the whole region, as published: starts ``start``, ``start - stride``, ... above
    ``end - width``; ``ceil((width - length) / stride)`` of them.
``overlap``
    windows that share a base with it, as the paper's text says: starts from ``start - width + 1`` to ``end - 1``.
``pad``
    one window with the region in its middle and N around it.
``drop``
    none.
"""

from dataclasses import dataclass

import numpy as np

SHORT = ("contain", "overlap", "pad", "drop")
AMBIGUOUS = ("drop", "zero")


@dataclass(frozen=True)
class Rule:
    """How regions become windows.

    Parameters
    ----------
    width : int
        Bases in a window; 0 for whole regions of any length.
    stride : int
        Bases between the starts of two windows of a region.
    short : str
        One of `SHORT`: what a region shorter than the window gives.
    ambiguous : str
        ``drop`` leaves out windows that hold an N; ``zero`` keeps them, with zeros there.
    """

    width: int = 300
    stride: int = 2
    short: str = "contain"
    ambiguous: str = "drop"


def lay(start: np.ndarray, end: np.ndarray, size: int, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Windows of regions on one chromosome that lie within it; ``pad`` and ``drop`` give short regions none.

    Parameters
    ----------
    start, end : np.ndarray, shape (n_regions,), int64
    size : int
        Bases of the chromosome.
    rule : Rule
        Of a width above 0.

    Returns
    -------
    region : np.ndarray, shape (n_windows,), int64
        Which region each window belongs to; ascending.
    first : np.ndarray, shape (n_windows,), int64
        Start of each window; ascending within a region.
    """
    width, stride, length = rule.width, rule.stride, end - start
    short = length < width
    lowest, number = start.copy(), (length - width) // stride + 1
    if rule.short == "contain":
        number[short] = -(-(width - length[short]) // stride)
        lowest[short] = start[short] - (number[short] - 1) * stride
    elif rule.short == "overlap":
        number[short] = -(-(width + length[short] - 1) // stride)
        lowest[short] = start[short] - width + 1
    else:
        number[short] = 0
    region = np.repeat(np.arange(len(start)), number)
    rank = np.arange(len(region)) - np.repeat(np.cumsum(number) - number, number)
    first = lowest[region] + rank * stride
    inside = (first >= 0) & (first + width <= size)
    return region[inside], first[inside]


def match_numbers(n_windows: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How many windows of each region to score, so that no class has more chances at a high maximum than another.

    Regions of a class are put in order of their windows; at equal rank (as a share of the class) all classes get the
    smallest number among them. Where the classes have the same distribution of windows, as with a background drawn to
    the lengths of the positives, nothing changes.

    Parameters
    ----------
    n_windows : np.ndarray, shape (n_regions,), int64
        Each at least 1.
    classes : np.ndarray, shape (n_regions,), int
        Class of each region.

    Returns
    -------
    scored : np.ndarray, shape (n_regions,), int64
        At least 1, at most `n_windows`.
    """
    ordered = [np.sort(n_windows[classes == one]) for one in np.unique(classes)]
    scored = n_windows.copy()
    for one in np.unique(classes):
        mine = np.flatnonzero(classes == one)
        mine = mine[np.argsort(n_windows[mine], kind="stable")]
        share = (np.arange(len(mine)) + 0.5) / len(mine)
        for other in ordered:
            scored[mine] = np.minimum(scored[mine], other[(share * len(other)).astype(np.int64)])
    return scored


def spread(n_windows: np.ndarray, scored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows to score: `scored` of the `n_windows` of each region, evenly spaced, the middle one where it is one.

    Returns
    -------
    region, window : np.ndarray, shape (scored.sum(),), int64
        Which region, and which of its windows.
    """
    region = np.repeat(np.arange(len(scored)), scored)
    rank = np.arange(len(region)) - np.repeat(np.cumsum(scored) - scored, scored)
    return region, ((2 * rank + 1) * n_windows[region]) // (2 * scored[region])
