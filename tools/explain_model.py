"""explain-model: the first layer of a signal model, the bases or the motifs that count for a sequence model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crekit_tools._options import Device, Normalise, Output, Seed, Threads, named_paths, tool

if TYPE_CHECKING:
    from crekit.explanation.feature_explanation_ranking import Comparison
    from crekit.explanation.feature_explanation_run import Explained, OfModel
    from crekit.models.file import SequenceModel
    from crekit.report import feature_explanation, page

app = tool("explain-model")

_SEQUENCES, _MOTIFS = "With -s", "With -s, for models that read motif frequencies"
_Tracks = Annotated[
    list[str] | None,
    typer.Option("-t", "--tracks", metavar="[NAME=]H5", help="Tracks of count-bins, with -r.", show_default=False),
]
_Regions = Annotated[
    list[str] | None,
    typer.Option("-r", "--regions", metavar="[CLASS=]BED", help="Regions; class in column 4.", show_default=False),
]
_Models = Annotated[
    list[str],
    typer.Option("-m", "--model", metavar="[NAME=]FILE", help="Model; several that read motifs, to compare."),
]
_Sequences = Annotated[
    list[str] | None,
    typer.Option(
        "-s",
        "--sequences",
        metavar="[NAME=]H5",
        help="Sequences of encode-seq, in place of -t -r.",
        show_default=False,
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


_References = Annotated[
    int, typer.Option(min=1, help="Training regions that others are compared with.", rich_help_panel=_MOTIFS)
]
_Top = Annotated[int, typer.Option(min=1, help="Motifs that are drawn and compared.", rich_help_panel=_MOTIFS)]


@app.command(
    epilog="Example: explain-model -m model.safetensors -t tracks.h5 -r regions.bed -o explanation.html "
    "(of a model of sequences: -s sequences.h5 in place of -t and -r)"
)
def explain_model(
    model: _Models,
    output: Output,
    tracks: _Tracks = None,
    regions: _Regions = None,
    sequences: _Sequences = None,
    table: Annotated[str | None, typer.Option(metavar="TSV", help="Write all figures.", show_default=False)] = None,
    per_class: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Regions of each class: the surest; for motifs, by lot.")
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
    references: _References = 100,
    top: _Top = 50,
    threads: Threads = 2,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Show on one HTML page what a model looks for, in the regions that it is surest of.

    Of a model of tracks: the filters of its first layer, and on which classes they respond. Of a model of sequences:
    what each base contributes to each class, or each motif if it reads motif frequencies.
    """
    from crekit.errors import InputError
    from crekit.explanation import feature_explanation, feature_explanation_run
    from crekit.labels.outputs import require
    from crekit.models.file import load_sequence_model
    from crekit.report import page

    require(output, table)
    page.check(output, html_assets)
    if not sequences:
        if not tracks or not regions:
            raise InputError("give tracks and regions (-t -r) for a model of tracks, or sequences (-s)")
        if class_ or bigwig:
            raise InputError("--class and --bigwig explain a model of sequences; give its sequences with -s")
        shown = _tracks(_only(model), tracks, regions, table, (per_class, subset, normalise, device, threads))
    elif tracks or regions or normalise:
        raise InputError("-s explains a model of sequences; leave out --tracks, --regions and --normalise")
    else:
        pairs = feature_explanation_run.pair(named_paths(model), named_paths(sequences))
        models = {name: load_sequence_model(path) for name, (path, _) in pairs.items()}
        if method == "auto" and (len(models) > 1 or all(map(feature_explanation.reads_motifs, models.values()))):
            if bigwig:
                raise InputError("--bigwig holds contributions of bases; add --method mutagenesis")
            given = {name: (one, pairs[name][1]) for name, one in models.items()}
            shown = _motifs(
                given, table, top, (class_ or [], per_class, subset, references, logos, device, threads, seed)
            )
        else:
            _only(model)
            options = (class_ or [], per_class, subset, method, shuffles, device, threads, seed)
            ((one, path),) = [(models[name], path) for name, (_, path) in pairs.items()]
            shown = _sequences(one, path, table, bigwig, logos, options)
    page.write(output, shown, html_assets)


