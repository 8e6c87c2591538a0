"""A motif: a matrix of base probabilities, what it holds and how it turns round.

In and out: matrices of shape (w, 4), rows are positions from 5' to 3', columns A, C, G, T.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

UNIFORM = (0.25, 0.25, 0.25, 0.25)


@dataclass(frozen=True)
class Motif:
    """A motif of base probabilities.

    Parameters
    ----------
    name : str
        Identifier without white space (`kernel_17`, `MA0139.2`).
    alternative : str
        Second name, free of white space too (`CTCF`); empty where there is none.
    matrix : ndarray of shape (w, 4), float64
        Probabilities of A, C, G, T; every row sums to 1.
    nsites : int
        Number of sites (words, activating sites or seqlets) behind the matrix.
    evalue : float or None
        E-value that the motif's finder gives, if it gives one.
    notes : dict
        Free facts about the motif that travel to the tables (`share_sites`, `class` ...).
    """

    name: str
    alternative: str
    matrix: NDArray[np.float64]
    nsites: int
    evalue: float | None = None
    notes: dict[str, float | str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Number of columns of the motif."""
        return len(self.matrix)

    @property
    def consensus(self) -> str:
        """The most probable base of each column; N where none is above one half."""
        best = self.matrix.argmax(axis=1)
        return "".join("ACGT"[b] if row[b] > 0.5 else "N" for b, row in zip(best, self.matrix, strict=True))

    def reverse_complement(self) -> Motif:
        """Return the motif as the other strand reads it."""
        return replace(self, matrix=np.ascontiguousarray(self.matrix[::-1, ::-1]))


def information(
    matrix: NDArray[np.floating], background: NDArray[np.floating] | tuple[float, ...] = UNIFORM
) -> NDArray[np.float64]:
    """Return the information content of each column, in bits.

    Parameters
    ----------
    matrix : ndarray of shape (..., 4)
        Base probabilities.
    background : ndarray of shape (4,)
        Background probabilities, all positive.

    Returns
    -------
    ndarray of shape (...)
        sum over bases of p log2(p / background): 2 bits for one certain base against a uniform background.
    """
    p = np.asarray(matrix, np.float64)
    ratio = np.where(p > 0, p, 1.0) / np.where(p > 0, np.asarray(background, np.float64), 1.0)
    return np.maximum((p * np.log2(ratio)).sum(axis=-1), 0.0)
