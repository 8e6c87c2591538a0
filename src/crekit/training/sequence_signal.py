"""Histone tracks beside sequences: of each region of sequence files, the bins round its midpoint."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crekit.errors import InputError
from crekit.genome.chromosomes import require_known
from crekit.genome.regions import Regions
from crekit.models.fitting import kinds, window_starts
from crekit.signal.tracks import Tracks

Named = tuple[str | None, Path]


@dataclass(frozen=True)
class SignalInput:
    """What a model of sequences reads of tracks.

    Parameters
    ----------
    marks : list of str
        In the order of the inputs.
    bin_size, n_bins : int
    kinds : dict of str to str
        Of each mark, ``counts`` or ``values``.
    normalise : str
    mean, std : list of float
        Of each mark, over training regions and bins; empty before they are known.
    """

    marks: list[str]
    bin_size: int
    n_bins: int
    kinds: dict[str, str]
    normalise: str
    mean: list[float]
    std: list[float]

    def record(self) -> dict[str, Any]:
        """What the model file keeps."""
        return asdict(self)

    def standardise(self, values: np.ndarray) -> np.ndarray:
        """Values, shape (n, n_marks, n_bins), less the training mean, over the training standard deviation."""
        mean, std = (np.array(column, dtype=np.float32)[:, None] for column in (self.mean, self.std))
        return (values - mean) / std


def pair(names: Sequence[str], tracks: Sequence[Named]) -> list[Path]:
    """The track file of each data set, by name where there are several.

    Raises
    ------
    InputError
        If the names do not pair.
    """
    if len(names) == len(tracks) == 1 and (tracks[0][0] or "") in {"", names[0]}:
        return [tracks[0][1]]
    by_name = {name or "": path for name, path in tracks}
    if len(by_name) < len(tracks) or set(by_name) != set(names) or "" in by_name:
        raise InputError(
            f"sequences are named {', '.join(names) or 'nothing'}, but tracks "
            f"{', '.join(name or 'nothing' for name, _ in tracks)}; give both as NAME=H5, a pair for each data set"
        )
    return [by_name[name] for name in names]


def describe(path: Path, marks: Sequence[str] | None, n_bins: int, normalise: str | None) -> SignalInput:
    """What is to be read, from the first track file and the options.

    Raises
    ------
    InputError
        If a mark is missing.
    """
    with Tracks(path) as tracks:
        chosen = list(marks or tracks.marks)
        tracks.require_marks(chosen)
        found = kinds(tracks, chosen)
        return SignalInput(chosen, tracks.bin_size, n_bins, found, normalise or tracks.normalise, [], [])


def read(path: Path, regions: Regions, signal: SignalInput, source: str) -> tuple[np.ndarray, np.ndarray]:
    """The tracks round regions, in the order of the regions.

    Parameters
    ----------
    path : Path
    regions : Regions
        In any order.
    signal : SignalInput
    source : str
        What to call the regions in messages.

    Returns
    -------
    values : np.ndarray, shape (n_regions, n_marks, n_bins), float32
        Normalised, not standardised; zeros where the window runs over an end of the chromosome.
    inside : np.ndarray, shape (n_regions,), bool
        Where it does not.

    Raises
    ------
    InputError
        If bin size or marks differ from the model's, or a chromosome has no tracks.
    """
    if "" in set(regions.chrom):
        raise InputError(
            f"{source}: records of a FASTA lie on no chromosome, so that tracks cannot be laid beside them"
        )
    values = np.zeros((len(regions), len(signal.marks), signal.n_bins), dtype=np.float32)
    inside = np.zeros(len(regions), dtype=bool)
    with Tracks(path) as tracks:
        tracks.require_marks(signal.marks)
        if tracks.bin_size != signal.bin_size:
            raise InputError(
                f"{path}: has bins of {tracks.bin_size} bases, but {signal.bin_size} are wanted; "
                f"count again with --bin-size {signal.bin_size}"
            )
        chroms = list(dict.fromkeys(regions.chrom))
        require_known(chroms, source, tracks.sizes, str(path))
        for chrom in chroms:
            mine = np.flatnonzero(regions.chrom == chrom)
            bins = tracks.read(chrom, signal.marks, normalise=signal.normalise)
            starts = window_starts(regions.midpoint[mine], signal.bin_size, signal.n_bins)
            fits = (starts >= 0) & (starts + signal.n_bins <= bins.shape[1])
            inside[mine] = fits
            if fits.any():
                windows = np.lib.stride_tricks.sliding_window_view(bins, signal.n_bins, axis=1)
                values[mine[fits]] = windows[:, starts[fits]].transpose(1, 0, 2)
    return values, inside