def _tracks(
    model: Path, tracks: list[str], regions: list[str], table: str | None, options: tuple[Any, ...]
) -> "page.Page":
    """The page of a model of tracks; writes its table."""
    from crekit.explanation import explanation_run
    from crekit.report import explanation
    from crekit.training import data_sets

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


def _only(given: list[str]) -> Path:
    """The one path that is given."""
    from crekit.errors import InputError

    if len(given) > 1:
        raise InputError("several models are compared by their motifs only; give one model, or leave out --method")
    return named_paths(given)[0][1]


def _sequences(
    model: "SequenceModel", sequences: Path, table: str | None, bigwig: str | None, logos: int, options: tuple[Any, ...]
) -> "page.Page":
    """The page of a model of sequences; writes its table and bigWigs."""
    from crekit.encoding.store import Sequences
    from crekit.explanation import sequence_explanation_run, surest
    from crekit.report import sequence_explanation
    from crekit.scanning import contributions

    plan = sequence_explanation_run.Plan(*options)
    with Sequences(sequences) as opened:
        paths = contributions.paths(bigwig, surest.wanted_classes(model, plan.classes), opened) if bigwig else {}
        found = sequence_explanation_run.run(model, opened, plan)
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


def _motifs(
    given: "dict[str, tuple[SequenceModel, Path]]", table: str | None, top: int, options: tuple[Any, ...]
) -> "page.Page":
    """The page of models that read motifs; writes their table."""
    from contextlib import ExitStack

    from crekit.encoding.store import Sequences
    from crekit.explanation import feature_explanation_ranking, feature_explanation_run
    from crekit.report import feature_explanation

    plan = feature_explanation_run.Plan(*options)
    with ExitStack() as opened:
        files = {path: opened.enter_context(Sequences(path)) for path in {path: None for _, path in given.values()}}
        found = feature_explanation_run.run({name: (one, files[path]) for name, (one, path) in given.items()}, plan)
    several = len(found.models) > 1
    compared = feature_explanation_run.compare(found, top) if several else {}
    if table is not None and several:
        feature_explanation_ranking.write_comparison(table, compared)
    elif table is not None:
        feature_explanation_ranking.write_ranking(table, {one.name: one.ranking for one in found.models[0].classes})
    shown = feature_explanation.Shown(
        [
            feature_explanation.ShownModel(one.name, one.arch, one.counts, one.references, one.trained_on, one.error)
            for one in found.models
        ],
        [_of_class(of, one, several) for of in found.models for one in of.classes],
        [_of_comparison(name, one) for name, one in compared.items()],
        top,
        plan.subset,
        found.record,
    )
    return feature_explanation.page(shown)


def _of_class(of: "OfModel", one: "Explained", several: bool) -> "feature_explanation.ShownClass":
    """A class of a model as the page takes it; regions one by one where there is one model only."""
    from crekit.report import feature_explanation

    ranking, order, alone = one.ranking, one.ranking.order, one.one_by_one
    in_order = {name: getattr(ranking, name)[order] for name in ("mean_abs", "mean", "correlation", "mean_frequency")}
    regions = [
        feature_explanation.ShownRegion(
            str(one.surest.ids[i]), float(one.surest.probability[i]), float(alone.outputs[i]), alone.motifs[i, order],
            one.frequency_alone[i, order], {name: float(values[i]) for name, values in alone.parts.items()},
        )
        for i in range(0 if several else len(alone.outputs))
    ]  # fmt: skip
    return feature_explanation.ShownClass(
        model=of.name if several else "", name=one.name, motifs=[ranking.motifs[i] for i in order], **in_order,
        values=one.sample.motifs[:, order], frequency=one.frequency[:, order], parts=ranking.parts,
        base=one.sample.base, regions=regions,
    )  # fmt: skip


def _of_comparison(name: str, one: "Comparison") -> "feature_explanation.ShownComparison":
    from crekit.report import feature_explanation

    return feature_explanation.ShownComparison(
        name, one.models, one.motifs, one.rank, one.mean_abs, one.where, one.by_chance
    )
