"""encode-seq: DNA of regions or FASTA records, cut to windows, in one file."""

from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._options import Output, named_paths, tool

app = tool("encode-seq")

_Regions = Annotated[
    list[str] | None,
    typer.Option(
        "-r", "--regions", metavar="[CLASS=]BED", help="Regions; class in column 4, or given here.", show_default=False
    ),
]
_Genome = Annotated[
    Path | None, typer.Option("-g", "--genome", metavar="FASTA", help="Genome, plain or bgzip.", show_default=False)
]
_Fasta = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS=FILE", help="Records of one class, instead of regions; repeatable.", show_default=False
    ),
]


@app.command(epilog="Example: encode-seq -r enhancers.bed -r background.bed -g hg38.fa -o sequences.h5")
def encode_seq(
    output: Output,
    regions: _Regions = None,
    genome: _Genome = None,
    fasta: _Fasta = None,
    window: Annotated[int, typer.Option(min=0, help="Bases in a window; 0 = whole regions.")] = 300,
    stride: Annotated[int, typer.Option(min=1, help="Bases from one window of a region to the next.")] = 2,
    short: Annotated[
        str,
        typer.Option(metavar="contain|overlap|pad|drop", help="What a region shorter than the window gives."),
    ] = "contain",
    ambiguous: Annotated[
        str, typer.Option(metavar="drop|zero", help="Windows with N: leave out, or keep with zeros there.")
    ] = "drop",
) -> None:
    """Cut the DNA of regions, or of FASTA records, into windows for train-model.

    Each region's span is stored once, with the starts of its windows.
    """
    from crekit.encoding import encode
    from crekit.encoding.windows import Rule
    from crekit.errors import InputError

    if bool(regions) == bool(fasta) or bool(genome) != bool(regions):
        raise InputError("give regions and their genome (-r and -g), or records (--fasta CLASS=FILE)")
    rule = Rule(window, stride, short, ambiguous)
    if regions and genome:
        encode.encode_regions(named_paths(regions), genome, output, rule)
    elif fasta:
        encode.encode_records(named_paths(fasta), output, rule)
