"""encode-seq: DNA of regions or FASTA records, cut to windows, in one file."""

from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._options import Output, named_paths, tool

app = tool("encode-seq")
_KMERS, _MOTIFS = "k-mer embedding (for mdlf and fusion)", "Motif frequencies (for mdlf and fusion)"

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
    kmer_vectors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=_KMERS, help="dna2vec text or train-embedding's file."),
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, max=8, rich_help_panel=_KMERS, help="Bases of a k-mer.")] = 3,
    pooling: Annotated[
        str,
        typer.Option(metavar="axis|flat", rich_help_panel=_KMERS, help="flat is the paper's, and leaks the length."),
    ] = "axis",
    motifs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=_MOTIFS, help="PWMs: MEME, JASPAR, PFM or HOCOMOCO."),
    ] = None,
    motif_p: Annotated[float, typer.Option(rich_help_panel=_MOTIFS, help="p-value of a hit.")] = 1e-4,
    motif_thresholds: Annotated[
        Path | None, typer.Option(metavar="FILE", rich_help_panel=_MOTIFS, help="Scores instead, as in HOMER files.")
    ] = None,
    strands: Annotated[str, typer.Option(metavar="both|forward", rich_help_panel=_MOTIFS, help="Scanned.")] = "both",
    frequency: Annotated[
        str, typer.Option(metavar="position|length", rich_help_panel=_MOTIFS, help="Hits are divided by these.")
    ] = "position",
    store: Annotated[
        bool, typer.Option("--store", help="Write embeddings and frequencies, not only how to compute them.")
    ] = False,
) -> None:
    """Cut the DNA of regions, or of FASTA records, into windows for train-model.

    Each region's span is stored once, with the starts of its windows; k-mer vectors and motifs go into the file.
    """
    from crekit.encoding import encode
    from crekit.encoding.encoder_files import EncoderOptions, read_encoders
    from crekit.encoding.windows import Rule
    from crekit.errors import InputError

    if bool(regions) == bool(fasta) or bool(genome) != bool(regions):
        raise InputError("give regions and their genome (-r and -g), or records (--fasta CLASS=FILE)")
    rule = Rule(window, stride, short, ambiguous)
    encode.check(rule)
    encodings = read_encoders(
        EncoderOptions(kmer_vectors, k, pooling, motifs, motif_p, motif_thresholds, strands, frequency, store)
    )
    if regions and genome:
        encode.encode_regions(named_paths(regions), genome, output, rule, encodings)
    elif fasta:
        encode.encode_records(named_paths(fasta), output, rule, encodings)
