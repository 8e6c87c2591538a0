"""score-variants: what each allele of a VCF does to the score of every class."""

from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._options import Device, Output, Threads, tool

app = tool("score-variants")

_Model = Annotated[Path, typer.Option("-m", "--model", metavar="MODEL", help="A model of sequences, of train-model.")]
_Genome = Annotated[Path, typer.Option("-g", "--genome", metavar="FASTA", help="Genome, plain or bgzip.")]
_Vcf = Annotated[str, typer.Option(metavar="VCF", help="Variants, sorted: VCF or BCF; - = standard input.")]


@app.command(epilog="Example: score-variants -m model.safetensors -g hg38.fa --vcf variants.vcf.gz -o scored.vcf.gz")
def score_variants(
    model: _Model,
    genome: _Genome,
    vcf: _Vcf,
    output: Output,
    table: Annotated[
        str | None, typer.Option(metavar="TSV", help="Also write a row for each allele.", show_default=False)
    ] = None,
    step: Annotated[int, typer.Option(min=1, help="Bases from one window to the next.")] = 1,
    window: Annotated[
        int, typer.Option(min=0, help="For models of whole regions: bases of a window.", show_default="the model's")
    ] = 0,
    prefix: Annotated[str, typer.Option(help="What the INFO fields begin with.")] = "CREKIT",
    skip_mismatches: Annotated[
        bool, typer.Option("--skip-mismatches", help="Keep records whose REF is not the genome's, without scores.")
    ] = False,
    threads: Threads = 2,
    device: Device = "auto",
) -> None:
    """Score what each allele of a VCF does to every class.

    A score is the highest probability of the windows that cover the change. Writes the VCF again, with the
    reference's score and the change as INFO fields: .vcf, .vcf.gz (bgzip, with an index) or -.
    """
    from crekit.scanning import variants

    rule = variants.Rule(step, window, prefix, skip_mismatches)
    variants.score_variants(model, genome, vcf, output, rule, table=table, device=device, threads=threads)
