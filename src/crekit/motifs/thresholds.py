"""Scores from which on a site is a hit: exact for a p-value, or read from a file in HOMER's format.

The p-value of a score is the probability that a word of the background's bases, drawn one by one, scores as much or
more. Scores are integers, so that their distribution is a convolution of the positions', without any approximation
(Staden 1989, Comput Appl Biosci 5:89).
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crekit.compiled import compiled
from crekit.errors import InputError
from crekit.files import called, read_text
from crekit.motifs import row_files
from crekit.motifs.pwm import UNIFORM


def distribution(scores: NDArray[np.int64], background: Sequence[float] = UNIFORM) -> tuple[int, NDArray[np.float64]]:
    """How probable each score of one motif is.

    Parameters
    ----------
    scores : ndarray of shape (w, 4), int64
    background : sequence of float
        Of A, C, G, T.

    Returns
    -------
    lowest : int
        The lowest score of a word.
    probability : ndarray of shape (highest - lowest + 1,), float64
        Of the scores from `lowest` on.
    """
    rows = np.ascontiguousarray(scores, np.int64)
    return int(rows.min(axis=1).sum()), _distribution(rows, np.asarray(background, np.float64))


def exact(
    scores: NDArray[np.int64], widths: NDArray[np.int64], p: float, background: Sequence[float] = UNIFORM
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The lowest score of each motif whose p-value is at most `p`.

    Parameters
    ----------
    scores : ndarray of shape (sum of widths, 4), int64
        Rows of all motifs one after the other.
    widths : ndarray of shape (n,), int64
    p : float
        Between 0 and 1.
    background : sequence of float
        Of A, C, G, T.

    Returns
    -------
    thresholds : ndarray of shape (n,), int64
        The scores; one above its highest for a motif that cannot reach `p`.
    reached : ndarray of shape (n,), bool
        Whether the motif's best word is rare enough.
    """
    return _exact(np.ascontiguousarray(scores, np.int64), widths, p, np.asarray(background, np.float64))


@compiled
def _exact(scores: np.ndarray, widths: np.ndarray, p: float, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    thresholds = np.empty(len(widths), dtype=np.int64)
    reached = np.empty(len(widths), dtype=np.bool_)
    first = 0
    for m in range(len(widths)):
        rows = scores[first : first + widths[m]]
        first += widths[m]
        highest = 0
        for j in range(len(rows)):
            highest += rows[j].max()
        probability = _distribution(rows, background)
        tail, threshold = 0.0, highest + 1
        for below in range(len(probability)):  # from the highest score downwards
            share = probability[len(probability) - 1 - below]
            if share > 0:
                tail += share
                if tail > p:
                    break
                threshold = highest - below
        thresholds[m] = threshold
        reached[m] = threshold <= highest
    return thresholds, reached


@compiled
def _distribution(rows: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Probabilities of the scores from the lowest to the highest; a column of the motif at a time."""
    span = 0
    for j in range(len(rows)):
        span += rows[j].max() - rows[j].min()
    now, after = np.zeros(span + 1), np.zeros(span + 1)
    now[0] = 1.0
    reach = 0  # no score above it yet
    for j in range(len(rows)):
        lowest = rows[j].min()
        wider = reach + rows[j].max() - lowest
        after[: wider + 1] = 0.0
        for base in range(4):
            step, share = rows[j, base] - lowest, background[base]
            for score in range(reach + 1):
                after[score + step] += now[score] * share
        now, after, reach = after, now, wider
    return now


def read(path: str | Path) -> tuple[str, dict[str, float]]:
    """Thresholds of a file in HOMER's format: the third word of each header ``>CONSENSUS NAME THRESHOLD``.

    Parameters
    ----------
    path : path
        Plain, gzip, or ``-``. Rows of probabilities may stand below the headers; they are not read.

    Returns
    -------
    text : str
        The file's contents.
    thresholds : dict of str to float

    Raises
    ------
    InputError
        If the file is empty or of another format, a threshold is no number, or a name stands there twice.
    """
    text, source = read_text(path), called(path)
    found: dict[str, float] = {}
    blocks = row_files.split(text)
    if not blocks:
        raise InputError(f"{source}: no line >CONSENSUS NAME THRESHOLD in it; give a file in HOMER's format")
    for block in blocks:
        try:
            name, threshold = block.words[1], float(block.words[2])
        except (IndexError, ValueError):
            threshold = math.nan
        if not math.isfinite(threshold):
            raise InputError(
                f"{source}, line {block.line}: no threshold; write >CONSENSUS NAME THRESHOLD, as HOMER does"
            )
        if name in found:
            raise InputError(f"{source}, line {block.line}: a second threshold of motif {name}; remove one")
        found[name] = threshold
    return text, found
