"""count-bins: reads of BAM, CRAM or bigWig files in bins along the genome."""

from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._multiqc_option import Multiqc
from crekit_tools._options import Blacklist, Chroms, Normalise, Sizes, Threads, named_paths, tool

app = tool("count-bins")


@app.command(epilog="Example: count-bins H3K4me1=a.bam H3K4me1=b.bam H3K27ac=c.bam --control input.bam -o tracks.h5")
def count_bins(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MARK=]FILE...", help="BAM, CRAM, bigWig, or tracks made before.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="H5", help="Track file to write.", show_default=False)
    ] = None,
    samplesheet: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Files as mark,replicate,path,control.", show_default=False)
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(metavar="[MARK=]FILE", help="Control reads, for a mark or all.", show_default=False),
    ] = None,
    bin_size: Annotated[
        int | None,
        typer.Option(min=1, help="Bases of a bin: 100, or as in joined tracks.", show_default=False),
    ] = None,
    count: Annotated[str, typer.Option(metavar="reads|fragments|five-prime", help="What counts once.")] = "reads",
    min_overlap: Annotated[float, typer.Option(min=0, max=1, help="Share of a read that a bin must hold.")] = 0.5,
    shift: Annotated[str, typer.Option(metavar="N[,N]", help="With five-prime: bases downstream; 4,5 for ATAC.")] = "0",
    extend: Annotated[int, typer.Option(min=0, help="Reach so many bases from the 5' end; 0: the read.")] = 0,
    min_mapq: Annotated[int, typer.Option(min=0, max=255, help="Lowest mapping quality.")] = 0,
    duplicates: Annotated[str, typer.Option(metavar="keep|drop", help="Reads marked as duplicates.")] = "keep",
    secondary: Annotated[str, typer.Option(metavar="keep|drop", help="Secondary alignments.")] = "keep",
    multimappers: Annotated[str, typer.Option(metavar="keep|drop", help="Reads with an NH tag above 1.")] = "drop",
    blacklist: Blacklist = None,
    chroms: Chroms = None,
    sizes: Sizes = None,
    reference: Annotated[Path | None, typer.Option(metavar="FASTA", help="For CRAM.", show_default=False)] = None,
    normalise: Normalise = None,
    check: Annotated[bool, typer.Option("--check", help="Read headers only, and list all that is wrong.")] = False,
    multiqc: Multiqc = None,
    threads: Threads = 2,
) -> None:
    """Count reads in bins along the genome, file by file, into one track file.

    The same mark twice is two replicates. Without MARK=, the mark is the file's name less _repN.
    """
    from crekit.errors import InputError
    from crekit.report import multiqc as figures
    from crekit.report import multiqc_data
    from crekit.signal import binning, plan, rules
    from crekit.signal import samplesheet as sheets

    filters = rules.Filters(min_mapq, duplicates, secondary, multimappers)
    rule = rules.Rule(bin_size or 100, count, min_overlap, rules.parse_shift(shift), extend, filters)
    sources = sheets.from_arguments(named_paths(inputs or []), named_paths(control or []))
    if samplesheet is not None:
        sources += sheets.read_samplesheet(samplesheet)
    request = plan.Request(rule, bin_size, normalise, sizes, chroms, blacklist, reference)
    planned, problems = plan.make_plan(sources, request)
    if check:
        plan.report(planned, problems, print)
        return
    problems.raise_first()
    if output is None:
        raise InputError("no output is named; add -o tracks.h5 (or --check to only look)")
    called = figures.stem(output, app.tool_name)
    figures.check(multiqc, called)
    binning.write_tracks(planned, output, threads)
    if multiqc is not None:
        figures.write(multiqc, called, multiqc_data.tracks(called, output))
