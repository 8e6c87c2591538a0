"""Promoters, enhancers and background from peaks and transcription start sites, by DeepRegFinder's rules.

DeepRegFinder (2024), "Preprocessing module" and its supplement. TSS are merged and stand at the middle of the merged
span. A promoter is a window round a TSS that meets open chromatin; an enhancer is a window round a merged cofactor
peak that meets open chromatin and touches neither a TSS nor H3K4me3, both widened. The tests are made on the peak, the
window is cut afterwards. Background tiles touch none of the evidence, widened. Whatever touches shares a base.
"""

from dataclasses import asdict, dataclass, field

import numpy as np

from crekit.errors import InputError
from crekit.genome.regions import Regions, concatenate
from crekit.labels.classes import BACKGROUND
from crekit.labels.evidence import Evidence
from crekit.labels.spans import Spans, workspace

ENHANCER, PROMOTER, MARKER = "enhancer", "promoter", "marker"


@dataclass(frozen=True)
class Rules:
    """Distances of the definition, in bases.

    Parameters
    ----------
    width : int
        Of every region.
    tss_merge : int
        TSS no further apart than this are one.
    open_distance : int
        Open chromatin is widened by this on both sides before TSS and cofactor peaks are held against it.
    tss_distance, h3k4me3_distance : int
        Enhancers keep more than this away from TSS, and from H3K4me3 peaks.
    background_distance : int
        Background keeps more than this away from TSS, open chromatin, cofactor peaks and TFBS.
    """

    width: int = 2000
    tss_merge: int = 500
    open_distance: int = 1000
    tss_distance: int = 2000
    h3k4me3_distance: int = 1000
    background_distance: int = 2000


@dataclass(frozen=True)
class Filter:
    """What one step of the definition left of one class."""

    name: str
    step: str
    before: int
    kept: int

    @property
    def removed(self) -> int:
        return self.before - self.kept


@dataclass(frozen=True)
class Elements:
    """What `define` found.

    Parameters
    ----------
    promoters, enhancers : Regions
        Sorted, all of one width, none twice, none with a blacklisted base.
    candidates : Regions
        All tiles that may be background, in natural order of chromosomes, then by start.
    markers : Regions
        Positive markers: wherever the evidence speaks for an element that is no promoter.
    filters : tuple of Filter
        In the order in which they were applied.
    """

    promoters: Regions
    enhancers: Regions
    candidates: Regions
    markers: Regions
    filters: tuple[Filter, ...]


def define(evidence: Evidence, rules: Rules | None = None) -> Elements:
    """Promoters, enhancers, background candidates and positive markers.

    Parameters
    ----------
    evidence : Evidence
    rules : Rules, optional
        The paper's, if not given.

    Raises
    ------
    InputError
        If a width or distance makes no sense.
    WorkError
        If bedtools is missing or fails.
    """
    rules = rules or Rules()
    for name, value in asdict(rules).items():
        if value < (1 if name == "width" else 0):
            raise InputError(f"--{name.replace('_', '-')} {value}: a width is 1 base or more, a distance 0 or more")
    with workspace(evidence.sizes) as bed:
        found = _Definition(evidence, rules, bed)
        promoters, true_promoters = found.promoters()
        enhancers = found.enhancers()
        candidates = found.candidates(concatenate([promoters, enhancers]))
        return Elements(promoters, enhancers, candidates, found.markers(true_promoters), tuple(found.filters))


