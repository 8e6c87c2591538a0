"""Background: random regions of the genome, each the partner of a positive that it is like.

Where length is matched, a region is as long as its partner. Where GC or repeats are matched, its share of them is the
partner's to `GC_TOLERANCE` and `REPEAT_TOLERANCE` wherever the ground has such a place left, and the nearest that is
left where it has none. Without any match, these are DeepEnhancer's random regions of a fixed length.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from crekit import progress
from crekit.errors import InputError
from crekit.genome.background_rules import GC, LENGTH, REPEATS, Rules
from crekit.genome.chromosomes import natural_key
from crekit.genome.fasta import Genome
from crekit.genome.ground import Ground, survey
from crekit.genome.placing import UNPLACED, place
from crekit.genome.regions import Regions, concatenate

T = TypeVar("T")

GC_TOLERANCE, REPEAT_TOLERANCE = 0.002, 0.02
# From region to region the share of repeats varies about four times as much as that of GC.
_GC_WEIGHT, _REPEAT_WEIGHT = 4, 1
_SHOWN = 3
_DRAWS = 4000  # places tried for a region before the ground is walked through
# Where so large a share of the ground is asked for, it is first seen whether that fits at all, which takes no time
# without a match; where more than this share of the regions does not, a match would not make them fit.
_TIGHT, _LOST = 0.5, 0.1


@dataclass(frozen=True)
class Composition:
    """Lengths in bases and shares of bases, each shape (n_regions,); `repeats` is None where not looked at."""

    length: np.ndarray
    gc: np.ndarray
    repeats: np.ndarray | None


@dataclass(frozen=True)
class Background:
    """What was drawn.

    Parameters
    ----------
    regions : Regions
        Sorted; none overlaps another, a positive, an excluded span or an unknown base.
    positives : Composition
        Of the positives.
    matched, unmatched : Composition
        Of the regions, and of others that were drawn for comparison without any match: of a fixed length, anywhere.
    partners : np.ndarray, shape (n_regions,), int64
        Of each region, which positive it was drawn for: a position in the sorted positives that are not background.
    asked, found : dict of str to int
        Regions for the positives of each chromosome.
    bases : dict of str to dict of str to int
        As in `crekit.genome.ground.Ground`.
    """

    regions: Regions
    positives: Composition
    matched: Composition
    unmatched: Composition
    partners: np.ndarray
    asked: dict[str, int]
    found: dict[str, int]
    bases: dict[str, dict[str, int]]


def sample(
    positives: Regions,
    genome: Genome,
    rules: Rules,
    *,
    name: str,
    excluded: Regions,
    source: str = "the positives",
    chroms: Sequence[str] | None = None,
    seed: int = 1,
) -> Background:
    """Draw background for positives.

    The result does not depend on the order of the positives, nor, on the same chromosome, on other chromosomes.

    Parameters
    ----------
    positives : Regions
        Those whose class is `name` are background already: kept clear of, without partners.
    genome : Genome
    rules : Rules
    name : str
        The class of the regions that are drawn.
    excluded : Regions
        Spans to keep clear of, in any order.
    source : str
        What to call the positives in messages.
    chroms : sequence of str, optional
        Where regions may lie, if not on the same chromosome; without it, anywhere on the genome.
    seed : int

    Raises
    ------
    InputError
        If there is no positive, not enough free ground, or repeats to match and no soft mask.
    """
    positives = positives.sorted()
    wanted = positives[positives.name != name]
    if not len(wanted):
        raise InputError(f"{source}: holds no region to draw {name} for; give positives")
    own = sorted(set(wanted.chrom), key=natural_key)
    groups = [[chrom] for chrom in own]
    if not rules.same_chromosome:
        groups = [sorted({*own, *(genome.sizes if chroms is None else chroms)}, key=natural_key)]
    parts = []
    for group in progress.steps(groups, "drawing background"):
        ground = survey(
            genome, group, positives, excluded, distance=rules.exclude_distance, repeats=REPEATS in rules.match
        )
        key = zlib.crc32(group[0].encode()) if rules.same_chromosome else 0
        parts.append(_draw(wanted.on(group), ground, rules, name, source, [seed, key]))
    drawn = _joined(parts)
    if not sum(drawn.asked.values()):
        raise InputError(f"--ratio {rules.ratio:g} of {len(wanted)} positives is no region on any chromosome; raise it")
    if drawn.found != drawn.asked:
        raise InputError(f"{source}: {_shortage(drawn, rules)}")
    return drawn


def _draw(positives: Regions, ground: Ground, rules: Rules, name: str, source: str, seed: list[int]) -> Background:
    """Background from one ground for the positives on it."""
    repeats = REPEATS in rules.match
    like = _composition(ground, positives, repeats)
    if (empty := np.flatnonzero(np.isnan(like.gc))).size:
        raise InputError(f"{source}: {positives.ids[empty[0]]} has no A, C, G or T in the genome; remove it")
    share_rng, place_rng, compare_rng, trial_rng = (np.random.default_rng([*seed, use]) for use in range(4))
    length = positives.end - positives.start if LENGTH in rules.match else np.full(len(positives), rules.length)
    partners = _partners(len(positives), rules.ratio, share_rng)
    partners = partners[np.argsort(_hardest_first(length, like.gc)[partners], kind="stable")]
    fixed = np.full(len(partners), rules.length)
    start = None
    if length[partners].sum() > _TIGHT * sum(facts["free"] for facts in ground.bases.values()):
        start = _place(ground, length[partners], _some(like, partners), (), trial_rng)
    if start is None or (start == UNPLACED).mean() <= _LOST:
        start = _place(ground, length[partners], _some(like, partners), rules.match, place_rng)
    anywhere = _place(ground, fixed, _some(like, partners), (), compare_rng)
    found, there = start != UNPLACED, anywhere != UNPLACED
    regions = ground.regions(start[found], length[partners][found], name)
    of = positives.chrom[partners]
    chroms = sorted(set(of), key=natural_key)
    return Background(
        regions=regions,
        positives=like,
        matched=_composition(ground, regions, repeats),
        unmatched=_composition(ground, ground.regions(anywhere[there], fixed[there], name), repeats),
        partners=partners[found],
        asked={chrom: int((of == chrom).sum()) for chrom in chroms},
        found={chrom: int((of[found] == chrom).sum()) for chrom in chroms},
        bases=ground.bases,
    )


def _composition(ground: Ground, regions: Regions, repeats: bool) -> Composition:
    start, end = ground.locate(regions)
    known, gc, lower = ground.composition(start, end)
    with np.errstate(invalid="ignore"):
        return Composition(end - start, gc / known, lower / (end - start) if repeats else None)


def _some(composition: Composition, index: np.ndarray) -> Composition:
    repeats = None if composition.repeats is None else composition.repeats[index]
    return Composition(composition.length[index], composition.gc[index], repeats)


def _partners(n: int, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Which positives to draw a region for: each as often as the ratio says, a rest by chance."""
    whole = int(ratio)
    rest = rng.permutation(n)[: round(n * ratio) - n * whole]
    return np.concatenate([np.tile(np.arange(n), whole), np.sort(rest)]).astype(np.int64)


