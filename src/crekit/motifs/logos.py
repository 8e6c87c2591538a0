"""Sequence logos, by logomaker: letters as high as their share of a column's information content.

Every function returns a matplotlib figure for `crekit.report.page.Plot`, or draws on axes that it is given.
"""

from typing import TYPE_CHECKING

import numpy as np

from crekit.motifs.pwm import UNIFORM, Motif, information

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"A": "#009E73", "C": "#1E86C8", "G": "#E69F00", "T": "#D55E00"}
_LEAST = 0.02  # of the highest column; a lower letter cannot be seen, and would only make the page larger


def heights(matrix: np.ndarray, background: tuple[float, ...] = UNIFORM) -> np.ndarray:
    """Heights of the letters of a logo, in bits: probability times the column's information content.

    Parameters
    ----------
    matrix : np.ndarray, shape (w, 4)
    background : tuple of float

    Returns
    -------
    heights : np.ndarray, shape (w, 4)
        Rows sum to the information content (Schneider 1990, without the correction for small samples).
    """
    return matrix * information(matrix, background)[:, None]


def draw(axes: "Axes", motif: Motif, *, first: int = 0, background: tuple[float, ...] = UNIFORM) -> None:
    """Draw a motif's logo on axes.

    Parameters
    ----------
    axes : Axes
    motif : Motif
    first : int
        Where on the x axis its first column stands.
    background : tuple of float
    """
    import logomaker
    import pandas as pd

    letters = heights(motif.matrix, background)
    _drop_small(letters)
    table = pd.DataFrame(letters, columns=list("ACGT"), index=np.arange(first, first + motif.width))
    logomaker.Logo(table, ax=axes, color_scheme=COLOURS, show_spines=False, baseline_width=0, font_name="DejaVu Sans")
    axes.grid(visible=False)


def _drop_small(letters: np.ndarray) -> None:
    """Give the height of letters that are too low to be seen to the highest of their column, in place."""
    small = letters < _LEAST * letters.sum(axis=1).max()
    highest = letters.argmax(axis=1)
    small[np.arange(len(letters)), highest] = False
    letters[np.arange(len(letters)), highest] += np.where(small, letters, 0).sum(axis=1)
    letters[small] = 0
