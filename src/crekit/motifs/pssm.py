"""From a motif to scores of bases: natural log odds, and integers of a hundredth of that.

In and out: matrices of shape (w, 4), rows are positions from 5' to 3', columns A, C, G, T.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crekit.motifs.pwm import UNIFORM, Motif

SCALE = 100
"""Integer scores to one unit of natural log odds."""

PSEUDOCOUNT = 0.1  # sites, as FIMO's --motif-pseudo


def log_odds(motif: Motif, background: Sequence[float] = UNIFORM) -> NDArray[np.float64]:
    """ln(p / background) of each base at each position.

    A motif with a probability of 0 gets 0.1 site more at each position, shared out like the background, as FIMO gives
    to all: a site with a base that was never seen is unlikely, not impossible. Others are taken as they are, as
    HOCOMOCO's have had their pseudocounts.

    Parameters
    ----------
    motif : Motif
    background : sequence of float
        Of A, C, G, T, all positive.
    """
    matrix, expected = motif.matrix, np.asarray(background, np.float64)
    if (matrix <= 0).any():
        sites = max(motif.nsites, 1)
        matrix = (sites * matrix + PSEUDOCOUNT * expected) / (sites + PSEUDOCOUNT)
    return np.log(matrix / expected)


def integers(motif: Motif, background: Sequence[float] = UNIFORM) -> NDArray[np.int64]:
    """Log odds times 100, rounded: sums of them have no rounding error, so that a threshold can be exact."""
    return np.rint(SCALE * log_odds(motif, background)).astype(np.int64)