def _hardest_first(length: np.ndarray, gc: np.ndarray) -> np.ndarray:
    """Rank of each: long ones before short ones, and of about one length those of rare composition first."""
    rank = np.empty(len(length), dtype=np.int64)
    rank[np.lexsort((-np.abs(gc - np.median(gc)), -np.floor(np.log2(length))))] = np.arange(len(length))
    return rank


def _place(
    ground: Ground, length: np.ndarray, like: Composition, match: tuple[str, ...], rng: np.random.Generator
) -> np.ndarray:
    """Starts of regions of these lengths, in this order, that are like others; -1 where there is no place left."""
    weight = np.array([_GC_WEIGHT * (GC in match), _REPEAT_WEIGHT * (REPEATS in match)], dtype=np.int64)
    tolerance = np.array([GC_TOLERANCE, REPEAT_TOLERANCE])
    repeats = np.zeros(len(length)) if like.repeats is None else like.repeats
    targets = np.rint(np.stack([like.gc, repeats], axis=1) * length[:, None]).astype(np.int64)
    limits = (weight * np.floor(tolerance * length[:, None]).astype(np.int64)).sum(axis=1)
    lower = ground.gc if ground.lower is None else ground.lower
    taken = np.zeros_like(ground.gc.words)
    return place(length, targets, limits, weight, ground.free, tuple(ground.gc), tuple(lower), taken, _DRAWS, rng)


