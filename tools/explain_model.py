"""explain-model: the first layer of a signal model, or the bases that count for a sequence model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crekit_tools._options import Device, Normalise, Output, Seed, Threads, named_paths, tool

if TYPE_CHECKING:
    from crekit.report import page

app = tool("explain-model")

_SEQUENCES = "With -s"
_Tracks = Annotated[
    list[str] | None,
    typer.Option("-t", "--tracks", metavar="[NAME=]H5", help="Tracks of count-bins, with -r.", show_default=False),
]
_Regions = Annotated[
    list[str] | None,
    typer.Option("-r", "--regions", metavar="[CLASS=]BED", help="Regions; class in column 4.", show_default=False),
]
_Sequences = Annotated[
    Path | None,
    typer.Option(
        "-s", "--sequences", metavar="H5", help="Sequences of encode-seq, in place of -t -r.", show_default=False
    ),
]
_Class = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="NAME",
        help="Class to explain.",
        show_default="all but background",
        rich_help_panel=_SEQUENCES,
    ),
]
_Method = Annotated[
    str, typer.Option(metavar="auto|deep-lift|mutagenesis", help="auto: as the net allows.", rich_help_panel=_SEQUENCES)
]
_Shuffles = Annotated[
    int, typer.Option(min=1, help="References of each window, for deep-lift.", rich_help_panel=_SEQUENCES)
]
_Logos = Annotated[int, typer.Option(min=1, help="Regions of each class to draw.", rich_help_panel=_SEQUENCES)]
_Bigwig = Annotated[
    str | None,
    typer.Option(
        metavar="PREFIX", help="Write PREFIX.CLASS.bw: contributions.", show_default=False, rich_help_panel=_SEQUENCES
    ),
]


@app.command(
    epilog="Example: explain-model -m model.safetensors -t tracks.h5 -r regions.bed -o explanation.html "
    "(of a model of sequences: -s sequences.h5 in place of -t and -r)"
)
def explain_model(
    model: Annotated[Path, typer.Option("-m", "--model", metavar="FILE", help="Model of train-model.")],
    output: Output,
    tracks: _Tracks = None,
    regions: _Regions = None,
    sequences: _Sequences = None,
    table: Annotated[str | None, typer.Option(metavar="TSV", help="Write all figures.", show_default=False)] = None,
    per_class: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Regions of each class: those the model is surest of.")
    ] = 100,
    subset: Annotated[
        str, typer.Option(metavar="test|all|CHROMS", help="Which regions; test = the model's own test set.")
    ] = "test",
    html_assets: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A plain page, its plots as PNG files in DIR.", show_default=False),
    ] = None,
    normalise: Normalise = None,
    class_: _Class = None,
    method: _Method = "auto",
    shuffles: _Shuffles = 20,
    logos: _Logos = 10,
    bigwig: _Bigwig = None,
    threads: Threads = 2,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Show on one HTML page what a model looks for, in the regions that it is surest of.

    Of a model of tracks: the filters of its first layer, and on which classes they respond. Of a model of sequences:
    what each base contributes to each class.
    """
    from crekit.errors import InputError
    from crekit.labels.outputs import require
    from crekit.report import page

    require(output, table)
    page.check(output, html_assets)
    if sequences is None:
        if not tracks or not regions:
            raise InputError("give tracks and regions (-t -r) for a model of tracks, or sequences (-s)")
        if class_ or bigwig:
            raise InputError("--class and --bigwig explain a model of sequences; give its sequences with -s")
        shown = _tracks(model, tracks, regions, table, (per_class, subset, normalise, device, threads))
    elif tracks or regions or normalise:
        raise InputError("-s explains a model of sequences; leave out --tracks, --regions and --normalise")
    else:
        plan = (class_ or [], per_class, subset, method, shuffles, device, threads, seed)
        shown = _sequences(model, sequences, table, bigwig, logos, plan)
    page.write(output, shown, html_assets)


def _tracks(
    model: Path, tracks: list[str], regions: list[str], table: str | None, options: tuple[Any, ...]
) -> "page.Page":
    """The page of a model of tracks; writes its table."""
    from crekit.report import explanation
    from crekit.training import data_sets, explanation_run

    loaded = explanation_run.load_model(model)
    pairs = data_sets.pair(named_paths(tracks), named_paths(regions))
    found = explanation_run.run(pairs, loaded, explanation_run.Plan(*options))
    if table is not None:
        explanation_run.write_table(table, found.layer)
    regions_shown = [(one.name, one.shown, one.available, one.lowest) for one in found.chosen]
    shown = explanation.Shown(
        found.layer, found.arch, found.bin_size, regions_shown, found.chroms, found.subset, found.record
    )
    return explanation.page(shown)


def _sequences(
    model: Path, sequences: Path, table: str | None, bigwig: str | None, logos: int, options: tuple[Any, ...]
) -> "page.Page":
    """The page of a model of sequences; writes its table and bigWigs."""
    from crekit.encoding.store import Sequences
    from crekit.models.file import load_sequence_model
    from crekit.report import sequence_explanation
    from crekit.scanning import contributions
    from crekit.training import sequence_explanation_run, surest

    loaded = load_sequence_model(model)
    plan = sequence_explanation_run.Plan(*options)
    with Sequences(sequences) as opened:
        paths = contributions.paths(bigwig, surest.wanted_classes(loaded, plan.classes), opened) if bigwig else {}
        found = sequence_explanation_run.run(loaded, opened, plan)
        for one in found.classes:
            if one.surest.name in paths:
                chosen, values = one.surest, one.attributions.contributions
                contributions.write(paths[chosen.name], opened.sizes, chosen.chrom, chosen.start, values)
    if table is not None:
        sequence_explanation_run.write_table(table, found)
    classes = [
        sequence_explanation.ShownClass(
            chosen.name, chosen.available, chosen.ids, chosen.start, chosen.probability, chosen.codes,
            one.attributions.contributions,
        )
        for one in found.classes
        for chosen in (one.surest,)
    ]  # fmt: skip
    shown = sequence_explanation.Shown(
        classes, found.arch, found.method, plan.shuffles, found.error, plan.subset, logos, found.record
    )
    return sequence_explanation.page(shown)
