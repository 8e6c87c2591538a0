"""A run of train-embedding: a genome in, vectors of k-mers and what they find alike out."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crekit import provenance
from crekit.encoding import kmer_vectors
from crekit.encoding.kmer_vectors import KmerVectors
from crekit.errors import InputError
from crekit.files import STDIO, require_writable, write_json
from crekit.genome.chromosomes import select
from crekit.genome.fasta import genome_sha256, read_records
from crekit.provenance import Input
from crekit.training.embedding import Settings, train
from crekit.training.embedding_neighbours import Neighbours, agreement, neighbours, write_table

log = logging.getLogger("crekit")

_LARGEST_COMPARED = 6  # 8 million pairs of k-mers


@dataclass(frozen=True)
class Files:
    """What a run reads and writes.

    Parameters
    ----------
    genome : path
        FASTA: plain, gzip or bgzip.
    output : path
        HDF5 of the vectors.
    neighbours : str or path, optional
        Table of the nearest neighbours of each k-mer.
    summary : str or path, optional
        JSON with the figures and how they were made.
    compare : path, optional
        Other vectors to hold the new ones against.
    compare_k : int
        For this k.
    """

    genome: Path
    output: str | Path
    neighbours: str | Path | None = None
    summary: str | Path | None = None
    compare: Path | None = None
    compare_k: int = 3

    def check(self, settings: Settings) -> None:
        """Raise `InputError` for outputs that cannot be written, or a comparison that cannot be made."""
        require_writable(self.output)
        tables = [path for path in (self.neighbours, self.summary) if path is not None]
        for path in tables:
            require_writable(path, text=True)
        if len({str(path) for path in (self.output, *tables)}) <= len(tables):
            raise InputError(f"{tables[-1]}: given for two outputs; name two files")
        if str(self.genome) == STDIO:
            raise InputError("-: the genome is read several times, which standard input cannot be; give a file")
        lengths = settings.recipe.lengths
        if self.compare is not None and self.compare_k not in lengths[: _LARGEST_COMPARED + 1 - lengths[0]]:
            raise InputError(
                f"--compare-k {self.compare_k}: not among the k-mers of this run, or too long; give one of "
                f"{lengths[0]} to {min(lengths[-1], _LARGEST_COMPARED)}"
            )


def run(files: Files, settings: Settings, chroms: str | None = None) -> dict[str, Any]:
    """Train vectors, write them, and report what they find alike.

    Parameters
    ----------
    files : Files
    settings : Settings
    chroms : str, optional
        The chromosomes to train on, as `crekit.genome.chromosomes.select` reads them.

    Returns
    -------
    summary : dict
        As it goes into the JSON file.

    Raises
    ------
    InputError
    """
    settings.check()
    files.check(settings)
    other = None if files.compare is None else kmer_vectors.read(files.compare, files.compare_k)
    digests = {name: hashlib.sha256(codes.data).hexdigest() for name, codes in read_records(files.genome)}
    chosen = list(digests) if chroms is None else select(chroms, digests)
    vectors, n_words = train(files.genome, settings, chosen)
    genome = Input("genome", "", genome_sha256({name: digests[name] for name in chosen}))
    record = provenance.record("train-embedding", _options(settings, None if chroms is None else chosen), [genome])
    found = {k: neighbours(KmerVectors(k, of)) for k, of in vectors.items()}
    figures: dict[str, Any] = {"kmers": n_words, "per_k": {str(k): one.summary() for k, one in found.items()}}
    _report(found)
    if other is not None:
        figures["agreement"] = _agreement(other, KmerVectors(other.k, vectors[other.k]))
    kmer_vectors.write(files.output, vectors, record)
    if files.neighbours is not None:
        write_table(files.neighbours, found)
    if files.summary is not None:
        compared = [] if other is None else [Input("compared", "", other.sha256())]
        write_json(
            files.summary, {**figures, "provenance": {**record, "inputs": [asdict(genome), *map(asdict, compared)]}}
        )
    return figures


def _options(settings: Settings, chroms: list[str] | None) -> dict[str, Any]:
    recipe = settings.recipe
    return {
        "k": f"{recipe.low}-{recipe.high}",
        "dimension": settings.dimension,
        "window": settings.window,
        "epochs": recipe.epochs,
        "min_count": settings.min_count,
        "workers": settings.workers,
        "chroms": chroms,
        "seed": recipe.seed,
    }


def _agreement(other: KmerVectors, ours: KmerVectors) -> dict[str, Any]:
    value = agreement(other, ours)
    n = 4**ours.k
    log.info(
        "Spearman correlation with the other vectors, of the cosines of all pairs of %d %d-mers: %.3f", n, ours.k, value
    )
    return {"k": ours.k, "pairs": n * (n - 1) // 2, "spearman": round(value, 4)}


def _report(found: Mapping[int, Neighbours]) -> None:
    log.info("how often the reverse complement is among the nearest neighbours, and by chance:")
    for k, one in found.items():
        _, first, among, chance, reverse, pairs = one.summary().values()
        log.info(
            "  k = %d: nearest for %.1f %%, among %d for %.1f %% (chance %.1f %%); mean cosine %.3f, of all pairs %.3f",
            k, 100 * first, one.nearest.shape[1], 100 * among, 100 * chance, reverse, pairs,
        )  # fmt: skip
