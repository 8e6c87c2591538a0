"""From the probabilities of windows to blocks: stretches of a chromosome that belong to one class.

Window k of a chromosome starts at base ``k * step`` and is `width` bases long. A run of neighbouring windows of one
class is a block, from the first window's start to the last window's end, cut at the chromosome's end (DeepRegFinder,
section 2.3). Windows overlap, so blocks of different classes may overlap; those of one class are merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from crekit.genome.regions import Regions

WINDOW, BLOCK = "window", "block"
FILTERS = (WINDOW, BLOCK)


@dataclass(frozen=True)
class Runs:
    """Neighbouring windows of one class.

    Parameters
    ----------
    first, last : np.ndarray, shape (n_runs,), int64
        Numbers of the first and the last window.
    label : np.ndarray, shape (n_runs,), int64
        Position of the class.
    score : np.ndarray, shape (n_runs,), float32
        Highest probability of the class in the run.
    """

    first: np.ndarray
    last: np.ndarray
    label: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, index: np.ndarray | slice) -> "Runs":
        """Some of the runs."""
        return Runs(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True)
class Blocks:
    """Blocks on a chromosome, in the order of `Regions.sorted`.

    Parameters
    ----------
    regions : Regions
        Their spans, named by class.
    score : np.ndarray, shape (n_blocks,), float32
        Highest probability of the class in each block.
    """

    regions: Regions
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.regions)

    def __getitem__(self, index: np.ndarray) -> "Blocks":
        """Some of the blocks, by a mask or by positions."""
        return Blocks(self.regions[index], self.score[index])


def find_runs(probabilities: np.ndarray, called: Sequence[int], cutoff: float, rule: str = WINDOW) -> Runs:
    """Runs of neighbouring windows that have the same most probable class.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n_windows, n_classes), float32
        Of all windows of a chromosome. A window in which all are 0 belongs to no run.
    called : sequence of int
        Positions of the classes that make blocks: all but background.
    cutoff : float
        A probability must be above it.
    rule : str
        ``window``: a window that does not pass the cutoff belongs to no run (the paper). ``block``: all windows do, and
        a run is kept when its highest probability passes (the published code).

    Returns
    -------
    runs : Runs
        In the order of the windows.
    """
    n_classes = probabilities.shape[1]
    label = probabilities.argmax(axis=1)
    best = np.take_along_axis(probabilities, label[:, None], axis=1)[:, 0]
    label[best <= (cutoff if rule == WINDOW else 0)] = n_classes  # a class of its own: no call
    first = np.flatnonzero(np.diff(label, prepend=-1))
    if not len(first):
        return Runs(first, first, label, best)
    last = np.append(first[1:], len(label)) - 1
    runs = Runs(first, last, label[first], np.maximum.reduceat(best, first))
    return runs[np.isin(runs.label, called) & (runs.score > cutoff)]


def to_blocks(runs: Runs, chrom: str, size: int, classes: Sequence[str], *, step: int, width: int) -> Blocks:
    """The spans of runs; those of one class that share a base become one block, with the higher score.

    Parameters
    ----------
    runs : Runs
        In the order of the windows.
    chrom : str
    size : int
        Bases of the chromosome: the last window's last bin may run over its end.
    classes : sequence of str
        Names, by position.
    step, width : int
        Bases between the starts of two windows, and of a window.
    """
    parts = [_merged(runs[runs.label == label], step, width) for label in np.unique(runs.label)]
    spans = Runs(
        *(np.concatenate([getattr(part, field.name) for part in [runs[:0], *parts]]) for field in fields(Runs))
    )
    names = np.array(classes, dtype=object)[spans.label]
    order = np.lexsort((names.astype(str), spans.last, spans.first))
    chroms = np.full(len(spans), chrom, dtype=object)
    regions = Regions(chroms, spans.first, np.minimum(spans.last, size), names)
    return Blocks(regions[order], spans.score[order])


def _merged(runs: Runs, step: int, width: int) -> Runs:
    """Runs of one class, their first and last windows turned into the first base and the end of merged spans."""
    start, end = runs.first * step, runs.last * step + width
    # Ends ascend as starts do, so a run can only meet the one before it.
    new = np.flatnonzero(np.append(True, start[1:] >= end[:-1]))
    last = np.append(new[1:], len(runs)) - 1
    return Runs(start[new], end[last], runs.label[new], np.maximum.reduceat(runs.score, new))
