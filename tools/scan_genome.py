"""scan-genome: score the whole genome, or given regions, with a model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crekit_tools._multiqc_option import Multiqc
from crekit_tools._options import Chroms, Device, Normalise, Seed, Threads, named_paths, tool

app = tool("scan-genome")

_Model = Annotated[
    Path | None, typer.Option("-m", "--model", metavar="MODEL", help="A model of train-model.", show_default=False)
]
_Tracks = Annotated[
    Path | None, typer.Option("-t", "--tracks", metavar="H5", help="Tracks of count-bins.", show_default=False)
]
_Genome = Annotated[
    str | None, typer.Option("-g", "--genome", metavar="FASTA", help="DNA instead of tracks.", show_default=False)
]
_Fasta = Annotated[
    str | None, typer.Option(metavar="FASTA", help="Score these records, not the genome.", show_default=False)
]
_Window = Annotated[
    int | None, typer.Option(min=1, help="Bases of a window, for models of whole regions.", show_default=False)
]
_Prefix = Annotated[
    str,
    typer.Option("-o", "--output", metavar="PREFIX", help="What all outputs begin with; with -r, --fasta the table."),
]
_Regions = Annotated[
    list[str] | None,
    typer.Option(
        "-r", "--regions", metavar="[NAME=]BED", help="Score these regions, not the genome.", show_default=False
    ),
]
_Join = Annotated[
    list[str] | None,
    typer.Option(metavar="PREFIX", help="Put scans of single chromosomes together.", show_default=False),
]
_Tss = Annotated[
    Path | None, typer.Option(metavar="BED", help="Known TSS: no enhancers near them.", show_default=False)
]
_Markers = Annotated[
    Path | None, typer.Option(metavar="BED", help="Positive markers: gives the validation rate.", show_default=False)
]


@app.command(
    epilog="Example: scan-genome -m model.safetensors -t tracks.h5 --known-tss tss.bed --markers markers.bed -o scan"
)
def scan_genome(
    output: _Prefix,
    model: _Model = None,
    tracks: _Tracks = None,
    genome: _Genome = None,
    regions: _Regions = None,
    fasta: _Fasta = None,
    join: _Join = None,
    step: Annotated[
        int | None, typer.Option(min=1, help="Bases from one window to the next.", show_default="-t: a bin, -g: 50")
    ] = None,
    window: _Window = None,
    reverse_complement: Annotated[
        bool, typer.Option("--reverse-complement", help="Average both strands of DNA.")
    ] = False,
    cutoff: Annotated[float, typer.Option(min=0, max=1, help="Probabilities must be above it.")] = 0.5,
    filter_: Annotated[
        str, typer.Option("--filter", metavar="window|block", help="What must pass: each window, or a block's best.")
    ] = "window",
    known_tss: _Tss = None,
    tss_distance: Annotated[int, typer.Option(min=0, help="Bases from a known TSS.")] = 2000,
    markers: _Markers = None,
    marker_distance: Annotated[int, typer.Option(min=0, help="Bases from a marker.")] = 2500,
    chroms: Chroms = None,
    normalise: Normalise = None,
    multiqc: Multiqc = None,
    threads: Threads = 2,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Score every window of the genome and join them to blocks; or score the regions of -r, or records of --fasta.

    Writes PREFIX.bed (blocks), PREFIX.CLASS.bw (probabilities), PREFIX.igv.xml and PREFIX.summary.json.
    """
    from crekit.errors import InputError
    from crekit.report import multiqc as figures
    from crekit.scanning import records, run, scan, sequence_records, sequence_scan
    from crekit.scanning.join import join_scans

    if join:
        if model or tracks or genome or regions or fasta:
            raise InputError("--join: the scans were made before; leave out -m, -t, -g, -r and --fasta")
        figures.check(multiqc, Path(output).name)
        _figures(multiqc, output, join_scans(join, output))
        return
    if fasta is not None and (genome is not None or regions):
        raise InputError("--fasta holds all that is scored; leave out -g and -r")
    if model is None or sum(one is not None for one in (tracks, genome, fasta)) != 1:
        raise InputError("give a model (-m) and either tracks (-t) or DNA (-g, --fasta), or scans to --join")
    if tracks and (window or reverse_complement):
        raise InputError("--window and --reverse-complement are for DNA; leave them out with -t")
    if normalise and not tracks:
        raise InputError("--normalise is for tracks; leave it out with -g and --fasta")
    compute = {"device": device, "threads": threads}
    if fasta or regions:
        if chroms or known_tss or markers or step or window or filter_ != "window" or (regions and fasta):
            raise InputError(
                "-r and --fasta score only what they name; give one of them, and leave out "
                "--chroms --known-tss --markers --step --window --filter"
            )
        if multiqc is not None:
            raise InputError("--multiqc tells of a scan's blocks; leave it out with -r and --fasta")
        if fasta:
            sequence_records.score_records(model, fasta, output, both_strands=reverse_complement, **compute)
        elif genome:
            sequence_records.score_regions(
                model, genome, named_paths(regions), output, both_strands=reverse_complement, **compute
            )
        elif tracks:
            records.score_regions(model, tracks, named_paths(regions), output, normalise=normalise, **compute)
        return
    figures.check(multiqc, Path(output).name)
    rule = run.Rule(step, cutoff, filter_, tss_distance, marker_distance, normalise, seed)
    places = {"chroms": chroms, "known_tss": known_tss, "markers": markers}
    if genome:
        found = sequence_scan.scan_sequences(
            model, genome, output, rule, window=window, both_strands=reverse_complement, **places, **compute
        )
    else:
        assert tracks is not None  # noqa: S101 (checked above)
        found = scan.scan_genome(model, tracks, output, rule, **places, **compute)
    _figures(multiqc, output, found)


def _figures(folder: Path | None, prefix: str, summary: dict[str, Any]) -> None:
    """Write what MultiQC shows of a scan."""
    from crekit.report import multiqc, multiqc_models

    if folder is not None:
        called = Path(prefix).name
        multiqc.write(folder, called, multiqc_models.scan(called, summary))
