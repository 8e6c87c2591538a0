"""From tracks and regions to the tensor that a signal model learns from.

A region becomes one window: its midpoint, rounded to a bin edge, with as many bins on both sides (DeepRegFinder's
sample tensor). Windows that run over an end of their chromosome, and windows with too few non-zero bins, are dropped
and counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crekit.errors import InputError
from crekit.genome.chromosomes import require_known
from crekit.genome.regions import Regions, concatenate
from crekit.models.file import SignalSettings
from crekit.models.fitting import require_fitting, window_starts
from crekit.signal.tracks import Tracks

EDGE, ZERO = "past the chromosome end", "too few non-zero bins"


@dataclass(frozen=True)
class Sites:
    """Windows of tracks, and the regions that they stand for.

    Parameters
    ----------
    values : np.ndarray, shape (n_sites, n_marks, n_bins), float32
        Normalised, not standardised.
    regions : Regions
        Of the sites, in the same order.
    dropped : dict of str to dict of str to int
        Reason -> class -> number of regions that gave no site.
    """

    values: np.ndarray
    regions: Regions
    dropped: dict[str, dict[str, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.regions)

    def __getitem__(self, index: np.ndarray) -> "Sites":
        """Some of the sites, by a mask or by positions."""
        return Sites(self.values[index], self.regions[index], self.dropped)

    def labels(self, classes: Sequence[str]) -> np.ndarray:
        """Position of each site's class in `classes`, shape (n_sites,), int64.

        Raises
        ------
        InputError
            If a site has a class that is not there.
        """
        unknown = sorted(set(self.regions.name) - set(classes))
        if unknown:
            raise InputError(
                f"the regions hold class {', '.join(unknown)}, but the model has {', '.join(classes)}; "
                "rename it in column 4 of the BED file"
            )
        position = {name: i for i, name in enumerate(classes)}
        return np.array([position[name] for name in self.regions.name], dtype=np.int64)


def load_sites(
    tracks: Tracks,
    regions: Regions,
    marks: Sequence[str],
    *,
    n_bins: int = 20,
    min_nonzero: int = 5,
    normalise: str | None = None,
    source: str = "the regions",
) -> Sites:
    """The windows of regions, chromosome by chromosome, in natural order of the regions.

    Parameters
    ----------
    tracks : Tracks
    regions : Regions
        In any order; each becomes one window of `n_bins` bins round its midpoint.
    marks : sequence of str
        Which tracks, in which order.
    n_bins : int
    min_nonzero : int
        A window is dropped when fewer of its n_marks x n_bins cells are not zero; controls are not subtracted for this.
    normalise : str, optional
        ``rpm`` or ``none``; default what the track file says.
    source : str
        What to call the regions in messages.

    Returns
    -------
    sites : Sites

    Raises
    ------
    InputError
        If a mark is missing, or a region lies on a chromosome that has no tracks.
    """
    tracks.require_marks(marks)
    regions = regions.sorted()
    chroms = list(dict.fromkeys(regions.chrom))
    require_known(chroms, source, tracks.sizes, str(tracks.path))
    values, kept = [np.zeros((0, len(marks), n_bins), dtype=np.float32)], []
    dropped: dict[str, Counter[str]] = {EDGE: Counter(), ZERO: Counter()}
    for chrom in chroms:
        here = regions[regions.chrom == chrom]
        bins = tracks.read(chrom, marks, normalise=normalise)
        starts = window_starts(here.midpoint, tracks.bin_size, n_bins)
        inside = (starts >= 0) & (starts + n_bins <= bins.shape[1])
        dropped[EDGE].update(here.name[~inside])
        here, starts = here[inside], starts[inside]
        nonzero = _count_nonzero(tracks, chrom, marks, bins, starts, n_bins)
        dropped[ZERO].update(here.name[nonzero < min_nonzero])
        enough = nonzero >= min_nonzero
        kept.append(here[enough])
        values.append(_cut(bins, starts[enough], n_bins))
    counts = {reason: dict(sorted(counter.items())) for reason, counter in dropped.items()}
    return Sites(np.concatenate(values), concatenate(kept), counts)


def _cut(bins: np.ndarray, starts: np.ndarray, n_bins: int) -> np.ndarray:
    """Windows of tracks: (n_marks, n_all_bins) -> (n_windows, n_marks, n_bins)."""
    if not len(starts):
        return np.zeros((0, len(bins), n_bins), dtype=np.float32)
    return np.lib.stride_tricks.sliding_window_view(bins, n_bins, axis=1)[:, starts].transpose(1, 0, 2)


def _count_nonzero(
    tracks: Tracks, chrom: str, marks: Sequence[str], bins: np.ndarray, starts: np.ndarray, n_bins: int
) -> np.ndarray:
    """Non-zero cells of each window, before controls, shape (n_windows,)."""
    if tracks.has_control:
        bins = tracks.read(chrom, marks, control=False)
    running = np.concatenate([[0], np.cumsum(np.count_nonzero(bins, axis=0))])
    return running[starts + n_bins] - running[starts]


def load_for_model(
    tracks: Tracks,
    regions: Regions,
    settings: SignalSettings,
    *,
    normalise: str | None = None,
    source: str = "the regions",
) -> Sites:
    """Sites as a model wants them, after a check that the tracks are of its kind.

    Raises
    ------
    InputError
        If bin size, genome or marks differ from the model's.
    """
    require_fitting(tracks, settings)
    return load_sites(
        tracks,
        regions,
        settings.marks,
        n_bins=settings.n_bins,
        min_nonzero=settings.min_nonzero,
        normalise=normalise or settings.normalise,
        source=source,
    )


def parse_marks(text: str | None) -> tuple[str, ...] | None:
    """``A,B`` as names of marks; None stays None: all of them.

    Raises
    ------
    InputError
        If a mark is named twice, or one is empty.
    """
    if text is None:
        return None
    marks = tuple(mark.strip() for mark in text.split(","))
    if "" in marks or len(set(marks)) < len(marks):
        raise InputError(f"--marks {text}: name each mark once, with commas between them")
    return marks


def parse_relabel(pairs: Iterable[str]) -> dict[str, str]:
    """``OLD=NEW`` texts as a mapping.

    Raises
    ------
    InputError
        If one has no ``=``, or a class is renamed twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        old, separator, new = pair.partition("=")
        if not (old and separator and new):
            raise InputError(f"--relabel {pair}: give OLD=NEW, two names of classes")
        if mapping.setdefault(old, new) != new:
            raise InputError(f"--relabel {pair}: class {old} is renamed to {mapping[old]} already")
    return mapping


def relabel(regions: Regions, mapping: Mapping[str, str], source: str = "the regions") -> Regions:
    """Regions with some classes renamed, and so perhaps merged.

    Raises
    ------
    InputError
        If a class to be renamed is not there.
    """
    missing = sorted(set(mapping) - set(regions.name))
    if missing:
        raise InputError(
            f"--relabel {missing[0]}: {source} hold no such class, only {', '.join(sorted(set(regions.name)))}"
        )
    names = np.array([mapping.get(name, name) for name in regions.name], dtype=object)
    return Regions(regions.chrom, regions.start, regions.end, names)
