"""What tracks must be for a model, and where its windows lie on them."""

from collections.abc import Sequence

import numpy as np

from crekit.models.file import SignalSettings
from crekit.signal.tracks import CONTROL, COUNTS, Tracks


def require_fitting(tracks: Tracks, settings: SignalSettings) -> list[str]:
    """Check that tracks fit a model, and say where they are of another kind than those it was trained on.

    Returns
    -------
    warnings : list of str
        Marks that are counts here and bigWig values in the model, or the reverse: their scales have nothing in common.

    Raises
    ------
    InputError
        If bin size, genome or marks differ from the model's.
    """
    tracks.require_like(settings.bin_size, settings.sizes, "the model")
    tracks.require_marks(settings.marks)
    return [
        f"{mark} holds {'counts of reads' if kind == COUNTS else 'bigWig values'}, "
        "but the model was trained on the other kind"
        for mark, kind in kinds(tracks, settings.marks).items()
        if settings.kinds.get(mark, kind) != kind
    ]


def kinds(tracks: Tracks, marks: Sequence[str]) -> dict[str, str]:
    """Of each mark, whether its tracks are counts of reads or values of bigWig files."""
    return {track.mark: track.kind for track in tracks.tracks if track.mark in marks and track.role != CONTROL}


def window_starts(midpoints: np.ndarray, bin_size: int, n_bins: int) -> np.ndarray:
    """First bin of the window round each midpoint.

    Parameters
    ----------
    midpoints : np.ndarray, shape (n,), int
        In bases.
    bin_size, n_bins : int

    Returns
    -------
    starts : np.ndarray, shape (n,), int64
        Bin indices; negative where the window begins before the chromosome.
    """
    return (midpoints + bin_size // 2) // bin_size - n_bins // 2
