"""Cut the DNA of regions on one chromosome into spans and windows. Coordinates are 0-based and half-open."""

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from crekit.encoding.store import Part
from crekit.encoding.windows import Rule, lay
from crekit.genome.fasta import N
from crekit.genome.regions import Regions, make

AMBIGUOUS_BASES, TOO_SHORT, AT_THE_END = "ambiguous bases", "shorter than the window", "past the chromosome end"
_BLOCK = 1 << 20
_PLACE = re.compile(r"(?P<chrom>[^:]+):(?P<start>\d{1,12})-(?P<end>\d{1,12})")
REASONS = (AMBIGUOUS_BASES, TOO_SHORT, AT_THE_END)


@dataclass(frozen=True)
class Cut:
    """What came of some regions.

    Parameters
    ----------
    part : Part
        Those with a window, to be stored.
    dropped : Counter of (str, str)
        How many were dropped, by reason (one of `REASONS`) and class.
    n_ambiguous : int
        Windows that were left out for an N in them.
    """

    part: Part
    dropped: Counter[tuple[str, str]]
    n_ambiguous: int


def cut_regions(regions: Regions, codes: np.ndarray, rule: Rule) -> Cut:
    """Spans and windows of regions.

    Parameters
    ----------
    regions : Regions
        On one chromosome, within it.
    codes : np.ndarray, shape (size,), uint8
        The chromosome.
    rule : Rule
    """
    length = regions.end - regions.start
    padded = (length < rule.width) & (rule.short == "pad")
    if rule.width:
        region, first = lay(regions.start, regions.end, len(codes), rule)
        last = first + rule.width
    else:
        region, first, last = np.arange(len(regions)), regions.start, regions.end
    laid = np.bincount(region, minlength=len(regions)) + padded
    kept = laid > 0
    n_ambiguous = 0
    if rule.ambiguous == "drop":
        unknown = _find_unknown(codes)
        known = ~_hold(unknown, first, last)
        region, first, last = region[known], first[known], last[known]
        padded &= ~_hold(unknown, regions.start, regions.end)
        kept = padded | (np.bincount(region, minlength=len(regions)) > 0)
        n_ambiguous = int((~known).sum())
    reason = np.where(laid > 0, AMBIGUOUS_BASES, AT_THE_END).astype(object)
    reason[(length < rule.width) & (rule.short == "drop")] = TOO_SHORT
    dropped = Counter(zip(reason[~kept], regions.name[~kept], strict=True))
    return Cut(_store(regions, codes, rule, kept, padded, region, first, last), dropped, n_ambiguous)


def _store(
    regions: Regions,
    codes: np.ndarray,
    rule: Rule,
    kept: np.ndarray,
    padded: np.ndarray,
    region: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
) -> Part:
    """Regions that are kept, as they are stored; `region`, `first` and `last` are of their windows but the padded."""
    number = np.bincount(region, minlength=len(regions))
    edge = np.cumsum(number)
    begin, end = regions.start.copy(), regions.end.copy()
    whole = number > 0
    begin[whole], end[whole] = first[(edge - number)[whole]], last[edge[whole] - 1]
    spans = [codes[one:other] for one, other in zip(begin[kept], end[kept], strict=True)]
    for i in np.flatnonzero(padded[kept]):
        spans[i] = _pad(spans[i], rule.width)
    before = np.where(padded, (rule.width - (end - begin)) // 2, 0)
    windows = number + padded
    starts = np.zeros(windows.sum(), dtype=np.int64)
    starts[~np.repeat(padded, windows)] = first - begin[region]
    chosen = regions[kept]
    return Part(chosen, chosen.ids, spans, (begin - before)[kept], windows[kept], starts)


def _pad(codes: np.ndarray, width: int) -> np.ndarray:
    """A short sequence in the middle of a window of N; an odd base more stands behind it."""
    before = (width - len(codes)) // 2
    return np.pad(codes, (before, width - len(codes) - before), constant_values=N)


def _find_unknown(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the runs of N; block by block, which is faster than the chromosome at once."""
    turns: list[np.ndarray] = [np.zeros(int(codes[0] == N), dtype=np.int64)]
    for begin in range(0, len(codes), _BLOCK):
        unknown = codes[begin : begin + _BLOCK + 1] == N
        if unknown.any():
            turns.append(np.flatnonzero(unknown[1:] != unknown[:-1]) + begin + 1)
    turns.append(np.full(int(codes[-1] == N), len(codes), dtype=np.int64))
    edges = np.concatenate(turns)
    return edges[::2], edges[1::2]


def _hold(runs: tuple[np.ndarray, np.ndarray], start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Which spans share a base with a run: more runs begin before their end than are over at their start."""
    starts, ends = runs
    return np.searchsorted(starts, end, side="left") > np.searchsorted(ends, start, side="right")


def cut_records(ids: list[str], records: list[np.ndarray], name: str, rule: Rule) -> Cut:
    """Spans and windows of FASTA records.

    A record whose name is a place of its length, such as ``chrX:100-400`` (what bedtools getfasta writes), lies there;
    any other has no chromosome and starts at 0.

    Parameters
    ----------
    ids : list of str
    records : list of np.ndarray, shape (n_bases,), uint8
        With the rules ``contain`` and ``overlap``, none may be shorter than the window, which would reach into the next
        record.
    name : str
        Their class.
    rule : Rule
    """
    length = np.array([len(codes) for codes in records], dtype=np.int64)
    offset = np.cumsum(length) - length
    places = make([""] * len(ids), offset, offset + length, name)
    made = cut_regions(places, np.concatenate(records), rule)
    part = made.part
    index = np.searchsorted(offset, part.regions.start)
    named = np.array(ids, dtype=object)[index]
    chrom, start = _places(named, length[index])
    regions = make(chrom, start, start + length[index], name)
    span_start = part.span_start - offset[index] + start
    return replace(made, part=replace(part, regions=regions, ids=named, span_start=span_start))


def _places(names: np.ndarray, length: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Chromosome and start of each record; an empty name and 0 where its name does not say."""
    chroms, starts = [""] * len(names), np.zeros(len(names), dtype=np.int64)
    for i, (name, bases) in enumerate(zip(names, length, strict=True)):
        found = _PLACE.fullmatch(name)
        if found and int(found["end"]) - int(found["start"]) == bases:
            chroms[i], starts[i] = found["chrom"], int(found["start"])
    return chroms, starts
