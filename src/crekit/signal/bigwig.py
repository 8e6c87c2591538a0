"""bigWig files: means of bins, sums of regions. Bases without data count as 0 where a bin has none at all."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyBigWig

from crekit.errors import InputError
from crekit.genome.chromosomes import require_known
from crekit.genome.regions import Regions
from crekit.signal.tracks import n_bins

_BASES = 1 << 20
_LITTLE_ENDIAN = bytes.fromhex("26fc8f88")


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator["pyBigWig.pyBigWig"]:
    """A bigWig file, open for reading.

    Raises
    ------
    InputError
        If it is missing, truncated or no bigWig file.
    """
    try:
        with open(path, "rb") as raw:
            start = raw.read(4)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if start == _LITTLE_ENDIAN[::-1]:
        raise InputError(f"{path}: a big-endian bigWig; make it again through bigWigToBedGraph and bedGraphToBigWig")
    handle = None
    if start == _LITTLE_ENDIAN:
        with _silent(), contextlib.suppress(RuntimeError):
            handle = pyBigWig.open(str(path))
    if handle is None:
        raise InputError(f"{path}: not a bigWig file, truncated or damaged; copy it again")
    try:
        yield handle
    finally:
        handle.close()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep the library from writing on standard error; what goes wrong is raised."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def read_sizes(path: str | Path) -> dict[str, int]:
    """Chromosomes of a bigWig file and their sizes in bases.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    with opened(path) as handle:
        return dict(handle.chroms())


def bin_means(path: str | Path, chrom: str, size: int, bin_size: int) -> np.ndarray:
    """Mean of each bin over its bases that have data, as pyBigWig's ``stats(..., type="mean", exact=True)``.

    Parameters
    ----------
    path : path
    chrom : str
    size : int
        Bases of the chromosome.
    bin_size : int

    Returns
    -------
    means : np.ndarray, shape (n_bins,), float32
        0 where a bin has no data.

    Raises
    ------
    InputError
        If a value is NaN or infinite, or the file is damaged.
    """
    means = np.zeros(n_bins(size, bin_size), dtype=np.float32)
    bins_at_once = max(1, _BASES // bin_size)
    with opened(path) as handle, _silent():
        if chrom not in handle.chroms():
            return means
        for first in range(0, len(means), bins_at_once):
            start, end = first * bin_size, min((first + bins_at_once) * bin_size, size, handle.chroms(chrom))
            if start >= end:
                break
            values, known = _values(handle, path, chrom, start, end)
            some = means[first : first + n_bins(end - start, bin_size)]
            edges = np.arange(0, end - start, bin_size)
            sums = np.add.reduceat(values, edges)
            covered = np.add.reduceat(known, edges, dtype=np.int64)
            np.divide(sums, covered, out=some, where=covered > 0, casting="same_kind")
    return means


def sum_in_regions(path: str | Path, regions: Regions) -> np.ndarray:
    """Sum over the bases of each region of the absolute value; bases without data add nothing.

    Parameters
    ----------
    path : path
    regions : Regions

    Returns
    -------
    sums : np.ndarray, shape (n_regions,), float64

    Raises
    ------
    InputError
        If no chromosome of the regions is in the file, a region ends past its chromosome, a value is NaN or infinite,
        or the file is damaged.
    """
    sums = np.zeros(len(regions))
    with opened(path) as handle, _silent():
        sizes = handle.chroms()
        chroms = dict.fromkeys(regions.chrom)
        if not any(chrom in sizes for chrom in chroms):
            require_known(chroms, "the regions", sizes, str(path))
        for i, (chrom, start, end) in enumerate(zip(regions.chrom, regions.start, regions.end, strict=True)):
            if chrom not in sizes:
                continue
            if end > sizes[chrom]:
                raise InputError(
                    f"{path}: {chrom}:{start}-{end} ends past the chromosome ({sizes[chrom]} bases there); "
                    "use the same genome build for all files"
                )
            sums[i] = np.abs(_values(handle, path, chrom, int(start), int(end))[0]).sum()
    return sums


def _values(
    handle: "pyBigWig.pyBigWig", path: str | Path, chrom: str, start: int, end: int
) -> tuple[np.ndarray, np.ndarray]:
    """Value of each base (float64, 0 without data), and which bases have data (bool)."""
    try:
        values = handle.values(chrom, start, end, numpy=True)
    except RuntimeError as error:
        raise InputError(f"{path}: damaged on {chrom}:{start}-{end}; copy the file again") from error
    known = ~np.isnan(values)
    # The library shows bases without data as NaN too; only its coverage tells them from a NaN in the file.
    share = handle.stats(chrom, start, end, type="coverage", exact=True)[0] or 0.0
    if round(share * (end - start)) != np.count_nonzero(known) or np.isinf(values).any():
        _name_bad_value(handle, path, chrom, start, end)
    return np.where(known, values, 0).astype(np.float64), known


def _name_bad_value(handle: "pyBigWig.pyBigWig", path: str | Path, chrom: str, start: int, end: int) -> None:
    bad = next((entry for entry in handle.intervals(chrom, start, end) or () if not np.isfinite(entry[2])), None)
    if bad is not None:
        raise InputError(
            f"{path}: the value of {chrom}:{bad[0]}-{bad[1]} is {bad[2]}; make the file again without such values"
        )
    raise InputError(f"{path}: damaged on {chrom}:{start}-{end}, or values that overlap; make the file again")
