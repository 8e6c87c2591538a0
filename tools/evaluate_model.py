"""evaluate-model: how good models are, with intervals, side by side, and at the genome's prevalence."""

from typing import Annotated

import typer

from crekit_tools._options import (
    Device,
    Html,
    HtmlAssets,
    Normalise,
    Output,
    Regions,
    Seed,
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
        list[str], typer.Option("-m", "--model", metavar="[NAME=]FILE", help="Model of train-model; repeatable.")
    ],
    tracks: TracksFiles,
    regions: Regions,
    output: Output,
    subset: Annotated[
        str, typer.Option(metavar="test|all|CHROMS", help="Which regions; test = the model's own test set.")
    ] = "test",
    ensemble: Annotated[bool, typer.Option("--ensemble", help="Add the mean of all models' probabilities.")] = False,
    bootstrap: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Resamples for intervals; 0 = none.")] = 3000,
    genome_wide: Annotated[
        bool,
        typer.Option("--genome-wide/--no-genome-wide", help="Precision at the genome's prevalence, from all tiles."),
    ] = True,
    relabel: Annotated[list[str], typer.Option(metavar="OLD=NEW", help="Rename a class of the regions.")] = [],  # noqa: B006
    annotation: Annotated[
        list[str], typer.Option(metavar="NAME=BED", help="Its own points on the curves.", rich_help_panel=_OTHERS)
    ] = [],  # noqa: B006
    validated: Annotated[
        str | None,
        typer.Option(metavar="[NAME=]BED", help="Tested elements, class in column 4.", rich_help_panel=_OTHERS),
    ] = None,
    html: Html = None,
    html_assets: HtmlAssets = None,
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
    from crekit.files import require_writable, write_json
    from crekit.report import evaluation, page
    from crekit.training import data_sets, evaluation_run, metrics, sites

    if html_assets is not None and html is None:
        raise InputError("--html-assets needs --html, the page that the plots belong to")
    for path in filter(None, (output, predictions)):
        require_writable(path, text=True)
    if html is not None:
        page.check(html, html_assets)
    files = named_paths(model)
    models = evaluation_run.load_models(files, ensemble)
    plan = evaluation_run.Plan(
        subset=subset,
        ensemble=ensemble,
        n_resamples=bootstrap,
        genome_wide=genome_wide,
        relabel=sites.parse_relabel(relabel),
        annotations=named_paths(annotation),
        validated=named_paths([validated])[0] if validated else None,
        normalise=normalise,
        device=device,
        seed=seed,
        threads=threads,
    )
    found = evaluation_run.run(data_sets.pair(named_paths(tracks), named_paths(regions)), models, plan)
    if predictions is not None:
        evaluation_run.write_predictions(predictions, found.scored)
    if html is not None:
        histories = [evaluation.read_history(path.with_suffix(".history.tsv")) for _, path in files]
        shown = evaluation.Shown(
            found.results,
            found.scored.labels,
            found.scored.probabilities,
            found.curves,
            evaluation.reliability_bins(
                found.scored.labels, found.scored.probabilities, found.scored.classes, metrics.reliability
            ),
            dict(zip(models, histories, strict=True)),
        )
        page.write(html, evaluation.page(shown), html_assets)
    write_json(output, found.results)
