"""Where background may lie on chromosomes, and what their bases are.

The ground is free where no positive, no excluded span and no base other than A, C, G and T lies. Coordinates are
0-based and half-open; several chromosomes stand side by side, each from a multiple of 64 on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crekit.errors import InputError
from crekit.genome.bits import WORD, Bits, counts, empty_words, fill, index
from crekit.genome.fasta import Genome, N
from crekit.genome.regions import Regions

_CHUNK = 1 << 24  # bases at a time, a multiple of 64: what is made on the way stays small
_LOWER = ord("a")


@dataclass(frozen=True)
class Ground:
    """Chromosomes to draw from.

    Parameters
    ----------
    chroms : tuple of str
    offsets : np.ndarray, shape (n_chroms,), int64
        Where each begins.
    gc : Bits
        Bases that are G or C.
    lower : Bits or None
        Bases in lower case, which marks repeats; None where they were not asked for.
    unknown : pair of np.ndarray, shape (n_spans,), int64
        Starts and ends of what is not A, C, G or T; sorted, apart from each other.
    free : pair of np.ndarray, shape (n_spans,), int64
        Starts and ends of the free ground; sorted, apart from each other.
    bases : dict of str to dict of str to int
        Of each chromosome, all bases, those that are unknown, of positives, excluded, free, and in the longest free
        stretch. One base may be of several kinds.
    """

    chroms: tuple[str, ...]
    offsets: np.ndarray
    gc: Bits
    lower: Bits | None
    unknown: tuple[np.ndarray, np.ndarray]
    free: tuple[np.ndarray, np.ndarray]
    bases: dict[str, dict[str, int]]

    def locate(self, regions: Regions) -> tuple[np.ndarray, np.ndarray]:
        """Starts and ends of regions on the ground."""
        offset = dict(zip(self.chroms, self.offsets, strict=True))
        shift = np.array([offset[chrom] for chrom in regions.chrom], dtype=np.int64)
        return regions.start + shift, regions.end + shift

    def regions(self, start: np.ndarray, length: np.ndarray, name: str) -> Regions:
        """Spans of the ground as regions."""
        which = np.searchsorted(self.offsets, start, side="right") - 1
        on_chrom = start - self.offsets[which]
        chrom = np.array(self.chroms, dtype=object)[which]
        return Regions(chrom, on_chrom, on_chrom + length, np.full(len(start), name, dtype=object))

    def composition(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bases of spans that are known, that are G or C, and that are in lower case; each shape (n,), int64."""
        known = end - start - _covered(start, end, *self.unknown)
        lower = np.zeros(len(start), dtype=np.int64) if self.lower is None else counts(*self.lower, start, end)
        return known, counts(*self.gc, start, end), lower


def survey(
    genome: Genome,
    chroms: Sequence[str],
    positives: Regions,
    excluded: Regions,
    *,
    distance: int = 0,
    repeats: bool = False,
) -> Ground:
    """Read chromosomes, one at a time, and find the free ground.

    Parameters
    ----------
    genome : Genome
    chroms : sequence of str
    positives, excluded : Regions
        They may overlap, and lie on other chromosomes too.
    distance : int
        Bases on both sides of each that are not free either.
    repeats : bool
        Whether to look for lower case.

    Raises
    ------
    InputError
        If lower case is looked for, and a file of upper or of lower case only shows that repeats are not marked.
    """
    padded = np.array([-(-genome.sizes[chrom] // WORD) * WORD for chrom in chroms], dtype=np.int64)
    offsets = np.cumsum(padded) - padded
    gc, lower = (empty_words(int(padded.sum())) for _ in range(2))
    unknown, free, bases = [], [], {}
    for chrom, offset in zip(chroms, offsets.tolist(), strict=True):
        size, codes = genome.sizes[chrom], genome.codes(chrom)
        for at in range(0, size, _CHUNK):
            chunk = codes[at : at + _CHUNK]
            fill(gc, offset + at, (chunk == 1) | (chunk == 2))
        holes = _runs(codes == N)
        del codes
        if repeats:
            _mark_lower(genome, chrom, lower, offset)
        mine, others = (_widened(spans, chrom, distance, size) for spans in (positives, excluded))
        blocked = merge(*(np.concatenate(ends) for ends in zip(holes, mine, others, strict=True)))
        left = _complement(*blocked, size)
        unknown.append((holes[0] + offset, holes[1] + offset))
        free.append((left[0] + offset, left[1] + offset))
        shares = {"unknown": holes, "positives": mine, "excluded": merge(*others), "free": left}
        bases[chrom] = {"all": size, **{what: int((end - start).sum()) for what, (start, end) in shares.items()}}
        bases[chrom]["longest"] = int((left[1] - left[0]).max(initial=0))
    return Ground(
        chroms=tuple(chroms),
        offsets=offsets,
        gc=index(gc),
        lower=index(lower) if repeats else None,
        unknown=_joined(unknown),
        free=_joined(free),
        bases=bases,
    )


def merge(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spans that overlap or touch made one: starts and ends, sorted."""
    if not len(start):
        return start, end
    order = np.argsort(start, kind="stable")
    start, end = start[order], np.maximum.accumulate(end[order])
    first = np.concatenate([[True], start[1:] > end[:-1]])
    return start[first], end[np.concatenate([first[1:], [True]])]


def _complement(start: np.ndarray, end: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """What merged spans leave of a chromosome."""
    left = np.concatenate([[0], end]).astype(np.int64), np.concatenate([start, [size]]).astype(np.int64)
    some = left[0] < left[1]
    return left[0][some], left[1][some]


def _covered(start: np.ndarray, end: np.ndarray, span_start: np.ndarray, span_end: np.ndarray) -> np.ndarray:
    """Bases of each span that lie in merged spans, shape (n,), int64."""
    before = np.concatenate([[0], np.cumsum(span_end - span_start)])

    def up_to(base: np.ndarray) -> np.ndarray:
        begun = np.searchsorted(span_start, base, side="right")
        overhang = np.where(begun > 0, np.concatenate([[0], span_end])[begun] - base, 0)
        return before[begun] - np.maximum(overhang, 0)

    return up_to(end) - up_to(start)


def _runs(marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the runs of marked bases."""
    edges = np.flatnonzero(marked[1:] != marked[:-1]) + 1
    edges = np.concatenate([[0] if marked[0] else [], edges, [len(marked)] if marked[-1] else []]).astype(np.int64)
    return edges[::2], edges[1::2]


def _mark_lower(genome: Genome, chrom: str, words: np.ndarray, offset: int) -> None:
    letters = genome.letters(chrom)
    some = every = None
    for at in range(0, len(letters), _CHUNK):
        is_lower = letters[at : at + _CHUNK] >= _LOWER
        fill(words, offset + at, is_lower)
        some, every = some or bool(is_lower.any()), every is not False and bool(is_lower.all())
    if not some or every:
        raise InputError(
            f"{genome.path}: {chrom} is all in {'lower' if every else 'upper'} case, so that repeats are not marked; "
            "give a soft-masked FASTA, or match without repeats"
        )


def _widened(regions: Regions, chrom: str, distance: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    here = regions.chrom == chrom
    return merge(np.maximum(regions.start[here] - distance, 0), np.minimum(regions.end[here] + distance, size))


def _joined(spans: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([start for start, _ in spans]), np.concatenate([end for _, end in spans])
