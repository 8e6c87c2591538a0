"""Set algebra on spans, done by bedtools: merge, widen, meet, subtract, tile.

Regions go in and come out, 0-based and half-open; ``with workspace(sizes) as bed: bed.merge(peaks)``. What bedtools
reads and writes on the way lies in a private folder that is removed when the block ends, however it ends.

bedtools ends well when its disk is full, and pybedtools does not look at how a killed bedtools ended. Either would
shorten a result in silence, so every result is checked against what must come back: the records or bases that went in.
"""

import errno
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crekit.errors import WorkError
from crekit.genome.chromosomes import natural_key
from crekit.genome.regions import Regions, make

if TYPE_CHECKING:
    from pybedtools import BedTool

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_INSTALL = "apt-get install bedtools, conda install -c bioconda bedtools, or brew install bedtools"


@contextmanager
def workspace(sizes: Mapping[str, int]) -> "Iterator[Spans]":
    """The operations on one genome, with a private folder for their temporary files.

    Parameters
    ----------
    sizes : mapping of str to int
        Bases of each chromosome.

    Raises
    ------
    WorkError
        If bedtools is not installed, fails, or gives back less than it must.
    """
    import pybedtools
    from pybedtools.helpers import BEDToolsError

    if shutil.which("bedtools") is None:
        raise WorkError(f"bedtools is not on the PATH; install it: {_INSTALL}")
    before = pybedtools.get_tempdir()
    with tempfile.TemporaryDirectory(prefix="crekit-") as folder:
        pybedtools.set_tempdir(folder)
        try:
            yield Spans(sizes, Path(folder))
        except BEDToolsError as error:
            raise WorkError(
                f"bedtools failed ({' '.join(error.msg.split())}); run with --debug to see the command"
            ) from error
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise _short(str(error.strerror)) from error
        finally:
            pybedtools.set_tempdir(before)


class Spans:
    """Set algebra on the spans of one genome. Made by `workspace`."""

    def __init__(self, sizes: Mapping[str, int], folder: Path) -> None:
        self.sizes = {chrom: sizes[chrom] for chrom in sorted(sizes, key=natural_key)}
        self._folder = folder
        self._files: dict[int, tuple[Regions, str]] = {}
        self._genome = folder / "genome.sizes"
        self._genome.write_text("".join(f"{chrom}\t{size}\n" for chrom, size in self.sizes.items()))

    def merge(self, regions: Regions, distance: int = 0) -> Regions:
        """Spans that overlap, touch, or lie within `distance` bases, made one; sorted, without names."""
        if not len(regions):
            return _nameless(regions)
        merged = self._bed(regions).sort().merge(d=distance, c=1, o="count")
        result, (count,) = self._read(merged, extra=1)
        _complete(int(count.sum()), len(regions), "merge")
        return result

    def widen(self, regions: Regions, distance: int) -> Regions:
        """Spans made longer by `distance` bases on both sides, cut at the ends of the chromosome; without names."""
        if not len(regions):
            return _nameless(regions)
        result, _ = self._read(self._bed(regions).slop(g=str(self._genome), b=distance))
        _complete(len(result), len(regions), "slop")
        return result

    def meets(self, regions: Regions, others: Sequence[Regions]) -> np.ndarray:
        """Which regions share a base with which of several sets.

        Parameters
        ----------
        regions : Regions, of length n_regions
        others : sequence of Regions, of length n_sets

        Returns
        -------
        hit : np.ndarray, shape (n_regions, n_sets), bool
        """
        hit = np.zeros((len(regions), len(others)), dtype=bool)
        filled = [i for i, other in enumerate(others) if len(other)]
        if not len(regions) or not filled:
            return hit
        table = self._bed(regions)
        for i in filled:  # each pass adds a column, so that no record is lost on the way
            table = table.intersect(self._bed(others[i]), c=True, nonamecheck=True)
        result, counts = self._read(table, extra=len(filled))
        _complete(len(result), len(regions), "intersect")
        hit[:, filled] = np.stack(counts, axis=1) > 0
        return hit

    def subtract(self, regions: Regions, others: Regions) -> Regions:
        """What the others leave of the regions, merged; sorted, without names."""
        kept = self.merge(regions)
        removed = self.merge(others)
        if not len(kept) or not len(removed):
            return kept
        mine, theirs = self._bed(kept), self._bed(removed)
        left, _ = self._read(mine.subtract(theirs, nonamecheck=True))
        shared, _ = self._read(mine.intersect(theirs, nonamecheck=True))
        _complete(_bases(left) + _bases(shared), _bases(kept), "subtract")
        return left

    def tiles(self, width: int, chroms: Sequence[str]) -> Regions:
        """Tiles of `width` bases, side by side from the start of each chromosome; the last one may be cut short."""
        import pybedtools

        genome = self._folder / "tiled.sizes"
        genome.write_text("".join(f"{chrom}\t{self.sizes[chrom]}\n" for chrom in self.sizes if chrom in set(chroms)))
        made = pybedtools.BedTool().window_maker(g=str(genome), w=width)
        result, _ = self._read(made)
        self._files[id(result)] = result, made.fn
        _complete(len(result), sum(-(-self.sizes[chrom] // width) for chrom in set(chroms)), "makewindows")
        return result

    def _bed(self, regions: Regions) -> "BedTool":
        """The regions in a file, which is written once."""
        import pandas
        import pybedtools

        if id(regions) not in self._files:
            path = self._folder / f"{len(self._files)}.bed"
            table = pandas.DataFrame({"chrom": regions.chrom, "start": regions.start, "end": regions.end})
            table.to_csv(path, sep="\t", header=False, index=False)
            self._files[id(regions)] = regions, str(path)  # holding the regions keeps their id theirs
        return pybedtools.BedTool(self._files[id(regions)][1])

    def _read(self, bed: "BedTool", extra: int = 0) -> tuple[Regions, list[np.ndarray]]:
        """The spans of a result, and its extra columns of whole numbers."""
        import pandas

        if Path(bed.fn).stat().st_size == 0:
            return make([], [], [], []), [np.zeros(0, dtype=np.int64) for _ in range(extra)]
        columns = range(3 + extra)
        types = {0: "category", **dict.fromkeys(columns[1:], "int64")}
        try:
            table = pandas.read_csv(bed.fn, sep="\t", header=None, usecols=columns, dtype=types)
        except ValueError as error:  # a record that was cut in the middle
            raise _short("a record is cut") from error
        chrom = np.asarray(table[0].astype(object))
        nameless = np.full(len(chrom), "", dtype=object)
        spans = Regions(chrom, table[1].to_numpy(), table[2].to_numpy(), nameless)
        return spans, [table[i].to_numpy() for i in columns[3:]]


def _nameless(regions: Regions) -> Regions:
    return Regions(regions.chrom, regions.start, regions.end, np.full(len(regions), "", dtype=object))


def _bases(regions: Regions) -> int:
    return int((regions.end - regions.start).sum())


def _complete(got: int, expected: int, what: str) -> None:
    if got != expected:
        raise _short(f"{what}: {got} of {expected}")


def _short(what: str) -> WorkError:
    return WorkError(
        f"bedtools gave back less than it must ({what}): it was ended, or the folder for temporary files is full; "
        "free some space, or set TMPDIR to another folder, and run again"
    )
