"""Scoring given regions instead of the whole genome: one row a region, no labels needed.

A region of any width is scored by the model's window round its midpoint, rounded to a bin edge: the window that the
model would have been trained on.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from crekit import progress
from crekit.files import output_text, require_writable
from crekit.genome.chromosomes import natural_key
from crekit.genome.regions import Regions, read_beds
from crekit.models.device import device_of
from crekit.models.file import SignalModel, load_signal_model
from crekit.models.fitting import window_starts
from crekit.scanning import score
from crekit.scanning.run import Rule
from crekit.scanning.scan import check_fit
from crekit.signal.tracks import Tracks

log = logging.getLogger("crekit")

MISSING = "NA"


def score_regions(
    model: str | Path,
    tracks: str | Path,
    regions: Sequence[tuple[str | None, Path]],
    output: str | Path,
    *,
    normalise: str | None = None,
    device: str = "auto",
    threads: int = 2,
) -> None:
    """Write a table of regions with their most probable class and the probability of every class.

    Parameters
    ----------
    model, tracks : path
    regions : sequence of (str or None, path)
        BED files, and the name of all records of a file where one is given; else it is in column 4, or empty.
    output : path
        Of the table, or ``-``: id, chrom, start, end, name, predicted, and a column for each class, in the order of the
        regions. A region whose window runs over an end of its chromosome has NA there.
    normalise : str, optional
        ``rpm`` or ``none``; default what the model was trained on.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int
        CPU threads; the result does not depend on them.

    Raises
    ------
    InputError
        If the inputs do not fit together, or the output cannot be written.
    """
    rule = Rule(normalise=normalise)
    rule.check()
    where = device_of(device)
    loaded = load_signal_model(model)
    with Tracks(tracks) as opened:
        check_fit(loaded, opened)
        records, _ = read_beds(regions, named=False, sizes=opened.sizes, sizes_source="the tracks")
        require_writable(output, text=True)
        probabilities = np.full((len(records), len(loaded.settings.classes)), np.nan, dtype=np.float32)
        for chrom in progress.steps(sorted(set(records.chrom), key=natural_key), "scoring"):
            bins = opened.read(chrom, loaded.settings.marks, normalise=normalise or loaded.settings.normalise)
            here = np.flatnonzero(records.chrom == chrom)
            inside, values = windows(loaded, bins, records.midpoint[here])
            probabilities[here[inside]] = score.listed(loaded, values, threads=threads, device=where)
    if (missing := int(np.isnan(probabilities).any(axis=1).sum())) > 0:
        log.warning("warning: %d region(s) lie too near an end of their chromosome, and have %s", missing, MISSING)
    with output_text(output) as handle:
        names, columns = region_columns(records)
        write_header(handle, names, loaded.settings.classes)
        write_rows(handle, columns, probabilities, loaded.settings.classes)


def windows(model: SignalModel, bins: np.ndarray, midpoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The window round each midpoint.

    Parameters
    ----------
    model : SignalModel
    bins : np.ndarray, shape (n_marks, n), float32
        Normalised tracks of a chromosome.
    midpoints : np.ndarray, shape (n_regions,), int64
        In bases.

    Returns
    -------
    inside : np.ndarray, shape (n_regions,), bool
        Whether the window lies on the chromosome.
    values : np.ndarray, shape (n_inside, n_marks, n_bins), float32
    """
    settings = model.settings
    starts = window_starts(midpoints, settings.bin_size, settings.n_bins)
    inside = (starts >= 0) & (starts + settings.n_bins <= bins.shape[1])
    return inside, bins[:, starts[inside, None] + np.arange(settings.n_bins)].transpose(1, 0, 2)


def region_columns(regions: Regions) -> tuple[list[str], list[Any]]:
    """Names and contents of the columns that say which region a row is of."""
    names = [name or "." for name in regions.name]
    return ["id", "chrom", "start", "end", "name"], [regions.ids, regions.chrom, regions.start, regions.end, names]


def write_header(handle: TextIO, columns: Sequence[str], classes: Sequence[str]) -> None:
    """The first line of a table of scores."""
    handle.write("\t".join([*columns, "predicted", *classes]) + "\n")


def write_rows(handle: TextIO, columns: Sequence[Any], probabilities: np.ndarray, classes: Sequence[str]) -> None:
    """Rows of a table of scores: what each is of, the most probable class, every probability; NA for NaN."""
    for *which, row in zip(*columns, probabilities, strict=True):
        known = not np.isnan(row).any()
        predicted = classes[int(row.argmax())] if known else MISSING
        shown = [f"{value:.6f}" if known else MISSING for value in row]
        handle.write("\t".join([*map(str, which), predicted, *shown]) + "\n")