def _joined(parts: Sequence[Background]) -> Background:
    """The background of several grounds as one, sorted."""
    regions = concatenate(part.regions for part in parts)
    rank = {chrom: i for i, chrom in enumerate(sorted(set(regions.chrom), key=natural_key))}
    order = np.lexsort((regions.end, regions.start, np.array([rank[chrom] for chrom in regions.chrom])))
    before = np.cumsum([0, *(len(part.positives.length) for part in parts)])
    partners = np.concatenate([part.partners + n for part, n in zip(parts, before, strict=False)])
    return Background(
        regions=regions[order],
        positives=_all([part.positives for part in parts]),
        matched=_some(_all([part.matched for part in parts]), order),
        unmatched=_all([part.unmatched for part in parts]),
        partners=partners[order],
        asked=_united([part.asked for part in parts]),
        found=_united([part.found for part in parts]),
        bases=_united([part.bases for part in parts]),
    )


def _united(parts: Sequence[dict[str, T]]) -> dict[str, T]:
    """Facts on chromosomes in natural order; no chromosome is in two of the parts."""
    united = {chrom: fact for part in parts for chrom, fact in part.items()}
    return {chrom: united[chrom] for chrom in sorted(united, key=natural_key)}


def _all(parts: Sequence[Composition]) -> Composition:
    shares = [part.repeats for part in parts if part.repeats is not None]
    return Composition(
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.gc for part in parts]),
        np.concatenate(shares) if shares else None,
    )


def _shortage(drawn: Background, rules: Rules) -> str:
    """Why there are fewer regions than asked for, in a line."""
    if rules.same_chromosome:
        short = [chrom for chrom in drawn.asked if drawn.found[chrom] < drawn.asked[chrom]]
        facts = [
            f"{chrom} has room for {drawn.found[chrom]} of {drawn.asked[chrom]} ({_room(drawn.bases[chrom])})"
            for chrom in short[:_SHOWN]
        ]
        more = [f"and {len(short) - _SHOWN} chromosomes more"] if len(short) > _SHOWN else []
        remedy = "lower --ratio, exclude less, or give --any-chromosome"
    else:
        every = {what: sum(bases[what] for bases in drawn.bases.values()) for what in next(iter(drawn.bases.values()))}
        every["longest"] = max(bases["longest"] for bases in drawn.bases.values())
        found, asked = sum(drawn.found.values()), sum(drawn.asked.values())
        facts, more = [f"the genome has room for {found} of {asked} ({_room(every)})"], []
        remedy = "lower --ratio, or exclude less"
    longest = int(drawn.positives.length.max()) if LENGTH in rules.match else rules.length
    return f"too little is left for background of up to {longest} bases: {', '.join(facts + more)}; {remedy}"


def _room(bases: dict[str, int]) -> str:
    shares = ", ".join(
        f"{100 * bases[what] / bases['all']:.1f} % {what}" for what in ("positives", "excluded", "unknown")
    )
    return f"{bases['free']} of {bases['all']} bases free, {bases['longest']} of them in a row; {shares}"
