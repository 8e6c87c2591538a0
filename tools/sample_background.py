"""sample-background: random regions that are like the positives."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._options import Blacklist, Chroms, Output, Regions, Seed, named_paths, tool

app = tool("sample-background")

_option = partial(typer.Option, show_default=False)


@app.command(epilog="Example: sample-background -r enhancers.bed -g hg19.fa --exclude gencode.gtf.gz -o background.bed")
def sample_background(
    regions: Regions,
    genome: Annotated[Path, _option("-g", "--genome", metavar="FASTA", help="Genome: plain or bgzip FASTA.")],
    output: Output,
    match: Annotated[str, typer.Option(metavar="WHAT", help="Of length, gc, repeats; or none.")] = "length,gc",
    ratio: Annotated[float, typer.Option(metavar="NUMBER", help="Regions for each positive.")] = 1.0,
    length: Annotated[int, typer.Option(metavar="BASES", help="Of a region, where length is not matched.")] = 300,
    exclude: Annotated[
        list[Path] | None, _option(metavar="BED|GTF", help="Spans, or a GTF's exons, to keep clear of; repeatable.")
    ] = None,
    exclude_distance: Annotated[
        int, typer.Option(metavar="BASES", help="Distance to keep from positives and excluded spans.")
    ] = 0,
    blacklist: Blacklist = None,
    same_chromosome: Annotated[
        bool, typer.Option("--same-chromosome/--any-chromosome", help="Draw on the positive's chromosome.")
    ] = True,
    chroms: Chroms = None,
    summary: Annotated[Path | None, _option(metavar="JSON", help="Write the figures and how they were made.")] = None,
    seed: Seed = 1,
) -> None:
    """Draw background: for each positive a random region of its length and GC, clear of all positives.

    BED6, class background. None meets an excluded span, an N or another. Reports KS distances, before and after.
    """
    from crekit.genome.background_rules import Rules, parse_match
    from crekit.genome.background_run import Files, run
    from crekit.labels.classes import BACKGROUND

    rules = Rules(parse_match(match), ratio, length, exclude_distance, same_chromosome)
    spans = [*(exclude or ()), *([blacklist] if blacklist is not None else [])]
    files = Files(named_paths(regions), genome, output, spans, summary)
    run(files, rules, name=BACKGROUND, chroms=chroms, seed=seed)
