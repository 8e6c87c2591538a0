"""A region's score: which of its windows speaks for it.

A region that holds an element has it in some of its windows only, so the window that counts is the one in which a
class other than background is the most probable (DeepEnhancer's maximum over the windows of a region; for more than
two classes, the maximum over them too). All classes' probabilities are then that window's, and sum to one.
"""

import numpy as np


def best_window(
    probabilities: np.ndarray, region: np.ndarray, n_regions: int, background: int | None = None
) -> np.ndarray:
    """The window of each region in which one class other than background is the most probable.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n_windows, n_classes), float
        Of the windows of all regions.
    region : np.ndarray, shape (n_windows,), int
        Which region each window belongs to; ascending.
    n_regions : int
        Each must have a window.
    background : int, optional
        Position of the background class; without one, all classes count.

    Returns
    -------
    index : np.ndarray, shape (n_regions,), int64
        The first of them at ties.

    Raises
    ------
    ValueError
        If a region has no window, or windows are not in the order of their regions.
    """
    if not n_regions:
        return np.zeros(0, dtype=np.int64)
    counted = probabilities if background is None else np.delete(probabilities, background, axis=1)
    if len(np.unique(region)) != n_regions or (np.diff(region) < 0).any():
        raise ValueError("every region must have a window, and windows must be in the order of their regions")
    # Last by region, then by the highest class, then by order: a stable sort puts the best window of each region first.
    order = np.lexsort((-counted.max(axis=1), region))
    return order[np.searchsorted(region, np.arange(n_regions))]
