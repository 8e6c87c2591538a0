"""label-activity: active or poised, from GRO-seq or PRO-seq."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from crekit_tools._multiqc_option import Multiqc
from crekit_tools._options import Chroms, Output, Regions, Seed, named_paths, tool

app = tool("label-activity")


_option = partial(typer.Option, show_default=False)


@app.command(epilog="Example: label-activity -r regions.bed --plus plus.bw --minus minus.bw -o labelled.bed")
def label_activity(
    regions: Regions,
    output: Output,
    reads: Annotated[list[Path] | None, _option(metavar="BAM|BW", help="Signal of both strands; repeatable.")] = None,
    plus: Annotated[list[Path] | None, _option(metavar="BW|BAM", help="Of the plus strand; repeatable.")] = None,
    minus: Annotated[list[Path] | None, _option(metavar="BW|BAM", help="Of the minus strand; repeatable.")] = None,
    log: Annotated[bool, typer.Option(help="Cluster log2(signal + 1).")] = True,
    chroms: Chroms = None,
    plot: Annotated[Path | None, _option(metavar="PNG", help="Draw histograms with the cut.")] = None,
    table: Annotated[str | None, _option(metavar="TSV", help="Write the values.")] = None,
    reference: Annotated[Path | None, _option(metavar="FASTA", help="Genome of CRAM files.")] = None,
    multiqc: Multiqc = None,
    seed: Seed = 1,
) -> None:
    """Label enhancers and promoters as active or poised: k-means (k = 2) on the transcription in each region.

    Several files are added up. Of two strands, both must agree; regions where they do not are dropped.
    """
    from crekit.labels import activity_run
    from crekit.labels.transcription import require_strands
    from crekit.report import multiqc as figures
    from crekit.report import multiqc_data

    files = require_strands(reads or (), plus or (), minus or ())
    outputs = activity_run.Outputs(output, table, plot)
    outputs.check()
    called = figures.stem(output, app.tool_name)
    figures.check(multiqc, called)
    chosen = activity_run.read_regions(named_paths(regions), chroms)
    activity = activity_run.run(chosen, files, outputs, log_scale=log, seed=seed, reference=reference)
    if multiqc is not None:
        figures.write(multiqc, called, multiqc_data.activity(called, activity.labels))
