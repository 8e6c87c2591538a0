"""How many blocks have a positive marker near, beside what chance would give (DeepRegFinder, section 2.3).

A positive marker is a place with outside evidence of regulation, such as a peak of open chromatin or of p300 away from
promoters. Where markers are dense, or blocks long, many blocks have one near by chance; so spans of the blocks' lengths
are also laid at random on the same chromosome.
"""

from dataclasses import dataclass

import numpy as np

from crekit.genome.regions import Regions, overlaps

SHUFFLES = 10
"""Random places of each block."""


@dataclass(frozen=True)
class Validation:
    """Blocks of one class on one chromosome that have a marker near.

    Parameters
    ----------
    validated : int
    shuffled : int
        Random places that were tried: `SHUFFLES` for each block.
    shuffled_validated : int
        Those that have a marker near.
    """

    validated: int
    shuffled: int
    shuffled_validated: int


def validate(blocks: Regions, size: int, markers: Regions, distance: int, generator: np.random.Generator) -> Validation:
    """Count blocks with a marker near, and random spans of the same lengths.

    Parameters
    ----------
    blocks : Regions
        Of one chromosome.
    size : int
        Its bases.
    markers : Regions
    distance : int
        A block counts when it shares a base with a marker that is widened by so many bases on both sides.
    generator : np.random.Generator
    """
    places = shuffle(blocks, size, generator)
    hits = (int(overlaps(regions, markers, distance).sum()) for regions in (blocks, places))
    validated, by_chance = hits
    return Validation(validated, len(places), by_chance)


def shuffle(blocks: Regions, size: int, generator: np.random.Generator, times: int = SHUFFLES) -> Regions:
    """Spans of the blocks' lengths, `times` for each, drawn uniformly from the places where they fit on a chromosome.

    Parameters
    ----------
    blocks : Regions
        Of one chromosome.
    size : int
        Its bases.
    generator : np.random.Generator
    times : int
    """
    repeated = blocks[np.repeat(np.arange(len(blocks)), times)]
    lengths = repeated.end - repeated.start
    start = generator.integers(0, size - lengths, endpoint=True)
    return Regions(repeated.chrom, start, start + lengths, repeated.name)


def generator_of(seed: int, chrom: str, name: str) -> np.random.Generator:
    """The random numbers of one class on one chromosome: the same whatever else is scanned."""
    return np.random.default_rng([seed, *f"{chrom}\t{name}".encode()])
