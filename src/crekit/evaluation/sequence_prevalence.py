"""Precision where a class is as rare as in the genome, for models of sequences: see `crekit.evaluation.prevalence`.

A tile is one window, so recall is taken from one window of each region too, its middle one: the best of many windows
would have more chances than a tile. Tiles that hold an N are left out.
"""

import logging
from collections.abc import Mapping

import numpy as np

from crekit import progress
from crekit.errors import InputError
from crekit.evaluation import sequence_evaluation
from crekit.evaluation.entries import Entry, judged
from crekit.evaluation.evaluation import Scored, chromosomes, in_order, with_ensemble
from crekit.evaluation.prevalence import OfClass, Tally, elements_of, judges_of, placed, tiles, used_tiles
from crekit.genome.chromosomes import require_known
from crekit.genome.fasta import Genome, N
from crekit.models.file import Model
from crekit.training.sequence_pool import Pool

log = logging.getLogger("crekit")


def along_genome(
    pool: Pool,
    entries: Mapping[str, Entry],
    scored: Scored,
    genome: Genome,
    subset: str,
    *,
    device: str = "cpu",
    ensemble: bool = False,
) -> dict[str, dict[str, OfClass]]:
    """Model -> class (all but background) -> figures, over the chromosomes that hold a scored region.

    Parameters
    ----------
    pool : Pool
        See `crekit.evaluation.sequence_evaluation.prepare`.
    entries : mapping of str to Entry
    scored : Scored
        The regions.
    genome : Genome
        What the regions were cut from.
    subset : str
        That `scored` was made of.
    device : str
    ensemble : bool
        As for `scored`.

    Raises
    ------
    InputError
        If the genome is not that of the regions.
    """
    require_same(pool, genome)
    width = pool.files[0].window
    known = placed(entries, scored)
    if not known or not width:
        if not width:
            log.info("no precision in the genome, because the models take whole regions, and no tile is one")
        return {}
    tally = Tally(elements_of(scored.classes))
    for chrom in progress.steps(chromosomes(scored.regions), "scoring tiles"):
        spans = tiles(chrom, genome.sizes[chrom], width)
        codes = genome.codes(chrom)[: len(spans) * width].reshape(-1, width)
        whole = (codes != N).all(axis=1)
        spans, codes = spans[whole], codes[whole]

        def score_some(model: Model, rows: np.ndarray, codes: np.ndarray = codes) -> np.ndarray:
            return in_order(model, model.probabilities(codes[rows], device=device), scored.classes)

        judges = judges_of(known, scored, spans)
        found = {
            name: judged(entry, judges[name], list(range(len(entry.models))), score_some, len(scored.classes))
            for name, entry in known.items()
        }
        found = with_ensemble(found, ensemble and len(known) == len(entries))
        for i, name in enumerate(pool.names):
            if chrom in set(scored.regions.chrom[scored.data_set == name]):
                tally.add(spans, pool.regions[pool.file == i], found, used_tiles(judges))
    middle = np.ones(len(pool.regions), dtype=np.int64)
    one, _ = sequence_evaluation.score(pool, entries, subset, device=device, ensemble=ensemble, windows=middle)
    return tally.of_models(one.probabilities, one.regions.name)


def require_same(pool: Pool, genome: Genome) -> None:
    """Check that regions were cut from a genome of these chromosomes.

    Raises
    ------
    InputError
    """
    for file in pool.files:
        if not file.sizes:
            raise InputError(f"--genome: {file.path} holds records of a FASTA, which have no place on it; leave it out")
        chroms = chromosomes(file.regions)
        require_known(chroms, str(file.path), genome.sizes, str(genome.path))
        for chrom in chroms:
            if file.sizes[chrom] != genome.sizes[chrom]:
                raise InputError(
                    f"{genome.path}: {chrom} has {genome.sizes[chrom]} bases, but {file.sizes[chrom]} in {file.path}; "
                    "give the genome that the regions were encoded from"
                )
