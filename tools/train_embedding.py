"""train-embedding: vectors of k-mers, learned from a genome."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._options import Chroms, Seed, tool

app = tool("train-embedding")

_option = partial(typer.Option, show_default=False)


@app.command(epilog="Example: train-embedding -g hg38.fa --chroms chr1-chr22 -o vectors.h5 --summary vectors.json")
def train_embedding(
    genome: Annotated[Path, _option("-g", "--genome", metavar="FASTA", help="Genome: plain, gzip or bgzip FASTA.")],
    output: Annotated[str, _option("-o", "--output", metavar="H5", help="Where to write the vectors.")],
    k: Annotated[str, typer.Option("--k", metavar="K|LOW-HIGH", help="Lengths of the k-mers, at most 8.")] = "3-8",
    dimension: Annotated[int, typer.Option(metavar="NUMBER", help="Numbers of a vector.")] = 100,
    window: Annotated[int, typer.Option(metavar="KMERS", help="Context before and after a k-mer, at most.")] = 10,
    epochs: Annotated[int, typer.Option(metavar="NUMBER", help="How often the genome is gone through.")] = 10,
    min_count: Annotated[
        int, typer.Option(metavar="NUMBER", help="Occurrences that every k-mer must have, in all epochs.")
    ] = 5,
    chroms: Chroms = None,
    workers: Annotated[int, typer.Option(metavar="NUMBER", help="Threads; only one gives the same bytes again.")] = 1,
    neighbours: Annotated[
        str | None, _option(metavar="TSV", help="Write each k-mer's neighbours, and its reverse complement's rank.")
    ] = None,
    compare: Annotated[
        Path | None, _option(metavar="FILE", help="Other vectors to compare with, such as dna2vec's.")
    ] = None,
    compare_k: Annotated[int, typer.Option(metavar="K", help="With --compare: for this k.")] = 3,
    summary: Annotated[str | None, _option(metavar="JSON", help="Write the figures and how they were made.")] = None,
    seed: Seed = 1,
) -> None:
    """Train vectors of k-mers on a genome, as dna2vec does, for encode-seq --kmer-vectors.

    Both strands, overlapping k-mers of random lengths, skip-gram (word2vec). An epoch of 70 Mb takes 20 minutes.
    """
    from crekit.encoding.fragments import Recipe
    from crekit.training.embedding import Settings, parse_lengths
    from crekit.training.embedding_run import Files, run

    low, high = parse_lengths(k)
    settings = Settings(Recipe(low, high, epochs, seed), dimension, window, min_count, workers)
    run(Files(genome, output, neighbours, summary, compare, compare_k), settings, chroms)
