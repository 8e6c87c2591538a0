"""define-regions: promoters, enhancers and background from peaks and transcription start sites."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from crekit_tools._multiqc_option import Multiqc
from crekit_tools._options import Blacklist, Chroms, Output, Seed, tool

app = tool("define-regions")

_DEFINITION, _BACKGROUND = "Definition", "Background"


def _number(what: str, panel: str, metavar: str = "BASES", default: bool = True) -> Any:
    return typer.Option(metavar=metavar, help=what, rich_help_panel=panel, show_default=default)


@app.command(
    epilog="Example: define-regions --tss gencode.bed --open dnase.narrowPeak --cofactor p300.narrowPeak "
    "--h3k4me3 h3k4me3.broadPeak --sizes hg19.chrom.sizes -o regions.bed"
)
def define_regions(
    output: Output,
    tss: Annotated[Path, typer.Option(metavar="BED|GTF", help="Transcription start sites.")],
    open_peaks: Annotated[Path, typer.Option("--open", metavar="PEAKS", help="Open chromatin: DNase or ATAC.")],
    cofactor: Annotated[list[Path], typer.Option(metavar="PEAKS", help="p300, CBP, ...; may be repeated.")],
    h3k4me3: Annotated[Path, typer.Option(metavar="PEAKS", help="H3K4me3.")],
    sizes: Annotated[Path, typer.Option(metavar="FILE", help="Chromosome sizes, or a .fai.")],
    tfbs: Annotated[
        list[Path] | None,
        typer.Option(metavar="PEAKS", help="Binding sites of others; may be repeated.", show_default=False),
    ] = None,
    chroms: Chroms = None,
    blacklist: Blacklist = None,
    width: Annotated[int, _number("Of every region.", _DEFINITION)] = 2000,
    tss_merge: Annotated[int, _number("TSS this close are one.", _DEFINITION)] = 500,
    open_distance: Annotated[int, _number("Open chromatin lies within this.", _DEFINITION)] = 1000,
    tss_distance: Annotated[int, _number("Enhancers: no TSS within this.", _DEFINITION)] = 2000,
    h3k4me3_distance: Annotated[int, _number("Enhancers: no H3K4me3 within this.", _DEFINITION)] = 1000,
    background: Annotated[
        int | None, _number("Regions in all. \\[default: 30000]", _BACKGROUND, "NUMBER", default=False)
    ] = None,
    background_per: Annotated[
        str | None, _number("Instead: so many per group.", _BACKGROUND, "CHROMS=NUMBER,...", default=False)
    ] = None,
    background_distance: Annotated[int, _number("None of the evidence within this.", _BACKGROUND)] = 2000,
    seed: Seed = 1,
    markers_output: Annotated[
        str | None, typer.Option(metavar="BED", help="Write the positive markers.", show_default=False)
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Write the figures and how they were made.", show_default=False)
    ] = None,
    multiqc: Multiqc = None,
) -> None:
    """Promoters, enhancers and background by DeepRegFinder's rules: BED6, the class in the name column.

    Promoters are TSS in open chromatin; enhancers are cofactor peaks in it, away from TSS and H3K4me3.
    """
    from crekit.labels import background as draw
    from crekit.labels import elements, evidence, outputs
    from crekit.report import multiqc as figures
    from crekit.report import multiqc_data

    outputs.require(output, markers_output, summary)
    called = figures.stem(output, app.tool_name)
    figures.check(multiqc, called)
    rules = elements.Rules(width, tss_merge, open_distance, tss_distance, h3k4me3_distance, background_distance)
    known = evidence.read(
        tss=tss,
        open_peaks=open_peaks,
        cofactors=cofactor,
        h3k4me3=h3k4me3,
        sizes=sizes,
        tfbs=tfbs or (),
        blacklist=blacklist,
        chroms=chroms,
    )
    groups = draw.groups(background, background_per, known.tiled)
    found = elements.define(known, rules)
    sampled = draw.sample(found.candidates, groups, seed)
    outputs.write(known, rules, groups, seed, found, sampled, output, markers_output, summary)
    if multiqc is not None:
        made = (found.promoters, found.enhancers, sampled)
        figures.write(multiqc, called, multiqc_data.regions(called, Counter(name for one in made for name in one.name)))
