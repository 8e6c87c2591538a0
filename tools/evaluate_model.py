"""evaluate-model: how good models are, with intervals, side by side, fold by fold, and at the genome's prevalence."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crekit_tools._multiqc_option import Multiqc
from crekit_tools._options import (
    Device,
    Html,
    HtmlAssets,
    Normalise,
    Output,
    Regions,
    Seed,
    SequenceFiles,
    Threads,
    TracksFiles,
    named_paths,
    tool,
)

app = tool("evaluate-model")
_OUT, _OTHERS = "More outputs", "What others say"


@app.command(
    epilog="Example: evaluate-model -m cnn.safetensors -m rnn.safetensors -t tracks.h5 -r regions.bed "
    "-o metrics.json --html report.html"
)
def evaluate_model(
    model: Annotated[
        list[str],
        typer.Option("-m", "--model", metavar="[NAME=]FILE", help="Model of train-model; folds of a run are one."),
    ],
    output: Output,
    tracks: TracksFiles = [],  # noqa: B006
    regions: Regions = [],  # noqa: B006
    sequences: SequenceFiles = [],  # noqa: B006
    genome: Annotated[
        Path | None, typer.Option("-g", "--genome", metavar="FASTA", help="With -s: score its tiles, for prevalence.")
    ] = None,
    subset: Annotated[
        str, typer.Option(metavar="test|all|CHROMS", help="Which regions; test = the model's own test set.")
    ] = "test",
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Mean of all models; not on test sets, of all folds.")
    ] = False,
    bootstrap: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Resamples; 0 = no intervals.")] = 3000,
    genome_wide: Annotated[
        bool,
        typer.Option("--genome-wide/--no-genome-wide", help="Precision at the genome's prevalence, from all tiles."),
    ] = True,
    published_windows: Annotated[
        bool, typer.Option("--published-windows", help="With -s: AUROC with the published number of windows, too.")
    ] = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Each model on each data set, on regions that it has not seen.")
    ] = False,
    relabel: Annotated[list[str], typer.Option(metavar="OLD=NEW", help="Rename classes of regions.")] = [],  # noqa: B006
    annotation: Annotated[
        list[str], typer.Option(metavar="NAME=BED", help="Its own points on the curves.", rich_help_panel=_OTHERS)
    ] = [],  # noqa: B006
    validated: Annotated[
        str | None,
        typer.Option(metavar="[NAME=]BED", help="Tested elements, class in column 4.", rich_help_panel=_OTHERS),
    ] = None,
    html: Html = None,
    html_assets: HtmlAssets = None,
    multiqc: Multiqc = None,
    predictions: Annotated[
        str | None, typer.Option(metavar="TSV", help="Probabilities of every site.", rich_help_panel=_OUT)
    ] = None,
    normalise: Normalise = None,
    threads: Threads = 2,
    device: Device = "auto",
    seed: Seed = 1,
) -> None:
    """Judge models on regions that they have not seen.

    Average precision, precision and recall, with bootstrap intervals; several models are compared on the same regions.
    """
    from crekit.errors import InputError
    from crekit.evaluation import entries_load, evaluation_run
    from crekit.evaluation import predictions as table
    from crekit.files import STDIO, require_writable, write_json
    from crekit.report import evaluation, multiqc_evaluation, page
    from crekit.report import multiqc as figures
    from crekit.training import metrics, sites

    if html_assets is not None and html is None:
        raise InputError("--html-assets needs --html, the page that the plots belong to")
    for path in filter(None, (output, predictions)):
        require_writable(path, text=True)
    beside = None
    if matrix and output != STDIO:
        beside = Path(output).with_suffix(".matrix.tsv")
        require_writable(beside)
    if html is not None:
        page.check(html, html_assets)
    called = figures.stem(output, app.tool_name)
    figures.check(multiqc, called)
    files = entries_load.with_folds(named_paths(model))
    entries = entries_load.load(files, ensemble)
    plan = evaluation_run.Plan(
        subset=subset,
        ensemble=ensemble,
        n_resamples=bootstrap,
        genome_wide=genome_wide,
        relabel=sites.parse_relabel(relabel),
        annotations=named_paths(annotation),
        validated=named_paths([validated])[0] if validated else None,
        normalise=normalise,
        published_windows=published_windows,
        genome=genome,
        device=device,
        seed=seed,
        threads=threads,
    )
    if matrix:
        cells = _matrix(entries, plan, (tracks, regions, sequences), (output, beside, predictions, html, html_assets))
        if multiqc is not None:
            figures.write(multiqc, called, multiqc_evaluation.matrix(called, cells))
        return
    found = _run(entries, plan, tracks, regions, sequences)
    if predictions is not None:
        table.write(predictions, found.scored)
    if html is not None:
        shown = evaluation.Shown(
            found.results,
            found.scored.labels,
            found.scored.probabilities,
            found.curves,
            evaluation.reliability_bins(
                found.scored.labels, found.scored.probabilities, found.scored.classes, metrics.reliability
            ),
            evaluation.read_histories(files, list(entries)),
        )
        page.write(html, evaluation.page(shown), html_assets)
    if multiqc is not None:
        scored = found.scored
        sections = multiqc_evaluation.evaluation(called, found.results, scored.labels, scored.probabilities)
        figures.write(multiqc, called, sections)
    write_json(output, found.results)


def _run(entries: Any, plan: Any, tracks: list[str], regions: list[str], sequences: list[str]) -> Any:
    """Evaluate on the data that the models take, pooled."""
    from crekit.evaluation import evaluation_run, sequence_evaluation_run
    from crekit.training import data_sets

    if _take_sequences(entries, plan, tracks, regions, sequences):
        return sequence_evaluation_run.run(named_paths(sequences), entries, plan, named_paths(tracks))
    return evaluation_run.run(data_sets.pair(named_paths(tracks), named_paths(regions)), entries, plan)


def _matrix(entries: Any, plan: Any, data: tuple[list[str], ...], outputs: tuple[Any, ...]) -> dict[str, Any]:
    """Evaluate each model on each data set, write what was asked for, and return the matrix."""
    from crekit.evaluation import matrix, matrix_run
    from crekit.files import write_json
    from crekit.report import matrix as report
    from crekit.report import page
    from crekit.training import data_sets

    matrix_run.check(plan)
    tracks, regions, sequences = data
    output, beside, predictions, html, assets = outputs
    if _take_sequences(entries, plan, tracks, regions, sequences):
        found = matrix_run.of_sequences(named_paths(sequences), entries, plan, named_paths(tracks))
    else:
        pairs = data_sets.pair(named_paths(tracks), named_paths(regions))
        found = matrix_run.of_tracks(pairs, entries, plan)
    classes = found.results["classes"]
    if predictions is not None:
        matrix.write_predictions(predictions, found.cells, classes)
    if html is not None:
        page.write(html, report.page(found.results), assets)
    if beside is not None:
        matrix.write_table(beside, found.results["matrix"], classes)
    write_json(output, found.results)
    return found.results["matrix"]


def _take_sequences(entries: Any, plan: Any, tracks: list[str], regions: list[str], sequences: list[str]) -> bool:
    """Whether the models take sequences, and not tracks.

    Raises
    ------
    InputError
        If other data were given, or options that say nothing to such models.
    """
    from crekit.errors import InputError
    from crekit.models.registry import SEQUENCE

    first = next(iter(entries.values()))
    of_sequences = first.settings.input == SEQUENCE
    idle = {
        "--genome": plan.genome and not of_sequences,
        "--published-windows": plan.published_windows and not of_sequences,
        "--normalise": plan.normalise and of_sequences,
        "--validated": plan.validated and of_sequences,
    }
    for option, given in idle.items():
        if given:
            hint = "; encode the set, and give it with -s and --subset all" if option == "--validated" else ""
            raise InputError(f"{option}: not for models of {'sequences' if of_sequences else 'tracks'}{hint}")
    if of_sequences:
        reads_tracks = any(entry.settings.signal for entry in entries.values() if entry.settings.input == SEQUENCE)
        if not sequences or regions or (tracks and not reads_tracks):
            raise InputError(f"{first.models[0].name} is a model of sequences; give -s, and neither -t nor -r")
        return True
    if not tracks or not regions or sequences:
        raise InputError(f"{first.models[0].name} is a model of tracks; give -t and -r, and no -s")
    return False