@dataclass
class _Definition:
    """One run of the definition: the merged evidence, and the filters so far."""

    evidence: Evidence
    rules: Rules
    bed: Spans
    filters: list[Filter] = field(default_factory=list)

    def __post_init__(self) -> None:
        evidence, rules = self.evidence, self.rules
        self.tss = _points(self.bed.merge(evidence.tss, rules.tss_merge))
        self.cofactors = self.bed.merge(concatenate(evidence.cofactors))
        self.tfbs = self.bed.merge(concatenate(evidence.tfbs))
        self.open_nearby = self.bed.widen(evidence.open, rules.open_distance)

    def promoters(self) -> tuple[Regions, Regions]:
        """Promoter regions; and the windows of all true TSS, cut at chromosome ends, that markers must leave out."""
        self._note(PROMOTER, f"TSS merged within {self.rules.tss_merge} bases", len(self.evidence.tss), len(self.tss))
        is_open = self.bed.meets(self.tss, [self.open_nearby])[:, 0]
        true_tss = self._keep(PROMOTER, f"open chromatin within {self.rules.open_distance}", self.tss, is_open)
        windows = _windows(true_tss, self.rules.width, PROMOTER)
        return self._whole(PROMOTER, windows), _cut(windows, self.evidence.sizes)

    def enhancers(self) -> Regions:
        rules, peaks = self.rules, self.cofactors
        self._note(ENHANCER, "cofactor peaks merged", sum(map(len, self.evidence.cofactors)), len(peaks))
        near_tss = self.bed.widen(self.tss, rules.tss_distance)
        near_h3k4me3 = self.bed.widen(self.evidence.h3k4me3, rules.h3k4me3_distance)
        is_open, at_tss, at_h3k4me3 = self.bed.meets(peaks, [self.open_nearby, near_tss, near_h3k4me3]).T
        peaks = self._keep(ENHANCER, f"open chromatin within {rules.open_distance}", peaks, is_open)
        at_tss, at_h3k4me3 = at_tss[is_open], at_h3k4me3[is_open]
        peaks = self._keep(ENHANCER, f"no TSS within {rules.tss_distance}", peaks, ~at_tss)
        peaks = self._keep(ENHANCER, f"no H3K4me3 within {rules.h3k4me3_distance}", peaks, ~at_h3k4me3[~at_tss])
        return self._whole(ENHANCER, _windows(_points(peaks), rules.width, ENHANCER))

    def candidates(self, elements: Regions) -> Regions:
        """All tiles that may be background."""
        distance, width = self.rules.background_distance, self.rules.width
        evidence = {"TSS": self.tss, "open chromatin": self.evidence.open, "cofactor peak": self.cofactors}
        if len(self.tfbs):
            evidence["TFBS"] = self.tfbs
        tiles = self.bed.tiles(width, self.evidence.tiled)
        hits = self.bed.meets(tiles, [*(self.bed.widen(spans, distance) for spans in evidence.values()), elements])
        cut = tiles.end - tiles.start < width
        left = np.ones(len(tiles), dtype=bool)
        steps = ["whole tile on the chromosome", *(f"no {what} within {distance}" for what in evidence)]
        for step, hit in zip([*steps, "no promoter or enhancer"], [cut, *hits.T], strict=True):
            self._note(BACKGROUND, step, int(left.sum()), int((left & ~hit).sum()))
            left &= ~hit
        return self._clean(BACKGROUND, _named(tiles[left], BACKGROUND))

    def markers(self, promoters: Regions) -> Regions:
        """Cofactor peaks, open chromatin and TFBS, each without promoters, merged."""
        spans = concatenate([self.cofactors, self.evidence.open, self.tfbs])
        return _named(self.bed.merge(self.bed.subtract(spans, promoters)), MARKER).sorted()

    def _whole(self, name: str, windows: Regions) -> Regions:
        """The windows that the chromosome's ends do not cut and the blacklist does not touch, sorted."""
        inside = np.array(
            [
                start >= 0 and end <= self.evidence.sizes[chrom]
                for chrom, start, end in zip(windows.chrom, windows.start, windows.end, strict=True)
            ],
            dtype=bool,
        )
        return self._clean(name, self._keep(name, "whole window on the chromosome", windows, inside)).sorted()

    def _clean(self, name: str, regions: Regions) -> Regions:
        if not len(self.evidence.blacklist):
            return regions
        return self._keep(
            name, "no blacklisted base", regions, ~self.bed.meets(regions, [self.evidence.blacklist])[:, 0]
        )

    def _keep(self, name: str, step: str, regions: Regions, kept: np.ndarray) -> Regions:
        self._note(name, step, len(regions), int(kept.sum()))
        return regions[kept]

    def _note(self, name: str, step: str, before: int, kept: int) -> None:
        self.filters.append(Filter(name, step, before, kept))


def _points(spans: Regions) -> Regions:
    """The base in the middle of each span."""
    return Regions(spans.chrom, spans.midpoint, spans.midpoint + 1, spans.name)


def _windows(points: Regions, width: int, name: str) -> Regions:
    """A window of `width` bases round each point; it may stick out of the chromosome."""
    start = points.start - width // 2
    return _named(Regions(points.chrom, start, start + width, points.name), name)


def _cut(windows: Regions, sizes: dict[str, int]) -> Regions:
    """The parts of windows that lie on the chromosome."""
    ends = np.array([sizes[chrom] for chrom in windows.chrom], dtype=np.int64)
    return Regions(windows.chrom, np.maximum(windows.start, 0), np.minimum(windows.end, ends), windows.name)


def _named(regions: Regions, name: str) -> Regions:
    return Regions(regions.chrom, regions.start, regions.end, np.full(len(regions), name, dtype=object))
